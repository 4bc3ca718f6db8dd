"""Soft masks: what colour tells at the edge, and what may never happen anywhere else."""

import cv2
import numpy as np
import pytest

from magicfixup_demo.affine import translation
from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.errors import SegmentationError
from magicfixup_demo.schema import Collage, Layer
from magicfixup_demo.segmentation.matting import band_of, matte

HEIGHT, WIDTH = 300, 420
DARK_FUR, DARK_WOOD, SAND = np.array([62.0, 40, 24]), np.array([30.0, 62, 34]), np.array([236.0, 224, 198])


def noise(amount: float, seed: int) -> np.ndarray:
    return cv2.GaussianBlur(np.random.default_rng(seed).normal(0, amount, (HEIGHT, WIDTH, 3)), (0, 0), 1.0)


def depth_of_disc(x: float, y: float, radius: float, waves: float = 0.0) -> np.ndarray:
    """Signed distance to a disc whose edge waves like tufts of fur; positive inside."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    angle = np.arctan2(rows - y, columns - x)
    return radius + waves * np.sin(40 * angle) - np.hypot(columns - x, rows - y)


def mixed(front, back, cover: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(front * cover[..., None] + back * (1 - cover[..., None])), 0, 255).astype(np.uint8)


def tufted() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(photo, smooth hard mask, true cover, the object's colours, depth): dark fur on dark green, sand beside it."""
    depth = depth_of_disc(110, 150, 80, waves=1.6)
    cover = np.clip(0.5 + depth / 2.5, 0, 1)
    front = DARK_FUR + noise(10, 1)
    photo = mixed(front, DARK_WOOD + noise(10, 2), cover)
    photo[:, 210:] = np.clip(np.rint(SAND + noise(8, 3)), 0, 255).astype(np.uint8)[:, 210:]
    return photo, depth_of_disc(110, 150, 80) > 0, cover, front, depth


def test_tufts_are_found_that_the_mask_did_not_have():
    photo, mask, cover, _, _ = tufted()
    edge = (cover > 0.02) & (cover < 0.98)
    found = np.abs(matte(photo, mask) / 255 - cover)[edge].mean()
    assert found < 0.5 * np.abs(mask - cover)[edge].mean()


def test_dark_fur_moved_to_bright_sand_has_no_rim():
    """From the hard mask to the composite: nearer to the truth by far than the hard cut, and no dark ring left."""
    photo, mask, cover, front, depth = tufted()
    errors = {}
    for name, cut in (("hard", mask), ("soft", matte(photo, mask))):
        collage = Collage(WIDTH, HEIGHT, (segment_from_mask("fur", cut),), (Layer("l", "fur", translation(205, 0)),))
        shown = render(photo, collage).rgb[:, 220:].astype(float)
        truth = mixed(front[:, 15:215], photo[:, 220:], cover[:, 15:215]).astype(float)
        ring = np.abs(depth[:, 15:215]) < 4
        errors[name] = np.abs(shown - truth)[ring].mean()
        outside = (depth[:, 15:215] < -3) & (depth[:, 15:215] > -6)
        errors[name + " rim"] = np.abs(shown - photo[:, 220:])[outside].mean()
    assert errors["soft"] < 0.6 * errors["hard"]
    assert errors["soft rim"] < 1


def test_the_inside_stays_whole_and_the_outside_empty():
    photo, mask, _, _, _ = tufted()
    photo[130:170, 90:130] = DARK_WOOD  # a patch of the background's own colour, deep inside
    depth, band = depth_of_disc(110, 150, 80), band_of(photo.shape, mask)
    alpha = matte(photo, mask)
    assert (alpha[depth > band + 1] == 255).all() and not alpha[depth < -band - 1].any()


def test_no_crumbs_around_the_object_and_no_pinholes_in_it():
    """Specks of the object's colour just outside, and of the background's just inside, are neither."""
    cover = np.repeat(np.repeat(np.clip(0.5 + depth_of_disc(110, 150, 80), 0, 1), 3, axis=0), 3, axis=1)
    photo, mask = mixed(DARK_FUR, SAND, cover), cover > 0.5
    for x in (85, 575):  # five pixels outside the disc
        photo[448:451, x - 1 : x + 2] = DARK_FUR
    for y in (215, 685):  # five inside
        photo[y - 1 : y + 2, 328:331] = SAND
    alpha = matte(photo, mask)
    regions = [cv2.connectedComponents(np.uint8(part))[0] - 1 for part in (alpha >= 13, alpha <= 242)]
    assert regions == [1, 1]


@pytest.mark.parametrize("colour", [0, 128, 255])
def test_a_uniform_photo_keeps_the_masks_edge(colour):
    photo, mask = np.full((HEIGHT, WIDTH, 3), colour, np.uint8), depth_of_disc(110, 150, 80) > 0
    alpha = matte(photo, mask)
    assert np.array_equal(alpha >= 128, mask)
    assert ((alpha > 0) & (alpha < 255)).sum() < 2 * 2 * np.pi * 80, "no wider than an anti-aliased line"


@pytest.mark.parametrize("thickness", [1, 2, 3, 5])
def test_thin_things_stay(thickness):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[140 : 140 + thickness, 40:380] = True
    photo = mixed(DARK_FUR + noise(6, 1), SAND + noise(6, 2), mask.astype(float))
    alpha = matte(photo, mask)
    middle = alpha[140 + thickness // 2, 60:360]
    assert middle.mean() > 200 and middle.min() > 100


def test_an_object_at_the_border_has_no_edge_there():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[100:, :200] = True
    photo = mixed(DARK_FUR + noise(6, 1), SAND + noise(6, 2), mask.astype(float))
    alpha = matte(photo, mask)
    assert (alpha[120:, 0] == 255).all() and (alpha[-1, :180] == 255).all()
    everything = np.ones((HEIGHT, WIDTH), bool)
    assert (matte(photo, everything) == 255).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 40)])
def test_specks_are_not_lost(size):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[50 : 50 + size[0], 60 : 60 + size[1]] = True
    photo = np.clip(SAND + noise(20, 5), 0, 255).astype(np.uint8)
    assert (matte(photo, mask) >= 128).any()
    assert not matte(photo, np.zeros_like(mask)).any()


def test_small_photos_and_masks_of_any_kind():
    photo = np.random.default_rng(0).integers(0, 256, (33, 40, 3), np.uint8)
    mask = np.zeros((33, 40), np.uint8)
    mask[5:20, 8:30] = 200
    alpha = matte(photo, mask)
    assert alpha.shape == mask.shape and alpha.dtype == np.uint8
    assert np.array_equal(alpha, matte(photo, mask >= 128))
    with pytest.raises(SegmentationError, match="size"):
        matte(photo, mask[:, :-1])


def test_tiles_leave_no_seam(monkeypatch):
    """A long straight edge looks the same wherever the tiles meet."""
    from magicfixup_demo.segmentation import matting

    photo, mask, _, _, _ = tufted()
    whole = matte(photo, mask)
    monkeypatch.setattr(matting, "TILE", 64)
    assert np.abs(whole.astype(int) - matte(photo, mask)).mean() < 0.2
