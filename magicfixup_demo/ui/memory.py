"""Freed memory goes back to the system: glibc keeps it, hundreds of megabytes after a busy hour, for the next time.

Elsewhere than on glibc these do nothing.
"""

import ctypes
import threading

M_ARENA_MAX = -8  # malloc.h
ARENAS = 2  # else one for each of many threads, and each keeps what was freed in it
SOON_SECONDS = 2.0


def _libc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
        return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
    except (OSError, TypeError):  # no C library under that name: Windows
        return None


def keep_few_arenas() -> None:
    """At the start of a process, before its threads begin."""
    if library := _libc():
        library.mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Now; takes some milliseconds."""
    if library := _libc():
        library.malloc_trim(0)


class GivingBack:
    """``soon`` gives back a moment later, once for however many ask meanwhile. Thread-safe."""

    def __init__(self, give=give_back, seconds: float = SOON_SECONDS):
        self._give, self._seconds = give, seconds
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def soon(self) -> None:
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(self._seconds, self._now)
                self._timer.daemon = True
                self._timer.start()

    def _now(self) -> None:
        with self._lock:
            self._timer = None
        self._give()
