"""What can go wrong with a file from the Hub, each in one sentence that says what to do."""

import errno
from pathlib import Path

from magicfixup_demo.resumable import ForeignAnswer, Stalled, WrongFile


class Offline(Exception):
    """The user forbids downloads."""


class NoAnswer(Exception):
    """The Hub said nothing within the time limit."""


class NotTheHub(Exception):
    """Something answers in the Hub's place: a network's login page, a proxy."""


def sentence(error: Exception, repo: str, path: str, target: Path, size: int) -> str:
    """``target``: where the file would be kept; ``size``: bytes of the whole download, 0 where nobody said it."""
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

    name = f"{path} of {repo}"
    if isinstance(error, Offline):
        return f"{name} is not on this machine and HF_HUB_OFFLINE forbids downloads: unset it, or put it at {target}."
    if isinstance(error, (NotTheHub, ForeignAnswer)):
        return (
            f"Something else answers in the Hub's place for {repo}, a network's login page perhaps: open any page in a "
            "browser on this network, log in, and retry."
        )
    if isinstance(error, GatedRepoError):
        return (
            f"{repo} is open only to people who accepted its terms: accept them on its page on the Hub, log in with "
            "`hf auth login`, and retry."
        )
    if isinstance(error, (RepositoryNotFoundError, EntryNotFoundError)):
        return f"The Hub has no {name}, or not for you: choose another model, or `hf auth login` if you have access."
    if isinstance(error, HfHubHTTPError):
        return f"The Hub refuses {name} (status {error.response.status_code}): wait a while and retry."
    if isinstance(error, WrongFile):
        return f"What arrived as {name} is not the file expected (checksum or size differs) and was deleted: retry."
    if isinstance(error, Stalled):
        return f"Downloading {name} came to a halt; what has arrived is kept: retry, and it goes on from there."
    if isinstance(error, OSError) and not _of_the_network(error):
        return _of_the_disk(error, name, target, size)
    return f"The Hub does not answer for {repo}: check the network and retry, or choose another model."


def _of_the_disk(error: OSError, name: str, target: Path, size: int) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        room = f"{size / 1e6:,.0f} MB" if size else "the file"
        return (
            f"The disk is too full for {name}: make room for {room} at {target.parent}, or set HF_HOME to a folder on "
            "another disk, and retry."
        )
    return (
        f"{name} cannot be kept at {target.parent} ({error.strerror or error}): let this program write there, or set "
        "HF_HOME to another folder, and retry."
    )


def _of_the_network(error: OSError) -> bool:
    return isinstance(error, (ConnectionError, TimeoutError)) or error.errno is None
