"""Checkpoints like the published one, for tests: all of its keys, at reduced width, or at the real shapes on disk.

python -m tests.synthetic_checkpoint ../shared/parity/full_keys.json magicfu_weights      # 7.7 GB
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from magicfixup_demo.engine.checkpoint_keys import NETWORKS, _unet_modules, _vae_modules
from magicfixup_demo.engine.pipeline import MagicFixupPipeline


def full_shapes(parity: Path) -> dict[str, tuple[int, ...]]:
    """Every key of the full-size checkpoint with its shape."""
    return shapes_in(parity / "full_keys.json")


def shapes_in(path: Path) -> dict[str, tuple[int, ...]]:
    return {key: tuple(entry["shape"]) for key, entry in json.loads(path.read_text())["keys"].items()}


def reduced_state(parity: Path) -> dict[str, Tensor]:
    """A checkpoint at reduced width: the recorded weights, and the image encoder's keys, which nothing reads."""
    state = load_file(parity / "unet_weights.safetensors") | load_file(parity / "vae_weights.safetensors")
    return {key: state.get(key, torch.zeros(2)).float() for key in full_shapes(parity)}


def published_state(pipeline: MagicFixupPipeline) -> dict[str, Tensor]:
    """The tensors of a pipeline's networks under the published names."""
    modules = {"extractor": _unet_modules(), "synthesizer": _unet_modules(), "vae": _vae_modules()}
    state = {}
    for prefix, network in NETWORKS.items():
        published = {ours: name for name, ours in modules[network].items()}
        for key, value in getattr(pipeline, network).state_dict().items():
            module, _, leaf = key.rpartition(".")
            state[f"{prefix}{published[module]}.{leaf}"] = value
    return state


def write_full_size(keys: Path, path: Path) -> None:
    """Write a checkpoint with the real shapes in single precision. Memory: its largest tensor only.

    All tensors show the same small random numbers: each maps the same file into memory, as storage of its own.
    """
    shapes = shapes_in(keys)
    largest = max(torch.Size(shape).numel() for shape in shapes.values())
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        numbers = f"{folder}/numbers"
        torch.from_file(numbers, shared=True, size=largest).normal_(std=0.02)
        mapped = {
            key: torch.from_file(numbers, shared=True, size=torch.Size(shape).numel()).view(shape)
            for key, shape in shapes.items()
        }
        torch.save(mapped, path)


if __name__ == "__main__":
    write_full_size(*(Path(argument) for argument in sys.argv[1:3]))
