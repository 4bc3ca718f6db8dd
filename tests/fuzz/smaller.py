"""An input that shows a finding, cut down as far as it still shows it."""

from collections.abc import Callable, Iterator
from copy import deepcopy

TRIES = 200


def smaller(given: object, still: Callable[[object], bool], tries: int = TRIES) -> object:
    """The smallest that was found within so many tries; ``still``: whether one shows the same finding."""
    left = tries
    while found := _next_smaller(given, still, left):
        given, left = found
    return given


def _next_smaller(given: object, still: Callable[[object], bool], left: int):
    for candidate in _candidates(given):
        left -= 1
        if left < 0:
            return None
        if still(candidate):
            return candidate, left
    return None


def _candidates(value: object) -> Iterator[object]:
    """Simpler ones, the simplest first: halves and quarters away, an entry away, an entry made simpler."""
    if isinstance(value, bytes | str | list) and value:
        size = len(value)
        for part in (size // 2, size // 4, size // 16, 1):
            if part and part < size:
                for at in range(0, size, max(part, size // 32)):
                    yield value[:at] + value[at + part :]
    if isinstance(value, dict):
        for key in value:
            yield {other: inner for other, inner in value.items() if other != key}
    if isinstance(value, dict | list) and len(value) < 60:
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            for candidate in _candidates(inner):
                changed = deepcopy(value)
                changed[key] = candidate
                yield changed
