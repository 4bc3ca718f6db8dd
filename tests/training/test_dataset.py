"""Pairs -> training samples: shards and loose pictures alike, from several folders."""

import numpy as np
import pytest

from magicfixup_demo.engine.conditioning import fill_from_background
from magicfixup_demo.pairs.shards import Sample, write_shard
from magicfixup_demo.pairs.store import save_pair
from magicfixup_demo.pairs.synthetic import Pair
from magicfixup_demo.schema import CoarseEdit
from magicfixup_demo.training.dataset import ALPHA, FILLED, REFERENCE, TARGET, PairDataset


def pair_of(grey: int) -> Pair:
    picture = np.full((96, 128, 3), grey, np.uint8)
    alpha = np.full((96, 128), 255, np.uint8)
    alpha[30:60, 40:70] = 0
    return Pair(picture, CoarseEdit(np.where(alpha[..., None] > 0, picture, 0).astype(np.uint8), alpha), picture + 5)


@pytest.fixture
def dataset(tmp_path):
    """The same name in a folder of loose pictures and in a shard of another folder."""
    loose, packed = tmp_path / "loose", tmp_path / "packed"
    loose.mkdir()
    packed.mkdir()
    save_pair(loose, "clip__affine0", pair_of(60))
    write_shard(packed / "shard-000000.tar", [Sample("clip__affine0", pair_of(120), {})])
    return PairDataset([loose, packed], tmp_path / "cache", {"affine": 1.0}, 64, fill_from_background)


def test_equal_names_of_two_folders_stay_two_pairs(dataset):
    for _ in range(2):  # decoded, then from the cache
        assert [int(dataset.packed(i)[0, 0, 0]) for i in range(2)] == [60, 120]


def test_a_packed_pair_holds_reference_filled_edit_alpha_and_target(dataset):
    packed, pair = dataset.packed(1), pair_of(120)
    np.testing.assert_array_equal(packed[..., REFERENCE], pair.reference)
    np.testing.assert_array_equal(packed[..., ALPHA][..., 0], pair.edit.alpha)
    np.testing.assert_array_equal(packed[..., TARGET], pair.target)
    assert (packed[..., FILLED] == 120).all(), "a grey picture is filled with its grey"


def test_the_cache_holds_no_unfinished_file(dataset, tmp_path):
    dataset.packed(0)
    assert not list((tmp_path / "cache").glob("*.part"))
