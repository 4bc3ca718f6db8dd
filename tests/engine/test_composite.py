"""What was touched, what the model sees, and how its result goes back into the photo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magicfixup_demo.affine import translation
from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.engine.composite import blend_weight, crop_box, put_back, ring_width, shared_box
from magicfixup_demo.engine.conditioning import (
    dilated_hole,
    fill_as_published,
    fill_from_background,
    fill_holes,
    moved_content,
    touched_pixels,
)
from magicfixup_demo.schema import CoarseEdit, Collage, Layer


@pytest.fixture
def noise_photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)


def with_hole(photo: np.ndarray, top: int, left: int, height: int, width: int) -> CoarseEdit:
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[top : top + height, left : left + width] = 0
    return CoarseEdit(rgb=np.where(alpha[..., None] > 0, photo, 0).astype(np.uint8), alpha=alpha)


def test_an_edit_that_changes_nothing_touches_nothing(noise_photo):
    same = CoarseEdit(rgb=noise_photo, alpha=np.full(noise_photo.shape[:2], 255, np.uint8))
    touched = touched_pixels(noise_photo, same)
    assert not touched.any()
    filled = fill_from_background(noise_photo, same)
    assert np.array_equal(filled, noise_photo)
    assert np.array_equal(put_back(noise_photo, filled, touched, noise_photo, 255 - noise_photo), noise_photo)


def test_resampling_noise_is_not_an_edit_but_a_moved_patch_is(noise_photo):
    rgb = np.clip(noise_photo.astype(int) + np.random.default_rng(1).integers(-4, 5, noise_photo.shape), 0, 255)
    rgb = rgb.astype(np.uint8)
    rgb[50:80, 60:100] = 255 - noise_photo[50:80, 60:100]
    touched = touched_pixels(noise_photo, CoarseEdit(rgb=rgb, alpha=np.full(rgb.shape[:2], 255, np.uint8)))
    assert touched[52:78, 62:98].mean() > 0.9
    touched[48:82, 58:102] = False
    assert not touched.any()


def test_blend_is_one_where_touched_and_exactly_zero_beyond_the_ring():
    touched = np.zeros((100, 100), bool)
    touched[40:60, 40:60] = True
    weight = blend_weight(touched, ring=10)
    assert (weight[touched] == 1).all()
    assert (weight[:29] == 0).all() and (weight[:, 72:] == 0).all()
    assert 0 < weight[34, 50] < 1


def test_untouched_pixels_are_the_photos_own_and_the_hole_is_the_models(noise_photo):
    edit = with_hole(noise_photo, 90, 140, 30, 40)
    coarse = fill_from_background(noise_photo, edit)
    after = np.full_like(noise_photo, 77)
    result = put_back(noise_photo, coarse, touched_pixels(noise_photo, edit), coarse, after)
    far = blend_weight(touched_pixels(noise_photo, edit), ring_width(*noise_photo.shape[:2])) == 0
    assert far.mean() > 0.5
    assert np.array_equal(result[far], noise_photo[far])
    assert (result[100:110, 150:170] == 77).all()


def test_content_keeps_its_own_sharpness_when_the_model_works_smaller(noise_photo):
    """The model saw a fifth of the size and changed nothing: full-size content must come back unharmed."""
    edit = with_hole(noise_photo, 90, 140, 30, 40)
    coarse = fill_from_background(noise_photo, edit)
    small = np.full((40, 60, 3), 99, np.uint8)
    result = put_back(noise_photo, coarse, touched_pixels(noise_photo, edit), small, small)
    content = ~dilated_hole(edit)
    content[80:130, 130:190] = False  # the soft border of the fill
    assert np.array_equal(result[content], noise_photo[content])


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(40, 2000),
    width=st.integers(40, 2000),
    x=st.floats(0, 0.99),
    y=st.floats(0, 0.99),
    w=st.floats(0.001, 1),
    h=st.floats(0.001, 1),
)
def test_the_crop_lies_inside_the_photo_and_holds_everything_touched(height, width, x, y, w, h):
    touched = np.zeros((height, width), bool)
    top, left = int(y * height), int(x * width)
    touched[top : top + max(1, int(h * height)), left : left + max(1, int(w * width))] = True
    box = crop_box(touched)
    assert 0 <= box.left < box.right <= width
    assert 0 <= box.top < box.bottom <= height
    assert touched[box.window].sum() == touched.sum()
    assert box.size[0] >= min(width, 512) and box.size[1] >= min(height, 512)


def test_fill_reaches_every_hole_and_leaves_the_rest_alone(noise_photo):
    edit = with_hole(noise_photo, 0, 0, 60, 300)
    filled = fill_holes(edit)
    hole = dilated_hole(edit)
    assert np.array_equal(filled[~hole], noise_photo[~hole])
    assert filled[hole].std() > 0


def test_dilation_is_three_pixels_each_way(noise_photo):
    hole = dilated_hole(with_hole(noise_photo, 90, 140, 10, 10))
    assert hole.sum() == 16 * 16
    assert hole[87:103, 137:153].all()


@pytest.fixture
def overlapping() -> tuple[np.ndarray, CoarseEdit]:
    """A red square on grey, moved so that it still covers a part of the hole it left."""
    photo = np.full((160, 200, 3), 120, np.uint8)
    photo[50:100, 60:110] = (200, 20, 20)
    mask = np.zeros(photo.shape[:2], bool)
    mask[50:100, 60:110] = True
    segment = segment_from_mask("s", mask)
    return photo, render(photo, Collage(200, 160, (segment,), (Layer("l", "s", translation(44, 0)),)))


def test_a_moved_object_does_not_bleed_into_the_hole_it_left(overlapping):
    photo, edit = overlapping
    uncovered = (slice(56, 94), slice(62, 102))
    behind = fill_from_background(photo, edit)
    assert np.abs(behind[uncovered].astype(int) - 120).max() <= 2, "the ground there is grey"
    beside = fill_as_published(photo, edit)
    assert np.abs(beside[uncovered].astype(int) - 120).max() > 40, "else this test could not fail"


def test_the_moved_object_is_laid_down_whole(overlapping):
    photo, edit = overlapping
    filled = fill_from_background(photo, edit)
    assert (filled[50:100, 111:154] == (200, 20, 20)).all()
    assert (filled[53:97, 108:154] == (200, 20, 20)).all()  # red on red: its edge cannot be told from the old one


def test_the_overlap_that_looks_as_before_is_not_trusted_either(overlapping):
    """Red on red does not differ, so it does not count as moved; the fill beside it must not be red all the same."""
    photo, edit = overlapping
    assert not moved_content(photo, edit)[60:90, 105:109].any()
    beside = fill_from_background(photo, edit)[60:90, 95:102]
    assert np.abs(beside.astype(int) - 120).max() <= 2


def test_a_soft_rim_of_the_old_object_is_painted_over(overlapping):
    """Edits of other tools often keep a pixel or two of the object around the hole, half transparent."""
    photo = overlapping[0]
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[49:101, 59:111] = 180
    alpha[51:99, 61:109] = 0
    filled = fill_from_background(photo, CoarseEdit(rgb=photo, alpha=alpha))
    assert np.abs(filled[45:105, 55:115].astype(int) - 120).max() <= 2


def test_after_a_cameras_motion_there_is_no_background(overlapping):
    """The rest moved by a pixel as well: nothing is known to have stood still, so the hole grows in from all sides."""
    noise = np.random.default_rng(2).integers(0, 12, overlapping[0].shape, dtype=np.uint8)
    photo = overlapping[0] + noise
    rgb = overlapping[1].rgb + np.roll(noise, 1, axis=1)
    edit = CoarseEdit(rgb=rgb.astype(np.uint8), alpha=overlapping[1].alpha)
    red = fill_from_background(photo, edit)[60:90, 70:102, 0].astype(int) - 120
    assert np.abs(red).max() > 40


def test_a_wide_hole_gets_texture_and_a_crack_a_smooth_fill():
    """Stripes: texture continues them, Navier-Stokes cannot; a crack is too narrow for patches to matter."""
    rows, columns = np.mgrid[:256, :256]
    photo = np.repeat((((rows + columns) // 8 % 2) * 200 + 20).astype(np.uint8)[..., None], 3, axis=2)
    wide, crack = with_hole(photo, 90, 90, 70, 70), with_hole(photo, 30, 40, 1, 150)
    inside = (slice(95, 155), slice(95, 155))
    textured = fill_from_background(photo, wide)[inside].astype(int)
    assert (
        np.abs(textured - photo[inside]).mean()
        < 0.3 * np.abs(fill_holes(wide)[inside].astype(int) - photo[inside]).mean()
    )
    assert np.array_equal(fill_from_background(photo, crack), fill_holes(crack))


def test_a_large_photo_is_filled_as_its_small_copy_is():
    """A crack in a slope of grey: the fill made at the model's size must not be told from the one at full size."""
    slope = np.linspace(20, 220, 1400)[None, :, None] * np.ones((1000, 1, 3))
    photo = slope.astype(np.uint8)
    edit = with_hole(photo, 500, 300, 3, 600)
    filled = fill_from_background(photo, edit)
    hole = dilated_hole(edit)
    assert np.array_equal(filled[~hole], photo[~hole])
    assert np.abs(filled[hole].astype(int) - photo[hole]).max() <= 2


def touched_box(height: int, width: int, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    touched = np.zeros((height, width), bool)
    touched[top:bottom, left:right] = True
    return touched


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_shared_box_holds_the_crop_and_there_are_few_of_them(data):
    height, width = (data.draw(st.integers(40, 4000)) for _ in range(2))
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    touched = touched_box(height, width, left, top, right, bottom)
    needed, shared = crop_box(touched), shared_box(touched)
    assert shared.left <= needed.left and shared.right >= needed.right and shared.right <= width
    assert shared.top <= needed.top and shared.bottom >= needed.bottom and shared.bottom <= height
    parts = round(width / shared.size[0])
    assert shared.size == (width // parts, height // parts)
    assert parts == 1 or min(shared.size) >= 512
    assert abs(shared.left * (2 * parts - 2) / max(1, width - shared.size[0]) % 1 - 0.5) > 0.45  # one of 2 parts - 1


def test_a_photo_of_less_than_two_crops_a_side_is_seen_whole():
    assert shared_box(touched_box(1000, 1300, 600, 400, 640, 450)).size == (1300, 1000)


def test_an_object_dragged_further_is_seen_in_the_same_box():
    """A large photo: the box of ``crop_box`` moves with every edit, the shared one does not."""
    edits = [touched_box(3000, 4000, 500, 600, 900 + further, 1000) for further in (0, 40, 80)]
    assert len({shared_box(touched) for touched in edits}) == 1 < len({crop_box(touched) for touched in edits})
    assert shared_box(edits[0]).size == (2000, 1500)
