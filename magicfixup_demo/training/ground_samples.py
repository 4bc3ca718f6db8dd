"""What the ground network learns from: untouched pictures, holes of the shape of objects, leftovers beside them.

The true ground is known, because no object stood there. What stays behind when an object is lifted in use (its rim, its
shadow) is painted around the hole of the input alone, so that the network learns not to go on with it.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from magicfixup_demo.engine.conditioning import image_tensor
from magicfixup_demo.errors import DataError
from magicfixup_demo.images import to_uint8
from magicfixup_demo.pairs.jitter import shadow, signed_distance
from magicfixup_demo.pairs.sources import Source, find_sources, read_mask, read_photo, read_shots

FRAMES = 5  # of a clip
LEAST_OBJECT = 400  # pixels of an annotated object whose shape is used
TRIES = 500  # for one sample, before the pictures are given up
PLACES = 6  # tried for each hole; the one that covers least of the annotated objects is taken
LEAST_HOLE, MOST_HOLE = 0.01, 0.45  # of the crop
MOST_ANNOTATED = 0.5  # of a hole: what stands in an annotated object is no ground
SIZES = (0.012, 0.3)  # of the crop: objects
DILATIONS = (0, 14)  # pixels around an object
LEFTOVER_SHARE, SECOND_SHARE, THIN_SHARE, WIDE_SHARE, RIM_SHARE = 0.4, 0.35, 0.25, 0.4, 0.5
RIM = 3  # pixels by which an object may reach beyond its mask; only a tight hole lets it be seen


@dataclass(frozen=True, eq=False)
class Picture:
    """(H, W, 3) uint8, and where its annotated objects are, (H, W) bool."""

    rgb: np.ndarray
    objects: np.ndarray


@dataclass(frozen=True, eq=False)
class Shape:
    """An annotated object cut out, or put into a crop: its mask, (h, w) bool, and its pixels, (h, w, 3) uint8.

    ``whole``: the border of its photo cuts nothing of it off.
    """

    mask: np.ndarray
    rgb: np.ndarray
    whole: bool = True


@dataclass(frozen=True, eq=False)
class Sample:
    """seen, target: (S, S, 3) uint8; hole: (S, S) bool.

    Outside the hole ``seen`` is ``target`` but where something was left; what it is inside means nothing.
    """

    seen: np.ndarray
    hole: np.ndarray
    target: np.ndarray


def load_pictures(folder: Path, split: str, videos: bool = True) -> tuple[list[Picture], list[Shape]]:
    """Photos of one side of the split below ``folder``, frames of its clips, and the annotated objects.

    Raises DataError where a side has no photo or no object.
    """
    pictures: list[Picture] = []
    shapes: list[Shape] = []
    for source in (source for source in find_sources(folder) if source.split == split):
        if source.is_video:
            pictures += _frames(source) if videos else []
            continue
        rgb = read_photo(source.path)
        masks = [read_mask(path, rgb.shape[1], rgb.shape[0]) for path in source.masks]
        shapes += [_cut(rgb, mask) for mask in masks if mask.sum() > LEAST_OBJECT]
        pictures.append(Picture(rgb, np.any(masks, axis=0) if masks else np.zeros(rgb.shape[:2], bool)))
    if not pictures or not shapes:
        raise DataError(
            f"{folder} holds no photo with object masks for the {split} side of the split (by a hash of the photo's "
            "name); add photos NAME/PHOTO.jpg with masks NAME_masks/ANYTHING_PHOTO.png, white = object."
        )
    return pictures, shapes


def _frames(source: Source) -> list[Picture]:
    frames = [frame for shot in read_shots(source.path)[0] for frame in shot]
    chosen = frames[:: max(1, len(frames) // FRAMES)][:FRAMES]
    return [Picture(frame, np.zeros(frame.shape[:2], bool)) for frame in chosen]


def _cut(rgb: np.ndarray, mask: np.ndarray) -> Shape:
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    whole = x > 0 and y > 0 and x + w < mask.shape[1] and y + h < mask.shape[0]
    return Shape(mask[y : y + h, x : x + w].copy(), rgb[y : y + h, x : x + w].copy(), whole)


class GroundSamples:
    """Batches for steps; that of a step depends on the seed and the step only, so that a resumed run is the same run.

    A batch is seen (B, 3, S, S) in -1..1, known (B, 1, S, S), 1 = known, 0 = hole, and target (B, 3, S, S) in -1..1.
    """

    def __init__(self, pictures: list[Picture], shapes: list[Shape], size: int, batch_size: int, seed: int):
        self.pictures, self.shapes, self.size, self.batch_size = pictures, shapes, size, batch_size
        self.seed = seed

    def batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """The batch of a step. Raises DataError where these pictures give none."""
        rng = np.random.default_rng([self.seed, step])
        samples = draw_some(self.pictures, self.shapes, self.size, self.batch_size, rng)
        seen, known, target = zip(*map(tensors, samples), strict=True)
        return torch.stack(seen), torch.stack(known), torch.stack(target)


def tensors(sample: Sample) -> tuple[Tensor, Tensor, Tensor]:
    """A sample as the network reads it: seen, known and target of a batch (GroundSamples) without its dimension."""
    seen, target = (image_tensor(picture)[0] for picture in (sample.seen, sample.target))
    return seen, torch.from_numpy(~sample.hole)[None].float(), target


def draw_some(
    pictures: list[Picture], shapes: list[Shape], size: int, number: int, rng: np.random.Generator
) -> list[Sample]:
    """So many samples of ``size`` pixels a side. Raises DataError where hardly any draw succeeds."""
    made: list[Sample] = []
    for _ in range(TRIES * number):
        sample = draw(pictures, shapes, size, rng)
        made += [sample] if sample is not None else []
        if len(made) == number:
            return made
    raise DataError(f"{len(pictures)} pictures have hardly a place that no object mask covers; add photos of more.")


def draw(pictures: list[Picture], shapes: list[Shape], size: int, rng: np.random.Generator) -> Sample | None:
    """One sample; None where this draw came to nothing."""
    target, objects = cropped(pictures[rng.integers(len(pictures))], size, rng)
    placed = _placed(shapes[rng.integers(len(shapes))], objects, rng)
    if rng.random() < SECOND_SHARE:  # what is lifted together with it, or a hole that it stood before
        other = _placed(shapes[rng.integers(len(shapes))], objects, rng)
        placed = Shape(placed.mask | other.mask, np.where(other.mask[..., None], other.rgb, placed.rgb))
    inside = signed_distance(placed.mask)
    hole = inside > -rng.integers(*DILATIONS)
    if rng.random() < THIN_SHARE:
        hole |= _strokes(size, rng)
    if not LEAST_HOLE < hole.mean() < MOST_HOLE or objects[hole].mean() > MOST_ANNOTATED:
        return None
    seen = _with_leftovers(target, placed, inside, rng) if rng.random() < LEFTOVER_SHARE else target
    return Sample(seen, hole, target)


def cropped(picture: Picture, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A square of the picture, at its own size or (WIDE_SHARE) of a larger part; mirrored half of the time."""
    height, width = picture.rgb.shape[:2]
    most = min(height, width)
    side = min(size, most) if rng.random() >= WIDE_SHARE else int(rng.integers(min(size, most), most + 1))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    window = slice(top, top + side), slice(left, left + side)
    way = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    rgb = cv2.resize(picture.rgb[window], (size, size), interpolation=way)
    objects = cv2.resize(picture.objects[window].astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST) > 0
    flip = slice(None, None, -1 if rng.random() < 0.5 else 1)
    return np.ascontiguousarray(rgb[:, flip]), objects[:, flip]


def _placed(shape: Shape, objects: np.ndarray, rng: np.random.Generator) -> Shape:
    """An object scaled, turned and put where few annotated objects, (S, S) bool, are: a Shape of (S, S)."""
    size = len(objects)
    turned = _scaled_and_turned(shape, size, rng)
    height, width = shape.mask.shape
    best = None
    for _ in range(PLACES):
        matrix = np.float32(np.column_stack([turned, rng.uniform(0, size, 2)]))
        matrix[:, 2] -= turned @ (width / 2, height / 2)  # the object's middle lies there
        mask = cv2.warpAffine(shape.mask.astype(np.uint8), matrix, (size, size), flags=cv2.INTER_NEAREST) > 0
        covered = (mask & objects).sum() / max(mask.sum(), 1) + (0 if mask.mean() > LEAST_HOLE else 1)
        if best is None or covered < best[0]:
            best = covered, mask, matrix
        if covered < 0.02:
            break
    _, mask, matrix = best
    return Shape(mask, cv2.warpAffine(shape.rgb, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE))


def _scaled_and_turned(shape: Shape, size: int, rng: np.random.Generator) -> np.ndarray:
    """The linear part of the way from the shape's pixels to those of a crop of ``size``: (2, 2) float32."""
    area = np.exp(rng.uniform(*np.log(SIZES)))
    scale = size * (area / max(shape.mask.sum(), 1)) ** 0.5
    turn = rng.normal(0, 0.2)
    flip = -1 if rng.random() < 0.5 else 1
    a, b = scale * np.cos(turn), scale * np.sin(turn)
    return np.float32([[flip * a, -b], [flip * b, a]])


def _strokes(size: int, rng: np.random.Generator) -> np.ndarray:
    """Thin parts: a few bent lines, (S, S) bool."""
    drawn = np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(1, 4)):
        points = rng.uniform(0, size, 2) + np.cumsum(rng.normal(0, size / 9, (int(rng.integers(3, 7)), 2)), axis=0)
        cv2.polylines(drawn, [points.astype(np.int32)], False, 1, int(rng.integers(3, 12)))
    return drawn > 0


def _with_leftovers(target: np.ndarray, placed: Shape, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture as it was with the object: its shadow on the ground, its edge where it reaches beyond its mask.

    ``inside``: signed distance to the object's outline, (S, S). Returns (S, S, 3) uint8.
    """
    seen = target * shadow(placed.mask.astype(np.float32), rng)[..., None]
    if rng.random() < RIM_SHARE:
        edge = np.clip(inside + rng.uniform(0, RIM) + 0.5, 0, 1)[..., None]
        seen = seen + (placed.rgb - seen) * edge
    return to_uint8(seen)
