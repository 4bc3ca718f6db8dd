"""Photos that no two visits share, and whether a downloaded picture is this visit's own."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from magicfixup_demo.images import open_photo
from magicfixup_demo.schema import CoarseEdit

LONG_SIDES = (1024, 1600, 2048, 4032)  # pixels: from the web, from messengers, from phones
AROUND = 0.25  # of the photo's sides: how far from what moved a repair may reach
LITTLE = 0.05  # of the photo: where less than that lies away from all that moved, the arrangement is looked at too
ALIKE = 25.0  # grey levels on average: two photos differ by more, a repair and its arrangement by far less


@dataclass(frozen=True)
class Upload:
    """A file, and its pixels (H, W, 3) uint8 as the server opens it."""

    data: bytes
    pixels: np.ndarray


def new_upload(photos: list[Path], chance: random.Random) -> Upload:
    """A part of one of ``photos`` with a light of its own, as a JPEG."""
    with Image.open(chance.choice(photos)) as file:
        picture = file.convert("RGB")
    share = chance.uniform(0.75, 1.0)
    width, height = round(picture.width * share), round(picture.height * share)
    left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
    scale = chance.choice(LONG_SIDES) / max(width, height)
    part = picture.resize((round(width * scale), round(height * scale)), box=(left, top, left + width, top + height))
    light = chance.uniform(0.8, 1.0)
    buffer = io.BytesIO()
    part.point(lambda value: value * light).save(buffer, "JPEG", quality=90)
    return Upload(buffer.getvalue(), open_photo(buffer.getvalue()))


def problem_of(
    download: bytes,
    photo: np.ndarray,
    boxes: list[tuple[float, float, float, float]],
    arranged: Callable[[], CoarseEdit],
) -> str:
    """Why a downloaded PNG is not this photo repaired around ``boxes`` (x0, y0, x1, y1); empty where it is.

    Away from all that moved each pixel must be the photo's own, to the last bit: no other visit's photo is. Where
    nearly everything moved, the rest must be like what ``arranged()`` returns.
    """
    with Image.open(io.BytesIO(download)) as image:
        result = np.asarray(image.convert("RGB"))
    if result.shape != photo.shape:
        return f"a picture of {result.shape}, not {photo.shape}"
    height, width = photo.shape[:2]
    away = np.ones((height, width), bool)
    for x0, y0, x1, y1 in boxes:
        left, top = max(0, int(x0 - AROUND * width)), max(0, int(y0 - AROUND * height))
        away[top : max(0, int(y1 + AROUND * height)), left : max(0, int(x1 + AROUND * width))] = False
    same = (result == photo).all(axis=2)
    if not same[away].all():
        return f"{np.mean(~same[away]):.1%} of the pixels that nobody touched have changed"
    if away.mean() < LITTLE:
        edit = arranged()
        off = np.abs(result.astype(np.int16) - edit.rgb)[~edit.hole].mean()
        if off > ALIKE:
            return f"a picture that is {off:.0f} grey levels off what was arranged"
    return "nothing was repaired" if same.all() else ""
