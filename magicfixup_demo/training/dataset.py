"""Pairs on disk -> batches. A batch can be made again from its step number alone, so a resumed run goes on exactly."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from magicfixup_demo.engine.conditioning import Filler, largest_channel
from magicfixup_demo.errors import DataError
from magicfixup_demo.pairs.store import kind_of, load_pair, pair_names

REFERENCE, FILLED, ALPHA, TARGET = slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 10)
CHANGED = 10  # grey levels: where the filled edit differs from the reference by more, the edit touched it
FOCUS = 0.85  # share of crops centred on a hole, or where there is none on something that was touched
AWAY_WEIGHT = 0.05  # in the losses, of a pixel away from all holes
SEAM = 6  # pixels around a hole that weigh as much as the hole
ZOOMED_OUT = 0.6  # share of crops taken larger and shrunk, for context and holes of other sizes


@dataclass(frozen=True, eq=False)
class Batch:
    """reference, coarse, target: (B, 3, H, W) in -1..1; mask: (B, 1, H, W), 1 = content; weight: (B, 1, H, W)."""

    reference: Tensor
    coarse: Tensor
    mask: Tensor
    target: Tensor
    weight: Tensor

    def to(self, device: torch.device) -> "Batch":
        return Batch(*(getattr(self, name).to(device, non_blocking=True) for name in self.__dataclass_fields__))


class PairDataset:
    """Random crops of the pairs in some folders; each pair is decoded and filled once, then read from a cache file."""

    def __init__(self, folders: list[Path], cache: Path, kinds: dict[str, float], crop: int, fill: Filler):
        self.items = [(folder, name) for folder in folders for name in pair_names(folder)]
        if not self.items:
            raise DataError(
                f"There are no pairs in {', '.join(map(str, folders))}; make some with the command `pairs`."
            )
        self.files = list(_unique(name for _, name in self.items))
        self.cache, self.crop, self.fill = cache, crop, fill
        cache.mkdir(parents=True, exist_ok=True)
        self.by_kind: dict[str, list[int]] = {}
        for i, (_, name) in enumerate(self.items):
            self.by_kind.setdefault(kind_of(name), []).append(i)
        self.kinds = [kind for kind in kinds if kind in self.by_kind]
        weights = np.array([kinds[kind] for kind in self.kinds])
        self.shares = weights / weights.sum()

    def batch(self, size: int, seed: int, step: int) -> Batch:
        """The batch of a step: the same every time it is asked for."""
        rng = np.random.default_rng([seed, step])
        samples = []
        for _ in range(size):
            kind = self.kinds[rng.choice(len(self.kinds), p=self.shares)]
            index = self.by_kind[kind][rng.integers(len(self.by_kind[kind]))]
            samples.append(_random_crop(self.packed(index), self.crop, rng))
        return to_batch(samples)

    def packed(self, index: int) -> np.ndarray:
        """(H, W, 10) uint8: reference, filled edit, alpha, target; memory-mapped."""
        folder, name = self.items[index]
        path = self.cache / f"{self.files[index]}.npy"
        if not path.exists():
            partial = path.with_suffix(f".{os.getpid()}.part")  # several processes may fill one cache
            with partial.open("wb") as opened:
                np.save(opened, pack(folder, name, self.fill))
            partial.replace(path)
        return np.load(path, mmap_mode="r")


def _unique(names: Iterable[str]) -> Iterator[str]:
    """The names; those that came before (the same clip in another folder) with a number."""
    seen: Counter[str] = Counter()
    for name in names:
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}__{seen[name]}"


def pack(folder: Path, name: str, fill: Filler) -> np.ndarray:
    """Decode a pair and fill its holes as at inference: (H, W, 10) uint8."""
    pair = load_pair(folder, name)
    return np.dstack([pair.reference, fill(pair.reference, pair.edit), pair.edit.alpha, pair.target])


def to_batch(samples: list[np.ndarray]) -> Batch:
    """A list of (H, W, 10) uint8 of one size -> Batch."""
    data = torch.from_numpy(np.stack(samples)).permute(0, 3, 1, 2).float()  # (B, 10, H, W)
    weights = torch.from_numpy(np.stack([weight_map(sample) for sample in samples]))[:, None]
    return Batch(
        reference=data[:, REFERENCE] / 127.5 - 1,
        coarse=data[:, FILLED] / 127.5 - 1,
        mask=data[:, ALPHA] / 255,
        target=data[:, TARGET] / 127.5 - 1,
        weight=weights,
    )


def weight_map(packed: np.ndarray) -> np.ndarray:
    """(H, W) float32: 1.05 in holes and their seams, 0.05 elsewhere, where nothing tells what the target changed."""
    hole = (packed[..., 6] < 128).astype(np.uint8)
    return (AWAY_WEIGHT + cv2.dilate(hole, np.ones((2 * SEAM + 1, 2 * SEAM + 1), np.uint8))).astype(np.float32)


def _touched(packed: np.ndarray) -> np.ndarray:
    reference, filled = (np.ascontiguousarray(packed[..., part]) for part in (REFERENCE, FILLED))
    return (largest_channel(cv2.absdiff(reference, filled)) > CHANGED) | (packed[..., 6] < 128)


def _random_crop(packed: np.ndarray, crop: int, rng: np.random.Generator) -> np.ndarray:
    height, width = packed.shape[:2]
    side = round(crop * (rng.uniform(1.2, 2.0) if rng.random() < ZOOMED_OUT else 1.0))
    side = min(side, height, width)
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    if rng.random() < FOCUS:
        thinned = np.asarray(packed[4::8, 4::8])
        hole = thinned[..., 6] < 128
        ys, xs = np.nonzero(hole if hole.any() else _touched(thinned))
        if len(xs):
            k = rng.integers(len(xs))
            jitter = rng.normal(0, side / 6, 2)
            x = int(np.clip(xs[k] * 8 - side / 2 + jitter[0], 0, width - side))
            y = int(np.clip(ys[k] * 8 - side / 2 + jitter[1], 0, height - side))
    cut = np.array(packed[y : y + side, x : x + side])
    if side != crop:
        interpolation = cv2.INTER_AREA if side > crop else cv2.INTER_LINEAR
        halves = [
            cv2.resize(np.ascontiguousarray(part), (crop, crop), interpolation=interpolation)
            for part in (cut[..., :3], cut[..., 3:6], cut[..., 6], cut[..., TARGET])
        ]
        cut = np.dstack(halves)
    return np.ascontiguousarray(cut[:, ::-1]) if rng.random() < 0.5 else cut
