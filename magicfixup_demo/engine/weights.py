"""Weights on disk <-> networks, strictly; and the table of models: where each comes from, its licence, its size."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from diffusers import DDIMScheduler
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from magicfixup_demo.downloads import Progress, cache_folder
from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.errors import MemoryFull, ModelError
from magicfixup_demo.faults import memory_is_full
from magicfixup_demo.hub import HubFile, cached_hub_file, fetch_hub_file

ASSETS = Path(__file__).resolve().parents[2] / "assets"
Network = TypeVar("Network", bound=nn.Module)
CONVERTED_BYTES = 3_700_000_000  # of the published checkpoint, in half precision
DOWNLOAD_SHARE = 0.85  # of the progress bar; the rest is the conversion


@dataclass(frozen=True)
class ModelEntry:
    """One model that people may choose.

    ``embedded``: its folder in the repository; else ``source`` is its checkpoint on the Hub, of ``megabytes``.
    ``strength``: how far the start is noised, for the model and for SDEdit beside it; 1 = to the schedule's first
    timestep. ``sampler``: the default, a key of samplers.SAMPLERS. ``cuda_bytes``: free memory that a GPU must have.
    ``networks``: those of the diffusion model that it has; without the extractor it makes SDEdit's picture alone.
    """

    preset: str
    description: str
    licence: str
    default_steps: int
    strength: float
    sampler: str = "ddim"
    embedded: Path | None = None
    networks: tuple[str, ...] = ("extractor", "synthesizer")
    source: HubFile | None = None
    megabytes: int = 0
    cuda_bytes: int = 0

    @property
    def folder(self) -> Path:
        """Holds NAME.safetensors of its networks and, of a latent model, vae.safetensors."""
        return self.embedded or cache_folder() / f"{self.preset}-half"


MODELS: dict[str, ModelEntry] = {
    "small": ModelEntry(
        preset="small",
        description="our own small model: it fills the ground behind what you moved, in one step, on two CPU cores",
        licence="MIT, trained partly on research-only footage",
        default_steps=2,
        strength=0.2,
        embedded=ASSETS / "small",
        networks=("synthesizer",),
    ),
    "magicfixup": ModelEntry(
        preset="magicfixup",
        description="the published Magic Fixup model; wants a GPU, a CPU needs minutes; its SDEdit comparison needs a "
        "download of 2.1 GB more when it is first asked for",
        licence="Adobe Research License, for non-commercial research only; the SDEdit comparison beside it is "
        "Stable Diffusion 1.4, CreativeML OpenRAIL-M",
        default_steps=20,
        strength=1.0,
        sampler="unipc",
        source=HubFile("HadiZayer/MagicFixup", "magicfu_weights"),
        megabytes=7700,
        cuda_bytes=9_000_000_000,  # estimated: 3.6 GB of networks, 2.1 GB of Stable Diffusion, features and activations
    ),
}


def is_here(name: str) -> bool:
    """Whether the model of that name in MODELS can be loaded without any download. Asks nobody."""
    from magicfixup_demo.engine.checkpoint import is_converted

    entry = MODELS[name]
    return entry.source is None or is_converted(entry.folder) or cached_hub_file(entry.source) is not None


def bring_here(entry: ModelEntry, progress: Progress | None = None) -> Path:
    """Return ``entry.folder`` with all its files, after a download and a conversion where they are needed.

    The original is deleted after its conversion if it lies in our own folder; the Hub's cache belongs to all programs.
    ``progress`` may raise to stop; the next call goes on from there. Raises DownloadError, ModelError.
    """
    from magicfixup_demo.engine.checkpoint import convert, is_converted

    if entry.source is None or is_converted(entry.folder):
        return entry.folder
    original = fetch_hub_file(entry.source, _part(progress, 0, DOWNLOAD_SHARE), spare=CONVERTED_BYTES)
    convert(original, entry.folder, _part(progress, DOWNLOAD_SHARE, 1))
    if original == entry.source.own_path:
        original.unlink(missing_ok=True)
    return entry.folder


def load_model(entry: ModelEntry, device: str, dtype: torch.dtype) -> MagicFixupPipeline:
    """The pipeline of ``entry``, whose folder is complete, on ``device``, its weights stored as ``dtype``.

    Nothing is initialised at random first, and half-precision files stay mapped until they are on the device, so that
    the weights are in memory once. Raises ModelError.
    """
    preset = PRESETS[entry.preset]
    with torch.device("meta"):
        pipeline = build_pipeline(preset)
    pipeline.register_modules(scheduler=DDIMScheduler(**preset.scheduler))
    if "extractor" not in entry.networks:
        pipeline.register_modules(extractor=None)
    try:
        load_networks(entry.folder, pipeline, dtype, entry.networks + (("vae",) if preset.vae else ()))
    except ModelError as error:
        if entry.source is None:
            raise
        raise ModelError(
            f"What was kept of {entry.source.path} is damaged: delete {entry.folder} and retry, it is then made anew."
        ) from error
    try:
        return pipeline.to(device)
    except Exception as error:
        if not memory_is_full(error):
            raise
        raise MemoryFull(
            f"The model {entry.preset} does not fit into the GPU's free memory: close other programs that use it, or "
            "choose the model small."
        ) from error


def save_networks(folder: Path, pipeline: MagicFixupPipeline) -> None:
    """Write both networks in half precision. Sums of half-precision rounding stay far below one grey level."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("extractor", "synthesizer"):
        state = getattr(pipeline, name).state_dict()
        save_file({key: value.half().contiguous() for key, value in state.items()}, folder / f"{name}.safetensors")


def load_networks(
    folder: Path,
    pipeline: MagicFixupPipeline,
    dtype: torch.dtype = torch.float32,
    names: tuple[str, ...] = ("extractor", "synthesizer"),
) -> None:
    """Load the networks of those names. Raises ModelError when a key or shape is missing, left over or different."""
    for name in names:
        path = folder / f"{name}.safetensors"
        try:
            state = load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"The weights {path.name} are missing or broken; get the repository again.") from error
        load_strictly(getattr(pipeline, name), state, path.name, dtype)


def load_strictly(
    network: nn.Module, state: dict[str, torch.Tensor], name: str, dtype: torch.dtype = torch.float32
) -> None:
    """Copy ``state`` as ``dtype`` into ``network``; a network built on "meta" takes the tensors themselves.

    Key sets and shapes are compared first. Raises ModelError naming what differs.
    """
    own = network.state_dict()
    wanted = {key: tuple(value.shape) for key, value in own.items()}
    given = {key: tuple(value.shape) for key, value in state.items()}
    wrong = sorted(key for key in wanted.keys() | given.keys() if wanted.get(key) != given.get(key))
    if wrong:
        raise ModelError(
            f"{name} does not fit this network ({len(wrong)} of {len(wanted)} tensors are missing, left over or of "
            f"another shape, first {wrong[0]}); use the weights that belong to this version."
        )
    empty = any(value.is_meta for value in own.values())
    network.load_state_dict({key: value.to(dtype) for key, value in state.items()}, assign=empty)


def load_file_of(network: type[Network], path: Path) -> Network:
    """A network with the weights of a file of ours, in evaluation mode. Raises ModelError."""
    with torch.device("meta"):
        made = network()
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The weights {path.name} are missing or broken; get the repository again.") from error
    load_strictly(made, state, path.name)
    return made.eval().to(memory_format=torch.channels_last)


def save_file_of(path: Path, network: nn.Module) -> None:
    """Write a network in half precision. A file that stood there is replaced once the new one is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    save_file({key: value.half().contiguous() for key, value in network.state_dict().items()}, partial)
    partial.replace(path)


def _part(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """Progress of a part of the work as progress of the whole."""
    return progress and (lambda fraction, text: progress(begin + (end - begin) * fraction, text))
