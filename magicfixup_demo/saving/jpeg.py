"""JPEG files without what they say about the camera, the place and the past; the pixels stay as they are.

Kept are the segments that decoding needs, the colour profile and, where it is not upright, the orientation. Dropped
are EXIF, XMP, IPTC, comments, every thumbnail (they may show what was cropped away), further pictures, and whatever
follows the end of the picture. Segment names as in ITU-T T.81, annex B.
"""

import struct
from collections.abc import Iterator

from magicfixup_demo.containers import MARKER_IN_SCAN
from magicfixup_demo.errors import SavedFileError

START, END, SCAN = 0xD8, 0xD9, 0xDA
APP0, APP1, APP2, APP14, APP15, COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
DAMAGED = "This JPEG is damaged or cut off; export it again."
MAX_SEGMENTS = 20_000  # a colour profile and a progressive picture have some dozens
JFIF = b"JFIF\0\1\2\1\0\x48\0\x48\0\0"  # version 1.2, 72 dots per inch, no thumbnail


def is_jpeg(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8\xff")


def without_metadata(data: bytes, orientation: int = 1) -> bytes:
    """The same pixels; ``orientation`` (EXIF, 1 to 8) is written back unless it is upright. Raises SavedFileError."""
    kept = [bytes([0xFF, START])]
    tag = _orientation(orientation) if orientation in range(2, 9) else b""
    for marker, whole, content in _segments(data):
        if tag and marker != APP0:
            kept.append(tag)
            tag = b""
        if marker == APP0 and content.startswith(b"JFIF\0"):
            kept.append(_segment(APP0, JFIF))
        elif not APP0 <= marker <= APP15 and marker != COMMENT or _is_needed(marker, content):
            kept.append(whole)
    return b"".join(kept)


def _is_needed(marker: int, content: bytes) -> bool:
    """APP14 says how the colours are stored, APP2 holds the colour profile (and, under other names, more pictures)."""
    adobe = marker == APP14 and content.startswith(b"Adobe")
    return adobe or (marker == APP2 and content.startswith(b"ICC_PROFILE\0"))


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(marker, the segment's bytes with what follows it up to the next one, its content), to the end of the picture."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        while data[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        if at + 2 > len(data) or data[at] != 0xFF:
            raise SavedFileError(DAMAGED)
        marker = data[at + 1]
        if marker == END:
            yield marker, data[at : at + 2], b""
            return
        if at + 4 > len(data):
            raise SavedFileError(DAMAGED)
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        content = data[at + 4 : end]
        end = _end_of_scan(data, end) if marker == SCAN else end
        yield marker, data[at:end], content
        at = end
    raise SavedFileError(DAMAGED)


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the packed pixels end: at the next marker that is neither a stuffed zero nor a restart."""
    found = MARKER_IN_SCAN.search(data, at)
    if found is None:
        raise SavedFileError(DAMAGED)
    return found.start()


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _orientation(value: int) -> bytes:
    """An EXIF segment with one entry: tag 0x0112, one unsigned short."""
    directory = struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, value, 0, 0)
    return _segment(APP1, b"Exif\0\0" + b"II*\0" + struct.pack("<I", 8) + directory)
