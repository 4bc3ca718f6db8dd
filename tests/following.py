"""Fix-ups and plates as the page asks for them, and their messages one by one, for tests that have no event loop."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator

from browser.fakes import DISC_AT

from magicfixup_demo.ui import handlers
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.services import Services


def moved_disc(services: Services, photo: OpenPhoto) -> dict:
    """The collage of somebody who clicked the stand-in scene's disc and dragged it to the right."""
    page = {function.__name__: function for function in handlers.server_functions(services)}
    mask = page["segment"]({"token": photo.token, "prompt": {"points": [[*DISC_AT, True]]}})["candidates"][0]
    height, width = photo.image.shape[:2]
    layer = {"id": "l", "segment": "s", "matrix": [1, 0, 0, 1, 60, 10]}
    size = {"width": width, "height": height}
    return {"version": 1, "photo": size, "segments": [{"id": "s", **mask}], "layers": [layer]}


def request_of(services: Services, photo: OpenPhoto, job: str, **options) -> dict:
    """The page's request to fix that up."""
    collage = json.dumps(moved_disc(services, photo))
    return {"token": photo.token, "job": job, "collage": collage, "options": options}


def fixup(services, record) -> Iterator[dict]:
    """What ``handlers.fixup`` yields."""
    return _each(handlers.fixup(services, record))


def plate(services, record) -> Iterator[dict]:
    """What ``handlers.plate`` yields."""
    return _each(handlers.plate(services, record))


def _each(messages: AsyncIterator[dict]) -> Iterator[dict]:
    """Closing this closes ``messages``, as when a visitor goes away.

    The loop has a thread of its own: in that of the test a browser's may be running.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def following() -> dict | None:
        return await anext(messages, None)

    try:
        while (message := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not None:
            yield message
    finally:
        asyncio.run_coroutine_threadsafe(messages.aclose(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
