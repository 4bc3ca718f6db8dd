"""The photo without some objects: which they are, what is lifted with them, what is looked at, and the fill."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plates import LOOKS, FlatGround, Watched, tiny_plates

from magicfixup_demo.affine import IDENTITY, translation
from magicfixup_demo.collage import segment_from_mask
from magicfixup_demo.engine.ground import Ground
from magicfixup_demo.engine.ground_network import SIDE
from magicfixup_demo.engine.ground_weights import load_ground
from magicfixup_demo.engine.plate import (
    CONTEXT,
    LIFT,
    Plate,
    fill_ground,
    lifted,
    removed_objects,
    separate_holes,
    window_around,
)
from magicfixup_demo.errors import Cancelled, EditError
from magicfixup_demo.schema import Collage, Layer, Segment, Source

HEIGHT, WIDTH = 120, 200


def lift(photo: np.ndarray, removed: np.ndarray, ground, seed: int = 0) -> Plate:
    return tiny_plates(ground).lift(photo, [removed], seed)


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground(load_ground())


def box(top: int, left: int, height: int, width: int, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """(H, W) bool, True in a rectangle."""
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def noise(height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def slope(height: int, width: int, grain: float = 0.0) -> np.ndarray:
    """(H, W, 3) uint8: light that falls off to the right, with grain."""
    values = np.array([200, 190, 170]) - np.linspace(0, 80, width)[None, :, None]
    values = values + np.random.default_rng(5).normal(0, grain, (height, width, 1)) if grain else values
    return np.clip(np.broadcast_to(values, (height, width, 3)), 0, 255).astype(np.uint8)


# --- which objects ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "removed"),
    [
        ((), True),
        ((Layer("l", "s"),), False),
        ((Layer("l", "s", translation(1, 0)),), True),
        ((Layer("l", "s", translation(9, 0)), Layer("again", "s", IDENTITY)), False),
        ((Layer("l", "s", hidden=True),), True),
        ((Layer("l", "s", opacity=0.5),), True),
        ((Layer("l", "s", distort=((1.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))),), True),
    ],
    ids=["deleted", "in place", "moved", "duplicated", "hidden", "let through", "distorted"],
)
def test_an_object_is_removed_unless_it_stands_whole_where_it_was(layers, removed):
    segment = segment_from_mask("s", box(20, 30, 40, 50))
    assert (removed_objects(Collage(WIDTH, HEIGHT, (segment,), layers)) == (box(20, 30, 40, 50) & removed)).all()


def test_all_of_an_object_is_removed_the_faintest_of_its_edge_too():
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[40:60, 40:60], mask[39, 40:60] = 255, 1
    removed = removed_objects(Collage(WIDTH, HEIGHT, (segment_from_mask("s", mask),)))
    assert (removed == (mask > 0)).all()


def test_objects_of_other_photos_were_never_in_this_one():
    foreign = Segment("f", 5, 5, np.full((9, 9), 255, np.uint8), "other")
    collage = Collage(WIDTH, HEIGHT, (foreign,), (Layer("l", "f"),), (Source("other", 50, 50),))
    assert not removed_objects(collage).any()


@pytest.mark.parametrize(("height", "width"), [(HEIGHT, WIDTH), (600, 800), (2048, 2048)])
def test_a_margin_is_lifted_that_grows_with_the_photo(height, width):
    removed = box(height // 2, width // 2, height // 8, width // 8, (height, width))
    rows, columns = np.flatnonzero(lifted(removed).any(1)), np.flatnonzero(lifted(removed).any(0))
    margin = int(LIFT * max(1, (height * width) ** 0.5 / SIDE))
    assert rows[0] == height // 2 - margin and rows[-1] == height // 2 + height // 8 - 1 + margin
    assert columns[0] == width // 2 - margin and columns[-1] == width // 2 + width // 8 - 1 + margin
    assert not lifted(np.zeros((height, width), bool)).any()


# --- what is looked at ------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_looked_at_holds_the_hole_with_context_and_ends_with_the_picture(data):
    height, width = (data.draw(st.integers(32, 1600)) for _ in range(2))
    h, w = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    top, left = data.draw(st.integers(0, height - h)), data.draw(st.integers(0, width - w))
    window = window_around(left, top, w, h, (height, width))
    assert 0 <= window.left <= left and left + w <= window.right <= width
    assert 0 <= window.top <= top and top + h <= window.bottom <= height
    side = max(SIDE, max(h, w) * (1 + 2 * CONTEXT))
    assert window.size[0] >= min(width, side) - 1 and window.size[1] >= min(height, side) - 1
    if min(height, width) > 2 * max(h, w) + SIDE:
        assert window.size[0] == window.size[1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*(st.integers(*ends) for ends in ((0, 110), (0, 180), (1, 30), (1, 40)))), max_size=5))
def test_parts_that_are_filled_apart_are_the_whole_hole_each_pixel_once(boxes):
    hole = np.zeros((HEIGHT, WIDTH), bool)
    for top, left, height, width in boxes:
        hole |= box(top, left, height, width)
    filled = np.zeros(hole.shape, int)
    for window, part in separate_holes(hole):
        assert part.any()
        filled[window.window] += part
    assert (filled == hole).all()


def test_many_holes_far_apart_take_no_picture_each():
    """Two hundred of them on a photo of a few megapixels; each would be as large as the photo, if it were whole."""
    hole = np.zeros((1000, 1500), bool)
    for y in np.linspace(60, 940, 14).astype(int):
        for x in np.linspace(60, 1440, 14).astype(int):
            hole[y : y + 3, x : x + 3] = True
    parts = [part for _, part in separate_holes(hole)]
    assert len(parts) == 196 and max(part.size for part in parts) <= 600**2


def test_holes_far_apart_are_looked_at_one_by_one_and_close_ones_together():
    photo = noise(700, 1400)
    near, far = box(300, 100, 30, 30, (700, 1400)), box(300, 1200, 30, 30, (700, 1400))
    close = box(300, 140, 30, 30, (700, 1400))
    for hole, times in ((near | close, 1), (near | far, 2), (near | close | far, 2)):
        asked = Watched(FlatGround())
        fill_ground(photo, hole, asked)
        assert len(asked.seen) == LOOKS * times


# --- the fill ---------------------------------------------------------------------------------------------------------


def test_outside_of_the_hole_the_picture_is_kept_bit_by_bit_and_not_written_to():
    photo, hole = noise(), box(40, 60, 30, 50)
    before = photo.copy()
    filled = fill_ground(photo, hole, FlatGround())
    assert filled.dtype == np.uint8 and (filled[~hole] == photo[~hole]).all() and (photo == before).all()
    assert (filled[hole] != photo[hole]).any()


def test_the_ground_does_not_depend_on_what_stood_there():
    removed = box(40, 60, 40, 70)
    red, blue = (slope(HEIGHT, WIDTH).copy() for _ in range(2))
    red[removed], blue[removed] = (255, 0, 0), (0, 0, 255)
    first, second = (lift(photo, removed, FlatGround()).rgb.astype(int) for photo in (red, blue))
    assert np.abs(first - second).max() <= 1, "rounding"


def test_without_a_hole_the_picture_comes_back_and_nothing_is_asked():
    asked, photo = Watched(FlatGround()), noise()
    assert (fill_ground(photo, np.zeros((HEIGHT, WIDTH), bool), asked) == photo).all() and not asked.seen


def test_the_plate_is_the_photo_outside_of_what_was_lifted():
    photo, removed = noise(), box(40, 60, 30, 50)
    plate = lift(photo, removed, FlatGround())
    assert (plate.hole == lifted(removed)).all() and (plate.rgb[~plate.hole] == photo[~plate.hole]).all()
    assert (lift(photo, removed, FlatGround()).rgb == plate.rgb).all(), "the same again"
    assert (lift(photo, removed, FlatGround(), seed=7).rgb != plate.rgb)[plate.hole].any()


@pytest.mark.parametrize("left", [0, 3])
def test_objects_that_are_the_whole_photo_are_refused(left):
    """With the margin around them nothing is left to go on with."""
    with pytest.raises(EditError, match="whole photo"):
        lift(noise(), box(0, left, HEIGHT, WIDTH - left), FlatGround())


@pytest.mark.parametrize("shape", [(32, 32), (32, 700), (900, 33), (129, 127)])
def test_photos_of_every_shape_are_filled(shape, ground):
    photo, removed = slope(*shape), box(shape[0] // 3, shape[1] // 3, 3, 3, shape)
    plate = lift(photo, removed, ground)
    assert plate.rgb.shape == photo.shape and plate.hole.any() and not plate.hole.all()
    assert np.abs(plate.rgb.astype(int) - photo).mean() < 10


def test_holes_at_every_border_and_corner_are_filled(ground):
    photo = slope(HEIGHT, WIDTH)
    removed = box(0, 0, 20, 20) | box(HEIGHT - 15, WIDTH - 30, 15, 30) | box(50, 0, 20, 10)
    plate = lift(photo, removed, ground)
    assert np.abs(plate.rgb.astype(int) - photo)[plate.hole].mean() < 12


def test_the_ground_goes_on_in_the_photos_light_and_grain(ground):
    photo, removed = slope(220, 280, grain=5.0), box(80, 100, 50, 70, (220, 280))
    covered = photo.copy()
    covered[removed] = (200, 20, 20)
    plate = lift(covered, removed, ground)
    middle = box(85, 105, 40, 60, (220, 280))
    light = (plate.rgb.astype(float) - slope(220, 280))[middle]
    assert np.abs(light.mean(0)).max() < 6, "neither lighter nor of another colour"
    apart = plate.rgb.astype(float) - slope(220, 280)
    assert 0.6 < apart[middle].std() / apart[~plate.hole].std() < 1.6, "as grainy"


def test_threads_may_share_the_network(ground):
    from concurrent.futures import ThreadPoolExecutor

    photos = [slope(128, 128, grain=3.0), np.flip(slope(128, 128, grain=3.0), 1).copy()]
    removed = box(40, 40, 30, 30, (128, 128))
    alone = [lift(photo, removed, ground).rgb for photo in photos]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(lambda photo: lift(photo, removed, ground).rgb, photos * 2))
    for i, made in enumerate(together):
        np.testing.assert_array_equal(made, alone[i % 2])


def test_progress_rises_from_nothing_and_who_raises_stops_the_work():
    photo = noise(700, 1400)
    hole = box(300, 100, 30, 30, (700, 1400)) | box(300, 1200, 30, 30, (700, 1400))
    said, asked = [], Watched(FlatGround())
    fill_ground(photo, hole, asked, report=lambda fraction, text: said.append((fraction, text)))
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] < 1 and len(fractions) >= 2
    assert all("ground" in text for _, text in said)

    def stop(fraction, text):
        if fraction >= 0.5:
            raise Cancelled("Stopped.")

    asked.seen.clear()
    with pytest.raises(Cancelled):
        fill_ground(photo, hole, asked, report=stop)
    assert len(asked.seen) == LOOKS, "the second hole was not begun"


def test_the_work_on_one_large_hole_can_be_stopped():
    photo, said = noise(700, 700), []

    def stop(fraction, text):
        said.append(fraction)
        if fraction > 0.6:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        fill_ground(photo, box(150, 150, 400, 400, (700, 700)), FlatGround(), report=stop)
    assert said[-1] < 0.8, "soon after it was asked to"
