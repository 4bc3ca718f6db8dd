"""What a saved file says beside its collage: which photos, which settings, which model made the result.

    {"version": 1, "app": "0.1.0",
     "photo":   {"name": "beach", "width": 640, "height": 427, "sha256": "...", "example": "",
                 "rounds": 0, "id": ""},
     "sources": [{"id": "p1", "name": ..., "width": ..., "height": ..., "sha256": ..., ...}],
     "options": {"seed": 0, "steps": null, "model": "small", ...},
     "result":  {"model": "small", "revision": "sha256:...", "seed": 0, "steps": 2, "seconds": 1.5, "licence": "MIT"}}

``sha256`` is that of the photo's pixels (photos.pixels_sha256). Fields that are not named here are ignored.
"""

import json
import re
from dataclasses import asdict, dataclass, field

from magicfixup_demo import __version__
from magicfixup_demo.collage_json import MAX_SOURCES
from magicfixup_demo.errors import SavedFileError
from magicfixup_demo.images import MAX_SIDE
from magicfixup_demo.limits import MAX_SAMPLES, MAX_SEED, MAX_STEPS

VERSION = 1
HALF = re.compile("[\ud800-\udfff]")
MAX_TEXT = 300
MAX_ROUNDS = 1000
MOST_SECONDS = 1e9
TOOL = f"Magic Fixup Demo {__version__}"
BROKEN = "The settings in this file are not as they were saved ({field}); open the photo itself instead."
NEWER = "This file was saved by another version of this program; save it again with this one."


@dataclass(frozen=True)
class PhotoReference:
    """Which photo it was: ``id`` "" is the photo itself, else a source of the collage; ``example``: its name there.

    ``rounds``: how many fix-ups its pixels had been through.
    """

    name: str
    width: int
    height: int
    sha256: str
    example: str = ""
    id: str = ""
    rounds: int = 0


@dataclass(frozen=True)
class ResultFacts:
    """Which model made the result, with which weights (``revision``), and how."""

    model: str
    revision: str
    seed: int
    steps: int
    seconds: float = 0.0
    licence: str = ""


@dataclass(frozen=True)
class Record:
    """``options`` are the page's settings: seed, steps, model, other, sampler, prompt, sdedit, samples."""

    photo: PhotoReference
    sources: tuple[PhotoReference, ...] = ()
    options: dict = field(default_factory=dict)
    result: ResultFacts | None = None
    app: str = __version__


def record_to_json(record: Record) -> str:
    return json.dumps({"version": VERSION} | asdict(record), indent=1)


def record_from_json(text: str | bytes) -> Record:
    """Checked field by field: the file may come from anywhere. Raises SavedFileError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SavedFileError(BROKEN.format(field="JSON")) from error
    if not isinstance(found, dict) or found.get("version") is True or found.get("version") != VERSION:
        raise SavedFileError(NEWER)
    sources = found.get("sources") or []
    if not isinstance(sources, list) or len(sources) > MAX_SOURCES:
        raise SavedFileError(BROKEN.format(field="sources"))
    return Record(
        photo=_reference(found.get("photo"), "photo"),
        sources=tuple(_reference(source, "sources") for source in sources),
        options=options_of(found.get("options")),
        result=_facts(found["result"]) if found.get("result") else None,
        app=_text(found.get("app", ""), "app"),
    )


def options_of(found: object) -> dict:
    """The settings that are known and make sense; others are left out, and the page takes its defaults for them."""
    found = found if isinstance(found, dict) else {}
    fits = {
        "seed": lambda value: _is_whole(value, 0, MAX_SEED),
        "steps": lambda value: value is None or _is_whole(value, 1, MAX_STEPS),
        "samples": lambda value: _is_whole(value, 1, MAX_SAMPLES),
        "model": _is_name,
        "other": _is_name,
        "sampler": _is_name,
        "prompt": _is_text,
        "sdedit": lambda value: isinstance(value, bool),
    }
    return {key: found[key] for key, fit in fits.items() if key in found and fit(found[key])}


def _reference(found: object, name: str) -> PhotoReference:
    found = found if isinstance(found, dict) else {}
    texts = {key: _text(found.get(key, ""), name) for key in ("name", "sha256", "example", "id")}
    width, height = (_whole(found.get(side), name, 1, MAX_SIDE) for side in ("width", "height"))
    rounds = _whole(found.get("rounds", 0), name, 0, MAX_ROUNDS)
    return PhotoReference(width=width, height=height, rounds=rounds, **texts)


def _facts(found: object) -> ResultFacts:
    found = found if isinstance(found, dict) else {}
    seconds = found.get("seconds", 0)
    good = isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < MOST_SECONDS
    return ResultFacts(
        **{key: _text(found.get(key, ""), "result") for key in ("model", "revision", "licence")},
        seed=_whole(found.get("seed"), "result", 0, MAX_SEED),
        steps=_whole(found.get("steps"), "result", 1, MAX_STEPS),
        seconds=float(seconds) if good else 0.0,
    )


def _text(value: object, name: str) -> str:
    if not _is_text(value):
        raise SavedFileError(BROKEN.format(field=name))
    return value


def _whole(value: object, name: str, low: int, high: int) -> int:
    if not _is_whole(value, low, high):
        raise SavedFileError(BROKEN.format(field=name))
    return value


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_name(value: object) -> bool:
    return value is None or _is_text(value)


def _is_text(value: object) -> bool:
    """Half a pair of UTF-16, which JSON can write, is no text: it cannot be sent on."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and not HALF.search(value)
