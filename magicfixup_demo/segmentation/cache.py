"""Embeddings kept by content, so that a photo is read once however often it is opened, and by however many tabs."""

import hashlib
import threading
from collections import OrderedDict

import numpy as np

from magicfixup_demo.downloads import Progress
from magicfixup_demo.segmentation.interface import Embedding, Segmenter

DEFAULT_BYTES = 256 * 1024 * 1024  # some sixty photos of SAM


class EmbeddingCache:
    """The least recently used embeddings go first when they cost over ``max_bytes`` together. Thread-safe."""

    def __init__(self, max_bytes: int = DEFAULT_BYTES):
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Embedding] = OrderedDict()
        self._working: dict[str, threading.Lock] = {}

    def embed(self, segmenter: Segmenter, photo: np.ndarray, progress: Progress | None = None) -> Embedding:
        """What ``segmenter.embed`` returns, computed once per content; a second caller waits for the first.

        A failure or cancellation is the failing caller's alone: the next one in line computes anew.
        """
        key = content_key(segmenter.name, photo)
        with self._lock:
            working = self._working.setdefault(key, threading.Lock())
        with working:
            embedding = self._recall(key)
            if embedding is None:
                embedding = segmenter.embed(photo, progress)
                self._keep(key, embedding)
        return embedding

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
            return self._kept.get(key)

    def _keep(self, key: str, embedding: Embedding) -> None:
        with self._lock:
            self._kept[key] = embedding
            self._working.pop(key, None)
            while self._total() > self._max_bytes and len(self._kept) > 1:
                self._kept.popitem(last=False)

    def _total(self) -> int:
        return sum(embedding.size_in_bytes for embedding in self._kept.values())


def content_key(name: str, photo: np.ndarray) -> str:
    """Hash of the segmenter's name, the photo's shape and its pixels."""
    digest = hashlib.sha256(f"{name} {photo.shape} {photo.dtype}\n".encode())
    digest.update(np.ascontiguousarray(photo).data)
    return digest.hexdigest()
