"""The pictures of a run."""

import numpy as np

from magicfixup_demo.training.curves import HEIGHT, WIDTH, draw_curves, draw_panel
from magicfixup_demo.training.journal import append


def ink(panel: np.ndarray) -> int:
    return int((panel != 255).any(axis=2).sum())


def test_curves_of_an_empty_run_are_empty_panels(tmp_path):
    assert draw_curves(tmp_path).shape == (3 * HEIGHT, WIDTH, 3)


def test_loss_and_both_regions_are_drawn_and_missing_values_left_out(tmp_path):
    empty = draw_curves(tmp_path)
    for step in (1, 10, 20):
        append(tmp_path / "log.jsonl", {"step": step, "loss": 1 / step})
        append(tmp_path / "validation.jsonl", {"step": step, "fill all": 0.2, "fill hole": None})
    panels = [draw_curves(tmp_path)[i * HEIGHT : (i + 1) * HEIGHT] for i in range(3)]
    blank = [empty[i * HEIGHT : (i + 1) * HEIGHT] for i in range(3)]
    assert ink(panels[0]) > ink(blank[0]) and ink(panels[1]) > ink(blank[1])
    assert ink(panels[2]) == ink(blank[2])


def test_a_far_method_does_not_flatten_the_others():
    steps, near = np.arange(10.0), np.linspace(0.2, 0.3, 10)
    alone = draw_panel("t", {"near": (steps, near)})
    both = draw_panel("t", {"near": (steps, near), "far": (steps, np.full(10, 50.0))})

    def height(panel):
        blue = (panel[40:, 60:] == (30, 90, 200)).all(axis=2)
        rows = np.flatnonzero(blue.any(axis=1))
        return rows.max() - rows.min()

    assert height(both) > 0.2 * height(alone)
