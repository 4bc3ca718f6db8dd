"""A source frame's segments: what moves together, by similarity transforms fitted to the flow one after the other.

1. Sequential RANSAC: the similarity transform that most of the trusted flow follows (the background, as a rule), then
   the one that most of the rest follows, and so on; then, with a wider tolerance, for what bends or turns in depth (a
   person, an animal), which a user would move as one piece all the same.
2. Each pixel goes to the motion that its flow fits best. The misfit of each motion is smoothed by a guided filter
   (He, Sun, Tang, TPAMI 2013; its fast form, arXiv 1505.00996) with the picture as guide, so that segments end at the
   picture's edges; where the flow is not trusted the neighbours decide.
3. Specks join what surrounds them; what no motion explains belongs to no segment and becomes a hole.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from magicfixup_demo.affine import Affine

MOST_SEGMENTS = 8
GRID = 4  # the fit and the filter work on every fourth pixel
POINTS_PER_FIT = 3000
POINTS_PER_SEGMENT = 50  # the paper's robust fit
LEAST_SHARE = 0.012  # of the trusted points that a motion has to explain
LEAST_AREA = 0.004  # of the picture; smaller specks of a label join what surrounds them
LEAST_INLIERS = 0.6  # of a segment's trusted pixels that follow its transform, else it is dropped
SCALES = (0.4, 2.5)
CAP = 3.0  # tolerances: a misfit beyond counts as this much
LOOSE = 3.0  # times the tolerance, in the second round
GUIDE_RADIUS, GUIDE_NOISE = 4, 1e-3  # of the guided filter: grid points, variance of a picture in 0..1


@dataclass(frozen=True)
class _Motion:
    matrix: Affine
    tolerance: float  # pixels


@dataclass(frozen=True, eq=False)
class MotionSegment:
    """``mask`` (H, W) bool in the source frame; ``matrix`` takes it to the target frame."""

    mask: np.ndarray
    matrix: Affine


def motion_segments(
    source: np.ndarray, flow: np.ndarray, trusted: np.ndarray, rng: np.random.Generator
) -> list[MotionSegment]:
    """Segments of a source frame ((H, W, 3) uint8), largest first; trusted: (H, W) bool. Empty where nothing fits.

    The tolerance is drawn per pair, from fine segments to coarse ones.
    """
    tolerance = float(rng.uniform(1.2, 3.5)) * math.sqrt(trusted.size) / 512
    motions = _fit_motions(flow, trusted, tolerance, rng)
    if not motions:
        return []
    labels = _labels(source, flow, trusted, motions)
    segments = []
    for label, motion in enumerate(motions):
        mask = labels == label
        matrix = _refit(mask & trusted, flow, motion.tolerance, rng) if mask.mean() >= LEAST_AREA else None
        if matrix is not None:
            segments.append(MotionSegment(mask, matrix))
    return sorted(segments, key=lambda segment: -int(segment.mask.sum()))


def _fit_motions(flow: np.ndarray, trusted: np.ndarray, tolerance: float, rng: np.random.Generator) -> list[_Motion]:
    """Sequential RANSAC over the trusted flow: the motion of most points first; strictly, then loosely."""
    start, end = _points(trusted, flow, POINTS_PER_FIT, rng)
    least = max(12, LEAST_SHARE * len(start))
    motions: list[_Motion] = []
    for allowed in (tolerance, LOOSE * tolerance):
        while len(start) >= least and len(motions) < MOST_SEGMENTS:
            matrix, inliers = _similarity(start, end, allowed)
            if matrix is None or inliers.sum() < least:
                break
            if _is_plausible(matrix):
                motions.append(_Motion(matrix, allowed))
            start, end = start[~inliers], end[~inliers]
    return motions


def _labels(source: np.ndarray, flow: np.ndarray, trusted: np.ndarray, motions: list[_Motion]) -> np.ndarray:
    """(H, W) int: the index of each pixel's motion, -1 where none fits."""
    misfits = [np.minimum(misfit(flow, motion.matrix) / motion.tolerance, CAP) for motion in motions]
    neutral = np.float32(CAP / 2)  # equal for all motions where the flow says nothing
    smooth = np.stack([_guided(np.where(trusted, values, neutral), source) for values in misfits])
    best = np.argmin(smooth, axis=0).astype(np.int16)
    best[(smooth.min(axis=0) > 0.75 * CAP) & trusted] = -1
    return _without_specks(best, len(motions))


def misfit(flow: np.ndarray, matrix: Affine) -> np.ndarray:
    """(H, W) float32: pixels between where the flow and where the transform takes each pixel."""
    a, b, c, d, e, f = matrix
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32) + np.float32(0.5)
    return np.hypot(a * x + c * y + e - x - flow[..., 0], b * x + d * y + f - y - flow[..., 1]).astype(np.float32)


def _guided(values: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """The fast guided filter: values (H, W) float32 smoothed, with the edges of the picture (grey)."""
    height, width = values.shape
    guide = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    small = (width // GRID, height // GRID)
    g, v = (cv2.resize(part, small, interpolation=cv2.INTER_AREA) for part in (guide, values))
    slope, offset = _local_line(g, v)
    slope, offset = (cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR) for part in (slope, offset))
    return slope * guide + offset


def _local_line(guide: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Equations 5, 6 and 8 of He et al.: values as a line of the guide in each window, averaged over the windows."""

    def mean(picture: np.ndarray) -> np.ndarray:
        return cv2.blur(picture, (2 * GUIDE_RADIUS + 1,) * 2)

    mean_guide, mean_values = mean(guide), mean(values)
    variance = mean(guide * guide) - mean_guide**2
    slope = (mean(guide * values) - mean_guide * mean_values) / (variance + GUIDE_NOISE)
    return mean(slope), mean(mean_values - slope * mean_guide)


def _without_specks(labels: np.ndarray, count: int) -> np.ndarray:
    """Small connected pieces of a label take the nearest label that is left."""
    labels = cv2.medianBlur((labels + 1).astype(np.uint8), 5).astype(np.int16) - 1
    keep = np.zeros(labels.shape, bool)
    for label in range(-1, count):
        _, pieces, stats, _ = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8), connectivity=4)
        large = stats[:, cv2.CC_STAT_AREA] >= LEAST_AREA * labels.size
        large[0] = False  # component 0 is what does not have this label
        keep |= large[pieces]
    if not keep.any():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(
        (~keep).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_seed = np.zeros(nearest.max() + 1, np.int16)
    of_seed[nearest[keep]] = labels[keep]
    return of_seed[nearest]


def _refit(mask: np.ndarray, flow: np.ndarray, tolerance: float, rng: np.random.Generator) -> Affine | None:
    """The transform of about 50 points of a segment; None when it does not explain the segment."""
    matrix, _ = _similarity(*_points(mask, flow, POINTS_PER_SEGMENT, rng), tolerance)
    if matrix is None or not _is_plausible(matrix):
        return None
    return matrix if (misfit(flow, matrix)[mask] < 2 * tolerance).mean() >= LEAST_INLIERS else None


def _is_plausible(matrix: Affine) -> bool:
    return SCALES[0] < math.hypot(*matrix[:2]) < SCALES[1]


def _points(mask: np.ndarray, flow: np.ndarray, most: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """At most so many random pixels of the mask, and where the flow takes them: (N, 2) float32 twice, (x, y)."""
    ys, xs = np.nonzero(mask)
    chosen = rng.choice(len(xs), min(most, len(xs)), replace=False)
    start = np.stack([xs[chosen], ys[chosen]], axis=1).astype(np.float32) + 0.5
    return start, start + flow[ys[chosen], xs[chosen]]


def _similarity(start: np.ndarray, end: np.ndarray, tolerance: float) -> tuple[Affine | None, np.ndarray]:
    """RANSAC's similarity transform and its inliers ((N,) bool); OpenCV seeds it the same every time."""
    if len(start) < 12:
        return None, np.zeros(len(start), bool)
    fitted, inliers = cv2.estimateAffinePartial2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=tolerance)
    if fitted is None:
        return None, np.zeros(len(start), bool)
    (a, c, e), (b, d, f) = fitted.tolist()
    return (a, b, c, d, e, f), inliers.ravel().astype(bool)
