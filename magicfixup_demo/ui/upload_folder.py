"""The folder that uploads arrive in: this process's own, readable by nobody else, gone when the process ends.

A process that is killed cannot clean up; the next one to start does it. Imported before gradio, which reads
GRADIO_TEMP_DIR once: nothing of it may be needed here.
"""

import atexit
import functools
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

VARIABLE = "GRADIO_TEMP_DIR"
PREFIX, LOCK = "uploads-", ".lock"
KEPT_SECONDS = 3000.0  # of files that nobody opened; with the two waits for the timer, an hour. Opened ones go at once


class UploadFolder:
    """``path`` is the folder. A lock beside it, which dies with the process, tells whether that still runs."""

    def __init__(self, parent: Path, clock: Callable[[], float] = time.monotonic):
        self._clock, self._seen, self._process = clock, {}, os.getpid()
        _sweep(parent)
        self.path = parent / f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
        self._lock = FileLock(f"{self.path}{LOCK}")
        self._lock.acquire(timeout=0)
        self.path.mkdir(mode=0o700)

    def tidy(self) -> None:
        """Delete what has been here for KEPT_SECONDS, also what a broken connection left half; called by a timer.

        Ages are counted from when a file was first seen: a clock that is set makes nothing old.
        """
        now = self._clock()
        found = {path for path in self.path.rglob("*") if not path.is_dir()}
        self._seen = {path: self._seen.get(path, now) for path in found}
        for path in [path for path, since in self._seen.items() if now - since >= KEPT_SECONDS]:
            with suppress(OSError):
                path.unlink(missing_ok=True)
                path.parent.rmdir()  # the folder of one upload, where that was all

    def close(self) -> None:
        """Delete all of it; nothing in a process forked from the one that made it."""
        if os.getpid() != self._process:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)


@functools.cache
def claim() -> UploadFolder:
    """This process's folder, made at the first call, for GRADIO_TEMP_DIR; it is gone when the interpreter ends.

    It lies in the folder that GRADIO_TEMP_DIR named before, or in one of this user among the system's temporary files.
    """
    folder = UploadFolder(_parent())
    atexit.register(folder.close)
    return folder


def _parent() -> Path:
    if chosen := os.environ.get(VARIABLE):
        Path(chosen).mkdir(parents=True, exist_ok=True)
        return Path(chosen).resolve()
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    shared = Path(tempfile.gettempdir()).resolve() / f"magicfixup-demo-{user}"
    with suppress(FileExistsError):
        shared.mkdir(mode=0o700)
    found = shared.lstat()
    if stat.S_ISDIR(found.st_mode) and (not hasattr(os, "getuid") or found.st_uid == os.getuid()):
        return shared
    return Path(tempfile.mkdtemp(prefix="magicfixup-demo-"))  # somebody else took the name


def _sweep(parent: Path) -> None:
    """Delete the folders of processes that are gone."""
    for lock_file in parent.glob(f"{PREFIX}*{LOCK}"):
        lock = FileLock(lock_file)
        with suppress(Timeout, OSError), lock.acquire(timeout=0):
            shutil.rmtree(str(lock_file).removesuffix(LOCK), ignore_errors=True)
            lock_file.unlink(missing_ok=True)
