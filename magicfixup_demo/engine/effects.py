"""Effects: what an object takes from the light of its surroundings (shadow, contact), found, divided out, laid anew.

The share of linear light that is taken says all about a shadow: divided out, the ground keeps its own texture;
multiplied in, it darkens any other ground. A shadow is laid like black of some coverage: see ``Shadow.coverage``.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from magicfixup_demo.affine import apply, determinant
from magicfixup_demo.collage import ShadowFall
from magicfixup_demo.engine.composite import Box, square_around
from magicfixup_demo.engine.conditioning import distance_to, image_tensor
from magicfixup_demo.engine.effect_network import MULTIPLE, EffectNetwork, strength_of
from magicfixup_demo.engine.exemplar import spread
from magicfixup_demo.images import resize
from magicfixup_demo.schema import Layer

GAMMA = 2.2  # sRGB, near enough: a share of light is a share of grey levels to the power of 1 / GAMMA
SEEN_SIDE = 192  # pixels, the mean side of what the network sees
CONTEXT = 1.1  # of an object's longer side: what is seen of its surroundings, on each side
LEAST_CONTEXT = 64  # pixels
FAINT = 0.03  # share of light: what is less is noise, and twice as much is believed
FADING = 0.06  # of a side of what is seen: there an effect that goes on beyond it ends softly
NOTHING = 0.1  # share of light that the darkest part of a shadow must take, or there is none
BESIDE = 1.0  # pixels that the network sees, around an object, where nothing is known of the ground
MOST_TAKEN = 0.98
MOST_SOFT = 0.1  # of an object's size
TOO_DARK = 0.85  # share of light: what is left under it tells nothing of the ground


@dataclass(frozen=True, eq=False)
class Shadow:
    """What one object takes. Nothing in it is fine, so it is kept small, whatever the size of its photo.

    ``taken``: (h, w) float32, the share of linear light, 0..1, within ``box``, pixels of the photo. ``foot``: (x, y) of
    the photo, where the object stands; ``size``: its longer side in pixels.
    """

    box: Box
    taken: np.ndarray
    foot: tuple[float, float]
    size: float

    def coverage(self, strength: float = 1.0, softness: float = 0.0) -> np.ndarray:
        """(h, w) float32: of black, laid over the ground, so that as much light is gone.

        ``strength``: times what was found; ``softness``: 0 as found, 1 blurred by MOST_SOFT of the object's size.
        """
        taken = np.minimum(self.taken * np.float32(strength), MOST_TAKEN)
        sigma = softness * MOST_SOFT * self.size * taken.shape[1] / self.box.size[0]
        return coverage_of(cv2.GaussianBlur(taken, (0, 0), sigma) if sigma > 0.1 else taken)


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
        taken = self._seen(photo[box.window], mask[box.window], _open_ends(box, mask.shape))
        if taken is None:
            return None
        x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
        return Shadow(box, taken, (x + w / 2, y + h), max(w, h))

    @torch.inference_mode()
    def _seen(self, part: np.ndarray, own: np.ndarray, ends: tuple[bool, ...]) -> np.ndarray | None:
        """(H, W, 3) uint8, (H, W) bool -> (h, w) float32, the share of light that is taken; None where none is.

        ``ends``: whether the photo goes on to the left, above, to the right, below.
        """
        height, width = own.shape
        scale = min(1.0, SEEN_SIDE / (height * width) ** 0.5)
        size = [max(MULTIPLE, round(side * scale / MULTIPLE) * MULTIPLE) for side in (width, height)]
        own = resize(own.astype(np.float32), *size) > 0.5
        mask = torch.from_numpy(own.astype(np.float32))[None, None].to(self.device)
        x = image_tensor(resize(part, *size)).to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.half):
            logits = self.network(x, mask)
        taken = strength_of(logits.float())[0, 0].cpu().numpy()
        taken *= np.clip(taken / FAINT - 1, 0, 1) * _fading(taken.shape, ends)
        around = distance_to(own) > BESIDE
        if not (taken[around] > NOTHING).any():
            return None
        under = spread(np.repeat(taken[..., None], 3, axis=2), around.astype(np.float32))[..., 0]
        return np.where(around, taken, under).astype(np.float32)


def seen_around(mask: np.ndarray) -> Box:
    """What must be seen of an object, (H, W) bool, to find its effect: its box with context, as square as may be."""
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    longest = max(w, h)
    side = round(longest + 2 * max(LEAST_CONTEXT, CONTEXT * longest))
    return square_around(x, y, w, h, side, mask.shape)


def _open_ends(box: Box, shape: tuple[int, int]) -> tuple[bool, ...]:
    return box.left > 0, box.top > 0, box.right < shape[1], box.bottom < shape[0]


def _fading(shape: tuple[int, int], ends: tuple[bool, ...]) -> np.ndarray:
    """(h, w) float32: 1, falling to 0 towards the open ends."""
    ramps = []
    for length, near, far in zip(shape, (ends[1], ends[0]), (ends[3], ends[2]), strict=True):
        place = (np.arange(length, dtype=np.float32) + 0.5) / (FADING * length)
        ramps.append(np.minimum(np.clip(place, 0, 1) if near else 1, np.clip(place[::-1], 0, 1) if far else 1))
    return np.float32(np.broadcast_to(np.reshape(ramps[0], (-1, 1)), shape) * ramps[1])


def coverage_of(taken: np.ndarray) -> np.ndarray:
    """Shares of linear light -> how much black, laid over a picture, takes as much."""
    return 1 - np.maximum(1 - taken, 0) ** np.float32(1 / GAMMA)


def without_shadows(photo: np.ndarray, shadows: Iterable[tuple[Shadow, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The photo with shadows divided out, (H, W, 3) uint8; where too little light is left to know it, (H, W) bool.

    Beside each shadow its object's mask, (H, W) bool: what lies under it is hidden, and it keeps its own colours.
    """
    lit, lost = photo.copy(), np.zeros(photo.shape[:2], bool)
    for shadow, own in shadows:
        window = shadow.box.window
        covered = np.where(own[window], 0, resize(shadow.coverage(), *shadow.box.size))
        left = np.maximum(1 - covered, 1 - coverage_of(np.float32(TOO_DARK)))[..., None]
        lit[window] = np.where(left < 1, np.clip(np.rint(lit[window] / left), 0, 255), lit[window]).astype(np.uint8)
        lost[window] |= covered > coverage_of(np.float32(TOO_DARK))
    return lit, lost


def laid(shadow: Shadow, layer: Layer, width: int, height: int) -> ShadowFall | None:
    """Where in a picture of that size a shadow falls that went along with its object, and its coverage there, float32.

    It keeps to the object's foot and size, but the light stays where it was: it is neither turned nor mirrored. None
    where it falls beside the picture.
    """
    scale = abs(determinant(layer.matrix)) ** 0.5
    foot = apply(layer.matrix, shadow.foot)
    left, top = (
        there - scale * (here - start)
        for there, here, start in zip(foot, shadow.foot, (shadow.box.left, shadow.box.top), strict=True)
    )
    wide, high = (scale * side for side in shadow.box.size)
    first_x, first_y = max(0, math.floor(left)), max(0, math.floor(top))
    last_x, last_y = min(width, math.ceil(left + wide)), min(height, math.ceil(top + high))
    if first_x >= last_x or first_y >= last_y:
        return None
    coverage = shadow.coverage(layer.shadow, layer.softness)
    across, along = wide / coverage.shape[1], high / coverage.shape[0]
    # OpenCV counts from the middle of the first pixel, not from its corner
    way = np.float64([[across, 0, left - first_x + (across - 1) / 2], [0, along, top - first_y + (along - 1) / 2]])
    size = last_x - first_x, last_y - first_y
    return (slice(first_y, last_y), slice(first_x, last_x)), cv2.warpAffine(coverage, way, size, flags=cv2.INTER_LINEAR)


def attenuation(shadows: Iterable[Shadow], width: int, height: int) -> np.ndarray:
    """What all shadows leave of the light of a photo of that size: (height, width) uint8, linear, 255 = all of it."""
    left = np.ones((height, width), np.float32)
    for shadow in shadows:
        left[shadow.box.window] *= 1 - resize(shadow.taken, *shadow.box.size).clip(0, 1)
    return np.rint(255 * left).astype(np.uint8)
