"""The finest detail of a filled hole, from the photo itself: what stands where is known, but too soft.

For each patch of the hole the place of the photo is sought that is most like it *without* fine detail; what is fine
there is laid over it. So a hole is as sharp and as grainy as its surroundings, at any size, and no line is moved.
"""

import cv2
import numpy as np

from magicfixup_demo.engine.exemplar import LEAST_SOURCES, SHARP, Level, sides, voted

ITERATIONS = 3  # of PatchMatch at each level
MOST_GAIN = 1.4  # where neighbours disagree their mean is weaker than each; by so much it is made up for at most
SIMILAR = 8.0  # pixels over which the strength of detail is compared
LEAST_ENERGY = 0.05  # grey levels, squared


def fine_part(picture: np.ndarray, sigma: float) -> np.ndarray:
    """What is finer than ``sigma`` pixels: (H, W, 3) of any kind -> float32."""
    picture = picture.astype(np.float32)
    return picture - cv2.GaussianBlur(picture, (0, 0), sigma)


def paint_detail(soft: np.ndarray, hole: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """Detail finer than ``sigma`` for the hole: (H, W, 3) float32, to be added there; 0 where there is none to take.

    soft: (H, W, 3) uint8, the photo, with something right but soft in its hole, (H, W) bool. Seed 0 may take detail
    from everywhere, another one from half of the places, each from another half.
    """
    detail = np.zeros(soft.shape, np.float32)
    fine, rng = fine_part(soft, sigma), np.random.default_rng(seed)
    sources = ~hole & _patches(hole.shape, rng) if seed else ~hole
    level = _followed(np.clip(soft - fine, 0, 255), hole, sources, rng)
    if level is None:
        return detail
    both = np.dstack([fine, np.square(fine)])  # (H, W, 6): the votes' mean, and the mean of their energies
    energy, pixels = np.zeros_like(detail).reshape(-1, 3), detail.reshape(-1, 3)
    for places, values in voted(level, both, hole, level.weights(SHARP)):
        pixels[places], energy[places] = values[:, :3], values[:, 3:]
    return detail * _gain(detail, energy.reshape(detail.shape), hole, SIMILAR * max(1.0, sigma))[..., None]


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


def _gain(detail: np.ndarray, energy: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """(H, W) by how much the mean of the votes, ``detail``, falls short of the strength of each, of ``energy``."""
    own, wanted = (
        cv2.GaussianBlur(values.mean(axis=2) * hole, (0, 0), sigma) for values in (np.square(detail), energy)
    )
    return np.clip(np.sqrt((wanted + LEAST_ENERGY) / (own + LEAST_ENERGY)), 1, MOST_GAIN)
