"""Names of tensors: the published checkpoint's -> those of our networks, in diffusers' layout; and those nothing needs.

The names are the same at every width. ``../shared/parity/README.md`` tells what the published network does with each.
"""

import re
from functools import cache

NETWORKS = {  # the published prefix -> our network
    "model.reference_model.": "extractor",
    "model.diffusion_model.": "synthesizer",
    "first_stage_model.": "vae",
}

BLOCK = r"(input_blocks\.\d+|middle_block|output_blocks\.\d+)\.1\.transformer_blocks\.0"
UNUSED: dict[str, str] = {  # regular expression of whole keys -> why nothing needs them
    r"betas|(alphas|sqrt_alphas|sqrt_one_minus_alphas|log_one_minus_alphas|sqrt_recip_alphas|sqrt_recipm1_alphas)"
    r"_cumprod|alphas_cumprod_prev|posterior_(variance|log_variance_clipped|mean_coef1|mean_coef2)": (
        "The noise schedule is computed from its two ends (presets.SD_SCHEDULE)."
    ),
    r"learnable_vector|proj_out\.(weight|bias)|cond_stage_model\..*": (
        "The embedding of a picture that was to stand in the place of text: no attention reads it."
    ),
    rf"model\.(reference|diffusion)_model\.{BLOCK}\.attn2\.to_.*": "The attention to text is never called.",
    rf"model\.(reference|diffusion)_model\.{BLOCK}\.attn[123]\.merge_attentions(_missing)?\..*": (
        "Convolutions over attention maps that are never called."
    ),
    rf"model\.reference_model\.{BLOCK}\.(attn3\.to_.*|norm2\..*)": (
        "The extractor reads the photo alone: in its blocks no attention to details is called, nor the norm before it."
    ),
    r"model\.reference_model\.out\..*": "The extractor's features are used; its own output is thrown away.",
}

RESNET = {  # modules inside a block of a UNet
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
PROJECTIONS = ("to_q", "to_k", "to_v", "to_out.0")
TRANSFORMER = (
    {name: name for name in ("norm", "proj_in", "proj_out")}
    | {f"transformer_blocks.0.{n}": f"transformer_blocks.0.{n}" for n in ("norm1", "norm2", "norm3")}
    | {f"transformer_blocks.0.ff.net.{n}": f"transformer_blocks.0.ff.net.{n}" for n in ("0.proj", "2")}
    | {f"transformer_blocks.0.attn1.{n}": f"transformer_blocks.0.attn1.{n}" for n in PROJECTIONS}
    | {f"transformer_blocks.0.attn3.{n}": f"transformer_blocks.0.attn2.{n}" for n in PROJECTIONS}  # to details
)
VAE_RESNET = {n: n for n in ("norm1", "conv1", "norm2", "conv2")} | {"nin_shortcut": "conv_shortcut"}
VAE_ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
LEVELS = 4  # of Stable Diffusion's UNet and of its autoencoder


def place(key: str) -> tuple[str, str] | None:
    """The (network, key of its state) for a published key; None where no network of ours has such a part at all.

    What a network of ours leaves out (``detail_transfer.build_extractor``) has a place here all the same.
    """
    for prefix, network in NETWORKS.items():
        if key.startswith(prefix):
            module, _, leaf = key.removeprefix(prefix).rpartition(".")
            ours = (_vae_modules() if network == "vae" else _unet_modules()).get(module)
            return (network, f"{ours}.{leaf}") if ours else None
    return None


def why_unused(key: str) -> str | None:
    """The reason why nothing needs a published key, or None."""
    return next((reason for pattern, reason in UNUSED.items() if re.fullmatch(pattern, key)), None)


@cache
def _unet_modules() -> dict[str, str]:
    """Published module -> ours. A level holds two blocks on the way down and three on the way up, then a resampling."""
    modules = {"time_embed.0": "time_embedding.linear_1", "time_embed.2": "time_embedding.linear_2"}
    modules |= {"input_blocks.0.0": "conv_in", "out.0": "conv_norm_out", "out.2": "conv_out"}
    for level in range(LEVELS):
        for i in range(2):
            modules |= _unet_block(f"input_blocks.{3 * level + 1 + i}", f"down_blocks.{level}", i, level < LEVELS - 1)
        for i in range(3):
            modules |= _unet_block(f"output_blocks.{3 * level + i}", f"up_blocks.{level}", i, level > 0)
        if level < LEVELS - 1:
            last = 2 if level else 1  # the first level up has no transformer between block and resampling
            modules[f"input_blocks.{3 * level + 3}.0.op"] = f"down_blocks.{level}.downsamplers.0.conv"
            modules[f"output_blocks.{3 * level + 2}.{last}.conv"] = f"up_blocks.{level}.upsamplers.0.conv"
    modules |= _inside("middle_block.0", "mid_block.resnets.0", RESNET)
    modules |= _inside("middle_block.1", "mid_block.attentions.0", TRANSFORMER)
    return modules | _inside("middle_block.2", "mid_block.resnets.1", RESNET)


def _unet_block(published: str, ours: str, index: int, attends: bool) -> dict[str, str]:
    modules = _inside(f"{published}.0", f"{ours}.resnets.{index}", RESNET)
    if attends:
        modules |= _inside(f"{published}.1", f"{ours}.attentions.{index}", TRANSFORMER)
    return modules


@cache
def _vae_modules() -> dict[str, str]:
    """Published module -> ours. The published decoder counts its levels from the finest, ours from the coarsest."""
    modules = {name: name for name in ("quant_conv", "post_quant_conv")}
    for half in ("encoder", "decoder"):
        modules |= {f"{half}.{name}": f"{half}.{name}" for name in ("conv_in", "conv_out")}
        modules[f"{half}.norm_out"] = f"{half}.conv_norm_out"
        for i in range(2):
            modules |= _inside(f"{half}.mid.block_{i + 1}", f"{half}.mid_block.resnets.{i}", VAE_RESNET)
        modules |= _inside(f"{half}.mid.attn_1", f"{half}.mid_block.attentions.0", VAE_ATTENTION)
    for level in range(LEVELS):
        down, up = f"encoder.down_blocks.{level}", f"decoder.up_blocks.{LEVELS - 1 - level}"
        for i in range(2):
            modules |= _inside(f"encoder.down.{level}.block.{i}", f"{down}.resnets.{i}", VAE_RESNET)
        for i in range(3):
            modules |= _inside(f"decoder.up.{level}.block.{i}", f"{up}.resnets.{i}", VAE_RESNET)
        modules[f"encoder.down.{level}.downsample.conv"] = f"{down}.downsamplers.0.conv"
        modules[f"decoder.up.{level}.upsample.conv"] = f"{up}.upsamplers.0.conv"
    return modules


def _inside(published: str, ours: str, parts: dict[str, str]) -> dict[str, str]:
    return {f"{published}.{a}": f"{ours}.{b}" for a, b in parts.items()}
