"""Work that runs in a thread while the page is already up, with progress that anyone may read."""

import logging
import threading
from collections.abc import Callable
from typing import Any

from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.ui import strings

Progress = Callable[[float, str], None]
log = logging.getLogger(__name__)


class Background:
    """Runs ``work(progress)`` once in a daemon thread. ``fraction`` (0..1) and ``text`` say how far it is."""

    def __init__(self, work: Callable[[Progress], Any], text: str):
        self.fraction, self.text = 0.0, text
        self._work = work
        self._value, self._error = None, None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> "Background":
        self._thread.start()
        return self

    @property
    def ready(self) -> bool:
        """True once there is a value or an error."""
        return self._done.is_set()

    @property
    def problem(self) -> str | None:
        """The sentence for the user when the work failed, else None."""
        return str(self._error) if self._error else None

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
        try:
            self._value = self._work(self._report)
        except MagicFixupError as error:
            self._error = error
        except Exception:
            log.exception("background work failed: %s", self.text)
            self._error = MagicFixupError(strings.SURPRISE)
        self.fraction = 1.0
        self._done.set()

    def _report(self, fraction: float, text: str) -> None:
        self.fraction, self.text = float(fraction), str(text)
