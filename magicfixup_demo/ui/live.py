"""The plate for the page: the photo without the objects that are cut out, made while nobody waits for it.

collage -> hole -> plate, in its turn, by the embedded model -> the parts that differ from the photo, as it is shown

It depends on the photo and the objects alone, so it is begun before anybody drags; what an object does to the light
around it belongs here too, as a second list beside ``patches``. The model keeps the plate for the fix-up that follows.
"""

import base64
import io
import threading

import numpy as np
from PIL import Image

from magicfixup_demo.collage import whole_mask
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.choice import FALLBACK
from magicfixup_demo.errors import CollageError, ModelError
from magicfixup_demo.images import resize
from magicfixup_demo.schema import Collage
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.fixing import is_large
from magicfixup_demo.ui.jobs import Job
from magicfixup_demo.ui.lines import PREPARING, Piece, in_words
from magicfixup_demo.ui.payload import checked_seed, display_size
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.services import Services

MUCH_LARGER = 2.0  # times the pixels that the page shows: such a photo is lifted at the page's size first
QUALITY = 90  # of WebP
EFFORT = 2  # of its encoder, 0 to 6: more take longer than a few bytes less are worth here


def prepare(services: Services, photo: OpenPhoto, record: dict, job: Job) -> dict:
    """{"collage", "seed"} -> {"patches": as of ``patches_of``}; of a large photo ``job`` shows some before, sooner.

    ``collage``: JSON whose segments without a layer in its place are removed; "seed": of the fix-up to come. Stops what
    was begun before for the same visit. Raises MagicFixupError, and Cancelled when stopped.
    """
    NEWEST.begin(job)
    try:
        collage = collage_from_json(record.get("collage") or "")
        if (collage.height, collage.width) != photo.image.shape[:2]:
            raise CollageError(strings.BAD_REQUEST)
        return {"patches": _patches(services, photo, collage, checked_seed(record.get("seed", 0)), job)}
    finally:
        NEWEST.end(job)


def _patches(services: Services, photo: OpenPhoto, collage: Collage, seed: int, job: Job) -> list[dict]:
    from magicfixup_demo.engine.plate import removed_objects  # torch: not before the page is up

    removed = removed_objects(collage)
    if not removed.any():
        return []
    engine = services.engines.get(FALLBACK, job.report)
    if not hasattr(engine, "lift"):
        raise ModelError(strings.CANNOT_LIFT.format(name=engine.info.name))
    size = display_size(collage.width, collage.height)
    piece = Piece(aside=is_large(photo.image))
    with services.fixing.turn(PREPARING, photo.visit, lambda place: job.report(0.0, in_words(place)), piece=piece):
        if removed.size >= MUCH_LARGER * size[0] * size[1]:
            small = _covered(removed, size)
            job.show(patches_of(engine.lift(resize(photo.image, *size), small, seed, job.report), small, collage))
        plate = engine.lift(photo.image, removed, seed, job.report)
    return patches_of(plate, removed, collage)


def patches_of(plate: np.ndarray, removed: np.ndarray, collage: Collage) -> list[dict]:
    """The parts of a plate, (H, W, 3) uint8, that differ from the photo: one for each hole that was filled by itself.

    removed: (H, W) bool, the objects that the collage removes; both may be smaller than the photo. Each part is
    {"left", "top", "width", "height": its box in pixels of the picture as the page has it, "picture": a data URL, clear
    where the photo stays as it is, "segments": ids of the objects that stood there}.
    """
    from magicfixup_demo.engine.plate import lifted, removed_segments, separate_holes

    height, width = collage.height, collage.width
    size = display_size(width, height)
    shown, hole = resize(plate, *size), _covered(lifted(removed), size)
    segments = {s.id: _covered(whole_mask(s, height, width), size) for s in removed_segments(collage)}
    found = []
    for box, own in separate_holes(hole):
        cover = np.zeros_like(hole)
        cover[box.window] = own
        stood = [name for name, mask in segments.items() if (mask & cover).any()]
        found.append(_patch(shown, cover) | {"segments": stood})
    return found


def _covered(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w) bool: the pixels of a picture of that size, (width, height), of which a mask has anything."""
    return resize(mask.astype(np.uint8) * 255, *size) > 0


def _patch(shown: np.ndarray, cover: np.ndarray) -> dict:
    """What ``cover``, (h, w) bool, takes of a plate, (h, w, 3) uint8: with a hard edge, since there it is the photo."""
    rows, columns = np.flatnonzero(cover.any(1)), np.flatnonzero(cover.any(0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    rgba = np.dstack([shown[window], np.where(cover[window], 255, 0).astype(np.uint8)])
    buffer = io.BytesIO()
    # ``exact`` keeps the colours below what is clear, which share blocks, and chroma, with those at the edge.
    Image.fromarray(rgba).save(buffer, "WEBP", quality=QUALITY, method=EFFORT, exact=True)
    picture = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    height, width = rgba.shape[:2]
    return {"left": int(columns[0]), "top": int(rows[0]), "width": width, "height": height, "picture": picture}


class Newest:
    """Of a visit's plates in the making only the newest is wanted. Thread-safe."""

    def __init__(self):
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def begin(self, job: Job) -> None:
        """Stop the one before it."""
        with self._lock:
            before, self._jobs[job.visit] = self._jobs.get(job.visit), job
        if before is not None:
            before.stop()

    def end(self, job: Job) -> None:
        with self._lock:
            if self._jobs.get(job.visit) is job:
                del self._jobs[job.visit]


NEWEST = Newest()  # of this process, as its photos are: visits have unguessable names
