"""Switching a part of the model off acts on that part only, and leaves the model itself as it was."""

import numpy as np
import pytest
import torch
from tiny_pipeline import acting_pipeline

from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.engine.presets import PRESETS
from magicfixup_demo.errors import OptionError
from magicfixup_demo.evaluation.ablations import ABLATIONS, check_part, without
from magicfixup_demo.schema import EditOptions

OPTIONS = EditOptions(steps=1, sdedit=False)


@pytest.fixture(scope="module", params=["tiny", "magicfixup-tiny"])
def engine(request) -> PipelineEngine:
    preset = PRESETS[request.param]
    pipeline = acting_pipeline(request.param, std=0.5)
    info = EngineInfo(request.param, "", "", 1, 4)
    return PipelineEngine(pipeline, info, preset.fill, 0.5, 96 * 128, preset.multiple)


def fixed(engine, picture, edit) -> np.ndarray:
    return engine.fixup(picture, edit, OPTIONS).images[0].astype(int)


def sampled(engine) -> torch.Tensor:
    """As it comes from the pipeline: of random weights a part's share may be below a grey level."""
    photo = torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64)
    mask = torch.ones(1, 1, 64, 64)
    mask[..., 16:32, 16:32] = 0
    return engine.pipeline(photo, photo.flip(-1), mask, steps=1, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("part", list(ABLATIONS))
def test_a_part_switched_off_changes_the_result_and_not_the_model(engine, picture, edit, part):
    before, sampled_before = fixed(engine, picture, edit), sampled(engine)
    assert not torch.equal(sampled(without(engine, part)), sampled_before)
    fixed(without(engine, part), picture, edit)
    assert torch.equal(sampled(engine), sampled_before)
    assert (fixed(engine, picture, edit) == before).all()


def test_without_the_extractor_the_photo_is_not_seen(engine, picture):
    pipeline = without(engine, "extractor").pipeline
    coarse, mask = torch.zeros(1, 3, 64, 64), torch.ones(1, 1, 64, 64)
    photos = torch.rand(2, 1, 3, 64, 64) * 2 - 1
    results = [pipeline(photo, coarse, mask, steps=1, generator=torch.Generator().manual_seed(0)) for photo in photos]
    assert torch.equal(*results)


def test_without_the_mask_the_hole_is_not_seen(engine, picture):
    pipeline = without(engine, "mask").pipeline
    photo, coarse = torch.rand(2, 1, 3, 64, 64) * 2 - 1
    masks = torch.ones(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    results = [pipeline(photo, coarse, mask, steps=1, generator=torch.Generator().manual_seed(0)) for mask in masks]
    assert torch.equal(*results)


def test_without_the_timestep_the_extractor_does_not_know_it(engine):
    pipeline = without(engine, "timestep").pipeline
    latents = pipeline.codec.encode(torch.rand(1, 3, 64, 64) * 2 - 1)
    mask = pipeline.codec.encode_mask(torch.ones(1, 1, 64, 64))
    shifted = pipeline.extractor.time_embedding.linear_1.bias
    before = pipeline.details(latents, mask, torch.tensor([10]), torch.zeros_like(latents))
    with torch.no_grad():
        shifted += 1
        after = pipeline.details(latents, mask, torch.tensor([10]), torch.zeros_like(latents))
        shifted -= 1
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_unknown_part_is_refused(engine):
    with pytest.raises(OptionError, match="extractor, timestep, mask"):
        without(engine, "memory")


def test_parts_are_those_of_models_that_diffuse():
    check_part("magicfixup", "mask")
    with pytest.raises(OptionError, match="extractor, timestep, mask"):
        check_part("magicfixup", "memory")
    with pytest.raises(OptionError, match="small has no part .* choose small or small~outside"):
        check_part("small", "mask")
