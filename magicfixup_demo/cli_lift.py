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
    more = "a picture of the photo's size, white = object, as segment writes it; several are united"
    parser.add_argument("masks", metavar="MASK.png", nargs="+", help=more)
    parser.add_argument("-o", "--output", metavar="PLATE.png", required=True, type=output_path)
    seed = "another number gives other ground; default: 0"
    parser.add_argument("--seed", metavar="N", type=whole(0, MAX_SEED), default=0, help=seed)
    parser.set_defaults(run=_lift)


def _lift(options: argparse.Namespace) -> None:
    from magicfixup_demo.cli import say, show_progress
    from magicfixup_demo.engine.plate import lifted
    from magicfixup_demo.engine.registry import load_engine
    from magicfixup_demo.images import open_photo

    photo = open_photo(options.photo)
    removed = _united(options.masks, photo)
    engine = load_engine(MODEL, progress=show_progress)
    plate = engine.lift(photo, removed, options.seed, show_progress)
    write_made(options.output, plate, MODEL, {"seed": str(options.seed), "method": "lift"})
    say(f"{options.output}: {lifted(removed).mean():.1%} of the photo filled anew, seed {options.seed}.")
    if getattr(engine, "note", ""):
        say(engine.note)


def _united(paths: list[str], photo: "np.ndarray") -> "np.ndarray":
    """(H, W) bool, what is white in any of the masks. Raises SegmentationError that names the file."""
    import numpy as np

    from magicfixup_demo.images import open_mask

    removed = np.zeros(photo.shape[:2], bool)
    for path in paths:
        try:
            removed |= open_mask(path, photo.shape[1], photo.shape[0])
        except SegmentationError as error:
            raise SegmentationError(f"Mask {path}: {error}") from error
    return removed
