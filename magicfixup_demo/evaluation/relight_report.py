"""The colour test on many photos: rows, and the share of the error in the object that each method leaves."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from magicfixup_demo.errors import DataError
from magicfixup_demo.evaluation.relighting import LIGHTS, VARIANTS, displacement, object_errors, relit_pair
from magicfixup_demo.evaluation.rows import RowFile, fingerprint
from magicfixup_demo.evaluation.runner import SEED, Task, methods_of, share_of_threads, spread
from magicfixup_demo.evaluation.statistics import bootstrap_weights, ratio
from magicfixup_demo.evaluation.tables import Cells
from magicfixup_demo.pairs.sources import Source, find_sources, read_mask, read_photo

DEFAULT_METHODS = ("poisson", "small")
AREA = (0.01, 0.3)  # of the picture: objects that are tried
COARSE = "coarse"  # the edit as it is


def evaluate_relighting(
    folder: Path,
    names: list[str] | None,
    out: Path,
    most_photos: int | None = None,
    progress: Callable[[float, str], None] | None = None,
    workers: int = 1,
) -> dict:
    """Relight one object of each validation photo below ``folder`` that has masks; write and return the report.

    Resumable like report.evaluate. Raises DataError when there is no such photo, OptionError for unknown methods.
    """
    sources = [s for s in find_sources(folder) if s.masks and s.split == "val"]
    if not sources:
        raise DataError(f"There is no validation photo with object masks below {folder}; see the command `pairs`.")
    order = np.random.default_rng(SEED).permutation(len(sources))[:most_photos]
    chosen = [(sources[i], int(k) % 2) for k, i in enumerate(order)]
    names = list(names or DEFAULT_METHODS)
    task = Task(folder.resolve(), tuple(names), threads=share_of_threads(workers))
    kept = RowFile(out.with_suffix(".jsonl"), {"photos": str(task.folder), "methods": names, "code": fingerprint()})
    done = {row["photo"] for row in kept.rows}
    waiting = [item for item in chosen if item[0].path.name not in done]
    for i, row in enumerate(spread(measure_photo, task, waiting, workers)):
        kept.add(row)
        if progress:
            progress((len(chosen) - len(waiting) + i + 1) / len(chosen), row["photo"])
    rows = [row for row in kept.rows if row["photo"] in {source.path.name for source, _ in chosen}]
    report = summarise_relighting(rows, names) | {"rows": rows}
    out.write_text(json.dumps(report, indent=1))
    return report


def measure_photo(task: Task, item: tuple[Source, int]) -> dict:
    """{photo, variants: {variant: {light: {method: {mae, rmse}}}}}; no variants where no object fits."""
    source, direction = item
    photo = read_photo(source.path)
    row: dict = {"photo": source.path.name, "variants": {}}
    mask = _object(source, photo.shape[1], photo.shape[0])
    move = displacement(mask, np.random.default_rng([SEED, *source.path.stem.encode()])) if mask is not None else None
    if move is None:
        return row
    for variant in VARIANTS:
        row["variants"][variant] = {}
        for name, lights in LIGHTS.items():
            pair = relit_pair(photo, mask, lights[direction], variant, move)
            results = {method: run(pair.reference, pair.edit, SEED) for method, run in methods_of(task).items()}
            results[COARSE] = pair.edit.rgb
            row["variants"][variant][name] = {m: object_errors(pair, mask, r) for m, r in results.items()}
    return row


def summarise_relighting(rows: list[dict], names: list[str]) -> dict:
    """{photos, methods, summary: {variant: {light: {method: {mae, rmse, ratio, better}}}}}.

    ``ratio``: [mean absolute error over the coarse edit's, low, high] (95 %, bootstrap over photos); at most 0.5 is
    wanted. ``better``: the share of photos in which it is lower. "none" (not relit) has errors alone: the harm done.
    """
    rows = [row for row in rows if row["variants"]]
    summary = {
        variant: {light: _of_light([row["variants"][variant][light] for row in rows], names) for light in LIGHTS}
        for variant in (VARIANTS if rows else ())
    }
    return {"photos": len(rows), "methods": [COARSE, *names], "summary": summary}


def relighting_table(report: dict, variant: str) -> Cells:
    """Mean absolute error in the object, in grey levels, and what is left of the coarse edit's."""
    lines = [["method", *report["summary"][variant]]]
    for name in report["methods"]:
        lines.append([name, *(_cell(entry[name]) for entry in report["summary"][variant].values())])
    return lines


def _of_light(errors: list[dict], names: list[str]) -> dict:
    weights = bootstrap_weights([str(i) for i in range(len(errors))])  # one entry a photo
    values = {name: np.array([error[name]["mae"] for error in errors]) for name in (COARSE, *names)}
    return {
        name: {
            "mae": round(float(mae.mean()), 4),
            "rmse": round(float(np.mean([error[name]["rmse"] for error in errors])), 4),
            "ratio": ratio(mae, values[COARSE], weights) if name != COARSE else None,
            "better": round(float((mae < values[COARSE]).mean()), 3),
        }
        for name, mae in values.items()
    }


def _cell(entry: dict) -> str:
    if entry["ratio"] is None:
        return f"{entry['mae']:.1f}"
    value, low, high = entry["ratio"]
    return f"{entry['mae']:.1f}, {value:.2f} ({low:.2f} to {high:.2f})"


def _object(source: Source, width: int, height: int) -> np.ndarray | None:
    """The photo's largest object within AREA, (H, W) bool."""
    masks = [read_mask(path, width, height) for path in source.masks]
    fitting = [mask for mask in masks if AREA[0] < mask.mean() < AREA[1]]
    return max(fitting, key=np.sum, default=None)
