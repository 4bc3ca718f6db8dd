"""One file over HTTP that may take hours: it goes on where an earlier attempt stopped, and never waits for nothing.

The Hub's own library (from 2.0 on) throws a partial file away when a download stops; 7.7 GB deserve better.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ATTEMPTS = 4  # in a row that bring nothing new
PAUSE_SECONDS = 1.0
PACE_SECONDS = 20.0
SLOWEST_BYTES_PER_SECOND = 10_000  # below this the largest file takes nine days: nobody waits for that
REPORT_SECONDS = 0.2

Received = Callable[[int], None]


class Stalled(Exception):
    """The other side stopped sending, or sends next to nothing. What has arrived is kept."""


class ForeignAnswer(Exception):
    """What answers is not the file announced, and nothing of it was kept: the part is as good as before."""


class WrongFile(Exception):
    """What arrived is not the file announced."""


@dataclass
class Pace:
    """Watches how fast bytes come, over all attempts of a download."""

    since: float = field(default_factory=time.monotonic)
    received: int = 0

    def count(self, number: int) -> None:
        """Raises Stalled when the last PACE_SECONDS brought too little."""
        self.received += number
        seconds = time.monotonic() - self.since
        if seconds > PACE_SECONDS:
            if self.received < seconds * SLOWEST_BYTES_PER_SECOND:
                raise Stalled(f"{self.received} bytes in {seconds:.0f} seconds")
            self.since, self.received = time.monotonic(), 0


def download(url: str, part: Path, size: int, headers: dict[str, str], received: Received | None = None) -> None:
    """Complete the file ``part`` to ``size`` bytes; ``received`` hears its length so far and may raise to stop.

    Raises Stalled, ForeignAnswer, WrongFile, OSError (disk), and the Hub's HfHubHTTPError for an error status. Whatever
    is raised, the part stays; after WrongFile it is of no use.
    """
    from huggingface_hub.errors import HfHubHTTPError

    pace, idle = Pace(), 0
    while (have := length(part)) < size:
        problem: Exception | None = None
        try:
            _append(url, part, have, size, headers, pace, received)
        except (HfHubHTTPError, OSError, Stalled, ForeignAnswer, WrongFile):
            raise
        except Exception as error:  # the network, in the words of an HTTP library that changes its name
            if not type(error).__module__.startswith(("httpx", "httpcore")):
                raise
            problem = error
        reached = length(part)
        if reached >= size:
            return
        pace.count(0)
        if reached > have:  # go on at once
            idle = 0
            continue
        idle += 1  # also where an answer of no announced length ends early without an error
        if idle == ATTEMPTS:
            raise Stalled(str(problem or "empty answers")) from problem
        time.sleep(PAUSE_SECONDS)


def length(part: Path) -> int:
    """Bytes of a file that may not exist."""
    return part.stat().st_size if part.exists() else 0


def _append(url: str, part: Path, have: int, size: int, headers: dict, pace: Pace, received: Received | None) -> None:
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import hf_raise_for_status

    headers = {**headers, "Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with get_session().stream(
        "GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT, follow_redirects=True
    ) as answer:
        hf_raise_for_status(answer)
        have = have if answer.status_code == 206 else 0  # 200: a server that cannot go on begins again
        _check(answer.headers, size - have)
        with part.open("ab") as opened:
            if opened.tell() > have:
                opened.truncate(have)
            _write(answer.iter_bytes(), opened, have, size, pace, received)


def _check(headers, missing: int) -> None:
    """Before the first byte of an answer replaces what is here: it must be able to be the rest of the file."""
    sent = None if "Content-Encoding" in headers else headers.get("Content-Length")
    if headers.get("Content-Type", "").startswith("text/html") or (sent is not None and int(sent) != missing):
        raise ForeignAnswer


def _write(chunks, opened, have: int, size: int, pace: Pace, received: Received | None) -> None:
    reported = 0.0
    for chunk in chunks:
        opened.write(chunk)
        have += len(chunk)
        if have > size:
            raise WrongFile(f"more than {size} bytes")
        pace.count(len(chunk))
        if received and (have == size or time.monotonic() - reported > REPORT_SECONDS):
            received(have)
            reported = time.monotonic()
