"""Waiting for something that another thread or process does."""

import time

SECONDS = 60


def until(condition) -> None:
    """Return once it holds; fail where that does not come."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.002)
