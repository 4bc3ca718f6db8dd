"""Pairs and weights that several tests of training share."""

import numpy as np
import pytest

from magicfixup_demo.downloads import DownloadError
from magicfixup_demo.pairs.store import save_pair
from magicfixup_demo.pairs.synthetic import Pair
from magicfixup_demo.perceptual import load_lpips
from magicfixup_demo.schema import CoarseEdit


@pytest.fixture(scope="session")
def real_lpips():
    try:
        return load_lpips()
    except DownloadError as error:
        pytest.skip(f"needs the LPIPS weights, which cannot be had here: {error}")


@pytest.fixture(scope="session")
def pairs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    for i in range(4):
        target = np.full((96, 96, 3), rng.integers(60, 200, 3), np.uint8)
        alpha = np.full((96, 96), 255, np.uint8)
        alpha[30:60, 30 + i : 60 + i] = 0
        reference = target - 40  # the truth is brighter: there is something to learn everywhere
        reference[alpha == 0] = 255 - reference[alpha == 0]
        edit = CoarseEdit(np.where(alpha[..., None] > 0, reference, 0).astype(np.uint8), alpha)
        save_pair(folder, f"photo{i}__intruder0", Pair(reference, edit, target))
    return folder
