"""The examples that ship with the page: photos, each with a saved collage, listed in ``examples.json``."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from magicfixup_demo.errors import PhotoError
from magicfixup_demo.ui import strings

log = logging.getLogger(__name__)
EXAMPLES_FOLDER = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True)
class Example:
    """One example: absolute paths, and whom to thank for the photo."""

    name: str
    title: str
    photo: Path
    collage: Path
    author: str
    licence: str

    def record(self) -> dict:
        """What the page needs to list it; the photo is served as a static file."""
        return {
            "name": self.name,
            "title": self.title,
            "photo": str(self.photo),
            "author": self.author,
            "licence": self.licence,
        }


def list_examples(folder: Path = EXAMPLES_FOLDER) -> tuple[Example, ...]:
    """All examples whose two files are there; an unreadable list means none, never a page that does not start."""
    try:
        records = json.loads((folder / "examples.json").read_text("utf-8"))
        examples = [_example(record, folder) for record in records]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError):
        log.warning("examples.json cannot be read; the page starts without examples")
        return ()
    return tuple(example for example in examples if example.photo.is_file() and example.collage.is_file())


def find_example(examples: tuple[Example, ...], name: object) -> Example:
    """The example of that name. Raises PhotoError."""
    for example in examples:
        if example.name == name:
            return example
    raise PhotoError(strings.NO_EXAMPLE)


def _example(record: dict, folder: Path) -> Example:
    photo, collage = (_inside(folder, record[key], record["name"]) for key in ("photo", "collage"))
    text = {key: str(record.get(key, "")) for key in ("title", "author", "licence")}
    return Example(name=str(record["name"]), photo=photo, collage=collage, **text)


def _inside(folder: Path, path: str, name: str) -> Path:
    """Paths may be relative to the list, or to the example's own folder."""
    direct = folder / path
    return direct if direct.is_file() else folder / name / path
