"""Heavy work gives way to clicks: what somebody waits for with a finger on the mouse finds a processor at once."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

# Of 19. Each makes a thread's share a fifth less than that of a thread beside it.
READING, FIXING = 5, 10  # who opened a photo wants to click; who wants a fix-up has clicked
CUTTING, SAVING = 3, 5  # the page shows the cut-out meanwhile; who saves has done all else
T = TypeVar("T")


def give_way(steps: int) -> None:
    """From now on the calling thread, and those that it begins, get what other threads leave.

    Only Linux has a priority for each thread; elsewhere nothing changes. There is no way back: for threads of one task.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # a machine that does not let us: then nothing changes either
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), steps)


def giving_way(steps: int, work: Callable[[], T]) -> T:
    """``work()``, done by a thread of its own that gives way; the caller waits for it. Raises what it raises."""
    with ThreadPoolExecutor(max_workers=1, initializer=give_way, initargs=(steps,)) as thread:
        return thread.submit(work).result()
