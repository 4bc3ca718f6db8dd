"""An edit taken apart: the ground that must be found, and what is laid over it.

Of a collage both are known. An edit of another program is only a picture: what moved in it is found by comparison with
the photo, and what lies under it is in the photo itself, so that only the old place is filled.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from magicfixup_demo.collage import ShadowFall, render, whole_mask
from magicfixup_demo.engine.conditioning import (
    GAP,
    closed,
    dilated_hole,
    distance_to,
    moved_of,
    stands_still,
    touched_pixels,
)
from magicfixup_demo.engine.effects import Effects, Shadow, laid
from magicfixup_demo.engine.plate import cleared, removed_segments, scaled
from magicfixup_demo.schema import CoarseEdit, Collage, Layer

TOUCHING = 3  # pixels: content so near to a hole may stand where its object stood
RIM = 2.5  # pixels, of a picture of SIDE: so much at the border of another program's hole is its object's
BORDER = 1.5  # pixels over which the plate goes over into what did not move
EDGE = 1.5  # pixels over which a hard edge of another program is made soft; its outermost pixel goes
HARD = 0.25  # of the pixels at a hole's border that are between; with fewer all edges are hard
CRACK = 9  # pixels: narrower gaps in an outline are closed
BAND = 256  # rows mixed at once


@dataclass(frozen=True, eq=False)
class Arrangement:
    """``ground``: (H, W, 3) uint8 with a ``hole``, (H, W) bool, whose content is not to be trusted; ``over``: the rest.

    The result is ``over``, by its alpha, over the ground with its hole filled.
    """

    ground: np.ndarray
    hole: np.ndarray
    over: CoarseEdit


def arrangement_of(photo: np.ndarray, edit: CoarseEdit, effects: Effects | None = None) -> Arrangement:
    """photo: (H, W, 3) uint8; edit of the same size. With ``effects`` objects of a collage take their shadows along."""
    return _of_picture(photo, edit) if edit.collage is None else _of_collage(photo, edit, edit.collage, effects)


def _of_collage(photo: np.ndarray, edit: CoarseEdit, collage: Collage, effects: Effects | None) -> Arrangement:
    shadows = shadows_of(photo, collage, edit.sources, effects) if effects and collage.shadows else {}
    removed = removed_segments(collage)
    masks = [whole_mask(segment, collage.height, collage.width) for segment in removed]
    ground, hole = cleared(photo, masks, [shadows.get(segment.id) for segment in removed])

    def fall(layer: Layer) -> ShadowFall | None:
        shadow = shadows.get(layer.segment_id) if layer.shadow else None
        return shadow and laid(shadow, layer, collage.width, collage.height)

    return Arrangement(ground, hole, render(ground, collage, edit.sources, lifted=hole, shadow_of=fall))


def shadows_of(
    photo: np.ndarray, collage: Collage, sources: Mapping[str, np.ndarray], effects: Effects
) -> dict[str, Shadow]:
    """By segment, the shadows of all objects that no longer stand where they were, or stand elsewhere too."""
    moved = {layer.segment_id for layer in collage.layers if not layer.in_place}
    removed = {segment.id for segment in removed_segments(collage)}
    shadows = {}
    for segment in collage.segments:
        if segment.id in moved | removed:
            picture = sources[segment.source] if segment.source else photo
            shadow = effects.of(picture, whole_mask(segment, *picture.shape[:2]))
            shadows |= {segment.id: shadow} if shadow else {}
    return shadows


def laid_over(over: CoarseEdit, ground: np.ndarray) -> np.ndarray:
    """``over`` on ``ground``, (H, W, 3) uint8, by its alpha; where that is 255 its own colours, bit by bit."""
    result = over.rgb.copy()
    for start in range(0, len(result), BAND):
        rows = slice(start, start + BAND)
        through = over.alpha[rows] < 255
        share = over.alpha[rows][through][:, None].astype(np.float32) / 255
        own, below = over.rgb[rows][through].astype(np.float32), ground[rows][through]
        result[rows][through] = np.rint(below + (own - below) * share).astype(np.uint8)
    return result


def _of_picture(photo: np.ndarray, edit: CoarseEdit) -> Arrangement:
    hole = dilated_hole(edit)
    touched = touched_pixels(photo, edit)
    moved = moved_of(touched, edit)
    if not hole.any() or not stands_still(photo, edit, ~touched):
        return Arrangement(edit.rgb, hole, CoarseEdit(edit.rgb, np.where(hole, 0, edit.alpha)))
    place = hole | _old_place(edit, moved)
    whole = _enclosed(touched) & ~edit.hole
    rim = np.clip(distance_to(edit.hole) - scaled(RIM, moved), 0, BORDER) * (255 / BORDER)
    alpha = np.where(whole, _softened(edit, whole), np.minimum(edit.alpha, np.rint(rim).astype(np.uint8)))
    return Arrangement(photo, place, CoarseEdit(edit.rgb, alpha))


def _old_place(edit: CoarseEdit, moved: np.ndarray) -> np.ndarray:
    """(H, W) bool: the hole, and the moved content beside it, under which the object may have stood."""
    count, labels = cv2.connectedComponents(moved.astype(np.uint8))
    beside = distance_to(edit.hole) <= scaled(TOUCHING, moved)
    touching = np.zeros(count, bool)
    touching[np.unique(labels[beside & moved])] = True
    touching[0] = False
    return closed(edit.hole | touching[labels], GAP)


def _enclosed(mask: np.ndarray) -> np.ndarray:
    """``mask``, (H, W) bool, with all that it surrounds: where an object lies over its old self nothing has changed."""
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((CRACK, CRACK), np.uint8))
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(joined), outlines, -1, 1, cv2.FILLED).astype(bool)


def _softened(edit: CoarseEdit, moved: np.ndarray) -> np.ndarray:
    """The edit's alpha, (H, W) uint8; where another program cut hard, the edge is taken back and made soft."""
    border = cv2.morphologyEx(edit.hole.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(bool)
    between = (edit.alpha > 8) & (edit.alpha < 247)
    if not border.any() or between[border].mean() >= HARD:
        return edit.alpha
    own = np.clip((distance_to(~moved) - 1) / EDGE, 0, 1) * 255
    return np.minimum(edit.alpha, np.rint(own).astype(np.uint8))
