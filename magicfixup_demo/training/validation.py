"""The fixed validation edits of a run: their distances against the plain fill, a contact sheet, the curves."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from magicfixup_demo.engine.conditioning import image_array, image_tensor
from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS
from magicfixup_demo.images import resize, save_png
from magicfixup_demo.pairs.store import pair_names
from magicfixup_demo.perceptual import load_lpips
from magicfixup_demo.training.config import TrainConfig
from magicfixup_demo.training.curves import draw_curves
from magicfixup_demo.training.dataset import ALPHA, FILLED, REFERENCE, TARGET, Batch, pack, to_batch
from magicfixup_demo.training.journal import append

SHEET_ROWS = 12
THUMBNAIL = (240, 180)  # width, height
CAPTION = 20  # pixels


class Validator:
    """Runs the pipeline on pairs that training never sees. ``say`` prints a line."""

    def __init__(self, folders: list[Path], run: Path, config: TrainConfig, say: Callable[[str], None]):
        self.run, self.config, self.say = run, config, say
        items = [(folder, name) for folder in folders for name in pair_names(folder)]
        chosen = np.random.default_rng(config.seed).permutation(len(items))[: config.validation_pairs]
        self.samples = [pack(*items[i], PRESETS[config.preset].fill) for i in chosen]

    def run_once(self, pipeline: MagicFixupPipeline, step: int) -> None:
        """Append a line to validation.jsonl; rewrite curve.png and sheet_STEP.png."""
        if self.samples:
            rows, distances = [], []
            for sample in self.samples:
                pictures = self._pictures(pipeline, sample)
                distances.append(_distances(sample, pictures, pipeline.device))
                rows.append(_row(sample, pictures))
            means = {key: _mean([d[key] for d in distances]) for key in distances[0]}
            append(self.run / "validation.jsonl", {"step": step} | means)
            self.say(_summary(step, means))
            save_png(self.run / f"sheet_{step:07d}.png", np.vstack([_captions(pictures), *rows[:SHEET_ROWS]]))
        save_png(self.run / "curve.png", draw_curves(self.run))

    def _pictures(self, pipeline: MagicFixupPipeline, sample: np.ndarray) -> dict[str, np.ndarray]:
        """What is compared, by name: (H, W, 3) uint8."""
        few, many = self.config.validation_steps
        batch = to_batch([sample]).to(pipeline.device)
        return {
            "fill": np.ascontiguousarray(sample[..., FILLED]),
            f"{few} step{'s' * (few > 1)}": self._fix(pipeline, batch, few),
            f"{many} steps": self._fix(pipeline, batch, many),
            "sdedit": self._fix(pipeline, batch, many, drop=True),
        }

    def _fix(self, pipeline: MagicFixupPipeline, batch: Batch, steps: int, drop: bool = False) -> np.ndarray:
        generator = torch.Generator().manual_seed(self.config.seed)
        result = pipeline(
            batch.reference,
            batch.coarse,
            batch.mask,
            steps=steps,
            strength=self.config.validation_strength,
            generator=generator,
            drop_conditions=drop,
        )
        return image_array(result)


def _distances(sample: np.ndarray, pictures: dict[str, np.ndarray], device: torch.device) -> dict[str, float]:
    """LPIPS to the target over the whole picture and in the hole (not a number where there is none)."""
    lpips = load_lpips().to(device)
    hole = torch.from_numpy((sample[..., ALPHA] < 128).astype(np.float32)).permute(2, 0, 1)[None].to(device)
    target = image_tensor(sample[..., TARGET]).to(device)
    result = {}
    for name, picture in pictures.items():
        values = image_tensor(picture).to(device)
        with torch.no_grad():
            result[f"{name} all"] = float(lpips(values, target))
            result[f"{name} hole"] = float(lpips(values, target, hole)) if hole.any() else float("nan")
    return result


def _mean(values: list[float]) -> float | None:
    """Over the pairs that have a value; None (JSON's null) where none has."""
    known = [value for value in values if np.isfinite(value)]
    return round(float(np.mean(known)), 4) if known else None


def _summary(step: int, means: dict[str, float | None]) -> str:
    parts = [f"{key} {value:.4f}" for key, value in means.items() if value is not None]
    return f"evaluation after step {step:,}, LPIPS: {', '.join(parts)}"


def _row(sample: np.ndarray, pictures: dict[str, np.ndarray]) -> np.ndarray:
    edit = np.where(sample[..., ALPHA] < 128, (255, 0, 255), sample[..., FILLED]).astype(np.uint8)
    columns = [sample[..., REFERENCE], edit, *pictures.values(), sample[..., TARGET]]
    return np.hstack([resize(np.ascontiguousarray(column), *THUMBNAIL) for column in columns])


def _captions(pictures: dict[str, np.ndarray]) -> np.ndarray:
    """The names of the columns of ``_row``: (CAPTION, W, 3) uint8."""
    names = ["photo", "edit (hole magenta)", *pictures, "target"]
    strip = np.full((CAPTION, THUMBNAIL[0] * len(names), 3), 255, np.uint8)
    for i, name in enumerate(names):
        place = (THUMBNAIL[0] * i + 6, CAPTION - 6)
        cv2.putText(strip, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (30, 30, 30), 1, cv2.LINE_AA)
    return strip
