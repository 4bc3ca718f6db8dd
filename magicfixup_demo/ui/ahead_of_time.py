"""Ahead-of-time compilation of both networks, where MAGICFIXUP_AOT=1 and there is a GPU; ZeroGPU has no torch.compile.

One size and one batch are compiled, those of a square picture; any other runs eagerly. Whatever fails is logged, and
the networks stay as they are.
"""

import logging
import os
from collections.abc import Callable

log = logging.getLogger(__name__)
COMPILE_SECONDS = 1500  # ZeroGPU counts the time before the page is up on nobody's account


def wanted() -> bool:
    """Whether to compile: the flag is set and torch sees a GPU (on a CPU this is never tried)."""
    if os.environ.get("MAGICFIXUP_AOT") != "1":
        return False
    import torch

    return torch.cuda.is_available()


def compile_networks(engine) -> bool:
    """Compile the networks of a PipelineEngine in place; False where that was not wanted, or failed."""
    if not wanted():
        return False
    try:
        import spaces

        def compiled():  # without arguments: ZeroGPU would pickle the networks, while a closure is there after a fork
            return _compiled(engine.pipeline, _side(engine))

        _use(engine.pipeline, *spaces.GPU(duration=COMPILE_SECONDS)(compiled)())
    except Exception:  # exporting and compiling fail in many ways, and none of them is worth losing the page for
        log.warning("compiling ahead of time failed; the networks run as they are", exc_info=True)
        return False
    log.info("the networks of %s are compiled ahead of time", engine.info.name)
    return True


def _side(engine) -> int:
    """The side in pixels of a square picture at the engine's size."""
    return int(engine.area**0.5) // engine.multiple * engine.multiple


def _compiled(pipeline, side: int) -> list[tuple[Callable, tuple[int, ...]]]:
    """Both networks compiled, each with the shape of the sample that it takes; runs where the GPU is."""
    import spaces
    import torch

    from magicfixup_demo.engine.detail_transfer import extract_details

    device, dtype = pipeline.device, next(pipeline.synthesizer.parameters()).dtype
    with torch.no_grad():
        blank = torch.zeros(1, 3, side, side, device=device, dtype=dtype)
        latent, mask = pipeline.codec.encode(blank, None), pipeline.codec.encode_mask(blank[:, :1])
        sample = torch.cat([latent, latent, mask], dim=1)  # (1, 2C + M, h, w)
        t = torch.zeros(1, device=device, dtype=torch.long)
        features = extract_details(pipeline.extractor, sample, t)
        extract, synthesize = _exportable(pipeline)
        exported = [
            torch.export.export(extract, (sample, t)),
            torch.export.export(synthesize, (sample, t, features)),
        ]
    return [(spaces.aoti_compile(program), tuple(sample.shape)) for program in exported]


def _exportable(pipeline) -> tuple:
    """Both networks as modules of tensors in, tensors out: nothing that is filled on the way."""
    from torch import nn

    from magicfixup_demo.engine.detail_transfer import extract_details, synthesize

    class Extract(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = pipeline.extractor

        def forward(self, sample, t):
            return extract_details(self.network, sample, t)

    class Synthesize(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = pipeline.synthesizer

        def forward(self, sample, t, features):
            return synthesize(self.network, sample, t, features)

    return Extract().eval(), Synthesize().eval()


def _use(pipeline, extract: tuple, synthesize: tuple) -> None:
    """Let both networks run as compiled where the sample has the compiled shape."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput

    def extracted(sample, t, features):
        features.update(extract[0](sample, t))

    def synthesized(sample, t, features):
        return UNet2DConditionOutput(sample=synthesize[0](sample, t, features))

    _replace_forward(pipeline.extractor, extracted, extract[1])
    _replace_forward(pipeline.synthesizer, synthesized, synthesize[1])


def _replace_forward(network, compiled: Callable, shape: tuple[int, ...]) -> None:
    eager = network.forward

    def forward(sample, timestep, encoder_hidden_states=None, cross_attention_kwargs=None, **others):
        if tuple(sample.shape) == shape and not others:
            return compiled(sample, timestep, cross_attention_kwargs["features"])
        return eager(sample, timestep, encoder_hidden_states, cross_attention_kwargs=cross_attention_kwargs, **others)

    network.forward = forward
