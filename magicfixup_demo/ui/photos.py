"""The photos that visitors have open: in memory, under unguessable tokens, for as long as the visit (or an hour)."""

import secrets
import threading
import time
from dataclasses import dataclass, field

import numpy as np

from magicfixup_demo.errors import PhotoError
from magicfixup_demo.saving.photos import PhotoFile
from magicfixup_demo.schema import EditResult
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.background import Background
from magicfixup_demo.ui.kept_results import KeptResults
from magicfixup_demo.ui.outgoing import Outgoing

LIFETIME_SECONDS = 3300.0  # and up to five minutes until the timer comes
PHOTOS_PER_VISIT = 8  # the photo itself, those that objects were taken from, and results that somebody went on from
PHOTOS_IN_ALL = 256
# For a machine of 16 GB: models and the work itself take some three. Eight photos of 50 megapixels with their files fit
# in what all may take together, so what one arrangement needs at once never drives itself out.
PHOTO_BYTES_IN_ALL = 4 << 30
RESULT_BYTES_IN_ALL = 3 << 30


@dataclass(eq=False)
class OpenPhoto:
    """One open photo: ``image`` (H, W, 3) uint8, its embedding in the making, and the latest results by job id.

    ``saved_edit``: for an example, the fingerprint of the edit that its saved collage makes; else empty.
    ``rounds``: how many fix-ups its pixels have been through; more than 0 where a result was opened to go on from.
    ``kept``: the file that it came in, without metadata, for saving. ``outgoing``: the file being fetched in parts.
    """

    token: str
    name: str
    image: np.ndarray
    visit: str
    embedding: Background
    used: float
    saved_edit: str = ""
    rounds: int = 0
    results: KeptResults = field(default_factory=KeptResults)
    kept: PhotoFile | None = None
    outgoing: Outgoing | None = None

    @property
    def bytes(self) -> int:
        """What it takes by itself, without its results."""
        return self.image.nbytes + (len(self.kept.data) if self.kept else 0)

    def results_of(self, job: str) -> tuple[EditResult, ...]:
        """The results of one job, one per model. Raises PhotoError when they are no longer kept."""
        return self.results.get(job)


class PhotoStore:
    """Tokens -> OpenPhoto. Safe to use from several threads; ``clock`` returns seconds (tests pass their own)."""

    def __init__(
        self,
        clock=time.monotonic,
        lifetime: float = LIFETIME_SECONDS,
        result_bytes: int = RESULT_BYTES_IN_ALL,
        photo_bytes: int = PHOTO_BYTES_IN_ALL,
    ):
        self._clock, self._lifetime = clock, lifetime
        self._result_bytes, self._photo_bytes = result_bytes, photo_bytes
        self._photos: dict[str, OpenPhoto] = {}
        self._lock = threading.Lock()

    def add(
        self, name: str, image: np.ndarray, visit: str, embedding: Background, saved_edit: str = "", rounds: int = 0
    ) -> OpenPhoto:
        """Keep a photo; the oldest ones of the visit, and of all, make room."""
        token = secrets.token_urlsafe(24)
        photo = OpenPhoto(token, name, image, visit, embedding, self._clock(), saved_edit, rounds)
        with self._lock:
            self._sweep()
            self._make_room([p for p in self._photos.values() if p.visit == visit], PHOTOS_PER_VISIT)
            self._make_room(list(self._photos.values()), PHOTOS_IN_ALL)
            self._photos[token] = photo
            self._make_room_in_bytes(photo)
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

    def keep_results(self, photo: OpenPhoto, job: str, results: tuple[EditResult, ...]) -> None:
        """Keep what a job made, one result per model; results of photos not used for long make room."""
        photo.results.keep(job, results)
        with self._lock:
            others = sorted((p for p in self._photos.values() if p is not photo), key=lambda p: p.used)
            while others and sum(p.results.bytes for p in self._photos.values()) > self._result_bytes:
                if not others[0].results.drop_oldest():
                    others.pop(0)

    def end_visit(self, visit: str) -> list[OpenPhoto]:
        """Drop all photos of a visit, at once; returns them."""
        with self._lock:
            photos = [photo for photo in self._photos.values() if photo.visit == visit]
            self._drop(photos)
        return photos

    def sweep(self) -> None:
        """Drop what was not used for the lifetime; called by a timer of the page too."""
        with self._lock:
            self._sweep()

    def __len__(self) -> int:
        return len(self._photos)

    def _sweep(self) -> None:
        oldest = self._clock() - self._lifetime
        self._drop([photo for photo in self._photos.values() if photo.used <= oldest])

    def _make_room(self, photos: list[OpenPhoto], most: int) -> None:
        self._drop(sorted(photos, key=lambda p: p.used)[: max(0, len(photos) - most + 1)])

    def _make_room_in_bytes(self, newest: OpenPhoto) -> None:
        others = sorted((p for p in self._photos.values() if p is not newest), key=lambda p: p.used)
        total = sum(photo.bytes for photo in self._photos.values())
        for photo in others:
            if total <= self._photo_bytes:
                return
            total -= photo.bytes
            self._drop([photo])

    def _drop(self, photos: list[OpenPhoto]) -> None:
        """Forget them; nobody waits for what is still to be read of them."""
        for photo in photos:
            del self._photos[photo.token]
            photo.embedding.cancel()
