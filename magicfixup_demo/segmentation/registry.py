"""A table of segmenters, and the choice of one by name."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from magicfixup_demo.downloads import Progress
from magicfixup_demo.errors import Cancelled, ModelError
from magicfixup_demo.segmentation.interface import Segmenter

log = logging.getLogger(__name__)
AUTO = "auto"


@dataclass(frozen=True)
class SegmenterInfo:
    """What the page says about a segmenter, and how to load it. ``megabytes`` is its download."""

    description: str
    licence: str
    megabytes: int
    load: Callable[[Progress | None], Segmenter]


def load_segmenter(name: str = AUTO, progress: Progress | None = None) -> Segmenter:
    """Load a segmenter of SEGMENTERS, or with "auto" the best that can be had.

    Raises ModelError for an unknown name or broken weights, DownloadError when a named one cannot be had.
    """
    if name == AUTO:
        return _load_best(progress)
    if name not in SEGMENTERS:
        raise ModelError(f"There is no segmenter {name!r}; choose {AUTO}, {', '.join(SEGMENTERS)}.")
    return SEGMENTERS[name].load(progress)


def _load_best(progress: Progress | None) -> Segmenter:
    for name in ("sam2-tiny", "mobile-sam"):
        try:
            return SEGMENTERS[name].load(progress)
        except Cancelled:
            raise
        except ModelError:  # DownloadError is one
            continue
        except Exception:  # of a library, of the machine: the next one may be spared it
            log.exception("%s could not be loaded", name)
    return SEGMENTERS["grabcut"].load(progress)


# Imports stand inside, so that looking at the table costs nothing.
def _mobile_sam(progress: Progress | None) -> Segmenter:
    from magicfixup_demo.segmentation.mobile_sam import load_mobile_sam

    return load_mobile_sam(progress)


def _sam_vit_b(progress: Progress | None) -> Segmenter:
    from magicfixup_demo.segmentation.sam_vit import load_sam_vit

    return load_sam_vit("sam-vit-b", progress)


def _sam_vit_h(progress: Progress | None) -> Segmenter:
    from magicfixup_demo.segmentation.sam_vit import load_sam_vit

    return load_sam_vit("sam-vit-h", progress)


def _sam2_tiny(progress: Progress | None) -> Segmenter:
    from magicfixup_demo.segmentation.sam2 import load_sam2

    return load_sam2(progress)


def _grabcut(_progress: Progress | None) -> Segmenter:
    from magicfixup_demo.segmentation.grabcut import GrabCutSegmenter

    return GrabCutSegmenter()


SEGMENTERS: dict[str, SegmenterInfo] = {
    "mobile-sam": SegmenterInfo("MobileSAM (TinyViT), quick on a CPU", "Apache-2.0", 39, _mobile_sam),
    "sam2-tiny": SegmenterInfo("SAM 2.1 tiny, best from one click", "Apache-2.0", 156, _sam2_tiny),
    "sam-vit-b": SegmenterInfo("Segment Anything, base", "Apache-2.0", 375, _sam_vit_b),
    "sam-vit-h": SegmenterInfo("Segment Anything, huge; wants a GPU", "Apache-2.0", 2564, _sam_vit_h),
    "grabcut": SegmenterInfo("GrabCut, a fallback without a model", "Apache-2.0 (OpenCV)", 0, _grabcut),
}
