"""What a click would select, at the size of a thumbnail: for a pointer that hovers, many times a second."""

from dataclasses import replace

import numpy as np

from magicfixup_demo.schema import Prompt
from magicfixup_demo.segmentation.interface import Embedding, Segmenter

PREVIEW_SIDE = 640


def preview(segmenter: Segmenter, embedding: Embedding, point: tuple[float, float]) -> tuple[np.ndarray, float]:
    """The mask that a click at ``point``, (x, y) in photo pixels, would be offered first.

    Returns ((h, w) bool with a long side of PREVIEW_SIDE at most, its pixels per pixel of the photo). Every segmenter
    reads a prompt relative to the embedding's size and answers at that size, so a smaller size is a cheaper answer;
    being another object, it also leaves alone what the segmenter remembers of the photo's own clicks.
    Raises SegmentationError as ``candidates`` does.
    """
    scale = min(1.0, PREVIEW_SIDE / max(embedding.width, embedding.height))
    size = {side: max(1, round(getattr(embedding, side) * scale)) for side in ("width", "height")}
    small = embedding if scale == 1 else replace(embedding, **size)
    at = (point[0] * small.width / embedding.width, point[1] * small.height / embedding.height)
    mask = segmenter.candidates(small, Prompt(points=(at,), labels=(True,)))[0].mask
    return mask, small.width / embedding.width
