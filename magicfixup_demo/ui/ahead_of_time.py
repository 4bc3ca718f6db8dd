"""Ahead-of-time compilation of both networks, where MAGICFIXUP_AOT=1 and there is a GPU; ZeroGPU has no torch.compile.

Only the shapes of a square picture are compiled; others run eagerly. Whatever fails is logged, and the networks stay as
they are.
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
    if not wanted() or not hasattr(engine, "pipeline"):
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


def _compiled(pipeline, side: int) -> list[tuple[Callable, tuple]]:
    """Both networks compiled, each with the shapes that it takes; runs where the GPU is."""
    import spaces
    import torch

    from magicfixup_demo.engine.detail_transfer import extract_details
    from magicfixup_demo.engine.reading import READ_AT_ONCE

    device, dtype = pipeline.device, next(pipeline.synthesizer.parameters()).dtype
    at_once = READ_AT_ONCE["cuda"] if pipeline.config.reference_timestep is None else 1
    with torch.no_grad():
        blank = torch.zeros(1, 3, side, side, device=device, dtype=dtype)
        latent, mask = pipeline.codec.encode(blank, None), pipeline.codec.encode_mask(blank[:, :1])
        sample = torch.cat([latent, latent, mask], dim=1).to(dtype)  # (1, 2C + M, h, w)
        t = torch.zeros(1, device=device, dtype=torch.long)
        features = extract_details(pipeline.extractor, sample, t)
        several = sample.repeat(at_once, 1, 1, 1), t.repeat(at_once)
        extract, synthesize = _exportable(pipeline)
        programs = [torch.export.export(extract, several), torch.export.export(synthesize, (sample, t, features))]
    shapes = [_shapes(several[0], {}), _shapes(sample, features)]
    return [(spaces.aoti_compile(program), shape) for program, shape in zip(programs, shapes, strict=True)]


def _shapes(sample, features: dict) -> tuple:
    """What must be the same for a compiled network to be used."""
    return tuple(sample.shape), tuple(sorted((name, tuple(tokens.shape)) for name, tokens in features.items()))


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
    """Let both networks run as compiled where the shapes are the compiled ones."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput

    def extracted(sample, t, features):
        features.update(extract[0](sample, t))

    def synthesized(sample, t, features):
        return UNet2DConditionOutput(sample=synthesize[0](sample, t, features))

    _replace_forward(pipeline.extractor, extracted, extract[1])
    _replace_forward(pipeline.synthesizer, synthesized, synthesize[1])


def _replace_forward(network, compiled: Callable, shapes: tuple) -> None:
    eager = network.forward

    def forward(sample, timestep, encoder_hidden_states=None, cross_attention_kwargs=None, **others):
        features = cross_attention_kwargs["features"]
        if not others and network.forward is forward and _shapes(sample, features) == shapes:
            try:
                return compiled(sample, timestep, features)
            except Exception:  # a compiled network that does not run is worth no picture
                log.warning("a compiled network failed; it runs as it is from now on", exc_info=True)
                network.forward = eager
        return eager(sample, timestep, encoder_hidden_states, cross_attention_kwargs=cross_attention_kwargs, **others)

    network.forward = forward
