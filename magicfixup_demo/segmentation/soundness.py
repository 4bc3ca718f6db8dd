"""Whether what a network says are numbers at all: nothing else may be kept, or taken for a mask."""

from collections.abc import Iterable

import torch
from torch import Tensor

from magicfixup_demo.errors import SegmentationError

NO_NUMBERS = "The selection model found nothing it can read in this photo; try again, or choose another photo."


def check_numbers(maps: Iterable[Tensor]) -> None:
    """Raises SegmentationError where one of them holds NaN or infinity."""
    if not all(bool(torch.isfinite(one).all()) for one in maps):
        raise SegmentationError(NO_NUMBERS)
