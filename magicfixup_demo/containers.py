"""How much work a picture file is before it is a picture; bounds that are checked before Pillow goes through it.

Pillow reads the pieces of a PNG, JPEG, GIF, BMP or TIFF file one by one, in Python, and copies what each names: a small
file can be made to take minutes or gigabytes, whatever the size of its picture. Honest files stay far below these.
"""

import re
import struct
from collections.abc import Iterator

MOST_CHUNKS = 200_000  # of a PNG: writers that keep their pixels in pieces of 8 kB need half of it
MOST_SEGMENTS, MOST_SCANS, MOST_FILL = 20_000, 100, 10_000  # of a JPEG; each scan is a round over the whole picture
MOST_EXTENSION_BYTES = 1_000_000  # of a GIF, before its first frame; Pillow takes the square of it
MOST_RUN_LENGTH_BYTES, MOST_RUN_LENGTH_PIXELS = 2_000_000, 4_000_000  # of a packed BMP, which Pillow reads in Python
MOST_ENTRIES, MOST_NUMBERS, MOST_PIECES = 4_000, 1_000_000, 300_000  # of a TIFF directory
MOST_TILE_PIXELS = 50_000_000
SPARE_BYTES = 16_000_000  # that the values of a directory may have beyond the file's own bytes
MARKER_IN_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither a stuffed zero, nor a restart, nor a fill byte
# By field type of TIFF 6.0 and BigTIFF: bytes of one value; the types that stay bytes are no numbers to unpack.
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
BYTES = {1, 2, 7}
PIECES, TILE_SIDES, DIRECTORIES = {273, 279, 324, 325}, (322, 323), {0x8769, 0x8825, 0xA005}


def is_excessive(data: bytes) -> bool:
    """Whether a picture file of a format that is read here is more work than any honest one. Never raises."""
    try:
        return _is_excessive(data)
    except (struct.error, IndexError, OverflowError):  # cut off, or leading far out: what is missing makes no work
        return False


def is_excessive_exif(block: bytes) -> bool:
    """The same for a block of EXIF, with or without the name in front."""
    return is_excessive(block.removeprefix(b"Exif\0\0"))


def _is_excessive(data: bytes) -> bool:
    if data.startswith(b"\x89PNG"):
        return _many_chunks(data)
    if data.startswith(b"\xff\xd8"):
        return _heavy_jpeg(data)
    if data.startswith(b"GIF8"):
        return _long_extensions(data)
    if data.startswith(b"BM"):
        return _heavy_bmp(data)
    return data[:2] in (b"II", b"MM") and _Tiff(data).is_excessive()


def _many_chunks(data: bytes) -> bool:
    at = 8
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            return False
        at += 12 + struct.unpack_from(">I", data, at)[0]
    return True


def _heavy_jpeg(data: bytes) -> bool:
    exif, scans = [], 0
    for number, (marker, at, end) in enumerate(_segments(data)):
        scans += marker == 0xDA
        if marker == 0xFF or number >= MOST_SEGMENTS or scans > MOST_SCANS:
            return True
        if marker == 0xE1 and data[at : at + 6] == b"Exif\0\0":
            exif.append(data[at + 6 : end])
    return len(exif) > 20 or is_excessive(b"".join(exif))  # Pillow makes one of all


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, where its content begins and ends) up to the end of the picture; 0xFF for too many fill bytes."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at = _next_marker(data, at)
            continue
        if data[at + 1] == 0xFF:
            if data[at : at + MOST_FILL] == b"\xff" * MOST_FILL:
                yield 0xFF, at, at
            at = _next_marker(data, at)
            continue
        marker = data[at + 1]
        if marker == 0xD9:
            return
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        yield marker, at + 4, end
        at = _next_marker(data, end) if marker == 0xDA else end


def _next_marker(data: bytes, at: int) -> int:
    found = MARKER_IN_SCAN.search(data, at)
    return found.start() if found else len(data)


def _long_extensions(data: bytes) -> bool:
    """Up to the first frame."""
    at, seen = 13 + (3 * (2 << (data[10] & 7)) if data[10] & 0x80 else 0), 0
    while data[at : at + 1] == b"\x21":
        begin, at = at, at + 2
        while data[at]:
            at += 1 + data[at]
            if seen + at - begin > MOST_EXTENSION_BYTES:
                return True
        at += 1
        seen += at - begin
    return False


def _heavy_bmp(data: bytes) -> bool:
    size, width, height, _, _, packing = struct.unpack_from("<IiiHHI", data, 14)
    large = len(data) > MOST_RUN_LENGTH_BYTES or abs(width * height) > MOST_RUN_LENGTH_PIXELS
    return size >= 40 and packing in (1, 2) and large


class _Tiff:
    """The first directory of a TIFF file or EXIF block, and those of EXIF and place that it names."""

    def __init__(self, data: bytes):
        self._data, self._order = data, "<" if data[:2] == b"II" else ">"
        self._big = self._number(2, 2) == 43
        self._bytes = 0

    def is_excessive(self) -> bool:
        waiting, sides = [self._number(8, 8) if self._big else self._number(4, 4)], [1, 1]
        for _ in range(4):
            if not waiting:
                break
            for tag, kind, count, place in self._entries(waiting.pop()):
                size = count * WIDTHS.get(kind, 0)
                if self._too_much(tag, kind, count, size):
                    return True
                if tag in TILE_SIDES and kind in (3, 4):
                    sides[tag - TILE_SIDES[0]] = self._number(place, WIDTHS[kind])
                if tag in DIRECTORIES:
                    waiting.append(self._number(place, 4))
        return sides[0] * sides[1] > MOST_TILE_PIXELS

    def _too_much(self, tag: int, kind: int, count: int, size: int) -> bool:
        if tag == -1 or (tag in PIECES and count > MOST_PIECES):
            return True
        if size > len(self._data):
            return False  # it is not there, and Pillow stops at it
        self._bytes += size if size > 4 else 0
        many = kind not in BYTES and count > MOST_NUMBERS
        return many or self._bytes > len(self._data) + SPARE_BYTES

    def _entries(self, at: int) -> Iterator[tuple[int, int, int, int]]:
        """(tag, type, count, where the value or its offset stands); a tag of -1 where there are too many."""
        count, at = self._number(at, 8 if self._big else 2), at + (8 if self._big else 2)
        wide = 8 if self._big else 4
        for _ in range(min(count, MOST_ENTRIES)):
            yield self._number(at, 2), self._number(at + 2, 2), self._number(at + 4, wide), at + 4 + wide
            at += 4 + 2 * wide
        if count > MOST_ENTRIES and at + 12 < len(self._data):
            yield -1, 0, 0, 0

    def _number(self, at: int, size: int) -> int:
        return struct.unpack_from(self._order + {2: "H", 4: "I", 8: "Q"}[size], self._data, at)[0]
