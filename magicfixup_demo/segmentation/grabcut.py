"""The fallback without weights: OpenCV's GrabCut, seeded by the clicks or the box."""

import cv2
import numpy as np

from magicfixup_demo.downloads import Progress
from magicfixup_demo.images import resize
from magicfixup_demo.schema import MaskCandidate, Prompt
from magicfixup_demo.segmentation.interface import Embedding, checked_prompt, found

WORKING_AREA = 320 * 320  # GrabCut's time grows with the area; this keeps a click near a third of a second
ITERATIONS = 3
SEED_RADIUS = 0.015  # of the long side: what a click says for certain
REACH = 0.25  # of the long side: how far from the clicks an object is looked for
SCORE = 0.5  # GrabCut does not know how good it is


class GrabCutSegmenter:
    """Finds what differs in colour from its surroundings; see Segmenter for the methods."""

    name = "grabcut"
    note = "GrabCut, a simple fallback, stands in for a segmentation model; a box works better than a click."

    def embed(self, photo: np.ndarray, progress: Progress | None = None) -> Embedding:
        height, width = photo.shape[:2]
        shrink = min(1.0, (WORKING_AREA / (width * height)) ** 0.5)
        small = resize(photo, max(2, round(width * shrink)), max(2, round(height * shrink)))
        if progress:
            progress(1.0, "Ready: click an object")
        return Embedding(self.name, height, width, small, small.nbytes)

    def candidates(self, embedding: Embedding, prompt: Prompt) -> tuple[MaskCandidate, ...]:
        prompt = checked_prompt(prompt, embedding.width, embedding.height)
        small: np.ndarray = embedding.data
        seeds = _seeds(small.shape[:2], prompt, small.shape[1] / embedding.width)
        mask = _connected_to(_grab(small, seeds), seeds)
        full = resize(mask.astype(bool), embedding.width, embedding.height)
        return found([MaskCandidate(full, SCORE)])


def _seeds(shape: tuple[int, int], prompt: Prompt, scale: float) -> np.ndarray:
    """(h, w) uint8 of cv2's four classes: certain background far away, perhaps near, certain at the clicks."""
    seeds = np.full(shape, cv2.GC_BGD, np.uint8)
    long_side = max(shape)
    includes = [_pixel(p, scale) for p, add in zip(prompt.points, prompt.labels, strict=True) if add]
    excludes = [_pixel(p, scale) for p, add in zip(prompt.points, prompt.labels, strict=True) if not add]
    if prompt.box is None:
        for point in includes:
            cv2.circle(seeds, point, round(REACH * long_side), int(cv2.GC_PR_BGD), -1)
        for point in includes:
            cv2.circle(seeds, point, round(REACH * long_side / 2), int(cv2.GC_PR_FGD), -1)
    else:
        x0, y0, x1, y1 = (round(value * scale) for value in prompt.box)
        seeds[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] = cv2.GC_PR_FGD
    radius = max(1, round(SEED_RADIUS * long_side))
    for point in includes:
        cv2.circle(seeds, point, radius, int(cv2.GC_FGD), -1)
    for point in excludes:
        cv2.circle(seeds, point, radius, int(cv2.GC_BGD), -1)
    return seeds


def _pixel(point: tuple[float, float], scale: float) -> tuple[int, int]:
    return (int(point[0] * scale), int(point[1] * scale))


def _grab(photo: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """(h, w) uint8, 1 inside."""
    classes = seeds.copy()
    background = np.isin(seeds, (cv2.GC_BGD, cv2.GC_PR_BGD))
    if background.any() and not background.all():  # GrabCut learns two colour models, so it needs both
        cv2.setRNGSeed(0)  # its clustering draws random numbers; the same click should give the same mask
        models = np.zeros((2, 1, 65), np.float64)
        cv2.grabCut(photo, classes, None, models[0], models[1], ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return np.isin(classes, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)


def _connected_to(mask: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Keep the regions that hold a certain seed; with a box alone, the largest region."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count == 1:
        return mask
    certain = np.unique(labels[(seeds == cv2.GC_FGD) & (mask > 0)])
    keep = certain if certain.size else [1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())]
    return np.isin(labels, keep).astype(np.uint8)
