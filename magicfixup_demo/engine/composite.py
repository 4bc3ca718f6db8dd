"""The part of the photo that the model must see, and its result put back into the photo.

Pixels that nothing touched are the photo's own, bit by bit. The moved object keeps its own sharpness, and so does the
texture in the hole: the model supplies only the difference it made, so a large photo loses no detail to its size.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from magicfixup_demo.engine.conditioning import distance_to
from magicfixup_demo.images import resize, to_uint8

RING = 0.05  # of the picture's mean side: how far light, contact and edges may change around what was touched
CONTEXT = 0.35  # of the touched box's sides: what the model sees around it
LEAST_CROP = 512  # pixels a side
BAND = 128  # rows mixed at once: few enough for their numbers to stay in a processor's cache


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels, right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)"""
        return self.right - self.left, self.bottom - self.top


def blend_weight(touched: np.ndarray, ring: float) -> np.ndarray:
    """(H, W) float32: 1 on and near touched pixels, falling to exactly 0 at ``ring`` pixels from them."""
    ramp = np.clip((ring - distance_to(touched)) / (0.7 * ring), 0, 1)
    return ramp * ramp * (3 - 2 * ramp)  # smooth at both ends: no visible border


def ring_width(height: int, width: int) -> float:
    """Pixels of the ring for a picture (or crop) that the model sees as a whole; 25 at 512."""
    return RING * (height * width) ** 0.5


def crop_box(touched: np.ndarray) -> Box:
    """The part of the photo that the model sees: the touched box with context, at least 512 a side; or the whole."""
    height, width = touched.shape
    if not touched.any():
        return Box(0, 0, width, height)
    x, y, w, h = cv2.boundingRect(touched.astype(np.uint8))
    left, right = _span(x, w, max(w, h), width)
    top, bottom = _span(y, h, max(w, h), height)
    return Box(left, top, right, bottom)


def shared_box(touched: np.ndarray) -> Box:
    """The smallest of few windows that holds ``crop_box``: edits of one photo then share it, and with it its features.

    The windows are the whole photo, and windows of a half, a quarter, ... of its sides, each a half of its own size
    from the next, none under LEAST_CROP. All have the photo's shape, so the model sees one size for all of them.
    """
    height, width = touched.shape
    needed, chosen = crop_box(touched), Box(0, 0, width, height)
    for parts in (2**level for level in range(1, 16)):
        if min(width, height) // parts < LEAST_CROP:
            break
        left, right = _window(needed.left, needed.right, width, parts)
        top, bottom = _window(needed.top, needed.bottom, height, parts)
        window = Box(left, top, right, bottom)
        if not _holds(window, needed):
            break
        chosen = window
    return chosen


def _window(first: int, last: int, limit: int, parts: int) -> tuple[int, int]:
    """Of the windows that are one of ``parts`` long, from 0 to ``limit``, the one whose middle is nearest."""
    length, gaps = limit // parts, 2 * parts - 2
    step = (limit - length) / gaps
    index = min(max(0, round(((first + last) / 2 - length / 2) / step)), gaps)
    start = round(index * step)
    return start, start + length


def _holds(window: Box, needed: Box) -> bool:
    return (
        window.left <= needed.left
        and window.top <= needed.top
        and window.right >= needed.right
        and window.bottom >= needed.bottom
    )


def _span(start: int, length: int, longest: int, limit: int) -> tuple[int, int]:
    """Grow [start, start + length) to its context, at least LEAST_CROP and half the longer side, inside [0, limit)."""
    wanted = min(limit, max(round(length + 2 * CONTEXT * longest), LEAST_CROP, longest // 2))
    return stretch(start, length, wanted, limit)


def stretch(start: int, length: int, wanted: int, limit: int) -> tuple[int, int]:
    """``wanted`` pixels (at most ``limit``) about [start, start + length), inside [0, limit)."""
    first = min(max(0, start + length // 2 - wanted // 2), limit - wanted)
    return first, first + wanted


def square_around(x: int, y: int, w: int, h: int, side: int, shape: tuple[int, int]) -> Box:
    """A square of ``side`` about a box of w x h pixels at (x, y), as far as the picture, (H, W), allows."""
    left, right = stretch(x, w, min(side, shape[1]), shape[1])
    top, bottom = stretch(y, h, min(side, shape[0]), shape[0])
    return Box(left, top, right, bottom)


def put_back(
    photo: np.ndarray, coarse: np.ndarray, touched: np.ndarray, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
    """Carry the model's change to the photo's size.

    photo, coarse (its holes filled), touched: at full size, (H, W, ...). before, after: the coarse edit, shrunk, and
    the result at the model's size, uint8. Result = coarse + (after - before): where the sizes are equal that is
    ``after``; where the photo is larger, content and the hole's texture keep the detail that the model never saw.
    Returns (H, W, 3) uint8.
    """
    height, width = photo.shape[:2]
    result = coarse + resize(after.astype(np.float32) - before, width, height)
    weight = blend_weight(touched, ring_width(height, width))[..., None]
    mixed = photo.copy()
    for start in range(0, height, BAND):
        rows = slice(start, start + BAND)
        share, ours = weight[rows], photo[rows]
        blend = to_uint8(ours + (result[rows] - ours) * share)
        np.copyto(mixed[rows], blend, where=share > 0)
    return mixed
