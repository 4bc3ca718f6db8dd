"""The date, and whether it can be believed: what cannot be undone is not done on the word of a clock just set."""

import threading
import time
from collections.abc import Callable

JUMP_SECONDS = 3600.0
DOUBT_SECONDS = 86_400.0


class Calendar:
    """``wall`` returns seconds since 1970, and may be set; ``steady`` returns seconds that never jump. Thread-safe."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic):
        self._wall, self._steady = wall, steady
        self._lock = threading.Lock()
        self._apart, self._doubted_until = wall() - steady(), float("-inf")

    def now(self) -> float:
        """Seconds since 1970."""
        return self._wall()

    def is_believed(self) -> bool:
        """False for a day after the clock was set by over an hour, which is noticed when this is asked.

        A machine that slept looks the same. Slow corrections are followed.
        """
        with self._lock:
            steady = self._steady()
            apart = self._wall() - steady
            if abs(apart - self._apart) > JUMP_SECONDS:
                self._doubted_until = steady + DOUBT_SECONDS
            self._apart = apart
            return steady >= self._doubted_until
