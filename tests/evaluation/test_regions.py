"""The regions cover what they say, share no pixel, and agree with what the engine leaves alone."""

import numpy as np
import pytest

from magicfixup_demo.engine.composite import blend_weight, crop_box, ring_width
from magicfixup_demo.engine.conditioning import dilated_hole, touched_pixels
from magicfixup_demo.evaluation.regions import LEAST_PIXELS, regions_of
from magicfixup_demo.schema import CoarseEdit


def test_regions_share_no_pixel_and_cover_nearly_all(picture, edit):
    masks = [mask for mask in regions_of(picture, edit).values() if mask is not None]
    assert len(masks) == 4
    count = np.sum(masks, axis=0)
    assert count.max() == 1 and count.mean() > 0.95


def test_each_region_is_where_it_should_be(picture, edit):
    regions = regions_of(picture, edit)
    assert (regions["hole"] == dilated_hole(edit)).all()
    assert regions["object"][34:56, 84:106].mean() > 0.9  # here and there the moved pixel equals the one it covers
    assert not regions["object"][:, :70].any()
    assert regions["ring"][45, 35] and regions["untouched"][45, 10] and regions["untouched"][90, 5]


@pytest.mark.parametrize("size", [(96, 128), (700, 900)])  # seen whole, and seen through a crop
def test_beyond_the_ring_the_engine_changes_nothing(size):
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    alpha = np.full(size, 255, np.uint8)
    alpha[30:60, 40:70] = 0
    edit = CoarseEdit(photo, alpha)
    touched = touched_pixels(photo, edit)
    box = crop_box(touched)
    weight = np.zeros(size, np.float32)
    weight[box.window] = blend_weight(touched[box.window], ring_width(box.bottom - box.top, box.right - box.left))
    regions = regions_of(photo, edit)
    assert ((weight == 0) == regions["untouched"]).all()


def test_what_is_not_there_is_left_out(picture):
    untouched = CoarseEdit(picture, np.full(picture.shape[:2], 255, np.uint8))
    regions = regions_of(picture, untouched)
    assert set(regions) == {"whole", "untouched"} and regions["untouched"].all()
    moved_all = CoarseEdit(255 - picture, untouched.alpha)
    assert "untouched" not in regions_of(picture, moved_all)
    speck = untouched.alpha.copy()
    speck[50, 50] = 0  # dilated: 49 pixels
    assert LEAST_PIXELS > 49 and "hole" not in regions_of(picture, CoarseEdit(picture, speck))
