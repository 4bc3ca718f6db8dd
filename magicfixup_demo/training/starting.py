"""What a run may begin from: our weights of the same preset, or Stable Diffusion 1.4 for the latent presets."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from magicfixup_demo.engine.detail_transfer import transformer_blocks
from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.weights import load_networks, load_strictly
from magicfixup_demo.errors import ModelError

AUTOENCODER = "vae.safetensors"


def begin_from(pipeline: MagicFixupPipeline, folder: Path) -> None:
    """Load ``folder`` into the networks and, where there is one, the autoencoder. Raises ModelError.

    ``folder`` holds extractor.safetensors and synthesizer.safetensors (a run's weights/; the autoencoder then lies
    there or beside that folder), or unet/ and vae/ in the layout of diffusers, as Stable Diffusion 1.4 comes.
    """
    if (folder / "unet").is_dir():
        _begin_from_stable_diffusion(pipeline, folder)
        return
    load_networks(folder, pipeline)
    if pipeline.vae is not None:
        load_autoencoder(pipeline, folder if (folder / AUTOENCODER).exists() else folder.parent)


def save_autoencoder(pipeline: MagicFixupPipeline, folder: Path) -> None:
    """Keep the frozen autoencoder beside the run, once: a resumed run needs the very same."""
    path = folder / AUTOENCODER
    if pipeline.vae is not None and not path.exists():
        partial = path.with_suffix(".part")
        save_file({key: value.contiguous() for key, value in pipeline.vae.state_dict().items()}, partial)
        partial.replace(path)


def load_autoencoder(pipeline: MagicFixupPipeline, folder: Path) -> None:
    """Load what ``save_autoencoder`` wrote, if the pipeline has an autoencoder. Raises ModelError."""
    if pipeline.vae is None:
        return
    try:
        state = load_file(folder / AUTOENCODER)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{folder} holds no {AUTOENCODER}; begin from a folder with vae/ or with that file."
        ) from error
    load_strictly(pipeline.vae, state, AUTOENCODER)


def _begin_from_stable_diffusion(pipeline: MagicFixupPipeline, folder: Path) -> None:
    if pipeline.vae is None:
        raise ModelError("Only the presets in latent space can begin from Stable Diffusion; choose magicfixup.")
    try:
        local = {"local_files_only": True, "use_safetensors": True}  # no pickle, and nothing fetched
        unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", **local).state_dict()
        vae = AutoencoderKL.from_pretrained(folder, subfolder="vae", **local).state_dict()
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(
            f"{folder} does not hold unet/ and vae/ of Stable Diffusion as safetensors in the layout of diffusers."
        ) from error
    for network in (pipeline.extractor, pipeline.synthesizer):
        load_strictly(network, stable_diffusion_weights(network, unet), f"{folder.name}/unet")
    load_strictly(pipeline.vae, vae, f"{folder.name}/vae")


def stable_diffusion_weights(network: nn.Module, unet: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state of ``network`` (extractor or synthesizer) made from that of Stable Diffusion's UNet.

    The channels that Stable Diffusion does not have start at zero (METHODS: "Networks"). Its attention to text has no
    place here; the attention to details that stands there starts as the block's self-attention with its output at zero,
    so that training starts from Stable Diffusion without text. The paper does not say how it started that part.
    """
    wanted = network.state_dict()
    state = {key: value for key, value in unet.items() if key in wanted}
    first = unet["conv_in.weight"]
    state["conv_in.weight"] = torch.zeros_like(wanted["conv_in.weight"])
    state["conv_in.weight"][:, : first.shape[1]] = first
    for name, block in transformer_blocks(network).items():
        if block.attn2 is None:
            continue
        for key in block.attn2.state_dict():
            source = unet[f"{name}.attn1.{key}"]
            state[f"{name}.attn2.{key}"] = torch.zeros_like(source) if key.startswith("to_out") else source.clone()
        for key in ("weight", "bias"):
            state[f"{name}.norm2.{key}"] = unet[f"{name}.norm1.{key}"].clone()
    return state
