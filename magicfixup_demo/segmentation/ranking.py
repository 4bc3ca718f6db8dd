"""Which of a decoder's four masks to offer first.

One click is ambiguous (the button, the shirt or the person?), and SAM's own guess of each mask's IoU prefers small
parts. People cut out whole things, so area counts a little, and so does what the other answers agree on. The weights
come from

    python -m magicfixup_demo.segmentation.calibrate PHOTOS_WITH_MASKS --limit 120
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


ONE_CLICK = Weights(area=0.04, agreement=0.2, stability=0.2)


def offer_order(masks: list[RawMask], prompt: Prompt) -> list[RawMask]:
    """Best first. masks: all four of one decoding."""
    if is_ambiguous(prompt):
        return in_order(masks, weighted(features(masks), ONE_CLICK))
    return in_order(masks, np.array([mask.token == 0 for mask in masks]) + features(masks)[:, 0] * 1e-3)


def is_ambiguous(prompt: Prompt) -> bool:
    """One click alone may mean a part or the whole."""
    return prompt.box is None and len(prompt.points) == 1


def in_order(masks: list[RawMask], worth: np.ndarray) -> list[RawMask]:
    """masks by descending ``worth``, (n,)."""
    return [masks[index] for index in np.argsort(-worth, kind="stable")]


def weighted(values: np.ndarray, weights: Weights) -> np.ndarray:
    """(n, 4) features -> (n,) worth."""
    return values @ np.array([1.0, weights.area, weights.agreement, weights.stability])


def features(masks: list[RawMask]) -> np.ndarray:
    """(n, 4): the decoder's guess of the IoU, log of the area's share, mean IoU with the other masks, stability."""
    inside = np.stack([(mask.logits > 0).ravel() for mask in masks]).astype(np.float32)  # (n, pixels)
    share = inside.mean(1)
    return np.stack(
        [
            [mask.score for mask in masks],
            np.log(share + SMALLEST_SHARE),
            _agreement(inside),
            [stability(mask.logits) for mask in masks],
        ],
        axis=1,
    )


def _agreement(inside: np.ndarray) -> np.ndarray:
    """(n, pixels) of 0 and 1 -> (n,) mean IoU with the others."""
    common = inside @ inside.T  # (n, n)
    areas = inside.sum(1)
    overlap = common / np.maximum(areas[:, None] + areas - common, 1)
    return (overlap.sum(1) - overlap.diagonal()) / max(1, len(inside) - 1)
