"""Where links are kept: as private files in a folder, which outlive a restart, or in memory.

Nothing in here is ever served: a shelf hands out bytes to the code that checks them.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from magicfixup_demo.errors import PhotoError
from magicfixup_demo.ui import strings

SUFFIX = ".link"
OWN_FOLDER = "links"


class Shelf(Protocol):
    """Bytes by name; names are letters, digits, - and _ only, which the caller has checked. Thread-safe.

    ``durable``: whether they are still there after a restart. What cannot be done raises PhotoError.
    """

    durable: bool

    def put(self, name: str, data: bytes) -> None: ...

    def get(self, name: str, most: int = -1) -> bytes | None:
        """The first ``most`` bytes (all of them where negative), or None when there is nothing of that name."""
        ...

    def drop(self, name: str) -> None:
        """Forget it; nothing when it is not there."""
        ...

    def sizes(self) -> dict[str, int]:
        """Bytes of each."""
        ...


class MemoryShelf:
    """Ends with the process."""

    durable = False

    def __init__(self):
        self._kept: dict[str, bytes] = {}

    def put(self, name: str, data: bytes) -> None:
        self._kept[name] = data

    def get(self, name: str, most: int = -1) -> bytes | None:
        data = self._kept.get(name)
        return data if data is None or most < 0 else data[:most]

    def drop(self, name: str) -> None:
        self._kept.pop(name, None)

    def sizes(self) -> dict[str, int]:
        return {name: len(data) for name, data in list(self._kept.items())}


class FolderShelf:
    """One file a name, mode 0600, in ``folder``, mode 0700: made here where it is missing.

    It is not made again when it vanishes later: that is a disk that went away, and not a wish for another folder.
    """

    durable = True

    def __init__(self, folder: str | os.PathLike):
        """Raises PhotoError when the folder cannot be made or written to."""
        self.folder = Path(folder).resolve()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            for left in self.folder.glob(f"*{SUFFIX}.part"):  # of a process that was killed while it wrote
                left.unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise PhotoError(strings.LINKS_FOLDER.format(folder=self.folder, reason=reason)) from error

    def put(self, name: str, data: bytes) -> None:
        """Written beside its place and moved there, so that no half of it is ever read."""
        with _in_words():
            handle, part = tempfile.mkstemp(suffix=f"{SUFFIX}.part", dir=self.folder)  # mode 0600
            try:
                with open(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(part, self._path(name))
            except BaseException:
                with suppress(OSError):
                    os.unlink(part)
                raise

    def get(self, name: str, most: int = -1) -> bytes | None:
        with _in_words():
            try:
                with open(self._path(name), "rb") as file:
                    return file.read(most)
            except FileNotFoundError:
                os.stat(self.folder)  # one file that is missing is an answer; the whole folder is a fault
                return None

    def drop(self, name: str) -> None:
        with _in_words():
            self._path(name).unlink(missing_ok=True)

    def sizes(self) -> dict[str, int]:
        sizes = {}
        with _in_words(), os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # dropped meanwhile
                    if entry.name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
                        sizes[entry.name.removesuffix(SUFFIX)] = entry.stat(follow_symlinks=False).st_size
        return sizes

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"


def shelf_for(folder: str | None, served: tuple[Path, ...] = ()) -> Shelf:
    """Files in a folder of their own in the data folder ``folder``, or memory where there is none.

    ``served``: folders that the page hands out to browsers. Raises PhotoError when ``folder`` lies in one of them,
    or cannot be written to.
    """
    if not folder:
        return MemoryShelf()
    if any(Path(folder).resolve().is_relative_to(Path(place).resolve()) for place in served):
        raise PhotoError(strings.LINKS_SERVED.format(folder=folder))
    return FolderShelf(Path(folder) / OWN_FOLDER)


@contextmanager
def _in_words() -> Iterator[None]:
    """What the disk refuses, as a sentence for the user."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise PhotoError(strings.LINKS_DISK_FULL if full else strings.LINKS_UNREACHABLE) from error
