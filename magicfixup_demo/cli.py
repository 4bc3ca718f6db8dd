"""The command line: what the page does, without a browser.

Exit status 0; 2 with one line on standard error; 1 where a check that was asked for has failed.

To add a command: one function that adds its parser (listed in COMMANDS) and one handler, which imports what it needs
itself, so that ``--help`` stays quick.
"""

import argparse
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from magicfixup_demo.cli_research import add_bench, add_evaluate, add_pairs, add_parity, add_train
from magicfixup_demo.errors import MagicFixupError, ModelError, OptionError
from magicfixup_demo.limits import BACKEND_NAMES, MAX_SAMPLES, MAX_SEED, MAX_STEPS, SAMPLER_NAMES

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
    parser.add_argument("--point", metavar="X,Y", type=_numbers(2, "X,Y"), action="append", default=[])
    parser.add_argument("--exclude", metavar="X,Y", type=_numbers(2, "X,Y"), action="append", default=[])
    parser.add_argument("--box", metavar="X0,Y0,X1,Y1", type=_numbers(4, "X0,Y0,X1,Y1"))
    parser.add_argument("--segmenter", metavar="NAME", default="auto", help="auto, mobile-sam, sam2-tiny, ...")
    _add_output(parser, "MASK.png", "grey PNG of the photo's size, 255 = object")
    parser.set_defaults(run=_segment)


def _segment(options: argparse.Namespace) -> None:
    import numpy as np

    from magicfixup_demo.images import open_photo, save_png
    from magicfixup_demo.schema import Prompt
    from magicfixup_demo.segmentation.interface import checked_prompt
    from magicfixup_demo.segmentation.registry import load_segmenter

    photo = open_photo(options.photo)
    labels = (True,) * len(options.point) + (False,) * len(options.exclude)
    prompt = Prompt(tuple(options.point + options.exclude), labels, options.box)
    prompt = checked_prompt(prompt, photo.shape[1], photo.shape[0])  # before a download, not after it
    segmenter = load_segmenter(options.segmenter, show_progress)
    mask = segmenter.candidates(segmenter.embed(photo, show_progress), prompt)[0].mask
    save_png(options.output, mask.astype(np.uint8) * 255)
    say(f"{options.output}: {mask.mean():.1%} of the photo, by {segmenter.name}. {segmenter.note}".strip())


# --- collage ----------------------------------------------------------------------------------------------------------


def _add_collage(commands) -> None:
    parser = commands.add_parser("collage", help="render a saved collage -> a coarse edit")
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument("collage", metavar="COLLAGE.json")
    _add_output(parser, "EDIT.png", "RGBA PNG, alpha 0 = hole")
    parser.set_defaults(run=_collage)


def _collage(options: argparse.Namespace) -> None:
    from magicfixup_demo.collage import render
    from magicfixup_demo.collage_json import collage_from_json
    from magicfixup_demo.images import open_photo, save_png

    photo = open_photo(options.photo)
    edit = render(photo, collage_from_json(_read_collage(options.collage)))
    save_png(options.output, edit.rgba)
    say(f"{options.output}: {edit.hole.mean():.1%} of it is hole.")


def _read_collage(path: str) -> bytes:
    """The file's bytes; one byte over the limit is enough to be refused."""
    from magicfixup_demo.collage_json import MAX_JSON_CHARACTERS
    from magicfixup_demo.errors import CollageError

    try:
        with open(path, "rb") as opened:
            return opened.read(MAX_JSON_CHARACTERS + 1)
    except OSError as error:
        raise CollageError(f"Cannot read {path}: {error.strerror or error}; check the name and retry.") from error


# --- fixup ------------------------------------------------------------------------------------------------------------


def _add_fixup(commands) -> None:
    parser = commands.add_parser("fixup", help="coarse edit -> photo")
    parser.add_argument("photo", metavar="PHOTO")
    parser.add_argument("edit", metavar="EDIT.png", help="RGBA, alpha 0 = hole; another size than the photo's is fine")
    _add_output(parser, "RESULT.png", "with --samples 2 or more: RESULT_1.png, RESULT_2.png, ...")
    parser.add_argument("--model", metavar="NAME", default="small")
    parser.add_argument("--backend", choices=BACKEND_NAMES, default="torch", help="what computes the model")
    parser.add_argument("--steps", metavar="N", type=_whole(1, MAX_STEPS), help="default: the model's own")
    parser.add_argument("--seed", metavar="N", type=_whole(0, MAX_SEED), default=0)
    parser.add_argument("--samples", metavar="K", type=_whole(1, MAX_SAMPLES), default=1)
    parser.add_argument("--sampler", choices=SAMPLER_NAMES, help="default: the model's own")
    parser.add_argument("--sdedit", metavar="OUT.png", type=_output_path, help="also write what SDEdit makes of it")
    parser.add_argument("--prompt", metavar="TEXT", default="", help="for the SDEdit of models that read one")
    parser.set_defaults(run=_fixup)


def _fixup(options: argparse.Namespace) -> None:
    from magicfixup_demo.engine.registry import load_engine
    from magicfixup_demo.images import open_edit, open_photo, save_png
    from magicfixup_demo.schema import EditOptions

    photo, edit = open_photo(options.photo), open_edit(options.edit)
    wanted = EditOptions(
        options.steps,
        options.seed,
        options.samples,
        sdedit=options.sdedit is not None,
        sampler=options.sampler,
        prompt=options.prompt,
    )
    engine = load_engine(options.model, backend=options.backend, progress=show_progress)
    result = engine.fixup(photo, edit, wanted, show_progress)
    notes = {"model": result.model, "steps": str(result.steps)}
    for index, (path, image) in enumerate(zip(_sample_paths(options), result.images, strict=True)):
        seed = (result.seed + index) % (MAX_SEED + 1)
        save_png(path, image, notes | {"seed": str(seed)})
        say(f"{path}: {result.model}, {result.steps} steps, seed {seed}.")
    if getattr(engine, "note", ""):
        say(engine.note)
    if options.sdedit is not None:
        if result.sdedit is None:
            raise ModelError(result.note)
        save_png(options.sdedit, result.sdedit, notes | {"seed": str(result.seed), "method": "SDEdit"})
        say(f"{options.sdedit}: SDEdit of the same edit and seed.")


def _sample_paths(options: argparse.Namespace) -> list[Path]:
    """RESULT.png, or for several samples RESULT_1.png, RESULT_2.png, ..."""
    path: Path = options.output
    if options.samples == 1:
        return [path]
    return [path.with_stem(f"{path.stem}_{index}") for index in range(1, options.samples + 1)]


# --- what commands share ----------------------------------------------------------------------------------------------

COMMANDS = (_add_segment, _add_collage, _add_fixup, add_pairs, add_train, add_evaluate, add_parity, add_bench)


def _add_output(parser: argparse.ArgumentParser, name: str, explanation: str) -> None:
    parser.add_argument("-o", "--output", metavar=name, required=True, type=_output_path, help=explanation)


def _output_path(text: str) -> Path:
    """Refuse a place that cannot be written to before the work, rather than after it."""
    path = Path(text)
    folder = path.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OptionError(f"Cannot write {text}: there is no folder {folder} that can be written to; create it first.")
    if path.is_dir():
        raise OptionError(f"Cannot write {text}: it is a folder; give the name of a file.")
    return path


def _numbers(count: int, form: str) -> Callable[[str], tuple[float, ...]]:
    """A parser of ``count`` numbers with commas between them."""

    def parse(text: str) -> tuple[float, ...]:
        try:
            values = tuple(float(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != count:
            raise OptionError(f"{text!r} is not {form}; give {count} numbers with commas and no spaces between them.")
        return values

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    """A parser of whole numbers from ``low`` to ``high``."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise OptionError(f"{text!r} is not a whole number from {low} to {high}.")
        return int(text)

    return parse


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
