"""Files from the Hub: looked for here first, asked for within seconds, downloaded resumably, checked, kept.

What the Hub's own cache holds is used. What is downloaded goes to a folder of our own beside it, because there a
partial file survives a stop, and a file that is no longer needed may be deleted without asking other programs.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from magicfixup_demo.downloads import Progress, cache_folder, make_room
from magicfixup_demo.errors import DownloadError, MagicFixupError
from magicfixup_demo.hub_faults import NoAnswer, NotTheHub, Offline, sentence
from magicfixup_demo.resumable import Received, WrongFile, download, length
from magicfixup_demo.turns import turn

ANSWER_SECONDS = 4.0
LOCK_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class HubFile:
    """One file of a repository on the Hub; ``sha256``, where it is known, overrules what the Hub says about it."""

    repo: str
    path: str
    sha256: str | None = None

    @property
    def own_path(self) -> Path:
        """Where it is kept once it was downloaded by us."""
        return own_folder(self.repo) / self.path


@dataclass(frozen=True)
class Announced:
    """What the Hub says about a file before it is downloaded: its address, size in bytes, checksum, and our headers."""

    url: str
    size: int
    etag: str
    headers: dict[str, str]


def own_folder(repo: str) -> Path:
    """The folder that holds what we downloaded of ``repo``."""
    return cache_folder() / "hub" / repo.replace("/", "--")


def cached_hub_file(wanted: HubFile) -> Path | None:
    """The file's place in the Hub's cache or in ours, or None. Asks nobody."""
    shared = _in_the_hubs_cache(wanted)
    return shared or (wanted.own_path if wanted.own_path.is_file() else None)


def fetch_hub_file(wanted: HubFile, progress: Progress | None = None, spare: int = 0) -> Path:
    """Return the local path of a file, downloading it once. ``spare``: bytes of disk that it must leave free.

    ``progress`` may raise to stop; the next call goes on from there. Raises DownloadError, saying what to do.
    """
    return cached_hub_file(wanted) or _fetch([wanted], progress, spare)[0]


def fetch_hub_folder(repo: str, paths: Sequence[str], progress: Progress | None = None) -> Path:
    """Return a folder with all ``paths`` of ``repo``, downloading what is missing; otherwise as fetch_hub_file."""
    wanted = [HubFile(repo, path) for path in paths]
    shared = [_in_the_hubs_cache(one) for one in wanted]
    if all(shared):
        return shared[0].parents[len(Path(paths[0]).parts) - 1]
    if missing := [one for one in wanted if not one.own_path.is_file()]:
        _fetch(missing, progress)
    return own_folder(repo)


def hub_folder_is_here(repo: str, paths: Sequence[str]) -> bool:
    """Whether fetch_hub_folder would have nothing to download. Asks nobody."""
    wanted = [HubFile(repo, path) for path in paths]
    return all(_in_the_hubs_cache(one) for one in wanted) or all(one.own_path.is_file() for one in wanted)


def _in_the_hubs_cache(wanted: HubFile) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(wanted.repo, wanted.path)
    return Path(found) if isinstance(found, str) else None


def _fetch(wanted: list[HubFile], progress: Progress | None, spare: int = 0) -> list[Path]:
    """Ask for all, then download one after the other; ``progress`` counts the bytes of all together."""
    announced: list[Announced] = []
    total = 0
    try:
        for asked in wanted:
            announced.append(_ask_within_seconds(asked))
            total += announced[-1].size
        parts = [_part_path(one, about) for one, about in zip(wanted, announced, strict=True)]
        make_room(cache_folder(), total + spare - sum(map(length, parts)))
        before = 0
        for asked, one in zip(wanted, announced, strict=True):
            _fetch_one(asked, one, _counter(asked, before, total, progress))
            before += one.size
    except MagicFixupError:
        raise  # the user stopped it
    except Exception as error:  # the network, the disk, the Hub
        raise DownloadError(sentence(error, asked.repo, asked.path, asked.own_path, total + spare)) from error
    return [one.own_path for one in wanted]


def _counter(wanted: HubFile, before: int, total: int, progress: Progress | None) -> Received:
    """What hears how many bytes of one file have arrived, and tells ``progress`` about all of them."""

    def received(number: int) -> None:
        if progress:
            done = before + number
            megabytes = f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB"
            progress(done / max(1, total), f"Downloading {wanted.path} of {wanted.repo}: {megabytes}")

    return received


def _ask_within_seconds(wanted: HubFile) -> Announced:
    """Raises Offline, NoAnswer, NotTheHub or the Hub's own errors."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        raise Offline
    answer: list[Announced | Exception] = []
    # A thread, because name lookups and several addresses to try are not covered by the request's own time limit.
    asking = threading.Thread(target=_ask, args=(wanted, answer), daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    if not answer:
        raise NoAnswer
    if isinstance(answer[0], Exception):
        raise answer[0]
    return answer[0]


def _ask(wanted: HubFile, answer: list) -> None:
    try:
        answer.append(_announced(wanted))
    except Exception as error:
        answer.append(error)


def _announced(wanted: HubFile) -> Announced:
    """The user's token, if there is one, is shown only where the Hub refuses a stranger."""
    from huggingface_hub import get_hf_file_metadata, get_token, hf_hub_url
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(wanted.repo, wanted.path)
    token: str | bool = False
    try:
        about = get_hf_file_metadata(url, token=token, timeout=ANSWER_SECONDS)
    except (GatedRepoError, RepositoryNotFoundError):
        token = get_token() or False
        if not token:
            raise
        about = get_hf_file_metadata(url, token=token, timeout=ANSWER_SECONDS)
    if not (about.commit_hash and about.etag and about.size is not None):
        raise NotTheHub
    return Announced(url, about.size, about.etag, build_hf_headers(token=token))


def _fetch_one(wanted: HubFile, announced: Announced, received: Received) -> None:
    target = wanted.own_path
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part_path(wanted, announced)
    with _alone(part, received):
        if target.is_file():
            return
        try:
            download(announced.url, part, announced.size, announced.headers, received)
            part.touch()  # an empty file needs no download
            _check(part, wanted.sha256 or announced.etag, lambda: received(announced.size))
        except WrongFile:
            part.unlink(missing_ok=True)
            raise
        part.replace(target)  # atomic: nothing half stands under the final name


def _part_path(wanted: HubFile, announced: Announced) -> Path:
    """The checksum stands in the name: another version's beginning is never continued."""
    return wanted.own_path.with_name(f"{wanted.own_path.name}.{announced.etag[:16]}.part")


@contextmanager
def _alone(part: Path, received: Received) -> Iterator[None]:
    """Two programs would write into each other's file: the second waits, and may be stopped meanwhile."""
    from filelock import FileLock

    lock = FileLock(f"{part}.lock")
    with turn(lock, lambda: received(length(part)), LOCK_POLL_SECONDS):
        try:
            yield
        finally:
            if not part.exists():
                lock.release()  # an open file cannot be deleted everywhere
                Path(lock.lock_file).unlink(missing_ok=True)


def _check(path: Path, checksum: str, still_wanted: Callable[[], None]) -> None:
    """Compare with a SHA-256 (large files) or with git's own hash (small ones); other ETags say nothing.

    ``still_wanted`` is asked now and then, and may raise to stop: gigabytes take a while.
    """
    if len(checksum) == 64:
        digest = hashlib.sha256()
    elif len(checksum) == 40:
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    else:
        return
    with path.open("rb") as opened:
        while block := opened.read(1 << 24):
            digest.update(block)
            still_wanted()
    if digest.hexdigest() != checksum:
        raise WrongFile
