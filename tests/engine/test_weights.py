"""Weights load strictly or not at all."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.engine.weights import MODELS, load_networks, save_networks
from magicfixup_demo.errors import ModelError


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    pipeline = build_pipeline(PRESETS["tiny"])
    save_networks(tmp_path, pipeline)
    return tmp_path, pipeline


def test_weights_come_back_in_half_precision(saved):
    folder, pipeline = saved
    other = build_pipeline(PRESETS["tiny"])
    load_networks(folder, other)
    for key, value in pipeline.synthesizer.state_dict().items():
        assert torch.equal(other.synthesizer.state_dict()[key], value.half().float()), key


@pytest.mark.parametrize("change", ["missing", "left over", "shape"])
def test_a_foreign_file_is_refused(saved, change):
    folder, _ = saved
    path = folder / "extractor.safetensors"
    state = load_file(path)
    key = next(iter(state))
    if change == "missing":
        del state[key]
    elif change == "left over":
        state["surplus"] = torch.zeros(1)
    else:
        state[key] = state[key].flatten()[:1].clone()
    save_file(state, path)
    with pytest.raises(ModelError, match="does not fit"):
        load_networks(folder, build_pipeline(PRESETS["tiny"]))


def test_a_broken_or_missing_file_is_refused(saved):
    folder, pipeline = saved
    (folder / "extractor.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="missing or broken"):
        load_networks(folder, pipeline)
    with pytest.raises(ModelError, match="missing or broken"):
        load_networks(folder / "nowhere", pipeline)


def test_an_unknown_model_is_refused():
    with pytest.raises(ModelError, match="choose one of auto, small"):
        load_engine("huge")


def test_the_embedded_weights_load_and_fit_the_repository():
    engine = load_engine("small", device="cpu")
    assert engine.info.name == "small"
    files = list(MODELS["small"].folder.glob("*.safetensors"))
    assert len(files) == 2
    assert sum(path.stat().st_size for path in files) < 64_000_000
    trained = engine.pipeline.synthesizer.conv_out.weight
    assert trained.abs().max() > 1e-3, "the output layer starts at zero: these weights were never trained"
