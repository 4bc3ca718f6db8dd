"""What a reverse-synthetic pair is roughened with: careless masks, shadows that do not belong, poor photos.

Everything is drawn from the generator that is handed in, so a pair can be made again from its seed.
"""

import cv2
import numpy as np

MOST_SHIFT = 8.0  # pixels by which a careless outline leaves the true one
LARGEST_BLOCK = 6  # pixels of a staircase
SHADOW_SHARE, JPEG_SHARE, BLUR_SHARE = 0.5, 0.3, 0.1  # of the pairs
JPEG_QUALITIES = (40, 96)
MOST_BLUR = 1.2  # sigma in pixels


def jittered_mask(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mask as a segmenter or a hurried user draws it; (H, W) bool -> (H, W) uint8, 255 = inside.

    The outline is grown or shrunk and wavy, by MOST_SHIFT pixels at most (less for a thin object, which is never lost);
    one in three is jagged besides, one in two has a soft edge of a few pixels.
    """
    inside = signed_distance(mask)
    limit = min(MOST_SHIFT, 0.6 * float(inside.max()))
    edge = inside + np.clip(rng.normal(0.8, 3.0) + _waves(mask.shape, rng), -limit, limit)
    if rng.random() < 1 / 3:
        edge = _staircase(edge, int(rng.integers(2, LARGEST_BLOCK + 1)))
    softness = rng.uniform(1.0, 5.0) if rng.random() < 0.5 else 1e-3
    alpha = np.rint(np.clip(0.5 + edge / softness, 0, 1) * 255).astype(np.uint8)
    return alpha if (alpha >= 128).any() else mask.astype(np.uint8) * 255


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """(H, W) float32 pixels to the outline, positive inside."""
    inside = mask.astype(np.uint8)
    return cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)


def shadow(coverage: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What an object darkens around it: (H, W) float32 coverage 0..1 -> (H, W) float32, 1 = nothing, 0 = black.

    Either none, a soft halo a little off the object, or a cast shadow: the silhouette laid flat on the ground in a
    random direction, from the object's foot, with a dark line of contact there.
    """
    lightness = np.ones_like(coverage)
    if rng.random() >= SHADOW_SHARE or not (coverage > 0.5).any():
        return lightness
    if rng.random() < 0.4:
        moved = np.float32([[1, 0, rng.uniform(-12, 12)], [0, 1, rng.uniform(0, 14)]])
        return lightness - rng.uniform(0.15, 0.5) * _blurred(_warped(coverage, moved), rng.uniform(4, 16))
    cast = _blurred(_warped(coverage, _laid_flat(coverage, rng)), rng.uniform(2, 10))
    contact = _blurred(_foot(coverage), rng.uniform(1.5, 5))
    return (1 - rng.uniform(0.15, 0.55) * cast) * (1 - rng.uniform(0.2, 0.6) * np.minimum(1, 2 * contact))


def degraded(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A photo as it comes from the web: at times a little out of focus, at times JPEG; (H, W, 3) uint8 -> the same."""
    if rng.random() < BLUR_SHARE:
        photo = cv2.GaussianBlur(photo, (0, 0), float(rng.uniform(0.3, MOST_BLUR)))
    if rng.random() < JPEG_SHARE:
        quality = int(rng.integers(*JPEG_QUALITIES))
        data = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        photo = np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
    return photo


def _waves(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of a random strength, in pixels."""
    knots = rng.normal(size=(max(2, shape[0] // 16), max(2, shape[1] // 16))).astype(np.float32)
    return cv2.resize(knots, shape[::-1], interpolation=cv2.INTER_CUBIC) * np.float32(rng.uniform(0, 2.0))


def _staircase(values: np.ndarray, block: int) -> np.ndarray:
    """Each block takes the value of its middle."""
    height, width = values.shape
    y, x = (np.minimum(np.arange(n) // block * block + block // 2, n - 1) for n in (height, width))
    return values[np.ix_(y, x)]


def _laid_flat(coverage: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The 2x3 matrix that lays a silhouette on the ground behind or before its foot, slanted to one side."""
    foot = np.nonzero((coverage > 0.5).any(axis=1))[0][-1]
    flat = rng.uniform(0.15, 0.5) * (1 if rng.random() < 0.5 else -1)  # of the height that is left; below 0: before it
    slant = rng.uniform(-1.2, 1.2)
    return np.float32([[1, slant, -slant * foot], [0, flat, foot - flat * foot]])


def _foot(coverage: np.ndarray) -> np.ndarray:
    """The lowest part of each column of the object, a few pixels thick."""
    thickness = max(2, round(0.03 * coverage.shape[0]))
    below = np.zeros_like(coverage)
    below[:-thickness] = coverage[thickness:]  # what the object covers a little further down
    rows = np.nonzero((coverage > 0.5).any(axis=1))[0]
    low = np.arange(coverage.shape[0])[:, None] > rows[-1] - 0.15 * (rows[-1] - rows[0]) - thickness
    return np.clip(coverage - below, 0, 1) * low


def _warped(coverage: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(coverage, matrix, coverage.shape[::-1])


def _blurred(coverage: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(coverage, (0, 0), float(sigma))
