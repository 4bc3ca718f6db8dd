"""Bytes that are said to be a picture: opened as a photo, and as a coarse edit."""

from random import Random

import numpy as np

from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.images import MIN_SIDE, open_edit, open_photo
from magicfixup_demo.saving.camera import chosen, says
from magicfixup_demo.saving.photos import keep_photo, photo_file
from tests.fuzz import bombs, seeds
from tests.fuzz.door import Door, Finding
from tests.fuzz.mutations import damaged

BACKS = (b"PK\3\4" + bytes(30), b"<script>alert(1)</script>", b"%PDF-1.7\n", b"\xff\xd8\xff", b"GIF89a", bytes(500))


def _picture(random: Random) -> bytes:
    everything = seeds.pictures() + seeds.saved()
    return damaged(random, random.choice(seeds.pictures()), everything)


def _foreign(random: Random) -> bytes:
    """A file that is no picture here, whole: damage could make one of it."""
    return random.choice(seeds.foreign()) + random.choice((b"", *BACKS))


def _two_in_one(random: Random) -> bytes:
    """A picture that is something else too."""
    whole = random.choice(seeds.pictures())
    return whole + random.choice((*BACKS, random.choice(seeds.pictures()), random.choice(seeds.saved())))


def _take(data: bytes) -> str:
    try:
        photo = open_photo(data)
    except MagicFixupError:
        return "refused"
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or min(photo.shape[:2]) < MIN_SIDE:
        raise Finding(f"a photo of {photo.dtype} {photo.shape}")
    kept = keep_photo(data)
    says(kept.exif)
    chosen(kept.exif, camera=True, place=True)
    if not np.array_equal(open_photo(photo_file(photo, kept).data), photo):
        raise Finding("the kept file shows another picture")
    return "taken"


def _open(data: bytes) -> str:
    try:
        open_photo(data)
    except MagicFixupError:
        return "refused"
    keep_photo(data)
    return "taken"


def _take_edit(data: bytes) -> str:
    try:
        edit = open_edit(data)
    except MagicFixupError:
        return "refused"
    if edit.rgb.shape[:2] != edit.alpha.shape or edit.hole.all():
        raise Finding(f"an edit of {edit.rgb.shape} and {edit.alpha.shape}")
    return "taken"


def _refuse(data: bytes) -> str:
    if _take(data) == "taken":
        raise Finding("a format that is not let in was taken")
    return "refused"


def _keep(data: bytes) -> str:
    if _take(data) != "taken":
        raise Finding("a whole picture was refused for what follows it")
    if any(back in keep_photo(data).data[-600:] for back in BACKS[:3]):
        raise Finding("what follows the picture was kept")
    return "taken"


DOORS = (
    Door("photos", _picture, _take, share=26),
    Door("edits", _picture, _take_edit, share=8),
    Door("other formats", _foreign, _refuse, share=4),
    Door("two files in one", _two_in_one, _keep, share=4),
    Door("bombs", bombs.bomb, _open, share=0),
)
