"""Small files, and some larger ones, that cost much to read where nobody bounds it."""

import io
import struct
import zlib
from random import Random

from PIL import Image

EXIF, COMMENT = b"\xff\xe1", b"\xff\xfe"


def encoded(kind: str, size: tuple[int, int] = (64, 64), mode: str = "RGB", **options) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", zlib.crc32(kind + content))


def stuffed_png(added: bytes, size: tuple[int, int] = (64, 64)) -> bytes:
    """A PNG with more chunks behind its header."""
    plain = encoded("PNG", size)
    return plain[:33] + added + plain[33:]


def stuffed_jpeg(added: bytes) -> bytes:
    """A JPEG with more segments in front, and no density, so that Pillow looks for one in EXIF."""
    plain = encoded("JPEG")
    return plain[:2] + added + plain[20:]


def segments(marker: bytes, name: bytes, content: bytes) -> bytes:
    """JPEG segments that together hold ``content``."""
    pieces = (name + content[at : at + 65_000] for at in range(0, len(content), 65_000))
    return b"".join(marker + struct.pack(">H", len(piece) + 2) + piece for piece in pieces)


def directory(entries: list[tuple[int, int, int, int]], body: bytes = b"", least: int = 0) -> bytes:
    """A TIFF file of one directory; entries are (tag, type, count, value or offset). ``body`` follows it."""
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    data = head + b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries)) + bytes(4) + body
    return data + bytes(max(0, least - len(data)))


GREY = {
    256: (4, 1, 64),
    257: (4, 1, 64),
    258: (3, 1, 8),
    262: (3, 1, 1),
    273: (4, 1, 8),
    278: (4, 1, 64),
    279: (4, 1, 4096),
}


def overlapping(values: int, size: int) -> bytes:
    """A directory whose many values are all the same bytes."""
    entries = [(tag, *rest) for tag, rest in GREY.items()]
    return directory(entries + [(1000 + number, 7, size, 8) for number in range(values)], least=size + 8)


def large_tile(side: int) -> bytes:
    """A TIFF of 64 x 64 pixels in one tile that unpacks to ``side`` x ``side`` pixels of zeros."""
    packing = zlib.compressobj(1)
    packed = b"".join(packing.compress(bytes(side)) for _ in range(side)) + packing.flush()
    entries = {**GREY, 259: (3, 1, 8), 322: (4, 1, side), 323: (4, 1, side), 324: (4, 1, 0), 325: (4, 1, len(packed))}
    for tag in (273, 278, 279):
        del entries[tag]
    entries[324] = (4, 1, 8 + 2 + 12 * len(entries) + 4)
    return directory([(tag, *rest) for tag, rest in entries.items()], packed)


def many_strips(strips: int, width: int = 4000, height: int = 4000) -> bytes:
    """A TIFF whose picture is said to be there very often, one over the other."""
    picture = bytes(width * height // 8)
    at = 8 + 2 + 12 * 8 + 4
    entries = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 1), 259: (3, 1, 1), 262: (3, 1, 1)}
    entries |= {273: (4, strips, at), 278: (4, 1, height), 279: (4, 1, len(picture))}
    offsets = struct.pack("<I", at + 4 * strips) * strips
    return directory([(tag, *rest) for tag, rest in entries.items()], offsets + picture)


def many_scans(scans: int, size: tuple[int, int] = (4000, 3000)) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    plain = encoded("JPEG", size, "L", progressive=True)
    scan = plain[plain.rindex(b"\xff\xda") : -2]
    return plain[:-2] + scan * scans + plain[-2:]


def run_length_bmp(width: int, height: int, body: bytes) -> bytes:
    begin = 14 + 40 + 1024
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", begin + len(body), 0, 0, begin) + header + bytes(1024) + body


def gif_with_comment(size: int) -> bytes:
    plain = encoded("GIF")
    at = plain.index(b"\x2c", 13 + 3 * (2 << (plain[10] & 7)))
    block = b"\x21\xfe" + (b"\xff" + b"a" * 255) * (size // 255) + b"\0"
    return plain[:at] + block + plain[at:]


def flat(kind: str, mode: str, side: int, **options):
    return lambda: encoded(kind, (side, side), mode, **options)


BOMBS = {
    "values of a TIFF that overlap": lambda: overlapping(3000, 1_000_000),
    "values of a JPEG's EXIF that overlap": lambda: stuffed_jpeg(
        segments(EXIF, b"Exif\0\0", overlapping(2500, 1_000_000))
    ),
    "values of a PNG's EXIF that overlap": lambda: stuffed_png(chunk(b"eXIf", overlapping(2500, 1_000_000))),
    "a JPEG filled up": lambda: stuffed_jpeg(b"\xff" * 24_000_000),
    "a JPEG of many comments": lambda: stuffed_jpeg((COMMENT + b"\0\2") * 1_000_000),
    "a JPEG of many scans": lambda: many_scans(1000),
    "a PNG of many chunks": lambda: stuffed_png(chunk(b"abCd", b"") * 2_000_000),
    "a PNG's text that unpacks to much": lambda: stuffed_png(
        chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(60_000_000)))
    ),
    "a PNG's profile that unpacks to much": lambda: stuffed_png(
        chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(60_000_000)))
    ),
    "a GIF's comment": lambda: gif_with_comment(12_000_000),
    "a BMP of ends of lines": lambda: run_length_bmp(12_000, 4000, b"\1\0\0\0" * 4000 + b"\0\1"),
    "a BMP of single pixels": lambda: run_length_bmp(4000, 4000, b"\1\0" * 12_000_000),
    "a large tile": lambda: large_tile(20_000),
    "strips one over the other": lambda: many_strips(20_000),
    "a large PNG": flat("PNG", "RGBA", 7000),
    "a large deep PNG": flat("PNG", "I;16", 7000),
    "a PNG beyond the limit": flat("PNG", "1", 12_000),
    "a large WebP": flat("WEBP", "RGB", 7000, method=0),
    "a WebP beyond the limit": flat("WEBP", "RGB", 9000, method=0),
    "a large GIF": flat("GIF", "P", 7000),
    "a large TIFF, deflated": flat("TIFF", "RGB", 7000, compression="tiff_adobe_deflate"),
    "a large TIFF, LZW": flat("TIFF", "RGB", 7000, compression="tiff_lzw"),
    "a large TIFF, fax": flat("TIFF", "1", 7000, compression="group4"),
    "a TIFF beyond the limit": flat("TIFF", "1", 12_000, compression="group4"),
    "a large JPEG": flat("JPEG", "CMYK", 7000),
}
_made: dict[str, bytes] = {}


def bomb(random: Random) -> bytes:
    """One of them, made once."""
    name = random.choice(list(BOMBS))
    if name not in _made:
        _made[name] = BOMBS[name]()
    return _made[name]
