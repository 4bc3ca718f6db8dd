"""Freed memory goes back to the system, a moment later and once for all who ask."""

import subprocess
import sys
import threading

import pytest

from magicfixup_demo.ui.memory import GivingBack, give_back

PROGRAM = """
from magicfixup_demo.ui.memory import give_back, keep_few_arenas
keep_few_arenas()
def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) // 1024
pieces = [bytearray(60_000) for _ in range(3000)]  # below what malloc gives back by itself
full = resident()
last = bytearray(60_000)  # lies behind them all, so that the heap cannot shrink from its end
del pieces
kept = resident()
give_back()
print(full, kept, resident())
"""


def test_once_for_however_many_ask():
    given, asked = threading.Event(), []
    giving = GivingBack(lambda: (asked.append(1), given.set()), seconds=0.05)
    for _ in range(5):
        giving.soon()
    assert given.wait(30) and asked == [1]
    given.clear()
    giving.soon()
    assert given.wait(30) and asked == [1, 1]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads memory as Linux tells it")
def test_what_was_freed_goes_back():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120)
    full, kept, after = map(int, done.stdout.split())
    assert full - kept < 90, "the C library gives it back by itself; then give_back is not needed"
    assert full - after > 120, "megabytes of the 170"


def test_it_may_be_asked_anywhere():
    give_back()
