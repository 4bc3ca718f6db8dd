"""What is ground and what is laid over it: of collages both are known, edits of other programs are taken apart.

The ground's own quality does not matter here, so that a quick stand-in takes the network's place.
"""

import math

import cv2
import numpy as np
import pytest
from plates import tiny_plates

from magicfixup_demo.affine import IDENTITY, translation
from magicfixup_demo.collage import CUT_THRESHOLD, own_colours, render, segment_from_mask
from magicfixup_demo.engine.arrangement import BAND, arrangement_of, laid_over
from magicfixup_demo.engine.conditioning import dilated_hole, distance_to
from magicfixup_demo.engine.plate import lifted, removed_objects
from magicfixup_demo.schema import CoarseEdit, Collage, EditOptions, Layer, Segment, Source

HEIGHT, WIDTH = 160, 260
OPTIONS = EditOptions(sdedit=False)
FUR = np.array([60, 40, 30], np.float32)
ORANGE, DARK = (200, 120, 40), (20, 25, 20)


def hairy(x: float, y: float, radius: float, hairs: int = 50, length: float = 13) -> np.ndarray:
    """(HEIGHT, WIDTH) uint8: coverage of a disc with hair all around."""
    fine, random = 4, np.random.default_rng(0)
    drawn = np.zeros((HEIGHT * fine, WIDTH * fine), np.uint8)
    cv2.circle(drawn, (round(x * fine), round(y * fine)), round(radius * fine), 255, -1)
    for angle in np.linspace(0, 2 * math.pi, hairs, endpoint=False):
        tip, reach = angle + random.normal() * 0.3, radius + length * random.uniform(0.5, 1)
        ends = [(0.9 * radius, angle), (reach, tip)]
        first, last = ([round(fine * v) for v in (x + r * math.cos(a), y + r * math.sin(a))] for r, a in ends)
        cv2.line(drawn, first, last, 255, 3)
    return cv2.resize(drawn, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def disc(x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    return np.hypot(columns - x, rows - y) <= radius


def meadow() -> np.ndarray:
    """(HEIGHT, WIDTH, 3) uint8: a background with some grain and light."""
    grain = np.random.default_rng(1).normal(0, 4, (HEIGHT, WIDTH, 1))
    light = np.linspace(0, 30, WIDTH)[None, :, None]
    return np.clip(np.array([90, 140, 70]) + light + grain, 0, 255).astype(np.uint8)


def over(below: np.ndarray, colour: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32: a colour over a picture, by (H, W) coverage 0..1."""
    share = coverage[..., None].astype(np.float32)
    return below + (colour - below) * share


def painted(below: np.ndarray, colour: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(over(below.astype(np.float32), colour, mask / 255)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def fur() -> tuple[np.ndarray, Segment]:
    """A photo of something hairy on a meadow, and its segment."""
    mask = hairy(80, 80, 26)
    texture = FUR + np.random.default_rng(2).normal(0, 12, (HEIGHT, WIDTH, 1)).astype(np.float32)
    return painted(meadow(), texture, mask), segment_from_mask("fur", mask)


def premultiplied(photo: np.ndarray, segment: Segment, dx: float) -> np.ndarray:
    """(H, W, 4) float32: the segment's own colours times its coverage, and that, ``dx`` further right; bilinear."""
    rows, columns = segment.mask.shape
    coverage = np.where(segment.mask >= CUT_THRESHOLD, segment.mask, 0)[..., None].astype(np.float32) / 255
    cut = np.concatenate([own_colours(photo, segment) * coverage, coverage], axis=2)
    whole, part = np.zeros((HEIGHT, WIDTH, 4), np.float32), dx - math.floor(dx)
    for step, share in ((0, 1 - part), (1, part)):
        left = segment.left + math.floor(dx) + step
        whole[segment.top : segment.top + rows, left : left + columns] += share * cut
    return whole


# --- collages: each layer's own colour by its coverage, over the ground -----------------------------------------------


@pytest.mark.parametrize("dx", [95.0, 20.5, 6.0])
def test_a_soft_edge_is_the_layers_own_colour_over_the_ground_by_its_coverage(fur, dx):
    """Also where it overlaps its old place: nothing there is made hard, or wider."""
    photo, segment = fur
    collage, engine = Collage(WIDTH, HEIGHT, (segment,), (Layer("l", "fur", translation(dx, 0)),)), tiny_plates()
    result = engine.fixup(photo, render(photo, collage), OPTIONS).images[0]
    ground = engine.lift(photo, [removed_objects(collage)]).rgb
    layer = premultiplied(photo, segment, dx)
    soft = (layer[..., 3] > 0) & (layer[..., 3] < 1)
    expected = ground * (1 - layer[..., 3:]) + layer[..., :3]
    assert soft.sum() > 500, "else this says little of edges"
    assert np.abs(result - expected).max() <= 2
    assert (result[layer[..., 3] == 0] == ground[layer[..., 3] == 0]).all()


def test_layers_that_overlap_and_let_through_lie_over_each_other_in_their_order(fur):
    photo, segment = fur
    shown = ((60.0, 1.0), (80.0, 0.5))
    layers = tuple(Layer(str(dx), "fur", translation(dx, 0), opacity=opacity) for dx, opacity in shown)
    collage, engine = Collage(WIDTH, HEIGHT, (segment,), layers), tiny_plates()
    result = engine.fixup(photo, render(photo, collage), OPTIONS).images[0]
    expected = engine.lift(photo, [removed_objects(collage)]).rgb.astype(np.float32)
    for dx, opacity in shown:
        layer = premultiplied(photo, segment, dx) * opacity
        expected = expected * (1 - layer[..., 3:]) + layer[..., :3]
    assert np.abs(result - expected).max() <= 2


@pytest.mark.parametrize("more", [(), (Layer("again", "fur", translation(110, 10)),)], ids=["alone", "duplicated"])
def test_an_object_that_stays_opens_no_hole_and_stays_exact(fur, more):
    photo, segment = fur
    collage = Collage(WIDTH, HEIGHT, (segment,), (Layer("l", "fur", IDENTITY), *more))
    found = arrangement_of(photo, render(photo, collage))
    result = tiny_plates().fixup(photo, render(photo, collage), OPTIONS)
    away = ~disc(190, 90, 45) if more else np.ones((HEIGHT, WIDTH), bool)
    assert not found.hole.any()
    assert (result.images[0][away] == photo[away]).all() and not result.touched[away].any()
    assert bool(more) == (result.images[0] != photo).any()


def test_what_stands_beside_a_removed_object_stays_exact(fur):
    """Its inside lies within the margin that is lifted around the other."""
    photo, segment = fur
    beside = segment_from_mask("beside", disc(135, 80, 22))
    collage = Collage(WIDTH, HEIGHT, (segment, beside), (Layer("l", "beside"),))
    found = arrangement_of(photo, render(photo, collage))
    assert found.hole[disc(135, 80, 21)].any(), "else this could not fail"
    result = tiny_plates().fixup(photo, render(photo, collage), OPTIONS).images[0]
    assert (result[disc(135, 80, 22)] == photo[disc(135, 80, 22)]).all()


def test_what_stands_before_a_removed_object_keeps_none_of_its_colour():
    """The soft edge of the one in front was mixed with the red one behind, in the photo."""
    hair, red = hairy(160, 80, 26), np.zeros((HEIGHT, WIDTH), np.uint8)
    red[40:120, 60:160] = 255
    behind = painted(meadow(), np.array([220, 20, 20], np.float32), red)
    photo, without = painted(behind, FUR, hair), painted(meadow(), FUR, hair)
    segments = segment_from_mask("red", np.where(hair > 127, 0, red)), segment_from_mask("hair", hair)
    collage = Collage(WIDTH, HEIGHT, segments, (Layer("l", "hair"),))
    result = tiny_plates().fixup(photo, render(photo, collage), OPTIONS).images[0]
    soft = (hair >= CUT_THRESHOLD) & (hair < 255) & (red > 0)
    redness = (result.astype(int) - without)[soft][:, 0] - (result.astype(int) - without)[soft][:, 1]
    assert np.percentile(redness, 95) < 40 and (photo.astype(int) - without)[soft][:, 0].max() > 100


def test_an_object_of_another_photo_opens_no_hole(fur):
    photo, segment = fur
    other = np.flip(photo, 0).copy()
    foreign = Segment("f", segment.left, HEIGHT - segment.top - segment.mask.shape[0], segment.mask[::-1], "other")
    layers = (Layer("l", "f", translation(90, 0)),)
    collage = Collage(WIDTH, HEIGHT, (foreign,), layers, (Source("other", WIDTH, HEIGHT),))
    edit = render(photo, collage, {"other": other})
    assert not arrangement_of(photo, edit).hole.any()
    result = tiny_plates().fixup(photo, edit, OPTIONS).images[0]
    assert (result == edit.rgb).all() and (result != photo).any()


def test_what_is_said_to_be_touched_is_all_that_changed(fur):
    photo, segment = fur
    collage = Collage(WIDTH, HEIGHT, (segment,), (Layer("l", "fur", translation(95, 0)),))
    result = tiny_plates().fixup(photo, render(photo, collage), EditOptions(samples=3, sdedit=False))
    for image in result.images:
        changed = (image != photo).any(2)
        assert changed.mean() > 0.1 and not (changed & ~result.touched).any()


def test_laying_over_is_the_same_in_every_band():
    """More rows than are mixed at once; where the edit is whole its own bits come back."""
    random = np.random.default_rng(3)
    rgb, ground = random.integers(0, 256, (2, 2 * BAND + 7, 9, 3), dtype=np.uint8)
    alpha = random.choice(np.array([0, 1, 128, 254, 255], np.uint8), rgb.shape[:2])
    laid = laid_over(CoarseEdit(rgb, alpha), ground)
    expected = np.rint(over(ground.astype(np.float64), rgb.astype(np.float64), alpha / 255.0))
    assert np.abs(laid - expected).max() <= 1
    assert (laid[alpha == 255] == rgb[alpha == 255]).all() and (laid[alpha == 0] == ground[alpha == 0]).all()


# --- edits of other programs ------------------------------------------------------------------------------------------


def of_another_program(dx: int, rim: int = 0) -> tuple[np.ndarray, CoarseEdit, np.ndarray]:
    """(photo, edit, where the object is now): an orange disc moved, cut hard, with a dark rim of so many pixels."""
    photo, rgb = meadow(), meadow()
    photo[disc(70, 80, 26)] = ORANGE
    rgb[disc(70, 80, 26)] = 0
    alpha = np.where(disc(70, 80, 26), 0, 255).astype(np.uint8)
    now = disc(70 + dx, 80, 26 + rim)
    rgb[now] = DARK
    rgb[disc(70 + dx, 80, 26)] = ORANGE
    alpha[now] = 255
    return photo, CoarseEdit(rgb, alpha), now


@pytest.mark.parametrize("dx", [110, 35, 10])
def test_only_the_old_place_is_filled_and_what_did_not_move_is_exact(dx):
    photo, edit, now = of_another_program(dx)
    result = tiny_plates().fixup(photo, edit, OPTIONS)
    unmoved = distance_to(disc(70, 80, 26) | now) > 14
    assert (result.images[0][unmoved] == photo[unmoved]).all()
    inside = disc(70 + dx, 80, 20)
    assert (result.images[0][inside] == edit.rgb[inside]).all()
    assert np.abs(result.images[0].astype(int) - meadow())[edit.hole].mean() < 25, "ground stands where the disc stood"


@pytest.mark.parametrize("dx", [110, 35])  # nearer than that orange lies over orange, and nothing tells them apart
def test_a_hard_cut_out_with_a_dark_rim_comes_out_without_it(dx):
    photo, edit, now = of_another_program(dx, rim=1)
    result = tiny_plates().fixup(photo, edit, OPTIONS).images[0]
    rim = now & ~disc(70 + dx, 80, 26)
    assert (edit.rgb[rim].max(1) < 60).all() and rim.sum() > 100
    assert (result[rim].max(1) < 90).mean() < 0.05


def test_a_background_that_moved_by_part_of_a_pixel_is_filled_from_the_edit_itself():
    """After a camera's motion nothing of the photo stands where it stood: there is no photo to fall back on."""
    photo, edit, now = of_another_program(110)
    shift = np.array([[1, 0, 0.4], [0, 1, 0.3]], np.float32)
    moved = cv2.warpAffine(edit.rgb, shift, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    alpha = np.where(disc(70, 80, 28), 0, 255).astype(np.uint8)
    edit = CoarseEdit(np.where(alpha[..., None] > 0, moved, 0).astype(np.uint8), alpha)
    result = tiny_plates().fixup(photo, edit, OPTIONS).images[0]
    kept = ~dilated_hole(edit)
    assert (result[kept] == edit.rgb[kept]).all(), "the edit's own pixels, not the photo's"
    filled = np.abs(result.astype(int) - meadow())[edit.hole]
    assert filled.mean() < 25 and (result[edit.hole].max(1) > 60).all(), "nothing black of the hole is left"


def test_an_edit_that_changes_nothing_is_the_photo():
    photo = meadow()
    edit = CoarseEdit(photo.copy(), np.full((HEIGHT, WIDTH), 255, np.uint8))
    found = arrangement_of(photo, edit)
    assert not found.hole.any()
    assert (tiny_plates().fixup(photo, edit, OPTIONS).images[0] == photo).all()


def test_a_margin_is_lifted_around_what_is_removed_and_around_nothing_else(fur):
    photo, segment = fur
    collage = Collage(WIDTH, HEIGHT, (segment,), ())
    found = arrangement_of(photo, render(photo, collage))
    assert (found.hole == lifted(removed_objects(collage))).all()
    assert (found.over.alpha[~found.hole] == 255).all() and (found.over.alpha[found.hole] == 0).all()
    assert (found.over.rgb[~found.hole] == photo[~found.hole]).all()
