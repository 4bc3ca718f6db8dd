"""Recorded cases of the published network, computed again by our pipeline: one denoising step, a run, the autoencoder.

Nothing depends on the size of the latents.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from diffusers import DDIMScheduler
from torch import Tensor, nn

from magicfixup_demo.engine.pipeline import Conditions, MagicFixupPipeline
from magicfixup_demo.engine.samplers import Run, clean_prediction, published_timesteps
from magicfixup_demo.engine.schedule import add_noise
from magicfixup_demo.evaluation.recording import Case, Recording

STEP_TOLERANCE, RUN_TOLERANCE, VAE_TOLERANCE = 1e-4, 1e-3, 1e-4  # relative L2

BLOCK = "transformer_blocks.0"
FEATURES = {  # recorded name -> the block that exports it
    "ref_feat_first": f"down_blocks.0.attentions.0.{BLOCK}",
    "ref_feat_mid": f"mid_block.attentions.0.{BLOCK}",
    "ref_feat_last": f"up_blocks.3.attentions.2.{BLOCK}",
}
INSIDE_NETWORKS = {  # recorded name -> network, and the module whose output it is
    "ref_h_input1": ("extractor", "down_blocks.0.attentions.0"),
    "ref_h_middle": ("extractor", "mid_block"),
    "main_h_input1": ("synthesizer", "down_blocks.0.attentions.0"),
    "main_attn3_out_input1": ("synthesizer", f"down_blocks.0.attentions.0.{BLOCK}.attn2"),
    "main_h_middle": ("synthesizer", "mid_block"),
    "main_h_output11": ("synthesizer", "up_blocks.3.attentions.2"),
}
INSIDE_VAE = {
    "encoder_out": ("vae", "encoder"),
    "encoder_mid_attn": ("vae", "encoder.mid_block.attentions.0"),
    "decoder_mid_attn": ("vae", "decoder.mid_block.attentions.0"),
}


@contextmanager
def _watched(pipeline: MagicFixupPipeline, inside: dict[str, tuple[str, str]]) -> Iterator[dict[str, Tensor]]:
    """Collect the outputs of modules inside the networks, by recorded name, while they are computed."""
    seen: dict[str, Tensor] = {}

    def note(name: str) -> Callable:
        def hook(module: nn.Module, args: tuple, output) -> None:
            seen[name] = output[0] if isinstance(output, tuple) else output

        return hook

    handles = [
        getattr(pipeline, network).get_submodule(module).register_forward_hook(note(name))
        for name, (network, module) in inside.items()
    ]
    extractor_input = pipeline.extractor.register_forward_pre_hook(lambda _, args: seen.update(ref_input=args[0]))
    try:
        yield seen
    finally:
        for handle in (*handles, extractor_input):
            handle.remove()


def check_step(pipeline: MagicFixupPipeline, recording: Recording) -> None:
    """Every case of a unet_io file: both networks once."""
    for prefix in recording.prefixes("eps"):
        case = Case(recording, prefix, STEP_TOLERANCE)
        noisy, coarse, mask = case["x"].split([4, 4, 1], dim=1)  # (B, 4, h, w), (B, 4, h, w), (B, 1, h, w)
        with _watched(pipeline, INSIDE_NETWORKS) as seen:
            features = pipeline.details(case["z_ref"], mask, case["t"], case["noise_ref"])
            eps = pipeline.predict(noisy, case["t"], Conditions(coarse, mask, features, torch.ones(len(noisy))))
        exported = {name: features[block] for name, block in FEATURES.items()}
        for name, value in (seen | exported | {"eps": eps}).items():
            case.compare(name, value)


def check_run(pipeline: MagicFixupPipeline, recording: Recording) -> None:
    """Every run of a sampler file, all its steps, with the recorded noise in the place of every draw."""
    for prefix in recording.prefixes("timesteps"):
        case = Case(recording, prefix, RUN_TOLERANCE)
        scheduler, ours = published_timesteps(pipeline.scheduler, _steps(case["timesteps"]), strength=1.0)
        case.compare("betas", scheduler.betas)
        case.compare("alphas_cumprod", scheduler.alphas_cumprod)
        case.compare("timesteps", ours, tolerance=0)
        case.compare("alphas", scheduler.alphas_cumprod[ours])
        if len(ours) == len(case["timesteps"]):
            _check_trajectory(pipeline, case, scheduler, ours)


def _check_trajectory(pipeline: MagicFixupPipeline, case: Case, scheduler: DDIMScheduler, timesteps: Tensor) -> None:
    coarse, photo, mask = case["z_inpaint"], case["z_ref"], case["mask"]  # (1, 4, h, w), (1, 4, h, w), (1, 1, h, w)
    noisy = add_noise(scheduler, coarse, case["noise_start"].view_as(coarse), timesteps[:1])
    case.compare("x_start", noisy)
    eta, passed = _eta(case), {"eps_at_step": [], "pred_x0_at_step": [], "latents_after_step": []}
    for i, timestep in enumerate(timesteps):
        t = timestep.expand(len(noisy))
        features = pipeline.details(photo, mask, t, case["noise_ref"][i].view_as(photo))
        eps = pipeline.predict(noisy, t, Conditions(coarse, mask, features, torch.ones(len(noisy))))
        clean = clean_prediction(scheduler, eps, t, noisy)
        drawn = {"eta": eta, "variance_noise": case["noise_ddim"][i].view_as(noisy)}
        noisy = Run(scheduler, timesteps, drawn).step(eps, timestep, noisy, generator=None)
        for values, value in zip(passed.values(), (eps, clean, noisy), strict=True):
            values.append(value)
    for name, values in passed.items():
        if case.has(name):
            case.compare(name, torch.stack([values[i] for i in case["latent_step_index"].tolist()]))
    case.compare("final", noisy)


def _steps(timesteps: Tensor) -> int:
    """The number of steps asked for, from the timesteps, which are 1000 // steps apart."""
    return 1000 // int(timesteps[0] - timesteps[1]) if len(timesteps) > 1 else 1


def _eta(case: Case) -> float:
    """The eta of a run, from its recorded noise levels (arXiv 2010.02502, equation 16)."""
    alpha, after = case["alphas"].double(), case["alphas_prev"].double()
    full = ((1 - after) / (1 - alpha) * (1 - alpha / after)).clamp(min=0).sqrt()
    return round(float(case["sigmas"].double().sum() / full.sum()), 4)


def check_vae(pipeline: MagicFixupPipeline, recording: Recording) -> None:
    """Every picture of a vae_io file: "image" or "image_...", and what was made of it under the same ending."""
    for key in sorted(key for key in recording.tensors if key.rpartition(".")[2].startswith("image")):
        at = key.rindex("image")
        case, ending = Case(recording, key[:at], VAE_TOLERANCE), key[at + len("image") :]
        with _watched(pipeline, {} if ending else INSIDE_VAE) as seen:
            _check_picture(pipeline, case, ending)
        for name, value in seen.items():
            case.compare(name, value)


def _check_picture(pipeline: MagicFixupPipeline, case: Case, ending: str) -> None:
    codec, image = pipeline.codec, case[f"image{ending}"]  # (B, 3, H, W)
    scale = codec.vae.config.scaling_factor
    posterior = codec.posterior(image)
    for name, value in (("mean", posterior.mean), ("logvar", posterior.logvar), ("std", posterior.std)):
        case.compare(f"posterior_{name}{ending}", value)
    if case.has(f"posterior_noise{ending}"):
        case.compare(f"z_scaled_sample{ending}", codec.encode(image, noise=case[f"posterior_noise{ending}"]))
    if case.has(f"latent_scaled{ending}"):
        latent = case[f"latent_scaled{ending}"]
        case.compare(f"decoded{ending}", codec.decode(latent))
        case.compare(f"decoded_unscaled_latent{ending}", codec.decode(latent * 5 * scale))
    elif case.has(f"posterior_mean{ending}"):
        case.compare(f"decoded{ending}", codec.decode(case[f"posterior_mean{ending}"] * scale))
