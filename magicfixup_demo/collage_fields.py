"""The checked fields of a collage's JSON: each function reads one, or raises CollageError that names it."""

import math
import re

from magicfixup_demo.affine import Affine, determinant
from magicfixup_demo.errors import CollageError
from magicfixup_demo.homography import Quad, is_sound
from magicfixup_demo.schema import Segment

MAX_SCALE = 100.0
MIN_SCALE = 0.01
MAX_NAME = 80
MAX_SHADOW = 1.5  # times the strength of what was found
UNFIT = re.compile("[\0\ud800-\udfff]")  # in an id: half a pair of UTF-16 cannot be sent, nor NUL be written to a PNG


def whole(value, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CollageError(
            f"The collage's {name} is {str(value)[:40]!r}; it must be a whole number from {low} to {high}."
        )
    return value


def identifier(item: dict, key: str, name: str) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or UNFIT.search(value):
        raise CollageError(f"The collage's {name}.{key} must be a text of 1 to 64 characters.")
    return value


def distort(value, name: str, segment: Segment) -> Quad | None:
    """Four [dx, dy] that leave the segment's box a convex quadrangle, or None."""
    if value is None:
        return None
    pairs = value if isinstance(value, list) and len(value) == 4 else []
    if not pairs or not all(isinstance(pair, list) and len(pair) == 2 and _finite(pair) for pair in pairs):
        raise CollageError(f"The collage's {name}.distort must be four pairs of finite numbers; reset this layer.")
    offsets = tuple((float(dx), float(dy)) for dx, dy in pairs)
    if not is_sound(segment.corners, offsets):
        raise CollageError(f"The collage's {name}.distort folds the object over; reset this layer and save again.")
    return offsets


def title(value, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise CollageError(f"The collage's {name}.name must be a text of at most {MAX_NAME} characters.")
    return value


def switch(item: dict, key: str, name: str) -> bool:
    value = item.get(key, False)
    if not isinstance(value, bool):
        raise CollageError(f"The collage's {name}.{key} must be true or false.")
    return value


def within(item: dict, key: str, name: str, default: float, most: float = 1) -> float:
    """A number from 0 to ``most``."""
    value = item.get(key, default)
    if not _finite([value]) or not 0 <= value <= most:
        raise CollageError(f"The collage's {name}.{key} must be a number from 0 to {most}.")
    return float(value)


def _finite(values: list) -> bool:
    """Whether all are numbers of a size that means anything here; false for NaN."""
    return all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e6 for v in values)


def matrix(value, name: str) -> Affine:
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 6 or not _finite(numbers):
        raise CollageError(f"The collage's {name}.matrix must be six finite numbers; reset this layer and save again.")
    read = tuple(float(v) for v in numbers)
    scales = (math.hypot(read[0], read[1]), math.hypot(read[2], read[3]))
    if max(scales) > MAX_SCALE or min(scales) < MIN_SCALE or abs(determinant(read)) < MIN_SCALE**2:
        raise CollageError(f"The collage's {name} is scaled beyond {MIN_SCALE} to {MAX_SCALE} times; reset this layer.")
    return read
