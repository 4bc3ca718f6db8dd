"""What one input may cost. Past a limit it is stopped where that can be done, and is a finding in any case."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 5.0  # of processor time: the machine may be busy with other things
PATIENCE = 60.0  # of the clock, for what waits and does nothing
MEGABYTES = 1500  # beyond what the process held before
HARD_MEGABYTES = 4000  # of address space beyond; there the system refuses


class TooLong(BaseException):
    """Not an Exception, so that no handler takes it for one of its own."""


class TooLarge(BaseException):
    pass


def wall_off() -> None:
    """Let the system refuse what would fill the machine's memory."""
    most = (_status("VmSize") + HARD_MEGABYTES) << 20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


@contextmanager
def limited() -> Iterator[dict]:
    """Around one input: raises TooLong or TooLarge; the dict has "megabytes", the most that it took, afterwards."""
    cost = {"megabytes": 0}
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    before = _status("VmRSS")
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, _too_long)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield cost
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        cost["megabytes"] = max(0, _status("VmHWM") - before)
    if cost["megabytes"] > MEGABYTES:
        raise TooLarge(f"{cost['megabytes']} MB")


def peak() -> int:
    """Megabytes that the process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _too_long(number, frame) -> None:
    raise TooLong("over the time limit")


def _status(name: str) -> int:
    """Megabytes, as Linux counts them for this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) >> 10
