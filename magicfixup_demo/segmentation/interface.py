"""What the page and the command line ask of a segmenter: set a photo once, ask for masks many times.

photo --embed (slow, once)--> Embedding --candidates (fast, per click)--> masks of the photo's size
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from magicfixup_demo.downloads import Progress
from magicfixup_demo.errors import SegmentationError
from magicfixup_demo.schema import MaskCandidate, Prompt

MAX_POINTS = 100


@dataclass(frozen=True, eq=False)
class Embedding:
    """What a segmenter remembers of one photo of ``height`` x ``width`` pixels; only its maker can read ``data``.

    ``size_in_bytes`` is what keeping it costs.
    """

    segmenter: str
    height: int
    width: int
    data: Any
    size_in_bytes: int


class Segmenter(Protocol):
    """Turns clicks into masks. Implementations are safe to call from several threads.

    ``name`` is the key in registry.SEGMENTERS; ``note`` is one line for the page, empty unless this is a fallback.
    """

    name: str
    note: str

    def embed(self, photo: np.ndarray, progress: Progress | None = None) -> Embedding:
        """Read a photo, (H, W, 3) uint8 RGB, once."""
        ...

    def candidates(self, embedding: Embedding, prompt: Prompt) -> tuple[MaskCandidate, ...]:
        """Return at least one mask, (H, W) bool, the one to offer first in front; none is empty.

        Raises SegmentationError for an unusable prompt, or when nothing is found.
        """
        ...


def checked_prompt(prompt: Prompt, width: int, height: int) -> Prompt:
    """Return the prompt with its box clipped to the photo of ``width`` x ``height`` pixels.

    Raises SegmentationError that names what is wrong.
    """
    if len(prompt.points) != len(prompt.labels):
        raise SegmentationError("Every click must say whether it adds or removes; click again.")
    if len(prompt.points) > MAX_POINTS:
        raise SegmentationError(f"There are {len(prompt.points)} clicks; at most {MAX_POINTS} are allowed, start over.")
    for point in prompt.points:
        _check_point(point, width, height)
    if prompt.box is None and not any(prompt.labels):
        raise SegmentationError("Nothing is selected yet; click on an object or draw a box around it.")
    return Prompt(prompt.points, prompt.labels, _clipped_box(prompt.box, width, height))


def found(candidates: list[MaskCandidate]) -> tuple[MaskCandidate, ...]:
    """Drop empty masks. Raises SegmentationError when none is left."""
    kept = tuple(candidate for candidate in candidates if candidate.mask.any())
    if not kept:
        raise SegmentationError("No object was found there; click nearer to its middle, or draw a box around it.")
    return kept


def _check_point(point: tuple[float, float], width: int, height: int) -> None:
    x, y = point
    if not (0 <= x < width and 0 <= y < height):  # also false for NaN
        raise SegmentationError(
            f"The click at {x:g},{y:g} is outside the photo of {width} x {height} pixels; click inside it."
        )


def _clipped_box(box: tuple[float, float, float, float] | None, width: int, height: int):
    if box is None:
        return None
    if not all(math.isfinite(value) for value in box):
        raise SegmentationError("The box's corners must be numbers; draw it again.")
    x0, y0, x1, y1 = (min(max(value, 0.0), float(limit)) for value, limit in zip(box, (width, height) * 2, strict=True))
    if x1 - x0 < 1 or y1 - y0 < 1:
        text = ",".join(f"{value:g}" for value in box)
        raise SegmentationError(
            f"The box {text} is empty or outside the photo of {width} x {height}; give x0,y0,x1,y1, top left first."
        )
    return (x0, y0, x1, y1)
