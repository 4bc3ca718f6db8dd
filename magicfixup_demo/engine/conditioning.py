"""Coarse edit -> what the model reads: the holes filled, the mask, value ranges. The only hole filler.

Page, command line, training and evaluation all come through here, so that the model never sees at work what it did not
see in training.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

from magicfixup_demo.schema import CoarseEdit

HOLE_DILATION = 7  # pixels, a box: the seam around a cut-out is never trusted (METHODS: "Inference")
FILL_RADIUS = 3  # pixels, of OpenCV's inpainting


def dilated_hole(edit: CoarseEdit) -> np.ndarray:
    """(H, W) bool: the hole grown by half the dilation box on each side."""
    box = np.ones((HOLE_DILATION, HOLE_DILATION), np.uint8)
    return cv2.dilate(edit.hole.astype(np.uint8), box).astype(bool)


def fill_holes(edit: CoarseEdit, method: int = cv2.INPAINT_NS) -> np.ndarray:
    """Fill the dilated hole by Navier-Stokes inpainting (or Telea's). Returns (H, W, 3) uint8."""
    hole = dilated_hole(edit)
    if not hole.any():
        return edit.rgb
    if hole.all():  # nothing is left to grow from: keep the undilated content, or mid-grey without any
        hole = edit.hole
    return cv2.inpaint(np.ascontiguousarray(edit.rgb), hole.astype(np.uint8) * 255, FILL_RADIUS, method)


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
