"""Which model "auto" is: by environment and free GPU memory, both faked."""

import pytest

from magicfixup_demo.engine import weights
from magicfixup_demo.engine.choice import BEST, FALLBACK, choose
from magicfixup_demo.engine.weights import MODELS
from magicfixup_demo.hub import HubFile
from tests.hub_server import FakeHub

ENOUGH = MODELS["magicfixup"].cuda_bytes


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """No ZeroGPU, no GPU, an empty cache, and a Hub that notices every question."""
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with FakeHub({"HadiZayer/MagicFixup": {"magicfu_weights": b"0" * 2000}}) as hub:
        with hub.in_this_process(monkeypatch, tmp_path):
            yield hub
        assert not hub.requests, "choosing asks nobody"


def gpu(monkeypatch, free: int) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda: (free, 48 * 2**30))


def downloaded(name="magicfixup") -> None:
    path = MODELS[name].source.own_path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"0" * 2000)


@pytest.mark.parametrize("name", ["small", "magicfixup", "unheard-of"])
def test_a_name_stays_what_it_is(name):
    assert choose(name) == name


def test_without_a_gpu_it_is_small_even_if_the_other_is_here():
    downloaded()
    assert choose("auto") == "small"


@pytest.mark.parametrize("free, expected", [(ENOUGH, "magicfixup"), (ENOUGH - 1, "small")])
def test_a_gpu_needs_enough_free_memory(monkeypatch, free, expected):
    downloaded()
    gpu(monkeypatch, free)
    assert choose("auto") == expected
    assert choose("auto", "cpu") == "small", "the GPU is not what was asked for"


def test_a_large_gpu_is_no_reason_for_a_download(monkeypatch):
    gpu(monkeypatch, 10 * ENOUGH)
    assert not weights.is_here("magicfixup")
    assert choose("auto") == "small"


def test_a_driver_that_does_not_work_counts_as_no_gpu(monkeypatch):
    def broken():
        raise RuntimeError("CUDA driver initialization failed")

    downloaded()
    gpu(monkeypatch, ENOUGH)
    monkeypatch.setattr("torch.cuda.mem_get_info", broken)
    assert choose("auto") == "small"


@pytest.mark.parametrize(
    "value, expected", [("1", "magicfixup"), ("true", "magicfixup"), ("", "small"), ("0", "small")]
)
def test_on_zerogpu_it_is_the_published_model_and_cuda_is_not_touched(monkeypatch, value, expected):
    monkeypatch.setenv("SPACES_ZERO_GPU", value)
    if expected == BEST:
        monkeypatch.setattr("torch.cuda.is_available", lambda: pytest.fail("CUDA was touched"))
    assert choose("auto") == expected


def test_the_choice_names_models_that_exist():
    assert {BEST, FALLBACK} <= set(MODELS)
    assert MODELS[FALLBACK].source is None, "the fallback needs no download"
    assert MODELS[BEST].source == HubFile("HadiZayer/MagicFixup", "magicfu_weights")
