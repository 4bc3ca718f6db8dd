"""The architectures: one table. Everything that tells ``small`` from the published network stands here."""

from dataclasses import dataclass

import torch
from diffusers import AutoencoderKL, DDIMScheduler

from magicfixup_demo.engine.conditioning import Filler, fill_as_published, fill_from_background
from magicfixup_demo.engine.detail_transfer import build_extractor, build_synthesizer
from magicfixup_demo.engine.pipeline import MagicFixupPipeline

SD_SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "rescale_betas_zero_snr": True,
    "clip_sample": False,
}
REACH = 12  # pixels around a hole that ``small`` may repaint; further out its changes cost more than they gave


@dataclass(frozen=True)
class Preset:
    """An architecture: arguments of the two UNets, the scheduler, the pipeline, and the autoencoder if there is one.

    ``fill``: how holes are filled before the model sees them. ``multiple``: sides of pictures must be multiples of it.
    ``area``: pixels the model works at.
    """

    extractor: dict
    synthesizer: dict
    scheduler: dict
    pipeline: dict
    fill: Filler
    multiple: int
    area: int = 512 * 512
    vae: dict | None = None


def _attention_at_the_bottom(
    in_channels: int, out_channels: int, widths: tuple[int, ...], layers: int, attended: int
) -> dict:
    """UNet arguments with attention in the ``attended`` coarsest levels only: elsewhere it costs more than it gives."""
    plain = len(widths) - attended
    return {
        "in_channels": in_channels,
        "out_channels": out_channels,
        "block_out_channels": widths,
        "layers_per_block": layers,
        "down_block_types": ("DownBlock2D",) * plain + ("CrossAttnDownBlock2D",) * attended,
        "up_block_types": ("CrossAttnUpBlock2D",) * attended + ("UpBlock2D",) * plain,
        "attention_head_dim": 8,  # diffusers' name; it means eight heads
        "norm_num_groups": 16,
    }


def _small(synthesizer: tuple[int, ...], extractor: tuple[int, ...]) -> Preset:
    pixels, mask = 48, 16  # 3 and 1 channels, rearranged by 4
    return Preset(
        extractor=_attention_at_the_bottom(2 * pixels + mask, pixels, extractor, layers=1, attended=2),
        synthesizer=_attention_at_the_bottom(2 * pixels + mask, pixels, synthesizer, layers=1, attended=2),
        scheduler=SD_SCHEDULE | {"prediction_type": "sample", "timestep_spacing": "trailing", "set_alpha_to_one": True},
        pipeline={"prediction": "residual", "reference_timestep": 0, "reach": REACH},
        fill=fill_from_background,
        multiple=32,
    )


def stable_diffusion(width: int, vae_widths: tuple[int, ...], groups: int = 32) -> Preset:
    """The published network at any width (320 is the real one): SD 1.4's UNet with 9 input channels, twice."""
    widths = (width, 2 * width, 4 * width, 4 * width)
    unet = {
        "in_channels": 9,
        "out_channels": 4,
        "block_out_channels": widths,
        "attention_head_dim": 8,
        "norm_num_groups": groups,
    }
    return Preset(
        extractor=unet,
        synthesizer=unet,
        scheduler=SD_SCHEDULE
        | {
            "prediction_type": "epsilon",
            "timestep_spacing": "leading",
            "steps_offset": 1,
            "set_alpha_to_one": False,
        },
        pipeline={"prediction": "epsilon", "reference_timestep": None},
        fill=fill_as_published,
        multiple=64,
        vae={
            "down_block_types": ("DownEncoderBlock2D",) * len(vae_widths),
            "up_block_types": ("UpDecoderBlock2D",) * len(vae_widths),
            "block_out_channels": vae_widths,
            "layers_per_block": 2,
            "latent_channels": 4,
            "scaling_factor": 0.18215,
            "norm_num_groups": groups,
        },
    )


PRESETS: dict[str, Preset] = {
    "tiny": _small((16, 32, 32, 32), (16, 16, 16, 16)),  # for tests
    "small": _small((64, 96, 192, 256), (32, 64, 128, 128)),
    "magicfixup-tiny": stable_diffusion(32, (32, 32, 32, 32), groups=32),  # for tests
    "magicfixup": stable_diffusion(320, (128, 256, 512, 512)),
}


def build_pipeline(preset: Preset) -> MagicFixupPipeline:
    """A pipeline with fresh random weights, in evaluation mode."""
    extractor = build_extractor(preset.extractor)
    pipeline = MagicFixupPipeline(
        extractor=extractor,
        synthesizer=build_synthesizer(preset.synthesizer, extractor),
        scheduler=DDIMScheduler(**preset.scheduler),
        vae=AutoencoderKL(**preset.vae) if preset.vae else None,
        **preset.pipeline,
    )
    if pipeline.config.prediction == "residual":  # training starts from the coarse edit itself
        torch.nn.init.zeros_(pipeline.synthesizer.conv_out.weight)
        torch.nn.init.zeros_(pipeline.synthesizer.conv_out.bias)
    for network in (pipeline.extractor, pipeline.synthesizer, pipeline.vae):
        if network is not None:
            network.eval()
    return pipeline
