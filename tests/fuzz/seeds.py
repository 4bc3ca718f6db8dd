"""Valid files to begin with: made on the fly, a few hundred bytes to a few kilobytes each."""

import functools
import io
import struct
import wave

import numpy as np
from PIL import Image

from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.collage_json import collage_to_json
from magicfixup_demo.images import png_bytes
from magicfixup_demo.saving.bundle import to_zip
from magicfixup_demo.saving.cutouts import cutouts_of
from magicfixup_demo.saving.photos import PhotoFile, pixels_sha256
from magicfixup_demo.saving.picture import to_png
from magicfixup_demo.saving.record import PhotoReference, Record, ResultFacts
from magicfixup_demo.saving.work import Work
from magicfixup_demo.schema import Collage, Layer, Source

WIDTH, HEIGHT = 48, 40
LET_IN = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("P", "L"),
    "BMP": ("1", "L", "P", "RGB"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "LAB"),
}
REFUSED = {"AVIF": "RGB", "JPEG2000": "RGB", "ICO": "RGBA", "ICNS": "RGBA", "DDS": "RGB", "EPS": "RGB", "PDF": "RGB"}
REFUSED |= {"PCX": "RGB", "PPM": "RGB", "SGI": "RGB", "TGA": "RGB", "XBM": "1", "IM": "RGB", "MSP": "1", "SPIDER": "F"}
REFUSED |= {"DIB": "RGB", "BLP": "P", "QOI": "RGB"}
FOREIGN = {
    "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"><script/></svg>',
    "SVG with an entity": b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    "PSD": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 64, 64, 8, 3) + bytes(64),
    "WMF": struct.pack("<IHhhhhHIH", 0x9AC6CDD7, 0, 0, 0, 99, 99, 96, 0, 0) + bytes(64),
    "FITS": b"".join(card.ljust(80) for card in (b"SIMPLE  = T", b"BITPIX  = 8", b"NAXIS   = 0", b"END")).ljust(2880),
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64),
    "MP4": b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(64),
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n(/etc/passwd) (r) file\n",
    "HTML": b"<!DOCTYPE html><script>alert(1)</script>",
    "ELF": b"\x7fELF\2\1\1" + bytes(64),
    "pickle": b"\x80\x04\x8c\x05posix\x8c\x06system\x93.",
}


@functools.cache
def pixels() -> np.ndarray:
    """(HEIGHT, WIDTH, 4) uint8 with a hole in it."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = np.dstack([5 * x, 6 * y, 2 * (x + y), np.full_like(x, 255)]).astype(np.uint8)
    picture[5:15, 5:20, 3] = 0
    return picture


@functools.cache
def pictures() -> list[bytes]:
    """Every kind that is let in, in every mode that it has, with metadata where it may have some."""
    made = [encoded(kind, mode) for kind, modes in LET_IN.items() for mode in modes]
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    exif.get_ifd(0x8825)[1] = "N"
    told = {"exif": exif.tobytes()}
    made += [encoded(kind, "RGB", **told) for kind in ("PNG", "JPEG", "WEBP", "TIFF")]
    made += [encoded("JPEG", "RGB", progressive=True, icc_profile=b"x" * 200, comment=b"hello")]
    made += [
        encoded("TIFF", "RGB", compression=name) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    ]
    made += [encoded("TIFF", "1", compression="group4"), encoded("TIFF", "RGB", big_tiff=True)]
    more = {"save_all": True, "append_images": [Image.new("RGB", (WIDTH, HEIGHT))] * 2}
    return made + [encoded(kind, "RGB", **more) for kind in ("PNG", "WEBP", "GIF", "TIFF", "MPO")]


def mask() -> bytes:
    """White where something of ``pixels`` is to be removed, and grey."""
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[8:20, 10:30], values[20:22, 10:30] = 255, 120
    return png_bytes(values)


@functools.cache
def foreign() -> list[bytes]:
    """What is no picture here, whatever it is elsewhere, in the formats that this Pillow can write and others."""
    made = list(FOREIGN.values()) + [_sound()]
    for kind, mode in REFUSED.items():
        try:
            made.append(encoded(kind, mode))
        except (OSError, KeyError, ValueError):  # not every Pillow was built with every codec
            continue
    return made


@functools.cache
def saved() -> list[bytes]:
    """PNG and zip with work in them: with a second photo and a result, and without."""
    whole, light = _work(True), _work(False)
    photo, guest = pixels()[..., :3], pixels()[::-1, :, :3]
    edits = [render(photo, _collage(work is whole), {"p2": guest}) for work in (whole, light)]
    cutouts = cutouts_of(photo, _collage(True), {"p2": guest})
    return [
        to_zip(whole, edits[0], cutouts),
        to_png(whole, photo),
        to_zip(light, edits[1], {}),
        to_png(light, edits[1].rgba),
    ]


def collage_text() -> str:
    return collage_to_json(_collage(True))


def encoded(kind: str, mode: str, **options) -> bytes:
    picture = Image.fromarray(pixels())
    if mode == "I;16":
        picture = Image.fromarray(np.uint16(257) * pixels()[..., 0])
    elif mode == "LAB":
        picture = Image.frombytes("LAB", (WIDTH, HEIGHT), pixels()[..., :3].tobytes())
    else:
        picture = (
            picture.convert("RGB").convert(mode) if mode in ("CMYK", "I", "F", "P", "1") else picture.convert(mode)
        )
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _collage(with_source: bool) -> Collage:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[8:20, 10:30] = 255
    own, guest = segment_from_mask("s1", mask), segment_from_mask("s2", mask)
    layers = [Layer("l1", "s1", (1.0, 0.0, 0.0, 1.0, 5.0, 3.0), name="dog"), Layer("l2", "s1", opacity=0.5)]
    if not with_source:
        return Collage(WIDTH, HEIGHT, (own,), tuple(layers))
    foreign = type(guest)(guest.id, guest.left, guest.top, guest.mask, "p2")
    layers.append(Layer("l3", "s2", (0.9, 0.1, -0.1, 0.9, 2.0, 1.0), ((1.0, 0.0), (0.0, 2.0), (0.0, 0.0), (1.0, 1.0))))
    return Collage(WIDTH, HEIGHT, (own, foreign), tuple(layers), (Source("p2", WIDTH, HEIGHT),))


def _work(whole: bool) -> Work:
    photo, guest = pixels()[..., :3], pixels()[::-1, :, :3]
    facts = ResultFacts("small", "sha256:ab", 7, 2, 1.5, "MIT") if whole else None
    named = PhotoReference("beach", WIDTH, HEIGHT, pixels_sha256(photo))
    other = PhotoReference("park", WIDTH, HEIGHT, pixels_sha256(guest), id="p2")
    photos = {"": PhotoFile(png_bytes(photo)), "p2": PhotoFile(png_bytes(guest))}
    return Work(
        Record(named, (other,) if whole else (), {"seed": 7, "model": "small"}, facts),
        collage_to_json(_collage(whole)),
        photos if whole else {"": photos[""]},
        photo if whole else None,
        None,
        photo if whole else None,
    )


def _sound() -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes(64))
    return buffer.getvalue()
