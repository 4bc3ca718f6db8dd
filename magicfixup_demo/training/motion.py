"""The two motion models of the paper: a source frame warped towards a target frame, as a coarse edit.

Magic Fixup (arXiv 2403.13044), section 3.3: by dense optical flow, and by one similarity transform per segment. Optical
flow is OpenCV's DIS (arXiv 1603.03590), which needs no weights. Flow is (H, W, 2) float32, (dx, dy) in pixels.
"""

import math

import cv2
import numpy as np

from magicfixup_demo.affine import Affine
from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.schema import CoarseEdit, Collage, Layer

REFERENCE_SIDE = 512  # the paper states its motion limits in pixels of a 512 picture
LEAST_MOTION = 50.0  # 95th percentile; below it the pair is static
MOST_MOTION = 300.0  # 90th percentile; above it the pair is too violent
LEAST_COVER = 0.6
POINTS_PER_SEGMENT = 50


def optical_flow(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Where each source pixel goes in the target; (H, W, 3) uint8 twice -> (H, W, 2) float32."""
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (source, target)]
    return estimator.calc(grey[0], grey[1], None)


def motion_is_useful(flow: np.ndarray, least: float = LEAST_MOTION) -> bool:
    """The paper's filters: neither static nor too violent, in pixels of a picture of 512 x 512 pixels' area."""
    scale = REFERENCE_SIDE / math.sqrt(flow.shape[0] * flow.shape[1])
    length = np.linalg.norm(flow[::4, ::4], axis=2) * scale
    return np.percentile(length, 95) >= least and np.percentile(length, 90) <= MOST_MOTION


def consistency(flow: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """(H, W) bool: True where following the flow and coming back ends within 2 pixels of the start."""
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    back = cv2.remap(backward, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderValue=1e3)
    return np.linalg.norm(flow + back, axis=2) < 2.0 + 0.05 * np.linalg.norm(flow, axis=2)


def warp_by_flow(source: np.ndarray, flow: np.ndarray) -> CoarseEdit:
    """Splat the source along the median-filtered flow; faster pixels lie in front; holes where nothing lands."""
    height, width = flow.shape[:2]
    smooth = _median15(flow)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    to_x, to_y = x + smooth[..., 0], y + smooth[..., 1]
    front = np.exp(np.clip(np.linalg.norm(smooth, axis=2) * 0.5, 0, 40))  # stands in for depth
    colour = np.zeros((height * width, 3))
    weight, cover = np.zeros(height * width), np.zeros(height * width)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        column, row = np.floor(to_x).astype(int) + dx, np.floor(to_y).astype(int) + dy
        share = np.clip(1 - abs(to_x - column), 0, 1) * np.clip(1 - abs(to_y - row), 0, 1)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height) & (share > 0)
        index = row[inside] * width + column[inside]
        heavy = (share * front)[inside]
        cover += np.bincount(index, share[inside], minlength=height * width)
        weight += np.bincount(index, heavy, minlength=height * width)
        for channel in range(3):
            colour[:, channel] += np.bincount(index, heavy * source[..., channel][inside], minlength=height * width)
    covered = (cover > 0.3).reshape(height, width)
    rgb = (colour / np.maximum(weight, 1e-12)[:, None]).reshape(height, width, 3)
    rgb = np.where(covered[..., None], np.clip(np.rint(rgb), 0, 255), 0).astype(np.uint8)
    return CoarseEdit(rgb=rgb, alpha=covered.astype(np.uint8) * 255)


def warp_by_segments(
    source: np.ndarray, flow: np.ndarray, trusted: np.ndarray, rng: np.random.Generator
) -> CoarseEdit | None:
    """Cut the source into segments, fit one similarity transform to each segment's flow, and make a collage of them.

    trusted: (H, W) bool, where the flow may be believed. Larger segments lie further back. None when nothing fits.
    """
    labels = _motion_segments(source, flow, int(rng.integers(3, 11)), rng)
    height, width = labels.shape
    pieces = []
    for label in np.unique(labels):
        mask = labels == label
        matrix = _fit_similarity(mask, flow, trusted, rng)
        if matrix is not None and mask.sum() >= 64:
            pieces.append((int(mask.sum()), segment_from_mask(f"s{label}", mask), matrix))
    if not pieces:
        return None
    pieces.sort(key=lambda piece: -piece[0])
    everything = segment_from_mask("rest", np.ones((height, width), bool))  # the photo itself is not kept below
    collage = Collage(
        width=width,
        height=height,
        segments=(everything, *(segment for _, segment, _ in pieces)),
        layers=tuple(Layer(segment.id, segment.id, matrix) for _, segment, matrix in pieces),
    )
    return render(source, collage)


def covers_enough(edit: CoarseEdit) -> bool:
    """The paper's filter on the warped picture."""
    return 1 - edit.hole.mean() >= LEAST_COVER


def _median15(flow: np.ndarray) -> np.ndarray:
    """A 15 x 15 median of each component: at a third of the size with OpenCV's 5 x 5 (its largest for floats)."""
    height, width = flow.shape[:2]
    small = cv2.resize(flow, (max(5, width // 3), max(5, height // 3)), interpolation=cv2.INTER_NEAREST)
    filtered = np.dstack([cv2.medianBlur(np.ascontiguousarray(small[..., i]), 5) for i in range(2)])
    return cv2.resize(filtered, (width, height), interpolation=cv2.INTER_LINEAR)


def _motion_segments(source: np.ndarray, flow: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(H, W) labels: k-means over motion, place and colour at a quarter of the size, smoothed by a median."""
    height, width = flow.shape[:2]
    size = (width // 4, height // 4)
    colour = cv2.cvtColor(cv2.resize(source, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2LAB)
    motion = cv2.resize(_median15(flow), size, interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    features = np.dstack([motion * 1.5, x[..., None] * 0.6, y[..., None] * 0.6, colour.astype(np.float32) * 0.25])
    data = np.ascontiguousarray(features.reshape(-1, features.shape[2]), np.float32)
    cv2.setRNGSeed(int(rng.integers(1 << 30)))
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0)
    _, labels, _ = cv2.kmeans(data, count, None, stop, 1, cv2.KMEANS_PP_CENTERS)
    smooth = cv2.medianBlur(labels.reshape(size[1], size[0]).astype(np.uint8), 9)
    big = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_NEAREST)
    return cv2.medianBlur(big, 9)


def _fit_similarity(mask: np.ndarray, flow: np.ndarray, trusted: np.ndarray, rng: np.random.Generator) -> Affine | None:
    ys, xs = np.nonzero(mask & trusted)
    if len(xs) < 12:
        return None
    chosen = rng.choice(len(xs), min(POINTS_PER_SEGMENT, len(xs)), replace=False)
    start = np.stack([xs[chosen], ys[chosen]], axis=1).astype(np.float32) + 0.5
    end = start + flow[ys[chosen], xs[chosen]]
    fitted, _ = cv2.estimateAffinePartial2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=3.0)
    if fitted is None:
        return None
    (a, c, e), (b, d, f) = fitted
    return (a, b, c, d, e, f) if 0.4 < math.hypot(a, b) < 2.5 else None
