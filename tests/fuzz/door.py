"""What a door is, and what counts as a finding."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


class Finding(Exception):
    """The door answered, but not as it should: the text says how."""


@dataclass(frozen=True)
class Door:
    """``draw(random)`` makes an input (bytes, or what JSON can hold); ``knock(input)`` hands it in.

    ``knock`` returns "taken" or "refused" (a sentence of ours). Anything that it raises is a finding. ``share``: how
    many of all inputs go to this door, against the others' shares.
    """

    name: str
    draw: Callable[[Random], object]
    knock: Callable[[object], str]
    share: int = 1
