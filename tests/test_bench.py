"""The benchmark counts and reports what it should; how fast the machine is, is not tested."""

import json
import os

import numpy as np
import pytest

from magicfixup_demo import bench
from magicfixup_demo.errors import MagicFixupError


class CountingEngine:
    """Stands in for an engine; remembers what it was asked."""

    def __init__(self):
        self.calls, self.forgotten = [], 0

    def forget(self):
        self.forgotten += 1

    def fixup(self, photo, edit, options, progress=None):
        assert photo.shape == (512, 512, 3) and edit.alpha.shape == (512, 512)
        self.calls.append(options)


def test_fixup_is_measured_for_each_number_of_steps_after_a_warm_up(monkeypatch):
    engine = CountingEngine()
    monkeypatch.setattr(bench, "load_engine", lambda name, backend: engine)
    seconds = bench._measure_fixup("small", "torch", repeats=2)
    assert [len(figures["all"]) for figures in seconds.values()] == [3, 3, 3, 3, 3]
    assert [options.steps for options in engine.calls] == [1] * 3 + [2] * 3 + [4] * 3 + [None] * 3 + [2] * 3
    assert [options.sdedit for options in engine.calls] == [False] * 9 + [True] * 3 + [False] * 3
    assert engine.forgotten == 12, "all but the second edits are first ones"


def test_the_median_leaves_the_first_call_out():
    assert bench._figures([90.0, 1.0, 3.0, 2.0]) == {"median": 2.0, "first": 90.0, "all": [90.0, 1.0, 3.0, 2.0]}


def test_the_report_is_printed_and_written(tmp_path, monkeypatch, capsys):
    figures = bench._figures([2.0, 1.0])
    monkeypatch.setattr(bench, "_measure_start", lambda repeats: ({"start-up to first page": figures}, None))
    monkeypatch.setattr(bench, "_measure_clicks", lambda name, repeats: {"click to mask": figures})
    monkeypatch.setattr(bench, "_measure_fixup", lambda name, backend, repeats: {"fix-up": figures})
    report = bench.run(str(tmp_path / "report.json"), repeats=1)
    assert json.loads((tmp_path / "report.json").read_text()) == report
    printed = capsys.readouterr().out
    assert (
        "| click to mask | 1.000 s | 2.000 s |" in printed and "| peak memory, app after start | not known |" in printed
    )


@pytest.mark.skipif(bench.peak_memory_mb(os.getpid()) is None, reason="this system has no /proc to read memory from")
def test_peak_memory_grows_with_what_is_held():
    before = bench.peak_memory_mb(os.getpid())
    held = np.ones(40_000_000 + int(before * 1e6) // 8)  # more than was ever held, at 8 bytes each
    after = bench.peak_memory_mb(os.getpid())
    assert held.size and after > before + 100


def test_an_app_that_does_not_start_is_reported(tmp_path, monkeypatch):
    (tmp_path / "app.py").write_text("raise SystemExit('no such model')")
    monkeypatch.setattr(bench, "REPOSITORY", tmp_path)
    with pytest.raises(MagicFixupError, match="no such model"):
        bench._measure_start(repeats=1)
