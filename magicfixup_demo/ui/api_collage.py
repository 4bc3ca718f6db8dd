"""A collage as programs write one by hand: sizes may be left out, and objects given by points instead of masks."""

from collections.abc import Callable, Mapping

import numpy as np

from magicfixup_demo.collage import segment_from_mask
from magicfixup_demo.collage_json import MAX_SEGMENTS, MAX_SOURCES, collage_from_json, mask_to_base64
from magicfixup_demo.errors import CollageError
from magicfixup_demo.schema import Collage
from magicfixup_demo.ui import strings

MOST_SELECTED = 20  # segments of one collage that are still to be found


def with_names(record: object, pictures: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Second photos by the ids that the collage's "sources" give them, in that order. Raises CollageError."""
    listed = record.get("sources") if isinstance(record, dict) else None
    listed = listed if isinstance(listed, list) else []
    names = [item.get("id") for item in listed if isinstance(item, dict)]
    good = len(names) == len(pictures) <= MAX_SOURCES and all(isinstance(name, str) and name for name in names)
    if not good or len(set(names)) < len(names):
        raise CollageError(strings.SOURCES_DIFFER.format(files=len(pictures), ids=len(listed)))
    return dict(zip(names, pictures, strict=True))


def complete(
    record: object,
    photo: np.ndarray,
    sources: Mapping[str, np.ndarray],
    select: Callable[[np.ndarray, dict], np.ndarray],
) -> Collage:
    """The collage with everything in it. Raises CollageError, and whatever ``select`` does.

    ``select(picture, segment)`` returns the mask, (h, w) uint8 of the picture's size, of a segment given by "points",
    "exclude" and "box". Pictures are (h, w, 3) uint8.
    """
    if not isinstance(record, dict):
        raise CollageError(strings.NO_COLLAGE)
    own = {"version": 3, "photo": _size(photo), "layers": [], **record}
    if sources:
        own["sources"] = [{"id": name, **_size(picture)} for name, picture in sources.items()]
    segments = record.get("segments") or []
    if not isinstance(segments, list) or len(segments) > MAX_SEGMENTS:
        return collage_from_json(own)  # which says what is wrong
    if sum(map(_is_to_be_found, segments)) > MOST_SELECTED:
        raise CollageError(strings.MANY_TO_FIND.format(most=MOST_SELECTED))
    pictures = {"": photo, **sources}
    return collage_from_json({**own, "segments": [_found(item, pictures, select) for item in segments]})


def _found(item: object, pictures: Mapping[str, np.ndarray], select: Callable) -> object:
    source = item.get("source") or "" if _is_to_be_found(item) else None
    if not isinstance(source, str) or source not in pictures:
        return item
    found = segment_from_mask("found", select(pictures[source], item))
    mask = mask_to_base64(found.mask)
    return {"id": item.get("id"), "source": source, "left": found.left, "top": found.top, "mask": mask}


def _is_to_be_found(item: object) -> bool:
    return isinstance(item, dict) and "mask" not in item and any(key in item for key in ("points", "box"))


def _size(picture: np.ndarray) -> dict:
    return {"width": picture.shape[1], "height": picture.shape[0]}
