"""Links to work that a visitor asked this server to keep: unguessable, bounded, for some days, deletable by its maker.

Whoever has the link sees the photo. The key that deletes it is the maker's alone; here only its hash is known.
"""

import hashlib
import hmac
import logging
import re
import secrets
import threading
from dataclasses import dataclass

from magicfixup_demo.errors import OptionError, PhotoError
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.calendar import Calendar
from magicfixup_demo.ui.link_files import MOST_HEADER_BYTES, LinkedWork, packed, read_header, unpacked
from magicfixup_demo.ui.shelves import MemoryShelf, Shelf

log = logging.getLogger(__name__)
DAYS = (7, 1, 30)  # to choose from; the first is the default
DAY_SECONDS = 86_400.0
ID = re.compile(r"[A-Za-z0-9_-]{32}")
RANDOM_BYTES = 24
LINKS_PER_VISIT = 10
MOST_LINKS = 500
MOST_LINK_BYTES = 128 << 20
MOST_BYTES = {True: 4 << 30, False: 256 << 20}  # of a durable shelf, and of memory


@dataclass(frozen=True)
class MadeLink:
    """``id`` opens it, ``key`` deletes it; both are known to the maker alone. ``expires``: seconds since 1970."""

    id: str
    key: str
    expires: float


class LinkStore:
    """Thread-safe. A link that is over is not opened any more; it is deleted when ``calendar`` is to be believed."""

    def __init__(self, shelf: Shelf | None = None, calendar: Calendar | None = None):
        self._shelf, self._calendar = MemoryShelf() if shelf is None else shelf, calendar or Calendar()
        self._by_visit: dict[str, list[str]] = {}
        self._lock = threading.Lock()  # held while one is added, so that the bounds hold

    @property
    def durable(self) -> bool:
        """Whether links outlive this process."""
        return self._shelf.durable

    def keep(self, work: LinkedWork, days: object, visit: str) -> MadeLink:
        """Keep ``work`` for so many days, one of DAYS. Raises OptionError, or PhotoError where there is no room."""
        if isinstance(days, bool) or days not in DAYS:
            raise OptionError(strings.LINK_DAYS.format(days=", ".join(map(str, sorted(DAYS)))))
        made = MadeLink(_secret(), _secret(), self._calendar.now() + days * DAY_SECONDS)
        data = packed(work, made.expires, _hashed(made.key))
        if len(data) > MOST_LINK_BYTES:
            raise PhotoError(strings.LINK_TOO_LARGE.format(most=MOST_LINK_BYTES >> 20))
        self.sweep()
        with self._lock:
            self._check_room(len(data), visit)
            self._shelf.put(made.id, data)
            self._by_visit.setdefault(visit, []).append(made.id)
        return made

    def open(self, name: object) -> LinkedWork:
        """What that link leads to. Raises PhotoError when it is unknown, expired, deleted or damaged."""
        name = self._checked(name)
        data = self._shelf.get(name)
        if data is None:
            raise PhotoError(strings.LINK_GONE)
        if read_header(data)[0].expires <= self._calendar.now():
            if self._calendar.is_believed():
                self._shelf.drop(name)
            raise PhotoError(strings.LINK_GONE)
        return unpacked(data)

    def delete(self, name: object, key: object) -> None:
        """Forget a link; nothing when it is gone already. Raises PhotoError when the key is not its maker's."""
        name = self._checked(name)
        beginning = self._shelf.get(name, MOST_HEADER_BYTES)
        if beginning is None:
            return
        hashed = _hashed(key if isinstance(key, str) and ID.fullmatch(key) else "")
        if not hmac.compare_digest(hashed.encode(), read_header(beginning)[0].key.encode()):
            raise PhotoError(strings.LINK_NOT_YOURS)
        self._shelf.drop(name)

    def sweep(self) -> None:
        """Delete what has expired, and what is damaged; called at the start and by the page's timer. Never raises."""
        if not self._calendar.is_believed():
            log.warning("the clock was set: links are not deleted for a day")
            return
        try:
            for name in self._names():
                if self._is_over(name):
                    self._shelf.drop(name)
        except PhotoError as error:
            log.warning("expired links could not be deleted: %s", error.__cause__ or error)

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> dict[str, int]:
        """Bytes by id, of our own files alone."""
        return {name: size for name, size in self._shelf.sizes().items() if ID.fullmatch(name)}

    def _is_over(self, name: str) -> bool:
        beginning = self._shelf.get(name, MOST_HEADER_BYTES)
        if beginning is None:
            return False
        try:
            return read_header(beginning)[0].expires <= self._calendar.now()
        except PhotoError:
            return True

    def _check_room(self, size: int, visit: str) -> None:
        kept = self._names()
        mine = [name for name in self._by_visit.get(visit, ()) if name in kept]
        if len(mine) >= LINKS_PER_VISIT:
            raise PhotoError(strings.LINKS_OF_VISIT.format(most=LINKS_PER_VISIT))
        if len(kept) >= MOST_LINKS or sum(kept.values()) + size > MOST_BYTES[self.durable]:
            raise PhotoError(strings.LINKS_FULL)
        self._by_visit = {other: ids for other, ids in self._by_visit.items() if any(name in kept for name in ids)}
        self._by_visit[visit] = mine

    @staticmethod
    def _checked(name: object) -> str:
        """An id of our pattern, before anything is looked for under it."""
        if not isinstance(name, str) or not ID.fullmatch(name):
            raise PhotoError(strings.LINK_GONE)
        return name


def _secret() -> str:
    return secrets.token_urlsafe(RANDOM_BYTES)


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
