"""A picture, an edit of it, and pairs."""

import cv2
import numpy as np
import pytest

from magicfixup_demo.pairs.store import save_pair
from magicfixup_demo.pairs.synthetic import Pair
from magicfixup_demo.schema import CoarseEdit


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(96, 128, 3)).astype(np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.fixture(scope="session")
def edit(picture) -> CoarseEdit:
    """The square at (40, 30) moved 40 pixels to the right."""
    alpha = np.full(picture.shape[:2], 255, np.uint8)
    alpha[30:60, 40:70] = 0
    rgb = picture.copy()
    rgb[30:60, 80:110] = picture[30:60, 40:70]
    rgb[alpha == 0] = 0
    return CoarseEdit(rgb, alpha)


@pytest.fixture
def pairs(picture, edit, tmp_path):
    """A folder with three pairs of two clips and a photo."""
    folder = tmp_path / "pairs"
    folder.mkdir()
    for name in ("clip1__affine0", "clip2__flow0", "photo__moved0"):
        save_pair(folder, name, Pair(picture, edit, picture))
    return folder
