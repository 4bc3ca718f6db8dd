"""The plate: the photo without the objects that were cut out. It depends on the photo and the objects alone.

    photo, objects -> hole (lifted) -> guess (ground network) -> texture (patches of the photo) -> plate

The mean of guess and texture is nearer to the truth than either, since their errors are not alike. The finest detail is
the texture's alone, so that the ground is as sharp and as grainy, at the photo's own size, as what surrounds it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from magicfixup_demo.engine.composite import Box
from magicfixup_demo.engine.conditioning import distance_to, largest_channel
from magicfixup_demo.engine.exemplar import paint_texture, spread
from magicfixup_demo.engine.ground import Ground, View
from magicfixup_demo.engine.ground_network import SIDE
from magicfixup_demo.errors import EditError
from magicfixup_demo.images import resize
from magicfixup_demo.schema import Collage

LIFT = 9  # pixels, of a picture of SIDE: so far around an object its rim and the dark line of its contact reach
CONTEXT = 0.5  # of a hole's longer side: what is looked at around it, on each side
LEAST_CONTEXT = 96  # pixels
NEAR = 0.05  # of the picture's mean side: holes that lie closer are filled together
TEXTURE = 0.5  # of the texture in the mean with the guess
GRAIN = 1.2  # pixels that the network sees: detail finer than that is the texture's
FEATHER = 3.0  # pixels that the network sees: how wide the border between plate and photo is
MARGIN = 4.0  # pixels that the network sees, from the hole's border: there the photo is ground, mostly
SMOOTH = 1.5  # pixels: light is compared without grain
LIGHT = 25.0  # grey levels: larger differences are not of light
LIGHT_REACH = 40.0  # pixels over which the light of the border loses itself in the hole

Report = Callable[[float, str], object]  # called with the fraction done and a text; may raise to stop


@dataclass(frozen=True, eq=False)
class Plate:
    """``rgb``: (H, W, 3) uint8, the photo outside ``hole``, (H, W) bool: what was lifted, with a margin."""

    rgb: np.ndarray
    hole: np.ndarray


def removed_objects(collage: Collage) -> np.ndarray:
    """(H, W) bool: the objects of the photo that no longer stand, whole, where they were."""
    removed = np.zeros((collage.height, collage.width), bool)
    standing = {layer.segment_id for layer in collage.layers if layer.in_place and not layer.hidden}
    for segment in collage.segments:
        if not segment.source and segment.id not in standing:
            height, width = segment.mask.shape
            removed[segment.top : segment.top + height, segment.left : segment.left + width] |= segment.mask > 0
    return removed


def lifted(removed: np.ndarray) -> np.ndarray:
    """``removed``, (H, W) bool, with the margin LIFT around it."""
    return distance_to(removed) <= scaled(LIFT, removed)


def lift(photo: np.ndarray, removed: np.ndarray, ground: Ground, seed: int = 0, report: Report | None = None) -> Plate:
    """The photo without some objects.

    photo: (H, W, 3) uint8; removed: (H, W) bool, the objects. ``seed``: another number gives other ground. Raises
    EditError where nothing of the photo is left.
    """
    hole = lifted(removed)
    if hole.all():
        raise EditError("These objects are the whole photo; leave some of it, so that there is ground to go on with.")
    return Plate(fill_ground(photo, hole, ground, seed, report), hole)


def fill_ground(
    picture: np.ndarray, hole: np.ndarray, ground: Ground, seed: int = 0, report: Report | None = None
) -> np.ndarray:
    """``picture`` (H, W, 3) uint8 with its hole, (H, W) bool, filled; outside of it the picture, bit by bit."""
    result, holes = picture.copy(), separate_holes(hole)
    for i, own in enumerate(holes):
        if report:
            report(i / len(holes), "Finding the ground")
        window = window_around(own).window
        made = _fill_window(picture[window], hole[window], ground, seed)
        np.copyto(result[window], made, where=own[window][..., None])
    return result


def _fill_window(part: np.ndarray, hole: np.ndarray, ground: Ground, seed: int) -> np.ndarray:
    height, width = hole.shape
    # 1. What may stand there, at the size that the network sees
    guess = np.mean([ground.see(part, hole, view) for view in views_of(seed)], axis=0)
    enlarged = width / guess.shape[1]
    guess = resize(_matched(part, hole, guess), width, height)
    # 2. The same in the photo's own texture
    first = np.where(hole[..., None], _to_uint8(guess), part)
    texture = paint_texture(first, hole, ~hole, seed).astype(np.float32)
    # 3. Both, the finest detail the texture's
    sigma = GRAIN * max(1.0, enlarged)
    made = _coarse(guess + TEXTURE * (texture - guess), sigma) + texture - _coarse(texture, sigma)
    # 4. Under a border without a step
    inside = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    share = np.clip(inside / (FEATHER * max(1.0, enlarged)), 0, 1)[..., None]
    return _to_uint8(part + (made - part) * share)


def _matched(part: np.ndarray, hole: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """The guess with the photo's light at the hole's border: (h, w, 3) float32, of the guess's size.

    The hole was lifted with a margin, so that just inside its border the photo is ground, and what the guess differs
    by there is light. Larger differences are leftovers of the object, and count little.
    """
    size = guess.shape[1], guess.shape[0]
    photo, unknown = resize(part, *size).astype(np.float32), resize(hole, *size)
    inside = cv2.distanceTransform(unknown.astype(np.uint8), cv2.DIST_L2, 5)
    margin = unknown & (inside <= MARGIN)
    light = np.where(margin[..., None], _coarse(photo, SMOOTH) - _coarse(guess, SMOOTH), 0).astype(np.float32)
    trust = (margin * np.exp(-np.square(largest_channel(np.abs(light)) / LIGHT))).astype(np.float32)
    share = np.exp(-np.maximum(inside - MARGIN, 0) / LIGHT_REACH)
    return guess + spread(light, trust) * share[..., None]


def views_of(seed: int) -> tuple[View, ...]:
    """The views whose mean is the guess: with seed 0 the network's own noise, with others noise of their own."""
    return View(noise=seed), View(mirrored=True, noise=seed)


def separate_holes(hole: np.ndarray) -> list[np.ndarray]:
    """The hole, (H, W) bool, in parts that are far enough from each other to be filled apart."""
    if not hole.any():
        return []
    radius = NEAR / 2 * (hole.shape[0] * hole.shape[1]) ** 0.5
    count, labels = cv2.connectedComponents((distance_to(hole) <= radius).astype(np.uint8))
    return [hole & (labels == i) for i in range(1, count)]


def window_around(hole: np.ndarray) -> Box:
    """What must be seen of a hole, (H, W) bool, to fill it: its box with context, square where the picture allows."""
    height, width = hole.shape
    x, y, w, h = cv2.boundingRect(hole.astype(np.uint8))
    longest = max(w, h)
    side = round(max(SIDE, longest + 2 * max(LEAST_CONTEXT, CONTEXT * longest)))
    (left, right), (top, bottom) = _span(x, w, side, width), _span(y, h, side, height)
    return Box(left, top, right, bottom)


def _span(start: int, length: int, side: int, limit: int) -> tuple[int, int]:
    """A stretch of ``side`` about [start, start + length), inside [0, limit)."""
    side = min(side, limit)
    first = min(max(0, start + length // 2 - side // 2), limit - side)
    return first, first + side


def scaled(pixels: float, mask: np.ndarray) -> float:
    """Pixels of a picture of SIDE as pixels of one of the mask's size; never fewer."""
    return pixels * max(1.0, (mask.shape[0] * mask.shape[1]) ** 0.5 / SIDE)


def _coarse(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
