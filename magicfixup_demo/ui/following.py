"""Work that the page follows: asked for once, answered by messages one by one. See ``web/page/stream.js``."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.ui.answering import job_name, problem_record
from magicfixup_demo.ui.jobs import Job
from magicfixup_demo.ui.payload import picture_url
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.services import Services


async def following(
    services: Services,
    record: object,
    work: Callable[[OpenPhoto, dict, Job], dict],
    encode: Callable[[Any], Any] = picture_url,
) -> AsyncIterator[dict]:
    """{"token", "job", ...} -> messages of kind progress, then done, stopped or error; none raises.

    ``work(photo, record, job)`` runs in a thread of its own; what it returns is the ``value`` of done. ``encode``: what
    it shows before travels as.
    """
    record = record if isinstance(record, dict) else {}
    name = job_name(record)
    try:
        photo = services.photos.get(record.get("token"))
    except MagicFixupError as error:
        yield {"job": name, "kind": "error", **problem_record(error)}
        return
    job = services.jobs.begin(name, photo.visit, encode)
    try:
        async with aclosing(job.stream(lambda report: work(photo, record, job))) as messages:
            async for message in messages:
                yield {"job": name, **message}
    finally:
        services.jobs.end(job)
