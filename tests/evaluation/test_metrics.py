"""Distances: at their best, worse, and restricted to a region."""

import cv2
import numpy as np
import pytest

from magicfixup_demo.evaluation.metrics import exact, lpips, measure, psnr, ssim
from magicfixup_demo.evaluation.regions import regions_of
from magicfixup_demo.perceptual import load_lpips


def test_metrics_at_their_best_and_worse(picture):
    worse = np.clip(picture.astype(int) + 20, 0, 255).astype(np.uint8)
    assert psnr(picture, picture) == 100 and ssim(picture, picture) == pytest.approx(1)
    assert psnr(worse, picture) == pytest.approx(22.1, abs=0.3)  # 20 levels: 20 log10(255 / 20) = 22.1 dB
    assert ssim(cv2.GaussianBlur(picture, (0, 0), 3), picture) < 0.9


def test_a_region_restricts_the_metric(picture):
    changed = picture.copy()
    changed[:48] = 255 - changed[:48]
    top = np.zeros(picture.shape[:2], bool)
    top[:48] = True
    assert psnr(changed, picture, ~top) == 100 > psnr(changed, picture) > psnr(changed, picture, top)


def test_exact_counts_equal_pixels(picture):
    changed = picture.copy()
    changed[0, :32, 1] ^= 1  # one channel by one level is a difference
    first_rows = np.zeros(picture.shape[:2], bool)
    first_rows[:2] = True
    assert exact(changed, picture, first_rows) == pytest.approx(1 - 32 / 256)


def test_lpips_orders_damage(picture, lpips_weights):
    little, much = (cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in (1, 4))
    left = np.zeros(picture.shape[:2], bool)
    left[:, :64] = True
    half = np.where(left[..., None], picture, much)
    same, first, second, third = lpips([picture, little, much, half], picture, {"whole": None, "l": left, "r": ~left})
    assert same["whole"] == pytest.approx(0, abs=1e-6)
    assert 0 < first["whole"] < second["whole"]
    assert third["l"] < third["r"]


def test_lpips_of_many_is_lpips_of_each(picture, edit, lpips_weights):
    from magicfixup_demo.engine.conditioning import image_tensor

    blurred = cv2.GaussianBlur(picture, (0, 0), 2)
    both = lpips([edit.rgb, blurred], picture, {"whole": None})
    for result, values in zip((edit.rgb, blurred), both, strict=True):
        alone = float(load_lpips()(image_tensor(result), image_tensor(picture)))
        assert values["whole"] == pytest.approx(alone, abs=1e-5)


def test_measure_names_every_metric_and_region(picture, edit, lpips_weights):
    values = measure({"a": edit.rgb}, picture, picture, regions_of(picture, edit))["a"]
    regions = ("whole", "hole", "object", "ring", "untouched")
    assert set(values) == {f"{m}_{r}" for m in ("lpips", "ssim", "psnr") for r in regions} | {"exact"}
    assert values["exact"] == 1 and values["psnr_untouched"] == 100 > values["psnr_object"]
