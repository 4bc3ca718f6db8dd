"""Runs of the networks, one after the other; a run makes the pictures of all that wait for the like.

A batch takes less time than its pictures one by one. Who knows beforehand what will be asked for says so, and is waited
for a little.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from concurrent import futures
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from magicfixup_demo.errors import Cancelled
from magicfixup_demo.limits import MOST_TOGETHER
from magicfixup_demo.turns import POLL_SECONDS

log = logging.getLogger(__name__)
THREAD = "networks"  # name of the thread of all runs
PATIENCE_SECONDS = 5.0  # with those who are expected


@dataclass(eq=False)
class Request:
    """One picture that is wanted of the networks.

    ``kind`` and ``stage``: requests that are equal in both may share a run, those of an earlier stage go first; the
    kind None shares with none. ``run(party)`` makes the results of such a party, in its order; ``inputs`` is for it
    alone. ``on_step(done, of)`` is called before each step of the run, ``waiting()`` every half second until it begins,
    ``preview`` with a rough picture (1, 3, h', w') in about -1..1 after a step; what one of the three raises ends this
    request and no other.
    """

    kind: Hashable | None
    run: Callable[["Party"], list]
    on_step: Callable[[int, int], object] = lambda done, of: None
    waiting: Callable[[], object] = lambda: None
    preview: Callable[[Tensor], object] | None = None
    inputs: Any = None
    stage: tuple[int, ...] = ()
    begun: bool = False
    since: float = field(default_factory=time.monotonic)
    outcome: futures.Future = field(default_factory=futures.Future)

    @property
    def ended(self) -> bool:
        return self.outcome.done()

    def fulfil(self, result: Any) -> None:
        """Unless it has ended already."""
        with suppress(futures.InvalidStateError):
            self.outcome.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Unless it has ended already."""
        with suppress(futures.InvalidStateError):
            self.outcome.set_exception(error)


class Party:
    """The requests that share a run. Its methods are for ``Request.run`` to call, in one thread."""

    def __init__(self, requests: list[Request]):
        self.requests = requests

    @property
    def stayed(self) -> list[Request]:
        """Those that have not ended."""
        return [request for request in self.requests if not request.ended]

    def on_step(self, done: int, of: int) -> None:
        """To be called before each step. Raises Cancelled when nobody is left."""
        self._tell(lambda i, request: request.on_step(done, of))
        if not self.stayed:
            raise Cancelled("Stopped.")

    def preview(self, pictures: Tensor) -> None:
        """pictures (B, 3, h', w'): where the run is heading."""
        self._tell(lambda i, request: request.preview and request.preview(pictures[i : i + 1]))

    @property
    def preview_if_wanted(self) -> Callable[[Tensor], None] | None:
        """``preview`` where anybody looks at it: making one takes time."""
        return self.preview if any(request.preview for request in self.requests) else None

    def _tell(self, tell: Callable[[int, Request], object]) -> None:
        for i, request in enumerate(self.requests):
            if not request.ended:
                try:
                    tell(i, request)
                except BaseException as error:
                    request.fail(error)


class SharedRuns:
    """Thread-safe. All runs are made in a thread of its own, which ends when there is nothing to do."""

    def __init__(self, most: int = MOST_TOGETHER, patience: float = PATIENCE_SECONDS):
        self._most, self._patience = most, patience
        self._changed = threading.Condition()
        self._waiting: list[Request] = []
        self._expected: Counter[Hashable] = Counter()  # of each kind, those that may come
        self._working = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def expecting(self, kind: Hashable) -> Iterator[None]:
        """While it lasts requests of that kind may come, one at a time; others of that kind wait for them a little."""
        with self._changed:
            self._expected[kind] += 1
        try:
            yield
        finally:
            with self._changed:
                self._expected[kind] -= 1
                self._expected += Counter()  # without those of which there are none
                self._changed.notify_all()

    def result(self, request: Request) -> Any:
        """What ``request.run`` makes of it. Raises what that raises, or one of the request's own functions."""
        self._join(request)
        try:
            while not futures.wait([request.outcome], POLL_SECONDS).done:
                if not request.begun:
                    request.waiting()
        except BaseException as error:
            self._leave(request, error)
            if not isinstance(error, Exception):
                self._thread.join()  # the program is about to end, which it must not do under a run
            raise
        return request.outcome.result()

    def _join(self, request: Request) -> None:
        with self._changed:
            self._waiting.append(request)
            self._changed.notify_all()
            if not self._working:
                self._working = True
                self._thread = threading.Thread(target=self._work, name=THREAD, daemon=True)
                self._thread.start()

    def _leave(self, request: Request, error: BaseException) -> None:
        with self._changed:
            if request in self._waiting:
                self._waiting.remove(request)
                self._changed.notify_all()
            request.fail(error)  # a run that it shares goes on for the others

    def _work(self) -> None:
        while requests := self._next():
            self._run(Party(requests))

    def _next(self) -> list[Request]:
        """The first that has waited enough, and who may share its run."""
        with self._changed:
            while self._waiting:
                ready = [request for request in self._waiting if self._left_to_wait(request) <= 0]
                if ready:
                    return self._taken(min(ready, key=lambda request: request.stage))
                self._changed.wait(min(map(self._left_to_wait, self._waiting)))
            self._working = False
            return []

    def _left_to_wait(self, request: Request) -> float:
        """Seconds at most until its run begins, as far as it is a matter of company."""
        here = sum(other.kind == request.kind for other in self._waiting)
        if request.kind is None or here >= min(self._most, self._expected[request.kind]):
            return 0.0
        return request.since + self._patience - time.monotonic()

    def _taken(self, first: Request) -> list[Request]:
        requests = [other for other in self._waiting if may_share(first, other)][: self._most]
        for request in requests:
            self._waiting.remove(request)
            request.begun = True
        return requests

    def _run(self, party: Party) -> None:
        try:
            for request, result in zip(party.requests, party.requests[0].run(party), strict=True):
                request.fulfil(result)
        except BaseException as error:
            if len(party.requests) == 1:
                party.requests[0].fail(error)
            elif party.stayed:
                log.warning("a shared run failed; each of %d tries alone", len(party.stayed), exc_info=error)
        for request in party.stayed:  # not inside the except clause: the error holds the tensors
            self._run(Party([request]))


def may_share(request: Request, other: Request) -> bool:
    """Whether both may be made in one run; each may with itself."""
    alike = request.kind == other.kind and request.stage == other.stage
    return request is other or (alike and request.kind is not None)
