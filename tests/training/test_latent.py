"""The published network at a tiny size: trained by the same loop, from Stable Diffusion's weights or from a run's."""

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file

from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.errors import ModelError, OptionError
from magicfixup_demo.training.config import TRAIN_PRESETS, train_config
from magicfixup_demo.training.dataset import Batch
from magicfixup_demo.training.loop import train
from magicfixup_demo.training.objective import FixupNetworks, check_objective, draw_randomly, encode, predict
from magicfixup_demo.training.starting import begin_from
from magicfixup_demo.training.state import load_state

TINY = "magicfixup-tiny"


@pytest.fixture(scope="module")
def stable_diffusion(tmp_path_factory):
    """A folder in the layout of Stable Diffusion 1.4: 4 input channels, attention to text of another width."""
    folder, preset = tmp_path_factory.mktemp("sd"), PRESETS[TINY]
    torch.manual_seed(1)
    UNet2DConditionModel(**preset.synthesizer | {"in_channels": 4}, cross_attention_dim=24).save_pretrained(
        folder / "unet"
    )
    AutoencoderKL(**preset.vae).save_pretrained(folder / "vae")
    return folder


def test_two_steps_change_both_networks_and_not_the_autoencoder(real_lpips, pairs, tmp_path):
    still = train(train_config(TINY, steps=1, learning_rate=0.0), [pairs], [], tmp_path / "still")
    done = train(train_config(TINY, learning_rate=1e-3), [pairs], [pairs], tmp_path / "run")
    assert done.step == 2
    for name in ("extractor", "synthesizer"):
        before, after = (load_file(o.weights / f"{name}.safetensors") for o in (still, done))
        assert any(not torch.equal(before[key], after[key]) for key in before), name
    first, second = (load_file(o.weights.parent / "vae.safetensors") for o in (still, done))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert (tmp_path / "run" / "sheet_0000002.png").exists()


def test_a_resumed_latent_run_is_the_same_run(pairs, stable_diffusion, tmp_path):
    config = train_config(TINY, learning_rate=1e-3)
    train(config, [pairs], [], tmp_path / "one", start=stable_diffusion)
    train(config, [pairs], [], tmp_path / "two", start=stable_diffusion, minutes=1e-9)
    train(config, [pairs], [], tmp_path / "two", resume=True)  # the autoencoder comes from the run's folder now
    one, two = load_state(tmp_path / "one"), load_state(tmp_path / "two")
    assert one["step"] == 2
    torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_from_stable_diffusion_the_new_channels_and_the_attention_to_details_are_silent(stable_diffusion):
    pipeline = build_pipeline(PRESETS[TINY])
    begin_from(pipeline, stable_diffusion)
    source = load_file(stable_diffusion / "unet" / "diffusion_pytorch_model.safetensors")
    for network in (pipeline.extractor, pipeline.synthesizer):
        weight = network.conv_in.weight
        assert torch.equal(weight[:, :4], source["conv_in.weight"]) and not weight[:, 4:].any()
    noisy, t, keep = torch.randn(1, 4, 8, 8), torch.tensor([500]), torch.ones(1)
    networks = FixupNetworks(pipeline)
    with torch.no_grad():
        one, other = (
            networks(noisy, t, value, torch.ones(1, 1, 8, 8), value, value, keep)
            for value in (torch.zeros(1, 4, 8, 8), torch.randn(1, 4, 8, 8))
        )
    assert torch.equal(one, other) and one.abs().max() > 0


def test_wrong_beginnings_are_refused(pairs, stable_diffusion, tmp_path):
    with pytest.raises(OptionError, match="--start"):
        train(TRAIN_PRESETS["magicfixup"], [pairs], [], tmp_path / "run")
    with pytest.raises(ModelError, match="latent"):
        begin_from(build_pipeline(PRESETS["tiny"]), stable_diffusion)
    (tmp_path / "unet").mkdir()
    with pytest.raises(ModelError, match="diffusers"):
        begin_from(build_pipeline(PRESETS[TINY]), tmp_path)
    with pytest.raises(OptionError, match="mse"):
        check_objective(build_pipeline(PRESETS[TINY]), train_config(TINY, losses={"lpips": 1.0}))


@pytest.mark.parametrize(("preset", "goal"), [("tiny", "target"), (TINY, "noise")])
def test_the_goal_is_what_the_scheduler_calls_the_prediction(preset, goal):
    pipeline, config = build_pipeline(PRESETS[preset]), train_config(preset)
    picture, ones = torch.rand(2, 3, 64, 64) * 2 - 1, torch.ones(2, 1, 64, 64)
    batch = Batch(reference=picture, coarse=picture, mask=ones, target=-picture, weight=ones)
    generator = torch.Generator().manual_seed(0)
    latents = encode(pipeline.codec, batch, generator)
    draw = draw_randomly(latents.target, pipeline.scheduler, config, generator)
    with torch.no_grad():
        found = predict(FixupNetworks(pipeline), pipeline, latents, draw, config)
    wanted = {"target": latents.target, "noise": draw.noise}[goal]
    assert torch.equal(found.goal, wanted) and (found.picture is None) == (preset == TINY)
    assert not torch.equal(draw.noise, draw.photo_noise)  # or the photo would give the noise away
