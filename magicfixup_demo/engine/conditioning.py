"""Coarse edit -> what the model reads: the holes filled, the mask, value ranges. The only hole filler.

Page, command line, training and evaluation all come through here, so that the model never sees at work what it did not
see in training.
"""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import torch
from torch import Tensor

from magicfixup_demo.engine.exemplar import paint_texture
from magicfixup_demo.schema import CoarseEdit

HOLE_DILATION = 7  # pixels at MODEL_SIDE, a box: the seam around a cut-out is never trusted (as the published code)
MODEL_SIDE = 512  # pixels
LARGE = 0.67  # model's side over the picture's; below it a smooth fill is made at the model's size
FILL_RADIUS = 3  # pixels, of OpenCV's inpainting
CHANGED = 6  # grey levels; smaller differences from the photo are resampling or JPEG noise of another tool
SPECK = 3  # pixels; smaller islands of difference are noise too
GAP = 0.06  # of the picture's mean side: where an object overlaps its old place, white on white has moved too
CRACK = 0.015  # of the same: narrower holes inside what moved are its own
WIDE = 0.03  # of the same: where a hole is narrower, a smooth fill is the better guess
EDGE = 5  # pixels: ragged bits at a wide hole's edge belong to it
RIM = 5  # pixels; thinner differences beside a hole are left over from its object
RESAMPLED = 0.3  # grey levels on average; a background that differs by more was moved by a part of a pixel
MOST_BEHIND = 0.6  # of the picture; where more has moved there is too little background to fill from


Filler = Callable[..., np.ndarray]  # (photo, edit, seed=0) -> (H, W, 3) uint8 without holes


def touched_pixels(photo: np.ndarray, edit: CoarseEdit) -> np.ndarray:
    """(H, W) bool: where the edit differs from the photo, or has a hole. One rule for our edits and other tools'."""
    difference = largest_channel(cv2.absdiff(photo, np.ascontiguousarray(edit.rgb))) > CHANGED
    difference = cv2.morphologyEx(difference.astype(np.uint8), cv2.MORPH_OPEN, np.ones((SPECK, SPECK), np.uint8))
    return difference.astype(bool) | (edit.alpha < 255)


def dilated_hole(edit: CoarseEdit) -> np.ndarray:
    """(H, W) bool: the hole grown by half the dilation box on each side; on a large picture the box is larger."""
    size = max(HOLE_DILATION, round(HOLE_DILATION * _side(edit.alpha) / MODEL_SIDE) // 2 * 2 + 1)
    return cv2.dilate(edit.hole.astype(np.uint8), np.ones((size, size), np.uint8)).astype(bool)


def fill_holes(edit: CoarseEdit, method: int = cv2.INPAINT_NS) -> np.ndarray:
    """Fill the dilated hole by Navier-Stokes inpainting (or Telea's). Returns (H, W, 3) uint8."""
    return _inpainted(edit, dilated_hole(edit), method)


def _inpainted(edit: CoarseEdit, hole: np.ndarray, method: int = cv2.INPAINT_NS) -> np.ndarray:
    """``fill_holes``; ``hole``: the edit's dilated hole."""
    if not hole.any():
        return edit.rgb
    if hole.all():  # nothing is left to grow from: keep the undilated content, or mid-grey without any
        hole = edit.hole
    return cv2.inpaint(np.ascontiguousarray(edit.rgb), hole.astype(np.uint8) * 255, FILL_RADIUS, method)


def _smooth_fill(edit: CoarseEdit, hole: np.ndarray) -> np.ndarray:
    """``_inpainted``, on a large picture at the model's size and enlarged: as smooth, and seconds faster."""
    height, width = edit.alpha.shape
    scale = MODEL_SIDE / _side(edit.alpha)
    if scale > LARGE or hole.all():
        return _inpainted(edit, hole)
    size = (round(width * scale), round(height * scale))
    rgb = cv2.resize(edit.rgb, size, interpolation=cv2.INTER_AREA)
    unknown = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    if unknown.all():
        return _inpainted(edit, hole)
    filled = cv2.inpaint(rgb, unknown.astype(np.uint8) * 255, FILL_RADIUS, cv2.INPAINT_NS)
    return np.where(hole[..., None], cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR), edit.rgb)


def fill_smoothly(edit: CoarseEdit) -> np.ndarray:
    """The dilated hole filled by Navier-Stokes inpainting, of a large picture at the model's size: (H, W, 3) uint8."""
    return _smooth_fill(edit, dilated_hole(edit))


def fill_as_published(photo: np.ndarray, edit: CoarseEdit, seed: int = 0) -> np.ndarray:
    """The published filler: the hole grows in from whatever lies beside it; to the pixel on a picture of MODEL_SIDE.

    The published script takes the content through half precision before it fills. That darkens some grey levels by one,
    and the fill is very sensitive to its border. It is the same for every seed.
    """
    content = CoarseEdit(rgb=_through_half_precision()[edit.rgb], alpha=edit.alpha)
    return _smooth_fill(content, dilated_hole(edit))


@cache
def _through_half_precision() -> np.ndarray:
    """(256,) uint8: each grey level after 0..1 -> -1..1 -> 0..1 in half precision, then cut to whole numbers."""
    half = np.float16
    values = (np.arange(256, dtype=np.float32) / 255).astype(half)
    values = (values - half(0.5)) / half(0.5)
    return ((values + half(1)) / half(2) * half(255)).astype(np.uint8)


def fill_from_background(photo: np.ndarray, edit: CoarseEdit, seed: int = 0) -> np.ndarray:
    """Fill from what did not move: an object that still overlaps its old place must not bleed into the hole it left.

    What moved is lifted off, the ground under it is filled together with the hole, and it is laid down again, whole:
    the hole is dilated into the background only. Cracks inside what moved are filled from both their sides. Where the
    hole is wide it gets the background's texture (``exemplar``), another one for each seed, in place of a smooth fill.
    """
    hole = dilated_hole(edit)
    if not hole.any() or hole.all():
        return _inpainted(edit, hole)
    touched = touched_pixels(photo, edit)
    moved = moved_of(touched, edit)
    if moved.mean() + edit.hole.mean() > MOST_BEHIND or not stands_still(photo, edit, ~touched):
        return paint_texture(_smooth_fill(edit, hole), _wide(hole), ~hole, seed)
    unknown = closed(moved | edit.hole, GAP)
    lifted = CoarseEdit(rgb=edit.rgb, alpha=np.where(unknown, 0, 255).astype(np.uint8))
    region, crack = hole & ~moved, hole & closed(moved, CRACK)
    lifted_hole = dilated_hole(lifted)
    ground = paint_texture(_smooth_fill(lifted, lifted_hole), _wide(region), ~lifted_hole, seed)
    filled = np.where(region[..., None], ground, edit.rgb)
    if crack.any():
        filled = np.where(crack[..., None], _smooth_fill(edit, hole), filled)
    return filled


def moved_content(photo: np.ndarray, edit: CoarseEdit) -> np.ndarray:
    """(H, W) bool: content that differs from the photo. The rim that a soft-edged hole keeps of its object is not."""
    return moved_of(touched_pixels(photo, edit), edit)


def moved_of(touched: np.ndarray, edit: CoarseEdit) -> np.ndarray:
    """``moved_content`` of an edit whose touched pixels, (H, W) bool, are known."""
    content = (touched & ~edit.hole).astype(np.uint8)
    return cv2.morphologyEx(content, cv2.MORPH_OPEN, np.ones((RIM, RIM), np.uint8)).astype(bool)


def stands_still(photo: np.ndarray, edit: CoarseEdit, still: np.ndarray) -> bool:
    """Whether what looks unmoved (``still``) is the photo's own. After a camera's motion even that was resampled."""
    difference = cv2.mean(cv2.absdiff(photo, np.ascontiguousarray(edit.rgb)), still.astype(np.uint8))
    return bool(still.any()) and sum(difference[:3]) / 3 < RESAMPLED


def _wide(region: np.ndarray) -> np.ndarray:
    """(H, W) bool: the parts of a region that are wide enough for texture, whole; cracks are left out."""
    radius = WIDE / 2 * _side(region)
    core = distance_to(~region) - 0.5 > radius
    return (distance_to(core) <= radius + EDGE) & region


def closed(mask: np.ndarray, gap: float) -> np.ndarray:
    """``mask`` with its gaps closed by a disc whose diameter is the fraction ``gap`` of the picture's mean side.

    By distances, not by a structuring element, whose cost grows with the square of its size on a large photo.
    """
    radius = gap / 2 * _side(mask)
    pad = round(radius) + 2
    grown = distance_to(np.pad(mask, pad)) <= radius
    return (distance_to(~grown) > radius)[pad:-pad, pad:-pad]


def distance_to(mask: np.ndarray) -> np.ndarray:
    """(H, W) float32: pixels from each to the nearest True of a mask (H, W) bool; infinite where there is none."""
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)


def largest_channel(picture: np.ndarray) -> np.ndarray:
    """The largest of three channels: (H, W, 3) -> (H, W); NumPy's max over such a short axis is 10 times slower."""
    first, second, third = cv2.split(picture)
    return cv2.max(cv2.max(first, second), third)


def _side(mask: np.ndarray) -> float:
    """Mean side of the picture, pixels."""
    return (mask.shape[0] * mask.shape[1]) ** 0.5


def mask_tensor(edit: CoarseEdit) -> Tensor:
    """(1, 1, H, W) float32: 1 = content, 0 = hole (not dilated), soft at layer edges."""
    return torch.from_numpy(edit.alpha.astype(np.float32) / 255)[None, None]


def image_tensor(picture: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) float32 in -1..1."""
    return torch.tensor(picture).permute(2, 0, 1)[None].float() / 127.5 - 1


def image_array(tensor: Tensor) -> np.ndarray:
    """(1, 3, H, W) in about -1..1 -> (H, W, 3) uint8, clipped."""
    values = (tensor[0].float().clamp(-1, 1) + 1) * 127.5
    return values.round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
