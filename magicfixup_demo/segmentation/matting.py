"""A hard mask -> a soft one that follows the photo: fur, hair and the blur of an edge.

In a narrow band about the mask's edge the opacity is a local linear function of colour, fitted to the sure pixels
around (the guided filter of He, Sun and Tang 2013, with weights). Where colour does not tell the object from what is
behind it, the mask's own edge stays, smoothed; what is farther in or out than the band stays what it was.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from magicfixup_demo.errors import SegmentationError

BAND = 0.006  # of the photo's long side: how far the edge may lie from the mask's; a segmenter's map is about so coarse
LEAST_BAND, MOST_BAND = 2, 28  # pixels
SMALL_BAND = 0.25  # of the object's own depth: a segmenter misses less of what is small
TILE = 320  # pixels
INSIDE = 128
FAINT = 13  # of 255: less is not seen
UNSURE_WEIGHT = 0.05  # of a pixel in the band, whose label may be wrong
NOISE = 2e-4  # variance of colour (0..1) that is not trusted to tell anything
TELLS_FROM, TELLS = 0.35, 0.7  # share of the labels that colour explains: from nothing to all of its word
HAZE = 0.12  # opacity below it is none, above 1 - HAZE is whole: a linear fit never quite reaches its ends


def matte(photo: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Opacity of the object that ``mask`` outlines.

    photo: (H, W, 3) uint8; mask: (H, W) uint8 (inside from 128) or bool. Returns (H, W) uint8, 0..255. Raises
    SegmentationError when the sizes differ. An empty mask stays empty.
    """
    if mask.shape != photo.shape[:2]:
        raise SegmentationError("This mask is not of the photo's size; select the object again.")
    inside = mask if mask.dtype == bool else mask >= INSIDE
    alpha = inside.astype(np.uint8) * 255
    left, top, width, height = cv2.boundingRect(alpha)
    if width == 0:
        return alpha
    band = band_of(photo.shape, inside[top : top + height, left : left + width])
    margin = 4 * band
    rows = slice(max(0, top - margin), top + height + margin)
    columns = slice(max(0, left - margin), left + width + margin)
    _refine(photo[rows, columns], inside[rows, columns], alpha[rows, columns], band)
    _tidy(alpha[rows, columns], inside[rows, columns])
    return alpha


def band_of(photo_shape: tuple[int, ...], inside: np.ndarray) -> int:
    """How many pixels the edge may lie off the mask's, either way, in a photo of this shape; inside: the mask's box."""
    padded = cv2.copyMakeBorder(inside.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    deepest = float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max())
    band = min(BAND * max(photo_shape[:2]), SMALL_BAND * deepest, MOST_BAND)
    return max(LEAST_BAND, round(band))


def _refine(photo: np.ndarray, inside: np.ndarray, alpha: np.ndarray, band: int) -> None:
    """Write the band's opacity into ``alpha``, tile by tile; all are (h, w) windows of the same place."""
    for outer, inner, rows, columns in _tiles(inside, 3 * band):
        depth = _depth(inside[outer])
        slope, rest = _fit(photo[outer], inside[outer], _sure(depth, band), band)
        depth = depth[inner]
        here = np.abs(depth) < band
        slope, rest, colour = slope[inner][here], rest[inner][here], photo[rows, columns][here].astype(np.float32) / 255
        said = slope[:, 0] * colour[:, 0] + slope[:, 1] * colour[:, 1] + slope[:, 2] * colour[:, 2] + rest[:, 0]
        alpha[rows, columns][here] = np.rint(255 * _opacity(said, rest[:, 1], depth[here], band))


def _tidy(alpha: np.ndarray, inside: np.ndarray) -> None:
    """Drop what does not hang on the object, and fill what does not lead out of it, in place."""
    loose = _unconnected(alpha >= FAINT, inside & (alpha >= INSIDE))
    alpha[loose] = 0
    enclosed = _unconnected(alpha <= 255 - FAINT, ~inside & (alpha < INSIDE))
    alpha[enclosed] = 255


def _unconnected(area: np.ndarray, core: np.ndarray) -> np.ndarray:
    """(h, w) bool: the connected regions of ``area`` without a pixel of ``core``."""
    count, labels = cv2.connectedComponents(area.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    kept[labels[core]] = True
    kept[0] = True  # all that is not in the area
    return ~kept[labels]


def _depth(inside: np.ndarray) -> np.ndarray:
    """(h, w) float32 pixels to the edge, positive inside; the photo's border is no edge. Never 0."""
    mask = inside.astype(np.uint8)
    within, without = (cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (mask, 1 - mask))
    return np.where(inside, within - 0.5, 0.5 - without).astype(np.float32)


def _sure(depth: np.ndarray, band: int) -> np.ndarray:
    """(h, w) bool: farther from the edge than the band, or in the middle of what is thinner than that."""
    sure = np.abs(depth) >= band
    for side in (depth, -depth):
        deepest = cv2.dilate(side, np.ones((2 * band + 1, 2 * band + 1), np.uint8))
        sure |= (side > 0) & (deepest < band) & (side >= 0.7 * deepest)
    return sure


def _tiles(inside: np.ndarray, margin: int) -> Iterator[tuple]:
    """(window with margin, place of the tile in it, rows, columns) of each tile that may have a part of the band."""
    height, width = inside.shape
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            y0, x0, y1, x1 = max(0, y - margin), max(0, x - margin), min(y + TILE, height), min(x + TILE, width)
            outer = slice(y0, y1 + margin), slice(x0, x1 + margin)
            if inside[outer].any() and not inside[outer].all():
                yield outer, (slice(y - y0, y1 - y0), slice(x - x0, x1 - x0)), slice(y, y1), slice(x, x1)


def _opacity(said: np.ndarray, tells: np.ndarray, depth: np.ndarray, band: int) -> np.ndarray:
    """Of the band's pixels, (n,) float32 0..1: what colour says as far as it tells, else the mask's edge, smoothed."""
    said = np.clip((said - HAZE) / (1 - 2 * HAZE), 0, 1)
    edge = np.clip(0.5 + depth / 1.5, 0, 1)
    trust = np.clip((tells - TELLS_FROM) / (TELLS - TELLS_FROM), 0, 1)
    mixed = edge + trust * (said - edge)
    off = np.clip(np.abs(depth) / band, 0, 1) ** 2  # at the end of the band the mask is right again
    return np.clip(mixed, np.where(depth > 0, off, 0), np.where(depth > 0, 1, 1 - off))


def _fit(photo: np.ndarray, inside: np.ndarray, sure: np.ndarray, band: int) -> tuple[np.ndarray, np.ndarray]:
    """Fit opacity = a . colour + b around each pixel of a window, and tell how well that explains the labels.

    photo: (h, w, 3) uint8. Returns a (h, w, 3), and b with the share of variance explained (h, w, 2), both float32.
    Equations 5 and 6 of the guided filter, with means weighted by how sure a label is; fitted on a smaller picture (He
    and Sun 2015, "Fast guided filter").
    """
    step = max(1, band // 3)
    height, width = inside.shape
    small = -(-width // step), -(-height // step)
    weight = np.where(sure, np.float32(1), np.float32(UNSURE_WEIGHT))
    parts = [cv2.resize(part, small, interpolation=cv2.INTER_AREA) for part in (photo, weight, np.float32(inside))]
    side = 2 * max(1, round(2 * band / step)) + 1
    means = cv2.boxFilter(_planes(*parts), -1, (side, side), borderType=cv2.BORDER_REPLICATE)
    averaged = (cv2.blur(part, (max(3, side // 2),) * 2, borderType=cv2.BORDER_REPLICATE) for part in _solve(means))
    slope, rest = (cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR) for part in averaged)
    return slope, rest


def _planes(photo: np.ndarray, weight: np.ndarray, label: np.ndarray) -> np.ndarray:
    """(h, w, 14) float32: weight, label, colour 0..1, their products, each times the weight."""
    red, green, blue = (photo[..., k].astype(np.float32) / 255 for k in range(3))
    r, g, b = red * weight, green * weight, blue * weight
    products = (r * red, r * green, r * blue, g * green, g * blue, b * blue)
    return np.dstack([weight, weight * label, r, g, b, r * label, g * label, b * label, *products])


def _solve(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of _planes -> a (h, w, 3); b and the share of the labels' variance that the fit explains (h, w, 2)."""
    weight = np.maximum(means[..., :1], 1e-6)
    means = means[..., 1:] / weight
    label, colour = means[..., 0], means[..., 1:4]
    with_label = means[..., 4:7] - colour * label[..., None]
    rr, rg, rb, gg, gb, bb = (
        means[..., 7 + k] - colour[..., i] * colour[..., j]
        for k, (i, j) in enumerate(((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    )
    rr, gg, bb = rr + NOISE, gg + NOISE, bb + NOISE
    # The inverse of a symmetric 3 x 3 matrix by its cofactors, for all pixels at once.
    c00, c01, c02 = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c11, c12, c22 = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    det = np.maximum(rr * c00 + rg * c01 + rb * c02, 1e-14)
    x, y, z = (with_label[..., k] / det for k in range(3))
    slope = np.dstack([c00 * x + c01 * y + c02 * z, c01 * x + c11 * y + c12 * z, c02 * x + c12 * y + c22 * z])
    explained = _dot(slope, with_label) / np.maximum(label * (1 - label), 1e-3)
    return slope, np.dstack([label - _dot(slope, colour), np.clip(explained, 0, 1)])


def _dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(h, w, 3) twice -> (h, w); many times faster than a sum over the short last axis."""
    return one[..., 0] * other[..., 0] + one[..., 1] * other[..., 1] + one[..., 2] * other[..., 2]
