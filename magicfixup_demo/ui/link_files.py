"""What is kept for one link, as bytes and back: a line of JSON that says what follows, then the parts one by one.

Read back with the same checks as an upload; the photo is kept as its pixels alone, without a name or metadata.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.errors import MagicFixupError, PhotoError
from magicfixup_demo.images import MAX_FILE_BYTES, open_photo, png_bytes
from magicfixup_demo.schema import Collage
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.photos import PHOTOS_PER_VISIT

VERSION = 1
MOST_HEADER_BYTES = 16_384
MOST_SOURCES = PHOTOS_PER_VISIT - 1  # beside the photo itself, what a visit can have open


@dataclass(frozen=True, eq=False)
class LinkedWork:
    """What a link leads to, beside what travels in the link itself.

    ``photo``: (H, W, 3) uint8, or None where it is that of the example named ``example``. ``sources``: second photos by
    their ids, (h, w, 3) uint8 each. ``collage``: JSON with the segments and no layers. ``rounds``: see OpenPhoto.
    ``files``: the same pictures as files without metadata, by the sources' ids and "" for the photo.
    """

    photo: np.ndarray | None
    example: str
    collage: str
    sources: Mapping[str, np.ndarray] = field(default_factory=dict)
    rounds: int = 0
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkHeader:
    """``expires``: seconds since 1970. ``key``: SHA-256 of the key that deletes it, in hexadecimal digits."""

    expires: float
    key: str
    example: str
    rounds: int
    photo: int
    collage: int
    sources: dict[str, int]


def packed(work: LinkedWork, expires: float, key: str) -> bytes:
    """All of it in one piece; ``key``: see LinkHeader."""
    photo = b"" if work.photo is None else _file_of(work.photo, work.files.get(""))
    collage = work.collage.encode()
    sources = {name: _file_of(picture, work.files.get(name)) for name, picture in work.sources.items()}
    header = {
        "version": VERSION,
        "expires": expires,
        "key": key,
        "example": work.example,
        "rounds": work.rounds,
        "photo": len(photo),
        "collage": len(collage),
        "sources": {name: len(data) for name, data in sources.items()},
    }
    return b"".join([json.dumps(header).encode(), b"\n", photo, collage, *sources.values()])


def read_header(data: bytes) -> tuple[LinkHeader, int]:
    """The header of such bytes (its beginning is enough), and where the parts begin. Raises PhotoError if damaged."""
    line, end, _ = data[:MOST_HEADER_BYTES].partition(b"\n")
    try:
        record = json.loads(line)
        if not end or record.pop("version") != VERSION:
            raise ValueError("another version")
        header = LinkHeader(**record)
        lengths = (header.rounds, header.photo, header.collage, *header.sources.values())
        if not all(type(length) is int and length >= 0 for length in lengths) or len(header.sources) > MOST_SOURCES:
            raise ValueError("lengths")
        texts = (header.key, header.example, *header.sources)
        if not 0 < header.expires < 1e12 or not all(isinstance(text, str) for text in texts):
            raise ValueError("fields of another kind")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PhotoError(strings.LINK_DAMAGED) from error
    return header, len(line) + 1


def unpacked(data: bytes) -> LinkedWork:
    """The inverse of ``packed``. Raises PhotoError when anything in it is damaged."""
    header, at = read_header(data)
    parts = []
    for length in (header.photo, header.collage, *header.sources.values()):
        parts.append(data[at : at + length])
        at += length
    if at != len(data) or not (header.photo or header.example):
        raise PhotoError(strings.LINK_DAMAGED)
    try:
        photo = open_photo(parts[0]) if header.photo else None
        sources = {name: open_photo(part) for name, part in zip(header.sources, parts[2:], strict=True)}
        collage = collage_from_json(parts[1])
        _check_fit(photo, collage, sources)
        files = dict(zip(header.sources, parts[2:], strict=True)) | {"": parts[0]}
    except (MagicFixupError, ValueError) as error:
        raise PhotoError(strings.LINK_DAMAGED) from error
    return LinkedWork(photo, header.example, parts[1].decode(), sources, header.rounds, files)


def _check_fit(photo: np.ndarray | None, collage: Collage, sources: Mapping[str, np.ndarray]) -> None:
    wanted = {source.id: (source.height, source.width) for source in collage.sources}
    if photo is not None and photo.shape[:2] != (collage.height, collage.width):
        raise PhotoError(strings.LINK_DAMAGED)
    if wanted != {name: picture.shape[:2] for name, picture in sources.items()}:
        raise PhotoError(strings.LINK_DAMAGED)


def _file_of(picture: np.ndarray, file: bytes | None) -> bytes:
    """The file that there is, or one without loss; the best JPEG where that is larger than an upload may be."""
    data = file or png_bytes(picture)
    if len(data) <= MAX_FILE_BYTES:
        return data
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()
