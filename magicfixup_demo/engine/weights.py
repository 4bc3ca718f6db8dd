"""Weights on disk <-> networks, strictly; and the table of models: where each comes from, its licence, its size."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.errors import ModelError

ASSETS = Path(__file__).resolve().parents[2] / "assets"


@dataclass(frozen=True)
class ModelEntry:
    """One model that people may choose: ``folder`` holds extractor.safetensors and synthesizer.safetensors.

    ``strength``: how far the start is noised, for the model and for SDEdit beside it.
    """

    preset: str
    folder: Path
    description: str
    licence: str
    default_steps: int
    strength: float


MODELS: dict[str, ModelEntry] = {
    "small": ModelEntry(
        preset="small",
        folder=ASSETS / "small",
        description="our own small model, trained on a few hundred short videos and photos; runs on two CPU cores",
        licence="MIT, trained partly on research-only footage",
        default_steps=2,
        strength=0.2,
    ),
}


def save_networks(folder: Path, pipeline: MagicFixupPipeline) -> None:
    """Write both networks in half precision. Sums of half-precision rounding stay far below one grey level."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("extractor", "synthesizer"):
        state = getattr(pipeline, name).state_dict()
        save_file({key: value.half().contiguous() for key, value in state.items()}, folder / f"{name}.safetensors")


def load_networks(folder: Path, pipeline: MagicFixupPipeline) -> None:
    """Load both networks. Raises ModelError when a key or shape is missing, left over or different."""
    for name in ("extractor", "synthesizer"):
        path = folder / f"{name}.safetensors"
        try:
            state = load_file(path)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"The weights {path.name} are missing or broken; get the repository again.") from error
        load_strictly(getattr(pipeline, name), state, path.name)


def load_strictly(network: nn.Module, state: dict[str, torch.Tensor], name: str) -> None:
    """Copy ``state`` into ``network`` after comparing key sets and shapes. Raises ModelError naming what differs."""
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    given = {key: tuple(value.shape) for key, value in state.items()}
    wrong = sorted(key for key in wanted.keys() | given.keys() if wanted.get(key) != given.get(key))
    if wrong:
        raise ModelError(
            f"{name} does not fit this network ({len(wrong)} of {len(wanted)} tensors are missing, left over or of "
            f"another shape, first {wrong[0]}); use the weights that belong to this version."
        )
    network.load_state_dict({key: value.float() for key, value in state.items()})
