"""The command lift: a photo and masks of objects in it become the photo without these objects."""

import argparse
from typing import TYPE_CHECKING

from magicfixup_demo.cli_arguments import output_path, whole
from magicfixup_demo.cli_fixup import write_made
from magicfixup_demo.errors import SegmentationError
from magicfixup_demo.limits import MAX_SEED

if TYPE_CHECKING:  # --help stays quick
    import numpy as np

MODEL = "small"  # the one that finds the ground behind objects


def add_lift(commands) -> None:
    parser = commands.add_parser("lift", help="remove objects: a photo and masks of them -> the photo without them")
    parser.add_argument("photo", metavar="PHOTO")
    more = "a picture of the photo's size, white = object, as segment writes it; one for each object"
    parser.add_argument("masks", metavar="MASK.png", nargs="+", help=more)
    parser.add_argument("-o", "--output", metavar="PLATE.png", required=True, type=output_path)
    seed = "another number gives other ground; default: 0"
    parser.add_argument("--seed", metavar="N", type=whole(0, MAX_SEED), default=0, help=seed)
    light = "also write what the objects' shadows left of the light: grey, linear, 255 = all of it"
    parser.add_argument("--shadow", metavar="SHADOW.png", type=output_path, help=light)
    parser.set_defaults(run=_lift)


def _lift(options: argparse.Namespace) -> None:
    from magicfixup_demo.cli import say, show_progress
    from magicfixup_demo.engine.effects import attenuation
    from magicfixup_demo.engine.registry import load_engine
    from magicfixup_demo.images import open_photo, save_png

    photo = open_photo(options.photo)
    objects = _objects(options.masks, photo)
    engine = load_engine(MODEL, progress=show_progress)
    plate = engine.lift(photo, objects, options.seed, show_progress)
    write_made(options.output, plate.rgb, MODEL, {"seed": str(options.seed), "method": "lift"})
    say(f"{options.output}: {plate.hole.mean():.1%} of the photo filled anew, seed {options.seed}.")
    if options.shadow:
        found = [shadow for shadow in plate.shadows if shadow]
        save_png(options.shadow, attenuation(found, photo.shape[1], photo.shape[0]))
        say(f"{options.shadow}: the shadows of {len(found)} of {len(objects)} objects.")
    if getattr(engine, "note", ""):
        say(engine.note)


def _objects(paths: list[str], photo: "np.ndarray") -> "list[np.ndarray]":
    """(H, W) bool each, what is white in a mask. Raises SegmentationError that names the file."""
    from magicfixup_demo.images import open_mask

    objects = []
    for path in paths:
        try:
            objects.append(open_mask(path, photo.shape[1], photo.shape[0]))
        except SegmentationError as error:
            raise SegmentationError(f"Mask {path}: {error}") from error
    return objects
