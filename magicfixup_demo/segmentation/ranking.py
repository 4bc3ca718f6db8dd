"""Which of a decoder's masks to offer first."""

from magicfixup_demo.schema import Prompt
from magicfixup_demo.segmentation.masks import RawMask


def offer_order(masks: list[RawMask], prompt: Prompt) -> list[RawMask]:
    """Best first."""
    return sorted(masks, key=lambda mask: -mask.score)
