"""The command line: what the page does, without a browser.

Exit status 0; 2 with one line on standard error; 1 where a check that was asked for has failed.

To add a command: one function that adds its parser (listed in COMMANDS) and one handler, which imports what it needs
itself, so that ``--help`` stays quick.
"""

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence

from magicfixup_demo.cli_arguments import named_file, numbers, output_path
from magicfixup_demo.cli_fixup import add_fixup
from magicfixup_demo.cli_lift import add_lift
from magicfixup_demo.cli_research import (
    add_bench,
    add_convert_ground,
    add_evaluate,
    add_pairs,
    add_parity,
    add_shadows,
    add_standing,
    add_train,
    add_train_effects,
    add_train_ground,
)
from magicfixup_demo.errors import MagicFixupError, OptionError

INTERRUPTED = 130  # what shells expect after Ctrl-C


class _Parser(argparse.ArgumentParser):
    """argparse, but its complaints are errors of our family (one line, no usage text)."""

    def error(self, message: str):
        raise OptionError(f"{message}; see {self.prog} --help.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    _quieten()
    try:
        options = _parser().parse_args(arguments)
        return options.run(options) or 0  # a handler returns a status only where it may be another
    except MagicFixupError as error:
        _say_error(str(error))
        return 2
    except KeyboardInterrupt:
        _say_error("Interrupted.")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m magicfixup_demo", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add_parser in COMMANDS:
        add_parser(commands)
    return parser


# --- segment ----------------------------------------------------------------------------------------------------------


def _add_segment(commands) -> None:
    parser = commands.add_parser("segment", help="cut an object out: clicks or a box -> a mask")
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument("--point", metavar="X,Y", type=numbers(2, "X,Y"), action="append", default=[])
    parser.add_argument("--exclude", metavar="X,Y", type=numbers(2, "X,Y"), action="append", default=[])
    parser.add_argument("--box", metavar="X0,Y0,X1,Y1", type=numbers(4, "X0,Y0,X1,Y1"))
    parser.add_argument("--segmenter", metavar="NAME", default="auto", help="auto, mobile-sam, sam2-tiny, ...")
    parser.add_argument("--soft", action="store_true", help="let the mask follow fur, hair and blurred edges")
    _add_output(parser, "MASK.png", "grey PNG of the photo's size, 255 = object")
    parser.set_defaults(run=_segment)


def _segment(options: argparse.Namespace) -> None:
    import numpy as np

    from magicfixup_demo.images import open_photo, save_png
    from magicfixup_demo.schema import Prompt
    from magicfixup_demo.segmentation.interface import checked_prompt
    from magicfixup_demo.segmentation.matting import matte
    from magicfixup_demo.segmentation.registry import load_segmenter

    photo = open_photo(options.photo)
    labels = (True,) * len(options.point) + (False,) * len(options.exclude)
    prompt = Prompt(tuple(options.point + options.exclude), labels, options.box)
    prompt = checked_prompt(prompt, photo.shape[1], photo.shape[0])  # before a download, not after it
    segmenter = load_segmenter(options.segmenter, show_progress)
    mask = segmenter.candidates(segmenter.embed(photo, show_progress), prompt)[0].mask
    save_png(options.output, matte(photo, mask) if options.soft else mask.astype(np.uint8) * 255)
    say(f"{options.output}: {mask.mean():.1%} of the photo, by {segmenter.name}. {segmenter.note}".strip())


# --- collage ----------------------------------------------------------------------------------------------------------


def _add_collage(commands) -> None:
    parser = commands.add_parser("collage", help="render a saved collage -> a coarse edit")
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument("collage", metavar="COLLAGE.json")
    more = "a photo that objects of the collage come from, by the name it has there; once for each"
    parser.add_argument("--source", metavar="ID=FILE", type=named_file, action="append", default=[], help=more)
    _add_output(parser, "EDIT.png", "RGBA PNG, alpha 0 = hole")
    parser.set_defaults(run=_collage)


def _collage(options: argparse.Namespace) -> None:
    from magicfixup_demo.collage import render
    from magicfixup_demo.collage_json import collage_from_json
    from magicfixup_demo.images import open_photo, save_png

    photo, collage = open_photo(options.photo), collage_from_json(_read_collage(options.collage))
    edit = render(photo, collage, _sources(options.source, collage))
    save_png(options.output, edit.rgba)
    say(f"{options.output}: {edit.hole.mean():.1%} of it is hole.")


def _sources(files: list[tuple[str, str]], collage) -> dict:
    """Id -> picture. Raises CollageError that says which option is missing, or names what the collage does not have."""
    from magicfixup_demo.collage import needed_sources
    from magicfixup_demo.errors import CollageError
    from magicfixup_demo.images import open_photo

    sizes = {source.id: f"{source.width} x {source.height}" for source in collage.sources}
    for name in sorted({name for name, _ in files} - sizes.keys()):
        known = f"it has {', '.join(sizes)}" if sizes else "it needs no other photo"
        raise CollageError(f"This collage has no photo named {name!r}; {known}.")
    missing = [f"--source {name}=FILE ({sizes[name]})" for name in needed_sources(collage) if name not in dict(files)]
    if missing:
        raise CollageError(f"This collage shows objects of another photo; add {' '.join(missing)}.")
    return {name: open_photo(path) for name, path in files}


def _read_collage(path: str) -> bytes:
    """The file's bytes; one byte over the limit is enough to be refused."""
    from magicfixup_demo.collage_json import MAX_JSON_CHARACTERS
    from magicfixup_demo.errors import CollageError

    try:
        with open(path, "rb") as opened:
            return opened.read(MAX_JSON_CHARACTERS + 1)
    except OSError as error:
        raise CollageError(f"Cannot read {path}: {error.strerror or error}; check the name and retry.") from error


# --- what commands share ----------------------------------------------------------------------------------------------

COMMANDS = (
    _add_segment,
    _add_collage,
    add_fixup,
    add_lift,
    add_pairs,
    add_train,
    add_convert_ground,
    add_train_ground,
    add_train_effects,
    add_evaluate,
    add_shadows,
    add_standing,
    add_parity,
    add_bench,
)


def _add_output(parser: argparse.ArgumentParser, name: str, explanation: str) -> None:
    parser.add_argument("-o", "--output", metavar=name, required=True, type=output_path, help=explanation)


def show_progress(fraction: float, text: str) -> None:
    """Only where a person watches: a script's standard error holds nothing but the one line of an error."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{fraction:4.0%} {text}", end="", file=sys.stderr, flush=True)


def _clear_progress() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def say(text: str) -> None:
    _clear_progress()
    print(text)


def _say_error(text: str) -> None:
    _clear_progress()
    print(" ".join(text.split()), file=sys.stderr)


def _quieten() -> None:
    """Keep the libraries' own warnings and bars off standard error."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
