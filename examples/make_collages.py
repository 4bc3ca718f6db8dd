"""Make every example's collage.json again from clicks and moves: python examples/make_collages.py [NAME ...]

Run it from the repository's root. The objects are cut out as the page cuts them out: MobileSAM's masks, matted.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from magicfixup_demo.affine import compose, rotation, scaling, translation
from magicfixup_demo.collage import segment_from_mask
from magicfixup_demo.collage_json import collage_to_json
from magicfixup_demo.evaluation.standing import select
from magicfixup_demo.images import open_photo
from magicfixup_demo.schema import Collage, Layer, Segment
from magicfixup_demo.segmentation.registry import load_segmenter

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Move:
    """Where an object goes: pixels right and down, scale and turn about its centre, mirrored or not."""

    object: int = 0
    dx: float = 0
    dy: float = 0
    scale: float = 1
    degrees: float = 0
    flip: bool = False
    opacity: float = 1


@dataclass(frozen=True)
class Recipe:
    """Clicks that select each object (see ``standing.select``), and what is shown of them, back to front."""

    objects: tuple[dict, ...]
    moves: tuple[Move, ...] = ()


RECIPES = {
    "coffee": Recipe(
        ({"points": [[280, 120], [280, 300], [120, 220]], "box": [76, 12, 482, 390]},), (Move(flip=True),)
    ),
    "polar-bear": Recipe(
        ({"points": [[500, 350], [760, 380], [450, 480], [832, 570]], "box": [246, 246, 868, 588]},),
        (Move(dx=-150, dy=-12, scale=0.95),),
    ),
    "bee": Recipe(
        (
            {
                "points": [[230, 420], [320, 330], [180, 320], [290, 480], [370, 278], [400, 280], [338, 519]],
                "exclude": [[440, 270], [384, 281]],
            },
        ),
        (Move(dx=405, dy=55, degrees=-6),),
    ),
    "camels": Recipe(
        (
            {
                "points": [[900, 330], [480, 550], [640, 600], [810, 600], [980, 590], [1150, 220]],
                "box": [435, 85, 1210, 635],
            },
            {"points": [[290, 400], [430, 350], [120, 560], [350, 540]], "box": [60, 285, 490, 615]},
        ),
        (Move(dx=-360), Move(1, dx=727, dy=10, flip=True)),
    ),
    "spoonbills": Recipe(
        (
            {"points": [[230, 270], [350, 200], [210, 480], [385, 470], [146, 195]]},
            {"points": [[215, 640], [250, 690]], "box": [150, 545, 345, 719]},  # its reflection
            {"points": [[390, 580]], "box": [330, 540, 410, 660]},  # and its leg's
        )
    ),
    "dolphin": Recipe(
        ({"points": [[560, 240], [700, 450], [520, 140]]},),
        (Move(dx=200, dy=110, scale=0.5, degrees=-35, flip=True, opacity=0.85), Move(dx=-170)),
    ),
}
WITHOUT_SHADOWS = ("bee", "polar-bear")  # one is in the air; of the other's the branches around it are taken for a part


def main() -> None:
    segmenter = load_segmenter("mobile-sam")
    for name in sys.argv[1:] or RECIPES:
        photo = open_photo(FOLDER / name / "photo.jpg")
        embedding = segmenter.embed(photo)
        masks = [select(thing, photo, segmenter, embedding) for thing in RECIPES[name].objects]
        segments = tuple(segment_from_mask(f"object-{i + 1}", mask) for i, mask in enumerate(masks))
        layers = tuple(_layer(f"layer-{i + 1}", segments, move) for i, move in enumerate(RECIPES[name].moves))
        shadows = name not in WITHOUT_SHADOWS
        text = collage_to_json(Collage(photo.shape[1], photo.shape[0], segments, layers, shadows=shadows))
        (FOLDER / name / "collage.json").write_text(text + "\n")


def _layer(name: str, segments: tuple[Segment, ...], move: Move) -> Layer:
    segment = segments[move.object]
    height, width = segment.mask.shape
    centre = (segment.left + width / 2, segment.top + height / 2)
    turned = compose(
        rotation(math.radians(move.degrees), centre),
        scaling(-move.scale if move.flip else move.scale, move.scale, centre),
    )
    return Layer(name, segment.id, compose(translation(move.dx, move.dy), turned), opacity=move.opacity)


if __name__ == "__main__":
    main()
