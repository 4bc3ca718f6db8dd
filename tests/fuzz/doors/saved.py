"""Saved work: a zip or a PNG with a collage in it, written by anybody."""

import io
import json
import struct
import warnings
import zipfile
from random import Random

from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.images import png_bytes
from magicfixup_demo.saving.bundle import COLLAGE, SETTINGS
from magicfixup_demo.saving.picture import PHOTO
from magicfixup_demo.saving.png import chunks_of, png_of, text_chunk, texts_of
from magicfixup_demo.saving.reading import read_work
from tests.fuzz import seeds
from tests.fuzz.door import Door
from tests.fuzz.mutations import damaged
from tests.fuzz.values import TEXTS, spoilt, text_of

NAMES = ("../../etc/cron.d/x", "..\\x", "/etc/passwd", "C:x", "CON", "a\0b", "", "photo.png", SETTINGS, "sources/1.png")
NAMES += ("x" * 3000, "\u202e", "sources/../photo.png", "a/" * 300, "photo.jpg", "__MACOSX/._photo.png")


def _bytes(random: Random) -> bytes:
    return damaged(random, random.choice(seeds.saved()), seeds.saved())


def _zip(random: Random) -> bytes:
    """A zip written anew: its records spoilt, its names odd, its entries doubled, packed, linked or full of nothing."""
    buffer = io.BytesIO()
    warnings.filterwarnings("ignore", "Duplicate name")
    with zipfile.ZipFile(io.BytesIO(seeds.saved()[0])) as old, zipfile.ZipFile(buffer, "w") as new:
        files = [(name, old.read(name)) for name in old.namelist()]
        for name, data in files + [_extra(random) for _ in range(random.choice([0] * 8 + [1, 3, 450]))]:
            if random.random() < 0.01:
                continue
            new.writestr(_entry(random, name), _spoilt_file(random, name, data), random.choice(PACKINGS))
    return _lying(random, buffer.getvalue())


PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) * 99 + (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def _entry(random: Random, name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(random.choice(NAMES) if random.random() < 0.005 else name)
    if random.random() < 0.005:
        info.external_attr = 0o120777 << 16
    if random.random() < 0.02:
        info.extra = struct.pack("<HH", random.choice([1, 0x5455, 0xCAFE]), random.choice([0, 8, 0xFFFF])) + bytes(8)
    if random.random() < 0.02:
        info.comment = bytes(random.choice([1, 60_000]))
    return info


def _extra(random: Random) -> tuple[str, bytes]:
    return random.choice((*NAMES, f"cutouts/{random.randrange(999)}.png")), random.choice([b"", b"x", bytes(200_000)])


def _spoilt_file(random: Random, name: str, data: bytes) -> bytes:
    if name in (SETTINGS, COLLAGE) and data.startswith(b"{"):
        return _spoilt_json(random, data)
    return data if not data or random.random() < 0.97 else damaged(random, data, seeds.pictures() + seeds.saved())


def _spoilt_json(random: Random, data: bytes) -> bytes:
    if random.random() < 0.02:
        return random.choice(
            [b"[" * 100_000, b"1" * 5000, b"1" * 500, b"\xff\xfe", b'{"version": 1}', b"NaN", b"", b"{}" * 9]
        )
    return text_of(spoilt(random, json.loads(data))).encode()


def _lying(random: Random, data: bytes) -> bytes:
    """Sizes, flags, offsets and sums that are not true; now and then a comment behind the end."""
    data = bytearray(data)
    for _ in range(random.choice([0] * 6 + [1, 2])):
        at = data.find(random.choice([b"PK\3\4", b"PK\1\2", b"PK\5\6"]), random.randrange(len(data)))
        if at >= 0:
            place = at + random.randrange(4, 46)
            data[place : place + 2] = random.choice([b"\0\0", b"\1\0", b"\xff\xff", b"\x08\x08", b"\0\x80"])
    return bytes(data)


def _png(random: Random) -> bytes:
    """A PNG written anew: its texts spoilt, its photos renamed, its chunks doubled or out of order."""
    chunks = list(chunks_of(seeds.saved()[1]))
    texts = texts_of(chunks)
    if random.random() < 0.8:
        name = random.choice(["magicfixup", "magicfixup-collage"])
        texts[name] = _spoilt_json(random, texts[name].encode()).decode("latin-1")
    rest = [(kind, _spoilt_chunk(random, kind, content)) for kind, content in chunks if kind != b"iTXt"]
    added = [text_chunk(key, text, random.random() < 0.5) for key, text in texts.items()]
    for _ in range(random.choice([0, 0, 1, 20])):
        added.append(random.choice(rest[1:-1] + added))
    return png_of([rest[0], *added, *rest[1:]])


def _spoilt_chunk(random: Random, kind: bytes, content: bytes) -> bytes:
    if kind == PHOTO and random.random() < 0.3:
        name = random.choice(TEXTS).encode("utf-8", "surrogatepass")
        return random.choice([b"", name, name + b"\0png\0" + png_bytes(seeds.pixels()[..., :3]), b"\0exe\0MZ"])
    return damaged(random, content, seeds.pictures()) if content and random.random() < 0.03 else content


def _take(data: bytes) -> str:
    try:
        work = read_work(data)
    except MagicFixupError:
        return "refused"
    if work is not None:
        collage_from_json(work.collage)
    return "taken"


DOORS = (
    Door("saved files, damaged", _bytes, _take, share=8),
    Door("zips", _zip, _take, share=8),
    Door("PNGs with work", _png, _take, share=8),
)
