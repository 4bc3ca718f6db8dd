"""The command fixup: a coarse edit, or work that the page saved, becomes a photo."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from magicfixup_demo.cli_arguments import output_path, whole
from magicfixup_demo.errors import ModelError, OptionError
from magicfixup_demo.limits import BACKEND_NAMES, MAX_SAMPLES, MAX_SEED, MAX_STEPS, SAMPLER_NAMES, sample_seed

if TYPE_CHECKING:  # --help stays quick
    import numpy as np

    from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult

DEFAULT_MODEL = "small"


@dataclass(frozen=True, eq=False)
class _Request:
    """What is asked of which model; ``saved``: the result that a saved file has, (H, W, 3) uint8, and its weights."""

    photo: "np.ndarray"
    edit: "CoarseEdit"
    model: str
    options: "EditOptions"
    saved: "np.ndarray | None" = None
    revision: str = ""


def add_fixup(commands) -> None:
    parser = commands.add_parser("fixup", help="coarse edit -> photo; or a file saved by the page -> the same again")
    parser.add_argument("photo", metavar="PHOTO", help="or SAVED.zip, SAVED.png: then its settings are the defaults")
    parser.add_argument(
        "edit", metavar="EDIT.png", nargs="?", help="RGBA, alpha 0 = hole; another size than the photo's is fine"
    )
    parser.add_argument(
        *("-o", "--output"),
        metavar="RESULT.png",
        required=True,
        type=output_path,
        help="or, with samples, RESULT_1.png ...",
    )
    parser.add_argument("--model", metavar="NAME", help=f"default: {DEFAULT_MODEL}")
    parser.add_argument("--backend", choices=BACKEND_NAMES, default="torch", help="what computes the model")
    parser.add_argument("--steps", metavar="N", type=whole(1, MAX_STEPS), help="default: the model's own")
    parser.add_argument("--seed", metavar="N", type=whole(0, MAX_SEED))
    parser.add_argument("--samples", metavar="K", type=whole(1, MAX_SAMPLES), default=1)
    parser.add_argument("--sampler", choices=SAMPLER_NAMES, help="default: the model's own")
    parser.add_argument("--sdedit", metavar="OUT.png", type=output_path, help="also write what SDEdit makes of it")
    parser.add_argument("--prompt", metavar="TEXT", help="for the SDEdit of models that read one")
    parser.set_defaults(run=_fixup)


def _fixup(options: argparse.Namespace) -> None:
    from magicfixup_demo.cli import say, show_progress
    from magicfixup_demo.engine.registry import load_engine

    request = _from_edit(options) if options.edit else _from_saved(options)
    engine = load_engine(request.model, backend=options.backend, progress=show_progress)
    result = engine.fixup(request.photo, request.edit, request.options, show_progress)
    for index, (path, image) in enumerate(zip(_sample_paths(options), result.images, strict=True)):
        seed = sample_seed(result.seed, index)
        write_made(path, image, result.model, _facts(result, seed))
        say(f"{path}: {result.model}, {result.steps} steps, seed {seed}.")
    if getattr(engine, "note", ""):
        say(engine.note)
    if request.saved is not None:
        say(_compared(result.images[0], request.saved, result.model, request.revision))
    if options.sdedit is not None:
        if result.sdedit is None:
            raise ModelError(result.note)
        write_made(options.sdedit, result.sdedit, result.model, _facts(result, result.seed) | {"method": "SDEdit"})
        say(f"{options.sdedit}: SDEdit of the same edit and seed.")


def _from_edit(options: argparse.Namespace) -> _Request:
    from magicfixup_demo.images import open_edit, open_photo

    photo, edit = open_photo(options.photo), open_edit(options.edit)
    return _Request(photo, edit, options.model or DEFAULT_MODEL, _wanted(options, {}))


def _from_saved(options: argparse.Namespace) -> _Request:
    """A zip, or a PNG with the photo inside; what the command line names goes before what the file says."""
    from magicfixup_demo.collage import render
    from magicfixup_demo.collage_json import collage_from_json
    from magicfixup_demo.saving.reading import read_file
    from magicfixup_demo.saving.work import opened

    work = read_file(options.photo)
    if work is None:
        raise OptionError(f"{options.photo} is not a file that the page saved; give its EDIT.png too.")
    if not work.photos:
        raise OptionError(f"{options.photo} has no photo inside; save it as Picture and collage, or as Everything.")
    record = work.record
    photos = {one.id: opened(work.photos[one.id], one) for one in (record.photo, *record.sources)}
    edit = render(photos[""], collage_from_json(work.collage), photos)
    made = record.result
    said = record.options | ({"seed": made.seed, "steps": made.steps, "model": made.model} if made else {})
    model = options.model or said.get("model") or DEFAULT_MODEL
    as_it_was = all(getattr(options, key) is None for key in ("model", "steps", "seed", "sampler", "prompt"))
    saved = work.result if as_it_was else None
    return _Request(photos[""], edit, model, _wanted(options, said), saved, made.revision if made else "")


def _wanted(options: argparse.Namespace, said: dict) -> "EditOptions":
    """``said``: what holds where the command line names nothing."""
    from magicfixup_demo.schema import EditOptions

    given = {key: getattr(options, key) for key in ("steps", "seed", "sampler", "prompt")}
    steps, seed, sampler, prompt = (said.get(key) if value is None else value for key, value in given.items())
    sdedit = options.sdedit is not None
    return EditOptions(steps, seed or 0, options.samples, sdedit=sdedit, sampler=sampler, prompt=prompt or "")


def _sample_paths(options: argparse.Namespace) -> list[Path]:
    """RESULT.png, or for several samples RESULT_1.png, RESULT_2.png, ..."""
    path: Path = options.output
    if options.samples == 1:
        return [path]
    return [path.with_stem(f"{path.stem}_{index}") for index in range(1, options.samples + 1)]


def _facts(result: "EditResult", seed: int) -> dict[str, str]:
    return {"steps": str(result.steps), "seed": str(seed)}


def write_made(path: Path, image: "np.ndarray", model: str, facts: dict[str, str]) -> None:
    """Write a PNG that says that ``model`` made it, and how (``facts``).

    image: (H, W, 3) uint8. Raises PhotoError where the file cannot be written.
    """
    from magicfixup_demo.engine.revisions import model_revision
    from magicfixup_demo.images import save_png
    from magicfixup_demo.saving.iptc import KEYWORD, xmp_packet
    from magicfixup_demo.saving.record import TOOL

    marked = {"Software": TOOL, KEYWORD: xmp_packet(TOOL, model, model_revision(model))}
    save_png(path, image, {"model": model} | facts | marked)


def _compared(image: "np.ndarray", saved: "np.ndarray", model: str, revision: str) -> str:
    """How a result made anew lies to the saved one."""
    import numpy as np

    from magicfixup_demo.engine.revisions import model_revision

    here = model_revision(model)
    other = f" It was made with other weights ({revision}; here are {here})." if revision and revision != here else ""
    if np.array_equal(image, saved):
        return f"The same as the saved result, pixel for pixel.{other}"
    difference = np.abs(image.astype(int) - saved).max(axis=2)
    share, most = (difference > 0).mean(), difference.max()
    return f"{share:.2%} of the pixels differ from the saved result, by {most} at most.{other}"
