"""What clients send is bounded: in bytes, each and together, and in how long they may keep silent."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

UPLOAD_EXTRA = 1 << 20  # what multipart adds to a file
MOST_JSON_BYTES = 96 << 20  # a photo as a data: URL fits
MOST_HELD_BYTES = 512 << 20  # of all such bodies that are being read or worked on
MOST_UPLOADING_BYTES = 2 << 30  # of all uploads under way
MOST_WAITING_BYTES = 2 << 30  # of uploads that nobody has opened yet
LEAST_FILE_BYTES = 64 << 10  # so that there are not too many either
SILENCE_SECONDS = 30.0
PATIENCE_SECONDS = 600.0  # for all of a body


class Refused(Exception):
    """The body is not taken; ``status`` is HTTP's."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


TOO_LARGE = "This is larger than the server takes; send less at once."
TOO_MUCH = "The server has too much to read at the moment; try again in a minute."
TOO_SLOW = "The rest of this did not arrive in time; send it again."


def bytes_in(folder: Path) -> int:
    """What the files of a folder have, each LEAST_FILE_BYTES at least; those that go meanwhile do not count."""
    size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += max(LEAST_FILE_BYTES, os.lstat(os.path.join(place, name)).st_size)
    return size


class Held:
    """Bytes that the server holds for all clients together."""

    def __init__(self, most: int = MOST_HELD_BYTES):
        self.most, self.now = most, 0


class BoundedBody:
    """An ASGI ``receive`` that counts. After a refusal it says that the client has gone, and ``refused`` says why."""

    def __init__(self, receive: Callable[[], Awaitable[dict]], most: int, held: Held, silence: float):
        self._receive, self._most, self._held, self._silence = receive, most, held, silence
        self._read, self._done = 0, False
        self._until = time.monotonic() + PATIENCE_SECONDS
        self.refused: Refused | None = None

    async def __call__(self) -> dict:
        if self._done:
            return await self._receive()
        try:
            patience = min(self._silence, self._until - time.monotonic())
            return self._counted(await asyncio.wait_for(self._receive(), patience))
        except TimeoutError:
            self.refused = Refused(408, TOO_SLOW)
        except Refused as refused:
            self.refused = refused
        self._done = True
        return {"type": "http.disconnect"}

    def check(self, coming: int) -> None:
        """Whether so many bytes more are taken. Raises Refused."""
        if self._read + coming > self._most:
            raise Refused(413, TOO_LARGE)
        if self._held.now + coming > self._held.most:
            raise Refused(503, TOO_MUCH)

    def release(self) -> None:
        """The request is over."""
        self._held.now -= self._read
        self._read = 0

    def _counted(self, message: dict) -> dict:
        size = len(message.get("body", b""))
        self.check(size)
        self._read += size
        self._held.now += size
        self._done = not message.get("more_body", False)
        return message
