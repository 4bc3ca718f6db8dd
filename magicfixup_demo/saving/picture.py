"""Work as one PNG: the result (or the arrangement), and in it the collage; with the photo too where that is wanted.

Texts: ``magicfixup`` (the record), ``magicfixup-collage``, ``-collage-2``, ... (JSON in pieces: many readers refuse a
text of over a megabyte). Private chunks ``mfPh``: source id, 0, suffix, 0, the photo's file.
"""

from collections.abc import Iterator

import numpy as np

from magicfixup_demo.collage_json import MAX_SOURCES
from magicfixup_demo.errors import PhotoError, SavedFileError
from magicfixup_demo.images import open_photo, png_bytes
from magicfixup_demo.saving.iptc import KEYWORD, xmp_packet
from magicfixup_demo.saving.photos import SUFFIXES, PhotoFile
from magicfixup_demo.saving.png import Chunk, chunks_of, picture_only, text_chunk, texts_of, with_chunks
from magicfixup_demo.saving.record import TOOL, Record, record_from_json, record_to_json
from magicfixup_demo.saving.work import MAX_SAVED_BYTES, TOO_LARGE, Work, checked

RECORD, COLLAGE = "magicfixup", "magicfixup-collage"
PIECE = 900_000  # characters
PHOTO = b"mfPh"  # ancillary, private, may be copied by programs that do not know it


def to_png(work: Work, picture: np.ndarray) -> bytes:
    """``picture``, (H, W, 3 or 4) uint8, with the work in it. Raises SavedFileError."""
    data = with_chunks(png_bytes(picture), [*metadata(work.record, work.exif), *_texts(work), *_photos(work)])
    if len(data) > MAX_SAVED_BYTES:
        raise SavedFileError(TOO_LARGE)
    return data


def plain_png(picture: np.ndarray, record: Record, exif: bytes = b"") -> bytes:
    """A picture that only says how it was made; ``to_png`` for one that can be opened as work."""
    return with_chunks(png_bytes(picture), metadata(record, exif))


def metadata(record: Record, exif: bytes = b"") -> list[Chunk]:
    """What every picture of ours says about itself, for people and for programs."""
    facts = record.result
    comment = f"model {facts.model}, seed {facts.seed}, {facts.steps} steps" if facts else "not fixed up"
    xmp = xmp_packet(TOOL, facts.model if facts else "", facts.revision if facts else "")
    chunks = [text_chunk("Software", TOOL), text_chunk("Comment", comment), text_chunk(KEYWORD, xmp, pack=False)]
    return chunks + ([(b"eXIf", exif.removeprefix(b"Exif\0\0"))] if exif else [])


def read_png(data: bytes) -> Work | None:
    """The work in a PNG, or None where there is none: then it is a picture like any other. Raises MagicFixupError."""
    try:
        chunks = list(chunks_of(data))
    except SavedFileError:  # whoever decodes the picture says what is wrong with it
        return None
    texts = texts_of(chunks)
    if RECORD not in texts or COLLAGE not in texts:
        return None
    record = record_from_json(texts[RECORD])
    work = Work(
        record=record,
        collage=_collage(texts),
        photos=dict(_kept_photos(chunks)),
        result=_result(data) if record.result else None,
        exif=next((content for kind, content in chunks if kind == b"eXIf"), b""),
    )
    return checked(work)


def _texts(work: Work) -> Iterator[Chunk]:
    yield text_chunk(RECORD, record_to_json(work.record))
    for number, begin in enumerate(range(0, len(work.collage), PIECE), 1):
        yield text_chunk(COLLAGE if number == 1 else f"{COLLAGE}-{number}", work.collage[begin : begin + PIECE])


def _collage(texts: dict[str, str]) -> str:
    """All pieces in one, which collage_from_json refuses if it is too long; texts are bounded already."""
    pieces = [texts[COLLAGE]]
    while (piece := texts.get(f"{COLLAGE}-{len(pieces) + 1}")) is not None:
        pieces.append(piece)
    return "".join(pieces)


def _photos(work: Work) -> Iterator[Chunk]:
    for source, file in work.photos.items():
        yield PHOTO, b"\0".join([source.encode(), file.suffix.encode(), file.data])


def _kept_photos(chunks: list[Chunk]) -> Iterator[tuple[str, PhotoFile]]:
    found = [content for kind, content in chunks if kind == PHOTO]
    if len(found) > MAX_SOURCES + 1:
        raise SavedFileError(f"This file holds over {MAX_SOURCES} photos; it was not saved by this program.")
    for content in found:
        source, suffix, data = (content.split(b"\0", 2) + [b"", b""])[:3]
        if suffix.decode("latin-1") not in SUFFIXES:
            raise SavedFileError("The photo in this file is of a kind that is not known; open the photo itself.")
        yield source.decode("utf-8", "replace"), PhotoFile(data, suffix.decode("latin-1"))


def _result(data: bytes) -> np.ndarray | None:
    """The pixels; None where they cannot be read, since the arrangement is worth having without them."""
    try:
        return open_photo(picture_only(data), MAX_SAVED_BYTES)
    except PhotoError:
        return None
