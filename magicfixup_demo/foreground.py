"""The object's own colours at its soft edge, where the photo shows them mixed with the background.

Twin of ``web/canvas/decontaminate.js``; a browser test holds the two together.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from magicfixup_demo.schema import Segment

REACH = 0.014  # of the photo's long side, more than a matte is wide: how far off the pure colours are looked for
LEAST_REACH = 6  # pixels
TILE = 384  # pixels; only tiles with a soft edge in them cost anything

# The weight of a pixel in the mean of the pure colours, by its alpha: whole numbers, so that sums are exact. Nearly
# opaque pixels count a thousand times what others do, which are there for thin things that are opaque nowhere.
PURITY = np.array([0] + [1 + int(1000 * (alpha / 255) ** 6) for alpha in range(1, 256)], np.float32)


def own_colours(photo: np.ndarray, segment: Segment) -> np.ndarray:
    """The photo inside the segment's box, (h, w, 3) uint8, without the background where 0 < mask < 255.

    photo: (H, W, 3) uint8 that the segment was cut from. What is wholly inside or outside is the photo's own, so a
    hard mask changes nothing.

    One pass of blur-fusion (Forte 2021, "Approximate fast foreground colour estimation"): means F, B of the pure
    colours around, then the colour F + alpha (I - alpha F - (1 - alpha) B), which keeps the photo's detail.
    """
    height, width = segment.mask.shape
    colours = photo[segment.top : segment.top + height, segment.left : segment.left + width].copy()
    reach = max(LEAST_REACH, round(REACH * max(photo.shape[:2])))
    soft = (segment.mask > 0) & (segment.mask < 255)
    for rows, columns in _tiles(soft):
        inside = soft[rows, columns]
        colours[rows, columns][inside] = _estimate(photo, segment, rows, columns, reach)[inside]
    return colours


def _tiles(soft: np.ndarray) -> Iterator[tuple[slice, slice]]:
    for y in range(0, soft.shape[0], TILE):
        for x in range(0, soft.shape[1], TILE):
            if soft[y : y + TILE, x : x + TILE].any():
                yield slice(y, min(y + TILE, soft.shape[0])), slice(x, min(x + TILE, soft.shape[1]))


def _estimate(photo: np.ndarray, segment: Segment, rows: slice, columns: slice, reach: int) -> np.ndarray:
    """(h, w, 3) uint8 of one tile; looks ``reach`` pixels beyond it, where all outside the box is background."""
    x, y = segment.left + columns.start, segment.top + rows.start
    x0, x1 = max(0, x - reach), min(photo.shape[1], segment.left + columns.stop + reach)
    y0, y1 = max(0, y - reach), min(photo.shape[0], segment.top + rows.stop + reach)
    alpha = _alpha(segment, x0, y0, x1, y1)
    picture = photo[y0:y1, x0:x1].astype(np.float32)
    inner = slice(y - y0, y - y0 + rows.stop - rows.start), slice(x - x0, x - x0 + columns.stop - columns.start)
    front = _pure_mean(picture, PURITY[alpha], reach)[inner]
    back = _pure_mean(picture, PURITY[255 - alpha], reach)[inner]
    cover = (alpha[inner].astype(np.float32) / 255)[..., None]
    estimate = front + cover * (picture[inner] - cover * front - (1 - cover) * back)
    return np.clip(np.rint(estimate), 0, 255).astype(np.uint8)


def _alpha(segment: Segment, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """The mask on a window of the photo, 0 outside its box; (y1 - y0, x1 - x0) uint8."""
    height, width = segment.mask.shape
    alpha = np.zeros((y1 - y0, x1 - x0), np.uint8)
    left, top = max(x0, segment.left), max(y0, segment.top)
    right, bottom = min(x1, segment.left + width), min(y1, segment.top + height)
    alpha[top - y0 : bottom - y0, left - x0 : right - x0] = segment.mask[
        top - segment.top : bottom - segment.top, left - segment.left : right - segment.left
    ]
    return alpha


def _pure_mean(picture: np.ndarray, weights: np.ndarray, reach: int) -> np.ndarray:
    """Mean colour of a square of 2 reach + 1 pixels about each, by weight; (h, w, 3) float32."""
    side = (2 * reach + 1, 2 * reach + 1)
    planes = np.dstack([picture * weights[..., None], weights])
    sums = cv2.boxFilter(planes, -1, side, normalize=False, borderType=cv2.BORDER_CONSTANT)
    return sums[..., :3] / np.maximum(sums[..., 3:], 1)
