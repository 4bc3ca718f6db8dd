"""The loop on a tiny network: it learns, and a resumed run is the same run."""

import json
import shlex
import sys

import numpy as np
import pytest
import torch

from magicfixup_demo.engine.conditioning import fill_from_background, image_tensor
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.weights import load_networks
from magicfixup_demo.errors import DataError, OptionError
from magicfixup_demo.evaluation.metrics import ssim
from magicfixup_demo.training.config import train_config
from magicfixup_demo.training.dataset import PairDataset, to_batch, weight_map
from magicfixup_demo.training.loop import train
from magicfixup_demo.training.losses import charbonnier, dissimilarity, mse


def weights_of(outcome):
    pipeline = build_pipeline(PRESETS["tiny"])
    load_networks(outcome.weights, pipeline)
    return torch.cat([p.flatten() for p in pipeline.synthesizer.parameters()])


def test_a_resumed_run_is_the_same_run(real_lpips, pairs, tmp_path):
    through = train(train_config("tiny"), [pairs], [pairs], tmp_path / "through")
    half = train_config("tiny", steps=2, cooldown=0.0)
    assert (through.weights / "synthesizer.safetensors").exists()
    whole = train_config("tiny", cooldown=0.0)
    one_go = train(whole, [pairs], [], tmp_path / "one")
    train(half, [pairs], [], tmp_path / "two")
    two_goes = train(whole, [pairs], [], tmp_path / "two", resume=True)
    assert torch.equal(weights_of(one_go), weights_of(two_goes))


def test_a_run_may_begin_from_the_weights_of_another(real_lpips, pairs, tmp_path):
    first = train(train_config("tiny"), [pairs], [], tmp_path / "first")
    still = train_config("tiny", steps=1, learning_rate=0.0, weight_decay=0.0)
    second = train(still, [pairs], [], tmp_path / "second", start=first.weights)
    assert torch.equal(weights_of(first), weights_of(second))
    assert not torch.equal(weights_of(train(still, [pairs], [], tmp_path / "third")), weights_of(first))


def test_a_run_leaves_its_record(real_lpips, pairs, tmp_path):
    run = tmp_path / "run"
    train(train_config("tiny"), [pairs], [pairs], run)
    record = json.loads((run / "config.json").read_text())
    assert record["config"]["preset"] == "tiny" and record["pairs"] == {"intruder": 4}
    assert record["revision"] and record["packages"]["torch"] and record["hardware"]["cpu_threads"] >= 1
    assert shlex.split(record["command"]) == sys.orig_argv
    validation = json.loads((run / "validation.jsonl").read_text().splitlines()[-1])
    assert validation["step"] == 4
    assert validation["fill all"] > 0 and validation["1 step hole"] > 0
    assert (run / "curve.png").exists() and list(run.glob("sheet_*.png"))
    with pytest.raises(DataError, match="--resume"):
        train(train_config("tiny"), [pairs], [pairs], run)


def test_a_batch_seen_again_and_again_is_learnt(real_lpips, pairs, tmp_path, monkeypatch):
    batch = PairDataset.batch
    monkeypatch.setattr(PairDataset, "batch", lambda self, size, seed, step: batch(self, size, seed, 0))
    config = train_config("tiny", steps=60, warmup=5, save_every=60, learning_rate=3e-3, dropped=0.0)
    train(config, [pairs], [], tmp_path)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert np.mean(losses[-2:]) < 0.8 * losses[0]


def test_a_batch_can_be_made_again(pairs, tmp_path):
    config = train_config("tiny")
    first, second = (
        PairDataset([pairs], tmp_path / name, config.kinds, 64, fill_from_background).batch(3, 0, 7) for name in "ab"
    )
    other = PairDataset([pairs], tmp_path / "a", config.kinds, 64, fill_from_background).batch(3, 0, 8)
    for name in ("reference", "coarse", "mask", "target", "weight"):
        assert torch.equal(getattr(first, name), getattr(second, name))
    assert not torch.equal(first.coarse, other.coarse)
    assert first.reference.shape == (3, 3, 64, 64) and first.mask.shape == (3, 1, 64, 64)
    assert first.target.abs().max() <= 1 and first.mask.min() >= 0 and first.mask.max() == 1


def test_weights_favour_the_hole_and_its_seam():
    packed = np.full((128, 128, 10), 100, np.uint8)
    packed[..., 6] = 255
    packed[60:70, 60:70, 6] = 0
    weight = weight_map(packed)
    assert weight[65, 65] == weight[54, 65] == np.float32(1.05) and weight[53, 65] == weight[5, 5] == np.float32(0.05)
    assert to_batch([packed]).weight.shape == (1, 1, 128, 128)


def test_charbonnier_is_zero_for_equal_pictures_and_follows_its_weight():
    a, b = torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    b[..., :4] = 1
    left = torch.zeros(1, 1, 8, 8)
    left[..., :4] = 1
    assert charbonnier(a, a, left).item() == pytest.approx(0)
    assert charbonnier(a, b, left).item() > 0.98
    assert charbonnier(a, b, 1 - left).item() == pytest.approx(0)


def test_dissimilarity_is_what_evaluation_calls_ssim():
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 256, (40, 48, 3), dtype=np.uint8) for _ in range(2))
    second[:20] = first[:20]
    ours = dissimilarity(image_tensor(first), image_tensor(second), torch.ones(1, 1, 40, 48)).item()
    assert ours == pytest.approx(1 - ssim(first, second), abs=1e-4)
    top = torch.zeros(1, 1, 40, 48)
    top[:, :, :10] = 1
    assert dissimilarity(image_tensor(first), image_tensor(second), top).item() == pytest.approx(0, abs=1e-4)


def test_mse_is_the_mean_of_each_sample():
    output, goal = torch.zeros(2, 4, 8, 8), torch.zeros(2, 4, 8, 8)
    goal[1] = 3
    assert mse(output, goal).tolist() == [0.0, 9.0]


def test_an_unknown_preset_is_refused():
    with pytest.raises(OptionError, match="choose one of"):
        train_config("huge")


def test_a_folder_without_pairs_is_refused(tmp_path):
    with pytest.raises(DataError, match="no pairs"):
        PairDataset([tmp_path], tmp_path / "cache", {"other": 1.0}, 64, fill_from_background)
