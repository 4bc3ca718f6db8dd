"""Heavy work is done one piece at a time; who waits for it stands in a line, knows the place, and may leave.

Several side by side use no fewer processor seconds and keep clicks waiting. Photos are read beside the fix-ups all the
same, so that nobody's first click waits for others' fix-ups. Kinds of work that must not be done side by side have one
Lines with a line each; whenever a piece ends the other line has the next turn, so that neither can keep the other
waiting. In a line visitors take turns too (start-time fair queueing: Goyal, Vin and Cheng, SIGCOMM 1996): somebody with
eight photos comes after everybody else's first. Clicks stand in no line.

Whose turn comes takes along those of the same kind that wait: made together they take less time than one by one. Those
that stand between them wait a little longer, and the line is shorter for all.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from magicfixup_demo.errors import BusyError
from magicfixup_demo.limits import MOST_TOGETHER
from magicfixup_demo.turns import POLL_SECONDS
from magicfixup_demo.ui import strings

READING, FIXING = "reading", "fixing"
DRAWING, SAVING = "drawing", "saving"  # see drawing.py
PREPARING = "preparing"  # see live.py
# At about two seconds each here, who comes last waits for two minutes; more would rather come again.
MOST_WAITING = {READING: 64, FIXING: 48}
MOST_A_VISITOR = {READING: 8, FIXING: 2}  # as many as may be open; the fix-up that is being stopped, and the next one
NEWEST_SHARE = 0.3  # of the last duration in what is expected of the next


@dataclass(frozen=True)
class Piece:
    """What a line must know of a piece of work.

    ``kind``: pieces of equal kind take less together than one after the other; None: of this one nobody knows.
    ``apart``: pieces that have any of these in common are never at work at the same time. ``aside``: it takes so long
    that others go on beside it, all but another one of that sort.
    """

    kind: Hashable | None = None
    apart: frozenset = frozenset()
    aside: bool = False


ANY = Piece()


@dataclass(frozen=True)
class Place:
    """``number``: 1 for whoever is next in the line. ``seconds``: until the turn, as far as can be told; else None."""

    number: int
    seconds: float | None


@dataclass(eq=False)
class _Ticket:
    line: str
    who: str
    round: int
    number: int
    piece: Piece
    party: list["_Ticket"] = field(default_factory=list)  # those that were called together
    called: threading.Event = field(default_factory=threading.Event)
    began: float = 0.0


class Lines:
    """Thread-safe. ``at_once``: pieces of work side by side, those called together counted as one, of which there are
    ``most_together``. ``clock`` returns seconds that never go back.
    """

    def __init__(
        self,
        at_once: int = 1,
        most: Mapping[str, int] = MOST_WAITING,
        most_a_visitor: Mapping[str, int] = MOST_A_VISITOR,
        clock: Callable[[], float] = time.monotonic,
        most_together: int = MOST_TOGETHER,
    ):
        self._at_once, self._most, self._most_a_visitor, self._clock = at_once, most, most_a_visitor, clock
        self._most_together = most_together
        self._lock = threading.Lock()
        self._waiting: dict[str, list[_Ticket]] = {line: [] for line in most}
        self._working: list[_Ticket] = []
        self._order = list(most)  # the line that was served last stands last
        self._round = dict.fromkeys(most, 0)  # of whoever had a turn last
        self._usual: dict[str, float] = {}  # seconds
        self._number = 0

    @contextmanager
    def turn(
        self,
        line: str,
        who: str,
        waiting: Callable[[Place], object],
        every: float = POLL_SECONDS,
        piece: Piece = ANY,
    ) -> Iterator[None]:
        """Wait for a turn, and have it while the context lasts. ``who``: a visit, or "" for nobody's.

        ``waiting`` hears the place at once where there is a wait, then every ``every`` seconds; what it raises ends the
        wait. Raises BusyError where the line is full, or the visitor has enough in it.
        """
        ticket = self._join(line, who, piece)
        try:
            wait = 0.0
            while not ticket.called.wait(wait):
                waiting(self._place(ticket))
                wait = every
            yield
            if not piece.aside:
                self._learn(line, (self._clock() - ticket.began) / len(ticket.party))
        finally:
            self._leave(ticket)

    def waiting(self, line: str) -> int:
        """How many wait in that line."""
        return len(self._waiting[line])

    def _join(self, line: str, who: str, piece: Piece) -> _Ticket:
        with self._lock:
            mine = [t for t in (*self._waiting[line], *self._working) if t.line == line and t.who == who and who]
            if len(mine) >= self._most_a_visitor[line]:
                raise BusyError(strings.ENOUGH_OF_YOURS[line])
            if len(self._waiting[line]) >= self._most[line]:
                raise BusyError(strings.LINE_FULL.format(people=self._most[line]))
            self._number += 1
            number = max([self._round[line] - 1, *(t.round for t in mine)]) + 1
            ticket = _Ticket(line, who, number, self._number, piece)
            self._waiting[line].append(ticket)
            self._waiting[line].sort(key=lambda t: (t.round, t.number))
            self._call()
            return ticket

    def _leave(self, ticket: _Ticket) -> None:
        with self._lock:
            for tickets in (self._waiting[ticket.line], self._working):
                if ticket in tickets:
                    tickets.remove(ticket)
            self._call()

    def _call(self) -> None:
        """Let the next ones work."""
        while party := self._next():
            line = party[0].line
            self._order = [other for other in self._order if other != line] + [line]
            self._round[line] = party[0].round
            for ticket in party:
                ticket.party, ticket.began = party, self._clock()
                self._waiting[line].remove(ticket)
                self._working.append(ticket)
                ticket.called.set()

    def _parties(self) -> list[_Ticket]:
        """One of each that is at work, and not aside."""
        return list({id(ticket.party): ticket for ticket in self._working if not ticket.piece.aside}.values())

    def _next(self) -> list[_Ticket]:
        """Who is to be called now: the first of the first line, and who of its kind waits in that line."""
        room = len(self._parties()) < self._at_once
        for line in self._order:
            first = next((ticket for ticket in self._waiting[line] if not _kept_apart(ticket, self._working)), None)
            if first is not None and (room or first.piece.aside):
                return self._with_company(first)
        return []

    def _with_company(self, first: _Ticket) -> list[_Ticket]:
        """Nobody who has had more turns comes along."""
        party = [first]
        for ticket in self._waiting[first.line]:
            alike = ticket.piece.kind == first.piece.kind is not None and ticket.round == first.round
            if alike and not _kept_apart(ticket, [*self._working, *party]) and len(party) < self._most_together:
                party.append(ticket)
        return party

    def _place(self, ticket: _Ticket) -> Place:
        with self._lock:
            line = self._waiting[ticket.line]
            before = line.index(ticket) if ticket in line else 0  # else it was called just now
            return Place(before + 1, None if ticket.piece.aside else self._expected(ticket.line, line[:before]))

    def _expected(self, line: str, before: list[_Ticket]) -> float | None:
        """Seconds until whoever stands behind the others ``before`` begins; the lines take turns meanwhile."""
        counts = {name: min(len(tickets), len(before) + 1) for name, tickets in self._waiting.items()}
        counts[line] = sum(not ticket.piece.aside for ticket in before)
        needed = {name for name, count in counts.items() if count} | {ticket.line for ticket in self._parties()}
        if not needed <= self._usual.keys():
            return None
        under_way = sum(
            max(0.0, self._usual[one.line] * len(one.party) - (self._clock() - one.began)) for one in self._parties()
        )
        return (under_way + sum(self._usual.get(name, 0.0) * count for name, count in counts.items())) / self._at_once

    def _learn(self, line: str, seconds: float) -> None:
        with self._lock:
            usual = self._usual.get(line, seconds)
            self._usual[line] = usual + NEWEST_SHARE * (seconds - usual)


def _kept_apart(ticket: _Ticket, working: list[_Ticket]) -> bool:
    """Whether it may not be at work beside one of those, or is one of them."""
    if ticket in working or (ticket.piece.aside and any(other.piece.aside for other in working)):
        return True
    return any(ticket.piece.apart & other.piece.apart for other in working)


def in_words(place: Place) -> str:
    """What somebody who waits is told."""
    about = "" if place.seconds is None else strings.ABOUT.format(time=_rounded(place.seconds))
    return strings.WAITING.format(ordinal=_ordinal(place.number), about=about)


def _rounded(seconds: float) -> str:
    """Nobody believes a forecast to the second."""
    if seconds < 10:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 5) * 5} s" if seconds < 100 else f"{round(seconds / 60)} min"


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
