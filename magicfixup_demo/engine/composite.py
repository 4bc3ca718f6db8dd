"""The part of the photo that the model must see, and its result put back into the photo.

Pixels that nothing touched are the photo's own, bit by bit. The moved object keeps its own sharpness: where the edit
has content, the model supplies only the difference it made, so a large photo does not lose detail to the model's size.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from magicfixup_demo.engine.conditioning import Filled
from magicfixup_demo.images import resize

RING = 0.05  # of the picture's mean side: how far light, contact and edges may change around what was touched
CONTEXT = 0.35  # of the touched box's sides: what the model sees around it
LEAST_CROP = 512  # pixels a side


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
    if not touched.any():
        return np.zeros(touched.shape, np.float32)
    distance = cv2.distanceTransform((~touched).astype(np.uint8), cv2.DIST_L2, 5)
    ramp = np.clip((ring - distance) / (0.7 * ring), 0, 1)
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


def _span(start: int, length: int, longest: int, limit: int) -> tuple[int, int]:
    """Grow [start, start + length) to its context, at least LEAST_CROP and half the longer side, inside [0, limit)."""
    wanted = min(limit, max(round(length + 2 * CONTEXT * longest), LEAST_CROP, longest // 2))
    first = min(max(0, start + length // 2 - wanted // 2), limit - wanted)
    return first, first + wanted


def put_back(
    photo: np.ndarray, coarse: Filled, touched: np.ndarray, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
    """Carry the model's result to the photo's size.

    photo, coarse, touched: at full size, (H, W, ...). before, after: the coarse edit and the result at the model's
    size, uint8. Content = coarse + (after - before); what was filled = after. Returns (H, W, 3) uint8.
    """
    height, width = photo.shape[:2]
    change = resize(after.astype(np.float32) - before, width, height)
    fill = resize(after.astype(np.float32), width, height)
    painted = cv2.GaussianBlur(coarse.region.astype(np.float32), (0, 0), 1.5)[..., None]
    result = (coarse.rgb + change) * (1 - painted) + fill * painted
    weight = blend_weight(touched, ring_width(height, width))[..., None]
    mixed = np.clip(np.rint(photo + (result - photo) * weight), 0, 255).astype(np.uint8)
    return np.where(weight > 0, mixed, photo)
