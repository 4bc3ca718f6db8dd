"""Rows of measurements -> means with paired bootstrap intervals (Efron 1979), clustered by clip or photo."""

import numpy as np

RESAMPLES = 2000
INTERVAL = (2.5, 97.5)  # percentiles: 95 %
GROUPS = {"video": ("affine", "flow"), "photo": ("moved", "intruder")}
BEST = "sdedit@best"


def summarise(rows: list[dict], names: list[str]) -> dict:
    """{group: {"pairs": n, metric: {method: {mean, low, high, difference, ratio}}}}, intervals of 95 %.

    Groups: "all", "video", "photo" (see GROUPS) and each kind of pair. ``difference`` holds, for each other method, the
    interval of (this - other): clear of zero means that the two differ. ``ratio`` holds (value, low, high) of
    mean of this / mean of other: below 0.8 means a fifth less. ``rows``: {kind, source, values: {method: {metric: x}}};
    a metric that a row lacks (no hole, say) is averaged over the others, whose number is ``pairs`` of that metric.
    """
    groups = {"all": rows}
    for group, kinds in GROUPS.items():
        groups[group] = [row for row in rows if row["kind"] in kinds]
    for row in rows:
        groups.setdefault(row["kind"], []).append(row)
    return {group: _of_group(chosen, names) for group, chosen in groups.items() if chosen}


def with_best(rows: list[dict], candidates: list[str], metric: str = "lpips_whole") -> str | None:
    """Add the best of the candidates (lowest mean of ``metric`` on all rows) to the rows as the method BEST.

    It is chosen on the very pairs that are reported, which favours it. Returns its name, None without candidates.
    """
    if not candidates or not rows:
        return None
    best = min(candidates, key=lambda name: float(np.mean([row["values"][name][metric] for row in rows])))
    for row in rows:
        row["values"][BEST] = row["values"][best]
    return best


def _of_group(rows: list[dict], names: list[str]) -> dict:
    metrics = sorted({metric for row in rows for metric in row["values"][names[0]]})
    return {"pairs": len(rows)} | {metric: _intervals(rows, names, metric) for metric in metrics}


def _intervals(rows: list[dict], names: list[str], metric: str) -> dict:
    rows = [row for row in rows if metric in row["values"][names[0]]]
    values = {name: np.array([row["values"][name][metric] for row in rows]) for name in names}
    weights = bootstrap_weights([row["source"] for row in rows])  # (RESAMPLES, rows)
    means = {name: weights @ value for name, value in values.items()}
    return {
        name: {"pairs": len(rows), "mean": _rounded(values[name].mean())}
        | dict(zip(("low", "high"), _percentiles(means[name]), strict=True))
        | {
            "difference": {o: _percentiles(means[name] - means[o]) for o in names if o != name},
            "ratio": {o: ratio(values[name], values[o], weights) for o in names if o != name},
        }
        for name in names
    }


def ratio(values: np.ndarray, others: np.ndarray, weights: np.ndarray) -> list[float] | None:
    """[mean / mean, low, high] of two paired sets of values >= 0; None where the second mean is 0."""
    if others.mean() <= 0:
        return None
    resampled = (weights @ values) / np.maximum(weights @ others, 1e-12)
    return [_rounded(values.mean() / others.mean()), *_percentiles(resampled)]


def bootstrap_weights(sources: list[str]) -> np.ndarray:
    """(RESAMPLES, rows): whole clips or photos drawn with replacement; each line sums to 1.

    The same draws for all methods, from a fixed seed: paired.
    """
    names, index = np.unique(np.array(sources), return_inverse=True)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES)  # (RESAMPLES, clusters)
    weights = draws[:, index].astype(np.float64)
    return weights / weights.sum(axis=1, keepdims=True)


def _percentiles(values: np.ndarray) -> list[float]:
    return [_rounded(value) for value in np.percentile(values, INTERVAL)]


def _rounded(value: float) -> float:
    return round(float(value), 5)
