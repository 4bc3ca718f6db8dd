"""Careless masks, shadows, poor copies: bounds that hold for every seed, and that each kind does occur."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from magicfixup_demo.pairs.jitter import (
    LARGEST_BLOCK,
    MOST_SHIFT,
    degraded,
    jittered_mask,
    shadow,
    signed_distance,
)
from magicfixup_demo.pairs.synthetic import intruder, moved_object

HEIGHT, WIDTH = 120, 160
SEEDS = st.integers(0, 2**32 - 1)
every_seed = settings(max_examples=40, deadline=None)


def disc(radius: int = 30, centre: tuple[int, int] = (80, 60)) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(x - centre[0], y - centre[1]) < radius


def textured(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH, 3)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def test_signed_distance_is_positive_inside():
    distance = signed_distance(disc())
    assert distance[60, 80] == pytest.approx(30, abs=1) and distance[60, 20] == pytest.approx(-30, abs=1.5)
    assert ((distance > 0) == disc()).all()


@every_seed
@given(SEEDS)
def test_a_jittered_outline_stays_near_the_true_one(seed):
    alpha = jittered_mask(disc(), np.random.default_rng(seed))
    reach = MOST_SHIFT + LARGEST_BLOCK + 3  # the shift, a step of the staircase, half the soft edge
    distance = signed_distance(disc())
    assert (alpha[distance > reach] == 255).all() and (alpha[distance < -reach] == 0).all()


@every_seed
@given(SEEDS, st.integers(1, 6))
def test_a_small_object_is_never_lost(seed, radius):
    assert (jittered_mask(disc(radius), np.random.default_rng(seed)) >= 128).any()


def test_masks_grow_shrink_soften_and_step():
    masks = [jittered_mask(disc(), np.random.default_rng(seed)) for seed in range(60)]
    areas = np.array([(mask >= 128).sum() for mask in masks])
    assert (areas > disc().sum() * 1.05).any() and (areas < disc().sum() * 0.95).any()
    soft = [bool(((mask > 8) & (mask < 247)).any()) for mask in masks]
    assert 0.25 < np.mean(soft) < 0.75
    corners = [len(cv2.approxPolyDP(outline(mask), 1.0, True)) for mask in masks]
    assert max(corners) > 2 * min(corners), "no jagged outline"


def outline(mask: np.ndarray) -> np.ndarray:
    found, _ = cv2.findContours((mask >= 128).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return max(found, key=cv2.contourArea)


@every_seed
@given(SEEDS)
def test_a_shadow_only_darkens_and_never_to_black(seed):
    lightness = shadow(disc().astype(np.float32), np.random.default_rng(seed))
    assert lightness.shape == (HEIGHT, WIDTH)
    assert lightness.max() <= 1.0 + 1e-6 and lightness.min() > 0.1


def test_shadows_fall_in_many_directions_and_touch_the_foot():
    coverage = disc(20, (80, 40)).astype(np.float32)
    sides, contacts = [], 0
    for seed in range(80):
        lightness = shadow(coverage, np.random.default_rng(seed))
        if lightness.min() > 0.99:
            continue
        outside = (1 - lightness) * (coverage == 0)
        sides.append((outside * (np.arange(WIDTH) - 80)).sum() / outside.sum())
        contacts += lightness[61:64, 70:90].min() < 0.95
    assert 20 < len(sides) < 70, "about half of the objects cast one"
    assert min(sides) < -5 and max(sides) > 5
    assert contacts > len(sides) / 3


def test_nothing_casts_no_shadow():
    nothing = np.zeros((HEIGHT, WIDTH), np.float32)
    assert all((shadow(nothing, np.random.default_rng(seed)) == 1).all() for seed in range(10))


def test_some_photos_are_degraded_a_little_and_keep_their_colours():
    photo = textured(0)
    copies = [degraded(photo, np.random.default_rng(seed)) for seed in range(60)]
    changed = [not np.array_equal(copy, photo) for copy in copies]
    assert 0.15 < np.mean(changed) < 0.6
    for copy in copies:
        assert copy.shape == photo.shape and copy.dtype == np.uint8
        assert np.abs(copy.astype(int) - photo).mean() < 8
        np.testing.assert_allclose(copy.mean(axis=(0, 1)), photo.mean(axis=(0, 1)), atol=1.5)


@every_seed
@given(SEEDS)
def test_pairs_can_be_made_again_and_their_target_is_the_untouched_photo(seed):
    photo, other, mask = textured(1), textured(2), disc(18)
    for make in (lambda rng: moved_object(photo, mask, rng), lambda rng: intruder(photo, other, mask, rng)):
        pair, again = make(np.random.default_rng(seed)), make(np.random.default_rng(seed))
        assert (pair is None) == (again is None)
        if pair is not None:
            np.testing.assert_array_equal(pair.reference, again.reference)
            np.testing.assert_array_equal(pair.edit.rgba, again.edit.rgba)
            np.testing.assert_array_equal(pair.target, photo)


@every_seed
@given(SEEDS)
def test_the_edit_brings_most_of_the_object_back(seed):
    photo, mask = textured(3), disc(18)
    pair = moved_object(photo, mask, np.random.default_rng(seed))
    if pair is not None:
        there = mask & ~pair.edit.hole
        close = np.abs(pair.edit.rgb.astype(int) - photo).max(axis=2) < 90  # relit by some, at the same place
        assert (there & close).sum() > 0.6 * mask.sum()


def test_soft_cuts_leave_an_alpha_between_hole_and_content():
    alphas = []
    for seed in range(40):
        pair = moved_object(textured(1), disc(18), np.random.default_rng(seed))
        if pair is not None:
            alphas.append(((pair.edit.alpha > 0) & (pair.edit.alpha < 255)).any())
    assert any(alphas)
