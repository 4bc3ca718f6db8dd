"""Resampling a cut-out into its place, by an affine matrix or in perspective, without aliasing."""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from magicfixup_demo import homography
from magicfixup_demo.affine import IDENTITY, Affine, Point, apply, compose, invert, scaling, translation
from magicfixup_demo.homography import Homography
from magicfixup_demo.schema import Layer, Segment

# Rows and columns of the canvas, premultiplied colour (h, w, 3) 0..255 and coverage (h, w) 0..1 there, both float32.
Warped = tuple[tuple[slice, slice], np.ndarray, np.ndarray]


def warp_cutout(cutout: np.ndarray, segment: Segment, layer: Layer, width: int, height: int) -> Warped | None:
    """Draw a cut-out, (h, w, 4) float32 premultiplied colour and coverage, where the layer shows it.

    Returns the part of the width x height canvas that it reaches, or None when it lies outside.
    """
    if layer.distort is None:
        return _warp_affine(cutout, segment, layer.matrix, width, height)
    return _warp_perspective(cutout, segment, layer, width, height)


def layer_homography(segment: Segment, layer: Layer) -> Homography:
    """Source pixels -> the photo's pixels: the distort, then the matrix."""
    matrix = homography.from_affine(layer.matrix)
    if layer.distort is None:
        return matrix
    warp = homography.from_quads(segment.corners, homography.moved(segment.corners, layer.distort))
    return homography.compose(matrix, warp)


def reached_pixels(segment: Segment, layer: Layer, width: int, height: int) -> int:
    """Pixels of the rectangle of the width x height canvas in which the layer is drawn."""
    whole = layer_homography(segment, layer)
    region = _reach([homography.apply(whole, corner) for corner in segment.corners], width, height)
    return (region[2] - region[0]) * (region[3] - region[1]) if region else 0


def _warp_affine(cutout: np.ndarray, segment: Segment, matrix: Affine, width: int, height: int) -> Warped | None:
    a, b, c, d, _, _ = matrix
    cutout, shrink = _prefilter(cutout, math.hypot(a, b), math.hypot(c, d))
    to_canvas = compose(matrix, compose(translation(segment.left, segment.top), invert(shrink)))  # cut-out -> canvas
    region = _reach([apply(to_canvas, corner) for corner in _corners(cutout)], width, height)
    if region is None:
        return None
    x0, y0, x1, y1 = region
    a, b, c, d, e, f = compose(translation(-x0 - 0.5, -y0 - 0.5), compose(to_canvas, translation(0.5, 0.5)))
    rows = np.array([[a, c, e], [b, d, f]], np.float64)
    return _parts(cv2.warpAffine(cutout, rows, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR), region)


def _warp_perspective(cutout: np.ndarray, segment: Segment, layer: Layer, width: int, height: int) -> Warped | None:
    """As _warp_affine, in perspective; made smaller first by as much as the nearest of its edges is."""
    whole = layer_homography(segment, layer)
    shown = [homography.apply(whole, corner) for corner in segment.corners]
    rows, columns = segment.mask.shape
    lengths = [math.dist(shown[k], shown[(k + 1) % 4]) for k in range(4)]
    cutout, shrink = _prefilter(cutout, max(lengths[0::2]) / columns, max(lengths[1::2]) / rows)
    region = _reach(shown, width, height)
    if region is None:
        return None
    x0, y0, x1, y1 = region
    to_source = compose(translation(segment.left, segment.top), compose(invert(shrink), translation(0.5, 0.5)))
    there = homography.compose(whole, homography.from_affine(to_source))
    there = homography.compose(homography.from_affine(translation(-x0 - 0.5, -y0 - 0.5)), there)
    matrix = np.array(there, np.float64).reshape(3, 3)
    return _parts(cv2.warpPerspective(cutout, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR), region)


def _parts(warped: np.ndarray, region: tuple[int, int, int, int]) -> Warped:
    x0, y0, x1, y1 = region
    return (slice(y0, y1), slice(x0, x1)), warped[..., :3], np.clip(warped[..., 3], 0, 1)


def _corners(cutout: np.ndarray) -> list[Point]:
    return [(x, y) for x in (0, cutout.shape[1]) for y in (0, cutout.shape[0])]


def _prefilter(cutout: np.ndarray, along: float, across: float) -> tuple[np.ndarray, Affine]:
    """Average the cut-out down first when it is shown smaller, since bilinear sampling alone would alias.

    along, across: by how much its rows and columns are shown larger. Returns the smaller cut-out and the matrix from
    old to new cut-out pixels.
    """
    height, width = cutout.shape[:2]
    new_width = max(1, math.ceil(width * min(1.0, along)))
    new_height = max(1, math.ceil(height * min(1.0, across)))
    if (new_width, new_height) == (width, height):
        return cutout, IDENTITY
    smaller = cv2.resize(cutout, (new_width, new_height), interpolation=cv2.INTER_AREA)
    return smaller, scaling(new_width / width, new_height / height)


def _reach(corners: Sequence[Point], width: int, height: int) -> tuple[int, int, int, int] | None:
    """Bounding box (x0, y0, x1, y1) on the canvas of what has these corners, with a pixel of margin; None: off it."""
    xs, ys = zip(*corners, strict=True)
    x0, y0 = max(0, math.floor(min(xs)) - 1), max(0, math.floor(min(ys)) - 1)
    x1, y1 = min(width, math.ceil(max(xs)) + 1), min(height, math.ceil(max(ys)) + 1)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
