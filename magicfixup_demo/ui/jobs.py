"""Fix-ups that run in a thread, tell how far they are, and stop between two steps when asked."""

import contextvars
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from magicfixup_demo.errors import Cancelled, MagicFixupError
from magicfixup_demo.ui import strings

log = logging.getLogger(__name__)
REMEMBERED_STOPS = 1000
PREVIEW_SECONDS = 0.4  # between two previews: more would fill the connection, not the eye


class Job:
    """One piece of work; ``messages`` yields what happens as dicts with a ``kind``."""

    def __init__(self, name: str, visit: str, clock: Callable[[], float] = time.monotonic):
        self.name, self.visit = name, visit
        self._stop = threading.Event()
        self._messages: queue.SimpleQueue = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._clock, self._next_preview = clock, 0.0
        self._last = {"kind": "progress", "fraction": 0.0, "text": strings.STARTING}

    def stop(self) -> None:
        self._stop.set()

    def report(self, fraction: float, text: str) -> None:
        """Progress for the page. Raises Cancelled when the user has stopped the job."""
        if self._stop.is_set():
            raise Cancelled("Stopped.")
        self._last = {"kind": "progress", "fraction": float(fraction), "text": str(text)}
        self._messages.put(self._last)

    def show(self, picture: np.ndarray) -> None:
        """A preview, (h, w, 3) uint8, for the page; most of a quick succession are left out."""
        now = self._clock()
        if now >= self._next_preview:
            self._next_preview = now + PREVIEW_SECONDS
            self._messages.put({**self._last, "preview": picture})

    def join(self) -> None:
        """Wait until a stopped job has come to its next step and ended."""
        if self._thread is not None:
            self._thread.join()

    def messages(self, work: Callable[[Callable[[float, str], None]], Any]) -> Iterator[dict]:
        """Run ``work(report)`` in a thread that keeps the caller's context; the last message is done, stopped or error.

        When the reader goes away (the visitor closed the page) the job stops.
        """
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run, work), daemon=True)
        self._thread.start()
        try:
            while True:
                message = self._messages.get()
                yield message
                if message["kind"] != "progress":
                    return
        finally:
            self.stop()

    def _run(self, work: Callable) -> None:
        self._messages.put(self._outcome(work))

    def _outcome(self, work: Callable) -> dict:
        try:
            self.report(0.0, strings.STARTING)
            return {"kind": "done", "value": work(self.report)}
        except Cancelled:
            return {"kind": "stopped"}
        except MagicFixupError as error:
            return {"kind": "error", "message": str(error)}
        except Exception:
            log.exception("a fix-up failed")
            return {"kind": "error", "message": strings.SURPRISE}


class Jobs:
    """Jobs by the name that the page gave them. A stop may arrive before its job has left the queue."""

    def __init__(self):
        self._running: dict[str, Job] = {}
        self._stopped: dict[str, None] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, visit: str) -> Job:
        job = Job(name, visit)
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
