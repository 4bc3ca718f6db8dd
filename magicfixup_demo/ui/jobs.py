"""Fix-ups that run in a thread, tell how far they are, and stop between two steps when asked."""

import asyncio
import contextvars
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from magicfixup_demo.errors import Cancelled
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.priority import FIXING, give_way
from magicfixup_demo.ui.telling import sentence_of

REMEMBERED_STOPS = 1000
PREVIEW_SECONDS = 0.4  # between two previews: more would fill the connection, not the eye


class Job:
    """One piece of work; ``messages`` and ``stream`` yield what happens as dicts with a ``kind``.

    ``encode``: what a preview, (h, w, 3) uint8, travels as.
    """

    def __init__(
        self,
        name: str,
        visit: str,
        clock: Callable[[], float] = time.monotonic,
        encode: Callable[[np.ndarray], Any] = lambda picture: picture,
    ):
        self.name, self.visit = name, visit
        self._stop = threading.Event()
        self._put: Callable[[dict], object] = lambda message: None  # until somebody listens
        self._thread: threading.Thread | None = None
        self._clock, self._next_preview, self._encode = clock, 0.0, encode
        self._last = {"kind": "progress", "fraction": 0.0, "text": strings.STARTING}

    def stop(self) -> None:
        self._stop.set()

    def report(self, fraction: float, text: str) -> None:
        """Progress for the page. Raises Cancelled when the user has stopped the job."""
        if self._stop.is_set():
            raise Cancelled("Stopped.")
        self._last = {"kind": "progress", "fraction": float(fraction), "text": str(text)}
        self._put(self._last)

    def show(self, picture: np.ndarray) -> None:
        """A preview, (h, w, 3) uint8, for the page; most of a quick succession are left out."""
        now = self._clock()
        if now >= self._next_preview:
            self._next_preview = now + PREVIEW_SECONDS
            self._put({**self._last, "preview": self._encode(picture)})

    def join(self) -> None:
        """Wait until a stopped job has come to its next step and ended."""
        if self._thread is not None:
            self._thread.join()

    def messages(self, work: Callable[[Callable[[float, str], None]], Any]) -> Iterator[dict]:
        """Run ``work(report)`` in a thread that keeps the caller's context; the last message is done, stopped or error.

        When the reader goes away (the visitor closed the page) the job stops.
        """
        arrived: queue.SimpleQueue = queue.SimpleQueue()
        try:
            self._start(work, arrived.put)
            while True:
                message = arrived.get()
                yield message
                if message["kind"] != "progress":
                    return
        finally:
            self.stop()

    async def stream(self, work: Callable[[Callable[[float, str], None]], Any]) -> AsyncIterator[dict]:
        """As ``messages``, for readers on an event loop: however many wait, no thread waits with them."""
        arrived: asyncio.Queue = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def put(message: dict) -> None:
            with suppress(RuntimeError):  # the loop is closed: the server stops, and nobody listens any more
                loop.call_soon_threadsafe(arrived.put_nowait, message)

        try:
            self._start(work, put)
            while True:
                message = await arrived.get()
                yield message
                if message["kind"] != "progress":
                    return
        finally:
            self.stop()

    def _start(self, work: Callable, put: Callable[[dict], object]) -> None:
        self._put = put
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run, work), daemon=True)
        self._thread.start()

    def _run(self, work: Callable) -> None:
        give_way(FIXING)
        self._put(self._outcome(work))

    def _outcome(self, work: Callable) -> dict:
        try:
            self.report(0.0, strings.STARTING)
            return {"kind": "done", "value": work(self.report)}
        except Cancelled:
            return {"kind": "stopped"}
        except Exception as error:
            return {"kind": "error", "message": sentence_of(error, "a fix-up")}


class Jobs:
    """Jobs by the name that the page gave them. A stop may arrive before its job has left the queue."""

    def __init__(self):
        self._running: dict[str, Job] = {}
        self._stopped: dict[str, None] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, visit: str, encode: Callable[[np.ndarray], Any] = lambda picture: picture) -> Job:
        job = Job(name, visit, encode=encode)
        with self._lock:
            self._running[name] = job
            if name in self._stopped:
                job.stop()
        return job

    def end(self, job: Job) -> None:
        with self._lock:
            self._running.pop(job.name, None)

    def stop(self, name: object) -> None:
        """Stop a job that runs, or will run."""
        if not isinstance(name, str) or len(name) > 100:
            return
        with self._lock:
            self._stopped[name] = None
            while len(self._stopped) > REMEMBERED_STOPS:
                del self._stopped[next(iter(self._stopped))]
            if name in self._running:
                self._running[name].stop()

    def stop_visit(self, visit: str) -> None:
        with self._lock:
            for job in self._running.values():
                if job.visit == visit:
                    job.stop()
