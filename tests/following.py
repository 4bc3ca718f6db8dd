"""A fix-up's messages one by one, for tests that have no event loop."""

import asyncio
import threading
from collections.abc import Iterator

from magicfixup_demo.ui import handlers


def fixup(services, record) -> Iterator[dict]:
    """What ``handlers.fixup`` yields. Closing this closes that, as when a visitor goes away.

    The loop has a thread of its own: in that of the test a browser's may be running.
    """
    messages = handlers.fixup(services, record)
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
