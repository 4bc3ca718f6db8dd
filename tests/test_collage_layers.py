"""Properties of the renderer: distorted, see-through, hidden and foreign layers, and soft edges."""

import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magicfixup_demo import homography
from magicfixup_demo.affine import IDENTITY, apply, compose, rotation, scaling, translation
from magicfixup_demo.collage import CUT_THRESHOLD, footprint, needed_sources, render
from magicfixup_demo.errors import CollageError
from magicfixup_demo.foreground import own_colours
from magicfixup_demo.schema import Collage, Layer, Segment, Source
from magicfixup_demo.warping import layer_homography

HEIGHT, WIDTH = 60, 80
NO_OFFSETS = ((0.0, 0.0),) * 4


def box(left: int = 20, top: int = 15, width: int = 24, height: int = 18, **more) -> Segment:
    return Segment("box", left, top, np.full((height, width), 255, np.uint8), **more)


def soft_disc(x: float = 30, y: float = 28, radius: float = 11, softness: float = 6, id: str = "soft") -> Segment:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    edge = radius - np.hypot(columns - x, rows - y)
    mask = np.rint(np.clip(0.5 + edge / softness, 0, 1) * 255).astype(np.uint8)
    left, top, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
    return Segment(id, left, top, mask[top : top + height, left : left + width].copy())


def collage(segments, layers, sources=()) -> Collage:
    return Collage(WIDTH, HEIGHT, tuple(segments), tuple(layers), tuple(sources))


def on_canvas(segment: Segment) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    height, width = segment.mask.shape
    mask[segment.top : segment.top + height, segment.left : segment.left + width] = segment.mask
    return mask


# --- distort ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("matrix", [IDENTITY, translation(9, 4), compose(rotation(0.3, (30, 28)), scaling(0.6, 0.6))])
def test_a_distort_by_nothing_is_none(smooth_photo, matrix):
    flat = render(smooth_photo, collage([box()], [Layer("l", "box", matrix)]))
    warped = render(smooth_photo, collage([box()], [Layer("l", "box", matrix, NO_OFFSETS)]))
    assert np.abs(flat.rgba.astype(int) - warped.rgba).max() <= 2


def test_a_distort_that_a_matrix_could_do_is_that_matrix(smooth_photo):
    matrix = compose(translation(5, 3), compose(rotation(0.4, (32, 24)), scaling(1.3, 0.8, (32, 24))))
    offsets = tuple(
        (x - u, y - v) for (x, y), (u, v) in zip([apply(matrix, c) for c in box().corners], box().corners, strict=True)
    )
    by_matrix = render(smooth_photo, collage([box()], [Layer("l", "box", matrix)]))
    by_corners = render(smooth_photo, collage([box()], [Layer("l", "box", IDENTITY, offsets)]))
    assert np.abs(by_matrix.alpha.astype(int) - by_corners.alpha).mean() < 1
    inner = (by_matrix.alpha == 255) & (by_corners.alpha == 255)
    assert np.abs(by_matrix.rgb.astype(int) - by_corners.rgb)[inner].mean() < 1


@settings(max_examples=40, deadline=None)
@given(offsets=st.lists(st.tuples(st.floats(-9, 9), st.floats(-7, 7)), min_size=4, max_size=4), turn=st.floats(-3, 3))
def test_a_distorted_box_covers_its_quadrangle(offsets, turn):
    segment, matrix = box(), rotation(turn, (32, 24))
    layer = Layer("l", "box", matrix, tuple(offsets))
    quad = np.array([apply(matrix, corner) for corner in homography.moved(segment.corners, offsets)], np.float32)
    coverage = footprint(segment, layer, WIDTH, HEIGHT)
    back = homography.invert(layer_homography(segment, layer))
    left, top, right, bottom = 20, 15, 44, 33
    for y, x in np.ndindex(HEIGHT, WIDTH):
        inside = cv2.pointPolygonTest(quad, (x + 0.5, y + 0.5), False) > 0
        u, v = homography.apply(back, (x + 0.5, y + 0.5))  # the fade at the edge is half a source pixel, however large
        if min(abs(u - left), abs(u - right), abs(v - top), abs(v - bottom)) > 0.75:
            assert (coverage[y, x] > 128) == inside


def test_perspective_is_no_bilinear_stretch():
    """The far half of a board in perspective is drawn smaller: its middle line lies where the diagonals cross."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[15:24, 20:44] = 250  # the upper half of the box
    offsets = ((8.0, 0.0), (-8.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    edit = render(picture, collage([box()], [Layer("l", "box", IDENTITY, offsets)]))
    bright = edit.rgb[15:33, 32, 0].astype(float)
    assert bright.sum() / 250 == pytest.approx(18 * 8 / (8 + 24), abs=0.6)  # 4.5 rows, not 9


def test_shrinking_in_perspective_averages():
    board = np.repeat((np.indices((HEIGHT, WIDTH)).sum(0) % 2 * 255)[..., None], 3, 2).astype(np.uint8)
    segment = Segment("all", 0, 0, np.full((HEIGHT, WIDTH), 255, np.uint8))
    layer = Layer("l", "all", scaling(0.15, 0.15, (40, 30)), ((5.0, 0.0), (-5.0, 0.0), (0.0, 0.0), (0.0, 0.0)))
    inner = render(board, collage([segment], [layer])).rgb[29:32, 38:43].astype(int)
    assert np.abs(inner - 127).max() <= 20


# --- hidden, opacity --------------------------------------------------------------------------------------------------


def test_a_hidden_layer_is_as_if_it_were_not_there(photo):
    hidden = render(photo, collage([box()], [Layer("l", "box", hidden=True)]))
    assert np.array_equal(hidden.rgba, render(photo, collage([box()], [])).rgba)
    assert not footprint(box(), Layer("l", "box", hidden=True), WIDTH, HEIGHT).any()


def test_names_and_locks_draw_nothing(photo):
    layers = [Layer("l", "box", translation(7, 3)), Layer("l", "box", translation(7, 3), name="dog", locked=True)]
    plain, named = (render(photo, collage([box()], [layer])) for layer in layers)
    assert np.array_equal(plain.rgba, named.rgba)


@pytest.mark.parametrize("opacity", [0.0, 0.25, 0.5, 1.0])
def test_opacity_mixes_with_what_is_below(opacity):
    picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    picture[15:33, 20:44] = 240
    copy = Layer("copy", "box", translation(30, 20), opacity=opacity)
    edit = render(picture, collage([box()], [Layer("l", "box"), copy]))
    inner = edit.rgb[37:50, 52:70].astype(int)
    assert np.abs(inner - (40 + 200 * opacity)).max() <= 1 and not edit.hole.any()
    assert footprint(box(), copy, WIDTH, HEIGHT).max() == round(255 * opacity)


def test_a_see_through_object_in_its_place_shows_its_own_hole(photo):
    edit = render(photo, collage([box()], [Layer("l", "box", opacity=0.4)]))
    assert (edit.alpha[16:32, 21:43] == 102).all()
    assert np.abs(edit.rgb[16:32, 21:43].astype(int) - photo[16:32, 21:43]).max() <= 1


# --- objects of other photos ------------------------------------------------------------------------------------------


@pytest.fixture
def guest() -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (40, 200, 3), np.uint8)


def foreign(left: int = 150, top: int = 5) -> Segment:
    return Segment("guest", left, top, np.full((10, 12), 255, np.uint8), source="p2")


def test_an_object_of_another_photo_leaves_no_hole_here(photo, guest):
    layer = Layer("l", "guest", translation(-130, 15))
    edit = render(photo, collage([foreign()], [layer], [Source("p2", 200, 40)]), {"p2": guest})
    expected = photo.copy()
    expected[20:30, 20:32] = guest[5:15, 150:162]
    assert np.array_equal(edit.rgb, expected) and (edit.alpha == 255).all()


def test_the_identity_puts_a_foreign_object_at_its_own_pixels(photo, guest):
    edit = render(photo, collage([foreign(40)], [Layer("l", "guest")], [Source("p2", 200, 40)]), {"p2": guest})
    assert np.array_equal(edit.rgb[5:15, 40:52], guest[5:15, 40:52])


def test_sources_are_asked_for_by_name_and_only_when_shown(photo, guest):
    sources = [Source("p2", 200, 40), Source("p3", 9, 9)]
    shown = collage([foreign()], [Layer("l", "guest", translation(-130, 15))], sources)
    assert needed_sources(shown) == ("p2",)
    with pytest.raises(CollageError, match="'p2'.*200 x 40"):
        render(photo, shown)
    with pytest.raises(CollageError, match="'p2' is 199 x 40"):
        render(photo, shown, {"p2": guest[:, :199]})
    unseen = collage([foreign()], [Layer("l", "guest", hidden=True)], sources)
    assert needed_sources(unseen) == () and np.array_equal(render(photo, unseen).rgb, photo)


# --- soft edges -------------------------------------------------------------------------------------------------------


def test_the_photo_is_cut_where_the_object_covers_a_twentieth(photo):
    segment = soft_disc()
    assert np.array_equal(render(photo, collage([segment], [])).hole, on_canvas(segment) >= CUT_THRESHOLD)


def test_a_soft_object_in_its_place_leaves_no_trace_also_over_its_own_copy_beside_it(photo):
    layers = [Layer("copy", "soft", translation(35, 5)), Layer("own", "soft")]
    edit = render(photo, collage([soft_disc()], layers))
    assert np.array_equal(edit.rgb[:, :45], photo[:, :45]) and (edit.alpha == 255).all()


def test_a_soft_object_in_its_place_mixes_with_a_layer_behind_it():
    """No rim of the old background between the object and what was moved behind it."""
    front = soft_disc()
    cover = np.repeat((on_canvas(front) / 255)[..., None], 3, axis=2)
    picture = np.rint(200 * (1 - cover) + 20 * cover).astype(np.uint8)  # dark on bright
    picture[:, 55:] = 60
    behind = Segment("behind", 58, 10, np.full((40, 20), 255, np.uint8))  # as dark as grey 60
    edit = render(picture, collage([front, behind], [Layer("b", "behind", translation(-28, 0)), Layer("f", "soft")]))
    over = edit.rgb[10:50, 31:49, 0].astype(float)
    expected = (60 * (1 - cover) + 20 * cover)[10:50, 31:49, 0]
    assert np.abs(over - expected).max() <= 4


def test_a_dark_object_moved_to_bright_has_no_rim():
    """Known alpha and colours: the composite on the new background is what a camera would see, or nearly."""
    segment = soft_disc()
    cover = (on_canvas(segment) / 255)[..., None]
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    texture = (12 * np.sin(columns / 2.0) * np.cos(rows / 3.0))[..., None]
    front, dark = np.array([150, 90, 60]) + texture, np.array([25, 35, 20]) + texture / 4
    bright = np.array([235.0, 230.0, 220.0])
    picture = front * cover + dark * (1 - cover)
    picture[:, 44:] = bright
    photo = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    moved = render(photo, collage([segment], [Layer("l", "soft", translation(32, 0))])).rgb[:, 46:].astype(float)
    truth = (front * cover + bright * (1 - cover))[:, 14 : 14 + moved.shape[1]]
    hard = Segment("soft", segment.left, segment.top, np.where(segment.mask >= 128, 255, 0).astype(np.uint8))
    rough = render(photo, collage([hard], [Layer("l", "soft", translation(32, 0))])).rgb[:, 46:].astype(float)
    edge = ((cover > 0.01) & (cover < 0.99))[:, 14 : 14 + moved.shape[1], 0]
    error, of_hard = (np.abs(shown - truth)[edge].mean() for shown in (moved, rough))
    assert error < 3 and error < of_hard / 5


def test_hard_masks_keep_their_pixels_colours(photo):
    moved = render(photo, collage([box()], [Layer("l", "box", translation(30, 20))]))
    assert np.array_equal(moved.rgb[35:53, 50:74], photo[15:33, 20:44])


# --- memory -----------------------------------------------------------------------------------------------------------


def test_pictures_of_objects_are_let_go_after_their_last_layer():
    photo = np.full((300, 400, 3), 90, np.uint8)
    segments = tuple(Segment(f"s{i}", 0, 0, np.full((300, 400), 255, np.uint8)) for i in range(30))
    layers = tuple(Layer(f"l{i}", segment.id, translation(i, 1)) for i, segment in enumerate(segments))
    tracemalloc.start()
    try:
        render(photo, Collage(400, 300, segments, layers))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * photo.size * 4 * 4 / 3  # of pictures with coverage, in single precision; all would be thirty


def test_a_picture_shown_twice_is_made_once(photo, monkeypatch):
    made = []
    monkeypatch.setattr("magicfixup_demo.collage.own_colours", lambda *parts: made.append(1) or own_colours(*parts))
    layers = [
        Layer("1", "box", translation(3, 0)),
        Layer("2", "box", translation(-9, 0)),
        Layer("3", "box", hidden=True),
    ]
    render(photo, collage([box()], layers))
    assert len(made) == 1
