"""The photos that visitors have open: in memory, under unguessable tokens, for as long as the visit (or an hour)."""

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from magicfixup_demo.errors import PhotoError
from magicfixup_demo.schema import EditResult
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.background import Background

LIFETIME_SECONDS = 3600.0
PHOTOS_PER_VISIT = 4
PHOTOS_IN_ALL = 64
RESULTS_PER_PHOTO = 3


@dataclass(eq=False)
class OpenPhoto:
    """One open photo: ``image`` (H, W, 3) uint8, its embedding in the making, and the latest results by job id.

    ``saved_edit``: for an example, the fingerprint of the edit that its saved collage makes; else empty.
    """

    token: str
    name: str
    image: np.ndarray
    visit: str
    embedding: Background
    used: float
    saved_edit: str = ""
    results: deque = field(default_factory=lambda: deque(maxlen=RESULTS_PER_PHOTO))

    def results_of(self, job: str) -> tuple[EditResult, ...]:
        """The results of one job, one per model. Raises PhotoError when they are no longer kept."""
        for kept, results in self.results:
            if kept == job:
                return results
        raise PhotoError(strings.RESULT_GONE)


class PhotoStore:
    """Tokens -> OpenPhoto. Safe to use from several threads; ``clock`` returns seconds (tests pass their own)."""

    def __init__(self, clock=time.monotonic, lifetime: float = LIFETIME_SECONDS):
        self._clock, self._lifetime = clock, lifetime
        self._photos: dict[str, OpenPhoto] = {}
        self._lock = threading.Lock()

    def add(self, name: str, image: np.ndarray, visit: str, embedding: Background, saved_edit: str = "") -> OpenPhoto:
        """Keep a photo; the oldest ones of the visit, and of all, make room."""
        token = secrets.token_urlsafe(24)
        photo = OpenPhoto(token, name, image, visit, embedding, self._clock(), saved_edit)
        with self._lock:
            self._sweep()
            self._make_room([p for p in self._photos.values() if p.visit == visit], PHOTOS_PER_VISIT)
            self._make_room(list(self._photos.values()), PHOTOS_IN_ALL)
            self._photos[token] = photo
        return photo

    def get(self, token: object) -> OpenPhoto:
        """The photo of a token; its hour starts anew. Raises PhotoError when there is none."""
        with self._lock:
            self._sweep()
            photo = self._photos.get(token) if isinstance(token, str) else None
            if photo is None:
                raise PhotoError(strings.PHOTO_GONE)
            photo.used = self._clock()
            return photo

    def end_visit(self, visit: str) -> None:
        """Drop all photos of a visit, at once."""
        with self._lock:
            self._photos = {token: photo for token, photo in self._photos.items() if photo.visit != visit}

    def sweep(self) -> None:
        """Drop what was not used for the lifetime; called by a timer of the page too."""
        with self._lock:
            self._sweep()

    def __len__(self) -> int:
        return len(self._photos)

    def _sweep(self) -> None:
        oldest = self._clock() - self._lifetime
        self._photos = {token: photo for token, photo in self._photos.items() if photo.used > oldest}

    def _make_room(self, photos: list[OpenPhoto], most: int) -> None:
        for photo in sorted(photos, key=lambda p: p.used)[: max(0, len(photos) - most + 1)]:
            self._photos.pop(photo.token, None)
