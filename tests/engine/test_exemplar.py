"""Texture painted into holes: whose pixels it takes, where, and at any size."""

import numpy as np
import pytest

from magicfixup_demo.engine.exemplar import paint_texture


def stripes(height: int, width: int, period: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    values = ((rows * 2 + columns) // period % 2) * 200 + 20
    return np.repeat(values.astype(np.uint8)[..., None], 3, axis=2)


def box(shape: tuple[int, int], top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


@pytest.mark.parametrize("seed", [0, 5])
@pytest.mark.parametrize("size", [(200, 300), (512, 512), (900, 1300)])
def test_a_pattern_is_continued_at_any_size(size, seed):
    photo = stripes(*size, period=size[0] // 20)
    hole = box(size, size[0] // 3, size[1] // 3, size[0] // 5, size[0] // 5)
    damaged = np.where(hole[..., None], 120, photo).astype(np.uint8)
    painted = paint_texture(damaged, hole, ~hole, seed)
    assert np.array_equal(painted[~hole], photo[~hole])
    wrong = np.abs(painted[hole].astype(int) - photo[hole]).mean()
    assert wrong < 0.4 * np.abs(damaged[hole].astype(int) - photo[hole]).mean()


def bands(height: int, width: int) -> np.ndarray:
    """Sky, dark ground and bright ground from top to bottom, with grain."""
    levels = np.repeat([200, 90, 220], [height // 2, height // 5, height - height // 2 - height // 5])
    grain = np.random.default_rng(3).normal(0, 4, (height, width, 3))
    return np.clip(levels[:, None, None] + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", [0, 5])
def test_what_lies_on_both_sides_goes_on_through_the_hole_though_the_guess_is_wrong(seed):
    photo = bands(320, 480)
    hole = box((320, 480), 110, 160, 180, 150)
    guess = photo.copy()
    guess[box((320, 480), 150, 170, 140, 130)] = 220  # the bright ground, drawn up as a smooth fill does
    painted = paint_texture(guess, hole, ~hole, seed)
    wrong = np.abs(painted.astype(int) - photo)[hole].mean(axis=1) > 40
    assert wrong.mean() < 0.05


def test_only_the_sources_are_copied():
    """Left half blue, right half red; the hole lies in the red half, but only blue may be copied."""
    photo = np.zeros((256, 256, 3), np.uint8)
    photo[:, :128, 2] = 200
    photo[:, 128:, 0] = 200
    photo[..., 1] = np.random.default_rng(0).integers(0, 40, (256, 256))
    hole = box((256, 256), 100, 170, 40, 40)
    sources = ~hole
    sources[:, 120:] = False
    inside = paint_texture(photo, hole, sources)[hole]
    assert (inside[:, 2] > 150).all() and (inside[:, 0] < 50).all()


def test_the_same_input_gives_the_same_output():
    photo = np.random.default_rng(1).integers(0, 255, (160, 160, 3), dtype=np.uint8)
    hole = box((160, 160), 60, 60, 30, 40)
    assert np.array_equal(paint_texture(photo, hole, ~hole), paint_texture(photo, hole, ~hole))


def test_each_seed_paints_another_texture_of_the_same_pixels():
    photo = np.random.default_rng(1).integers(0, 255, (160, 160, 3), dtype=np.uint8)
    hole = box((160, 160), 60, 60, 30, 40)
    first, other, again = (paint_texture(photo, hole, ~hole, seed) for seed in (0, 6, 6))
    assert np.array_equal(first, paint_texture(photo, hole, ~hole)) and np.array_equal(other, again)
    assert np.array_equal(other[~hole], photo[~hole])
    assert np.abs(first[hole].astype(int) - other[hole]).mean() > 10


@pytest.mark.parametrize("sources", ["none", "few"])
def test_with_nothing_to_copy_the_picture_comes_back(sources):
    photo = np.random.default_rng(1).integers(0, 255, (96, 128, 3), dtype=np.uint8)
    hole = box((96, 128), 20, 20, 40, 60)
    usable = np.zeros_like(hole) if sources == "none" else box((96, 128), 0, 0, 6, 6)
    assert np.array_equal(paint_texture(photo, hole, usable), photo)


def test_without_a_hole_nothing_happens():
    photo = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    nothing = np.zeros((64, 64), bool)
    assert np.array_equal(paint_texture(photo, nothing, ~nothing), photo)


@pytest.mark.parametrize("shape", [(40, 300), (300, 40), (33, 35)])
def test_odd_shapes_and_holes_at_the_border(shape):
    photo = np.random.default_rng(1).integers(0, 255, (*shape, 3), dtype=np.uint8)
    hole = box(shape, 0, 0, 15, shape[1] // 2)
    painted = paint_texture(photo, hole, ~hole)
    assert np.array_equal(painted[~hole], photo[~hole])
