"""Pairs -> every method -> metrics by region -> means with intervals: JSON, and a page of pictures."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from magicfixup_demo.errors import DataError, ModelError
from magicfixup_demo.evaluation.methods import MIGAN, expand, load_methods, needs_weights
from magicfixup_demo.evaluation.migan import migan_file
from magicfixup_demo.evaluation.page import write_page
from magicfixup_demo.evaluation.pictures import has_pictures
from magicfixup_demo.evaluation.rows import RowFile, fingerprint
from magicfixup_demo.evaluation.runner import Task, measure_pair, share_of_threads, spread
from magicfixup_demo.evaluation.statistics import BEST, summarise, with_best
from magicfixup_demo.pairs.store import pair_names

DEFAULT_METHODS = ("telea", "ns", "poisson", "texture", "sdedit@best", "small", "small~outside")


def evaluate(
    folder: Path,
    names: list[str] | None,
    out: Path,
    model: str = "small",
    most_pairs: int | None = None,
    pictures: Path | None = None,
    progress: Callable[[float, str], None] | None = None,
    workers: int = 1,
    migan: Path | None = None,
) -> dict:
    """Run the methods on all pairs of a folder (or on ``most_pairs`` of them, chosen by a fixed seed) and write JSON.

    ``names``: see methods.load_methods; None takes DEFAULT_METHODS and, where it can be had, MI-GAN. ``pictures``: a
    folder for side by side pictures and a page of them. Each pair is kept in OUT.jsonl as soon as it is measured; a
    second run goes on from there, and measures only what is new: other methods, other code, other weights. Returns the
    report. Raises DataError when there is no pair, OptionError and ModelError for methods that cannot be had.
    """
    # 1. What to run, on what
    pairs = _choose_pairs(folder, most_pairs)
    names, left_out = _with_peer(names, migan)
    names, candidates = expand(names)
    # 2. Every method on every pair that is not done yet
    task = Task(folder.resolve(), tuple(names), model, migan, pictures, share_of_threads(workers))
    kept = RowFile(out.with_suffix(".jsonl"), {"pairs": str(task.folder), "model": model})
    code = {weighty: fingerprint(with_weights=weighty) for weighty in set(map(needs_weights, names))}  # weights: 53 MB
    made = {name: code[needs_weights(name)] for name in names}
    waiting = _missing(kept.pairs(), pairs, made, pictures)
    for i, row in enumerate(spread(measure_pair, task, waiting, workers)):
        kept.add(row | {"made": {name: made[name] for name in row["values"]}})
        if progress:
            progress((len(pairs) - len(waiting) + i + 1) / len(pairs), row["pair"])
    # 3. The report, and its page
    rows = kept.pairs()
    report = assemble([rows[pair] for pair in pairs], names, candidates) | {"left_out": left_out}
    out.write_text(json.dumps(report, indent=1))
    if pictures is not None:
        write_page(report, pictures)
    return report


def assemble(rows: list[dict], names: list[str], candidates: list[str]) -> dict:
    """Rows -> the report: {pairs, methods, sdedit_best, seconds, summary, rows}; seconds are medians by method."""
    best = with_best(rows, candidates)
    seconds = {name: round(float(np.median([row["seconds"][name] for row in rows])), 3) for name in names}
    shown = [*names, BEST] if best else names
    summary = summarise(rows, shown)
    return {
        "pairs": len(rows),
        "methods": shown,
        "sdedit_best": best,
        "seconds": seconds,
        "summary": summary,
        "rows": rows,
    }


def _missing(
    rows: dict[str, dict], pairs: list[str], made: dict[str, str], pictures: Path | None
) -> list[tuple[str, tuple[str, ...]]]:
    """[(pair, the methods to run on it)]: those not measured yet, or made of something else than ``made`` says."""

    def is_there(pair: str, name: str) -> bool:
        shown = pictures is None or has_pictures(pictures / pair, [name])
        return shown and rows.get(pair, {}).get("made", {}).get(name) == made[name]

    items = [(pair, tuple(name for name in made if not is_there(pair, name))) for pair in pairs]
    return [item for item in items if item[1]]


def _choose_pairs(folder: Path, most: int | None) -> list[str]:
    pairs = pair_names(folder)
    if not pairs:
        raise DataError(f"There are no pairs in {folder}; make some with the command `pairs`.")
    if most is not None and most < len(pairs):
        pairs = [pairs[i] for i in sorted(np.random.default_rng(0).permutation(len(pairs))[:most])]
    return pairs


def _with_peer(names: list[str] | None, migan: Path | None) -> tuple[list[str], dict[str, str]]:
    """The methods, and why one is left out. MI-GAN is asked for by its name or by naming its file."""
    if names is not None:
        return names, {}
    names = list(DEFAULT_METHODS)
    try:
        load_methods([MIGAN], migan=migan)
    except ModelError as error:
        if migan_file(migan) is not None:
            raise
        return names, {MIGAN: str(error)}
    return [*names[:3], MIGAN, *names[3:]], {}
