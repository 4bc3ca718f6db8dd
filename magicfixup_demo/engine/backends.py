"""Faster ways to compute the same two networks. "torch", in single precision, is the reference they are tested against.

"torch-bf16" lets torch compute in bfloat16, "openvino" converts the networks for OpenVINO, which also uses bfloat16
where the processor has it. Both replace only what a call of a network computes: the pipeline does not know.
"""

import sys
import warnings
from collections.abc import Callable

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from torch import Tensor, nn

from magicfixup_demo.engine.detail_transfer import Features, extract_details, synthesize, transformer_blocks
from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.errors import ModelError, OptionError

TRACED_SIDE = 16  # of the latent that OpenVINO follows through the networks; it then takes any size that they do


def use_backend(name: str, pipeline: MagicFixupPipeline) -> None:
    """Let a loaded pipeline compute its networks by the backend of that name, a key of BACKENDS.

    Converting for OpenVINO takes some seconds. Raises OptionError when there is no such backend, ModelError when its
    package is missing or the pipeline is not on a device that it can use.
    """
    if name not in BACKENDS:
        raise OptionError(f"There is no backend {name!r}; choose one of {', '.join(BACKENDS)}.")
    BACKENDS[name](pipeline)


def _single_precision(pipeline: MagicFixupPipeline) -> None:
    """torch as it is."""


def _bfloat16(pipeline: MagicFixupPipeline) -> None:
    """Weights stay in single precision; torch rounds what goes into convolutions and products to bfloat16."""
    for network in (pipeline.extractor, pipeline.synthesizer):
        network.to(memory_format=torch.channels_last)  # the order in which bfloat16 convolutions are fastest
        network.forward = torch.autocast(network.device.type, torch.bfloat16)(network.forward)


def _openvino(pipeline: MagicFixupPipeline) -> None:
    if pipeline.device.type != "cpu":
        raise ModelError("The backend openvino runs on the processor; choose the device cpu, or the backend torch.")
    ov = _import_openvino()
    core = ov.Core()
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),  # one setting rules both
        "INFERENCE_PRECISION_HINT": "bf16"
        if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        else "f32",
    }
    names = list(transformer_blocks(pipeline.extractor))
    sample, t = _example(pipeline.extractor), torch.zeros(1, dtype=torch.long)
    features = extract_details(pipeline.extractor, sample, t)

    def compiled(network: nn.Module, *inputs: Tensor) -> Callable:
        with warnings.catch_warnings():  # about Python values in diffusers' code; our sizes never change them
            warnings.simplefilter("ignore")
            return core.compile_model(ov.convert_model(network, example_input=inputs), "CPU", settings)

    with torch.no_grad():
        extract = compiled(_Extractor(pipeline.extractor, names), sample, t)
        denoise = compiled(
            _Synthesizer(pipeline.synthesizer, names), _example(pipeline.synthesizer), t, *(features[n] for n in names)
        )
    pipeline.extractor.forward = _extractor_call(extract, names)
    pipeline.synthesizer.forward = _synthesizer_call(denoise, names)


BACKENDS: dict[str, Callable[[MagicFixupPipeline], None]] = {
    "torch": _single_precision,
    "torch-bf16": _bfloat16,
    "openvino": _openvino,
}


def _import_openvino():
    """The package openvino, without the module by which its import alone would report to its makers."""
    sys.modules.setdefault("openvino_telemetry", None)  # "cannot be imported": openvino then takes its own silent stub
    try:
        import openvino
    except ImportError as error:
        raise ModelError("The backend openvino needs a package; install it with: pip install openvino.") from error
    return openvino


def _example(network: UNet2DConditionModel) -> Tensor:
    return torch.zeros(1, network.config.in_channels, TRACED_SIDE, TRACED_SIDE)


class _Extractor(nn.Module):
    """The extractor as a function of tensors: (sample, t) -> its features in the order of ``names``."""

    def __init__(self, network: UNet2DConditionModel, names: list[str]):
        super().__init__()
        self.network, self.names = network, names

    def forward(self, sample: Tensor, t: Tensor) -> tuple[Tensor, ...]:
        features = extract_details(self.network, sample, t)
        return tuple(features[name] for name in self.names)


class _Synthesizer(nn.Module):
    """The synthesizer as a function of tensors: (sample, t, *features) -> its output."""

    def __init__(self, network: UNet2DConditionModel, names: list[str]):
        super().__init__()
        self.network, self.names = network, names

    def forward(self, sample: Tensor, t: Tensor, *features: Tensor) -> Tensor:
        return synthesize(self.network, sample, t, dict(zip(self.names, features, strict=True)))


def _extractor_call(extract: Callable, names: list[str]) -> Callable:
    """What takes the place of the extractor's ``forward``; see ``extract_details``."""

    def forward(sample: Tensor, t: Tensor, encoder_hidden_states: None, cross_attention_kwargs: dict[str, Features]):
        outputs = extract(_arrays(sample, t))
        for i, name in enumerate(names):
            cross_attention_kwargs["features"][name] = torch.from_numpy(outputs[i])

    return forward


def _synthesizer_call(denoise: Callable, names: list[str]) -> Callable:
    """What takes the place of the synthesizer's ``forward``; see ``synthesize``."""

    def forward(sample: Tensor, t: Tensor, encoder_hidden_states: None, cross_attention_kwargs: dict[str, Features]):
        features = cross_attention_kwargs["features"]
        outputs = denoise(_arrays(sample, t, *(features[name] for name in names)))
        return UNet2DConditionOutput(sample=torch.from_numpy(outputs[0]))

    return forward


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    return [tensor.contiguous().numpy() for tensor in tensors]
