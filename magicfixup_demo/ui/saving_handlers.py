"""What the browser asks when work is saved. Every file is made here, from the full-size pictures, and looked at."""

import io
import json

import numpy as np
from PIL import Image

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.errors import SavedFileError
from magicfixup_demo.saving.bundle import to_zip
from magicfixup_demo.saving.camera import chosen as chosen_exif
from magicfixup_demo.saving.credentials import signed
from magicfixup_demo.saving.cutouts import cutouts_of
from magicfixup_demo.saving.photos import photo_file, pixels_sha256
from magicfixup_demo.saving.picture import plain_png, to_png
from magicfixup_demo.saving.record import PhotoReference, Record, ResultFacts, options_of
from magicfixup_demo.saving.work import Work
from magicfixup_demo.schema import CoarseEdit
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.drawing import check_work, turn_to_save
from magicfixup_demo.ui.outgoing import Outgoing
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.priority import SAVING, giving_way
from magicfixup_demo.ui.result_file import facts_of
from magicfixup_demo.ui.result_handlers import Chosen, chosen
from magicfixup_demo.ui.services import Services

ARRANGED = ("result", "other")  # what was made from the collage with a model; other pictures are only pictures


def save(services: Services, record: dict) -> dict:
    """Work as a file: {"token", "job", "what", "sample", "collage", "sources", "options", "form", "camera", "place"}.

    ``form``: png (a picture with its collage), collage-png (with the photos too), zip (all of it), photo (as it was
    opened, without metadata; nothing else). ``job`` null: an arrangement that was not fixed up. ``sources``: id in the
    collage -> token. ``camera``, ``place``: keep what the photo says of them. Answers {"name", "type", "size", "key",
    "data", "next"}; see ``save_part`` for the rest.
    """
    photo = services.photos.get(record.get("token"))
    picked = chosen(photo, record) if record.get("job") else None
    with turn_to_save(services, photo.visit, photo.image):
        name, kind, data = giving_way(SAVING, lambda: _file(services, photo, record, picked))
    photo.outgoing = Outgoing(data)
    described = {"name": f"{photo.name}-{name}", "type": kind, "size": len(data), "key": photo.outgoing.key}
    return described | _part(photo, photo.outgoing, 0)


def save_part(services: Services, record: dict) -> dict:
    """{"token", "key", "at"} -> the part of the file that begins there: {"data": base64, "next": place or null}."""
    photo = services.photos.get(record.get("token"))
    outgoing = photo.outgoing
    if outgoing is None or outgoing.key != record.get("key"):
        raise SavedFileError(strings.SAVE_AGAIN)
    return _part(photo, outgoing, record.get("at"))


def _part(photo: OpenPhoto, outgoing: Outgoing, at: object) -> dict:
    """The part that begins there; with the last one the file is gone."""
    part = outgoing.part(at)
    if part["next"] is None and photo.outgoing is outgoing:
        photo.outgoing = None
    return part


def _file(services: Services, photo: OpenPhoto, record: dict, picked: Chosen | None) -> tuple[str, str, bytes]:
    """(end of its name, media type, bytes)."""
    form = record.get("form")
    stem = f"{picked.method}-seed{picked.seed}" if picked else "arrangement"
    if form == "photo":
        file = photo_file(photo.image, photo.kept)
        return f"photo.{file.suffix}", f"image/{'jpeg' if file.suffix == 'jpg' else file.suffix}", file.data
    if form == "png":
        return f"{stem}.png", "image/png", _signed(_light(services, photo, record, picked), record, picked)
    if form == "collage-png":
        work, edit, _ = _work(services, photo, record, picked)
        shown = edit.rgba if work.result is None else work.result
        return f"{stem}-collage.png", "image/png", _signed(_looked_at(to_png(work, shown), shown), record, picked)
    if form == "zip":
        work, edit, images = _work(services, photo, record, picked)
        cutouts = cutouts_of(photo.image, collage_from_json(work.collage), images)
        return f"{stem}.zip", "application/zip", to_zip(work, edit, cutouts)
    raise SavedFileError(strings.SAVE_FORM)


def _light(services: Services, photo: OpenPhoto, record: dict, picked: Chosen | None) -> bytes:
    """The picture; a result carries its collage, without photos."""
    if picked is None:
        raise SavedFileError(strings.NOTHING_TO_SAVE)
    exif = _exif(photo, record)
    if record.get("what", "result") not in ARRANGED or not record.get("collage"):
        plain = Record(_reference(photo), result=None if record.get("what") == "coarse" else _facts(services, picked))
        return _looked_at(plain_png(picked.picture, plain, exif), picked.picture)
    light, _, _ = _work(services, photo, record, picked, with_photos=False)
    return _looked_at(to_png(light, picked.picture), picked.picture)


def _work(
    services: Services, photo: OpenPhoto, record: dict, picked: Chosen | None, with_photos: bool = True
) -> tuple[Work, CoarseEdit, dict[str, np.ndarray]]:
    """Everything that belongs to the request, checked, and the coarse edit and the source photos' pixels."""
    collage_text = json.dumps(record.get("collage"))
    collage = collage_from_json(collage_text)
    tokens = record.get("sources") if isinstance(record.get("sources"), dict) else {}
    others = {source.id: services.photos.get(tokens.get(source.id)) for source in collage.sources}
    images = {name: other.image for name, other in others.items()}
    check_work(collage)
    edit = render(photo.image, collage, images)
    described = Record(
        photo=_reference(photo),
        sources=tuple(_reference(other, name) for name, other in others.items()),
        options=options_of(record.get("options")),
        result=_facts(services, picked) if picked else None,
    )
    inside = {"": photo, **others} if with_photos else {}
    work = Work(
        record=described,
        collage=collage_text,
        photos={name: photo_file(one.image, one.kept) for name, one in inside.items()},
        result=picked.picture if picked else None,
        sdedit=picked.result.sdedit if picked else None,
        start=picked.result.coarse if picked else None,
        exif=_exif(photo, record),
    )
    return work, edit, images


def _reference(photo: OpenPhoto, source: str = "") -> PhotoReference:
    height, width = photo.image.shape[:2]
    example = photo.name if photo.saved_edit else ""
    return PhotoReference(photo.name, width, height, pixels_sha256(photo.image), example, source, photo.rounds)


def _facts(services: Services, picked: Chosen) -> ResultFacts:
    catalogue = services.engines.catalogue
    licence = catalogue.licence_of(picked.result.model) if catalogue else ""
    return facts_of(picked.result, picked.seed, licence)


def _exif(photo: OpenPhoto, record: dict) -> bytes:
    """What was asked for of the original's metadata; nothing by default."""
    exif = photo.kept.exif if photo.kept else b""
    return chosen_exif(exif, camera=record.get("camera") is True, place=record.get("place") is True)


def _signed(data: bytes, record: dict, picked: Chosen | None) -> bytes:
    """With content credentials, where this server has a certificate and a model had a part in the picture."""
    return signed(data, picked.result.model) if picked and record.get("what") != "coarse" else data


def _looked_at(data: bytes, picture: np.ndarray) -> bytes:
    """The file, once it is sure that it shows ``picture``: nobody finds out later that an empty one was saved."""
    with Image.open(io.BytesIO(data)) as image:
        if not np.array_equal(np.asarray(image), picture):
            raise SavedFileError(strings.SAVED_BLANK)
    return data


HANDLERS = (save, save_part)
