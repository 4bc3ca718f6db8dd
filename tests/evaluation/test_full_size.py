"""The benchmark of the published network, at reduced width: what it counts; how fast it is, is not tested."""

import json

import pytest
import torch

from magicfixup_demo.engine.detail_transfer import extract_details
from magicfixup_demo.engine.presets import PRESETS
from magicfixup_demo.errors import OptionError
from magicfixup_demo.evaluation import full_size as module
from magicfixup_demo.evaluation.full_size import full_size, table


def test_the_report_tells_of_both_edits_and_of_the_plain_step(tmp_path):
    said: list[str] = []
    path = tmp_path / "report.json"
    report = full_size(
        ["torch", "torch-bf16"], "magicfixup-tiny", 64, "unipc", 10, 1, say=said.append, report_path=str(path)
    )
    assert json.loads(path.read_text()) == report
    for figures in report["backends"].values():
        for edit in ("first", "second"):
            assert figures[f"{edit}_edit_seconds"] > 10 * figures[f"{edit}_step_seconds"] > 0
    assert "Random weights" in said[-1] and "plain, 50 steps" in said[-1] and "torch-bf16, second edit" in said[-1]


def test_the_second_edit_is_timed_without_the_extractor(monkeypatch):
    """The warm-up reads one timestep, the first edit each of its own, the second none."""
    asked = []
    pipeline = module._as_loaded("magicfixup-tiny", "cpu")
    pipeline.extractor.register_forward_pre_hook(lambda network, inputs: asked.append(inputs[1].tolist()))
    module._edits(pipeline, "torch", module._inputs(64, "cpu"), "dpm++", steps=20, timed=3)
    assert [times[0] for times in asked] == [981, 981, 246, 1]


def test_a_plain_step_runs_whole_networks():
    """The extractor's head and last up blocks are there, and are run."""
    whole, pruned = (make for make in (module._random_pipeline, module._as_loaded))
    plain, ours = whole(PRESETS["magicfixup-tiny"], "cpu"), pruned("magicfixup-tiny", "cpu")
    heads = []
    plain.extractor.conv_out.register_forward_hook(lambda network, inputs, output: heads.append(output.shape))
    module._plain_step(plain, 64, timed=1)
    assert heads == [(1, 4, 8, 8)] * 2
    assert isinstance(ours.extractor.conv_out, torch.nn.Identity)
    sample, t = torch.randn(1, 9, 8, 8), torch.tensor([500])
    first, second = (extract_details(pipeline.extractor, sample, t) for pipeline in (plain, ours))
    assert first.keys() == second.keys()


def test_shares_are_of_fifty_plain_steps():
    figures = {"first_step_seconds": 2.0, "first_edit_seconds": 40.0, "second_step_seconds": 1.0}
    report = {"preset": "magicfixup", "side": 512, "sampler": "unipc", "steps": 20, "device": "cpu", "threads": 1}
    report |= {"plain_step_seconds": 4.0, "backends": {"torch": figures | {"second_edit_seconds": 20.0}}}
    lines = table(report).splitlines()
    assert "| torch, first edit | 2.00 | 40 s | 0.200 |" in lines
    assert "| torch, second edit | 1.00 | 20 s | 0.100 |" in lines


def test_more_timed_steps_than_steps_are_refused():
    with pytest.raises(OptionError, match="at most as many"):
        full_size(["torch"], "magicfixup-tiny", 64, steps=2, timed=3)


def test_a_gpu_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(OptionError, match="--device cpu"):
        full_size(["torch"], "magicfixup-tiny", 64, device="cuda")
