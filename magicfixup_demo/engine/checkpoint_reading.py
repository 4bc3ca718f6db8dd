"""A checkpoint of the published network: opened without running code, and fitted to our networks, strictly.

The width is read from the file, so that a checkpoint of reduced width goes the same way as the real one.
"""

import pickle
from pathlib import Path

import torch
from torch import Tensor

from magicfixup_demo.engine.checkpoint_keys import LEVELS, NETWORKS, place, why_unused
from magicfixup_demo.engine.presets import Preset, build_pipeline, stable_diffusion
from magicfixup_demo.errors import ModelError

GET_IT_AGAIN = "delete it and download magicfu_weights of HadiZayer/MagicFixup again"
WIDTH_KEY = "model.diffusion_model.input_blocks.0.0.weight"
VAE_WIDTH_KEY = "first_stage_model.encoder.down.{level}.block.0.conv2.weight"
GROUPS = 32  # of channels in every norm; widths are multiples of it

Shapes = dict[str, tuple[int, ...]]  # key -> shape
Plan = dict[str, dict[str, str]]  # network -> key of its state -> key of the checkpoint


def open_checkpoint(source: Path) -> dict[str, Tensor]:
    """The tensors of a torch checkpoint by their names, mapped into memory: read when used. Raises ModelError.

    A flat dictionary, or one under "state_dict". Nothing but tensors is unpickled.
    """
    try:
        loaded = torch.load(source, map_location="cpu", weights_only=True, mmap=True)
    except OSError as error:
        raise ModelError(f"Cannot read {source}: {error.strerror or error}; check the name and retry.") from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{source.name} holds other Python objects than tensors, which could run code, so it is not opened; "
            f"{GET_IT_AGAIN}."
        ) from error
    except Exception as error:  # torch's readers raise many kinds; each means the same to the user
        raise ModelError(f"{source.name} is cut off, or is no checkpoint of torch; {GET_IT_AGAIN}.") from error
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(f"{source.name} is not a dictionary of tensors by their names; {GET_IT_AGAIN}.")
    return state


def shapes_of(state: dict[str, Tensor]) -> Shapes:
    return {key: tuple(value.shape) for key, value in state.items()}


def preset_of(shapes: Shapes, name: str) -> Preset:
    """The architecture with the widths that a checkpoint has. Raises ModelError when it is none of Magic Fixup's."""
    widths = []
    for key in (WIDTH_KEY, *(VAE_WIDTH_KEY.format(level=level) for level in range(LEVELS))):
        shape = shapes.get(key, ())
        if len(shape) != 4 or shape[0] == 0 or shape[0] % GROUPS:
            wrong = f"{key} has the shape {shape}" if shape else f"it has no {key}"
            raise ModelError(f"{name} is not a checkpoint of Magic Fixup ({wrong}); {GET_IT_AGAIN}.")
        widths.append(shape[0])
    return stable_diffusion(widths[0], tuple(widths[1:]))


def network_shapes(preset: Preset) -> dict[str, Shapes]:
    """What each network's state holds: {network: {key: shape}}. The networks are built without memory."""
    with torch.device("meta"):
        pipeline = build_pipeline(preset)
    return {name: shapes_of(getattr(pipeline, name).state_dict()) for name in dict.fromkeys(NETWORKS.values())}


def plan_of(shapes: Shapes, wanted: dict[str, Shapes], name: str) -> Plan:
    """Where each tensor of our networks lies in the checkpoint called ``name``, which holds ``shapes``.

    Raises ModelError when one is missing or has another shape, or a key is neither wanted nor known to be unused.
    """
    plan: Plan = {network: {} for network in wanted}
    foreign, misshapen = [], []
    for key, shape in shapes.items():
        network, ours = place(key) or ("", "")
        if ours in wanted.get(network, ()):
            plan[network][ours] = key
            if not _fits(shape, wanted[network][ours]):
                misshapen.append(key)
        elif why_unused(key) is None:
            foreign.append(key)
    missing = [f"the {network}'s {key}" for network in wanted for key in wanted[network] if key not in plan[network]]
    _refuse(missing, f"{name} is not a whole checkpoint of Magic Fixup: it lacks")
    _refuse(foreign, f"{name} is not a checkpoint of Magic Fixup: it holds unknown")
    _refuse(misshapen, f"{name} is not a checkpoint of Magic Fixup: another shape is needed in")
    return plan


def fitted(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A checkpoint's tensor as our network wants it: only 1x1 convolutions that are linear layers here change."""
    return tensor.reshape(shape)


def _fits(given: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return given == wanted or given == (*wanted, 1, 1)


def _refuse(keys: list[str], text: str) -> None:
    if keys:
        raise ModelError(f"{text} {len(keys)} tensors, first {keys[0]}; {GET_IT_AGAIN}.")
