"""What the functions that the browser calls have in common: how a photo, and how a problem, is answered."""

import os
from collections.abc import Callable
from pathlib import Path

from gradio.utils import get_upload_folder

from magicfixup_demo.errors import MagicFixupError, PhotoError
from magicfixup_demo.saving.camera import says
from magicfixup_demo.serving.events import telling
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.payload import picture_url
from magicfixup_demo.ui.photos import OpenPhoto
from magicfixup_demo.ui.telling import sentence_of

MOST_NAME, MOST_JOB = 300, 100  # characters
EVENTS = {"segment": "click", "open_upload": "open", "open_example": "open", "open_link": "open"}
EVENTS |= {"save": "save", "make_link": "share", "open_result": "continue"}  # what is asked all the time is not told


def photo_record(photo: OpenPhoto) -> dict:
    """An open photo for the page: token, size in pixels, a display-sized picture, what it says of camera and place."""
    height, width = photo.image.shape[:2]
    return {
        "token": photo.token,
        "name": photo.name,
        "width": width,
        "height": height,
        "picture": picture_url(photo.image),
        "rounds": photo.rounds,
        "says": says(photo.kept.exif if photo.kept else b""),
    }


def uploaded_file(path: object) -> Path:
    """Only a file inside Gradio's own upload folder, links resolved. Raises PhotoError."""
    folder = Path(get_upload_folder()).resolve()
    try:
        resolved = Path(path).resolve() if isinstance(path, str) else folder
        if resolved.is_relative_to(folder) and resolved.is_file():
            return resolved
    except (OSError, ValueError):  # longer than the system's names are, or with letters that it has none for
        pass
    raise PhotoError(strings.NOT_AN_UPLOAD)


def stem_of(name: object) -> str:
    """The photo's name for downloads: letters, digits, - and _ of the file's own, at most 60."""
    name = name[-MOST_NAME:] if isinstance(name, str) else ""
    stem = os.path.splitext(os.path.basename(name))[0]
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-")
    return kept[:60] or "photo"


def job_name(record: dict) -> str:
    """What the page calls a fix-up: a short text that can be sent back; empty where it is anything else."""
    name = record.get("job")
    return name if isinstance(name, str) and len(name) <= MOST_JOB and name.isprintable() else ""


def problem_record(error: MagicFixupError) -> dict:
    """What the page gets in place of an answer.

    ``gone``: it may send the photo again by itself; ``lost``: a full-size result that has to be made again.
    """
    text = str(error)
    return {"error": text, "message": text, "gone": text == strings.PHOTO_GONE, "lost": text == strings.RESULT_GONE}


def answering(handler: Callable[[dict], dict], name: str) -> Callable[[dict], dict]:
    """A plain function of that name that never raises; Gradio would turn an exception into a silent null."""

    def answer(record: dict) -> dict:
        try:
            with telling(EVENTS.get(name), "page"):
                return handler(record if isinstance(record, dict) else {})
        except MagicFixupError as error:
            return problem_record(error)
        except Exception as error:
            return problem_record(MagicFixupError(sentence_of(error, name)))

    answer.__name__ = name
    return answer
