"""Make every example's collage.json again from clicks and moves: python examples/make_collages.py [NAME ...]

Run it from the repository's root. The masks are MobileSAM's, made a little larger, so that the hole that an object
leaves keeps no rim of it.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from magicfixup_demo.affine import IDENTITY, Affine, compose, rotation, scaling, translation
from magicfixup_demo.collage import segment_from_mask
from magicfixup_demo.collage_json import collage_to_json
from magicfixup_demo.images import open_photo
from magicfixup_demo.schema import Collage, Layer, Prompt, Segment
from magicfixup_demo.segmentation.registry import load_segmenter

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Move:
    """Where a copy of the object goes: pixels right and down, scale and turn about its centre, mirrored or not."""

    dx: float = 0
    dy: float = 0
    scale: float = 1
    degrees: float = 0
    flip: bool = False


@dataclass(frozen=True)
class Recipe:
    """Clicks that select the object (photo pixels), pixels the mask grows by, and its copies, back to front."""

    box: tuple[float, float, float, float]
    include: tuple[tuple[float, float], ...]
    exclude: tuple[tuple[float, float], ...] = ()
    grow: int = 3
    moves: tuple[Move, ...] = ()


RECIPES = {
    "coffee": Recipe((76, 12, 482, 390), ((280, 120), (280, 300), (120, 220)), grow=4, moves=(Move(84, 6, 0.95),)),
    "polar-bear": Recipe(
        (246, 246, 868, 588), ((500, 350), (760, 380), (450, 480), (832, 570)), moves=(Move(-215, 34, 1.04),)
    ),
    "rocket": Recipe((304, 124, 342, 405), ((323, 200), (323, 330)), grow=2, moves=(Move(0, -92),)),
    "honey-bee": Recipe(
        (75, 172, 530, 628),
        ((310, 390), (283, 510), (404, 242), (112, 468)),
        ((425, 400), (392, 449)),
        moves=(Move(), Move(505, 6, 0.72, 0, True)),
    ),
    "moose": Recipe(
        (118, 92, 828, 645), ((566, 485), (337, 291), (674, 229), (270, 552)), grow=6, moves=(Move(120, 30, 0.92),)
    ),
    "komodo-dragon": Recipe(
        (46, 2, 935, 622), ((500, 380), (880, 300), (200, 200), (252, 76), (262, 40)), moves=(Move(60, 40, 0.8),)
    ),
}


def main() -> None:
    segmenter = load_segmenter("mobile-sam")
    for name in sys.argv[1:] or RECIPES:
        photo = open_photo(FOLDER / name / "photo.jpg")
        mask = _select(segmenter, photo, RECIPES[name])
        text = collage_to_json(_collage(mask, RECIPES[name].moves))
        (FOLDER / name / "collage.json").write_text(text + "\n")


def _select(segmenter, photo: np.ndarray, recipe: Recipe) -> np.ndarray:
    """(H, W) uint8 mask of the object in one piece, without pinholes, grown by ``recipe.grow`` pixels."""
    points = recipe.include + recipe.exclude
    labels = (True,) * len(recipe.include) + (False,) * len(recipe.exclude)
    best = segmenter.candidates(segmenter.embed(photo), Prompt(points, labels, recipe.box))[0].mask
    contours, _ = cv2.findContours(best.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    piece = cv2.drawContours(np.zeros(best.shape, np.uint8), [largest], -1, 255, cv2.FILLED)
    piece = cv2.morphologyEx(piece, cv2.MORPH_CLOSE, _disc(3))
    return cv2.dilate(piece, _disc(recipe.grow))


def _collage(mask: np.ndarray, moves: tuple[Move, ...]) -> Collage:
    segment = segment_from_mask("object", mask)
    layers = tuple(Layer(f"layer-{i + 1}", "object", _matrix(segment, move)) for i, move in enumerate(moves))
    return Collage(mask.shape[1], mask.shape[0], (segment,), layers)


def _matrix(segment: Segment, move: Move) -> Affine:
    if move == Move():
        return IDENTITY
    height, width = segment.mask.shape
    centre = (segment.left + width / 2, segment.top + height / 2)
    turned = compose(
        rotation(math.radians(move.degrees), centre),
        scaling(-move.scale if move.flip else move.scale, move.scale, centre),
    )
    return compose(translation(move.dx, move.dy), turned)


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


if __name__ == "__main__":
    main()
