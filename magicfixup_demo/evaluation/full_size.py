"""How long the published network takes at its full size: its weights are random here, so only the time means anything.

"Plain" is what the published code does in one step, run eagerly in single precision: two whole UNets of diffusers, the
extractor with the half of its output side that nobody reads, the synthesizer with its features; 50 such steps make one
edit. Everything else runs through the pipeline that users run.
"""

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn

from magicfixup_demo.engine.backends import use_backend
from magicfixup_demo.engine.detail_transfer import (
    build_synthesizer,
    drop_output_side,
    export_details,
    extract_details,
    synthesize,
)
from magicfixup_demo.engine.feature_cache import FeatureCache
from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS, Preset
from magicfixup_demo.engine.samplers import PUBLISHED_STEPS, SAMPLERS
from magicfixup_demo.errors import ModelError, OptionError

BLOCK = 1 << 20  # random numbers, repeated: drawing as many as there are weights would take longer than the benchmark
DEVIATION = 0.02  # of the weights: activations stay finite


def full_size(
    backends: list[str],
    preset: str = "magicfixup",
    side: int = 512,
    sampler: str = "unipc",
    steps: int = 20,
    timed: int = 2,
    device: str = "cpu",
    plain: bool = True,
    say: Callable[[str], None] = print,
    report_path: str | None = None,
) -> dict:
    """Time one edit and a second edit of the same photo, ``side`` pixels square; print a table, return its figures.

    Of every run ``timed`` steps are measured and taken for all ``steps``; what the autoencoder takes is added.
    ``plain``: also the plain step, for the ratios. Raises OptionError, ModelError.
    """
    if sampler not in SAMPLERS or not 1 <= timed <= steps:
        raise OptionError(f"Choose a sampler of {', '.join(SAMPLERS)}, and at most as many timed steps as steps.")
    if device == "cuda" and not torch.cuda.is_available():
        raise OptionError("There is no GPU here that torch can use; choose --device cpu.")
    inputs = _inputs(side, device)
    report = {"preset": preset, "side": side, "sampler": sampler, "steps": steps, "device": device, "backends": {}}
    report["threads"] = torch.get_num_threads()
    if plain:
        report["plain_step_seconds"] = _plain_step(_random_pipeline(PRESETS[preset], device), side, timed)
        say(f"plain: {report['plain_step_seconds']:.2f} s a step")
    for name in backends:
        gc.collect()  # a backend's pipeline refers to itself: gigabytes would wait for it
        try:
            report["backends"][name] = figures = _edits(_as_loaded(preset, device), name, inputs, sampler, steps, timed)
            say(f"{name}: " + ", ".join(f"{what} {value:.2f}" for what, value in figures.items()))
        except ModelError as error:
            say(f"Without {name}: {error}")
    say(table(report))
    if report_path:
        Path(report_path).write_text(json.dumps(report, indent=1) + "\n")
    return report


def table(report: dict) -> str:
    """The report as Markdown."""
    plain = report.get("plain_step_seconds")
    whole = plain and PUBLISHED_STEPS * plain
    lines = ["| what | seconds a step | one edit | of plain |", "|---|---:|---:|---:|"]
    if plain:
        lines.append(f"| plain, {PUBLISHED_STEPS} steps | {plain:.2f} | {whole:.0f} s | 1 |")
    for name, figures in report["backends"].items():
        for edit in ("first", "second"):
            seconds = figures[f"{edit}_edit_seconds"]
            share = f"{seconds / whole:.3f}" if whole else ""
            lines.append(f"| {name}, {edit} edit | {figures[f'{edit}_step_seconds']:.2f} | {seconds:.0f} s | {share} |")
    note = (
        f"Random weights at the size of {report['preset']}, {report['side']} x {report['side']} pixels: only the time "
        f"means anything. Some steps are timed and taken for all: {report['steps']} of {report['sampler']} by our "
        f"backends, {PUBLISHED_STEPS} plain ones. Device {report['device']}, {report['threads']} threads."
    )
    return "\n".join([*lines, "", note])


def _random_pipeline(preset: Preset, device: str) -> MagicFixupPipeline:
    """The networks with random weights, the extractor still whole."""
    with torch.device("meta"):
        extractor = export_details(UNet2DConditionModel(**preset.extractor))
        networks = {
            "extractor": extractor,
            "synthesizer": build_synthesizer(preset.synthesizer, extractor),
            "vae": AutoencoderKL(**preset.vae),
        }
    networks = {name: _filled(network, device) for name, network in networks.items()}
    pipeline = MagicFixupPipeline(scheduler=DDIMScheduler(**preset.scheduler), **networks, **preset.pipeline)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _as_loaded(preset: str, device: str) -> MagicFixupPipeline:
    """As the registry loads it: the extractor pruned, on a GPU in half precision."""
    pipeline = _random_pipeline(PRESETS[preset], device)
    drop_output_side(pipeline.extractor)
    for network in (pipeline.extractor, pipeline.synthesizer, pipeline.vae):
        if device != "cpu":
            network.half()
    return pipeline


def _filled(network: nn.Module, device: str) -> nn.Module:
    """A network built on "meta" with one block of random numbers in all its weights; in evaluation mode."""
    network = network.to_empty(device=device).eval().requires_grad_(False)
    block = torch.randn(BLOCK, generator=torch.Generator().manual_seed(0)).to(device) * DEVIATION
    for parameter in network.parameters():
        flat = parameter.data.view(-1)
        for start in range(0, len(flat), BLOCK):
            flat[start : start + BLOCK] = block[: len(flat) - start]
    return network


def _inputs(side: int, device: str) -> dict[str, Tensor]:
    """A random photo and edit: photo and coarse (1, 3, side, side) in -1..1, mask (1, 1, side, side)."""
    photo, coarse = torch.rand(2, 1, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    mask = torch.ones(1, 1, side, side)
    mask[..., : side // 4, : side // 4] = 0
    return {name: tensor.to(device) for name, tensor in (("photo", photo), ("coarse", coarse), ("mask", mask))}


@torch.no_grad()
def _plain_step(pipeline: MagicFixupPipeline, side: int, timed: int) -> float:
    """Seconds of both whole UNets, one after the other; the least of ``timed`` after one that warms up."""
    cells = side // pipeline.codec.factor
    sample = torch.randn(1, pipeline.synthesizer.config.in_channels, cells, cells, device=pipeline.device)
    t = torch.tensor([500], device=pipeline.device)

    def step() -> None:
        synthesize(pipeline.synthesizer, sample, t, extract_details(pipeline.extractor, sample, t))
        _wait(pipeline)

    return min(_seconds(step) for _ in range(timed + 1))


def _edits(pipeline: MagicFixupPipeline, backend: str, inputs: dict, sampler: str, steps: int, timed: int) -> dict:
    """Seconds a step and of a whole edit, the first and the second of a photo."""
    use_backend(backend, pipeline)
    pipeline.cache = FeatureCache()
    _edit(pipeline, inputs, sampler, 1)  # warms up, and lets a backend convert
    pipeline.cache.forget()
    figures = {}
    for edit in ("first", "second"):
        step, rest = _edit(pipeline, inputs, sampler, timed)
        figures |= {f"{edit}_step_seconds": step, f"{edit}_edit_seconds": rest + steps * step}
    return figures


def _edit(pipeline: MagicFixupPipeline, inputs: dict, sampler: str, timed: int) -> tuple[float, float]:
    """(seconds of a step, seconds of everything beside the steps) of an edit of ``timed`` steps."""
    begun: list[float] = []

    def on_step(done: int, of: int) -> None:
        _wait(pipeline)
        begun.append(time.perf_counter())

    def run() -> None:
        random = torch.Generator().manual_seed(len(begun))
        pipeline(**inputs, steps=timed, sampler=SAMPLERS[sampler], generator=random, on_step=on_step)
        _wait(pipeline)

    decode = _seconds(lambda: (_decode(pipeline, inputs["photo"].shape[-1]), _wait(pipeline)))
    started = time.perf_counter()
    run()
    ended = time.perf_counter()
    return (ended - decode - begun[0]) / timed, begun[0] - started + decode


@torch.no_grad()
def _decode(pipeline: MagicFixupPipeline, side: int) -> None:
    cells = side // pipeline.codec.factor
    pipeline.codec.decode(
        torch.zeros(1, pipeline.synthesizer.config.out_channels, cells, cells, device=pipeline.device)
    )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _wait(pipeline: MagicFixupPipeline) -> None:
    """A GPU works on after a call returns."""
    if pipeline.device.type == "cuda":
        torch.cuda.synchronize()
