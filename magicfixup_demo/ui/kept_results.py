"""The full-size results of one photo: a few, in memory, the oldest making room for the newest."""

import threading
from collections import OrderedDict

from magicfixup_demo.errors import PhotoError
from magicfixup_demo.schema import EditResult
from magicfixup_demo.ui import strings

MOST_RESULTS = 24  # as many as the page's own history holds
MOST_BYTES = 512 << 20  # a result of 12 megapixels with its comparison has 120 MB


class KeptResults:
    """Job -> its results, one per model. The newest stays whatever its size. Thread-safe."""

    def __init__(self, most: int = MOST_RESULTS, most_bytes: int = MOST_BYTES):
        self._most, self._most_bytes, self._lock = most, most_bytes, threading.Lock()
        self._kept: OrderedDict[str, tuple[EditResult, ...]] = OrderedDict()

    def keep(self, job: str, results: tuple[EditResult, ...]) -> None:
        with self._lock:
            self._kept.pop(job, None)
            self._kept[job] = results
            while len(self._kept) > 1 and (len(self._kept) > self._most or self._size() > self._most_bytes):
                self._kept.popitem(last=False)

    def get(self, job: str) -> tuple[EditResult, ...]:
        """Raises PhotoError when they are no longer kept."""
        with self._lock:
            if job not in self._kept:
                raise PhotoError(strings.RESULT_GONE)
            return self._kept[job]

    def forget(self, job: str) -> None:
        """Drop the results of one job; nothing when there are none."""
        with self._lock:
            self._kept.pop(job, None)

    def drop_oldest(self) -> bool:
        """Make room for others; False when there is nothing to drop."""
        with self._lock:
            return bool(self._kept and self._kept.popitem(last=False))

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        with self._lock:
            return self._size()

    def _size(self) -> int:
        return sum(bytes_of(result) for results in self._kept.values() for result in results)


def bytes_of(result: EditResult) -> int:
    """What the pictures of one result take."""
    pictures = (*result.images, result.sdedit, result.coarse, result.touched)
    return sum(picture.nbytes for picture in pictures if picture is not None)
