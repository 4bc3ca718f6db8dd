"""Name -> engine."""

import torch

from magicfixup_demo.downloads import Progress
from magicfixup_demo.engine.backends import use_backend
from magicfixup_demo.engine.choice import FALLBACK, choose, on_a_space, on_zerogpu
from magicfixup_demo.engine.effect_network import EFFECTS, EffectNetwork
from magicfixup_demo.engine.effects import Effects
from magicfixup_demo.engine.fallback import memory_told
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.ground import Ground
from magicfixup_demo.engine.ground_weights import GROUND, load_ground
from magicfixup_demo.engine.interface import Engine, EngineInfo
from magicfixup_demo.engine.plate_engine import PlateEngine
from magicfixup_demo.engine.presets import PRESETS
from magicfixup_demo.engine.samplers import sampler_names
from magicfixup_demo.engine.stable_diffusion import MEGABYTES as COMPARISON_MEGABYTES
from magicfixup_demo.engine.stable_diffusion import StableDiffusionComparison, comparison_is_here
from magicfixup_demo.engine.weights import MODELS, bring_here, load_file_of, load_model
from magicfixup_demo.errors import MemoryFull, ModelError
from magicfixup_demo.limits import MAX_STEPS


def load_engine(
    name: str = "auto", device: str | None = None, backend: str = "torch", progress: Progress | None = None
) -> Engine:
    """Load a model by its name in ``weights.MODELS``, downloading it first where it is named and not here.

    "auto" takes the best that runs here (``choice.choose``), and the embedded ``small`` where that one fails; the
    engine's ``note`` then says why. ``device``: "cpu" or "cuda"; None takes a GPU where there is one, and for ``small``
    the processor where the GPU's memory is full. ``backend``: what computes the networks, a key of
    ``backends.BACKENDS``. ``progress`` may raise to stop. Raises ModelError, DownloadError, OptionError.
    """
    chosen = choose(name, device)
    try:
        return _load(chosen, device, backend, progress)
    except ModelError as error:
        if chosen == FALLBACK and device is None and isinstance(error, MemoryFull):
            engine = _load(FALLBACK, "cpu", backend, progress)
            engine.note = f"{FALLBACK} runs on the processor: {error}"
        elif chosen != FALLBACK and name == "auto":
            engine = load_engine(FALLBACK, device, backend, progress)
            engine.note = f"The model {chosen} cannot run, {FALLBACK} takes its place: {error}"
        else:
            raise
        return engine


def _load(name: str, device: str | None, backend: str, progress: Progress | None) -> PipelineEngine | PlateEngine:
    if name not in MODELS:
        raise ModelError(f"There is no model {name!r}; choose one of auto, {', '.join(MODELS)}.")
    entry, preset = MODELS[name], PRESETS[MODELS[name].preset]
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    # Latent models compute in half precision on a GPU, as published; a CPU is slower that way.
    dtype = torch.float16 if preset.vae and device != "cpu" else torch.float32
    bring_here(entry, progress)
    pipeline = load_model(entry, device, dtype)
    use_backend(backend, pipeline)
    pipeline.set_progress_bar_config(disable=True)
    info = EngineInfo(
        name=name,
        description=entry.description,
        licence=entry.licence,
        default_steps=entry.default_steps,
        max_steps=MAX_STEPS,
        samplers=sampler_names(entry.sampler, rereads=pipeline.config.reference_timestep is None),
        # No prompts on a public Space: there is no safety checker, and a photo there may show anybody.
        takes_prompt=entry.source is not None and not on_a_space(),
        sdedit_megabytes=0 if entry.source is None or on_zerogpu() or comparison_is_here() else COMPARISON_MEGABYTES,
    )
    comparison = _comparison(device, dtype, progress) if entry.source is not None else None
    diffusion = PipelineEngine(pipeline, info, preset.fill, entry.strength, preset.area, preset.multiple, comparison)
    if "extractor" in entry.networks:
        return diffusion
    with memory_told(device):
        ground = Ground(load_ground(entry.folder / GROUND), device)
        effects = Effects(load_file_of(EffectNetwork, entry.folder / EFFECTS), device)
    return PlateEngine(ground, diffusion, effects)


def _comparison(device: str, dtype: torch.dtype, progress: Progress | None) -> StableDiffusionComparison:
    """Loaded when it is first asked for; on ZeroGPU at once, because a lent GPU does not wait for downloads."""
    comparison = StableDiffusionComparison(device, dtype)
    if on_zerogpu():
        comparison.load_or_give_up(progress)
    return comparison
