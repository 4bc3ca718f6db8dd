"""Photos as telephones and cameras write them, with everything that nobody asked to have passed on."""

import io

import numpy as np
from PIL import Image

SECRETS = (b"SERIAL-77", b"Ada Private", b"Canon", b"a comment", b"xmpmeta", b"Photoshop 3.0", b"MPF\0")


def full_exif(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", "EOS R5", orientation
    details = exif.get_ifd(0x8769)
    details.update({0x829A: 0.01, 0xA431: "SERIAL-77", 0xA430: "Ada Private", 0x927C: b"notes", 0x9003: "2024:05:01"})
    exif[0x8769] = details
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)}
    return exif.tobytes()


def camera_jpeg(photo: np.ndarray, mode: str = "RGB", orientation: int = 1, **options) -> bytes:
    """A JPEG as a telephone writes it: EXIF, XMP, a comment, a Photoshop block, a second picture behind the first."""
    buffer = io.BytesIO()
    picture = Image.fromarray(photo).convert(mode)
    options = {"quality": 91, "exif": full_exif(orientation), "comment": b"a comment"} | options
    picture.save(buffer, "JPEG", xmp=b"<x:xmpmeta>", **options)
    data = buffer.getvalue()
    photoshop = b"\xff\xed" + (2 + 22).to_bytes(2, "big") + b"Photoshop 3.0\x008BIM\x04\x04\0\0"
    pictures = b"\xff\xe2" + (2 + 8).to_bytes(2, "big") + b"MPF\0abcd"
    return data[:2] + photoshop + pictures + data[2:] + data
