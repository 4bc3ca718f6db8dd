"""How far the fast ways of computing a diffusion model's pictures lie from the slow one, on the examples, by LPIPS.

It means something for a trained model only. All ways start from the same noise, so that their pictures may be compared.
Of ``small`` it is SDEdit's picture that is compared: nothing else there is made by steps, or by a backend.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import Engine
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.errors import DataError, ModelError
from magicfixup_demo.evaluation.metrics import lpips
from magicfixup_demo.evaluation.tables import markdown
from magicfixup_demo.images import open_photo
from magicfixup_demo.schema import CoarseEdit, EditOptions

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SLOW_STEPS = 20  # of DDIM, from the model's own strength: what the fast samplers are held against
FAST_STEPS = (2, 4, 8)
DEFAULT = "default"  # the model as users run it: what backends and second edits are held against
ENOUGH_STEPS = 4  # of a solver, to promise that it is near the slow path; fewer, and fewer of DDIM, are only reported
# The largest LPIPS on any example that we accept, by what was made faster.
TOLERANCES = {"kept": 0.0, "backend": 0.01, "solver": 0.02}

Scene = tuple[np.ndarray, CoarseEdit]


def agreement(model: str, backends: list[str], most: int | None = None, say: Callable[[str], None] = print) -> dict:
    """Compare and print a table; returns {way: {"against", "lpips": [...], "largest": [...], "tolerance"}}.

    ``most``: so many of the examples. ``largest``: the largest difference in grey levels. Raises MagicFixupError.
    """
    scenes = _scenes(most)
    engine = load_engine(model, device="cpu")
    slow = [_picture(engine, scene, EditOptions(SLOW_STEPS, sampler="ddim")) for scene in scenes]
    default = [_picture(engine, scene, EditOptions()) for scene in scenes]
    report = {}
    kept = [_second(engine, scene, EditOptions()) for scene in scenes]
    report["second edit"] = _compared(kept, default, DEFAULT, TOLERANCES["kept"])
    for name in backends:
        try:
            other = load_engine(model, device="cpu", backend=name)
        except ModelError as error:
            say(f"Without {name}: {error}")
            continue
        pictures = [_picture(other, scene, EditOptions()) for scene in scenes]
        report[f"backend {name}"] = _compared(pictures, default, DEFAULT, TOLERANCES["backend"])
    for sampler in engine.info.samplers:
        for steps in FAST_STEPS:
            pictures = [_picture(engine, scene, EditOptions(steps, sampler=sampler)) for scene in scenes]
            against = f"ddim, {SLOW_STEPS} steps"
            promised = TOLERANCES["solver"] if sampler != "ddim" and steps >= ENOUGH_STEPS else None
            report[f"{sampler}, {steps} steps"] = _compared(pictures, slow, against, promised)
    say(table(report, model if isinstance(engine, PipelineEngine) else f"SDEdit beside {model}"))
    return report


def table(report: dict, model: str) -> str:
    """The report as Markdown."""
    lines = [["way", "against", "LPIPS, mean", "largest", "allowed", "largest difference, grey levels"]]
    for way, figures in report.items():
        distances, allowed = figures["lpips"], figures["tolerance"]
        numbers = [f"{np.mean(distances):.4f}", f"{max(distances):.4f}", "" if allowed is None else f"{allowed:.4f}"]
        lines.append([way, figures["against"], *numbers, str(max(figures["largest"]))])
    return f"{model}, {len(distances)} example photos:\n{markdown(lines)}"


def over_tolerance(report: dict) -> list[str]:
    """The ways that lie farther from what they are held against than TOLERANCES allows."""
    promised = {way: figures for way, figures in report.items() if figures["tolerance"] is not None}
    return [way for way, figures in promised.items() if max(figures["lpips"]) > figures["tolerance"]]


def _scenes(most: int | None) -> list[Scene]:
    if not (EXAMPLES / "examples.json").exists():
        raise DataError("This needs the examples folder; run it in a copy of the whole repository.")
    scenes = []
    for record in json.loads((EXAMPLES / "examples.json").read_text())[:most]:
        photo = open_photo(EXAMPLES / record["photo"])
        scenes.append((photo, render(photo, collage_from_json((EXAMPLES / record["collage"]).read_text()))))
    return scenes


def _picture(engine: Engine, scene: Scene, options: EditOptions) -> np.ndarray:
    """Of a first edit: the diffusion networks know nothing of the photo. Those of ``small`` never read it."""
    if isinstance(engine, PipelineEngine):
        engine.forget()
    return _made(engine, scene, options)


def _second(engine: Engine, scene: Scene, options: EditOptions) -> np.ndarray:
    """Of the same edit once more, after another of the same photo: what was read or found for them is kept."""
    engine.forget()
    for first in (replace(options, seed=1), options):
        _made(engine, scene, first)
    return _made(engine, scene, options)


def _made(engine: Engine, scene: Scene, options: EditOptions) -> np.ndarray:
    """(H, W, 3) uint8: what the diffusion networks make."""
    if isinstance(engine, PipelineEngine):
        return engine.fixup(*scene, replace(options, sdedit=False)).images[0]
    return engine.compare(*scene, options)


def _compared(pictures: list[np.ndarray], targets: list[np.ndarray], against: str, tolerance: float | None) -> dict:
    pairs = list(zip(pictures, targets, strict=True))
    return {
        "against": against,
        "lpips": [lpips([picture], target, {"whole": None})[0]["whole"] for picture, target in pairs],
        "largest": [int(np.abs(picture.astype(int) - target).max()) for picture, target in pairs],
        "tolerance": tolerance,
    }
