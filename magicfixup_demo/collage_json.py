"""The collage as JSON: what the browser sends, examples carry, and the command line reads.

    {"version": 3,
     "photo":    {"width": 640, "height": 427},
     "sources":  [{"id": "p2", "width": 800, "height": 600}],
     "segments": [{"id": "s1", "left": 10, "top": 20, "mask": "<base64 of an 8-bit grey PNG, cropped>",
                   "source": "p2"}],
     "layers":   [{"id": "l1", "segment": "s1", "matrix": [a, b, c, d, e, f], "distort": [[dx, dy], x 4],
                   "name": "", "hidden": false, "locked": false, "opacity": 1, "shadow": 1, "softness": 0}]}

Layers are listed back to front; a matrix maps source pixels to the photo's pixels (see affine.py), and a distort moves
the corners of the segment's box before that (see schema.Layer). A segment with a "source" was cut from that other
photo, in whose pixels its place and mask are then given. Everything after "matrix", "sources" and "source" may be
left out, and is when it says nothing. Objects of version 3 take their shadows along, as strong and soft as "shadow"
and "softness" say. Version 2 is the same without shadows, and 1 also without what may be left out. All are read; 3 is
written, and 2 of what was read as 1 or 2.
A segment may also give the "width" and "height" of its box in photo pixels; a mask coarser than that is enlarged, so
that a page which shows a large photo at the size of a screen need not send more than it has.
Fields that are not named here are ignored, so that a newer page may add to the record.
"""

import base64
import io
import json

import numpy as np
from PIL import Image

from magicfixup_demo import collage_fields as fields
from magicfixup_demo.errors import CollageError
from magicfixup_demo.images import MAX_PIXELS, MAX_SIDE, resize
from magicfixup_demo.schema import Collage, Layer, Segment, Source

VERSION = 3
WITHOUT_SHADOWS = 2
VERSIONS = (1, WITHOUT_SHADOWS, VERSION)
MAX_JSON_CHARACTERS = 24_000_000
MAX_SEGMENTS = 100
MAX_MASK_PIXELS = 200_000_000
MAX_LAYERS = 200
MAX_SOURCES = 16
LAYER_DEFAULTS = {"name": "", "hidden": False, "locked": False, "opacity": 1.0, "shadow": 1.0, "softness": 0.0}


def collage_from_json(text: str | bytes | dict) -> Collage:
    """Parse and check a collage. Raises CollageError that names the field that is wrong."""
    record = _parse(text) if isinstance(text, str | bytes) else text
    version = record.get("version") if isinstance(record, dict) else None
    if isinstance(version, bool) or version not in VERSIONS:
        raise CollageError(f"This is not a collage of version 1 to {VERSION}; save it again with this page.")
    photo = _size(_field(record, "photo", dict), "photo")
    sources = _sources(_items(record, "sources", MAX_SOURCES) if "sources" in record else [])
    segments = _segments(_items(record, "segments", MAX_SEGMENTS), photo, {s.id: (s.width, s.height) for s in sources})
    known = {segment.id: segment for segment in segments}
    layers = tuple(_layer(item, f"layers[{i}]", known) for i, item in enumerate(_items(record, "layers", MAX_LAYERS)))
    _check_distinct(layers, "layers")
    return Collage(*photo, segments, layers, sources, shadows=version > WITHOUT_SHADOWS)


def collage_to_json(collage: Collage) -> str:
    """The inverse of collage_from_json."""
    record = {
        "version": VERSION if collage.shadows else WITHOUT_SHADOWS,
        "photo": {"width": collage.width, "height": collage.height},
        "segments": [_segment_record(segment) for segment in collage.segments],
        "layers": [_layer_record(layer) for layer in collage.layers],
    }
    if collage.sources:
        record["sources"] = [{"id": s.id, "width": s.width, "height": s.height} for s in collage.sources]
    return json.dumps(record)


def _segment_record(segment: Segment) -> dict:
    record = {"id": segment.id, "left": segment.left, "top": segment.top, "mask": mask_to_base64(segment.mask)}
    return record | ({"source": segment.source} if segment.source else {})


def _layer_record(layer: Layer) -> dict:
    """What says nothing beyond the default is left out."""
    record = {"id": layer.id, "segment": layer.segment_id, "matrix": list(layer.matrix)}
    if layer.distort is not None:
        record["distort"] = [list(offset) for offset in layer.distort]
    for name, default in LAYER_DEFAULTS.items():
        if getattr(layer, name) != default:
            record[name] = getattr(layer, name)
    return record


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


def _check_distinct(items: tuple[Source, ...] | tuple[Segment, ...] | tuple[Layer, ...], name: str) -> None:
    if len({item.id for item in items}) != len(items):
        raise CollageError(f"Two {name} of this collage have the same id; ids must differ.")


def _size(item: dict, name: str) -> tuple[int, int]:
    """(width, height) of a photo."""
    width, height = (fields.whole(item.get(side), f"{name}.{side}", 1, MAX_SIDE) for side in ("width", "height"))
    if width * height > MAX_PIXELS:
        raise CollageError(
            f"The collage's {name} of {width} x {height} pixels is over the limit of {MAX_PIXELS} pixels."
        )
    return width, height


def _sources(items: list[dict]) -> tuple[Source, ...]:
    names = [f"sources[{i}]" for i in range(len(items))]
    sources = tuple(
        Source(fields.identifier(item, "id", name), *_size(item, name)) for item, name in zip(items, names, strict=True)
    )
    _check_distinct(sources, "sources")
    return sources


def _segments(items: list[dict], photo: tuple[int, int], sources: dict[str, tuple[int, int]]) -> tuple[Segment, ...]:
    """All segments; stops when their masks together would fill the memory (small files can unpack to much)."""
    segments, pixels = [], 0
    for i, item in enumerate(items):
        source = _source_of(item, f"segments[{i}]", sources)
        segments.append(_segment(item, f"segments[{i}]", source, *(sources[source] if source else photo)))
        pixels += segments[-1].mask.size
        if pixels > MAX_MASK_PIXELS:
            raise CollageError(
                f"This collage's masks have over {MAX_MASK_PIXELS // 1_000_000} megapixels together; use fewer objects."
            )
    _check_distinct(segments, "segments")
    return tuple(segments)


def _source_of(item: dict, name: str, sources: dict) -> str:
    source = item.get("source", "")
    if not isinstance(source, str) or (source and source not in sources):
        raise CollageError(f"The collage's {name}.source is not among its sources; save the collage again.")
    return source


def _segment(item: dict, name: str, source: str, width: int, height: int) -> Segment:
    mask = _enlarged(_mask(item.get("mask"), name, width, height), item, name, width, height)
    left = fields.whole(item.get("left"), f"{name}.left", 0, width - mask.shape[1])
    top = fields.whole(item.get("top"), f"{name}.top", 0, height - mask.shape[0])
    return Segment(id=fields.identifier(item, "id", name), left=left, top=top, mask=mask, source=source)


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
    box_width = fields.whole(item.get("width", mask.shape[1]), f"{name}.width", mask.shape[1], width)
    box_height = fields.whole(item.get("height", mask.shape[0]), f"{name}.height", mask.shape[0], height)
    return resize(mask, box_width, box_height)


def _layer(item: dict, name: str, known: dict[str, Segment]) -> Layer:
    segment_id = fields.identifier(item, "segment", name)
    if segment_id not in known:
        raise CollageError(f"The collage's {name} shows a segment that is not in the collage; save the collage again.")
    return Layer(
        id=fields.identifier(item, "id", name),
        segment_id=segment_id,
        matrix=fields.matrix(item.get("matrix"), name),
        distort=fields.distort(item.get("distort"), name, known[segment_id]),
        name=fields.title(item.get("name", ""), name),
        hidden=fields.switch(item, "hidden", name),
        locked=fields.switch(item, "locked", name),
        opacity=fields.within(item, "opacity", name, default=1),
        shadow=fields.within(item, "shadow", name, default=1, most=fields.MAX_SHADOW),
        softness=fields.within(item, "softness", name, default=0),
    )
