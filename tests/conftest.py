"""Fixtures that several test modules share."""

import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos and photos beside the repository; not everybody has it."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the shared photos and videos in ../shared/data, which are not here")
    return folder


@pytest.fixture(scope="session")
def parity_data() -> Path:
    """The folder of numbers computed by the published network beside the repository; not everybody has it."""
    folder = REPOSITORY.parent / "shared" / "parity"
    if not folder.is_dir():
        pytest.skip("needs the published network's numbers in ../shared/parity, which are not here")
    return folder


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """(60, 80, 3) uint8 in which no two pixels are equal, so that a misplaced pixel always shows."""
    height, width = 60, 80
    number = np.arange(height * width).reshape(height, width) + 1
    return np.dstack([number % 251 + 1, number // 251 + 1, 255 - number % 241]).astype(np.uint8)


@pytest.fixture(scope="session")
def smooth_photo() -> np.ndarray:
    """(60, 80, 3) uint8 that varies slowly, so that resampling errors show and rounding does not."""
    y, x = np.mgrid[0:60, 0:80]
    return np.dstack([40 + 2 * x, 60 + 2 * y, 120 + x - y]).clip(0, 255).astype(np.uint8)
