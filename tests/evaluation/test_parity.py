"""The command that compares our pipeline with recorded numbers: the published network's, and some made here."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from magicfixup_demo.cli import main
from magicfixup_demo.engine import pipeline as pipeline_module
from magicfixup_demo.engine import reading
from magicfixup_demo.engine.detail_transfer import scale_features
from magicfixup_demo.engine.pipeline import Conditions, MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.samplers import SAMPLERS, Run, Sampler, _ddim
from magicfixup_demo.evaluation.parity import check_folder, load_recorded_weights, passes
from magicfixup_demo.evaluation.recording import relative_error
from tests.synthetic_checkpoint import published_state

LATENT = (16, 24)  # height, width: not square, and not the size of the published network's recordings
DRAWS = ("noise_ref", "noise_ddim")


# --- a folder of recordings made by our own pipeline, in double precision: tests the command, not the method ----------


def noise(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def recorded_step(pipeline, t: int) -> dict[str, torch.Tensor]:
    h, w = LATENT
    case = {"x": noise(2, 9, h, w, seed=1), "z_ref": noise(2, 4, h, w, seed=2), "noise_ref": noise(2, 4, h, w, seed=3)}
    case["x"][:, 8:] = (case["x"][:, 8:] > 0).double()
    case["t"] = torch.tensor([t, t // 2])
    features = pipeline.details(case["z_ref"], case["x"][:, 8:], case["t"], case["noise_ref"])
    given = Conditions(case["x"][:, 4:8], case["x"][:, 8:], features, torch.ones(2))
    first = "down_blocks.0.attentions.0.transformer_blocks.0"
    return case | {"eps": pipeline.predict(case["x"][:, :4], case["t"], given), "ref_feat_first": features[first]}


def recorded_run(pipeline, steps: int, eta: float) -> dict[str, torch.Tensor]:
    """DDIM written out after arXiv 2010.02502, equations 12 and 16, so that another stepping would show."""
    h, w = LATENT
    abar = pipeline.scheduler.alphas_cumprod.double()
    times = torch.arange(1, 1000, 1000 // steps).flip(0)
    alpha, after = abar[times], abar[torch.cat([times[1:], torch.zeros(1, dtype=torch.long)])]
    shared = {"z_inpaint": noise(1, 4, h, w, seed=4), "z_ref": noise(1, 4, h, w, seed=5)}
    shared["mask"] = (noise(1, 1, h, w, seed=6) > -1).double()
    run = {"timesteps": times, "alphas": alpha, "alphas_prev": after, "noise_start": noise(1, 4, h, w, seed=7)}
    run |= {name: noise(len(times), 4, h, w, seed=8 + i) for i, name in enumerate(DRAWS)}
    run["sigmas"] = eta * ((1 - after) / (1 - alpha) * (1 - alpha / after)).sqrt()
    x = run["x_start"] = alpha[0].sqrt() * shared["z_inpaint"] + (1 - alpha[0]).sqrt() * run["noise_start"]
    for i, t in enumerate(times):
        features = pipeline.details(shared["z_ref"], shared["mask"], t[None], run["noise_ref"][i][None])
        eps = pipeline.predict(x, t[None], Conditions(shared["z_inpaint"], shared["mask"], features, torch.ones(1)))
        clean = (x - (1 - alpha[i]).sqrt() * eps) / alpha[i].sqrt()
        x = after[i].sqrt() * clean + (1 - after[i] - run["sigmas"][i] ** 2).sqrt() * eps
        x = x + run["sigmas"][i] * run["noise_ddim"][i]
    return shared | {f"S{steps}_eta{eta}.{name}": value for name, value in (run | {"final": x}).items()}


def recorded_picture(pipeline) -> dict[str, torch.Tensor]:
    image = noise(1, 3, 2 * LATENT[0], 2 * LATENT[1], seed=10).clamp(-1, 1)
    posterior = pipeline.vae.encode(image).latent_dist
    drawn = noise(*posterior.mean.shape, seed=11)
    return {
        "image_wide": image,
        "posterior_mean_wide": posterior.mean,
        "posterior_noise_wide": drawn,
        "z_scaled_sample_wide": 0.18215 * (posterior.mean + posterior.std * drawn),
        "decoded_wide": pipeline.vae.decode(posterior.mean).sample,
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of the published layout with other sizes, names and weights."""
    folder = tmp_path_factory.mktemp("recorded")
    torch.manual_seed(0)
    pipeline = build_pipeline(PRESETS["magicfixup-tiny"])
    state = {key: value.half() for key, value in published_state(pipeline).items()}
    for name, part in (("unet", "model."), ("vae", "first_stage_model.")):
        save_file({k: v for k, v in state.items() if k.startswith(part)}, folder / f"{name}_weights.safetensors")
    pipeline = load_recorded_weights(folder)
    for network in (pipeline.extractor, pipeline.synthesizer, pipeline.vae):
        network.double()
    with torch.no_grad():
        files = {
            "unet_io_16x24": {f"wide_t{t}.{k}": v for t in (7, 900) for k, v in recorded_step(pipeline, t).items()},
            "sampler_16x24": recorded_run(pipeline, 3, 0.5),
            "vae_io": recorded_picture(pipeline),
        }
    for name, tensors in files.items():
        whole = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
        save_file({k: v.contiguous() for k, v in whole.items()}, folder / f"{name}.safetensors")
    return folder


def parity(folder, capsys) -> tuple[int, str]:
    status = main(["parity", str(folder)])
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == (status == 2)
    return status, said.out + said.err


def changed(made, folder, name: str, **tensors) -> None:
    """Weights and one file of ``made``, with tensors of it replaced, or removed where None."""
    for weights in made.glob("*_weights.safetensors"):
        shutil.copy(weights, folder)
    state = load_file(made / f"{name}.safetensors")
    for ending, value in tensors.items():
        key = next(key for key in sorted(state) if key.endswith(ending))
        if value is None:
            del state[key]
        else:
            state[key] = value(state[key])
    save_file(state, folder / f"{name}.safetensors")


def test_another_size_and_other_names_are_found(made, capsys):
    status, text = parity(made, capsys)
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("|") and "safetensors" in line]
    assert {(line[1], line[2]) for line in lines} >= {
        ("wide_t7", "eps"),
        ("wide_t900", "ref_feat_first"),
        ("S3_eta0.5", "final"),
        ("S3_eta0.5", "x_start"),
        ("", "z_scaled_sample_wide"),
        ("", "decoded_wide"),
    }
    assert all("ok" in line[-1] for line in lines)
    assert "none over tolerance" in text and status == 0


def test_features_that_are_one_percent_off_are_caught(made, capsys, monkeypatch):
    true = MagicFixupPipeline.details
    monkeypatch.setattr(MagicFixupPipeline, "details", lambda self, *args: scale_features(true(self, *args), 1.01))
    status, text = parity(made, capsys)
    assert status == 1
    over = [line for line in text.splitlines() if "OVER" in line]
    assert any("| ref_feat_first |" in line for line in over)
    assert any("| final |" in line or "| eps |" in line for line in over)


@pytest.mark.parametrize(
    ("name", "tensor"),
    [("unet_io_16x24", "eps"), ("sampler_16x24", "final"), ("sampler_16x24", "noise_ddim"), ("vae_io", "decoded_wide")],
)
def test_a_wrong_number_fails(made, tmp_path, capsys, name, tensor):
    changed(made, tmp_path, name, **{tensor: lambda value: value * 1.01})
    status, text = parity(tmp_path, capsys)
    assert status == 1 and "OVER" in text


def test_values_that_are_no_numbers_fail(made, tmp_path, capsys):
    changed(made, tmp_path, "vae_io", decoded_wide=lambda value: value * float("nan"))
    assert parity(tmp_path, capsys)[0] == 1


def test_where_nothing_is_checked_the_status_says_so(made, tmp_path, capsys):
    status, text = parity(tmp_path, capsys)
    assert status == 1 and "Nothing was checked" in text
    changed(made, tmp_path, "vae_io")
    save_file({"hello": torch.zeros(1)}, tmp_path / "unet_io_64.safetensors")
    status, text = parity(tmp_path, capsys)
    assert status == 1 and "Nothing to compare in unet_io_64.safetensors" in text


@pytest.mark.parametrize(("name", "weights"), [("unet_io_16x24", "unet"), ("vae_io", "vae")])
def test_only_the_weights_that_are_needed_must_be_there(made, tmp_path, capsys, name, weights):
    for file in (f"{name}.safetensors", f"{weights}_weights.safetensors"):
        shutil.copy(made / file, tmp_path)
    status, text = parity(tmp_path, capsys)
    assert status == 0 and "none over tolerance" in text


def test_bad_folders_are_refused_with_one_sentence(made, tmp_path, capsys):
    assert parity(tmp_path / "nowhere", capsys)[0] == 2
    shutil.copy(made / "vae_io.safetensors", tmp_path)
    status, text = parity(tmp_path, capsys)
    assert status == 2 and "vae_weights.safetensors is missing or broken" in text
    (tmp_path / "vae_io.safetensors").unlink()
    changed(made, tmp_path, "sampler_16x24", noise_start=None)
    status, text = parity(tmp_path, capsys)
    assert status == 2 and "sampler_16x24.safetensors lacks S3_eta0.5.noise_start" in text
    changed(made, tmp_path, "unet_io_16x24", z_ref=lambda value: value[..., :8].contiguous())
    status, text = parity(tmp_path, capsys)
    assert status == 2 and "unet_io_16x24.safetensors do not fit" in text


# --- the published network's recordings -------------------------------------------------------------------------------


def test_the_published_networks_numbers_are_ours(parity_data, tmp_path):
    for name in ("unet_weights", "vae_weights", "unet_io_32", "vae_io"):
        (tmp_path / f"{name}.safetensors").symlink_to((parity_data / f"{name}.safetensors").resolve())
    recordings = check_folder(tmp_path)
    assert sum(len(recording.rows) for recording in recordings) >= 36
    assert passes(recordings)
    assert max(row.error for recording in recordings for row in recording.rows) < 1e-5, "the recordings' own floor"


class RecordedCodec:
    """Stands for the autoencoder: the recorded latents are the pictures."""

    def __init__(self, mask: torch.Tensor):
        self.mask = mask

    def encode(self, image, generator=None):
        return image

    def decode(self, latent):
        return latent

    def encode_mask(self, mask):
        return self.mask


@pytest.mark.parametrize(
    ("case", "sampler"),
    [("S10_eta0", Sampler(_ddim(eta=0.0), fresh=True)), ("S50_eta1", SAMPLERS["published"])],
)
def test_the_pipeline_itself_goes_the_recorded_way(parity_data, monkeypatch, case, sampler):
    """The very loop that people run, with every draw replaced by the recorded one."""
    recorded = load_file(parity_data / "sampler_32.safetensors")
    pipeline = load_recorded_weights(parity_data)
    pipeline.codec = RecordedCodec(recorded["mask"])
    rows = {name: iter(recorded[f"{case}.{name}"][:, None]) for name in DRAWS}
    monkeypatch.setattr(pipeline_module, "noise_like", lambda *args: recorded[f"{case}.noise_start"])
    monkeypatch.setattr(reading, "noise_like", lambda *args: next(rows["noise_ref"]))
    monkeypatch.setattr(
        "diffusers.schedulers.scheduling_ddim.randn_tensor", lambda *args, **kwargs: next(rows["noise_ddim"])
    )
    latents, step = [], Run.step

    def noted(*args) -> torch.Tensor:
        latents.append(step(*args))
        return latents[-1]

    monkeypatch.setattr(Run, "step", noted)
    times = recorded[f"{case}.timesteps"]
    final = pipeline(recorded["z_ref"], recorded["z_inpaint"], recorded["mask"], steps=len(times), sampler=sampler)
    assert relative_error(final, recorded[f"{case}.final"]) < 1e-5
    for i, index in enumerate(recorded[f"{case}.latent_step_index"].tolist()):
        assert relative_error(latents[index], recorded[f"{case}.latents_after_step"][i]) < 1e-5, index
