"""Segments and transforms -> coarse edit. The only renderer: page, command line, training and evaluation share it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from magicfixup_demo.errors import CollageError
from magicfixup_demo.foreground import own_colours
from magicfixup_demo.images import to_uint8
from magicfixup_demo.schema import CoarseEdit, Collage, Layer, Segment
from magicfixup_demo.warping import reached_pixels, warp_cutout

ShadowFall = tuple[tuple[slice, slice], np.ndarray]  # a window of the picture; black's coverage there, (h, w) float32
HOLE_THRESHOLD = 128
BAND = 64  # rows that are mixed at once: what is needed on the way stays small

# The photo is cut out where a mask is at least this, of 255: a pixel of which the object covers 5 % goes too, so that
# no rim of it stays behind. The page has the same number (web/canvas/masks.js).
CUT_THRESHOLD = 13


def segment_from_mask(segment_id: str, mask: np.ndarray) -> Segment:
    """Crop a full-size mask ((H, W) bool or uint8) to its bounding box. Raises CollageError when it is empty."""
    mask = mask.astype(np.uint8) * 255 if mask.dtype == bool else mask
    x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
    if not (mask >= HOLE_THRESHOLD).any():
        raise CollageError("This selection is empty; click on an object first.")
    return Segment(id=segment_id, left=x, top=y, mask=mask[y : y + height, x : x + width].copy())


def whole_mask(segment: Segment, height: int, width: int) -> np.ndarray:
    """(height, width) bool: all that a segment covers of its photo, however little."""
    mask = np.zeros((height, width), bool)
    mask[_window(segment)] = segment.mask > 0
    return mask


def render(
    photo: np.ndarray,
    collage: Collage,
    sources: Mapping[str, np.ndarray] | None = None,
    on_layer: Callable[[int, int], object] | None = None,
    lifted: np.ndarray | None = None,
    shadow_of: Callable[[Layer], ShadowFall | None] | None = None,
) -> CoarseEdit:
    """Cut all segments out of the photo, then draw the layers over it, back to front.

    photo: (H, W, 3) uint8 of the collage's size; sources: the other photos of the collage by id, likewise. Returns a
    CoarseEdit of the photo's size; alpha is 0 in holes, 255 on content, between them at the soft edges of layers.
    ``on_layer(done, of)`` is called before each layer and may raise to stop. ``lifted``: (H, W) bool, more of the photo
    that is cut out, so that no layer's soft edge is mixed with it. ``shadow_of``: where and how much a moved layer
    darkens what lies below it (engine.effects.laid). Raises CollageError when a size differs or a source is missing.
    """
    _check_size(photo, collage.width, collage.height)
    rgb, alpha = photo.copy(), np.full(photo.shape[:2], 255, np.uint8)
    for segment in collage.segments:
        if not segment.source:
            hole = segment.mask >= CUT_THRESHOLD
            rgb[_window(segment)][hole] = 0
            alpha[_window(segment)][hole] = 0
    if lifted is not None:
        rgb[lifted], alpha[lifted] = 0, 0
    cutouts = _Cutouts(photo, collage, sources or {})
    shown = _shown(collage)
    for i, layer in enumerate(shown):
        if on_layer:
            on_layer(i, len(shown))
        fall = shadow_of(layer) if shadow_of and not layer.in_place else None
        if fall is not None:
            place, coverage = fall
            _mix(rgb[place], alpha[place], np.zeros((*coverage.shape, 3), np.float32), coverage, layer.opacity)
        _draw(rgb, alpha, photo, cutouts, layer, lifted)
    return CoarseEdit(rgb, alpha, collage, sources or {})


def work_of(collage: Collage) -> int:
    """How much there is to draw: the pixels of each layer's object, and those that it goes over in the photo."""
    segments = {segment.id: segment for segment in collage.segments}
    shown = [(segments[layer.segment_id], layer) for layer in _shown(collage)]
    return sum(
        segment.mask.size + reached_pixels(segment, layer, collage.width, collage.height) for segment, layer in shown
    )


def needed_sources(collage: Collage) -> tuple[str, ...]:
    """Ids of the other photos without whose pixels the collage cannot be drawn, in its own order."""
    shown = {layer.segment_id for layer in _shown(collage)}
    used = {segment.source for segment in collage.segments if segment.id in shown}
    return tuple(source.id for source in collage.sources if source.id in used)


def footprint(segment: Segment, layer: Layer, width: int, height: int) -> np.ndarray:
    """(height, width) uint8 coverage of one layer."""
    coverage = np.zeros((height, width), np.uint8)
    white = np.full((*segment.mask.shape, 3), 255, np.uint8)
    warped = None if layer.hidden else warp_cutout(_premultiplied(white, segment), segment, layer, width, height)
    if warped is not None:
        (rows, columns), _, layer_alpha = warped
        coverage[rows, columns] = np.rint(layer_alpha * (255 * layer.opacity))
    return coverage


@dataclass(eq=False)
class _Cutouts:
    """The segments' pictures: made once, and let go after the last layer that shows them (each may be large)."""

    photo: np.ndarray
    collage: Collage
    sources: Mapping[str, np.ndarray]
    made: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        self.segments = {segment.id: segment for segment in self.collage.segments}
        self.layers_left = Counter(layer.segment_id for layer in _shown(self.collage))
        for source in self.collage.sources:
            if source.id in needed_sources(self.collage):
                _check_size(self.sources.get(source.id), source.width, source.height, source.id)

    def of(self, segment: Segment) -> np.ndarray:
        """(h, w, 4) float32: premultiplied colour 0..255 without the background at soft edges, and coverage 0..1.

        To be asked for once for each layer shown.
        """
        if segment.id not in self.made:
            picture = self.sources[segment.source] if segment.source else self.photo
            self.made[segment.id] = _premultiplied(own_colours(picture, segment), segment)
        self.layers_left[segment.id] -= 1
        return self.made[segment.id] if self.layers_left[segment.id] else self.made.pop(segment.id)


def _shown(collage: Collage) -> list[Layer]:
    return [layer for layer in collage.layers if not layer.hidden and layer.opacity > 0]


def _premultiplied(colours: np.ndarray, segment: Segment) -> np.ndarray:
    cutout = np.empty((*segment.mask.shape, 4), np.float32)
    cutout[..., 3] = np.where(segment.mask >= CUT_THRESHOLD, segment.mask, 0)
    cutout[..., 3] /= 255
    np.multiply(colours, cutout[..., 3:], out=cutout[..., :3])
    return cutout


def _check_size(photo: np.ndarray | None, width: int, height: int, source: str = "") -> None:
    if photo is None:
        raise CollageError(
            f"This collage shows an object of another photo, '{source}' ({width} x {height}); give it too."
        )
    if photo.shape[:2] != (height, width):
        made_for, what = (
            ("has its source", f"the photo given as '{source}'") if source else ("was made for a", "the photo")
        )
        raise CollageError(
            f"This collage {made_for} {width} x {height} photo, but {what} is "
            f"{photo.shape[1]} x {photo.shape[0]}; open the photo it belongs to."
        )


def _window(segment: Segment) -> tuple[slice, slice]:
    height, width = segment.mask.shape
    return slice(segment.top, segment.top + height), slice(segment.left, segment.left + width)


def _draw(
    rgb: np.ndarray,
    alpha: np.ndarray,
    photo: np.ndarray,
    cutouts: _Cutouts,
    layer: Layer,
    lifted: np.ndarray | None,
) -> None:
    """Composite one layer ('over', Porter and Duff 1984) into rgb and alpha, in place."""
    segment = cutouts.segments[layer.segment_id]
    if layer.in_place and not segment.source:
        window, cutout = _window(segment), cutouts.of(segment)
        inside = segment.mask >= CUT_THRESHOLD
        if lifted is not None:  # there it stands before other ground than in the photo
            before = cutout * lifted[window][..., None]
            _mix(rgb[window], alpha[window], before[..., :3], before[..., 3], 1.0)
            inside &= ~lifted[window]
        _put_back(rgb[window], alpha[window], photo[window], cutout, inside)
        return
    warped = warp_cutout(cutouts.of(segment), segment, layer, photo.shape[1], photo.shape[0])
    if warped is None:
        return
    (rows, columns), colour, over = warped
    for start in range(0, len(over), BAND):
        band = slice(start, start + BAND)
        place = slice(rows.start + start, min(rows.start + start + BAND, rows.stop)), columns
        _mix(rgb[place], alpha[place], colour[band], over[band], layer.opacity)


def _mix(rgb: np.ndarray, alpha: np.ndarray, colour: np.ndarray, over: np.ndarray, opacity: float) -> None:
    """Lay premultiplied colour, (h, w, 3), and its coverage over windows of rgb and alpha, in place."""
    if opacity < 1:
        colour, over = colour * np.float32(opacity), over * np.float32(opacity)
    under = alpha.astype(np.float32) / 255 * (1 - over)
    total = over + under
    mixed = colour + rgb * under[..., None]  # colour is premultiplied already
    drawn = over > 1 / 512
    result = to_uint8(mixed / np.maximum(total, 1e-6)[..., None])
    rgb[drawn] = result[drawn]
    alpha[drawn] = np.rint(total * 255).astype(np.uint8)[drawn]


def _put_back(rgb: np.ndarray, alpha: np.ndarray, photo: np.ndarray, cutout: np.ndarray, inside: np.ndarray) -> None:
    """A whole layer that stands where it was cut: over the hole the photo is itself again, bit by bit.

    Where a soft edge stands before another layer it mixes with that, as anywhere else. All are windows of the segment;
    ``inside``: (h, w) bool, where it is drawn.
    """
    colour, over = cutout[inside][:, :3], cutout[inside][:, 3:]
    covered = alpha[inside][:, None].astype(np.float32) / 255  # by what lies below
    mixed = covered * (colour + (1 - over) * rgb[inside]) + (1 - covered) * photo[inside]
    exact = (covered[:, 0] == 0) | (over[:, 0] == 1)
    rgb[inside] = np.where(exact[:, None], photo[inside], to_uint8(mixed))
    alpha[inside] = 255
