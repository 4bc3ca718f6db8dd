"""Parsers of single arguments: each takes the text and returns the value, or raises OptionError."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from magicfixup_demo.errors import OptionError


def output_path(text: str) -> Path:
    """Refuse a place that cannot be written to before the work, rather than after it."""
    path = Path(text)
    folder = path.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OptionError(f"Cannot write {text}: there is no folder {folder} that can be written to; create it first.")
    if path.is_dir():
        raise OptionError(f"Cannot write {text}: it is a folder; give the name of a file.")
    return path


def numbers(count: int, form: str) -> Callable[[str], tuple[float, ...]]:
    """A parser of ``count`` numbers with commas between them."""

    def parse(text: str) -> tuple[float, ...]:
        try:
            values = tuple(float(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != count:
            raise OptionError(f"{text!r} is not {form}; give {count} numbers with commas and no spaces between them.")
        return values

    return parse


def whole(low: int, high: int) -> Callable[[str], int]:
    """A parser of whole numbers from ``low`` to ``high``."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise OptionError(f"{text!r} is not a whole number from {low} to {high}.")
        return int(text)

    return parse


def named_file(text: str) -> tuple[str, str]:
    """ "p2=guest.jpg" -> ("p2", "guest.jpg")."""
    name, separator, path = text.partition("=")
    if not (name and separator and path):
        raise OptionError(f"{text!r} is not ID=FILE; give the name that the collage has for the photo, then its file.")
    return name, path
