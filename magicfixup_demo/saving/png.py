"""PNG files as a list of chunks: texts and private data go in beside the picture, and come out under our own limits.

The picture is never touched: what a program does not know it skips (PNG specification, third edition, section 14).
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress

from magicfixup_demo.errors import SavedFileError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 100_000  # writers that keep their pixels in pieces of 8 kB need this many for the largest picture
MAX_TEXT_BYTES = 32_000_000  # of all texts of one file, unpacked
PICTURE = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs"}
DAMAGED = "This PNG is damaged or cut off; save it again, or copy it again from where it came."

Chunk = tuple[bytes, bytes]


def is_png(data: bytes) -> bool:
    return data.startswith(SIGNATURE)


def chunks_of(data: bytes) -> Iterator[Chunk]:
    """(type, content) of each chunk up to IEND; what follows it is not read. Raises SavedFileError."""
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if not is_png(data) or at + 12 > len(data):
            raise SavedFileError(DAMAGED)
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise SavedFileError(DAMAGED)
        content = data[at + 8 : end - 4]
        if zlib.crc32(content, zlib.crc32(kind)) != struct.unpack_from(">I", data, end - 4)[0]:
            raise SavedFileError(DAMAGED)
        yield kind, content
        if kind == b"IEND":
            return
        at = end
    raise SavedFileError(f"This PNG is in over {MAX_CHUNKS} pieces; save it again with another program.")


def png_of(chunks: Iterable[Chunk]) -> bytes:
    """The inverse of chunks_of."""
    return SIGNATURE + b"".join(
        struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
        for kind, content in chunks
    )


def picture_only(data: bytes) -> bytes:
    """The same picture without texts, times, EXIF, frames of an animation and private data. Raises SavedFileError."""
    return png_of(chunk for chunk in chunks_of(data) if chunk[0] in PICTURE)


def with_chunks(data: bytes, added: Iterable[Chunk]) -> bytes:
    """The file with more chunks right behind its header, where a reader finds them before the pixels."""
    header, *rest = chunks_of(data)
    return png_of([header, *added, *rest])


def text_chunk(keyword: str, text: str, pack: bool = True) -> Chunk:
    """An iTXt chunk: any text, packed where that helps and may be. ``keyword``: 1 to 79 Latin letters."""
    plain = text.encode()
    packed = zlib.compress(plain, 6)
    smaller = pack and len(packed) < len(plain)
    head = keyword.encode("latin-1") + (b"\0\1\0" if smaller else b"\0\0\0") + b"\0\0"
    return b"iTXt", head + (packed if smaller else plain)


def texts_of(chunks: Iterable[Chunk]) -> dict[str, str]:
    """Keyword -> text of all tEXt, zTXt and iTXt chunks (other programs turn one kind into another).

    Of two with one keyword the first counts. One that cannot be read is left out. Raises SavedFileError when they
    unpack to too much.
    """
    texts: dict[str, str] = {}
    left = MAX_TEXT_BYTES
    for kind, content in chunks:
        if kind not in (b"tEXt", b"zTXt", b"iTXt"):
            continue
        keyword, _, rest = content.partition(b"\0")
        with suppress(zlib.error, UnicodeDecodeError):
            plain = _plain(kind, rest, left)
            left -= len(plain)
            encoding = "utf-8" if kind == b"iTXt" else "latin-1"
            texts.setdefault(keyword.decode("latin-1"), plain.decode(encoding))
    return texts


def _plain(kind: bytes, rest: bytes, most: int) -> bytes:
    """The text of a chunk without its keyword, unpacked. Raises SavedFileError beyond ``most`` bytes, zlib.error."""
    packed = kind == b"zTXt"
    if kind == b"zTXt":
        rest = rest[1:]
    if kind == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    plain = zlib.decompressobj().decompress(rest, most + 1) if packed else rest
    if len(plain) > most:
        raise SavedFileError("The texts in this PNG unpack to too much; it was not saved by this program.")
    return plain
