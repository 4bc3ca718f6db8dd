"""The published checkpoint: every key accounted for, converted strictly, foreign and broken files refused."""

import json
import pickle
import re
import shutil
import zipfile
from collections import namedtuple

import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

from magicfixup_demo.engine import checkpoint
from magicfixup_demo.engine.checkpoint import RECORD, convert, is_converted
from magicfixup_demo.engine.checkpoint_keys import UNUSED, place, why_unused
from magicfixup_demo.engine.checkpoint_reading import network_shapes, plan_of, preset_of
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.weights import load_strictly
from magicfixup_demo.errors import Cancelled, DownloadError, ModelError
from tests.synthetic_checkpoint import full_shapes, reduced_state

NETWORKS = ("extractor", "synthesizer", "vae")


@pytest.fixture(scope="module")
def published(parity_data) -> dict[str, tuple[int, ...]]:
    return full_shapes(parity_data)


@pytest.fixture(scope="module")
def wanted():
    """What the full-size networks hold."""
    return network_shapes(PRESETS["magicfixup"])


@pytest.fixture(scope="module")
def state(parity_data) -> dict[str, torch.Tensor]:
    return reduced_state(parity_data)


@pytest.fixture(scope="module")
def source(state, tmp_path_factory):
    """A whole checkpoint of reduced width."""
    path = tmp_path_factory.mktemp("checkpoint") / "magicfu_weights"
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def converted(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "magicfixup"
    convert(source, folder)
    return folder


# --- the key list -----------------------------------------------------------------------------------------------------


def test_every_published_key_is_loaded_or_unused_for_a_reason(published, wanted):
    assert len(published) == 2359
    loaded = {key for key in published if place(key) and place(key)[1] in wanted[place(key)[0]]}
    unused = {key for key in published if why_unused(key)}
    assert not loaded & unused
    assert loaded | unused == published.keys()
    assert len({place(key) for key in loaded}) == len(loaded), "two keys would go to one tensor"


def test_the_full_size_networks_are_filled_and_every_shape_fits(published, wanted):
    assert preset_of(published, "it") == PRESETS["magicfixup"]
    plan = plan_of(published, wanted, "it")
    assert {network: plan[network].keys() for network in plan} == {n: wanted[n].keys() for n in wanted}


def test_every_reason_is_for_some_key(published):
    for pattern, reason in UNUSED.items():
        assert any(re.fullmatch(pattern, key) for key in published), reason


def test_attention_to_details_takes_the_place_of_text():
    block = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0"
    ours = "down_blocks.1.attentions.0.transformer_blocks.0"
    assert place(f"{block}.attn3.to_q.weight") == ("synthesizer", f"{ours}.attn2.to_q.weight")
    assert place(f"{block}.norm2.weight") == ("synthesizer", f"{ours}.norm2.weight")
    assert place(f"{block}.attn2.to_q.weight") is None


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("model.diffusion_model.middle_block.1.proj_in.weight", None, "lacks 1 tensors, first the synthesizer's mid_"),
        ("first_stage_model.encoder.mid.attn_1.q.weight", None, "lacks 1 tensors, first the vae's"),
        ("model.reference_model.input_blocks.1.0.in_layers.2.weight", (320, 320), "another shape"),
        ("model.reference_model.lora_up.weight", (320, 4), "unknown 1 tensors, first model.reference_model.lora_up"),
        ("model.diffusion_model.input_blocks.0.0.weight", (320, 4), "not a checkpoint of Magic Fixup"),
        ("model.diffusion_model.input_blocks.0.0.weight", None, "it has no model.diffusion_model"),
    ],
)
def test_missing_extra_and_misshapen_keys_are_refused(published, wanted, key, change, message):
    shapes = {name: shape for name, shape in published.items() if name != key}
    if change:
        shapes[key] = change
    with pytest.raises(ModelError, match=message):
        preset_of(shapes, "it")
        plan_of(shapes, wanted, "it")


def test_stable_diffusion_itself_is_refused(published, wanted):
    """Its UNet has 4 input channels, no second network and no attn3."""
    shapes = {key: shape for key, shape in published.items() if "reference" not in key and "attn3" not in key}
    shapes["model.diffusion_model.input_blocks.0.0.weight"] = (320, 4, 3, 3)
    with pytest.raises(ModelError, match="not a whole checkpoint of Magic Fixup"):
        plan_of(shapes, wanted, "sd-v1-4.ckpt")


# --- conversion -------------------------------------------------------------------------------------------------------


def test_a_converted_checkpoint_loads_strictly_with_its_own_numbers(converted, state, source):
    assert is_converted(converted)
    pipeline = build_pipeline(preset_of({key: tuple(value.shape) for key, value in state.items()}, "it"))
    for name in NETWORKS:
        load_strictly(getattr(pipeline, name), load_file(converted / f"{name}.safetensors"), name)
    for key, value in state.items():
        if why_unused(key) is None:
            network, ours = place(key)
            loaded = getattr(pipeline, network).state_dict()[ours]
            assert torch.equal(loaded.view(value.shape), value), key  # the recorded weights fit half precision exactly


def test_a_checkpoint_may_lie_under_state_dict(state, converted, tmp_path):
    torch.save({"state_dict": state, "epoch": 3, "global_step": 7}, tmp_path / "nested.ckpt")
    convert(tmp_path / "nested.ckpt", tmp_path / "out")
    for name in NETWORKS:
        ours, other = (load_file(folder / f"{name}.safetensors") for folder in (tmp_path / "out", converted))
        assert ours.keys() == other.keys()
        assert all(torch.equal(ours[key], other[key]) for key in ours)


def test_progress_rises_to_the_end_and_may_stop_the_work(source, tmp_path):
    seen = []
    convert(source, tmp_path / "whole", lambda fraction, text: seen.append(fraction))
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 100

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.5:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        convert(source, tmp_path / "stopped", stop)
    assert not is_converted(tmp_path / "stopped")
    assert not list((tmp_path / "stopped").glob("[!.]*")) and not list((tmp_path / "stopped").glob(".converting*"))


def test_what_a_crash_leaves_is_not_taken_for_finished_and_is_cleared(source, converted, tmp_path):
    folder = tmp_path / "crashed"
    shutil.copytree(converted, folder)
    (folder / RECORD).unlink()
    (folder / ".converting-old").mkdir()
    (folder / ".converting-old" / "vae.safetensors").write_bytes(b"half")
    assert not is_converted(folder)
    convert(source, folder)
    assert is_converted(folder)
    assert not (folder / ".converting-old").exists()


@pytest.mark.parametrize("damage", ["a file shorter", "a file gone", "another format", "no record"])
def test_a_damaged_folder_is_not_converted(converted, tmp_path, damage):
    folder = tmp_path / "damaged"
    shutil.copytree(converted, folder)
    record = json.loads((folder / RECORD).read_text())
    if damage == "a file shorter":
        (folder / "vae.safetensors").write_bytes((folder / "vae.safetensors").read_bytes()[:-1])
    elif damage == "a file gone":
        (folder / "extractor.safetensors").unlink()
    elif damage == "another format":
        (folder / RECORD).write_text(json.dumps(record | {"format": 0}))
    else:
        (folder / RECORD).write_text("")
    assert is_converted(converted) and not is_converted(folder)


def test_a_finished_conversion_is_not_done_again(source, converted):
    before = (converted / "vae.safetensors").stat().st_mtime_ns
    convert(source, converted)
    assert (converted / "vae.safetensors").stat().st_mtime_ns == before


def test_a_second_program_waits_for_its_turn_and_may_give_up(source, tmp_path):
    def give_up(fraction: float, text: str) -> None:
        if "Another program" in text:
            raise Cancelled("Stopped.")

    with FileLock(tmp_path / ".lock"), pytest.raises(Cancelled):
        convert(source, tmp_path, give_up)
    convert(source, tmp_path, give_up)
    assert is_converted(tmp_path)


def test_weights_that_are_no_numbers_are_refused(state, tmp_path):
    key = "model.reference_model.middle_block.0.in_layers.2.weight"
    torch.save(state | {key: torch.full_like(state[key], 1e6)}, tmp_path / "magicfu_weights")  # beyond half precision
    with pytest.raises(ModelError, match=f"damaged: {key}"):
        convert(tmp_path / "magicfu_weights", tmp_path / "out")
    assert not is_converted(tmp_path / "out")


def test_a_full_disk_is_named_with_what_is_needed(source, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda path: usage(9e9, 9e9, 1e6))
    with pytest.raises(DownloadError, match=r"needs 0\.0 GB of disk .* has 0\.0 GB free; free some space"):
        convert(source, tmp_path / "out")


def test_a_disk_that_fills_up_meanwhile_is_named_too(source, tmp_path, monkeypatch):
    from safetensors import SafetensorError

    def full(*args, **kwargs):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(DownloadError, match="free some space"):
        convert(source, tmp_path / "out")


def test_a_folder_that_cannot_be_written_to_is_named(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="set HF_HOME to a folder that can be written to"):
        convert(source, tmp_path / "file" / "models")


# --- files that are no checkpoint -------------------------------------------------------------------------------------


class Foreign:
    """Not a tensor."""


def test_a_truncated_file_is_refused(source, tmp_path):
    cut = tmp_path / "magicfu_weights"
    cut.write_bytes(source.read_bytes()[:1_000_000])
    with pytest.raises(ModelError, match="magicfu_weights is cut off, .* download magicfu_weights"):
        convert(cut, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["nothing", "text", "zip", "old pickle"])
def test_a_file_of_another_kind_is_refused(tmp_path, kind):
    path = tmp_path / "magicfu_weights"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "hello")
    elif kind == "old pickle":
        torch.save({"weight": torch.zeros(3)}, path, _use_new_zipfile_serialization=False)
    else:
        path.write_bytes(b"" if kind == "nothing" else b"<html>Sign in to download</html>")
    with pytest.raises(ModelError, match="cut off, or is no checkpoint of torch"):
        convert(path, tmp_path / "out")


def test_objects_other_than_tensors_are_not_unpickled(tmp_path):
    torch.save({"state_dict": {"weight": torch.zeros(3)}, "config": Foreign()}, tmp_path / "evil")
    with pytest.raises(ModelError, match="other Python objects than tensors"):
        convert(tmp_path / "evil", tmp_path / "out")
    (tmp_path / "plain").write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(ModelError):
        convert(tmp_path / "plain", tmp_path / "out")


@pytest.mark.parametrize("content", [torch.zeros(3), [torch.zeros(3)], {}, {"weight": 3.0}, {"state_dict": [1]}])
def test_a_checkpoint_of_something_else_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "magicfu_weights")
    with pytest.raises(ModelError, match="is not a dictionary of tensors"):
        convert(tmp_path / "magicfu_weights", tmp_path / "out")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="Cannot read .*nowhere: No such file"):
        convert(tmp_path / "nowhere", tmp_path / "out")
