"""Where training pictures come from: files, their split, the frames and shots of a clip."""

import hashlib
import json
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from magicfixup_demo.errors import DataError
from magicfixup_demo.images import fitted_size, open_photo, resize

VIDEO_ENDINGS = {".mp4", ".webm", ".mov", ".mkv", ".avi"}
PHOTO_ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
VALIDATION_SHARE = 0.12
MULTIPLE = 32
CUT_CORRELATION = 0.6  # colour histograms of two neighbouring frames correlate less than this at a cut
BORDER_DEVIATION = 6.0  # grey levels: a row or column that varies less, in space and time, is a letterbox bar


@dataclass(frozen=True)
class Source:
    """One clip or photo; ``masks`` are files of object masks (white = object) that belong to a photo."""

    path: Path
    masks: tuple[Path, ...] = ()

    @property
    def is_video(self) -> bool:
        return self.path.suffix.lower() in VIDEO_ENDINGS

    @property
    def split(self) -> str:
        """ "train" or "val", by a hash of the file's name: stable whatever else lies in the folder."""
        digest = hashlib.sha256(self.path.stem.encode()).digest()
        return "val" if digest[0] / 256 < VALIDATION_SHARE else "train"


def find_sources(folder: Path) -> list[Source]:
    """All clips and photos below a folder (or the one file), in the order of their names.

    A folder NAME_masks beside a folder NAME holds the masks of its photos, named like ``*_PHOTO.png``.
    Raises DataError when there is none.
    """
    files = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    masks: dict[str, list[Path]] = {}
    for path in files:
        if path.parent.name.endswith("_masks"):
            masks.setdefault(path.stem.rpartition("_")[2], []).append(path)
    sources = [
        Source(path, tuple(masks.get(path.stem, ())))
        for path in files
        if path.suffix.lower() in VIDEO_ENDINGS | PHOTO_ENDINGS and not path.parent.name.endswith("_masks")
    ]
    if not sources:
        raise DataError(f"There is no video and no photo below {folder}; name a folder that holds some.")
    return sources


def licences(folder: Path) -> dict[Path, str]:
    """{file: licence}, absolute, from an index.json in the folder or the two above it; {} where there is none.

    The index is {any key: [{"file": path below the index, "licence": text, ...}, ...]}; other content is passed over.
    """
    for root in (folder.resolve(), *folder.resolve().parents[:2]):
        if (root / "index.json").is_file():
            return {root / r["file"]: r["licence"] for r in _records(root / "index.json")}
    return {}


def _records(index: Path) -> list[dict]:
    try:
        found = json.loads(index.read_text())
    except ValueError:
        return []
    lists = [part for part in found.values() if isinstance(part, list)] if isinstance(found, dict) else []
    return [r for r in chain(*lists) if isinstance(r, dict) and {"file", "licence"} <= r.keys()]


def read_photo(path: Path) -> np.ndarray:
    """A photo at the model's size: (H, W, 3) uint8, sides multiples of 32, about 512 * 512 pixels at most."""
    picture = open_photo(path)
    return resize(picture, *fitted_size(picture.shape[1], picture.shape[0], multiple=MULTIPLE))


def read_mask(path: Path, width: int, height: int) -> np.ndarray:
    """An object mask at that size, (H, W) bool."""
    return resize(open_photo(path)[..., 0] >= 128, width, height)


def read_shots(path: Path, most_frames: int = 120) -> tuple[list[list[np.ndarray]], float]:
    """Decode a clip, cut off letterbox bars, and split it at its cuts.

    Returns (shots, frames per second); frames are (H, W, 3) uint8 RGB at the model's size.
    """
    capture = cv2.VideoCapture(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS) or 8.0
    frames = []
    while len(frames) < most_frames:
        good, frame = capture.read()
        if not good:
            break
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    capture.release()
    if len(frames) < 2:
        return [], rate
    frames = _without_bars(frames)
    size = fitted_size(frames[0].shape[1], frames[0].shape[0], multiple=MULTIPLE)
    return _split_at_cuts([resize(frame, *size) for frame in frames]), rate


def _without_bars(frames: list[np.ndarray]) -> list[np.ndarray]:
    sample = np.stack([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in frames[:: max(1, len(frames) // 6)]]).astype(float)
    rows = np.flatnonzero(sample.std(axis=(0, 2)) > BORDER_DEVIATION)
    columns = np.flatnonzero(sample.std(axis=(0, 1)) > BORDER_DEVIATION)
    if len(rows) < 64 or len(columns) < 64:
        return frames
    return [frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] for frame in frames]


def _split_at_cuts(frames: list[np.ndarray]) -> list[list[np.ndarray]]:
    shots = [[frames[0]]]
    before = _histogram(frames[0])
    for frame in frames[1:]:
        now = _histogram(frame)
        if cv2.compareHist(before, now, cv2.HISTCMP_CORREL) < CUT_CORRELATION:
            shots.append([])
        shots[-1].append(frame)
        before = now
    return [shot for shot in shots if len(shot) >= 2]


def _histogram(frame: np.ndarray) -> np.ndarray:
    small = cv2.resize(frame, (64, 64), interpolation=cv2.INTER_AREA)
    return cv2.calcHist([small], [0, 1, 2], None, [6, 6, 6], [0, 256] * 3)
