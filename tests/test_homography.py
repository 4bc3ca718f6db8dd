"""Perspective: the vectors shared with web/model/homography.js, and the properties that hold for any quad."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from magicfixup_demo import affine, homography

BOX = ((10.0, 20.0), (110.0, 20.0), (110.0, 70.0), (10.0, 70.0))
offsets = st.lists(st.tuples(st.floats(-60, 60), st.floats(-60, 60)), min_size=4, max_size=4)
points = st.tuples(st.floats(10, 110), st.floats(20, 70))


def sound(moves) -> homography.Quad:
    assume(homography.is_sound(BOX, moves))
    return homography.moved(BOX, moves)


def test_shared_vectors(repository):
    cases = json.loads((repository / "tests" / "affine_vectors.json").read_text())["quads"]
    assert len(cases) > 4
    for case in cases:
        warp = homography.from_quads(case["source"], case["target"])
        for point, out in zip(case["points"], case["out"], strict=True):
            assert homography.apply(warp, point) == pytest.approx(out, rel=1e-9, abs=1e-6)


@given(moves=offsets)
def test_corners_go_to_corners_and_back(moves):
    quad = sound(moves)
    warp = homography.from_quads(BOX, quad)
    for corner, target in zip(BOX, quad, strict=True):
        assert homography.apply(warp, corner) == pytest.approx(target, abs=1e-5)
        assert homography.apply(homography.invert(warp), target) == pytest.approx(corner, abs=1e-4)


@given(moves=offsets, point=points)
def test_a_sound_distort_keeps_the_inside_inside(moves, point):
    quad = sound(moves)
    x, y = homography.apply(homography.from_quads(BOX, quad), point)
    for k in range(4):
        (x0, y0), (x1, y1) = quad[k], quad[(k + 1) % 4]
        assert (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= -1e-3


def test_a_quad_moved_by_a_matrix_is_that_matrix():
    matrix = affine.compose(affine.translation(30, -4), affine.compose(affine.rotation(0.4), affine.scaling(2, 0.7)))
    quad = [affine.apply(matrix, corner) for corner in BOX]
    warp = homography.from_quads(BOX, quad)
    assert [value / warp[8] for value in warp] == pytest.approx(homography.from_affine(matrix), abs=1e-9)


def test_composition_applies_the_inner_one_first():
    outer = homography.from_quads(BOX, ((0, 0), (50, 10), (60, 60), (-5, 40)))
    inner = homography.from_quads(BOX, ((12, 18), (100, 30), (120, 70), (0, 66)))
    expected = homography.apply(outer, homography.apply(inner, (33, 44)))
    assert homography.apply(homography.compose(outer, inner), (33, 44)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "moves",
    [
        [(100, 0), (-100, 0), (0, 0), (0, 0)],  # crossed
        [(-20, 0), (-120, 0), (-120, 0), (100, 0)],  # a corner inside the others' triangle
        [(100, 0), (-100, 0), (-100, 0), (100, 0)],  # turned over
        [(0, 50), (0, 50), (0, 0), (0, 0)],  # flat
        [(60, 25), (0, 0), (0, 0), (0, 0)],  # three in a line, or nearly
    ],
)
def test_a_box_that_folds_is_not_sound(moves):
    assert not homography.is_sound(BOX, moves)


def test_three_corners_in_a_line_have_no_homography():
    with pytest.raises(ZeroDivisionError):
        homography.from_quads(BOX, ((0, 0), (1, 1), (2, 2), (3, 3)))
