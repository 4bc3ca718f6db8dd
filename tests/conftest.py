"""Fixtures that several test modules share."""

import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # gradio_client tells the Hub of each client otherwise
if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported: two processes with two threads each are in the way
    os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def logging_as_it_was():
    """The command line turns other libraries' warnings off, for its own process."""
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def node() -> str:
    """The installed Node."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("needs node (20 or newer)")
    return path


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos and photos beside the repository; not everybody has it."""
    return _beside("data", "the shared photos and videos")


@pytest.fixture(scope="session")
def parity_data() -> Path:
    """The folder of numbers computed by the published network beside the repository; not everybody has it."""
    return _beside("parity", "the published network's numbers")


def _beside(name: str, what: str) -> Path:
    folder = REPOSITORY.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"needs {what} in ../shared/{name}, which are not here")
    return folder


@pytest.fixture(scope="session")
def lpips_weights() -> None:
    from magicfixup_demo.downloads import DownloadError
    from magicfixup_demo.perceptual import load_lpips

    try:
        load_lpips()
    except DownloadError as error:
        pytest.skip(f"needs the LPIPS weights, which cannot be had here: {error}")


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


# The page without a browser, over stand-ins for the models; imported where it is wanted, since that takes seconds.


@pytest.fixture
def engine():
    from browser.fakes import FakeEngine

    return FakeEngine()


@pytest.fixture
def services(engine):
    from browser.fakes import stand_ins

    return stand_ins(engine)


@pytest.fixture
def page(services):
    """The functions that the browser calls, by name."""
    from magicfixup_demo.ui.handlers import server_functions

    return {function.__name__: function for function in server_functions(services)}
