"""How well shadows are found on real photos: a fixed list of objects with a clear shadow, for a person to look at; and
of objects without one, of whose surroundings hardly anything may be darkened.

shadows.json lists them by the names of their masks below DATA/photos/coco_masks.
"""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from magicfixup_demo.engine.effects import Effects, attenuation, seen_around, without_shadows
from magicfixup_demo.errors import DataError
from magicfixup_demo.images import open_mask, open_photo, save_png

LIST = Path(__file__).with_name("shadows.json")
SIDE = 256  # pixels of a panel
COLUMNS = 3  # objects beside each other
DARKENED = 0.1  # share of light
OUTLINE = (255, 0, 0)


def judge_shadows(effects: Effects, data: Path, output: Path, say: Callable[[str], object]) -> dict[str, float]:
    """Write ``output``/shadow.png and none.png, sheets of the listed objects, and say how much is darkened.

    Each object: the photo around it with its outline, what its shadow leaves of the light, and the photo without the
    shadow. Returns {"found": share of the objects with a shadow of which one was found, "darkened": share of the
    photos of objects without one that is darkened by more than DARKENED, their mean}. Raises DataError where DATA is
    not there.
    """
    output.mkdir(parents=True, exist_ok=True)
    figures = {}
    for kind, names in json.loads(LIST.read_text()).items():
        rows, shares = [], []
        for name in names:
            photo, mask = _read(data, name)
            shadow = effects.of(photo, mask)
            left = attenuation([shadow] if shadow else [], *photo.shape[1::-1])
            shares.append(float((left[~mask] < 255 * (1 - DARKENED)).mean()))
            rows.append(_row(photo, mask, left, without_shadows(photo, [(shadow, mask)] if shadow else [])[0]))
            say(f"{kind}: {name}: {shares[-1]:.1%} of the photo darkened by more than {DARKENED:.0%}")
        save_png(output / f"{kind}.png", _sheet(rows))
        figures[kind] = shares
    result = {"found": float(np.mean(np.array(figures["shadow"]) > 0)), "darkened": float(np.mean(figures["none"]))}
    say(f"Shadows found of {result['found']:.0%}; where there is none {result['darkened']:.2%} is darkened (mean).")
    return result


def _read(data: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The photo, (H, W, 3) uint8, and the object's mask, (H, W) bool."""
    photo_path = data / "photos" / "coco" / f"{name.rpartition('_')[2]}.jpg"
    mask_path = data / "photos" / "coco_masks" / f"{name}.png"
    for path in (photo_path, mask_path):
        if not path.is_file():
            raise DataError(f"{path} is not there; name the folder that holds photos/coco and photos/coco_masks.")
    photo = open_photo(photo_path)
    return photo, open_mask(mask_path, photo.shape[1], photo.shape[0])


def _row(photo: np.ndarray, mask: np.ndarray, left: np.ndarray, lit: np.ndarray) -> np.ndarray:
    window = seen_around(mask).window
    panels = [photo, np.repeat(left[..., None], 3, axis=2), lit]
    shown = [cv2.resize(panel[window], (SIDE, SIDE), interpolation=cv2.INTER_AREA) for panel in panels]
    inside = cv2.resize(mask[window].astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    shown[0][cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0] = OUTLINE
    return np.hstack(shown)


def _sheet(rows: list[np.ndarray]) -> np.ndarray:
    rows = rows + [np.zeros_like(rows[0])] * (-len(rows) % COLUMNS)
    return np.vstack([np.hstack(rows[i : i + COLUMNS]) for i in range(0, len(rows), COLUMNS)])
