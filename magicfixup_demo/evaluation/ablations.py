"""What a diffusion model is without one of its parts: the same weights with that part off, nothing trained anew.

The published ablations were trained without the part; these tell how much the trained network relies on it. ``small``
has no such parts: no diffusion network makes its result.
"""

import copy

import torch
from torch import Tensor

from magicfixup_demo.engine.detail_transfer import Features, scale_features
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.weights import MODELS
from magicfixup_demo.errors import OptionError


class WithoutExtractor(MagicFixupPipeline):
    """The features of the photo are zeros; coarse edit and mask are given as ever."""

    def details(self, *inputs) -> Features:
        """As the pipeline's, times 0."""
        return scale_features(super().details(*inputs), 0.0)


class WithoutTimestep(MagicFixupPipeline):
    """The extractor's timestep embedding is zeros.

    Where the reference timestep is fixed the embedding is a learned constant: this tells whether the extractor relies
    on that constant, not what the paper's ablation tells (that it should know how noisy its photo is).
    """

    def details(self, *inputs) -> Features:
        """As the pipeline's, with the embedding's output replaced."""
        embedding = self.extractor.time_embedding
        hook = embedding.register_forward_hook(lambda module, arguments, output: torch.zeros_like(output))
        try:
            return super().details(*inputs)
        finally:
            hook.remove()


class WithoutMask(MagicFixupPipeline):
    """The networks are told that there is no hole; the coarse edit is filled and the result pasted as ever."""

    def __call__(self, photo: Tensor, coarse: Tensor, mask: Tensor, **settings) -> Tensor:
        """As the pipeline's, with a mask of ones."""
        return super().__call__(photo, coarse, torch.ones_like(mask), **settings)


ABLATIONS = {"extractor": WithoutExtractor, "timestep": WithoutTimestep, "mask": WithoutMask}


def check_part(model: str, part: str) -> None:
    """Raises OptionError where a model (a key of weights.MODELS) has no such part; nothing is loaded to tell."""
    if "extractor" not in MODELS[model].networks:
        raise OptionError(f"{model} has no part that can be switched off; choose {model} or {model}~outside.")
    _check(part)


def without(engine: PipelineEngine, part: str) -> PipelineEngine:
    """The engine with one part of ABLATIONS switched off; it shares the weights. Raises OptionError."""
    _check(part)
    pipeline = engine.pipeline
    parts = {name: getattr(pipeline, name) for name in ("extractor", "synthesizer", "scheduler", "vae")}
    settings = {name: pipeline.config[name] for name in ("prediction", "reference_timestep", "reach")}
    ablated = copy.copy(engine)
    ablated.pipeline = ABLATIONS[part](**parts, **settings)
    return ablated


def _check(part: str) -> None:
    if part not in ABLATIONS:
        raise OptionError(f"{part!r} cannot be switched off; choose from {', '.join(ABLATIONS)}, outside.")
