"""Which of a decoder's four masks to offer first.

One click is ambiguous (the button, the shirt or the person?), and SAM's own guess of each mask's IoU prefers small
parts. People cut out whole things, so area counts a little, and so does what the other answers agree on. The weights
come from

    python -m magicfixup_demo.segmentation.calibrate DATA/photos --limit 200
"""

from dataclasses import dataclass

import numpy as np

from magicfixup_demo.schema import Prompt
from magicfixup_demo.segmentation.masks import RawMask, stability

SMALLEST_SHARE = 1e-4  # of the photo; keeps the logarithm of an empty mask finite


@dataclass(frozen=True)
class Weights:
    """How much counts, beside the decoder's own guess: log of the area's share, agreement, stability."""

    area: float = 0.0
    agreement: float = 0.0
    stability: float = 0.0


ONE_CLICK = Weights(area=0.2, agreement=0.6, stability=0.8)
REPETITION = 0.95  # IoU from which two masks are the same to the eye


def offer_order(masks: list[RawMask], prompt: Prompt) -> list[RawMask]:
    """Best first, without near repetitions of a better one. masks: all four of one decoding."""
    values = features(masks)
    worth = weighted(values, ONE_CLICK) if is_ambiguous(prompt) else values[:, 0] + whole_first(masks)
    return distinct(in_order(masks, worth))


def whole_first(masks: list[RawMask]) -> np.ndarray:
    """(n,) that puts the mask of the decoder's token 0, made for prompts that leave no choice, before all others."""
    return np.array([10.0 * (mask.token == 0) for mask in masks])


def is_ambiguous(prompt: Prompt) -> bool:
    """One click alone may mean a part or the whole."""
    return prompt.box is None and len(prompt.points) == 1


def in_order(masks: list[RawMask], worth: np.ndarray) -> list[RawMask]:
    """masks by descending ``worth``, (n,)."""
    return [masks[index] for index in np.argsort(-worth, kind="stable")]


def distinct(masks: list[RawMask]) -> list[RawMask]:
    """Drop masks that look like an earlier one: they are no choice, and each costs time at the photo's size."""
    overlap = _overlap(_inside(masks))
    kept: list[int] = []
    for index in range(len(masks)):
        if all(overlap[index, earlier] < REPETITION for earlier in kept):
            kept.append(index)
    return [masks[index] for index in kept]


def weighted(values: np.ndarray, weights: Weights) -> np.ndarray:
    """(n, 4) features -> (n,) worth."""
    return values @ np.array([1.0, weights.area, weights.agreement, weights.stability])


def features(masks: list[RawMask]) -> np.ndarray:
    """(n, 4): the decoder's guess of the IoU, log of the area's share, mean IoU with the other masks, stability."""
    inside = _inside(masks)
    overlap = _overlap(inside)
    return np.stack(
        [
            [mask.score for mask in masks],
            np.log(inside.mean(1) + SMALLEST_SHARE),
            (overlap.sum(1) - overlap.diagonal()) / max(1, len(masks) - 1),
            [stability(mask.logits) for mask in masks],
        ],
        axis=1,
    )


def _inside(masks: list[RawMask]) -> np.ndarray:
    """(n, pixels) float32, 1 inside."""
    return np.stack([(mask.logits > 0).ravel() for mask in masks]).astype(np.float32)


def _overlap(inside: np.ndarray) -> np.ndarray:
    """(n, pixels) -> (n, n) IoU of each pair."""
    common = inside @ inside.T
    areas = inside.sum(1)
    return common / np.maximum(areas[:, None] + areas - common, 1)
