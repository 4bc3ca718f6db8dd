"""Faster ways to compute the same two networks. "torch", in single precision, is the reference they are tested against.

"torch-bf16" lets torch compute in bfloat16, "openvino" converts the networks for OpenVINO, which also uses bfloat16
where the processor has it. Both replace only what a call of a network computes: the pipeline does not know.
"""

import ctypes
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
MMAP_MAX, TRIM_THRESHOLD, TOP_PAD = -4, -1, -2  # names of glibc's mallopt(3)
KEPT_BYTES = 1 << 30


def use_backend(name: str, pipeline: MagicFixupPipeline) -> None:
    """Let a loaded pipeline compute its networks by the backend of that name, a key of BACKENDS.

    Converting for OpenVINO takes some seconds. Raises OptionError when there is no such backend, ModelError when its
    package is missing or the pipeline is not on a device that it can use.
    """
    if name not in BACKENDS:
        raise OptionError(f"There is no backend {name!r}; choose one of {', '.join(BACKENDS)}.")
    BACKENDS[name](pipeline)


def _as_loaded(pipeline: MagicFixupPipeline) -> None:
    """torch in the precision of the weights: single on a processor; on a GPU latent models come in half precision."""
    if pipeline.vae is not None:
        _suit_large_networks(pipeline)


def _bfloat16(pipeline: MagicFixupPipeline) -> None:
    """torch rounds what goes into convolutions and products to bfloat16.

    Small weights stay in single precision; those of latent models are cast, once, since casting them costs time.
    """
    for network in filter(None, (pipeline.extractor, pipeline.synthesizer)):
        network.to(memory_format=torch.channels_last)  # the order in which bfloat16 convolutions are fastest
        if pipeline.vae is None:
            network.forward = torch.autocast(network.device.type, torch.bfloat16)(network.forward)
        else:
            network.bfloat16()
    if pipeline.vae is not None:
        _suit_large_networks(pipeline)


def _openvino(pipeline: MagicFixupPipeline) -> None:
    """Each network is converted when it is first called, and torch's weights are dropped then: never two of each."""
    if pipeline.device.type != "cpu":
        raise ModelError("The backend openvino runs on the processor; choose the device cpu, or the backend torch.")
    compiler = _Compiler(_import_openvino())
    names = list(transformer_blocks(pipeline.synthesizer))
    if pipeline.extractor is not None:
        pipeline.extractor.forward = _extractor_call(_Lazy(compiler, pipeline.extractor, _Extractor, names), names)
    pipeline.synthesizer.forward = _synthesizer_call(_Lazy(compiler, pipeline.synthesizer, _Synthesizer, names), names)


BACKENDS: dict[str, Callable[[MagicFixupPipeline], None]] = {
    "torch": _as_loaded,
    "torch-bf16": _bfloat16,
    "openvino": _openvino,
}


def _suit_large_networks(pipeline: MagicFixupPipeline) -> None:
    """Store convolutions in the order that GPUs compute in; on a processor keep freed memory for the next step."""
    if pipeline.device.type == "cuda":
        for network in (pipeline.extractor, pipeline.synthesizer, pipeline.vae):
            network.to(memory_format=torch.channels_last)
    else:
        keep_freed_memory()


def keep_freed_memory() -> bool:
    """Tell glibc to keep what torch frees: page faults of large activations cost as much time as computing them.

    For the whole process and for good, at the price of memory. False where there is no glibc; nothing changes then.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    settings = ((MMAP_MAX, 0), (TRIM_THRESHOLD, KEPT_BYTES), (TOP_PAD, KEPT_BYTES // 16))
    for name, value in settings:
        mallopt(name, value)
    return True


def _import_openvino():
    """The package openvino, without the module by which its import alone would report to its makers."""
    sys.modules.setdefault("openvino_telemetry", None)  # "cannot be imported": openvino then takes its own silent stub
    try:
        import openvino
    except ImportError as error:
        raise ModelError("The backend openvino needs a package; install it with: pip install openvino.") from error
    return openvino


class _Compiler:
    """Torch module -> compiled for the processor, in bfloat16 where it has that, with as many threads as torch."""

    def __init__(self, openvino):
        self._openvino, self._core = openvino, openvino.Core()
        bfloat16 = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self._settings = {
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "INFERENCE_PRECISION_HINT": "bf16" if bfloat16 else "f32",
        }

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> Callable:
        with (
            torch.no_grad(),
            warnings.catch_warnings(),
        ):  # about Python values in diffusers' code; sizes do not change them
            warnings.simplefilter("ignore")
            model = self._openvino.convert_model(module, example_input=inputs)
        return self._core.compile_model(model, "CPU", self._settings)


class _Lazy:
    """A network that OpenVINO computes, converted when it is first called; torch's weights are dropped after that."""

    def __init__(self, compiler: _Compiler, network: UNet2DConditionModel, kind: type, names: list[str]):
        self._compiler, self._network, self._kind, self._names = compiler, network, kind, names
        self._forward, self._compiled = network.forward, None

    def __call__(self, arrays: list[np.ndarray]):
        if self._compiled is None:
            self._compiled = self._convert([array.shape for array in arrays])
        return self._compiled(arrays)

    def _convert(self, shapes: list[tuple[int, ...]]) -> Callable:
        replaced, self._network.forward = self._network.forward, self._forward
        sample, t = torch.zeros(1, shapes[0][1], TRACED_SIDE, TRACED_SIDE), torch.zeros(1, dtype=torch.long)
        features = [torch.zeros(1, TRACED_SIDE, shape[2]) for shape in shapes[2:]]  # of any number of tokens
        compiled = self._compiler(self._kind(self._network, self._names), (sample, t, *features))
        self._network.forward = replaced
        for parameter in self._network.parameters():
            parameter.data = parameter.data.new_empty(0)
        return compiled


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
