"""One fix-up as the page asks for it: the chosen model, and another one beside it where that is wanted."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.interface import EngineInfo, Preview, Progress
from magicfixup_demo.errors import Cancelled, EditError, MagicFixupError, ModelError
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.example_results import fingerprint
from magicfixup_demo.ui.jobs import Job
from magicfixup_demo.ui.payload import options_from, other_record, result_record
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.services import Services


@dataclass(frozen=True, eq=False)
class _Work:
    """What one job works on; ``kept_as`` names an example's own edit, and is empty for everything else."""

    services: Services
    photo: np.ndarray
    edit: CoarseEdit
    kept_as: str
    options: dict


def fix_up(services: Services, photo: OpenPhoto, record: dict, job: Job) -> dict:
    """{"job", "collage", "options"} -> what the page shows. Raises MagicFixupError, and Cancelled when stopped."""
    edit = render(photo.image, collage_from_json(record.get("collage") or ""))
    _check_changed(photo.image, edit)
    own = bool(photo.saved_edit) and fingerprint(photo.image, edit) == photo.saved_edit
    options = record.get("options") if isinstance(record.get("options"), dict) else {}
    work = _Work(services, photo.image, edit, photo.saved_edit if own else "", options)
    name, other = _names(services, options)
    result, info = _run(work, name, _share(job.report, 0, 2 if other else 1), job.show)
    reply, results = result_record(result, info), [result]
    if other:
        try:
            beside, beside_info = _run(work, other, _share(job.report, 1, 2), job.show, beside=True)
            results.append(beside)
            reply["other"] = other_record(beside, beside_info)
        except MagicFixupError as error:  # or a stop: the first result is there; it is shown, and why it stands alone
            reply["note"] = f"{result.note} {strings.OTHER_MISSING.format(problem=error)}".strip()
    with suppress(Cancelled):
        job.report(1.0, strings.FINISHING)
    photo.results.append((record["job"], tuple(results)))
    return reply


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
    kept = work.services.example_results.get(work.kept_as, name, defaults) if work.kept_as and plain and name else None
    if kept:
        return kept
    engine = work.services.engines.get(name, report)
    options = options_from(asked, engine.info, sdedit=not beside)
    result = engine.fixup(work.photo, work.edit, options, report, preview)
    if not beside and not options.sdedit:
        size = f"{engine.info.sdedit_megabytes / 1000:.1f} GB"
        result = replace(result, note=f"{result.note} {strings.SDEDIT_UNASKED.format(size=size)}".strip())
    if work.kept_as and options == defaults and not result.note:
        work.services.example_results.keep(work.kept_as, engine.info.name, options, result, engine.info)
    return result, engine.info


def _share(report: Callable[[float, str], None], part: int, parts: int) -> Progress:
    """Progress of one part of the whole."""
    return lambda fraction, text: report((part + fraction) / parts, text)


def _check_changed(photo: np.ndarray, edit: CoarseEdit) -> None:
    if not edit.hole.any() and np.array_equal(edit.rgb, photo):
        raise EditError(strings.NOTHING_MOVED)
