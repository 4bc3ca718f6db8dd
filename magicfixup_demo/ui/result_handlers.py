"""What the browser asks about results: stop one in the making, look closer, go on from it, forget it."""

from contextlib import suppress
from typing import NamedTuple

import numpy as np

from magicfixup_demo.errors import PhotoError
from magicfixup_demo.images import resize
from magicfixup_demo.limits import sample_seed
from magicfixup_demo.schema import EditResult
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.answering import job_name, photo_record
from magicfixup_demo.ui.payload import jpeg_url
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.services import Services

MOST_REGION_SIDE = 4096  # as wide as the largest window in device pixels


class Chosen(NamedTuple):
    """One picture, (H, W, 3) uint8, of a job: what made it, from which seed, and the result that it belongs to."""

    picture: np.ndarray
    method: str
    seed: int
    result: EditResult


def stop(services: Services, record: dict) -> dict:
    """{"job"}: stop a fix-up between two steps."""
    services.jobs.stop(record.get("job"))
    return {}


def region(services: Services, record: dict) -> dict:
    """{"token", "job", "what", "sample", "box": [x0, y0, x1, y1], "width"} -> that part, at most ``width`` wide.

    The box is in photo pixels; it is answered as it was cut. ``what`` may also be photo. Nothing is ever enlarged.
    """
    photo = services.photos.get(record.get("token"))
    picture = photo.image if record.get("what") == "photo" else chosen(photo, record).picture
    x0, y0, x1, y1 = _box(record.get("box"), picture)
    part = picture[y0:y1, x0:x1]
    wanted = record.get("width")
    width = min(wanted, x1 - x0) if isinstance(wanted, int) and wanted > 0 else x1 - x0
    scale = min(1.0, width / (x1 - x0), MOST_REGION_SIDE / max(part.shape[:2]))
    size = (max(1, round(scale * (x1 - x0))), max(1, round(scale * (y1 - y0))))
    return {"box": [x0, y0, x1, y1], "picture": jpeg_url(resize(part, *size))}


def open_result(services: Services, record: dict) -> dict:
    """{"token", "job", "what", "sample", "visit"} -> the full-size picture as a photo of its own, one round further."""
    photo = services.photos.get(record.get("token"))
    picture = chosen(photo, record).picture
    return photo_record(services.open_photo(photo.name, picture, record.get("visit"), rounds=photo.rounds + 1))


def forget_result(services: Services, record: dict) -> dict:
    """{"token", "job"}: drop the full-size pictures of a job; no error when they are gone already."""
    with suppress(PhotoError):
        services.photos.get(record.get("token")).results.forget(job_name(record))
    return {}


def chosen(photo: OpenPhoto, record: dict) -> Chosen:
    """{"job", "what": result | other | sdedit | coarse, "sample": index} -> the picture. Raises PhotoError."""
    results = photo.results_of(job_name(record))
    what, sample = record.get("what", "result"), record.get("sample") or 0
    result = results[-1] if what == "other" else results[0]
    sample = sample if what == "result" and isinstance(sample, int) and 0 <= sample < len(result.images) else 0
    pictures = {"result": result.images[sample], "sdedit": result.sdedit, "coarse": result.coarse}
    pictures["other"] = result.images[0] if len(results) > 1 else None
    picture = pictures.get(what) if isinstance(what, str) else None
    if picture is None:
        raise PhotoError(strings.RESULT_GONE)
    method = what if what in ("sdedit", "coarse") else result.model
    return Chosen(picture, method, sample_seed(result.seed, sample), result)


def _box(box: object, picture: np.ndarray) -> tuple[int, int, int, int]:
    """A box that lies in the picture, at least one pixel wide and high. Raises PhotoError."""
    height, width = picture.shape[:2]
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(n, int) and abs(n) < 1 << 30 for n in box):
        raise PhotoError(strings.BAD_REQUEST)
    x0, y0 = min(max(box[0], 0), width - 1), min(max(box[1], 0), height - 1)
    return x0, y0, min(max(box[2], x0 + 1), width), min(max(box[3], y0 + 1), height)


HANDLERS = (stop, region, open_result, forget_result)
