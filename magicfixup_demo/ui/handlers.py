"""One function per thing the page asks for. Each takes one JSON record and returns one; none raises.

An error of ours becomes ``{"error": sentence}``; with ``"gone": true`` the page may send the photo again by itself.
"""

import base64
import functools
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from gradio.utils import get_upload_folder

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json, collage_to_json
from magicfixup_demo.errors import MagicFixupError, PhotoError
from magicfixup_demo.images import open_photo, png_bytes
from magicfixup_demo.schema import EditResult
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.engines import Engines
from magicfixup_demo.ui.example_results import fingerprint
from magicfixup_demo.ui.examples import find_example
from magicfixup_demo.ui.fixing import fix_up
from magicfixup_demo.ui.payload import candidate_record, offer_record, picture_url, prompt_from
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.services import Services, embedding_of

log = logging.getLogger(__name__)


def server_functions(services: Services) -> list[Callable[[dict], dict]]:
    """The functions that the browser calls by name: open_upload, open_example, status, segment, stop, download."""
    handlers = (open_upload, open_example, status, segment, stop, download)
    return [_answering(functools.partial(handler, services), handler.__name__) for handler in handlers]


def open_upload(services: Services, record: dict) -> dict:
    """{"path", "name", "visit"} -> the photo. The uploaded file is gone once it is read, whatever comes of it."""
    path = _uploaded(record.get("path"))
    try:
        image = open_photo(path)
    finally:
        path.unlink(missing_ok=True)
    return _photo_record(services.open_photo(_stem(record.get("name")), image, record.get("visit")))


def open_example(services: Services, record: dict) -> dict:
    """{"name", "visit"} -> the photo and its saved collage, in one go."""
    example = find_example(services.examples, record.get("name"))
    image = open_photo(example.photo)
    collage = collage_from_json(example.collage.read_text("utf-8"))
    edit = render(image, collage)  # raises when they do not belong together
    photo = services.open_photo(example.name, image, record.get("visit"), fingerprint(image, edit))
    return {**_photo_record(photo), "collage": collage_to_json(collage), "title": example.title}


def status(services: Services, record: dict) -> dict:
    """{"token"} -> how far the models and the photo's embedding are; fractions 0..1."""
    segmenter = services.segmenter
    reply = {
        "models": _models_record(services.engines),
        "segmenter": {"ready": segmenter.ready, "fraction": segmenter.fraction, "text": segmenter.text},
        "note": segmenter.problem or getattr(segmenter.value, "note", "") or "",
    }
    if record.get("token"):
        embedding = services.photos.get(record["token"]).embedding
        shown = embedding if segmenter.ready else segmenter
        reply["photo"] = {
            "ready": embedding.ready,
            "fraction": shown.fraction,
            "text": shown.text,
            "problem": embedding.problem,
        }
    return reply


def segment(services: Services, record: dict) -> dict:
    """{"token", "prompt"} -> candidate masks, the one to offer first in front."""
    photo = services.photos.get(record.get("token"))
    prompt = prompt_from(record.get("prompt"))
    candidates = services.segmenter.result().candidates(embedding_of(photo), prompt)
    return {"candidates": [candidate_record(candidate) for candidate in candidates]}


def stop(services: Services, record: dict) -> dict:
    """{"job"}: stop a fix-up between two steps."""
    services.jobs.stop(record.get("job"))
    return {}


def download(services: Services, record: dict) -> dict:
    """{"token", "job", "what": result | other | sdedit | coarse} -> the full-size PNG and a sensible file name."""
    photo = services.photos.get(record.get("token"))
    results = photo.results_of(str(record.get("job")))
    what = record.get("what")
    result = results[-1] if what == "other" else results[0]
    pictures = {"result": result.images[0], "sdedit": result.sdedit, "coarse": result.coarse}
    pictures["other"] = result.images[0] if len(results) > 1 else None
    picture = pictures.get(what)
    if picture is None:
        raise PhotoError(strings.RESULT_GONE)
    method = what if what in ("sdedit", "coarse") else result.model
    name = f"{photo.name}-{method}-seed{result.seed}.png"
    return {"name": name, "png": base64.b64encode(png_bytes(picture, _metadata(result))).decode("ascii")}


def fixup(services: Services, record: dict | None) -> Iterator[dict]:
    """{"token", "job", "collage", "options"} -> messages of kind progress, then done, stopped or error; none raises."""
    record = record if isinstance(record, dict) else {}
    name = str(record.get("job"))[:100]
    try:
        photo = services.photos.get(record.get("token"))
    except MagicFixupError as error:
        yield {"job": name, "kind": "error", **_problem(error)}
        return
    job = services.jobs.begin(name, photo.visit)
    try:
        for message in job.messages(lambda report: fix_up(services, photo, record, job)):
            if "preview" in message:
                message["preview"] = picture_url(message["preview"])
            yield {"job": name, **message}
    finally:
        services.jobs.end(job)


def _models_record(engines: Engines) -> dict:
    """The models to choose from, once they are known; ``problem`` where there are none.

    ``wanted`` is the default that was asked for, ``default`` the one that runs: another one where that failed.
    """
    catalogue = engines.catalogue
    offers = catalogue.offers if catalogue else ()
    return {
        "problem": engines.problem,
        "wanted": catalogue.default if catalogue else None,
        "default": engines.default,
        "offers": [offer_record(offer, engines.loading(offer.name)) for offer in offers],
    }


def _photo_record(photo: OpenPhoto) -> dict:
    height, width = photo.image.shape[:2]
    return {
        "token": photo.token,
        "name": photo.name,
        "width": width,
        "height": height,
        "picture": picture_url(photo.image),
    }


def _uploaded(path: object) -> Path:
    """Only a file inside Gradio's own upload folder, links resolved. Raises PhotoError."""
    folder = Path(get_upload_folder()).resolve()
    resolved = Path(path).resolve() if isinstance(path, str) and "\0" not in path else folder
    if not resolved.is_relative_to(folder) or not resolved.is_file():
        raise PhotoError(strings.NOT_AN_UPLOAD)
    return resolved


def _stem(name: object) -> str:
    """The photo's name for downloads: letters, digits, - and _ of the file's own, at most 60."""
    stem = os.path.splitext(os.path.basename(str(name or "")))[0]
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-")
    return kept[:60] or "photo"


def _metadata(result: EditResult) -> dict[str, str]:
    return {
        "Software": "Magic Fixup Demo",
        "Comment": f"model {result.model}, seed {result.seed}, {result.steps} steps",
    }


def _problem(error: MagicFixupError) -> dict:
    return {"error": str(error), "message": str(error), "gone": str(error) == strings.PHOTO_GONE}


def _answering(handler: Callable[[dict], dict], name: str) -> Callable[[dict], dict]:
    """A plain function of that name that never raises; Gradio would turn an exception into a silent null."""

    def answer(record: dict) -> dict:
        try:
            return handler(record if isinstance(record, dict) else {})
        except MagicFixupError as error:
            return _problem(error)
        except Exception:
            log.exception("%s failed", name)
            return {"error": strings.SURPRISE}

    answer.__name__ = name
    return answer
