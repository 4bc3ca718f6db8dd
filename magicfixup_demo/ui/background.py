"""Work that runs in a thread while the page is already up, with progress that anyone may read."""

import threading
from collections.abc import Callable
from typing import Any

from magicfixup_demo.errors import Cancelled, MagicFixupError
from magicfixup_demo.ui.priority import READING, give_way
from magicfixup_demo.ui.telling import sentence_of

Progress = Callable[[float, str], None]


class Background:
    """Runs ``work(progress)`` in a daemon thread; after a failure it may be started again.

    ``fraction`` (0..1) and ``text`` say how far it is.
    """

    def __init__(self, work: Callable[[Progress], Any], text: str):
        self.fraction, self.text = 0.0, text
        self._work, self._first_text = work, text
        self._value, self._error = None, None
        self._done, self._cancelled = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> "Background":
        """Begin, or begin again what failed or was cancelled; nothing where it runs or is done."""
        with self._lock:
            if self._thread is None or self._error:
                self._error = None
                self.fraction, self.text = 0.0, self._first_text
                self._done.clear()
                self._cancelled.clear()
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
        return self

    def cancel(self) -> None:
        """Stop at the work's next report of progress."""
        self._cancelled.set()

    @property
    def ready(self) -> bool:
        """True once there is a value or an error."""
        return self._done.is_set()

    @property
    def running(self) -> bool:
        return self._thread is not None and not self._done.is_set()

    @property
    def problem(self) -> str | None:
        """The sentence for the user when the work failed, else None."""
        return str(self._error) if self._error and not isinstance(self._error, Cancelled) else None

    @property
    def value(self) -> Any:
        """The value when it is there, else None."""
        return self._value

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; True when it is ready."""
        return self._done.wait(seconds)

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the value. Raises the MagicFixupError that stopped the work, or TimeoutError."""
        if not self._done.wait(timeout):
            raise TimeoutError(self.text)
        if self._error:
            raise self._error
        return self._value

    def _run(self) -> None:
        give_way(READING)
        value, error = None, None
        try:
            value = self._work(self._report)
        except MagicFixupError as known:
            error = known
        except Exception as other:
            error = MagicFixupError(sentence_of(other, f"background work ({self._first_text})"))
        with self._lock:
            self._value, self._error = value, error
            self.fraction = 1.0
            self._done.set()

    def _report(self, fraction: float, text: str) -> None:
        if self._cancelled.is_set():
            raise Cancelled("Stopped.")
        self.fraction, self.text = float(fraction), str(text)
