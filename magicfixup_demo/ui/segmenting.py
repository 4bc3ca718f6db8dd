"""What the browser asks while an object is selected: masks for clicks, a hint while it hovers, and finished edges."""

import base64
import math
import threading
from contextlib import contextmanager

import numpy as np

from magicfixup_demo.collage import segment_from_mask
from magicfixup_demo.collage_json import collage_from_json, mask_to_base64
from magicfixup_demo.errors import SegmentationError
from magicfixup_demo.images import png_bytes, resize
from magicfixup_demo.schema import Segment
from magicfixup_demo.segmentation import matting
from magicfixup_demo.segmentation.preview import preview
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.payload import candidate_record, display_size, is_number, prompt_from
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.priority import CUTTING, giving_way
from magicfixup_demo.ui.services import Services, embedding_of

CLICKS_AT_ONCE = 2  # each uses all cores; more side by side only make each other slow


class Turns:
    """Clicks go before hovering: a hover has its turn only while no click waits and no other hover runs."""

    def __init__(self):
        self._lock = threading.Lock()
        self._few = threading.BoundedSemaphore(CLICKS_AT_ONCE)
        self._clicks, self._hovering = 0, False

    @contextmanager
    def click(self):
        """Around the work for a click; waits for other clicks alone."""
        with self._lock:
            self._clicks += 1
        try:
            with self._few:
                yield
        finally:
            with self._lock:
                self._clicks -= 1

    @contextmanager
    def hover(self):
        """Around the work for a hover: yields whether it has a turn. Never waits."""
        with self._lock:
            mine = self._clicks == 0 and not self._hovering
            self._hovering |= mine
        try:
            yield mine
        finally:
            if mine:
                with self._lock:
                    self._hovering = False


TURNS = Turns()  # of this process, as its segmenter is


def segment(services: Services, record: dict) -> dict:
    """{"token", "prompt"} -> candidate masks, the one to offer first in front."""
    photo = services.photos.get(record.get("token"))
    prompt = prompt_from(record.get("prompt"))
    segmenter = services.segmenter.start().result()  # who waits for this, or for what it read, holds nobody up
    embedding = embedding_of(photo)
    with TURNS.click():
        candidates = segmenter.candidates(embedding, prompt)
    return {"candidates": [candidate_record(candidate) for candidate in candidates]}


def hover(services: Services, record: dict) -> dict:
    """{"token", "point": [x, y]} -> {"mask": one small mask, or null where there is nothing or no time for it}.

    ``"off": true`` when this server will never answer: its segmenter is a slow fallback. Never waits for anything.
    """
    photo = services.photos.get(record.get("token"))
    (point,) = prompt_from({"points": [[*_pair(record.get("point")), True]]}).points
    segmenter = services.segmenter.value
    if segmenter is not None and segmenter.note:
        return {"mask": None, "off": True}
    with TURNS.hover() as mine:
        if not mine or segmenter is None or photo.embedding.value is None:
            return {"mask": None, "busy": True}
        try:
            return {"mask": _small_record(*preview(segmenter, photo.embedding.value, point))}
        except SegmentationError:
            return {"mask": None}


def matte(services: Services, record: dict) -> dict:
    """{"token", "segment": {left, top, width, height, mask}} -> the same segment with its edge's true opacity."""
    photo = services.photos.get(record.get("token"))
    mask = full_mask(_segment_from(record.get("segment"), photo), photo)
    return giving_way(CUTTING, lambda: mask_record(matting.matte(photo.image, mask)))


def mask_png(services: Services, record: dict) -> dict:
    """{"token", "segment": {left, top, width, height, mask}} -> {"name", "png": base64} of the photo's full size."""
    photo = services.photos.get(record.get("token"))
    mask = full_mask(_segment_from(record.get("segment"), photo), photo)
    return {"name": f"{photo.name}-mask.png", "png": base64.b64encode(png_bytes(mask)).decode("ascii")}


def mask_record(mask: np.ndarray) -> dict:
    """(H, W) uint8 of the photo's size -> its box in photo pixels and a PNG of display size. Raises CollageError."""
    height, width = mask.shape
    segment = segment_from_mask("s", mask)
    box_height, box_width = segment.mask.shape
    scale = display_size(width, height)[0] / width
    shown = resize(segment.mask, math.ceil(box_width * scale), math.ceil(box_height * scale))
    box = {"left": segment.left, "top": segment.top, "width": box_width, "height": box_height}
    return {**box, "mask": mask_to_base64(shown)}


def full_mask(segment: Segment, photo: OpenPhoto) -> np.ndarray:
    """(H, W) uint8 of the photo's size, 0 outside the segment."""
    mask = np.zeros(photo.image.shape[:2], np.uint8)
    height, width = segment.mask.shape
    mask[segment.top : segment.top + height, segment.left : segment.left + width] = segment.mask
    return mask


def _segment_from(record: object, photo: OpenPhoto) -> Segment:
    """A segment as the page sends it, checked as a collage's is. Raises CollageError."""
    height, width = photo.image.shape[:2]
    segments = [{**record, "id": "s", "source": ""}] if isinstance(record, dict) else []
    collage = {"version": 1, "photo": {"width": width, "height": height}, "segments": segments, "layers": []}
    segments = collage_from_json(collage).segments
    if not segments:
        raise SegmentationError(strings.BAD_REQUEST)
    return segments[0]


def _small_record(mask: np.ndarray, scale: float) -> dict:
    """A mask of ``scale`` pixels per pixel of the photo -> its box in photo pixels (fractions too) and a PNG."""
    segment = segment_from_mask("s", mask)
    height, width = segment.mask.shape
    box = {"left": segment.left, "top": segment.top, "width": width, "height": height}
    return {**{side: value / scale for side, value in box.items()}, "mask": mask_to_base64(segment.mask)}


def _pair(value: object) -> list:
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_number, value)):
        raise SegmentationError(strings.BAD_REQUEST)
    return value


HANDLERS = (segment, hover, matte, mask_png)
