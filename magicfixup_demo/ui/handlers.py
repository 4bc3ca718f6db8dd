"""One function per thing the page asks for. Each takes one JSON record and returns one; none raises.

An error of ours becomes ``{"error": sentence}``; with ``"gone": true`` the page may send the photo again by itself.
"""

import functools
import logging
from collections.abc import AsyncIterator, Callable

from magicfixup_demo.collage_json import collage_to_json
from magicfixup_demo.serving.events import telling
from magicfixup_demo.ui import link_handlers, live, opening, result_handlers, saving_handlers, segmenting
from magicfixup_demo.ui.answering import answering, photo_record
from magicfixup_demo.ui.engines import Engines
from magicfixup_demo.ui.examples import find_example
from magicfixup_demo.ui.fixing import fix_up
from magicfixup_demo.ui.following import following
from magicfixup_demo.ui.jobs import Job
from magicfixup_demo.ui.payload import offer_record
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.services import Services

log = logging.getLogger(__name__)


def server_functions(services: Services) -> list[Callable[[dict], dict]]:
    """The functions that the browser calls by name: those of this module, and the HANDLERS of the others."""
    handlers = HANDLERS + tuple(handler for module in OTHERS for handler in module.HANDLERS)
    return [answering(functools.partial(handler, services), handler.__name__) for handler in handlers]


def open_example(services: Services, record: dict) -> dict:
    """{"name", "visit"} -> the photo and its saved collage, in one go."""
    photo, collage = services.open_example(record.get("name"), record.get("visit"))
    title = find_example(services.examples, photo.name).title
    return {**photo_record(photo), "collage": collage_to_json(collage), "title": title}


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


def visiting(services: Services, record: dict) -> dict:
    """{"visit"} -> {"known": whether that visit goes on}; the page begins another where it does not."""
    return {"known": services.knows_visit(record.get("visit"))}


def fixup(services: Services, record: dict | None) -> AsyncIterator[dict]:
    """See ``fix_up`` for the request -> messages of kind progress, then done, stopped or error; none raises."""
    return following(services, record, functools.partial(_told_fix_up, services))


def plate(services: Services, record: dict | None) -> AsyncIterator[dict]:
    """See ``live.prepare`` for the request -> messages as of ``fixup``. A newer one of the visit stops it."""
    return following(services, record, functools.partial(live.prepare, services), encode=lambda prepared: prepared)


def _told_fix_up(services: Services, photo: OpenPhoto, record: dict, job: Job) -> dict:
    with telling("fixup", "page") as told:
        reply = fix_up(services, photo, record, job)
        told |= {"model": reply["model"], "together": reply["together"]}
        return reply


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


HANDLERS = (open_example, status, visiting)
OTHERS = (opening, segmenting, result_handlers, saving_handlers, link_handlers)  # each with a tuple of the same name
