"""The finest detail of a filled hole, from the photo itself: what stands where is known, but too soft.

For each patch of the hole the place of the photo is sought that is most like it *without* fine detail; what is fine
there is laid over it. So a hole is as sharp and as grainy as its surroundings, at any size, and no line is moved.
"""

from collections.abc import Callable

import cv2
import numpy as np

from magicfixup_demo.engine.composite import Box
from magicfixup_demo.engine.exemplar import LEAST_SOURCES, OFFSETS, SHARP, Level, sides, voted
from magicfixup_demo.images import resize

ITERATIONS = 3  # of PatchMatch at each level
CLOSEST = [(dy, dx) for dy, dx in OFFSETS if abs(dy) + abs(dx) <= 2]  # patches that vote; the others hardly count
FINE = 1.5  # pixels that the network sees: finer detail is the photo's
WEAVE = 4.5  # pixels that the network sees: detail up to this width is limited to what like places have
MOST_GAIN = 2.0  # where neighbours disagree their mean is weaker than each; by so much it is made up for at most
SIMILAR = 12.0  # pixels that the network sees, over which the strength of detail is compared
LEAST_ENERGY = 0.05  # grey levels, squared


def fine_part(picture: np.ndarray, sigma: float) -> np.ndarray:
    """What is finer than ``sigma`` pixels: (H, W, 3) of any kind -> float32."""
    picture = picture.astype(np.float32)
    return picture - cv2.GaussianBlur(picture, (0, 0), sigma)


def paint_detail(
    picture: np.ndarray,
    hole: np.ndarray,
    box: Box,
    soft: np.ndarray,
    seed: int = 0,
    report: Callable[[float], object] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Detail finer than FINE for the hole, to be added there; how much of what is coarser to believe.

    picture: (H, W, 3) uint8, the photo; hole: (H, W) bool, all within ``box``; soft: (h, w, 3) float32, the picture as
    the network sees it, with something right but soft in the hole. Seed 0 may take detail from everywhere, another one
    from half of the places, each from another half. ``report``, called with the fraction done, may raise to stop.
    Returns the detail, float32 of the box's size, and (h, w, 1) 0..1, for the part of ``soft`` that is finer than
    WEAVE: less than 1 where like places of the photo are smoother, as where a network weaves on a flat surface. Where
    there is too little to copy: 0, and 1 everywhere.
    """
    (height, width), rng = soft.shape[:2], np.random.default_rng(seed)
    small, unknown = resize(picture, width, height), _shrunk(hole, width, height)
    small = np.where(unknown[..., None], np.clip(soft, 0, 255), small).astype(np.float32)
    coarse = cv2.GaussianBlur(small, (0, 0), FINE)
    sources = ~unknown & _patches(unknown.shape, rng) if seed else ~unknown
    level = _followed(coarse, unknown, sources, rng)
    if level is None:
        return np.zeros((*hole[box.window].shape, 3), np.float32), np.ones((height, width, 1), np.float32)
    weights = level.weights(SHARP)
    detail = _detail(level, weights, picture, hole, box, coarse, report)
    whole = Box(0, 0, width, height)
    woven = np.square(fine_part(small, WEAVE)).mean(axis=2)
    limit = _ratio(_said(level, weights, woven[..., None], unknown, whole)[..., 0], woven, unknown, SIMILAR)
    return detail, np.clip(limit, 0, 1)


def _detail(
    level: Level,
    weights: np.ndarray,
    picture: np.ndarray,
    hole: np.ndarray,
    box: Box,
    coarse: np.ndarray,
    report: Callable[[float], object] | None,
) -> np.ndarray:
    """What is finer in the picture than its ``coarse`` copy, (h, w, 3), for the hole: float32 of the box's size."""
    height, width = hole.shape
    known = np.empty((height, width, 4), np.float32)  # detail and its energy
    known[..., :3] = picture
    known[..., :3] -= cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    known[..., 3] = np.einsum("hwc,hwc->hw", known[..., :3], known[..., :3]) / 3
    said = _said(level, weights, known, hole, box, report)
    detail, energy, reach = said[..., :3], said[..., 3], SIMILAR * max(1.0, width / coarse.shape[1])
    own = np.einsum("hwc,hwc->hw", detail, detail) / 3
    return detail * np.clip(_ratio(energy, own, hole[box.window], reach), 1, MOST_GAIN)


def _said(
    level: Level,
    weights: np.ndarray,
    known: np.ndarray,
    hole: np.ndarray,
    box: Box,
    report: Callable[[float], object] | None = None,
) -> np.ndarray:
    """What the patches say of the hole, by what is ``known``, (H, W, C): float32 of the box's size, 0 around it."""
    said, done, all_of_it = np.zeros((*box.size[::-1], known.shape[2]), np.float32), 0, np.count_nonzero(hole)
    for places, values in voted(level, known, hole, weights, CLOSEST):
        if report:
            report(done / all_of_it)
        row, column = np.divmod(places, hole.shape[1])
        said[row - box.top, column - box.left] = values
        done += len(places)
    return said


def _shrunk(hole: np.ndarray, width: int, height: int) -> np.ndarray:
    """The hole, (H, W) bool, at that size: whatever it reaches into."""
    return hole if hole.shape == (height, width) else resize(hole.astype(np.float32), width, height) > 0


def _patches(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Half of a picture, in patches of an eighth of its sides or so: (H, W) bool."""
    knots = cv2.resize(rng.random((8, 8)).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    return knots > np.median(knots[:: max(1, shape[0] // 64), :: max(1, shape[1] // 64)])


def _followed(picture: np.ndarray, hole: np.ndarray, sources: np.ndarray, rng: np.random.Generator) -> Level | None:
    """The neighbours of the hole's patches in a picture (H, W, 3) float32; None where there are too few."""
    level = None
    for side in sides(hole.shape)[1:]:
        finer = Level(picture, hole, sources, side)
        if len(finer.targets) and len(finer.sources) >= LEAST_SOURCES:
            finer.follow(level, rng, ITERATIONS)
            level = finer
    return level


def _ratio(wanted: np.ndarray, own: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """(H, W, 1) by what detail of the energy ``own`` must be multiplied for that ``wanted``, (H, W) each, in the hole.

    Compared over so many pixels that a smaller copy tells as much in a fraction of the time.
    """
    step = max(1, int(sigma / 4))
    size = tuple(max(1, length // step) for length in hole.shape[::-1])

    def strength(energy: np.ndarray) -> np.ndarray:
        small = cv2.resize(energy * hole, size, interpolation=cv2.INTER_AREA)
        return cv2.GaussianBlur(small, (0, 0), sigma / step) + LEAST_ENERGY

    ratio = np.sqrt(strength(wanted) / strength(own))
    return cv2.resize(ratio, hole.shape[::-1], interpolation=cv2.INTER_LINEAR)[..., None]
