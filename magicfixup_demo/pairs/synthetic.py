"""Reverse-synthetic pairs: the target is an untouched photo, the source is that photo with something out of place.

What the user does, run backwards. *Moved*: an object of the photo was displaced and relit, its place filled badly;
the coarse edit moves it back. *Intruder*: an object of another photo stands in the way; the coarse edit deletes it.
The true photo is known everywhere, in the hole above all. What is out of place is cut out carelessly, casts a shadow
that stays behind, and the whole source may be a poorer copy (jitter.py); the target never is.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from magicfixup_demo.affine import Affine, apply, compose, invert, rotation, scaling, translation
from magicfixup_demo.collage import footprint, render, segment_from_mask
from magicfixup_demo.engine.conditioning import fill_holes
from magicfixup_demo.images import to_uint8
from magicfixup_demo.pairs.jitter import degraded, jittered_mask, shadow
from magicfixup_demo.schema import CoarseEdit, Collage, Layer, Segment

LEAST_AREA, MOST_AREA = 0.004, 0.3  # of the picture
LEAST_VISIBLE = 0.75  # of a displaced object: what lies outside the source cannot be brought back


@dataclass(frozen=True, eq=False)
class Pair:
    """reference and target: (H, W, 3) uint8; edit: the reference rearranged towards the target."""

    reference: np.ndarray
    edit: CoarseEdit
    target: np.ndarray


def moved_object(photo: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair | None:
    """An object (``mask``, (H, W) bool) displaced in the reference and brought back by the edit."""
    height, width = mask.shape
    displaced = _random_placement(mask, rng)
    whole = segment_from_mask("object", mask)
    layer = Layer("moved", "object", displaced)
    there = footprint(whole, layer, width, height)
    a, b, c, d, _, _ = displaced
    visible = (there >= 128).sum() / max(1, mask.sum() * abs(a * d - b * c))
    if visible < LEAST_VISIBLE or not LEAST_AREA * 0.5 < (there >= 128).mean() < MOST_AREA:
        return None
    background = _background_without(photo, mask, rng)
    reference = degraded(_over(background, *_cutout(photo, whole, layer), rng), rng)
    back = invert(displaced)
    cut = segment_from_mask("cut", jittered_mask(there >= 128, rng))
    return Pair(reference, render(reference, _one_layer(cut, Layer("back", "cut", back), width, height)), photo)


def intruder(photo: np.ndarray, other: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair | None:
    """An object of another photo (``other`` with ``mask``) pasted into this one; the edit deletes it."""
    height, width = photo.shape[:2]
    guest = cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA)
    shape = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
    if not shape.any():
        return None
    segment = segment_from_mask("guest", shape)
    layer = Layer("guest", "guest", _random_placement(shape, rng))
    there = footprint(segment, layer, width, height)
    if not LEAST_AREA < (there >= 128).mean() < MOST_AREA:
        return None
    reference = degraded(_over(photo, *_cutout(guest, segment, layer), rng), rng)
    hole = cv2.dilate((there > 0).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    collage = Collage(width, height, (segment_from_mask("cut", hole | (jittered_mask(hole, rng) >= 128)),))
    return Pair(reference, render(reference, collage), photo)


def _random_placement(mask: np.ndarray, rng: np.random.Generator) -> Affine:
    """A user-like move: the object goes elsewhere, most of it inside the picture, with some scale, turn and flip."""
    height, width = mask.shape
    ys, xs = np.nonzero(mask)
    centre = (float(xs.mean()), float(ys.mean()))
    scale = math.exp(rng.normal(0, 0.22))
    flip = -1 if rng.random() < 0.1 else 1
    turn = rng.normal(0, 0.15) if rng.random() < 0.6 else 0.0
    local = compose(rotation(turn, centre), scaling(scale * flip, scale, centre))
    reach = 0.12 + 0.3 * rng.random()
    margin_x, margin_y = (max(0.05 * side, 0.4 * scale * float(np.ptp(v))) for side, v in ((width, xs), (height, ys)))
    goal_x = _between(centre[0] + rng.normal(0, reach) * width, margin_x, width - margin_x)
    goal_y = _between(centre[1] + rng.normal(0, reach) * height, margin_y, height - margin_y)
    now = apply(local, centre)
    return compose(translation(goal_x - now[0], goal_y - now[1]), local)


def _between(value: float, low: float, high: float) -> float:
    return float(np.clip(value, low, high)) if low < high else (low + high) / 2


def _background_without(photo: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photo with the object painted out, a little beyond its edge, well or badly."""
    grown = cv2.dilate(mask.astype(np.uint8), _disc(int(rng.integers(2, 9)))).astype(bool)
    hole = CoarseEdit(rgb=photo, alpha=np.where(grown, 0, 255).astype(np.uint8))
    filled = fill_holes(hole, cv2.INPAINT_TELEA if rng.random() < 0.5 else cv2.INPAINT_NS)
    if rng.random() < 0.5:  # texture from beside, so that the fill is not always smooth
        shift = int(rng.integers(20, max(21, photo.shape[1] // 3))) * (1 if rng.random() < 0.5 else -1)
        beside = np.roll(photo, shift, axis=1)
        weight = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 3)[..., None]
        filled = np.rint(filled * (1 - weight) + beside * weight).astype(np.uint8)
    return filled


def _cutout(photo: np.ndarray, segment: Segment, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    """The warped object and its coverage: ((H, W, 3) uint8, (H, W) float32 0..1)."""
    height, width = photo.shape[:2]
    blank = np.ones((height, width), bool)
    empty = Collage(width, height, (segment_from_mask("all", blank), segment), (layer,))
    edit = render(photo, empty)
    return edit.rgb, edit.alpha.astype(np.float32) / 255


def _over(background: np.ndarray, cutout: np.ndarray, coverage: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paste the relit object, at times with a shadow that is not in the photo."""
    base = background.astype(np.float32) * shadow(coverage, rng)[..., None]
    relit = relight(cutout, rng)
    mixed = relit * coverage[..., None] + base * (1 - coverage[..., None])
    return to_uint8(mixed)


def relight(picture: np.ndarray, rng: np.random.Generator, amount: float = 1.0) -> np.ndarray:
    """Random gain, gamma and white balance; (H, W, 3) uint8 -> float32 0..255. One in four is left as it is."""
    if rng.random() < 0.25:
        return picture.astype(np.float32)
    gamma = math.exp(rng.normal(0, 0.12) * amount)
    gain = np.exp(rng.normal(0, 0.12) * amount + rng.normal(0, 0.05, 3) * amount)
    return np.clip((picture.astype(np.float32) / 255) ** gamma * gain, 0, 1) * 255


def _one_layer(segment: Segment, layer: Layer, width: int, height: int) -> Collage:
    return Collage(width, height, (segment,), (layer,))


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
