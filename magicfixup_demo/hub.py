"""Files from the Hub, without a long wait where the Hub is out of reach.

A download that cannot start takes the Hub's own library more than twenty seconds to give up; a question with a time
limit comes first.
"""

import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from magicfixup_demo.downloads import Progress
from magicfixup_demo.errors import DownloadError, MagicFixupError

ANSWER_SECONDS = 2.5


@dataclass(frozen=True)
class HubFile:
    """One file of a repository on the Hub; ``sha256`` is checked after each download where it is known."""

    repo: str
    path: str
    sha256: str | None = None


def cached_hub_file(wanted: HubFile) -> Path | None:
    """The file's place in the Hub's cache, or None. Asks nobody."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(wanted.repo, wanted.path)
    return Path(found) if isinstance(found, str) else None


def hub_answers(repo: str) -> bool:
    """Whether the Hub says within a few seconds that it has ``repo``; False at once with HF_HUB_OFFLINE=1."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        return False
    answer: list[str] = []
    # A thread, because name lookups and several addresses to try are not covered by the request's own time limit.
    asking = threading.Thread(target=_ask, args=(repo, answer), daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    return bool(answer)


def fetch_hub_file(wanted: HubFile, progress: Progress | None = None) -> Path:
    """Return the local path of a file, downloading it once. Raises DownloadError when the Hub does not have it."""
    cached = cached_hub_file(wanted)
    if cached:
        return cached
    if not hub_answers(wanted.repo):
        raise DownloadError(f"The Hub does not answer for {wanted.repo}; check the network, or choose another model.")
    path = _download(wanted, progress)
    if wanted.sha256 and _sha256(path) != wanted.sha256:
        path.unlink()
        raise DownloadError(f"{wanted.path} of {wanted.repo} is not the file expected (checksum differs); report this.")
    return path


def _ask(repo: str, answer: list[str]) -> None:
    from huggingface_hub import HfApi

    try:
        answer.append(HfApi().model_info(repo, timeout=2, token=False).id)
    except Exception:  # no network, no name service, a proxy's page, no such repository: all mean no
        return


def _download(wanted: HubFile, progress: Progress | None) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(wanted.repo, wanted.path, token=False, tqdm_class=_bar(wanted, progress)))
    except MagicFixupError:
        raise  # the user stopped it
    except Exception as error:  # network, disk and protocol errors of several libraries
        raise DownloadError(f"Downloading {wanted.path} of {wanted.repo} did not finish; try again.") from error


def _bar(wanted: HubFile, progress: Progress | None) -> type:
    """A tqdm class that reports to ``progress`` and draws nothing."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            if progress and self.total:
                progress(min(1.0, self.n / self.total), f"Downloading {wanted.path} (from {wanted.repo})")

    return Bar


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
