"""Weights load strictly or not at all."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from magicfixup_demo.engine import checkpoint, weights
from magicfixup_demo.engine.checkpoint_reading import preset_of
from magicfixup_demo.engine.ground import View
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.engine.weights import MODELS, bring_here, is_here, load_model, load_networks, save_networks
from magicfixup_demo.errors import Cancelled, DownloadError, ModelError
from tests.hub_server import FakeHub
from tests.synthetic_checkpoint import reduced_state


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
    assert {path.name for path in files} == {"effects.safetensors", "ground.safetensors", "synthesizer.safetensors"}
    assert sum(path.stat().st_size for path in files) < 64_000_000
    trained = engine.diffusion.pipeline.synthesizer.conv_out.weight
    assert trained.abs().max() > 1e-3, "the output layer starts at zero: these weights were never trained"


def test_the_embedded_ground_network_was_trained():
    """What is known it repeats, roughly, and a hole in it goes on alike; other weights would make noise of both."""
    y, x = np.mgrid[0:192, 0:256]
    picture = np.dstack([40 + x // 2, 200 - y // 2, 90 + (x + y) // 8]).astype(np.uint8)
    hole = np.zeros((192, 256), bool)
    hole[70:120, 90:150] = True
    engine = load_engine("small", device="cpu")
    made = engine.ground.see(np.where(hole[..., None], 0, picture).astype(np.uint8), hole, View())
    assert np.corrcoef(made[~hole].ravel(), picture[~hole].ravel())[0, 1] > 0.8
    assert np.abs(made - picture)[hole].mean() < 12


def test_what_makes_no_result_by_diffusion_loads_no_extractor():
    """Its SDEdit reads no photo: an extractor would be 11 MB in the repository, and memory, for nothing."""
    assert load_engine("small", device="cpu").diffusion.pipeline.extractor is None


def test_a_damaged_ground_network_is_an_error_with_a_cure(tmp_path, monkeypatch):
    for name in ("ground", "synthesizer"):
        shutil.copy(MODELS["small"].folder / f"{name}.safetensors", tmp_path)
    (tmp_path / "ground.safetensors").write_bytes(b"not weights")
    monkeypatch.setitem(MODELS, "small", replace(MODELS["small"], embedded=tmp_path))
    with pytest.raises(ModelError, match="ground.safetensors are missing or broken; get the repository again"):
        load_engine("small", device="cpu")


# --- models that are not in the repository ----------------------------------------------------------------------------


@pytest.fixture
def tiny_published(monkeypatch, tmp_path):
    """The published model at reduced width under its own name, converted, in an otherwise empty cache."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setitem(MODELS, "magicfixup", replace(MODELS["magicfixup"], preset="magicfixup-tiny"))
    torch.manual_seed(0)
    pipeline, folder = build_pipeline(PRESETS["magicfixup-tiny"]), MODELS["magicfixup"].folder
    save_networks(folder, pipeline)
    vae = {key: value.half().contiguous() for key, value in pipeline.vae.state_dict().items()}
    save_file(vae, folder / "vae.safetensors")
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    (folder / checkpoint.RECORD).write_text(json.dumps({"format": checkpoint.FORMAT, "files": files}))
    return pipeline


def test_a_converted_model_is_here_and_loads_without_being_initialised(tiny_published, monkeypatch):
    assert is_here("magicfixup") and is_here("small")
    monkeypatch.setattr("torch.nn.init.kaiming_uniform_", lambda tensor, *_, **__: tensor if tensor.is_meta else 1 / 0)
    engine = load_engine("magicfixup", device="cpu")
    for name in ("extractor", "synthesizer", "vae"):
        loaded = getattr(engine.pipeline, name).state_dict()
        for key, value in getattr(tiny_published, name).state_dict().items():
            assert loaded[key].dtype == torch.float32 and torch.equal(loaded[key], value.half().float()), key
    assert not engine.pipeline.scheduler.alphas_cumprod.is_meta


def test_half_precision_stays_half(tiny_published):
    pipeline = load_model(MODELS["magicfixup"], "cpu", torch.float16)
    assert {value.dtype for value in pipeline.vae.state_dict().values()} == {torch.float16}
    assert pipeline.synthesizer.dtype == pipeline.extractor.dtype == torch.float16


def test_what_the_page_must_say_of_the_published_model(tiny_published):
    info = load_engine("magicfixup", device="cpu").info
    assert "non-commercial" in info.licence and "CreativeML OpenRAIL-M" in info.licence
    assert info.samplers[0] in ("unipc", "dpm++") and "published" in info.samplers
    assert info.default_steps == 20 and info.takes_prompt
    assert not load_engine("small", device="cpu").info.takes_prompt


@pytest.mark.parametrize("variable", ["SPACES_ZERO_GPU", "SPACE_ID"])
def test_a_public_space_takes_no_prompt(tiny_published, monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    monkeypatch.setattr("magicfixup_demo.engine.stable_diffusion.StableDiffusionComparison.load", lambda *_: None)
    assert not load_engine("magicfixup", device="cpu").info.takes_prompt


def test_a_converted_file_that_was_damaged_since_is_an_error_with_a_cure(tiny_published):
    path = MODELS["magicfixup"].folder / "vae.safetensors"
    path.write_bytes(b"\xff" * path.stat().st_size)
    assert is_here("magicfixup")
    with pytest.raises(ModelError, match=f"delete {path.parent} and retry"):
        load_engine("magicfixup", device="cpu")


def test_a_gpu_that_is_too_full_is_an_error_with_a_cure(tiny_published, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("magicfixup_demo.engine.pipeline.MagicFixupPipeline.to", full)
    with pytest.raises(ModelError, match="close other programs that use it, or choose the model small"):
        load_engine("magicfixup", device="cpu")


class TestTheWayFromTheHub:
    """Download, conversion, loading, all of it real, with a checkpoint of reduced width."""

    @pytest.fixture(scope="class")
    def original(self, parity_data, tmp_path_factory):
        path = tmp_path_factory.mktemp("original") / "magicfu_weights"
        torch.save(reduced_state(parity_data), path)
        return path.read_bytes()

    @pytest.fixture
    def server(self, original, parity_data, monkeypatch, tmp_path):
        shapes = {key: tuple(value.shape) for key, value in reduced_state(parity_data).items()}
        monkeypatch.setitem(PRESETS, "reduced", preset_of(shapes, "the checkpoint"))
        monkeypatch.setitem(MODELS, "magicfixup", replace(MODELS["magicfixup"], preset="reduced"))
        monkeypatch.setattr(weights, "CONVERTED_BYTES", len(original) // 2)
        files = {"HadiZayer/MagicFixup": {"magicfu_weights": original}}
        with FakeHub(files) as running, running.in_this_process(monkeypatch, tmp_path):
            yield running

    def test_it_is_downloaded_converted_once_and_the_original_goes(self, server):
        entry, said = MODELS["magicfixup"], []
        assert not is_here("magicfixup")
        engine = load_engine("magicfixup", device="cpu", progress=lambda fraction, text: said.append((fraction, text)))
        assert engine.info.name == "magicfixup"
        fractions = [fraction for fraction, _ in said]
        assert fractions == sorted(fractions) and fractions[-1] == 1.0
        assert any("Downloading magicfu_weights" in text for _, text in said)
        assert any("Converting" in text for _, text in said)
        assert is_here("magicfixup") and not entry.source.own_path.exists()
        server.requests.clear()
        load_engine("magicfixup", device="cpu")
        assert not server.requests

    def test_an_original_in_the_hubs_own_cache_is_used_and_left_alone(self, server):
        from huggingface_hub import hf_hub_download

        shared = Path(hf_hub_download("HadiZayer/MagicFixup", "magicfu_weights"))
        server.requests.clear()
        assert is_here("magicfixup")
        bring_here(MODELS["magicfixup"])
        assert shared.exists() and not server.requests

    def test_stopping_the_download_keeps_what_came_and_the_next_try_goes_on(self, server):
        def stop(fraction, text):
            raise Cancelled("Stopped.")

        with pytest.raises(Cancelled):
            bring_here(MODELS["magicfixup"], stop)
        (part,) = MODELS["magicfixup"].source.own_path.parent.glob("*.part")
        arrived = part.stat().st_size
        assert arrived > 0 and not is_here("magicfixup")
        bring_here(MODELS["magicfixup"])
        assert server.requests[-1][2] == f"bytes={arrived}-"

    def test_stopping_the_conversion_keeps_the_download(self, server):
        def stop(fraction, text):
            if "Converting" in text:
                raise Cancelled("Stopped.")

        with pytest.raises(Cancelled):
            bring_here(MODELS["magicfixup"], stop)
        server.requests.clear()
        assert is_here("magicfixup"), "no download is needed any more"
        bring_here(MODELS["magicfixup"])
        assert not server.requests

    def test_room_for_the_conversion_is_asked_for_before_the_download(self, server, original, monkeypatch):
        monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": len(original) + 1000}))
        with pytest.raises(DownloadError, match="disk is too full for magicfu_weights"):
            bring_here(MODELS["magicfixup"])
        assert [command for command, _, _ in server.requests] == ["HEAD"]
