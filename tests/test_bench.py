"""The benchmark counts and reports what it should; how fast the machine is, is not tested."""

import json
import os

import numpy as np
import pytest

from magicfixup_demo import bench
from magicfixup_demo.affine import apply
from magicfixup_demo.engine.plate import removed_objects
from magicfixup_demo.errors import MagicFixupError


class CountingEngine:
    """Stands in for an engine; remembers what it was asked."""

    def __init__(self):
        self.calls, self.lifts, self.forgotten = [], [], 0

    def forget(self):
        self.forgotten += 1

    def fixup(self, photo, edit, options, progress=None):
        assert edit.alpha.shape == photo.shape[:2]
        self.calls.append((photo.shape, edit, options))

    def lift(self, photo, objects, seed=0, progress=None):
        assert all(mask.shape == photo.shape[:2] and mask.any() for mask in objects)
        self.lifts.append(photo.shape)


class OnlyFixups(CountingEngine):
    lift = property()  # as an engine of diffusion alone: it has none


def measured(engine, monkeypatch) -> dict:
    monkeypatch.setattr(bench, "load_engine", lambda name, backend: engine)
    monkeypatch.setattr(bench, "LARGE", (1250, 800))
    return bench._measure_fixup("small", "torch", repeats=2)


def test_ground_result_repetition_comparison_and_a_large_photo_are_measured_after_a_warm_up(monkeypatch):
    engine = CountingEngine()
    seconds = measured(engine, monkeypatch)
    assert list(seconds) == [
        "plate at 512",
        "fix-up at 512 without SDEdit",
        "the same objects moved again",
        "with SDEdit beside it",
        "1 megapixels",
    ]
    assert {len(figures["all"]) for figures in seconds.values()} == {3}
    assert engine.lifts == [(512, 512, 3)] * 3
    shapes = [shape for shape, _, _ in engine.calls]
    assert shapes == [(512, 512, 3)] * 9 + [(800, 1250, 3)] * 3
    assert [options.sdedit for _, _, options in engine.calls] == [False] * 6 + [True] * 3 + [False] * 3
    assert engine.forgotten == 12, "all but those that are moved again are first ones"
    first, again = (engine.calls[i][1].collage for i in (0, 3))
    assert [layer.matrix for layer in first.layers] != [layer.matrix for layer in again.layers]
    assert (removed_objects(first) == removed_objects(again)).all()


def test_the_example_is_the_same_at_every_size(monkeypatch):
    """Its object covers as much of the photo, and lands at as much of its sides."""
    middles = []
    for width, height in ((600, 400), (512, 512), (1200, 900)):
        _, edit, _ = bench._scene(width, height)
        (segment,), (layer,) = edit.collage.segments, edit.collage.layers
        x, y = apply(layer.matrix, segment.corners[0])
        middles.append((x / width, y / height, removed_objects(edit.collage).mean()))
    np.testing.assert_allclose(middles[1:], [middles[0]] * 2, atol=0.01)


def test_a_model_without_a_ground_of_its_own_is_measured_without_one(monkeypatch):
    assert "plate at 512" not in measured(OnlyFixups(), monkeypatch)


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
