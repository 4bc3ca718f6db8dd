"""The finest detail of a filled hole, from the photo itself: what stands where is known, but too soft.

For each patch of the hole the place of the photo is sought that is most like it *without* fine detail; what is fine
there is laid over it. So a hole is as sharp and as grainy as its surroundings, at any size, and no line is moved.
"""

import cv2
import numpy as np

from magicfixup_demo.engine.exemplar import LEAST_SOURCES, SHARP, Level, sides, voted

ITERATIONS = 3  # of PatchMatch at each level
MOST_GAIN = 2.0  # where neighbours disagree their mean is weaker than each; by so much it is made up for at most
WEAVE = 3.0  # times the width of the finest detail
SIMILAR = 8.0  # pixels over which the strength of detail is compared
LEAST_ENERGY = 0.05  # grey levels, squared


def fine_part(picture: np.ndarray, sigma: float) -> np.ndarray:
    """What is finer than ``sigma`` pixels: (H, W, 3) of any kind -> float32."""
    picture = picture.astype(np.float32)
    return picture - cv2.GaussianBlur(picture, (0, 0), sigma)


def paint_detail(soft: np.ndarray, hole: np.ndarray, sigma: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Detail finer than ``sigma`` for the hole, (H, W, 3) float32, to be added there; how much of ``soft`` to believe.

    soft: (H, W, 3) uint8, the photo, with something right but soft in its hole, (H, W) bool. Seed 0 may take detail
    from everywhere, another one from half of the places, each from another half. The second result, (H, W, 1) 0..1, is
    for the part of ``soft`` that is finer than WEAVE times ``sigma``: less than 1 where like places of the photo are
    smoother, as where a network weaves on a flat surface. Where there is too little to copy: 0, and 1 everywhere.
    """
    detail, limit = np.zeros(soft.shape, np.float32), np.ones((*hole.shape, 1), np.float32)
    fine, rng = fine_part(soft, sigma), np.random.default_rng(seed)
    sources = ~hole & _patches(hole.shape, rng) if seed else ~hole
    level = _followed(np.clip(soft - fine, 0, 255), hole, sources, rng)
    if level is None:
        return detail, limit
    woven = np.square(fine_part(soft, WEAVE * sigma)).mean(axis=2)
    said = np.zeros((hole.size, 5), np.float32)  # detail, its energy, and that of the coarser part
    for places, values in voted(
        level, np.dstack([fine, np.square(fine).mean(axis=2), woven]), hole, level.weights(SHARP)
    ):
        said[places] = values
    said = said.reshape(*hole.shape, 5)
    reach = SIMILAR * max(1.0, sigma)
    gain = np.clip(_ratio(said[..., 3], np.square(said[..., :3]).mean(axis=2), hole, reach), 1, MOST_GAIN)
    return said[..., :3] * gain, np.clip(_ratio(said[..., 4], woven, hole, reach), 0, 1)


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
