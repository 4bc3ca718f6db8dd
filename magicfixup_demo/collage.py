"""Segments and transforms -> coarse edit. The only renderer: page, command line, training and evaluation share it."""

import math

import cv2
import numpy as np

from magicfixup_demo.affine import IDENTITY, Affine, compose, invert, scaling, translation
from magicfixup_demo.errors import CollageError
from magicfixup_demo.schema import CoarseEdit, Collage, Layer, Segment

HOLE_THRESHOLD = 128


def segment_from_mask(segment_id: str, mask: np.ndarray) -> Segment:
    """Crop a full-size mask ((H, W) bool or uint8) to its bounding box. Raises CollageError when it is empty."""
    mask = mask.astype(np.uint8) * 255 if mask.dtype == bool else mask
    x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
    if not (mask >= HOLE_THRESHOLD).any():
        raise CollageError("This selection is empty; click on an object first.")
    return Segment(id=segment_id, left=x, top=y, mask=mask[y : y + height, x : x + width].copy())


def render(photo: np.ndarray, collage: Collage) -> CoarseEdit:
    """Cut all segments out of the photo, then draw the layers over it, back to front.

    photo: (H, W, 3) uint8 of the collage's size. Returns a CoarseEdit of the same size; alpha is 0 in holes, 255 on
    content, between them at the anti-aliased edges of layers. Raises CollageError when the sizes differ.
    """
    height, width = photo.shape[:2]
    if (collage.width, collage.height) != (width, height):
        raise CollageError(
            f"This collage was made for a {collage.width} x {collage.height} photo, but the photo is "
            f"{width} x {height}; open the photo it belongs to."
        )
    rgb = photo.copy()
    alpha = np.full((height, width), 255, np.uint8)
    for segment in collage.segments:
        window = _window(segment)
        hole = segment.mask >= HOLE_THRESHOLD
        rgb[window][hole] = 0
        alpha[window][hole] = 0
    segments = {segment.id: segment for segment in collage.segments}
    for layer in collage.layers:
        _draw(rgb, alpha, photo, segments[layer.segment_id], layer)
    return CoarseEdit(rgb=rgb, alpha=alpha)


def footprint(segment: Segment, layer: Layer, width: int, height: int) -> np.ndarray:
    """(height, width) uint8 coverage of one layer."""
    coverage = np.zeros((height, width), np.uint8)
    white = np.full((height, width, 3), 255, np.uint8)
    warped = _warp_cutout(white, segment, layer.matrix, width, height)
    if warped is not None:
        (rows, columns), _, layer_alpha = warped
        coverage[rows, columns] = np.rint(layer_alpha * 255)
    return coverage


def _window(segment: Segment) -> tuple[slice, slice]:
    height, width = segment.mask.shape
    return slice(segment.top, segment.top + height), slice(segment.left, segment.left + width)


def _draw(rgb: np.ndarray, alpha: np.ndarray, photo: np.ndarray, segment: Segment, layer: Layer) -> None:
    """Composite one layer ('over', Porter and Duff 1984) into rgb and alpha, in place."""
    if layer.matrix == IDENTITY:  # exact, so that an object put back leaves no trace
        inside = segment.mask >= HOLE_THRESHOLD
        rgb[_window(segment)][inside] = photo[_window(segment)][inside]
        alpha[_window(segment)][inside] = 255
        return
    warped = _warp_cutout(photo, segment, layer.matrix, photo.shape[1], photo.shape[0])
    if warped is None:
        return
    (rows, columns), colour, over = warped
    under = alpha[rows, columns].astype(np.float32) / 255 * (1 - over)
    total = over + under
    mixed = colour + rgb[rows, columns] * under[..., None]  # colour is premultiplied already
    drawn = over > 1 / 512
    result = np.clip(np.rint(mixed / np.maximum(total, 1e-6)[..., None]), 0, 255).astype(np.uint8)
    rgb[rows, columns][drawn] = result[drawn]
    alpha[rows, columns][drawn] = np.rint(total * 255).astype(np.uint8)[drawn]


def _warp_cutout(photo: np.ndarray, segment: Segment, matrix: Affine, width: int, height: int):
    """Resample the premultiplied cut-out into its place.

    Returns ((rows, columns), colour (h, w, 3) float32 premultiplied 0..255, coverage (h, w) float32 0..1) for the part
    of the canvas it reaches, or None when it lies outside.
    """
    rows, columns = _window(segment)
    coverage = segment.mask.astype(np.float32) / 255
    cutout = np.dstack([photo[rows, columns].astype(np.float32) * coverage[..., None], coverage])
    to_photo = translation(segment.left, segment.top)
    cutout, shrink = _prefilter(cutout, matrix)
    to_canvas = compose(matrix, compose(to_photo, invert(shrink)))  # cut-out pixels -> canvas
    region = _reach(to_canvas, cutout.shape[1], cutout.shape[0], width, height)
    if region is None:
        return None
    x0, y0, x1, y1 = region
    a, b, c, d, e, f = compose(translation(-x0 - 0.5, -y0 - 0.5), compose(to_canvas, translation(0.5, 0.5)))
    warped = cv2.warpAffine(
        cutout,
        np.array([[a, c, e], [b, d, f]], np.float64),
        (x1 - x0, y1 - y0),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return (slice(y0, y1), slice(x0, x1)), warped[..., :3], np.clip(warped[..., 3], 0, 1)


def _prefilter(cutout: np.ndarray, matrix: Affine) -> tuple[np.ndarray, Affine]:
    """Average the cut-out down first when the matrix shrinks it, since bilinear sampling alone would alias.

    Returns the smaller cut-out and the matrix from old to new cut-out pixels.
    """
    a, b, c, d, _, _ = matrix
    height, width = cutout.shape[:2]
    new_width = max(1, math.ceil(width * min(1.0, math.hypot(a, b))))
    new_height = max(1, math.ceil(height * min(1.0, math.hypot(c, d))))
    if (new_width, new_height) == (width, height):
        return cutout, IDENTITY
    smaller = cv2.resize(cutout, (new_width, new_height), interpolation=cv2.INTER_AREA)
    return smaller, scaling(new_width / width, new_height / height)


def _reach(matrix: Affine, w: int, h: int, width: int, height: int) -> tuple[int, int, int, int] | None:
    """Bounding box (x0, y0, x1, y1) on the canvas of a w x h cut-out with one pixel of margin, or None when off it."""
    a, b, c, d, e, f = matrix
    xs = [a * x + c * y + e for x in (0, w) for y in (0, h)]
    ys = [b * x + d * y + f for x in (0, w) for y in (0, h)]
    x0, y0 = max(0, math.floor(min(xs)) - 1), max(0, math.floor(min(ys)) - 1)
    x1, y1 = min(width, math.ceil(max(xs)) + 1), min(height, math.ceil(max(ys)) + 1)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
