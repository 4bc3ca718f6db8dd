"""An uploaded file -> an open photo; where the file is saved work, all that belongs to it too."""

import secrets
from dataclasses import replace

from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.errors import MagicFixupError, SavedFileError
from magicfixup_demo.images import open_photo
from magicfixup_demo.saving.photos import keep_photo, pixels_sha256
from magicfixup_demo.saving.reading import read_bytes, read_work
from magicfixup_demo.saving.record import PhotoReference, ResultFacts
from magicfixup_demo.saving.work import Work, opened
from magicfixup_demo.schema import EditResult
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.answering import photo_record, stem_of, uploaded_file
from magicfixup_demo.ui.payload import result_record
from magicfixup_demo.ui.photos import PHOTOS_PER_VISIT, OpenPhoto
from magicfixup_demo.ui.services import Services

MOST_ROUNDS = 1000


def open_upload(services: Services, record: dict) -> dict:
    """{"path", "name", "visit", "known": [token], "rounds"} -> the photo. The uploaded file is gone once it is read.

    ``rounds``: how many fix-ups the picture has been through, where the page kept one of its results.
    A saved PNG or zip adds {"collage", "sources": [photo with "id"], "options", "result" | null, "inside"}. One without
    its photo takes that from the photos of ``known`` or the examples; where it is in neither, the answer is
    {"waiting": {"name", "width", "height"}}.
    """
    path = uploaded_file(record.get("path"))
    try:
        data = read_bytes(path)
    finally:
        path.unlink(missing_ok=True)
    work = read_work(data)
    if work is not None:
        return _restored(services, work, record)
    rounds = record.get("rounds")
    rounds = rounds if type(rounds) is int and 0 <= rounds <= MOST_ROUNDS else 0
    photo = services.open_photo(stem_of(record.get("name")), open_photo(data), record.get("visit"), rounds=rounds)
    photo.kept = keep_photo(data)
    return photo_record(photo)


def _restored(services: Services, work: Work, record: dict) -> dict:
    if len(work.record.sources) >= PHOTOS_PER_VISIT:
        raise SavedFileError(strings.SAVED_MANY.format(most=PHOTOS_PER_VISIT - 1))
    inside = bool(work.photos)
    find = _inside if inside else _known
    sources = [(reference, find(services, work, reference, record)) for reference in work.record.sources]
    missing = [reference.name for reference, photo in sources if photo is None]
    if missing:
        raise SavedFileError(strings.SAVED_SOURCES.format(names=", ".join(missing)))
    reference = work.record.photo
    photo = find(services, work, reference, record) or _example(services, reference, record)
    if photo is None:
        return {"waiting": {"name": reference.name, "width": reference.width, "height": reference.height}}
    return photo_record(photo) | {
        "collage": work.collage,
        "sources": [photo_record(source) | {"id": reference.id} for reference, source in sources],
        "options": work.record.options,
        "result": _result(services, photo, work),
        "inside": inside,
    }


def _inside(services: Services, work: Work, reference: PhotoReference, record: dict) -> OpenPhoto:
    file = work.photos[reference.id]
    image = opened(file, reference)
    name = stem_of(reference.name)
    photo = services.open_photo(name, image, record.get("visit"), rounds=reference.rounds)
    photo.kept = file
    return photo


def _known(services: Services, work: Work, reference: PhotoReference, record: dict) -> OpenPhoto | None:
    """The photo that is open on the page already, by its pixels."""
    known = record.get("known") if isinstance(record.get("known"), list) else []
    for token in known[:PHOTOS_PER_VISIT]:
        try:
            photo = services.photos.get(token)
        except MagicFixupError:
            continue
        if pixels_sha256(photo.image) == reference.sha256:
            return photo
    return None


def _example(services: Services, reference: PhotoReference, record: dict) -> OpenPhoto | None:
    """The example that it was made of: named, and of that size (decoders of two machines differ by a grey level)."""
    if reference.example not in {example.name for example in services.examples}:
        return None
    photo, _ = services.open_example(reference.example, record.get("visit"))
    return photo if photo.image.shape[:2] == (reference.height, reference.width) else None


def _result(services: Services, photo: OpenPhoto, work: Work) -> dict | None:
    """The saved result as the page shows one, kept under a new job; None where the file has none.

    A PNG does not hold the picture where the repair began; then there is none to compare with, here or on the page.
    """
    facts = work.record.result
    if work.result is None or facts is None:
        return None
    result = EditResult(
        images=(work.result,),
        sdedit=work.sdedit,
        coarse=work.start if work.start is not None else work.result,
        touched=(work.result != photo.image).any(axis=2),
        seed=facts.seed,
        steps=facts.steps,
        seconds=facts.seconds,
        model=facts.model,
    )
    job = f"saved-{secrets.token_urlsafe(12)}"
    services.photos.keep_results(photo, job, (replace(result, coarse=work.start),))
    reply = result_record(result, _info(facts)) | {"job": job, "rounds": photo.rounds + 1}
    return reply if work.start is not None else reply | {"coarse": None}


def _info(facts: ResultFacts) -> EngineInfo:
    """What is still known of the model: the file may come from a machine with others."""
    return EngineInfo(facts.model, "", facts.licence, default_steps=facts.steps, max_steps=facts.steps)


HANDLERS = (open_upload,)
