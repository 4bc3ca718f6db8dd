"""Properties of the one renderer of coarse edits."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magicfixup_demo.affine import IDENTITY, compose, rotation, scaling, translation
from magicfixup_demo.collage import footprint, render, segment_from_mask
from magicfixup_demo.errors import CollageError
from magicfixup_demo.schema import Collage, Layer, Segment

HEIGHT, WIDTH = 60, 80


def box_mask(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def disc_mask(x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 <= radius**2


def collage(segments: list[Segment], layers: list[Layer]) -> Collage:
    return Collage(WIDTH, HEIGHT, tuple(segments), tuple(layers))


def disc() -> Segment:
    return segment_from_mask("disc", disc_mask(30, 28, 11))


def full_mask(segment: Segment) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    height, width = segment.mask.shape
    mask[segment.top : segment.top + height, segment.left : segment.left + width] = segment.mask >= 128
    return mask


# --- segments ---------------------------------------------------------------------------------------------------------


def test_a_segment_is_cropped_to_its_mask():
    segment = segment_from_mask("s", box_mask(10, 20, 31, 45))
    assert (segment.left, segment.top, segment.mask.shape) == (10, 20, (25, 21))
    assert (segment.mask == 255).all()


@pytest.mark.parametrize("mask", [np.zeros((9, 9), bool), np.zeros((9, 9), np.uint8), np.full((9, 9), 127, np.uint8)])
def test_an_empty_segment_is_refused(mask):
    with pytest.raises(CollageError, match="empty"):
        segment_from_mask("s", mask)


# --- what stays, what moves -------------------------------------------------------------------------------------------


def test_no_segments_leave_the_photo(photo):
    edit = render(photo, collage([], []))
    assert np.array_equal(edit.rgb, photo) and not edit.hole.any()


def test_an_object_in_its_place_leaves_no_trace(photo):
    edit = render(photo, collage([disc()], [Layer("l", "disc")]))
    assert np.array_equal(edit.rgb, photo) and (edit.alpha == 255).all()


def test_an_object_with_a_soft_edge_in_its_place_leaves_no_trace(photo):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:30, 10:30] = np.linspace(0, 255, 20)
    edit = render(photo, collage([segment_from_mask("soft", mask)], [Layer("l", "soft")]))
    assert np.array_equal(edit.rgb, photo) and (edit.alpha == 255).all()


def test_rendering_does_not_write_to_the_photo(photo):
    before = photo.copy()
    render(photo, collage([disc()], [Layer("l", "disc", translation(9, 4))]))
    assert np.array_equal(photo, before)


@settings(max_examples=60, deadline=None)
@given(dx=st.integers(-100, 100), dy=st.integers(-80, 80))
def test_whole_pixel_moves_are_exact(photo, dx, dy):
    """Every pixel is the moved object's, a hole, or the photo's own: nothing else, nowhere."""
    segment = disc()
    edit = render(photo, collage([segment], [Layer("l", "disc", translation(dx, dy))]))
    source = full_mask(segment)
    rows, columns = np.nonzero(source)
    inside = (rows + dy >= 0) & (rows + dy < HEIGHT) & (columns + dx >= 0) & (columns + dx < WIDTH)
    moved = np.zeros_like(source)
    moved[rows[inside] + dy, columns[inside] + dx] = True
    assert np.array_equal(edit.hole, source & ~moved)
    assert np.array_equal(edit.rgb[rows[inside] + dy, columns[inside] + dx], photo[rows[inside], columns[inside]])
    untouched = ~source & ~moved
    assert np.array_equal(edit.rgb[untouched], photo[untouched]) and (edit.alpha[untouched] == 255).all()


def test_a_quarter_turn_moves_every_pixel_to_its_place(photo):
    """The centre of pixel (x, y) is (x + .5, y + .5): a turn about a pixel corner maps pixels to pixels."""
    segment = segment_from_mask("s", box_mask(30, 20, 40, 26))
    edit = render(photo, collage([segment], [Layer("l", "s", rotation(math.pi / 2, (40, 30)))]))
    turned = np.rot90(photo[20:26, 30:40], k=-1)  # clockwise on screen
    assert np.array_equal(edit.rgb[20:30, 44:50], turned)


def test_a_flip_mirrors_about_its_centre(photo):
    segment = segment_from_mask("s", box_mask(30, 20, 40, 26))
    edit = render(photo, collage([segment], [Layer("l", "s", scaling(-1, 1, (35, 23)))]))
    assert np.array_equal(edit.rgb[20:26, 30:40], photo[20:26, 30:40][:, ::-1])
    assert not edit.hole.any()


def test_two_flips_are_none(photo):
    flip = scaling(-1, 1, (33.3, 23))
    there_and_back = compose(flip, flip)
    edit = render(photo, collage([disc()], [Layer("l", "disc", there_and_back)]))
    assert np.abs(edit.rgb.astype(int) - photo).max() <= 1 and not edit.hole.any()


@pytest.mark.parametrize("degrees", [1, 17, 45, 200])
def test_turning_there_and_back_keeps_colours(smooth_photo, degrees):
    centre = (30.0, 28.0)
    there_and_back = compose(rotation(-math.radians(degrees), centre), rotation(math.radians(degrees), centre))
    edit = render(smooth_photo, collage([disc()], [Layer("l", "disc", there_and_back)]))
    assert np.abs(edit.rgb.astype(int) - smooth_photo)[~edit.hole].max() <= 2


# --- holes ------------------------------------------------------------------------------------------------------------


def test_deleting_opens_the_whole_hole(photo):
    segment = disc()
    edit = render(photo, collage([segment], []))
    assert np.array_equal(edit.hole, full_mask(segment))
    assert (edit.rgb[edit.hole] == 0).all()


def test_duplicating_opens_no_hole(photo):
    layers = [Layer("original", "disc"), Layer("copy", "disc", translation(25, 5))]
    edit = render(photo, collage([disc()], layers))
    assert not edit.hole.any()
    assert np.array_equal(edit.rgb[28 + 5, 30 + 25], photo[28, 30])


@settings(max_examples=40, deadline=None)
@given(
    moves=st.lists(
        st.tuples(st.floats(-60, 60), st.floats(-50, 50), st.floats(0.3, 2.5), st.floats(0, 6.3)), max_size=4
    ),
    overlap=st.floats(0, 24),
)
def test_holes_are_what_was_cut_less_what_covers_it(photo, moves, overlap):
    segments = [disc(), segment_from_mask("box", disc_mask(30 + overlap, 30, 9))]
    layers = [
        Layer(f"l{i}", ("disc", "box")[i % 2], compose(translation(dx, dy), compose(rotation(t), scaling(s, s))))
        for i, (dx, dy, s, t) in enumerate(moves)
    ]
    edit = render(photo, collage(segments, layers))
    cut = full_mask(segments[0]) | full_mask(segments[1])
    owner = {segment.id: segment for segment in segments}
    coverages = [footprint(owner[layer.segment_id], layer, WIDTH, HEIGHT) / 255 for layer in layers]
    see_through = np.prod([1 - c for c in coverages], axis=0) if coverages else np.ones(cut.shape)
    expected = cut & (see_through > 0.5)
    certain = np.abs(see_through - 0.5) > 0.02  # coverage is rounded to 1/255 at every layer
    assert np.array_equal(edit.hole[certain], expected[certain])
    assert not edit.hole[~cut].any()


def test_a_layer_covers_the_hole_of_another_object(photo):
    left, right = segment_from_mask("a", box_mask(10, 20, 20, 30)), segment_from_mask("b", box_mask(50, 20, 60, 30))
    edit = render(photo, collage([left, right], [Layer("l", "a", translation(40, 0))]))
    assert np.array_equal(edit.hole, box_mask(10, 20, 20, 30))
    assert np.array_equal(edit.rgb[20:30, 50:60], photo[20:30, 10:20])


# --- order, edges, sizes ----------------------------------------------------------------------------------------------


def test_later_layers_are_in_front(photo):
    segments = [segment_from_mask("a", box_mask(10, 20, 20, 30)), segment_from_mask("b", box_mask(50, 20, 60, 30))]
    to_middle = {"a": Layer("a", "a", translation(20, 0)), "b": Layer("b", "b", translation(-20, 0))}
    b_in_front = render(photo, collage(segments, [to_middle["a"], to_middle["b"]]))
    a_in_front = render(photo, collage(segments, [to_middle["b"], to_middle["a"]]))
    assert np.array_equal(b_in_front.rgb[20:30, 30:40], photo[20:30, 50:60])
    assert np.array_equal(a_in_front.rgb[20:30, 30:40], photo[20:30, 10:20])


@pytest.mark.parametrize("matrix", [translation(1e5, 0), translation(0, -1e5), scaling(100, 100, (1e4, 1e4))])
def test_a_layer_off_the_canvas_is_only_missing(photo, matrix):
    segment = disc()
    edit = render(photo, collage([segment], [Layer("l", "disc", matrix)]))
    assert np.array_equal(edit.hole, full_mask(segment))
    assert np.array_equal(edit.rgb[~edit.hole], photo[~edit.hole])


@pytest.mark.parametrize(("scale", "visible"), [(0.01, False), (0.1, True), (0.3, True), (3, True), (100, True)])
def test_extreme_sizes_render(photo, scale, visible):
    """An object of less than a pixel may vanish; any other shows."""
    edit = render(photo, collage([disc()], [Layer("l", "disc", scaling(scale, scale, (30, 28)))]))
    assert edit.rgb.shape == photo.shape and (edit.alpha[28, 30] > 0 or not visible)


def test_shrinking_averages_instead_of_skipping_pixels(photo):
    """A checkerboard shrunk to a seventh must turn grey; sampling without averaging would keep it black and white."""
    board = np.repeat((np.indices((HEIGHT, WIDTH)).sum(0) % 2 * 255)[..., None], 3, 2).astype(np.uint8)
    segment = segment_from_mask("s", box_mask(10, 6, 70, 54))
    edit = render(board, collage([segment], [Layer("l", "s", scaling(1 / 7, 1 / 7, (40, 30)))]))
    inner = edit.rgb[28:32, 37:43].astype(int)
    assert np.abs(inner - 127).max() <= 12


def test_shrinking_keeps_area_and_centre(photo):
    segment = disc()
    layer = Layer("l", "disc", scaling(0.5, 0.5, (30, 28)))
    coverage = footprint(segment, layer, WIDTH, HEIGHT) / 255
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    assert coverage.sum() == pytest.approx(full_mask(segment).sum() / 4, rel=0.05)
    assert (coverage * columns).sum() / coverage.sum() == pytest.approx(30, abs=0.1)
    assert (coverage * rows).sum() / coverage.sum() == pytest.approx(28, abs=0.1)


def test_the_background_does_not_bleed_into_a_moved_edge():
    """A black object on white, moved by half a pixel onto black: any light rim would be the old background."""
    mask = disc_mask(16, 28, 9)
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    picture[mask] = 0
    picture[:, 40:] = 0
    edit = render(picture, collage([segment_from_mask("s", mask)], [Layer("l", "s", translation(45.5, 3.5))]))
    assert (edit.rgb[:, 40:] == 0).all()


def test_half_covered_edges_mix_with_what_is_below():
    picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    picture[20:30, 10:20] = 240
    segment = segment_from_mask("s", box_mask(10, 20, 20, 30))
    edit = render(picture, collage([segment], [Layer("l", "s", translation(30.5, 0))]))
    assert (edit.rgb[20:30, [40, 50]] == 140).all() and (edit.rgb[20:30, 41:50] == 240).all()
    assert (edit.rgb[20:30, [39, 51]] == 40).all() and (edit.alpha[:, 39:52] == 255).all()


def test_a_collage_of_another_photo_is_refused(photo):
    with pytest.raises(CollageError, match="80 x 60"):
        render(photo[:50], collage([disc()], [Layer("l", "disc", IDENTITY)]))
