"""Pairs -> every method -> metrics by region -> means with paired bootstrap intervals, clustered by clip or photo."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from magicfixup_demo.engine.conditioning import dilated_hole
from magicfixup_demo.errors import DataError
from magicfixup_demo.evaluation.methods import Method, load_methods
from magicfixup_demo.evaluation.metrics import measure
from magicfixup_demo.images import save_png
from magicfixup_demo.training.pairs import kind_of, load_pair, pair_names, source_of
from magicfixup_demo.training.synthetic import Pair

RESAMPLES = 2000
LEAST_HOLE = 64  # pixels; smaller holes say nothing


def evaluate(
    folder: Path,
    names: list[str],
    out: Path,
    model: str = "small",
    most_pairs: int | None = None,
    pictures: Path | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> dict:
    """Run the methods on all pairs of a folder (or on ``most_pairs`` of them, chosen by a fixed seed) and write JSON.

    ``pictures``: a folder for side by side pictures (reference, edit, each method, target). Returns the report.
    Raises DataError when there is no pair.
    """
    pairs = pair_names(folder)
    if not pairs:
        raise DataError(f"There are no pairs in {folder}; make some with the command `pairs`.")
    if most_pairs is not None and most_pairs < len(pairs):
        pairs = [pairs[i] for i in sorted(np.random.default_rng(0).permutation(len(pairs))[:most_pairs])]
    methods = load_methods(names, model)
    rows = []
    for i, name in enumerate(pairs):
        if progress:
            progress(i / len(pairs), name)
        rows.append(_measure(load_pair(folder, name), name, methods, pictures))
    report = {"pairs": len(rows), "methods": names, "summary": summarise(rows, names), "rows": rows}
    out.write_text(json.dumps(report, indent=1))
    return report


def summarise(rows: list[dict], names: list[str]) -> dict:
    """{kind: {metric: {method: {mean, low, high, better_than: {other: [low, high]}}}}}; 95 % intervals.

    ``difference`` holds the interval of (this method - other): clear of zero means that the two differ.
    """
    kinds = {"all": rows}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    summary: dict = {}
    for kind, chosen in kinds.items():
        metrics = sorted({key for row in chosen for key in row["values"][names[0]]})
        summary[kind] = {"pairs": len(chosen)} | {m: _intervals(chosen, names, m) for m in metrics}
    return summary


def _intervals(rows: list[dict], names: list[str], metric: str) -> dict:
    rows = [row for row in rows if metric in row["values"][names[0]]]
    values = {name: np.array([row["values"][name][metric] for row in rows]) for name in names}
    clusters = np.array([row["source"] for row in rows])
    weights = _bootstrap_weights(clusters)  # (RESAMPLES, rows)
    means = {name: weights @ value for name, value in values.items()}
    result = {}
    for name in names:
        low, high = np.percentile(means[name], (2.5, 97.5))
        versus = {o: [round(float(v), 5) for v in np.percentile(means[name] - means[o], (2.5, 97.5))] for o in names}
        versus.pop(name)
        result[name] = {
            "mean": round(float(values[name].mean()), 5),
            "low": round(float(low), 5),
            "high": round(float(high), 5),
            "difference": versus,
        }
    return result


def _bootstrap_weights(clusters: np.ndarray) -> np.ndarray:
    """Draw whole clips or photos with replacement; each row sums to 1. The same draws for all methods: paired."""
    rng = np.random.default_rng(0)
    names, index = np.unique(clusters, return_inverse=True)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)  # (RESAMPLES, clusters)
    weights = draws[:, index].astype(np.float64)
    return weights / weights.sum(axis=1, keepdims=True)


def _measure(pair: Pair, name: str, methods: dict[str, Method], pictures: Path | None) -> dict:
    hole = dilated_hole(pair.edit)
    values, results = {}, {}
    for method_name, method in methods.items():
        result = results[method_name] = method(pair.reference, pair.edit, 0)
        values[method_name] = measure(result, pair.target, hole if hole.sum() >= LEAST_HOLE else None)
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        edit = np.where(pair.edit.hole[..., None], (255, 0, 255), pair.edit.rgb).astype(np.uint8)
        save_png(pictures / f"{name}.png", np.hstack([pair.reference, edit, *results.values(), pair.target]))
    return {
        "pair": name,
        "kind": kind_of(name),
        "source": source_of(name),
        "hole": float(hole.mean()),
        "values": values,
    }


def table(report: dict, kind: str = "all") -> str:
    """The summary of one kind as a Markdown table, for the README."""
    metrics = ["lpips", "lpips_hole", "ssim", "psnr"]
    chosen = report["summary"][kind]
    lines = ["| method | " + " | ".join(metrics) + " |", "|---" * (len(metrics) + 1) + "|"]
    for name in report["methods"]:
        cells = [f"{chosen[m][name]['mean']:.3f}" if m in chosen else "" for m in metrics]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
