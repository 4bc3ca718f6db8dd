"""Embeddings kept by content, so that a photo is read once however often it is opened, and by however many tabs."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from magicfixup_demo.downloads import Progress
from magicfixup_demo.segmentation.interface import Embedding, Segmenter
from magicfixup_demo.turns import turn

DEFAULT_BYTES = 256 * 1024 * 1024  # some sixty photos of SAM
KEPT_SECONDS = 600.0  # after a photo was last opened


@dataclass
class _Working:
    """A photo that is being read: ``callers`` are those who wait for it, the reader included."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    callers: int = 0


class EmbeddingCache:
    """The least recently used embeddings go first when they cost over ``max_bytes`` together. Thread-safe.

    ``sweep`` drops those of photos that nobody has opened for ``kept_seconds``.
    """

    def __init__(self, max_bytes: int = DEFAULT_BYTES, kept_seconds: float = KEPT_SECONDS, clock=time.monotonic):
        self._max_bytes, self._kept_seconds, self._clock = max_bytes, kept_seconds, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Embedding] = OrderedDict()
        self._used: dict[str, float] = {}
        self._working: dict[str, _Working] = {}

    def embed(self, segmenter: Segmenter, photo: np.ndarray, progress: Progress | None = None) -> Embedding:
        """What ``segmenter.embed`` returns, computed once per content; a second caller waits for the first.

        A failure or cancellation is the failing caller's alone: the next one in line computes anew.
        """
        key = content_key(segmenter.name, photo)
        with self._lock:
            working = self._working.setdefault(key, _Working())
            working.callers += 1
        try:
            with turn(working.lock, lambda: progress and progress(0.0, "Reading the photo")):
                embedding = self._recall(key)
                if embedding is None:
                    embedding = segmenter.embed(photo, progress)
                    self._keep(key, embedding)
            return embedding
        finally:
            with self._lock:
                working.callers -= 1
                if not working.callers:
                    del self._working[key]

    def forget(self, embeddings: Iterable[Embedding | None]) -> None:
        """Drop these, at once; nothing for one that is not kept. Whoever has such a photo open keeps its embedding."""
        gone = {id(embedding) for embedding in embeddings}
        with self._lock:
            for key in [key for key, embedding in self._kept.items() if id(embedding) in gone]:
                del self._kept[key], self._used[key]

    def forget_all(self) -> None:
        """Drop everything, at once; whoever has a photo open keeps its embedding."""
        with self._lock:
            self._kept.clear()
            self._used.clear()

    def sweep(self) -> None:
        """Forget what was not used for long; whoever has the photo open keeps its embedding."""
        with self._lock:
            oldest = self._clock() - self._kept_seconds
            for key in [key for key in self._kept if self._used[key] <= oldest]:
                del self._kept[key], self._used[key]

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size_in_bytes(self) -> int:
        """What all kept embeddings cost."""
        with self._lock:
            return self._total()

    def _recall(self, key: str) -> Embedding | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                self._used[key] = self._clock()
            return self._kept.get(key)

    def _keep(self, key: str, embedding: Embedding) -> None:
        with self._lock:
            self._kept[key] = embedding
            self._used[key] = self._clock()
            while self._total() > self._max_bytes and len(self._kept) > 1:
                del self._used[self._kept.popitem(last=False)[0]]

    def _total(self) -> int:
        return sum(embedding.size_in_bytes for embedding in self._kept.values())


def content_key(name: str, photo: np.ndarray) -> str:
    """Hash of the segmenter's name, the photo's shape and its pixels."""
    digest = hashlib.sha256(f"{name} {photo.shape} {photo.dtype}\n".encode())
    digest.update(np.ascontiguousarray(photo).data)
    return digest.hexdigest()
