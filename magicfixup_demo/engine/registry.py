"""Name -> engine."""

import torch

from magicfixup_demo.engine.backends import use_backend
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import Engine, EngineInfo
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.weights import MODELS, load_networks
from magicfixup_demo.errors import ModelError
from magicfixup_demo.limits import MAX_STEPS


def load_engine(name: str = "auto", device: str | None = None, backend: str = "torch") -> Engine:
    """Load a model by its name in ``weights.MODELS``; "auto" takes the embedded ``small``.

    ``device``: "cpu" or "cuda"; None takes a GPU where there is one. ``backend``: what computes the networks, a key of
    ``backends.BACKENDS``. Raises ModelError, OptionError.
    """
    name = "small" if name == "auto" else name
    if name not in MODELS:
        raise ModelError(f"There is no model {name!r}; choose one of auto, {', '.join(MODELS)}.")
    entry, preset = MODELS[name], PRESETS[MODELS[name].preset]
    pipeline = build_pipeline(preset)
    load_networks(entry.folder, pipeline)
    pipeline.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    use_backend(backend, pipeline)
    pipeline.set_progress_bar_config(disable=True)
    info = EngineInfo(
        name=name,
        description=entry.description,
        licence=entry.licence,
        default_steps=entry.default_steps,
        max_steps=MAX_STEPS,
    )
    return PipelineEngine(pipeline, info, preset.fill, entry.strength, preset.area, preset.multiple)
