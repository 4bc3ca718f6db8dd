"""Rough pictures of where a run is heading, made between its steps at next to no cost.

Models that work on pixels show their clean prediction itself. For latents a linear map to colours is fitted for each
photo, by least squares between its latent and its own pixels, shrunk: nothing is downloaded or learned beforehand.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from magicfixup_demo.engine.codecs import LatentCodec, PixelCodec
from magicfixup_demo.engine.composite import Box
from magicfixup_demo.engine.conditioning import image_array
from magicfixup_demo.images import resize

PREVIEW_AREA = 512 * 512  # pixels, at most


def previewer(codec: PixelCodec | LatentCodec, photo: Tensor, latent: Tensor) -> Callable[[Tensor], Tensor]:
    """A function: clean prediction (B, C, h, w) -> picture (B, 3, h', w') in about -1..1. photo: with its latent."""
    if isinstance(codec, PixelCodec):
        return codec.decode
    maps = [colour_map(one, its) for one, its in zip(latent.split(1), photo.split(1), strict=True)]
    return lambda clean: torch.cat([to_colours(own, one) for own, one in zip(maps, clean.split(1), strict=True)])


def colour_map(latent: Tensor, photo: Tensor) -> Tensor:
    """The (C + 1, 3) matrix that best maps latents (B, C, h, w) and a 1 to the photo (B, 3, H, W) shrunk to (h, w)."""
    colours = F.interpolate(photo.float(), latent.shape[-2:], mode="area")
    known, wanted = _rows(latent.float().cpu()), colours.cpu().movedim(1, -1).flatten(0, -2)  # (B h w, C + 1), (.., 3)
    return torch.linalg.lstsq(known, wanted, driver="gelsd").solution.to(latent.device)  # a flat photo has no full rank


def to_colours(weights: Tensor, latent: Tensor) -> Tensor:
    """latent (B, C, h, w) -> (B, 3, h, w)."""
    batch, _, height, width = latent.shape
    return (_rows(latent.float()) @ weights).view(batch, height, width, 3).movedim(-1, 1)


def _rows(latent: Tensor) -> Tensor:
    """(B, C, h, w) -> (B h w, C + 1), the last column 1."""
    return F.pad(latent.movedim(1, -1).flatten(0, -2), (0, 1), value=1.0)


class Canvas:
    """Lays previews of the crop that the model sees into the whole photo, shrunk so that it costs little to send."""

    def __init__(self, photo: np.ndarray, box: Box, send: Callable[[np.ndarray], None]):
        height, width = photo.shape[:2]
        scale = min(1.0, (PREVIEW_AREA / (height * width)) ** 0.5)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._photo, self._send = resize(photo, *size), send
        sides = zip((box.left, box.right), (box.top, box.bottom), strict=True)
        (left, top), (right, bottom) = ((round(x * scale), round(y * scale)) for x, y in sides)
        self._box = Box(left, top, max(right, left + 1), max(bottom, top + 1))

    def __call__(self, picture: Tensor) -> None:
        """picture (1, 3, h, w) in about -1..1: what the crop looks like now."""
        shown = self._photo.copy()
        window = shown[self._box.window]
        window[:] = resize(image_array(picture), window.shape[1], window.shape[0])
        self._send(shown)
