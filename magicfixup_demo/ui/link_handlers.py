"""What the browser asks about links: what one would mean, making one, opening it, deleting it."""

import json

import numpy as np

from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.errors import PhotoError
from magicfixup_demo.saving.photos import keep_photo, photo_file
from magicfixup_demo.schema import Collage
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.answering import photo_record
from magicfixup_demo.ui.examples import find_example
from magicfixup_demo.ui.link_files import MOST_SOURCES, LinkedWork
from magicfixup_demo.ui.links import DAYS
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.services import Services

LINKED_NAME = "shared-photo"  # what the maker's file was called is nobody else's business
SEGMENT_FIELDS = ("id", "left", "top", "width", "height", "mask", "source")


def link_offer(services: Services, record: dict) -> dict:
    """{"token", "collage"} -> what a link to this would mean, before anything is kept.

    ``example``: its name where it alone is enough, and nothing is kept at all; else None.
    """
    photo, collage = _asked(services, record)
    return {
        "example": photo.name if _is_example_as_it_ships(services, photo, collage) else None,
        "durable": services.links.durable,
        "days": list(DAYS),
    }


def make_link(services: Services, record: dict) -> dict:
    """{"token", "collage", "sources": {id: token}, "days"} -> {"id", "key", "expires"}: the visitor has asked for it.

    What is kept: the photo's pixels (of an example, its name), the segments, and second photos; see links.py.
    """
    photo, collage = _asked(services, record)
    sources = _sources(services, collage, record.get("sources"))
    example = photo.name if photo.saved_edit else ""
    work = LinkedWork(
        photo=None if example else photo.image,
        example=example,
        collage=_segments_alone(record["collage"]),
        sources={name: source.image for name, source in sources.items()},
        rounds=photo.rounds,
        files={name: photo_file(one.image, one.kept).data for name, one in ({"": photo} | sources).items()},
    )
    made = services.links.keep(work, record.get("days"), photo.visit)
    return {"id": made.id, "key": made.key, "expires": made.expires}


def open_link(services: Services, record: dict) -> dict:
    """{"id", "visit"} -> the photo, its segments as a collage without layers, and the second photos' records."""
    work, visit = services.links.open(record.get("id")), record.get("visit")
    sources = {name: services.open_photo(LINKED_NAME, picture, visit) for name, picture in work.sources.items()}
    if work.photo is None:
        photo, _ = services.open_example(work.example, visit)
    else:
        photo = services.open_photo(LINKED_NAME, work.photo, visit, rounds=work.rounds)
        photo.kept = keep_photo(work.files[""])
    for name, source in sources.items():
        source.kept = keep_photo(work.files[name])
    records = [{**photo_record(source), "id": name} for name, source in sources.items()]
    return {**photo_record(photo), "collage": work.collage, "sources": records}


def delete_link(services: Services, record: dict) -> dict:
    """{"id", "key"}: the maker wants it gone."""
    services.links.delete(record.get("id"), record.get("key"))
    return {}


def _asked(services: Services, record: dict) -> tuple[OpenPhoto, Collage]:
    """The photo and the collage of a request; raises MagicFixupError when they do not belong together."""
    photo = services.photos.get(record.get("token"))
    collage = collage_from_json(record.get("collage") or "")
    if (collage.height, collage.width) != photo.image.shape[:2]:
        raise PhotoError(strings.BAD_REQUEST)
    return photo, collage


def _is_example_as_it_ships(services: Services, photo: OpenPhoto, collage: Collage) -> bool:
    """Whether all objects are those that the example brings by itself."""
    if not photo.saved_edit:
        return False
    own = collage_from_json(find_example(services.examples, photo.name).collage.read_text("utf-8"))
    masks = {segment.id: segment for segment in own.segments}
    return len(collage.segments) == len(masks) and all(
        segment.id in masks
        and not segment.source
        and (segment.left, segment.top) == (masks[segment.id].left, masks[segment.id].top)
        and np.array_equal(segment.mask, masks[segment.id].mask)
        for segment in collage.segments
    )


def _segments_alone(collage: str | dict) -> str:
    """The collage's JSON without its layers, which travel in the link, and without anything unknown."""
    record = json.loads(collage) if isinstance(collage, str) else collage
    segments = [{key: item[key] for key in SEGMENT_FIELDS if key in item} for item in record["segments"]]
    kept = {key: record[key] for key in ("version", "photo", "sources") if key in record}
    return json.dumps({**kept, "segments": segments, "layers": []})


def _sources(services: Services, collage: Collage, tokens: object) -> dict[str, OpenPhoto]:
    """The collage's second photos."""
    tokens = tokens if isinstance(tokens, dict) else {}
    if len(collage.sources) > MOST_SOURCES:
        raise PhotoError(strings.LINK_SOURCES.format(most=MOST_SOURCES))
    return {source.id: services.photos.get(tokens.get(source.id)) for source in collage.sources}


HANDLERS = (link_offer, make_link, open_link, delete_link)
