"""Any file that someone opens -> the work in it, or None where it is a picture like any other."""

import os
from pathlib import Path

from magicfixup_demo.errors import SavedFileError
from magicfixup_demo.saving.bundle import is_zip, read_zip
from magicfixup_demo.saving.picture import read_png
from magicfixup_demo.saving.png import is_png
from magicfixup_demo.saving.work import MAX_SAVED_BYTES, Work


def read_work(data: bytes) -> Work | None:
    """Raises MagicFixupError where the file holds work that cannot be read."""
    if is_zip(data):
        return read_zip(data)
    return read_png(data) if is_png(data) else None


def read_file(path: str | os.PathLike) -> Work | None:
    """The work in a file. Raises MagicFixupError."""
    return read_work(read_bytes(path))


def read_bytes(path: str | os.PathLike) -> bytes:
    """The content of a file, unless it is larger than any of ours. Raises SavedFileError."""
    try:
        if os.path.getsize(path) > MAX_SAVED_BYTES:
            raise SavedFileError(f"{Path(path).name} is over {MAX_SAVED_BYTES >> 20} MB; save it smaller and retry.")
        return Path(path).read_bytes()
    except OSError as error:
        raise SavedFileError(f"Cannot read {path}: {error.strerror or error}; check the name and retry.") from error
