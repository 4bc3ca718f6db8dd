"""The comparison by Stable Diffusion: real classes at a tiny size, fetched from a fake Hub."""

import numpy as np
import pytest
import torch

from magicfixup_demo.engine import stable_diffusion
from magicfixup_demo.engine.stable_diffusion import FILES, REPO, STEPS, STRENGTH, StableDiffusionComparison
from magicfixup_demo.errors import Cancelled, DownloadError, ModelError
from magicfixup_demo.schema import EditOptions
from tests.hub_server import FakeHub
from tests.tiny_stable_diffusion import tiny_files


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return tiny_files(tmp_path_factory.mktemp("stable-diffusion"))


@pytest.fixture
def server(files, monkeypatch, tmp_path):
    with FakeHub({REPO: files}) as running, running.in_this_process(monkeypatch, tmp_path):
        yield running


@pytest.fixture(scope="module")
def coarse():
    return np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


@pytest.fixture
def comparison(server):
    return StableDiffusionComparison("cpu", torch.float32)


def test_the_files_asked_for_are_all_that_a_pipeline_has(files):
    """And no safety checker: it is not among them."""
    assert set(files) == set(FILES)


def test_nothing_is_downloaded_before_it_is_asked_for(comparison, server):
    assert not server.requests


def test_the_picture_has_the_edits_size_and_is_repeatable(comparison, coarse):
    first = comparison(coarse, EditOptions(seed=3))
    assert first.shape == coarse.shape and first.dtype == np.uint8
    assert np.array_equal(first, comparison(coarse, EditOptions(seed=3)))
    assert not np.array_equal(first, comparison(coarse, EditOptions(seed=4)))


def test_the_prompt_changes_the_picture(comparison, coarse):
    assert not np.array_equal(comparison(coarse, EditOptions()), comparison(coarse, EditOptions(prompt="a moose")))


def test_the_picture_follows_the_coarse_edit(comparison, coarse):
    assert not np.array_equal(comparison(coarse, EditOptions()), comparison(255 - coarse, EditOptions()))


def test_each_step_is_told_before_it_runs_and_may_stop_the_run(comparison, coarse):
    told = []
    comparison(coarse, EditOptions(), lambda done, of: told.append((done, of)))
    count = round(STEPS * STRENGTH)
    assert told == [(step, count) for step in range(count)]

    def stop(done, of):
        if done == 2:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        comparison(coarse, EditOptions(), stop)


def test_the_download_is_told_and_happens_once(comparison, server, coarse):
    said = []
    comparison.load(lambda fraction, text: said.append(text))
    assert any(text.startswith("Downloading unet/diffusion_pytorch_model.fp16.safetensors") for text in said)
    server.requests.clear()
    comparison(coarse, EditOptions())
    StableDiffusionComparison("cpu", torch.float32)(coarse, EditOptions())
    assert not server.requests


def test_who_waits_for_somebody_elses_download_may_stop(comparison, server):
    def stop(fraction, text):
        raise Cancelled("Stopped.")

    with comparison._turn, pytest.raises(Cancelled):
        comparison.load(stop)
    assert not server.requests


def test_a_hub_that_fails_is_an_error_until_it_works_again(comparison, server, coarse):
    server.fault = "gated"
    with pytest.raises(DownloadError, match="accept them on its page"):
        comparison(coarse, EditOptions())
    server.fault = ""
    assert comparison(coarse, EditOptions()).shape == coarse.shape


def test_loading_now_or_never_does_not_ask_again(comparison, server, coarse):
    server.fault = "gone"
    comparison.load_or_give_up()
    server.fault = ""
    server.requests.clear()
    with pytest.raises(DownloadError):
        comparison(coarse, EditOptions())
    assert not server.requests


def test_damaged_files_are_an_error_with_a_cure(server, coarse, monkeypatch, tmp_path):
    (tmp_path / "model_index.json").write_text("{")
    with pytest.raises(ModelError, match="delete it and retry"):
        stable_diffusion.read_pipeline(tmp_path, torch.float32)
