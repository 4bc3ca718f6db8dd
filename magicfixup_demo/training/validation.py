"""The fixed validation edits of a run: their distances against the plain fill, a contact sheet, the loss curve."""

import json
from pathlib import Path

import cv2
import numpy as np
import torch

from magicfixup_demo.engine.conditioning import image_array
from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS
from magicfixup_demo.images import resize, save_png
from magicfixup_demo.perceptual import load_lpips
from magicfixup_demo.training.config import TrainConfig
from magicfixup_demo.training.dataset import ALPHA, FILLED, REFERENCE, TARGET, pack, to_batch
from magicfixup_demo.training.pairs import pair_names

SHEET_ROWS = 12
THUMBNAIL = (240, 180)  # width, height


class Validator:
    """Runs the pipeline on pairs that training never sees."""

    def __init__(self, folders: list[Path], run: Path, config: TrainConfig):
        self.run, self.config = run, config
        items = [(folder, name) for folder in folders for name in pair_names(folder)]
        chosen = np.random.default_rng(config.seed).permutation(len(items))[: config.validation_pairs]
        self.samples = [pack(*items[i], PRESETS[config.preset].fill) for i in chosen]

    def run_once(self, pipeline: MagicFixupPipeline, step: int) -> None:
        """Append a line to validation.jsonl; rewrite curve.png and sheet_STEP.png."""
        if not self.samples:
            return
        rows, distances = [], []
        for sample in self.samples:
            pictures = {"1 step": self._fix(pipeline, sample, 1), "4 steps": self._fix(pipeline, sample, 4)}
            pictures["sdedit"] = self._fix(pipeline, sample, 4, drop=True)
            distances.append(_distances(sample, pictures))
            rows.append(_row(sample, pictures))
        record = {key: float(np.nanmean([d[key] for d in distances])) for key in distances[0]}
        line = json.dumps({"step": step} | {key: round(value, 4) for key, value in record.items()})
        with (self.run / "validation.jsonl").open("a") as log:
            log.write(line + "\n")
        print(line, flush=True)
        save_png(self.run / f"sheet_{step:07d}.png", np.vstack(rows[:SHEET_ROWS]))
        save_png(self.run / "curve.png", draw_curve(self.run / "log.jsonl", "loss"))

    def _fix(self, pipeline: MagicFixupPipeline, sample: np.ndarray, steps: int, drop: bool = False) -> np.ndarray:
        batch = to_batch([sample]).to(pipeline.device)
        generator = torch.Generator().manual_seed(self.config.seed)
        result = pipeline(
            batch.reference,
            batch.coarse,
            batch.mask,
            steps=steps,
            strength=0.5,
            generator=generator,
            drop_conditions=drop,
        )
        return image_array(result)


def _distances(sample: np.ndarray, pictures: dict[str, np.ndarray]) -> dict[str, float]:
    """LPIPS to the target over the whole picture and in the hole (not a number where there is none)."""
    lpips = load_lpips().cpu()
    hole = torch.from_numpy((sample[..., 6] < 128).astype(np.float32))[None, None]
    target = to_batch([sample]).target
    result = {}
    for name, picture in ({"fill": np.asarray(sample[..., FILLED])} | pictures).items():
        values = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.no_grad():
            result[f"{name} all"] = float(lpips(values, target))
            result[f"{name} hole"] = float(lpips(values, target, hole)) if hole.any() else float("nan")
    return result


def _row(sample: np.ndarray, pictures: dict[str, np.ndarray]) -> np.ndarray:
    edit = np.where(sample[..., ALPHA] < 128, (255, 0, 255), sample[..., FILLED]).astype(np.uint8)
    columns = [sample[..., REFERENCE], edit, sample[..., FILLED], *pictures.values(), sample[..., TARGET]]
    return np.hstack([resize(np.ascontiguousarray(column), *THUMBNAIL) for column in columns])


def draw_curve(log: Path, key: str, width: int = 800, height: int = 300) -> np.ndarray:
    """A value of a log.jsonl over the steps, smoothed over about 2 % of them: (height, width, 3) uint8."""
    records = [json.loads(line) for line in log.read_text().splitlines()]
    steps, values = np.array([r["step"] for r in records]), np.array([r[key] for r in records])
    picture = np.full((height, width, 3), 255, np.uint8)
    if len(values) < 2:
        return picture
    window = max(1, len(values) // 50)
    smooth = np.convolve(np.pad(values, (window - 1, 0), "edge"), np.ones(window) / window, "valid")
    x = np.interp(steps, (steps[0], steps[-1]), (50, width - 10))
    y = np.interp(smooth, (0, smooth.max()), (height - 30, 10))
    cv2.polylines(picture, [np.stack([x, y], 1).astype(np.int32)], False, (30, 90, 200), 1, cv2.LINE_AA)
    for text, place in (
        (f"{smooth.max():.3f}", (2, 16)),
        ("0", (30, height - 28)),
        (f"{key}, step {steps[-1]}, now {smooth[-1]:.4f}", (60, height - 8)),
    ):
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (40, 40, 40), 1, cv2.LINE_AA)
    return picture
