"""Many inputs in processes of their own: each may be stopped, may fill its memory or die, and the others go on."""

import json
import multiprocessing
import os
import queue
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fuzz.door import Door
from tests.fuzz.knocking import drawn, problem
from tests.fuzz.limits import PATIENCE, SECONDS, peak, wall_off
from tests.fuzz.smaller import smaller

BATCH = 200


@dataclass
class Tally:
    """What became of the inputs of one door."""

    taken: int = 0
    refused: int = 0
    seconds: float = 0.0
    megabytes: int = 0
    findings: list[dict] = field(default_factory=list)


def planned(doors: list[Door], inputs: int, first: int) -> list[tuple[str, int, int]]:
    """(door, from, to) of every batch: inputs shared out as the doors' shares say, the doors in turn."""
    whole = sum(door.share for door in doors)
    ends = {door.name: first + round(inputs * door.share / whole) for door in doors if door.share}
    batches = [(name, at, min(at + BATCH, end)) for name, end in ends.items() for at in range(first, end, BATCH)]
    return sorted(batches, key=lambda batch: batch[1])


def run(doors: list[Door], batches: list[tuple[str, int, int]], processes: int) -> tuple[dict[str, Tally], int]:
    """Tallies by door, and the most megabytes that any process held."""
    tallies, most = {door.name: Tally() for door in doors}, 0
    context = multiprocessing.get_context("spawn")
    waiting = list(batches)[::-1]
    workers = [_Worker(context, [door.name for door in doors]) for _ in range(processes)]
    try:
        while waiting or any(worker.batch for worker in workers):
            for worker in workers:
                if worker.batch is None and waiting:
                    worker.begin(waiting.pop())
                for told in worker.told():
                    _count(tallies[told["door"]], told)
                    most = max(most, told["peak"])
                if lost := worker.lost():
                    door, at, end = lost
                    tallies[door].findings.append(
                        {"kind": "died or hung", "text": "the process died or hung", "number": at}
                    )
                    waiting += [(door, at + 1, end)] if at + 1 < end else []
    finally:
        for worker in workers:
            worker.end()
    return tallies, most


def _count(tally: Tally, told: dict) -> None:
    tally.taken += told["outcome"] == "taken"
    tally.refused += told["outcome"] == "refused"
    tally.seconds += told["seconds"]
    tally.megabytes = max(tally.megabytes, told["megabytes"])
    if told["finding"]:
        tally.findings.append(told["finding"])


class _Worker:
    """One process, begun anew where it dies or does not stop."""

    def __init__(self, context, names: list[str]):
        self._context, self._names, self._process = context, names, None
        self.batch: tuple[str, int, int] | None = None

    def begin(self, batch: tuple[str, int, int]) -> None:
        if self._process is None:
            self._orders, self._answers = self._context.SimpleQueue(), self._context.Queue()
            arguments = (self._names, self._orders, self._answers)
            self._process = self._context.Process(target=_work, args=arguments, daemon=True)
            self._process.start()
        self.batch, self._heard = batch, time.monotonic()
        self._orders.put(batch)

    def told(self) -> Iterator[dict]:
        if self.batch is None:
            return
        try:
            told = self._answers.get(timeout=0.2)
        except queue.Empty:
            return
        while told is not None:
            self._heard = time.monotonic()
            door, at, end = self.batch
            self.batch = (door, at + 1, end) if at + 1 < end else None
            yield told
            told = None if self._answers.empty() else self._answers.get()

    def lost(self) -> tuple[str, int, int] | None:
        """The batch at whose first input the process died, or hung for long after it should have been stopped."""
        silent = time.monotonic() - self._heard if self.batch else 0
        if not self.batch or (self._process.is_alive() and silent < 3 * PATIENCE) or not self._answers.empty():
            return None
        lost, self.batch = self.batch, None
        self.end()
        return lost

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


def _work(names: list[str], orders, answers) -> None:
    """In the process: inputs until it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # decoders and servers say much
        os.dup2(nowhere, stream)
    folder = tempfile.mkdtemp(prefix="fuzz-")
    os.environ |= {"GRADIO_TEMP_DIR": folder, "GRADIO_ANALYTICS_ENABLED": "False"}
    from tests.fuzz.doors.all import all_doors

    doors = {door.name: door for door in all_doors() if door.name in names}
    known, seen = set(), set()
    while True:
        name, at, end = orders.get()
        if name not in known:
            problem(doors[name], drawn(doors[name], at))  # what is loaded at the first call is not the input's cost
        if not known:
            wall_off()
        known.add(name)
        for number in range(at, end):
            answers.put({"door": name, **_one(doors[name], number, seen), "peak": peak()})


def _one(door: Door, number: int, seen: set) -> dict:
    given, begun = drawn(door, number), time.process_time()
    found, outcome, megabytes = problem(door, given)
    seconds = time.process_time() - begun
    if found and (door.name, found["kind"]) not in seen and seconds < SECONDS / 5:
        seen.add((door.name, found["kind"]))
        given = smaller(given, lambda one: (problem(door, one)[0] or {}).get("kind") == found["kind"])
        found = found | {"input": _readable(given)}
    if found:
        found["number"] = number
    return {"outcome": outcome, "finding": found, "seconds": seconds, "megabytes": megabytes}


def _readable(given: object) -> str:
    return given[:20_000].hex() if isinstance(given, bytes) else json.dumps(given)[:20_000]
