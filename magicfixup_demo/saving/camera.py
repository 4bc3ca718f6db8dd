"""What a photo says about its camera and its place (EXIF), for those who ask to keep it; nothing else of it is kept."""

import io
from contextlib import suppress

from PIL import Image

from magicfixup_demo.containers import is_excessive_exif
from magicfixup_demo.images import FORMATS

MAX_EXIF_BYTES = 1_000_000
PLACE, DETAILS = 0x8825, 0x8769  # the directories of GPS and of the exposure
# By number (Exif 3.0): names of things, of moments and of the author (the menu says so), never serial numbers, the
# camera's owner, notes, thumbnails or the orientation, which is applied to the pixels.
CAMERA = {0x010F, 0x0110, 0x0132, 0x013B, 0x8298}
EXPOSURE = {0x829A, 0x829D, 0x8822, 0x8827, 0x8830, 0x8832, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9201, 0x9202}
EXPOSURE |= {0x9203, 0x9204, 0x9205, 0x9206, 0x9207, 0x9208, 0x9209, 0x920A, 0x9290, 0x9291, 0xA402, 0xA403, 0xA404}
EXPOSURE |= {0xA405, 0xA406, 0xA432, 0xA433, 0xA434}


def exif_of(data: bytes) -> bytes:
    """The EXIF block of a picture file as it stands, or nothing."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            exif = picture.info.get("exif", b"")
    except Exception:  # Pillow's decoders raise many kinds; a photo whose metadata is broken has none
        return b""
    return exif if isinstance(exif, bytes) and len(exif) <= MAX_EXIF_BYTES else b""


def orientation_of(exif: bytes) -> int:
    """1 to 8; 1 is upright."""
    try:
        value = _read(exif).get(0x0112, 1)
    except Exception:  # values are unpacked when they are asked for, and may be broken
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def says(exif: bytes) -> dict[str, bool]:
    """{"camera": whether there is anything about the camera, "place": whether it says where}."""
    return {"camera": bool(chosen(exif, camera=True)), "place": bool(chosen(exif, place=True))}


def chosen(exif: bytes, camera: bool = False, place: bool = False) -> bytes:
    """A new EXIF block with what was asked for; nothing when that is nothing."""
    original, kept = _read(exif), Image.Exif()
    if camera:
        for tag in CAMERA & original.keys():
            with suppress(Exception):  # a value that is broken in the original is left out
                kept[tag] = original[tag]
        _copy(original, kept, DETAILS, EXPOSURE)
    if place:
        _copy(original, kept, PLACE, range(32))
    try:
        return kept.tobytes() if len(kept) else b""
    except Exception:  # a value that was broken in the original
        return b""


def _copy(original: Image.Exif, kept: Image.Exif, directory: int, tags) -> None:
    try:
        found = {tag: value for tag, value in original.get_ifd(directory).items() if tag in tags}
    except Exception:  # a broken directory is none
        return
    if found:
        kept.get_ifd(directory).update(found)
        kept[directory] = found


def _read(exif: bytes) -> Image.Exif:
    parsed = Image.Exif()
    try:
        parsed.load(None if is_excessive_exif(exif) else exif or None)
    except Exception:  # as above
        return Image.Exif()
    return parsed
