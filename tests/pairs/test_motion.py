"""The motion models: flow along a shot, segments that move together, the two warps and what they reject."""

import math

import cv2
import numpy as np
import pytest

from magicfixup_demo.affine import compose, rotation, translation
from magicfixup_demo.pairs import motion
from magicfixup_demo.pairs.flow import ShotFlow, consistency, follow, motion_is_useful, optical_flow
from magicfixup_demo.pairs.segments import misfit, motion_segments
from magicfixup_demo.pairs.videos import warp
from magicfixup_demo.schema import CoarseEdit

HEIGHT, WIDTH = 192, 256


def textured(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Smooth random texture that optical flow can follow."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def frame(shift: int) -> np.ndarray:
    """A textured square that moves right over a texture that stands still."""
    picture = textured(0)
    picture[60:132, 40 + shift : 112 + shift] = textured(1, 72, 72)
    return picture


def true_flow(shift: int) -> np.ndarray:
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    flow[60:132, 40:112, 0] = shift
    return flow


def visible(shift: int) -> np.ndarray:
    """Source pixels of ``frame(0)`` that are still seen in ``frame(shift)``."""
    seen = np.ones((HEIGHT, WIDTH), bool)
    seen[60:132, 112 : 112 + shift] = False
    return seen


def test_flow_warp_carries_the_square_and_opens_a_hole_behind_it():
    source, target = frame(0), frame(20)
    edit = motion.warp_by_flow(source, true_flow(20), np.ones((HEIGHT, WIDTH), bool))
    error = np.abs(edit.rgb.astype(int) - target).mean(axis=2)
    before = np.abs(source.astype(int) - target).mean(axis=2)
    assert error[70:122, 70:122].mean() < 12 < before[70:122, 70:122].mean()
    assert edit.hole[65:127, 46:54].mean() > 0.9  # uncovered
    assert edit.hole[:40].mean() < 0.02


def test_flow_warp_shows_only_what_is_trusted():
    source, trusted = frame(0), np.ones((HEIGHT, WIDTH), bool)
    trusted[:, 128:] = False
    edit = motion.warp_by_flow(source, np.zeros((HEIGHT, WIDTH, 2), np.float32), trusted)
    assert edit.hole[:, 132:].all() and not edit.hole[4:-4, 4:124].any()
    np.testing.assert_array_equal(edit.rgb[4:-4, 4:124], source[4:-4, 4:124])


def test_segments_are_the_square_and_what_stands_still():
    background, square = motion_segments(frame(0), true_flow(20), visible(20), np.random.default_rng(0))
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[60:132, 40:112] = True
    assert (square.mask & inside).sum() / (square.mask | inside).sum() > 0.85
    np.testing.assert_allclose(square.matrix, translation(20, 0), atol=0.05)
    np.testing.assert_allclose(background.matrix, translation(0, 0), atol=0.05)


def test_a_turn_is_found_and_its_misfit_is_nothing():
    turn = compose(rotation(0.3, (100, 90)), translation(4, -7))
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32) + 0.5
    a, b, c, d, e, f = turn
    flow = np.dstack([a * x + c * y + e - x, b * x + d * y + f - y]).astype(np.float32)
    (only,) = motion_segments(frame(0), flow, np.ones((HEIGHT, WIDTH), bool), np.random.default_rng(0))
    assert only.mask.all()
    np.testing.assert_allclose(only.matrix, turn, atol=0.02)
    assert misfit(flow, only.matrix).max() < 0.05


def test_noise_has_no_segments():
    flow = np.random.default_rng(0).normal(0, 40, (HEIGHT, WIDTH, 2)).astype(np.float32)
    assert motion_segments(frame(0), flow, np.ones((HEIGHT, WIDTH), bool), np.random.default_rng(0)) == []


@pytest.mark.parametrize("seed", range(4))
def test_segment_warp_is_a_collage_close_to_the_target(seed):
    source, target = frame(0), frame(20)
    edit = motion.warp_by_segments(source, target, true_flow(20), visible(20), np.random.default_rng(seed))
    np.testing.assert_array_less(np.abs(edit.rgb.astype(int) - target)[70:122, 70:122].mean(), 6)
    assert motion.covers_enough(edit) and motion.looks_like(edit, target)
    assert edit.hole[65:127, 48:54].mean() > 0.9, "no hole where the square came from"


def test_the_target_decides_what_lies_in_front():
    """The square passes BEHIND the right half: larger-lies-behind alone would draw the square over it."""
    source, target = frame(0), frame(0)
    target[60:132, 40:112] = textured(2, 72, 72)
    target[60:132, 60:132] = textured(1, 72, 72)
    target[60:132, 112:] = source[60:132, 112:]  # the background hides what reaches there
    flow, trusted = true_flow(20), np.ones((HEIGHT, WIDTH), bool)
    edit = motion.warp_by_segments(source, target, flow, trusted, np.random.default_rng(0))
    hidden = np.abs(edit.rgb.astype(int) - source)[66:126, 114:130]
    assert hidden.mean() < 3


def test_a_segment_that_lands_on_something_else_is_left_out():
    source, target = frame(0), frame(20)
    target[60:132, 60:132] = 255 - target[60:132, 60:132]
    edit = motion.warp_by_segments(source, target, true_flow(20), visible(20), np.random.default_rng(0))
    assert edit.hole[70:122, 70:110].all()


def test_who_has_left_the_scene_leaves_a_hole():
    """A small object is gone in the target: its flow leads nowhere, and it must not stand in the edit."""
    source, target = frame(0), frame(20)
    source[20:44, 180:204] = 255
    trusted = visible(20)
    trusted[20:44, 180:204] = False
    edit = motion.warp_by_segments(source, target, true_flow(20), trusted, np.random.default_rng(0))
    assert edit.hole[22:42, 182:202].all()
    assert not edit.hole[100:180, 160:250].any()


def test_looks_like_refuses_a_missed_cut_and_a_caption_but_not_a_gain():
    target = textured(3)
    edit = CoarseEdit(rgb=target.copy(), alpha=np.full((HEIGHT, WIDTH), 255, np.uint8))
    assert motion.looks_like(edit, target)
    assert motion.looks_like(CoarseEdit(np.clip(target * 0.93, 0, 255).astype(np.uint8), edit.alpha), target)
    assert not motion.looks_like(edit, textured(8))
    captioned = target.copy()
    captioned[150:180, 20:236] = 255
    assert not motion.looks_like(edit, captioned)


def test_warp_gives_up_where_the_flow_is_noise():
    flow = np.random.default_rng(0).normal(0, 30, (HEIGHT, WIDTH, 2)).astype(np.float32)
    nowhere = np.zeros((HEIGHT, WIDTH), bool)
    for kind in ("flow", "affine"):
        assert warp(kind, textured(0), textured(7), flow, nowhere, np.random.default_rng(0)) is None


def test_filters_drop_static_and_violent_motion():
    still = np.zeros((256, 256, 2), np.float32)
    moving, violent = still.copy(), still.copy()
    moving[:, :128, 0] = 40  # 80 pixels at 512
    violent[..., 0] = 200  # 400 pixels at 512
    assert not motion_is_useful(still)
    assert motion_is_useful(moving)
    assert not motion_is_useful(violent)


def test_consistency_is_false_where_flow_does_not_return():
    forward = np.zeros((64, 64, 2), np.float32)
    forward[..., 0] = 5
    backward = -forward
    backward[:, 40:] = 20
    trusted = consistency(forward, backward)
    assert trusted[:, :30].all() and not trusted[:, 40:55].any()
    assert not trusted[:, 60:].any(), "what leaves the picture cannot come back"


def test_flow_along_a_shot_follows_a_turn_that_two_frames_alone_lose():
    picture, centre = textured(5, 256, 256), (128, 128)

    def turned(angle: float) -> np.ndarray:
        return cv2.warpAffine(picture, cv2.getRotationMatrix2D(centre, -math.degrees(angle), 1), (256, 256))

    angles = np.linspace(0, 1.2, 13)
    frames = [turned(angle) for angle in angles]
    inner = np.hypot(*(np.mgrid[:256, :256] - 128)) < 90
    a, b, c, d, e, f = rotation(1.2, centre)
    y, x = np.mgrid[:256, :256].astype(np.float32)
    truth = np.dstack([a * x + c * y + e - x, b * x + d * y + f - y])

    def error(flow: np.ndarray) -> float:
        return float(np.median(np.linalg.norm(flow - truth, axis=2)[inner]))

    shot = ShotFlow(frames, rate=8)
    assert error(shot.between(0, 12)) < 2.0 < error(optical_flow(frames[0], frames[12]))
    back = shot.between(12, 0)
    assert np.median(np.linalg.norm(shot.between(0, 12) + follow(back, shot.between(0, 12)), axis=2)[inner]) < 3.0


def test_a_black_border_is_seen_and_a_dark_object_is_not():
    picture = np.maximum(textured(0), 20)
    assert not motion.has_black_border(picture)
    inside = picture.copy()
    inside[60:100, 60:100] = 0
    assert not motion.has_black_border(inside)
    slanted = cv2.warpAffine(
        picture, cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), 4, 1), (WIDTH, HEIGHT), borderValue=0
    )
    assert motion.has_black_border(slanted)
