"""The pictures of a pair as files: PAIR/reference.jpg, edit.jpg, METHOD.jpg, target.jpg."""

from pathlib import Path

import cv2
import numpy as np

from magicfixup_demo.pairs.synthetic import Pair

QUALITY = 92  # of JPEG: a quarter of PNG's size, and no artefact that one would take for a method's
HOLE_COLOUR = (255, 0, 255)


def save_pictures(folder: Path, pair: Pair, results: dict[str, np.ndarray]) -> None:
    """Write them; the target last, since its presence says that the pair is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    edit = np.where(pair.edit.hole[..., None], HOLE_COLOUR, pair.edit.rgb).astype(np.uint8)
    pictures = {"reference": pair.reference, "edit": edit} | results | {"target": pair.target}
    for name, picture in pictures.items():
        _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        (folder / f"{name}.jpg").write_bytes(data.tobytes())


def has_pictures(folder: Path, methods: list[str]) -> bool:
    """Whether the pictures of a pair are all there."""
    return all((folder / f"{name}.jpg").exists() for name in (*methods, "target"))
