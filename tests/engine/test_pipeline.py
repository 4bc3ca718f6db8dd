"""The pipeline on tiny real networks: conditions matter, nothing is kept between calls, values stay what they were."""

import threading

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from tiny_pipeline import acting_pipeline

from magicfixup_demo.engine.codecs import PixelCodec
from magicfixup_demo.engine.detail_transfer import (
    extract_details,
    no_details,
    scale_features,
    synthesize,
    transformer_blocks,
)
from magicfixup_demo.engine.pipeline import Conditions
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.samplers import SAMPLERS, ddim_timesteps
from magicfixup_demo.engine.sdedit import sdedit

SIZE = 64
SMALL, LATENT = "tiny", "magicfixup-tiny"


def seeded_pipeline(name: str):
    return acting_pipeline(name, std=0.02)


@pytest.fixture(scope="module", params=[SMALL, LATENT])
def pipeline(request):
    return seeded_pipeline(request.param)


@pytest.fixture(scope="module")
def small():
    return seeded_pipeline(SMALL)


@pytest.fixture(scope="module")
def pictures() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    photo, coarse = torch.rand(2, 1, 3, SIZE, SIZE, generator=generator) * 2 - 1
    mask = torch.ones(1, 1, SIZE, SIZE)
    mask[..., 20:40, 16:48] = 0
    return {"photo": photo, "coarse": coarse, "mask": mask}


def run(pipeline, pictures, **settings):
    settings = {"steps": 2, "strength": 0.5} | settings
    return pipeline(**pictures, generator=torch.Generator().manual_seed(settings.pop("seed", 0)), **settings)


def test_result_has_the_size_of_the_input(pipeline, pictures):
    wide = {name: torch.cat([picture, picture], dim=-1) for name, picture in pictures.items()}
    assert run(pipeline, wide).shape == (1, 3, SIZE, 2 * SIZE)


def test_the_same_seed_gives_the_same_picture(pipeline, pictures):
    first, second, other = (run(pipeline, pictures, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first, second)
    assert not torch.allclose(first, other, atol=1e-4)


@pytest.mark.parametrize("condition", ["photo", "coarse", "mask"])
def test_each_condition_changes_the_result(pipeline, pictures, condition):
    changed = pictures | {condition: 1 - pictures[condition]}
    assert (run(pipeline, changed) - run(pipeline, pictures)).abs().max() > 1e-4


def test_features_of_the_photo_matter(pipeline, pictures):
    latent = pipeline.codec.encode(pictures["photo"], torch.Generator().manual_seed(0))
    mask = pipeline.codec.encode_mask(pictures["mask"])
    t = torch.tensor([400])
    features = pipeline.details(latent, mask, t, torch.randn(latent.shape, generator=torch.Generator().manual_seed(2)))
    outputs = [
        pipeline.predict(latent, t, Conditions(latent, mask, given, torch.ones(1)))
        for given in (features, scale_features(features, 0.0))
    ]
    assert (outputs[0] - outputs[1]).abs().max() > 1e-3


def test_each_block_reads_its_own_features(small):
    sample = torch.randn(1, small.synthesizer.config.in_channels, 16, 16, generator=torch.Generator().manual_seed(5))
    t = torch.tensor([100])
    features = extract_details(small.extractor, sample, t)
    assert set(features) == set(transformer_blocks(small.synthesizer))
    whole = synthesize(small.synthesizer, sample, t, features)
    for name in features:
        other = features | {name: features[name] * 0}
        assert not torch.equal(synthesize(small.synthesizer, sample, t, other), whole), name


def test_the_pruned_extractor_exports_what_the_whole_network_computes(small):
    """The reference is a plain diffusers UNet with the same weights, observed by hooks."""
    config = dict(small.extractor.config)
    whole = UNet2DConditionModel.from_config(config)
    missing, unexpected = whole.load_state_dict(small.extractor.state_dict(), strict=False)
    assert not unexpected
    seen = {}
    for name, block in transformer_blocks(whole).items():
        block.attn2 = None
        block.attn1.register_forward_pre_hook(lambda module, args, name=name: seen.update({name: args[0]}))
    sample = torch.randn(2, config["in_channels"], 16, 24, generator=torch.Generator().manual_seed(6))
    t = torch.tensor([7, 600])
    with torch.no_grad():
        whole(sample, t, encoder_hidden_states=None)
        ours = extract_details(small.extractor, sample, t)
    assert seen.keys() == ours.keys()
    for name, tokens in ours.items():
        torch.testing.assert_close(tokens, seen[name], rtol=1e-5, atol=1e-5)


def test_threads_may_share_the_networks(small, pictures):
    flipped = {name: picture.flip(-1) for name, picture in pictures.items()}
    alone = [run(small, pictures), run(small, flipped)]
    together: dict[int, torch.Tensor] = {}
    threads = [
        threading.Thread(target=lambda i=i, p=p: together.update({i: run(small, p)}))
        for i, p in enumerate((pictures, flipped))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in (0, 1):
        torch.testing.assert_close(together[i], alone[i], rtol=1e-4, atol=1e-5)


def test_sdedit_sees_nothing_but_the_coarse_edit(pipeline, pictures):
    settings = {"steps": 2, "strength": 0.5}
    compared = sdedit(pipeline, pictures["coarse"], generator=torch.Generator().manual_seed(0), **settings)
    dropped = run(pipeline, pictures | {"photo": -pictures["photo"]}, drop_conditions=True)
    torch.testing.assert_close(compared, dropped)
    assert not torch.allclose(compared, run(pipeline, pictures), atol=1e-3)


def test_sdedit_does_not_run_the_extractor(pipeline, pictures, monkeypatch):
    monkeypatch.setattr(pipeline.extractor, "forward", None)
    sdedit(pipeline, pictures["coarse"], steps=1)


def test_dropped_features_are_zeros_of_any_number(pipeline, pictures):
    latent = pipeline.codec.encode(pictures["photo"], torch.Generator().manual_seed(0))
    mask, t = pipeline.codec.encode_mask(pictures["mask"]), torch.tensor([300])
    zeros = scale_features(pipeline.details(latent, mask, t, torch.zeros_like(latent)), 0.0)
    nothing = no_details(pipeline.synthesizer, latent)
    conditions = [Conditions(latent, mask, features, torch.zeros(1)) for features in (zeros, nothing)]
    assert torch.equal(*(pipeline.predict(latent, t, given) for given in conditions))


def test_before_training_the_small_model_returns_the_coarse_edit(pictures):
    fresh = build_pipeline(PRESETS[SMALL])
    torch.testing.assert_close(run(fresh, pictures, steps=1), pictures["coarse"], rtol=0, atol=1e-5)


def test_timesteps_start_at_the_strength_and_fall(pipeline):
    for steps, strength in ((1, 1.0), (4, 0.5), (10, 0.3)):
        timesteps = ddim_timesteps(pipeline.scheduler, steps, strength)[1].tolist()
        assert len(timesteps) == steps
        assert timesteps == sorted(timesteps, reverse=True)
        assert timesteps[0] <= 1000 * strength
    assert ddim_timesteps(pipeline.scheduler, 50, 0.5)[1].tolist()[0] >= 450


def test_published_schedule_runs_from_981_to_1():
    """../shared/parity states it for 50 steps."""
    timesteps = ddim_timesteps(seeded_pipeline(LATENT).scheduler, 50, 1.0)[1].tolist()
    assert (timesteps[0], timesteps[1], timesteps[-1]) == (981, 961, 1)


def test_on_step_may_stop_the_work(pipeline, pictures):
    calls = []

    def stop(step: int, steps: int) -> None:
        calls.append((step, steps))
        if step == 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run(pipeline, pictures, steps=3, on_step=stop)
    assert calls == [(0, 3), (1, 3)]


def test_pixel_codec_loses_nothing():
    picture = torch.rand(2, 3, 32, 64)
    codec = PixelCodec()
    assert torch.equal(codec.decode(codec.encode(picture)), picture)


def test_a_residual_reaches_no_further_than_told(small, pictures):
    reach = small.config.reach
    near = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.bool)
    near[..., 20 - reach : 40 + reach, 16 - reach : 48 + reach] = True
    changed = (run(small, pictures) - pictures["coarse"]).abs().amax(1, keepdim=True) > 1e-5
    assert changed[..., 20:40, 16:48].float().mean() > 0.99
    assert not changed[~near].any()
    seam = changed & near
    seam[..., 20:40, 16:48] = False
    assert seam.any(), "the seam of the hole may be repainted too"


def test_without_conditions_the_residual_acts_everywhere(small, pictures):
    changed = sdedit(small, pictures["coarse"], steps=1, strength=0.5) - pictures["coarse"]
    assert (changed.abs().amax(1) > 1e-4).float().mean() > 0.99


# Computed once from these very networks and seeds; they guard against silent changes, not against a wrong method.
EXPECTED = {
    SMALL: [[-0.2777, -0.3943, 0.1737], [-0.6544, -1.2252, 0.3737], [0.8756, 1.0636, 0.5509]],
    LATENT: [[-0.1507, -0.4439, -0.4216], [0.0569, -0.3270, -0.3780], [0.2655, -0.0251, -0.0515]],
}
SAMPLER = {SMALL: "ddim", LATENT: "published"}  # their models' own


def test_expected_slice(pipeline, pictures, request):
    name = SMALL if pipeline.vae is None else LATENT
    corner = run(seeded_pipeline(name), pictures, sampler=SAMPLERS[SAMPLER[name]])[0, 0, 28:31, 30:33].numpy().round(4)
    np.testing.assert_allclose(corner, EXPECTED[name], atol=2e-3, err_msg=repr(corner.tolist()))
