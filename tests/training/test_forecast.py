"""What a run would take: counted on shapes, against sums that can be done by hand."""

import pytest
import torch

from magicfixup_demo.cli import main
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.training.config import train_config
from magicfixup_demo.training.forecast import convolution_rate, needs_of
from magicfixup_demo.training.journal import duration, sessions


def test_parameters_are_those_of_the_real_networks():
    pipeline = build_pipeline(PRESETS["magicfixup-tiny"])
    needs = needs_of(train_config("magicfixup-tiny"))
    real = [sum(p.numel() for p in module.parameters()) for module in (pipeline.extractor, pipeline.synthesizer)]
    assert needs.trained == sum(real)
    assert needs.frozen == sum(p.numel() for p in pipeline.vae.parameters())


def test_cost_grows_with_the_picture_and_with_each_loss():
    plain = needs_of(train_config("tiny", losses={"charbonnier": 1.0}, adversarial=0.0))
    wide = needs_of(train_config("tiny", losses={"charbonnier": 1.0}, adversarial=0.0, crop=128))
    lpips = needs_of(train_config("tiny", adversarial=0.0))
    critic = needs_of(train_config("tiny"))
    assert 3.9 * plain.flops < wide.flops < 6 * plain.flops  # convolutions four times, attention more
    assert plain.flops < lpips.flops < critic.flops
    assert plain.kept_bytes < lpips.kept_bytes < critic.kept_bytes < wide.kept_bytes * 4


def test_a_dry_run_says_what_it_would_take_and_leaves_nothing(tmp_path, capsys):
    command = ["train", "--preset", "tiny", "--batch", "6", "--data", str(tmp_path), "-o", str(tmp_path / "run")]
    assert main([*command, "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert '"batch_size": 6' in text and "0.7 M trained" in text and "none yet" in text
    assert "4 steps of 6" in text and "on one A100" in text and not list(tmp_path.iterdir())


def test_impossible_numbers_are_refused(tmp_path, capsys):
    for option in ("--steps", "--batch", "--at-once", "--minutes"):
        assert main(["train", "--data", str(tmp_path), "-o", str(tmp_path / "run"), option, "0"]) == 2
        assert "choose more than 0" in capsys.readouterr().err


def test_the_rate_of_this_machine_is_a_rate():
    assert convolution_rate(torch.device("cpu"), half=False, repeats=1) > 1e8


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (720, "12 min"), (12_000, "3 h 20 min"), (449_280, "5.2 days")]
)
def test_durations_are_readable(seconds, text):
    assert duration(seconds) == text


def test_sessions_hold_all_the_time():
    assert [sessions(s, 60) for s in (1, 3600, 3601)] == [1, 1, 2]
