"""One fix-up as the page asks for it: the chosen model, and another one beside it where that is wanted."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace

import numpy as np

from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.interface import Engine, EngineInfo, Preview, Progress
from magicfixup_demo.errors import Cancelled, EditError, ModelError
from magicfixup_demo.limits import LARGE_PIXELS
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.drawing import draw
from magicfixup_demo.ui.example_results import fingerprint
from magicfixup_demo.ui.jobs import Job
from magicfixup_demo.ui.lines import FIXING, Piece, in_words
from magicfixup_demo.ui.payload import options_from, other_record, result_record
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.services import Services
from magicfixup_demo.ui.telling import sentence_of


@dataclass(frozen=True, eq=False)
class _Work:
    """What one job works on; ``kept_as`` names an example's own edit, and is empty for everything else."""

    services: Services
    visit: str
    photo: np.ndarray
    edit: CoarseEdit
    kept_as: str
    options: dict


def fix_up(services: Services, photo: OpenPhoto, record: dict, job: Job) -> dict:
    """{"job", "collage", "options", "sources"} -> what the page shows. ``sources``: id in the collage -> photo's token.

    Raises MagicFixupError, and Cancelled when stopped.
    """
    collage = collage_from_json(record.get("collage") or "")
    sources = _sources(services, record.get("sources"))
    edit = draw(services, photo.visit, photo.image, collage, sources, job.report)
    check_changed(photo.image, edit)
    own = bool(photo.saved_edit) and fingerprint(photo.image, edit) == photo.saved_edit
    options = record.get("options") if isinstance(record.get("options"), dict) else {}
    work = _Work(services, photo.visit, photo.image, edit, photo.saved_edit if own else "", options)
    name, other = _names(services, options)
    result, info = _run(work, name, _share(job.report, 0, 2 if other else 1), job.show)
    reply, results = result_record(result, info), [result]
    if other:
        try:
            beside, beside_info = _run(work, other, _share(job.report, 1, 2), job.show, beside=True)
            results.append(beside)
            reply["other"] = other_record(beside, beside_info)
        except Exception as error:  # or a stop: the first result is there; it is shown, and why it stands alone
            problem = sentence_of(error, "another model")
            reply["note"] = f"{result.note} {strings.OTHER_MISSING.format(problem=problem)}".strip()
    with suppress(Cancelled):
        job.report(1.0, strings.FINISHING)
    services.photos.keep_results(photo, job.name, tuple(results))
    return {**reply, "rounds": photo.rounds + 1}


def _sources(services: Services, tokens: object) -> dict[str, np.ndarray]:
    """The other photos that objects were taken from, by their id in the collage. Raises MagicFixupError."""
    tokens = tokens if isinstance(tokens, dict) else {}
    return {str(name): services.photos.get(token).image for name, token in tokens.items()}


def _names(services: Services, options: dict) -> tuple[str | None, str | None]:
    """The chosen model (None: the default) and the one beside it, if any. Raises ModelError."""
    name, other = options.get("model") or None, options.get("other") or None
    if not isinstance(name, str | None) or not isinstance(other, str | None):
        raise ModelError(strings.NO_MODEL)
    return name, None if other == (name or services.engines.default) else other


def _run(
    work: _Work, name: str | None, report: Progress, preview: Preview, beside: bool = False
) -> tuple[EditResult, EngineInfo]:
    """The result of one model; ``beside`` another only its picture is wanted, with its own number of steps."""
    name = name or work.services.engines.default
    defaults = EditOptions(sdedit=not beside)
    asked = {"seed": work.options.get("seed", 0)} if beside else work.options
    plain = not any(asked.get(key) for key in ("seed", "steps", "sampler", "prompt"))
    plain = plain and asked.get("samples") in (None, 1)

    example = (work.kept_as, name) if work.kept_as and plain and name else None

    def kept() -> tuple[EditResult, EngineInfo] | None:
        return work.services.example_results.get(*example, defaults) if example else None

    if kept():
        return kept()
    engine = work.services.engines.get(name, report)
    options = options_from(asked, engine.info, sdedit=not beside)
    piece = piece_of(engine, work.photo, work.edit, options, example)
    with turn_to_fix(work.services, work.visit, report, piece):
        if kept():  # made meanwhile, for somebody who stood before us
            return kept()
        result = engine.fixup(work.photo, work.edit, options, report, preview)
    if not beside and not options.sdedit:
        size = f"{engine.info.sdedit_megabytes / 1000:.1f} GB"
        result = replace(result, note=f"{result.note} {strings.SDEDIT_UNASKED.format(size=size)}".strip())
    if work.kept_as and options == defaults and not result.note:
        work.services.example_results.keep(work.kept_as, engine.info.name, options, result, engine.info)
    licence = work.services.engines.catalogue.licence_of(result.model)  # memory may have been short for the one asked
    return result, replace(engine.info, name=result.model, licence=licence)


def piece_of(
    engine: Engine, photo: np.ndarray, edit: CoarseEdit, options: EditOptions, example: tuple | None = None
) -> Piece:
    """A fix-up as its line sees it.

    A large photo takes gigabytes and up to minutes: one at a time, alone, and others go on beside it. Of an ``example``
    one fix-up is enough for everybody.
    """
    large = is_large(photo)
    kind = None if large else engine.kind_of(photo, edit, options)
    return Piece(kind, frozenset([example] if example else ()), aside=large)


def is_large(photo: np.ndarray) -> bool:
    """Whether work on this photo, (H, W, 3), goes on aside: see ``piece_of``."""
    return photo.shape[0] * photo.shape[1] >= LARGE_PIXELS


def turn_to_fix(services: Services, visit: str, report: Progress, piece: Piece) -> AbstractContextManager[None]:
    """While it lasts this visit's fix-up is at work; ``report`` hears the place in the line until then."""
    return services.fixing.turn(FIXING, visit, lambda place: report(0.0, in_words(place)), piece=piece)


def _share(report: Callable[[float, str], None], part: int, parts: int) -> Progress:
    """Progress of one part of the whole."""
    return lambda fraction, text: report((part + fraction) / parts, text)


def check_changed(photo: np.ndarray, edit: CoarseEdit) -> None:
    """Raises EditError where there is nothing to repair."""
    if not edit.hole.any() and np.array_equal(edit.rgb, photo):
        raise EditError(strings.NOTHING_MOVED)
