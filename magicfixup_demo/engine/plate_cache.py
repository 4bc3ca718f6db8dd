"""Plates of few photos, kept in memory for a while: rearranging the same objects again costs nothing but the layers."""

import hashlib
import threading
import time
import weakref
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

MOST_BYTES = 192 << 20  # the pixels of about 60 holes of a megapixel
KEPT_SECONDS = 600  # after the last use


@dataclass(eq=False)
class _Kept:
    pixels: np.ndarray  # (N, 3) uint8, of the hole alone
    used: float


class PlateCache:
    """(photo, hole, seed) -> plate, in memory alone; the one not used for longest goes first. Thread-safe."""

    def __init__(self, most_bytes: int = MOST_BYTES, kept_seconds: float = KEPT_SECONDS):
        self.most_bytes, self.kept_seconds = most_bytes, kept_seconds
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def get(self, photo: np.ndarray, hole: np.ndarray, seed: int) -> np.ndarray | None:
        """The plate, (H, W, 3) uint8, or None. photo: (H, W, 3) uint8; hole: (H, W) bool."""
        key = _key(photo, hole, seed)
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            kept.used = time.monotonic()
            self._kept.move_to_end(key)
        plate = photo.copy()
        plate[hole] = kept.pixels
        return plate

    def keep(self, photo: np.ndarray, hole: np.ndarray, seed: int, plate: np.ndarray) -> None:
        """Keep ``plate``, which differs from the photo in the hole alone."""
        key = _key(photo, hole, seed)
        with self._lock:
            self._kept[key] = _Kept(plate[hole], time.monotonic())
            self._kept.move_to_end(key)
            while self._bytes() > self.most_bytes:
                self._kept.popitem(last=False)
        self._forget_later()

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _bytes(self) -> int:
        return sum(kept.pixels.nbytes for kept in self._kept.values())

    def _forget_old(self) -> None:
        oldest = time.monotonic() - self.kept_seconds
        with self._lock:
            self._timer = None
            for key in [key for key, kept in self._kept.items() if kept.used <= oldest]:
                del self._kept[key]
        self._forget_later()

    def _forget_later(self) -> None:
        with self._lock:
            if self._timer is not None or not self._kept:
                return
            wait = min(kept.used for kept in self._kept.values()) + self.kept_seconds - time.monotonic()
            self._timer = threading.Timer(max(0.01, wait), _forget_old, [weakref.ref(self)])  # must not keep the cache
            self._timer.daemon = True
            self._timer.start()


def _forget_old(reference: "weakref.ref[PlateCache]") -> None:
    cache = reference()
    if cache is not None:
        cache._forget_old()


def _key(photo: np.ndarray, hole: np.ndarray, seed: int) -> bytes:
    digest = hashlib.blake2b(repr((photo.shape, seed)).encode())
    for pixels in (photo, np.packbits(hole)):
        digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()
