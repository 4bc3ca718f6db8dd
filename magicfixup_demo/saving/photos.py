"""A photo as a file without metadata: small, because it keeps the bytes it came in where that can be done."""

import hashlib
from dataclasses import dataclass

import numpy as np

from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.images import open_photo, png_bytes
from magicfixup_demo.saving.camera import exif_of, orientation_of
from magicfixup_demo.saving.jpeg import is_jpeg, without_metadata
from magicfixup_demo.saving.png import is_png, picture_only

MAX_KEPT_BYTES = 32_000_000
SUFFIXES = ("jpg", "png")


@dataclass(frozen=True, eq=False)
class PhotoFile:
    """``data``: a JPEG or PNG file without metadata, as ``suffix`` says. ``exif``: what the original said, or nothing.

    ``data`` is empty for a photo that came in another format; it is then written as PNG when it is asked for.
    """

    data: bytes
    suffix: str = "png"
    exif: bytes = b""


def keep_photo(data: bytes) -> PhotoFile:
    """What to hold of an uploaded picture beside its pixels. Never raises: the pixels are there already."""
    exif = exif_of(data)
    try:
        if is_jpeg(data):
            kept, suffix = without_metadata(data, orientation_of(exif)), "jpg"
        elif is_png(data) and orientation_of(exif) == 1:  # a turned PNG is rare: its pixels are written anew
            kept, suffix = picture_only(data), "png"
        else:
            kept, suffix = b"", "png"
    except MagicFixupError:
        kept, suffix = b"", "png"
    return PhotoFile(kept if len(kept) <= MAX_KEPT_BYTES else b"", suffix, exif)


def photo_file(image: np.ndarray, kept: PhotoFile | None) -> PhotoFile:
    """A file that decodes to exactly ``image``, (H, W, 3) uint8: the kept one if it does, else a PNG."""
    if kept and kept.data and np.array_equal(open_photo(kept.data), image):
        return kept
    return PhotoFile(png_bytes(image), "png", kept.exif if kept else b"")


def pixels_sha256(image: np.ndarray) -> str:
    """Equal for equal pixels, whatever file they came in; (H, W, 3) uint8."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
