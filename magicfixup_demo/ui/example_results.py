"""Results of the examples as they ship, kept in memory once somebody has asked for them.

Examples are public and the same for everybody, so nobody's work is shown to anybody else.
"""

import hashlib
import threading
from collections import OrderedDict

import numpy as np

from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult

MOST_KEPT = 16  # a few megabytes each


def fingerprint(photo: np.ndarray, edit: CoarseEdit) -> str:
    """Equal for equal photos and edits: the same collage of the same photo. photo: (H, W, 3) uint8."""
    rgba = edit.rgba
    digest = hashlib.sha256(repr(rgba.shape).encode())
    for pixels in (photo, rgba):
        digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


class ExampleResults:
    """(fingerprint of the edit, model, options) -> result; the one not asked for longest goes first. Thread-safe."""

    def __init__(self, most: int = MOST_KEPT):
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[tuple[str, str, EditOptions], tuple[EditResult, EngineInfo]] = OrderedDict()

    def get(self, edit: str, model: str, options: EditOptions) -> tuple[EditResult, EngineInfo] | None:
        """What was kept, or None."""
        key = (edit, model, options)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, edit: str, model: str, options: EditOptions, result: EditResult, info: EngineInfo) -> None:
        with self._lock:
            self._kept[edit, model, options] = result, info
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)
