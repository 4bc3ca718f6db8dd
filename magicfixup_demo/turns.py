"""Taking turns, among threads or programs: who waits hears so now and then, and may be stopped by what hears it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

POLL_SECONDS = 0.5


@contextmanager
def turn(lock, waiting: Callable[[], object], every: float = POLL_SECONDS) -> Iterator[None]:
    """Hold ``lock``, a threading.Lock or a filelock.FileLock. ``waiting()`` is called while another one holds it.

    ``every``: seconds between two calls. What ``waiting`` raises ends the wait.
    """
    while not _taken(lock, every):
        waiting()
    try:
        yield
    finally:
        lock.release()


def _taken(lock, seconds: float) -> bool:
    try:
        return lock.acquire(timeout=seconds) is not False
    except TimeoutError:  # filelock's way of saying so
        return False
