"""The plate for the page: the photo without the objects that are cut out, made while nobody waits for it.

collage -> hole -> plate, in its turn, by the embedded model -> the parts that differ from the photo, as it is shown

It depends on the photo and the objects alone, so it is begun before anybody drags. So do the shadows that the objects
take along, which travel beside it. The model keeps the plate for the fix-up that follows.
"""

import base64
import io
import threading
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from magicfixup_demo.collage import whole_mask
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.choice import FALLBACK
from magicfixup_demo.engine.interface import Engine
from magicfixup_demo.errors import CollageError, ModelError
from magicfixup_demo.images import resize
from magicfixup_demo.schema import Collage, Segment
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.fixing import is_large
from magicfixup_demo.ui.jobs import Job
from magicfixup_demo.ui.lines import PREPARING, Piece, in_words
from magicfixup_demo.ui.payload import checked_seed, display_size
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.services import Services

if TYPE_CHECKING:
    from magicfixup_demo.engine.effects import Shadow
    from magicfixup_demo.engine.plate import Plate

MUCH_LARGER = 2.0  # times the pixels that the page shows: such a photo is lifted at the page's size first
QUALITY = 90  # of WebP
EFFORT = 2  # of its encoder, 0 to 6: more take longer than a few bytes less are worth here


def prepare(services: Services, photo: OpenPhoto, record: dict, job: Job) -> dict:
    """{"collage", "seed", "also"} -> what ``prepared_of`` says; of a large photo ``job`` shows the same before, sooner.

    "collage": JSON whose segments without a layer in its place are removed; "seed": of the fix-up to come; "also": ids
    of segments that stay in their places, whose shadows are wanted too. Stops what was begun before for the same visit.
    Raises MagicFixupError, and Cancelled when stopped.
    """
    NEWEST.begin(job)
    try:
        collage = collage_from_json(record.get("collage") or "")
        if (collage.height, collage.width) != photo.image.shape[:2]:
            raise CollageError(strings.BAD_REQUEST)
        also = _standing(collage, record.get("also", []))
        return _prepared(services, photo, collage, also, checked_seed(record.get("seed", 0)), job)
    finally:
        NEWEST.end(job)


def _standing(collage: Collage, names: object) -> list[Segment]:
    """The segments of these ids, none of which is removed. Raises CollageError."""
    from magicfixup_demo.engine.plate import removed_segments  # torch: not before the page is up

    removed = removed_segments(collage)
    standing = {segment.id: segment for segment in collage.segments if segment not in removed and not segment.source}
    if not isinstance(names, list) or not all(isinstance(name, str) and name in standing for name in names):
        raise CollageError(strings.BAD_REQUEST)
    return [standing[name] for name in dict.fromkeys(names)] if collage.shadows else []


def _prepared(services: Services, photo: OpenPhoto, collage: Collage, also: list[Segment], seed: int, job: Job) -> dict:
    from magicfixup_demo.engine.plate import removed_segments

    removed = removed_segments(collage)
    if not removed and not also:
        return {"patches": [], "shadows": []}
    engine = services.engines.get(FALLBACK, job.report)
    if not hasattr(engine, "lift"):
        raise ModelError(strings.CANNOT_LIFT.format(name=engine.info.name))
    prepared = {"patches": [], "shadows": []}
    piece = Piece(aside=is_large(photo.image))
    with services.fixing.turn(PREPARING, photo.visit, lambda place: job.report(0.0, in_words(place)), piece=piece):
        if removed:
            prepared = _lifted(engine, photo.image, collage, seed, job)
        return prepared | {"shadows": prepared["shadows"] + _shadows_of(engine, photo.image, also, job)}


def _lifted(engine: Engine, photo: np.ndarray, collage: Collage, seed: int, job: Job) -> dict:
    """What ``prepared_of`` says; photo: (H, W, 3) uint8."""
    from magicfixup_demo.engine.plate import removed_segments

    objects = [whole_mask(segment, collage.height, collage.width) for segment in removed_segments(collage)]
    size, shadows = display_size(collage.width, collage.height), collage.shadows
    if photo[..., 0].size >= MUCH_LARGER * size[0] * size[1]:
        small, covered = resize(photo, *size), [_covered(mask, size) for mask in objects]
        job.show(prepared_of(engine.lift(small, covered, seed, job.report, shadows=shadows), small, collage))
    return prepared_of(engine.lift(photo, objects, seed, job.report, shadows=shadows), photo, collage)


def _shadows_of(engine: Engine, photo: np.ndarray, segments: list[Segment], job: Job) -> list[dict]:
    """The records of those of these objects that have a shadow."""
    effects, found = getattr(engine, "effects", None), []
    for i, segment in enumerate(segments if effects else []):
        job.report(i / len(segments), strings.READING_PHOTO)
        shadow = effects.of(photo, whole_mask(segment, *photo.shape[:2]))
        found += [shadow_record(shadow, 1.0) | {"segment": segment.id}] if shadow else []
    return found


def prepared_of(plate: "Plate", photo: np.ndarray, collage: Collage) -> dict:
    """What the page draws of a plate: {"patches": as of ``patches_of``, "shadows": as of ``shadow_record``}.

    photo: (H, W, 3) uint8, what the plate was made of; it may be smaller than the collage's.
    """
    from magicfixup_demo.engine.plate import removed_segments

    larger = collage.width / photo.shape[1]
    found = zip(removed_segments(collage), plate.shadows, strict=True)
    shadows = [shadow_record(shadow, larger) | {"segment": one.id} for one, shadow in found if shadow]
    return {"patches": patches_of(plate, photo, collage), "shadows": shadows}


def shadow_record(shadow: "Shadow", larger: float) -> dict:
    """{"left", "top", "width", "height": its box, "foot": [x, y], "size": of its object, "picture": a data URL}.

    Pixels of the collage's photo, which is ``larger`` times as large as the shadow's. The picture is a small one, to be
    enlarged to the box: grey, the share of linear light that is taken, 255 = all of it.
    """
    buffer = io.BytesIO()
    Image.fromarray(np.rint(255 * shadow.taken.clip(0, 1)).astype(np.uint8)).save(buffer, "PNG", compress_level=6)
    (width, height), foot = shadow.box.size, [larger * place for place in shadow.foot]
    place = {"left": shadow.box.left, "top": shadow.box.top, "width": width, "height": height, "size": shadow.size}
    return {name: larger * value for name, value in place.items()} | {"foot": foot, "picture": _url(buffer, "png")}


def patches_of(plate: "Plate", photo: np.ndarray, collage: Collage) -> list[dict]:
    """The parts of a plate that differ from the photo: one for each hole that was filled by itself, with its shadow.

    Each part is {"left", "top", "width", "height": its box in pixels of the picture as the page has it, "picture": a
    data URL, clear where the photo stays as it is, "segments": ids of the objects that stood there, or whose shadow
    lay there}.
    """
    from magicfixup_demo.engine.plate import removed_segments, separate_holes

    size = display_size(collage.width, collage.height)
    shown, other = resize(plate.rgb, *size), _covered(plate.hole, size)
    if any(plate.shadows):
        other |= _covered((plate.rgb != photo).any(axis=2), size)
    removed, found = removed_segments(collage), []
    shadows = plate.shadows or (None,) * len(removed)
    touched = {
        segment.id: _covered(whole_mask(segment, collage.height, collage.width), size) | _shaded(shadow, photo, size)
        for segment, shadow in zip(removed, shadows, strict=True)
    }
    for box, own in separate_holes(other):
        cover = np.zeros_like(other)
        cover[box.window] = own
        stood = [name for name, mask in touched.items() if (mask & cover).any()]
        found.append(_patch(shown, cover) | {"segments": stood})
    return found


def _shaded(shadow: "Shadow | None", photo: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w) bool: the pixels of a picture of that size, (width, height), that a shadow in a photo reaches."""
    reached = np.zeros(photo.shape[:2], bool)
    if shadow:
        reached[shadow.box.window] = resize(shadow.taken, *shadow.box.size) > 0
    return _covered(reached, size)


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
    picture = _url(buffer, "webp")
    height, width = rgba.shape[:2]
    return {"left": int(columns[0]), "top": int(rows[0]), "width": width, "height": height, "picture": picture}


def _url(buffer: io.BytesIO, kind: str) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


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
