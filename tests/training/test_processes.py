"""Two processes under `accelerate launch` make one run: the run that one process makes, up to rounding.

On a laptop this takes about half a minute, most of it for starting Python.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from magicfixup_demo.errors import OptionError
from magicfixup_demo.training.config import train_config
from magicfixup_demo.training.journal import records
from magicfixup_demo.training.loop import train
from magicfixup_demo.training.state import load_state
from magicfixup_demo.training.trainer import step_seed
from tests.training.two_processes import config

LAUNCH = "--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no --main_process_port 0"


@pytest.fixture(scope="module")
def together(real_lpips, pairs, tmp_path_factory, repository) -> Path:
    """The folder of a run by two processes on the CPU (--multi_gpu is accelerate's word for more than one)."""
    run = tmp_path_factory.mktemp("together") / "run"
    script = Path(__file__).with_name("two_processes.py")
    subprocess.run(
        [sys.executable, "-m", "accelerate.commands.launch", *LAUNCH.split(), script, pairs, run],
        env=os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(repository)},
        check=True,
        capture_output=True,
        timeout=400,
    )
    return run


def flat(networks: list[dict]) -> torch.Tensor:
    return torch.cat([value.flatten() for state in networks for value in state.values()])


def test_both_processes_end_with_the_same_weights(together):
    first, second = (torch.load(together / f"process{i}.pt", weights_only=True) for i in (0, 1))
    assert first["processes"] == 2 and (first["parts"], second["parts"]) == ([0], [1])
    for key in ("networks", "averaged"):
        assert torch.equal(flat(first[key]), flat(second[key]))
    assert torch.equal(flat([first["critic"]]), flat([second["critic"]]))


def test_one_log_and_one_checkpoint(together):
    assert [r["step"] for r in records(together / "log.jsonl")] == [1]
    assert all(value < 1e4 for r in records(together / "log.jsonl") for value in r.values())
    assert load_state(together)["step"] == 3
    assert {path.name for path in together.glob("state*")} == {"state.pt", "state.previous.pt"}


def test_one_process_makes_the_same_run(together, real_lpips, pairs, tmp_path):
    runs = {"begin": replace(config(), learning_rate=0.0, weight_decay=0.0), "alone": config()}
    runs["other parts"] = replace(config(), at_once=4)
    weights = {}
    for name, chosen in runs.items():
        train(chosen, [pairs], [], tmp_path / name)
        weights[name] = flat(load_state(tmp_path / name)["networks"])
    moved = (weights["alone"] - weights["begin"]).norm()
    assert (flat(load_state(together)["networks"]) - weights["alone"]).norm() < 0.05 * moved
    assert (weights["other parts"] - weights["alone"]).norm() > 0.3 * moved


def test_noise_differs_between_steps_and_parts():
    seeds = {step_seed(0, step, part) for step in range(50) for part in range(8)}
    assert len(seeds) == 400 and max(seeds) < 2**32
    draws = {torch.rand(1, generator=torch.Generator().manual_seed(seed)).item() for seed in seeds}
    assert len(draws) > 390


def test_a_batch_that_cannot_be_cut_is_refused(pairs, tmp_path):
    with pytest.raises(OptionError, match="divide"):
        train(train_config("tiny", batch_size=5, at_once=2), [pairs], [], tmp_path)
