"""Every backend computes what torch does in single precision, to within a few grey levels, and says what it lacks."""

import importlib.util
import sys

import numpy as np
import pytest
import torch
from tiny_pipeline import acting_pipeline

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.backends import BACKENDS, use_backend
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.engine.samplers import SAMPLERS
from magicfixup_demo.errors import ModelError, OptionError
from magicfixup_demo.images import open_photo
from magicfixup_demo.limits import BACKEND_NAMES
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult

ROUNDING = 0.03  # of the mean; bfloat16 on random weights gives half, two features swapped more than one and a half
SIZES = ((64, 64), (128, 192))  # height, width, multiples of 64: one conversion serves them all
OTHERS = [
    "torch-bf16",
    pytest.param(
        "openvino",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("openvino") is None, reason="needs the package openvino, which is not installed"
        ),
    ),
]


def run(pipeline, height: int, width: int, **settings) -> np.ndarray:
    """(3, H, W) float32 in grey levels; the same random pictures at each call."""
    random = torch.Generator().manual_seed(1)
    photo, coarse = (torch.rand(1, 3, height, width, generator=random) * 2 - 1 for _ in range(2))
    mask = (torch.rand(1, 1, height, width, generator=random) > 0.3).float()
    start = torch.Generator().manual_seed(2)
    return pipeline(photo, coarse, mask, steps=2, strength=0.5, generator=start, **settings)[0].numpy() * 127.5


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("preset", ["tiny", "magicfixup-tiny"])
def test_a_backend_agrees_with_the_reference_at_any_size(name, preset):
    reference, other = acting_pipeline(preset), acting_pipeline(preset)
    use_backend(name, other)
    for size in SIZES:
        for drop in (False, True):
            expected = run(reference, *size, drop_conditions=drop)
            got = run(other, *size, drop_conditions=drop)
            assert got.shape == expected.shape and got.dtype == np.float32
            assert np.abs(got - expected).mean() < ROUNDING * np.abs(expected).mean()
    assert not np.array_equal(run(other, 64, 64), run(other, 64, 64, drop_conditions=True)), "the features are heard"


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="needs the package openvino")
def test_openvino_converts_at_the_first_call_and_keeps_one_copy_of_the_weights():
    pipeline = acting_pipeline("magicfixup-tiny")
    use_backend("openvino", pipeline)
    networks = (pipeline.extractor, pipeline.synthesizer)
    assert all(sum(p.numel() for p in network.parameters()) > 10**6 for network in networks)
    run(pipeline, 64, 64, drop_conditions=True)
    sizes = [sum(p.numel() for p in network.parameters()) for network in networks]
    assert sizes[0] > 10**6 and sizes[1] == 0, "SDEdit never calls the extractor"
    run(pipeline, 64, 64)
    assert sum(p.numel() for p in pipeline.extractor.parameters()) == 0


@pytest.mark.parametrize("sampler", ["published", "unipc"])
def test_networks_in_half_precision_agree_as_on_a_gpu(sampler):
    """What runs on a GPU: weights in half precision, the schedule and the pictures in single."""
    reference, half = acting_pipeline("magicfixup-tiny"), acting_pipeline("magicfixup-tiny")
    for network in (half.extractor, half.synthesizer, half.vae):
        network.half()
    expected, got = (run(pipeline, 64, 64, sampler=SAMPLERS[sampler]) for pipeline in (reference, half))
    assert got.dtype == np.float32
    assert 0 < np.abs(got - expected).mean() < ROUNDING * np.abs(expected).mean()


@pytest.mark.parametrize("preset", ["tiny", "magicfixup-tiny"])
def test_bfloat16_casts_large_weights_once_and_leaves_small_ones(preset):
    pipeline = acting_pipeline(preset)
    use_backend("torch-bf16", pipeline)
    assert pipeline.synthesizer.dtype == (torch.float32 if preset == "tiny" else torch.bfloat16)


@pytest.fixture(scope="module")
def example(repository) -> tuple[np.ndarray, CoarseEdit]:
    folder = repository / "examples" / "coffee"
    photo = open_photo(folder / "photo.jpg")
    return photo, render(photo, collage_from_json((folder / "collage.json").read_text()))


@pytest.fixture(scope="module")
def reference(example) -> EditResult:
    return load_engine("small", device="cpu").fixup(*example, EditOptions())


@pytest.mark.parametrize("name", OTHERS)
def test_sdedits_pixels_beside_small_are_the_references(name, example, reference):
    """The result itself is made without the networks that a backend computes."""
    result = load_engine("small", device="cpu", backend=name).fixup(*example, EditOptions())
    difference = np.abs(result.sdedit.astype(int) - reference.sdedit)
    assert difference[reference.touched].mean() < 1 and difference.max() <= 8
    np.testing.assert_array_equal(result.images[0], reference.images[0])


def test_an_unknown_backend_is_refused_with_the_known_ones():
    with pytest.raises(OptionError, match="torch, torch-bf16, openvino"):
        use_backend("tensorflow", acting_pipeline())
    assert tuple(BACKENDS) == BACKEND_NAMES


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelError, match="pip install openvino"):
        use_backend("openvino", acting_pipeline())


def test_openvino_cannot_report_to_its_makers(monkeypatch):
    """Its import alone does so through this module where it is installed, which pip does with it."""
    monkeypatch.delitem(sys.modules, "openvino_telemetry", raising=False)
    monkeypatch.setitem(sys.modules, "openvino", None)  # whether it is there or not: the door is shut before
    with pytest.raises(ModelError):
        use_backend("openvino", acting_pipeline())
    with pytest.raises(ImportError):
        importlib.import_module("openvino_telemetry")
