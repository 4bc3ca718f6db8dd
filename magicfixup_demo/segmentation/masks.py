"""From a decoder's small logits to a clean mask of the photo's size."""

from dataclasses import dataclass

import cv2
import numpy as np

from magicfixup_demo.schema import MaskCandidate, Prompt
from magicfixup_demo.segmentation.interface import Embedding, found

# Of the selected area: islands and holes below these shares are taken for noise.
SPECK_SHARE = 0.02
PINHOLE_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class RawMask:
    """One answer of a decoder: (h, w) float32 logits, its own guess of the IoU, and which of its tokens made it."""

    logits: np.ndarray
    score: float
    token: int


def finish(
    raw_masks: list[RawMask], prompt: Prompt, scale: tuple[float, float], embedding: Embedding
) -> tuple[MaskCandidate, ...]:
    """Clean the answers and bring them to the photo's size, in the order given.

    scale: pixels of the map per pixel of the photo, (x, y). Raises SegmentationError when all are empty.
    """
    points = tuple((x * scale[0], y * scale[1]) for x, y in prompt.points)
    cleaned = (clean_logits(raw.logits, points, prompt.labels) for raw in raw_masks)
    masks = (enlarge_logits(logits, scale, embedding.width, embedding.height) for logits in cleaned)
    return found([MaskCandidate(mask, raw.score) for mask, raw in zip(masks, raw_masks, strict=True)])


def clean_logits(logits: np.ndarray, points: tuple[tuple[float, float], ...], labels: tuple[bool, ...]) -> np.ndarray:
    """Push specks below and pinholes above zero, except where a click says otherwise.

    logits: (h, w) float32, positive inside. points: (x, y) in the same pixels. Working on the small map costs nothing
    and leaves the edges, whose place lies between its pixels, alone.
    """
    inside = (logits > 0).astype(np.uint8)
    area = int(inside.sum())
    cleaned = logits.copy()
    specks = _small_regions(inside, area * SPECK_SHARE, [p for p, add in zip(points, labels, strict=True) if add])
    pinholes = _small_regions(
        1 - inside, area * PINHOLE_SHARE, [p for p, add in zip(points, labels, strict=True) if not add]
    )
    cleaned[specks] = -np.abs(cleaned[specks]) - 1
    cleaned[pinholes] = np.abs(cleaned[pinholes]) + 1
    return cleaned


def clicked_region(logits: np.ndarray, point: tuple[float, float]) -> np.ndarray:
    """Push every region below zero that is not connected to the click at ``point`` (x, y); all stay if it is outside.

    One click means one thing: of two equal balls it selects the one that was clicked.
    """
    _, labels = cv2.connectedComponents((logits > 0).astype(np.uint8), connectivity=8)
    clicked = labels[min(int(point[1]), labels.shape[0] - 1), min(int(point[0]), labels.shape[1] - 1)]
    if clicked == 0:
        return logits
    return np.where((labels == clicked) | (logits <= 0), logits, -logits - 1)


def enlarge_logits(logits: np.ndarray, scale: tuple[float, float], width: int, height: int) -> np.ndarray:
    """Interpolate logits to the photo's size and threshold them; only the part that can be inside is computed.

    scale: pixels of the map per pixel of the photo, (x, y). Returns (height, width) bool.
    """
    mask = np.zeros((height, width), bool)
    left, top, w, h = cv2.boundingRect((logits > 0).astype(np.uint8))
    if w == 0:
        return mask
    x0, x1 = _span(left - 1, left + w + 1, scale[0], width)
    y0, y1 = _span(top - 1, top + h + 1, scale[1], height)
    # Pixel centres: (photo + 0.5) * scale = map + 0.5.
    matrix = np.array(
        [[scale[0], 0, (x0 + 0.5) * scale[0] - 0.5], [0, scale[1], (y0 + 0.5) * scale[1] - 0.5]], np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    part = cv2.warpAffine(logits, matrix, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    np.greater(part, 0, out=mask[y0:y1, x0:x1])
    return mask


def stability(logits: np.ndarray, offset: float = 1.0) -> float:
    """How little the mask changes when its threshold moves by ``offset`` either way: IoU of the two masks, 0..1."""
    wide = np.count_nonzero(logits > -offset)
    return np.count_nonzero(logits > offset) / wide if wide else 0.0


def interior_point(mask: np.ndarray) -> tuple[int, int]:
    """The pixel (x, y) of a mask that is farthest from its edge and from the picture's border."""
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(distance.argmax()), distance.shape)
    return int(x), int(y)


def _span(first: float, last: float, scale: float, limit: int) -> tuple[int, int]:
    return max(0, int(np.floor(first / scale))), min(limit, int(np.ceil(last / scale)))


def _small_regions(inside: np.ndarray, smallest: float, protected: list[tuple[float, float]]) -> np.ndarray:
    """(h, w) bool: connected regions of ``inside`` below ``smallest`` pixels that hold no protected point."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < smallest
    small[0] = False  # the outside
    for x, y in protected:
        row, column = min(int(y), labels.shape[0] - 1), min(int(x), labels.shape[1] - 1)
        small[labels[row, column]] = False
    return small[labels]
