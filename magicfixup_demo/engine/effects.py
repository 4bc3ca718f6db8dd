"""Effects: what an object takes from the light of its surroundings (shadow, contact), found, divided out, laid anew.

The share of linear light that is taken says all about a shadow: divided out, the ground keeps its own texture;
multiplied in, it darkens any other ground. A shadow is laid like black of some coverage: see ``Shadow.coverage``.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from magicfixup_demo.affine import Affine, apply, determinant
from magicfixup_demo.engine.composite import Box, stretch
from magicfixup_demo.engine.conditioning import distance_to, image_tensor
from magicfixup_demo.engine.effect_network import MULTIPLE, EffectNetwork, strength_of
from magicfixup_demo.engine.exemplar import spread
from magicfixup_demo.images import resize

GAMMA = 2.2  # sRGB, near enough: a share of light is a share of grey levels to the power of 1 / GAMMA
SEEN_SIDE = 224  # pixels, the mean side of what the network sees
CONTEXT = 1.1  # of an object's longer side: what is seen of its surroundings, on each side
LEAST_CONTEXT = 64  # pixels
FAINT = 0.04  # share of light: what is less is noise
NOTHING = 0.1  # share of light that the darkest part of a shadow must take, or there is none
BESIDE = 1.0  # pixels that the network sees, around an object, where nothing is known of the ground
TOO_DARK = 0.85  # share of light: what is left under it tells nothing of the ground


@dataclass(frozen=True, eq=False)
class Shadow:
    """``taken``: (h, w) float32, the share of linear light, 0..1; its top left pixel is pixel (left, top) of the photo.

    ``foot``: (x, y) of the photo, where the object stands.
    """

    left: int
    top: int
    taken: np.ndarray
    foot: tuple[float, float]

    @property
    def window(self) -> tuple[slice, slice]:
        height, width = self.taken.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    @property
    def coverage(self) -> np.ndarray:
        """(h, w) float32: of black, laid over the ground, so that as much light is gone."""
        return coverage_of(self.taken)


class Effects:
    """Finds what objects take from the light around them. Safe to call from several threads."""

    def __init__(self, network: EffectNetwork, device: str = "cpu"):
        self.network = network.eval().to(device, memory_format=torch.channels_last)
        self.device = device
        self.half = device != "cpu" or torch.cpu._is_avx512_bf16_supported()

    def of(self, photo: np.ndarray, mask: np.ndarray) -> Shadow | None:
        """The shadow of an object; None where it has none.

        photo: (H, W, 3) uint8; mask: (H, W) bool, the object. Under the object the shadow goes on as around it.
        """
        if not mask.any():
            return None
        box = seen_around(mask)
        taken = self._seen(photo[box.window], mask[box.window])
        if taken is None:
            return None
        x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
        return Shadow(box.left, box.top, taken, (x + w / 2, y + h))

    @torch.inference_mode()
    def _seen(self, part: np.ndarray, own: np.ndarray) -> np.ndarray | None:
        """(h, w, 3) uint8, (h, w) bool -> (h, w) float32, the share of light that is taken; None where none is."""
        height, width = own.shape
        scale = min(1.0, SEEN_SIDE / (height * width) ** 0.5)
        size = [max(MULTIPLE, round(side * scale / MULTIPLE) * MULTIPLE) for side in (width, height)]
        own = resize(own, *size)
        mask = torch.from_numpy(own.astype(np.float32))[None, None].to(self.device)
        x = image_tensor(resize(part, *size)).to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.half):
            logits = self.network(x, mask)
        taken = strength_of(logits.float())[0, 0].cpu().numpy()
        taken[taken < FAINT] = 0
        around = distance_to(own) > BESIDE
        if not (taken[around] > NOTHING).any():
            return None
        under = spread(np.repeat(taken[..., None], 3, axis=2), around.astype(np.float32))[..., 0]
        taken = np.where(around, taken, under).astype(np.float32)
        return np.clip(cv2.resize(taken, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)


def seen_around(mask: np.ndarray) -> Box:
    """What must be seen of an object, (H, W) bool, to find its effect: its box with context, as square as may be."""
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    longest = max(w, h)
    side = round(longest + 2 * max(LEAST_CONTEXT, CONTEXT * longest))
    (left, right), (top, bottom) = (
        stretch(start, length, min(side, limit), limit)
        for start, length, limit in ((x, w, mask.shape[1]), (y, h, mask.shape[0]))
    )
    return Box(left, top, right, bottom)


def coverage_of(taken: np.ndarray) -> np.ndarray:
    """Shares of linear light -> how much black, laid over a picture, takes as much."""
    return 1 - np.maximum(1 - taken, 0) ** np.float32(1 / GAMMA)


def without_shadows(photo: np.ndarray, shadows: list[Shadow]) -> tuple[np.ndarray, np.ndarray]:
    """The photo with shadows divided out, (H, W, 3) uint8; where too little light is left to know it, (H, W) bool."""
    lit, lost = photo.copy(), np.zeros(photo.shape[:2], bool)
    for shadow in shadows:
        left = 1 - np.minimum(shadow.coverage, coverage_of(np.float32(TOO_DARK)))
        lit[shadow.window] = np.clip(np.rint(lit[shadow.window] / left[..., None]), 0, 255).astype(np.uint8)
        lost[shadow.window] |= shadow.taken > TOO_DARK
    return lit, lost


def laid(shadow: Shadow, matrix: Affine, width: int, height: int) -> tuple[tuple[slice, slice], np.ndarray] | None:
    """Where in a picture of that size a shadow falls that went along with its object, and its coverage there, float32.

    It keeps to the object's foot and size, but the light stays where it was: it is neither turned nor mirrored. None
    where it falls beside the picture.
    """
    scale = abs(determinant(matrix)) ** 0.5
    foot = apply(matrix, shadow.foot)
    left, top = (
        there - scale * (here - start)
        for there, here, start in zip(foot, shadow.foot, (shadow.left, shadow.top), strict=True)
    )
    rows, columns = shadow.taken.shape
    first_x, first_y = max(0, math.floor(left)), max(0, math.floor(top))
    last_x, last_y = min(width, math.ceil(left + scale * columns)), min(height, math.ceil(top + scale * rows))
    if first_x >= last_x or first_y >= last_y:
        return None
    # OpenCV counts from the middle of the first pixel, not from its corner
    way = np.float64([[scale, 0, left - first_x + (scale - 1) / 2], [0, scale, top - first_y + (scale - 1) / 2]])
    coverage = cv2.warpAffine(shadow.coverage, way, (last_x - first_x, last_y - first_y), flags=cv2.INTER_LINEAR)
    return (slice(first_y, last_y), slice(first_x, last_x)), coverage
