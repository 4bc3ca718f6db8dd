"""The extractor's features of a photo, kept across edits of that photo.

The features depend on the photo, the timestep, the photo's noise, and the mask. Fast samplers draw the noise once per
photo (from its content) and read the photo with a whole-picture mask, so that every edit of it asks for the same.

What the whole-picture mask costs is known in part. ``small`` was trained with it: nothing. The published network was
trained with the edit's mask. At reduced width with random weights (../shared/parity), where the mask weighs as much as
any other channel, the whole-picture mask moves the noise prediction by .16, .19 and .37 of its norm at timesteps 981,
501 and 1 (holes of 13 to 17 %); another draw of the photo's noise, which the published sampler makes at every step,
moves it by .42, .43 and .14, dropping all features by .75, .85 and 1.11, and keeping features in half precision by less
than .0005. Networks trained without the mask differ by .007 LPIPS in the paper's ablation (arXiv 2403.13044). What the
real weights lose is not measured; "published" loses nothing.
"""

import hashlib
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from magicfixup_demo.engine.detail_transfer import Features

MOST_BYTES = 512 * 1024**2  # 22 timesteps of the published network at 512 x 512, in half precision
KEPT_SECONDS = 600  # after the last use
MOST_ENTRIES = 4  # photos (or crops, or lists of timesteps): a visitor's features soon make room for the next one's


@dataclass(eq=False)
class Entry:
    """What is kept of one photo for one list of timesteps: its latent, and features by timestep.

    ``used``: when it was last asked for or added to, by time.monotonic.
    """

    latent: Tensor | None = None
    features: dict[int, Features] = field(default_factory=dict)
    used: float = field(default_factory=time.monotonic)

    @property
    def bytes(self) -> int:
        tensors = [tokens for features in self.features.values() for tokens in features.values()]
        return sum(tensor.nbytes for tensor in [*tensors, *([] if self.latent is None else [self.latent])])


class FeatureCache:
    """Entries of few photos in memory, never on disk; the one that was not used for longest goes first.

    Each goes ``kept_seconds`` after its own last use, whatever other photos are used meanwhile, and all go with the
    engine that holds the cache. One run at a time may use it (the engine sees to that); ``forget`` may come any time.
    """

    def __init__(
        self, most_bytes: int = MOST_BYTES, most_entries: int = MOST_ENTRIES, kept_seconds: float = KEPT_SECONDS
    ):
        self.most_bytes, self.most_entries, self.kept_seconds = most_bytes, most_entries, kept_seconds
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()
        self._entries: OrderedDict[tuple, Entry] = OrderedDict()  # the one not used for longest in front

    def entry(self, photo: Tensor, timesteps: tuple[int, ...]) -> Entry:
        """What is kept of a photo (B, 3, H, W), empty at first; from now on the most recently used."""
        key = (digest(photo), tuple(photo.shape), timesteps)
        with self._lock:
            entry = self._entries.pop(key, None) or Entry()
            entry.used = time.monotonic()
            self._entries[key] = entry
            while len(self._entries) > self.most_entries:
                self._entries.popitem(last=False)
            self._forget_later()
        return entry

    def add(self, entry: Entry, t: int, features: Features) -> None:
        """Keep features where they fit after dropping other photos'; what a run needs next is never dropped for it.

        What was forgotten meanwhile stays forgotten.
        """
        wanted = sum(tokens.nbytes for tokens in features.values())
        with self._lock:
            if all(kept is not entry for kept in self._entries.values()):
                return
            entry.used = time.monotonic()
            while self.bytes + wanted > self.most_bytes and next(iter(self._entries.values())) is not entry:
                self._entries.popitem(last=False)
            if self.bytes + wanted <= self.most_bytes:
                entry.features[t] = features

    def forget(self) -> None:
        """Drop everything, at once. A run that is under way goes on with what it has."""
        with self._lock:
            self._entries.clear()

    def forget_old(self) -> None:
        """Drop what was not used for ``kept_seconds``, and come again when the next one is due."""
        with self._lock:
            before = time.monotonic() - self.kept_seconds
            while self._entries and next(iter(self._entries.values())).used <= before:
                self._entries.popitem(last=False)
            if self._entries:
                self._forget_later()

    def _forget_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = next(iter(self._entries.values())).used + self.kept_seconds - time.monotonic()
        self._timer = threading.Timer(max(0.0, due), _forget_old, [weakref.ref(self)])  # it must not keep the cache
        self._timer.daemon = True
        self._timer.start()

    @property
    def bytes(self) -> int:
        """Memory held by all entries."""
        with self._lock:
            return sum(entry.bytes for entry in self._entries.values())


def _forget_old(reference: "weakref.ref[FeatureCache]") -> None:
    cache = reference()
    if cache is not None:
        cache.forget_old()


class Reader:
    """Features of a batch of photos for the timesteps of a run, in its order: from the cache, or computed.

    ``compute(which, timesteps)`` reads the photos of those numbers: for each timestep the features of each of them.
    ``at_once``: how many features of a photo at a timestep it computes in one pass, if it can choose.
    """

    def __init__(
        self,
        compute: Callable[[list[int], list[int]], list[list[Features]]],
        timesteps: list[int],
        at_once: int,
        cache: FeatureCache | None,
        entries: list[Entry],
    ):
        self._compute, self._timesteps, self._at_once = compute, timesteps, at_once
        self._cache, self._entries = cache, entries
        self._ahead: list[dict[int, Features]] = [{} for _ in entries]

    def __call__(self, t: int) -> Features:
        """Features of all photos at timestep ``t``."""
        lacking = [i for i in range(len(self._entries)) if self._lacks(i, t)]
        if lacking:
            self._read_from(t, lacking)
        return joined([self._taken(i, t) for i in range(len(self._entries))])

    def _lacks(self, i: int, t: int) -> bool:
        return t not in self._entries[i].features and t not in self._ahead[i]

    def _taken(self, i: int, t: int) -> Features:
        read = self._ahead[i].pop(t, None)
        return self._entries[i].features[t] if read is None else read

    def _read_from(self, t: int, which: list[int]) -> None:
        later = dict.fromkeys(self._timesteps[self._timesteps.index(t) :])
        missing = [other for other in later if any(self._lacks(i, other) for i in which)]
        missing = missing[: max(1, self._at_once // len(which))]
        for other, of_photos in zip(missing, self._compute(which, missing), strict=True):
            for i, features in zip(which, of_photos, strict=True):
                self._ahead[i][other] = features
                if self._cache is not None:
                    self._cache.add(self._entries[i], other, features)


def digest(photo: Tensor) -> bytes:
    """Of a photo's content; the only name that the cache knows it by."""
    return hashlib.blake2b(photo.detach().cpu().contiguous().numpy().tobytes(), digest_size=16).digest()


def half(features: Features) -> Features:
    """As they are kept: half the memory. Layer-normalised tokens lie far inside the range of half precision."""
    return {name: tokens.half() for name, tokens in features.items()}


def split(features: Features, timesteps: int, photos: int) -> list[list[Features]]:
    """Features of a batch of all photos at one timestep after the other -> for each timestep those of each photo.

    Those of several photos are copied, so that one of them can be forgotten.
    """
    chunks = {name: tokens.chunk(timesteps * photos) for name, tokens in features.items()}
    each = [{name: own(chunks[name][i], photos) for name in chunks} for i in range(timesteps * photos)]
    return [each[i : i + photos] for i in range(0, len(each), photos)]


def own(part: Tensor, photos: int) -> Tensor:
    """A part of a batch of so many photos, with memory of its own where there are several."""
    return part.clone() if photos > 1 else part


def joined(features: list[Features]) -> Features:
    """Features of one photo each -> those of a batch of them."""
    if len(features) == 1:
        return features[0]
    return {name: torch.cat([one[name] for one in features]) for name in features[0]}
