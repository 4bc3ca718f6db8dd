"""The collage as JSON: what the browser sends, examples carry, and the command line reads.

    {"version": 1,
     "photo":    {"width": 640, "height": 427},
     "segments": [{"id": "s1", "left": 10, "top": 20, "mask": "<base64 of an 8-bit grey PNG, cropped>"}],
     "layers":   [{"id": "l1", "segment": "s1", "matrix": [a, b, c, d, e, f]}]}

Layers are listed back to front; a matrix maps photo coordinates to photo coordinates (see affine.py).
A segment may also give the "width" and "height" of its box in photo pixels; a mask coarser than that is enlarged, so
that a page which shows a large photo at the size of a screen need not send more than it has.
Fields that are not named here are ignored, so that a newer page may add to the record.
"""

import base64
import io
import json
import math

import numpy as np
from PIL import Image

from magicfixup_demo.affine import Affine, determinant
from magicfixup_demo.errors import CollageError
from magicfixup_demo.images import MAX_PIXELS, MAX_SIDE, resize
from magicfixup_demo.schema import Collage, Layer, Segment

VERSION = 1
MAX_JSON_CHARACTERS = 24_000_000
MAX_SEGMENTS = 100
MAX_MASK_PIXELS = 200_000_000
MAX_LAYERS = 200
MAX_SCALE = 100.0
MIN_SCALE = 0.01


def collage_from_json(text: str | bytes | dict) -> Collage:
    """Parse and check a collage. Raises CollageError that names the field that is wrong."""
    record = _parse(text) if isinstance(text, str | bytes) else text
    if not isinstance(record, dict) or record.get("version") is True or record.get("version") != VERSION:
        raise CollageError(f"This is not a collage of version {VERSION}; save it again with this version of the page.")
    photo = _field(record, "photo", dict)
    width, height = (_whole(photo.get(side), f"photo.{side}", 1, MAX_SIDE) for side in ("width", "height"))
    if width * height > MAX_PIXELS:
        raise CollageError(
            f"The collage's photo of {width} x {height} pixels is over the limit of {MAX_PIXELS} pixels."
        )
    segments = _segments(_items(record, "segments", MAX_SEGMENTS), width, height)
    known = _distinct_ids(segments, "segments")
    layers = tuple(_layer(item, f"layers[{i}]", known) for i, item in enumerate(_items(record, "layers", MAX_LAYERS)))
    _distinct_ids(layers, "layers")
    return Collage(width=width, height=height, segments=segments, layers=layers)


def collage_to_json(collage: Collage) -> str:
    """The inverse of collage_from_json."""
    return json.dumps(
        {
            "version": VERSION,
            "photo": {"width": collage.width, "height": collage.height},
            "segments": [
                {"id": s.id, "left": s.left, "top": s.top, "mask": mask_to_base64(s.mask)} for s in collage.segments
            ],
            "layers": [{"id": x.id, "segment": x.segment_id, "matrix": list(x.matrix)} for x in collage.layers],
        }
    )


def mask_to_base64(mask: np.ndarray) -> str:
    """(h, w) uint8 -> base64 of a grey PNG."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG", optimize=False, compress_level=6)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _parse(text: str | bytes):
    if len(text) > MAX_JSON_CHARACTERS:
        raise CollageError(f"This collage is over {MAX_JSON_CHARACTERS // 1_000_000} MB; use fewer or simpler objects.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CollageError("This collage is not valid JSON; save it again and retry.") from error


def _field(record: dict, name: str, kind: type):
    value = record.get(name)
    if not isinstance(value, kind):
        raise CollageError(f"The collage's field '{name}' is missing or of the wrong kind; save the collage again.")
    return value


def _items(record: dict, name: str, most: int) -> list:
    items = _field(record, name, list)
    if len(items) > most:
        raise CollageError(f"This collage has {len(items)} {name}; at most {most} are allowed.")
    if not all(isinstance(item, dict) for item in items):
        raise CollageError(f"The collage's '{name}' must be a list of records; save the collage again.")
    return items


def _whole(value, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CollageError(
            f"The collage's {name} is {str(value)[:40]!r}; it must be a whole number from {low} to {high}."
        )
    return value


def _identifier(item: dict, key: str, name: str) -> str:
    value = item.get(key)
    if not isinstance(value, str) or not 1 <= len(value) <= 64:
        raise CollageError(f"The collage's {name}.{key} must be a text of 1 to 64 characters.")
    return value


def _distinct_ids(items: tuple[Segment, ...] | tuple[Layer, ...], name: str) -> set[str]:
    ids = {item.id for item in items}
    if len(ids) != len(items):
        raise CollageError(f"Two {name} of this collage have the same id; ids must differ.")
    return ids


def _segments(items: list[dict], width: int, height: int) -> tuple[Segment, ...]:
    """All segments; stops when their masks together would fill the memory (small files can unpack to much)."""
    segments, pixels = [], 0
    for i, item in enumerate(items):
        segments.append(_segment(item, f"segments[{i}]", width, height))
        pixels += segments[-1].mask.size
        if pixels > MAX_MASK_PIXELS:
            raise CollageError(
                f"This collage's masks have over {MAX_MASK_PIXELS // 1_000_000} megapixels together; use fewer objects."
            )
    return tuple(segments)


def _segment(item: dict, name: str, width: int, height: int) -> Segment:
    mask = _enlarged(_mask(item.get("mask"), name, width, height), item, name, width, height)
    left = _whole(item.get("left"), f"{name}.left", 0, width - mask.shape[1])
    top = _whole(item.get("top"), f"{name}.top", 0, height - mask.shape[0])
    return Segment(id=_identifier(item, "id", name), left=left, top=top, mask=mask)


def _mask(value, name: str, width: int, height: int) -> np.ndarray:
    if not isinstance(value, str):
        raise CollageError(f"The collage's {name}.mask is missing; save the collage again.")
    try:
        data = base64.b64decode(value.partition(",")[2] if value.startswith("data:") else value, validate=True)
        picture = Image.open(io.BytesIO(data), formats=("PNG",))
        if picture.width > width or picture.height > height:  # the header's word, before anything is decoded
            raise CollageError(f"The collage's {name}.mask is larger than its photo; select the object again.")
        mask = np.array(picture.convert("L"))
    except CollageError:
        raise
    except Exception as error:  # Pillow's decoder raises many kinds; each means the same to the user
        raise CollageError(f"The collage's {name}.mask is not a grey PNG in base64; save the collage again.") from error
    if not (mask >= 128).any():
        raise CollageError(f"The collage's {name}.mask is empty; select the object again.")
    return mask


def _enlarged(mask: np.ndarray, item: dict, name: str, width: int, height: int) -> np.ndarray:
    """Bring a mask to the size of its box, when the record gives one."""
    box_width = _whole(item.get("width", mask.shape[1]), f"{name}.width", mask.shape[1], width)
    box_height = _whole(item.get("height", mask.shape[0]), f"{name}.height", mask.shape[0], height)
    return resize(mask, box_width, box_height)


def _layer(item: dict, name: str, known: set[str]) -> Layer:
    segment_id = _identifier(item, "segment", name)
    if segment_id not in known:
        raise CollageError(f"The collage's {name} shows a segment that is not in the collage; save the collage again.")
    return Layer(id=_identifier(item, "id", name), segment_id=segment_id, matrix=_matrix(item.get("matrix"), name))


def _matrix(value, name: str) -> Affine:
    numbers = value if isinstance(value, list) else []
    good = len(numbers) == 6 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in numbers)
    if not good or not all(abs(v) < 1e6 for v in numbers):  # also false for NaN
        raise CollageError(f"The collage's {name}.matrix must be six finite numbers; reset this layer and save again.")
    matrix = tuple(float(v) for v in numbers)
    scales = (math.hypot(matrix[0], matrix[1]), math.hypot(matrix[2], matrix[3]))
    if max(scales) > MAX_SCALE or min(scales) < MIN_SCALE or abs(determinant(matrix)) < MIN_SCALE**2:
        raise CollageError(f"The collage's {name} is scaled beyond {MIN_SCALE} to {MAX_SCALE} times; reset this layer.")
    return matrix
