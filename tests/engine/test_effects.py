"""Shadows: found by a network (here one that knows the answer), divided out, laid anew where the object goes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from magicfixup_demo.affine import compose, rotation, scaling, translation
from magicfixup_demo.collage import segment_from_mask
from magicfixup_demo.engine.arrangement import arrangement_of, laid_over
from magicfixup_demo.engine.composite import Box
from magicfixup_demo.engine.effects import Effects, Shadow, attenuation, coverage_of, laid, seen_around, without_shadows
from magicfixup_demo.images import resize
from magicfixup_demo.schema import CoarseEdit, Collage, Layer

HEIGHT, WIDTH = 240, 400
TOP, LEFT, SIDE = 80, 60, 40  # of the object
TAKEN = 0.5
GREY, RED = 180, (200, 30, 30)


class Dark(torch.nn.Module):
    """Takes everything dark and grey beside the object for its shadow, and says by how much."""

    def forward(self, picture, mask):
        light = ((picture.mean(dim=1, keepdim=True) + 1) * 127.5 / GREY).clamp(1e-3, 1) ** 2.2
        colourful = (picture.amax(dim=1, keepdim=True) - picture.amin(dim=1, keepdim=True)) > 0.1
        share = ((1 - light) * ~colourful).clamp(1e-4, 1 - 1e-4)
        return torch.cat([torch.full_like(share, 20.0), share.logit()], dim=1)


def box(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top : top + height, left : left + width] = True
    return mask


OBJECT = box(TOP, LEFT, SIDE, SIDE)
SHADE = box(TOP + SIDE - 10, LEFT + SIDE, 10, 30) | box(TOP + SIDE, LEFT, 6, SIDE + 30)  # to the right, and below


def ground() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)


def scene() -> np.ndarray:
    photo = ground()
    photo[SHADE] = np.rint(GREY * (1 - TAKEN) ** (1 / 2.2))
    photo[OBJECT] = RED
    return photo


@pytest.fixture
def effects():
    found = Effects(Dark())
    found.half = False
    return found


def collage(*layers: Layer) -> Collage:
    return Collage(WIDTH, HEIGHT, (segment_from_mask("s", OBJECT),), layers)


def edit_of(arranged: Collage) -> CoarseEdit:
    return CoarseEdit(scene(), np.full((HEIGHT, WIDTH), 255, np.uint8), arranged)


def test_what_is_found_is_divided_out_and_the_ground_is_itself_again(effects):
    shadow = effects.of(scene(), OBJECT)
    lit, lost = without_shadows(scene(), [(shadow, OBJECT)])
    inner = np.zeros_like(SHADE)
    inner[TOP + SIDE - 7 : TOP + SIDE - 3, LEFT + SIDE + 4 : LEFT + SIDE + 24] = True  # away from its edges
    assert np.abs(lit[inner].astype(int) - GREY).max() <= 4 and not lost.any()
    far = box(0, 300, 60, 80)
    np.testing.assert_array_equal(lit[far], scene()[far])


def test_under_the_object_a_shadow_goes_on(effects):
    shadow = effects.of(scene(), OBJECT)
    taken = resize(shadow.taken, *shadow.box.size)
    assert taken[TOP + SIDE - 3 - shadow.box.top, LEFT + SIDE - 3 - shadow.box.left] > 0.1


def test_an_object_without_a_shadow_has_none(effects):
    photo = ground()
    photo[OBJECT] = RED
    assert effects.of(photo, OBJECT) is None and effects.of(photo, OBJECT & False) is None


def test_black_of_a_shadows_coverage_takes_that_share_of_light():
    left = 1 - coverage_of(np.float32([0, 0.3, 0.9]))
    np.testing.assert_allclose(left**2.2, [1, 0.7, 0.1], atol=1e-6)


def test_what_is_too_dark_is_lost():
    deep = Shadow(Box(10, 20, 17, 25), np.full((5, 7), 0.95, np.float32), (13.0, 20.0), 7)
    lit, lost = without_shadows(scene(), [(deep, OBJECT)])
    assert lost[20:25, 10:17].all() and lost.sum() == 35 and lit.dtype == np.uint8


def fallen(matrix) -> np.ndarray:
    shadow = Shadow(Box(40, 50, 80, 80), np.zeros((30, 40), np.float32), (60.0, 70.0), 20)
    shadow.taken[18:22, 20:36] = TAKEN
    whole = np.zeros((HEIGHT, WIDTH), np.float32)
    window, coverage = laid(shadow, Layer("l", "s", matrix), WIDTH, HEIGHT)
    whole[window] = coverage
    return whole


def middle(coverage: np.ndarray) -> np.ndarray:
    y, x = np.indices(coverage.shape) + 0.5
    return np.array([(x * coverage).sum(), (y * coverage).sum()]) / coverage.sum()


def test_a_shadow_goes_where_its_object_goes():
    np.testing.assert_allclose(
        middle(fallen(translation(100, 40))) - middle(fallen(translation(0, 0))), (100, 40), atol=0.01
    )
    half = fallen(translation(20.5, 0.5))
    np.testing.assert_allclose(middle(half) - middle(fallen(translation(0, 0))), (20.5, 0.5), atol=0.01)


def test_a_shadow_keeps_to_the_foot_and_grows_with_its_object():
    foot = np.array([60.0, 70.0])
    small, large = fallen(translation(0, 0)), fallen(scaling(2, 2, tuple(foot)))
    np.testing.assert_allclose(middle(large) - foot, 2 * (middle(small) - foot), atol=0.2)
    assert abs(large.sum() / small.sum() - 4) < 0.1


@pytest.mark.parametrize(
    "turned",
    [rotation(1.2, (60, 70)), scaling(-1, 1, (60, 70)), compose(rotation(3.1, (60, 70)), scaling(1, -1, (60, 70)))],
)
def test_turning_or_mirroring_an_object_leaves_the_light_where_it_was(turned):
    np.testing.assert_allclose(fallen(turned), fallen(translation(0, 0)), atol=1e-5)


SMALL = Shadow(Box(100, 100, 140, 140), np.full((20, 20), TAKEN, np.float32), (120.0, 120.0), 20)


def test_a_shadow_found_on_a_small_picture_is_as_large_as_its_box():
    window, coverage = laid(SMALL, Layer("l", "s", translation(3, 4)), WIDTH, HEIGHT)
    assert window == (slice(104, 144), slice(103, 143))
    np.testing.assert_allclose(coverage[4:-4, 4:-4], coverage_of(np.float32(TAKEN)), atol=1e-6)


def test_strength_and_softness_are_the_layers():
    plain, strong, none = (SMALL.coverage(strength).max() for strength in (1.0, 1.5, 0.0))
    assert none == 0 and abs((1 - strong) ** 2.2 - (1 - 1.5 * TAKEN)) < 1e-3 and plain < strong
    dot = Shadow(SMALL.box, np.zeros((20, 20), np.float32), SMALL.foot, 40)
    dot.taken[8:12, 8:12] = TAKEN
    assert dot.coverage(softness=1.0).max() < 0.8 * dot.coverage().max()


def test_what_shadows_leave_of_the_light_is_a_picture():
    left = attenuation([SMALL, SMALL], WIDTH, HEIGHT)
    assert left.shape == (HEIGHT, WIDTH) and left[0, 0] == 255 and left[120, 120] == round(255 * (1 - TAKEN) ** 2)


def test_a_shadow_beside_the_picture_is_not_laid():
    assert laid(SMALL, Layer("l", "s", translation(5000, 0)), WIDTH, HEIGHT) is None


def test_an_object_that_is_moved_takes_its_shadow_along(effects):
    arrangement = arrangement_of(scene(), edit_of(collage(Layer("l", "s", translation(200, 30)))), effects)
    result = laid_over(arrangement.over, ground())
    old = SHADE & ~arrangement.hole
    assert np.abs(result[old].astype(int) - GREY).mean() < 8, "the old place is as light as the ground"
    new = np.roll(SHADE, (30, 200), (0, 1))
    assert abs(result[new].mean() - scene()[SHADE].mean()) < 12, "the new one as dark as the old was"
    below = GREY - result[..., 1].astype(float)
    below[np.roll(OBJECT, (30, 200), (0, 1))] = 0
    below[:, :200] = 0
    was = GREY - scene()[..., 1].astype(float)
    was[OBJECT] = 0
    assert np.abs(middle(np.clip(below, 0, None)) - middle(np.clip(was, 0, None)) - (200, 30)).max() < 4


def test_an_object_keeps_its_own_colours(effects):
    over = arrangement_of(scene(), edit_of(collage(Layer("l", "s", translation(200, 30)))), effects).over
    inside = np.zeros_like(OBJECT)
    inside[TOP + 33 : TOP + 27 + SIDE, LEFT + 203 : LEFT + 197 + SIDE] = True
    assert (over.rgb[inside] == RED).all()


def test_what_stays_where_it_was_keeps_its_own_shadow(effects):
    stays, copy = Layer("l", "s"), Layer("copy", "s", translation(200, 0))
    arrangement = arrangement_of(scene(), edit_of(collage(stays, copy)), effects)
    assert not arrangement.hole.any()
    np.testing.assert_array_equal(arrangement.ground, scene())
    result = laid_over(arrangement.over, arrangement.ground)
    np.testing.assert_array_equal(result[:, :200], scene()[:, :200])
    assert result[TOP + SIDE + 2, LEFT + 220].mean() < GREY - 20, "the copy has one of its own"


def test_a_shadow_falls_on_what_lies_below_its_object_only(effects):
    mask = box(60, 250, 60, 120)  # another object, where the first one's shadow will fall
    photo = scene()
    photo[mask] = (30, 30, 220)
    segments = (segment_from_mask("s", OBJECT), segment_from_mask("t", mask))
    moved, other = Layer("l", "s", translation(200, 0)), Layer("o", "t")
    for layers, darker in (((other, moved), True), ((moved, other), False)):
        arranged = Collage(WIDTH, HEIGHT, segments, layers)
        over = arrangement_of(photo, CoarseEdit(photo, np.full(mask.shape, 255, np.uint8), arranged), effects).over
        assert (over.rgb[TOP + SIDE - 5, LEFT + 200 + SIDE + 12, 2] < 180) == darker


def test_collages_of_old_files_leave_shadows_alone(effects):
    old = replace(collage(Layer("l", "s", translation(200, 30))), shadows=False)
    arrangement = arrangement_of(scene(), edit_of(old), effects)
    np.testing.assert_array_equal(arrangement.ground, scene())


def test_a_layer_may_lose_its_shadow(effects):
    layer = Layer("l", "s", translation(200, 30), shadow=0.0)
    result = laid_over(arrangement_of(scene(), edit_of(collage(layer)), effects).over, ground())
    assert (result[np.roll(SHADE, (30, 200), (0, 1))] == GREY).all()


def test_what_is_seen_around_an_object_lies_in_the_picture():
    seen = seen_around(OBJECT)
    assert seen.left == 0 and seen.bottom <= HEIGHT and seen.size[0] >= 3 * SIDE
