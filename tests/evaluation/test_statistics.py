"""Intervals are paired, clustered, and right where the answer is known."""

import numpy as np
import pytest

from magicfixup_demo.evaluation.statistics import BEST, summarise, with_best


def rows(differences: list[float], sources: list[str]) -> list[dict]:
    return [
        {"kind": "moved", "source": source, "values": {"a": {"lpips_whole": 0.2 + d}, "b": {"lpips_whole": 0.2}}}
        for d, source in zip(differences, sources, strict=True)
    ]


def test_intervals_are_paired():
    """Pictures differ a lot from each other, methods always by the same: the interval of the difference is narrow."""
    rng = np.random.default_rng(0)
    data = [
        {"kind": "moved", "source": str(i), "values": {"a": {"x": v + 0.01}, "b": {"x": v}}}
        for i, v in enumerate(rng.uniform(0, 1, 50))
    ]
    entry = summarise(data, ["a", "b"])["all"]["x"]["a"]
    low, high = entry["difference"]["b"]
    assert low == pytest.approx(0.01, abs=1e-4) and high == pytest.approx(0.01, abs=1e-4)
    assert entry["high"] - entry["low"] > 0.05


def test_intervals_are_clustered():
    """Ten pairs of one clip tell less than ten clips: the interval is wider."""
    rng = np.random.default_rng(1)
    clip_effect = np.repeat(rng.normal(0, 0.1, 6), 10)
    apart = summarise(rows(clip_effect.tolist(), [str(i) for i in range(60)]), ["a", "b"])
    together = summarise(rows(clip_effect.tolist(), [str(i // 10) for i in range(60)]), ["a", "b"])
    width = [np.ptp(s["all"]["lpips_whole"]["a"]["difference"]["b"]) for s in (apart, together)]
    assert width[1] > 1.5 * width[0]


def test_the_interval_covers_the_truth():
    """95 % intervals of the mean of 40 normal numbers hold the true mean in most of 200 experiments."""
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(200):
        entry = summarise(rows(rng.normal(0, 0.05, 40).tolist(), [str(i) for i in range(40)]), ["a"])
        low, high = (entry["all"]["lpips_whole"]["a"][key] for key in ("low", "high"))
        hits += low <= 0.2 <= high
    assert 0.88 < hits / 200 <= 1


def test_ratio_of_means():
    data = [{"kind": "moved", "source": str(i), "values": {"a": {"x": 0.8 * i}, "b": {"x": i}}} for i in range(1, 30)]
    summary = summarise(data, ["a", "b"])["all"]["x"]
    assert summary["a"]["ratio"]["b"] == pytest.approx([0.8, 0.8, 0.8])
    assert summary["b"]["ratio"]["a"] == pytest.approx([1.25, 1.25, 1.25])


def test_groups_and_missing_metrics():
    data = [
        {"kind": kind, "source": kind, "values": {"a": {"x": 1.0} | ({"y": 2.0} if kind == "flow" else {})}}
        for kind in ("affine", "flow", "moved")
    ]
    summary = summarise(data, ["a"])
    assert {group: entry["pairs"] for group, entry in summary.items()} == {
        "all": 3, "video": 2, "photo": 1, "affine": 1, "flow": 1, "moved": 1,
    }  # fmt: skip
    assert summary["all"]["x"]["a"]["pairs"] == 3 and summary["all"]["y"]["a"]["pairs"] == 1
    assert "y" not in summary["photo"]


def test_the_best_candidate_gets_its_own_name():
    data = rows([0.1, 0.2], ["1", "2"])
    assert with_best(data, ["a", "b"]) == "b"
    assert all(row["values"][BEST] == row["values"]["b"] for row in data)
    assert with_best(data, []) is None
