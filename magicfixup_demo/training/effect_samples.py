"""What the effect network learns from: objects pasted on photos, with shadows whose every pixel is known.

Others stand in the same light beside the object that is asked for: what they take is not its effect.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from magicfixup_demo.engine.conditioning import image_tensor
from magicfixup_demo.errors import DataError
from magicfixup_demo.pairs.jitter import degraded, signed_distance
from magicfixup_demo.training.cast_shadows import draw_light, shaded, taken_by
from magicfixup_demo.training.ground_samples import Picture, Shape, cropped

TRIES = 200  # for one sample, before the pictures are given up
MOST_OTHERS = 2
SIZES = (0.02, 0.16)  # of the crop: objects
NOTHING_SHARE = 0.12  # of the samples: the object has no effect, whatever the others have
PLAIN_SHARE, CHOSEN_OF = 0.6, 4  # so many crops are the plainest of so many
DARK = 40  # grey levels: on darker ground no shadow shows
SQUASHED = (0.8, 1.25)  # of an object's width
EDGE = 1.0  # pixels over which a pasted object's edge is soft
MASK_SHIFT = 1.5  # pixels by which a mask's outline is off
BESIDE = 1.5  # pixels around objects that are not judged
EXPOSURES, GAINS = (0.75, 1.3), (0.93, 1.07)


@dataclass(frozen=True, eq=False)
class EffectSample:
    """seen: (S, S, 3) uint8; mask, judged: (S, S) bool; taken: (S, S) float32, the share of linear light, 0..1."""

    seen: np.ndarray
    mask: np.ndarray
    taken: np.ndarray
    judged: np.ndarray


class EffectSamples:
    """Batches for steps: picture (B, 3, S, S) in -1..1; mask, taken and judged, (B, 1, S, S) in 0..1."""

    def __init__(self, pictures: list[Picture], shapes: list[Shape], size: int, batch_size: int, seed: int):
        self.pictures, self.shapes = pictures, [shape for shape in shapes if shape.whole]
        self.size, self.batch_size, self.seed = size, batch_size, seed

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """The batch of a step. Raises DataError where these pictures give none."""
        rng = np.random.default_rng([self.seed, step])
        return batched(draw_effects(self.pictures, self.shapes, self.size, self.batch_size, rng))


def batched(samples: list[EffectSample]) -> tuple[Tensor, ...]:
    """Samples as the network reads them."""
    seen = torch.cat([image_tensor(sample.seen) for sample in samples])
    rest = [np.stack([getattr(one, name) for one in samples])[:, None] for name in ("mask", "taken", "judged")]
    return seen, *(torch.from_numpy(values).float() for values in rest)


def draw_effects(
    pictures: list[Picture],
    shapes: list[Shape],
    size: int,
    number: int,
    rng: np.random.Generator,
    plain_share: float = PLAIN_SHARE,
) -> list[EffectSample]:
    """So many samples of ``size`` pixels a side. Raises DataError where hardly any draw succeeds."""
    made: list[EffectSample] = []
    for _ in range(TRIES * number if shapes else 0):
        sample = _draw(pictures, shapes, size, rng, plain_share)
        made += [sample] if sample is not None else []
        if len(made) == number:
            return made
    raise DataError(f"{len(shapes)} objects hardly ever fit into {len(pictures)} pictures; add photos of more of them.")


def _draw(
    pictures: list[Picture], shapes: list[Shape], size: int, rng: np.random.Generator, plain_share: float
) -> EffectSample | None:
    """One sample; None where this draw came to nothing."""
    ground, light = _ground(pictures, size, rng, plain_share), draw_light(rng)
    placed = [_placed(shapes[rng.integers(len(shapes))], size, rng) for _ in range(1 + rng.integers(MOST_OTHERS + 1))]
    if any(one is None for one in placed):
        return None
    effects = [taken_by(one.mask, light, rng) for one in placed]
    if rng.random() < NOTHING_SHARE:
        effects[0] *= 0
    others = np.max(effects[1:], axis=0) if len(effects) > 1 else np.zeros((size, size), np.float32)
    together = np.maximum(effects[0], others)  # the same light is not taken twice
    seen = shaded(ground, together, light.tint)
    for one in sorted(placed, key=lambda one: np.flatnonzero(one.mask.any(axis=1))[-1]):  # what stands lower is nearer
        seen = _pasted(seen, one, rng)
    own = placed[0].mask & ~np.any([one.mask for one in placed[1:]], axis=0) if len(placed) > 1 else placed[0].mask
    if own.sum() < 0.7 * placed[0].mask.sum():
        return None
    hidden = np.any([one.mask for one in placed], axis=0)
    judged = cv2.distanceTransform((~hidden).astype(np.uint8), cv2.DIST_L2, 3) > BESIDE
    seen = degraded(_exposed(seen, rng), rng)
    mask = signed_distance(own) > rng.normal(0, MASK_SHIFT)
    return EffectSample(seen, mask if mask.any() else own, 1 - (1 - together) / (1 - others).clip(1e-3), judged)


def _ground(pictures: list[Picture], size: int, rng: np.random.Generator, plain_share: float) -> np.ndarray:
    """A crop, (S, S, 3) uint8; at times the plainest of a few, since ground on which objects stand is plain."""
    crops = [
        cropped(pictures[rng.integers(len(pictures))], size, rng)[0]
        for _ in range(CHOSEN_OF if rng.random() < plain_share else 1)
    ]
    return min(crops, key=_busyness) if len(crops) > 1 else crops[0]


def _busyness(crop: np.ndarray) -> float:
    """Mean difference of neighbouring pixels of a small copy, grey levels; what is nearly black counts as busy."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    return float(np.hypot(*np.gradient(small)).mean()) + 1000 * (small.mean() < DARK)


def _placed(shape: Shape, size: int, rng: np.random.Generator) -> Shape | None:
    """An object upright, at some size and place, whole: (S, S); None where it does not fit."""
    area, squash = np.exp(rng.uniform(*np.log(SIZES))), rng.uniform(*SQUASHED)
    height, width = shape.mask.shape
    scale = size * (area / max(shape.mask.sum() * squash, 1)) ** 0.5
    flip = -1 if rng.random() < 0.5 else 1
    wide, high = width * scale * squash, height * scale
    if wide > 0.8 * size or high > 0.8 * size:
        return None
    left, top = rng.uniform(1, size - wide - 1), rng.uniform(1, size - high - 1)
    start = left if flip > 0 else left + wide
    matrix = np.float32([[flip * scale * squash, 0, start], [0, scale, top]])
    mask = cv2.warpAffine(shape.mask.astype(np.float32), matrix, (size, size)) >= 0.5
    rgb = cv2.warpAffine(shape.rgb, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)
    return Shape(mask, rgb) if mask.any() else None


def _pasted(picture: np.ndarray, placed: Shape, rng: np.random.Generator) -> np.ndarray:
    """The object over the picture, in a light of its own, with an edge of a pixel: (S, S, 3) float32."""
    colours = placed.rgb * np.float32(rng.uniform(*EXPOSURES) * rng.uniform(*GAINS, 3))
    alpha = np.clip(signed_distance(placed.mask) / EDGE, 0, 1)[..., None]
    return picture + (np.clip(colours, 0, 255) - picture) * alpha


def _exposed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As another camera would show it: (S, S, 3) uint8."""
    gamma, gain = rng.uniform(0.8, 1.25), rng.uniform(0.85, 1.15)
    return np.rint(np.clip(255 * gain * (picture.clip(0) / 255) ** gamma, 0, 255)).astype(np.uint8)
