"""How a run of the ground network is judged: by holes in photos that training never sees, the same ones every time."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from magicfixup_demo.engine.conditioning import image_array
from magicfixup_demo.engine.ground_network import GroundNetwork
from magicfixup_demo.perceptual import load_lpips
from magicfixup_demo.training.ground_samples import draw_some, load_pictures, tensors
from magicfixup_demo.training.ground_trainer import mean_where
from magicfixup_demo.training.journal import append
from magicfixup_demo.training.network_run import SHEET, VALIDATION

SHOWN = 12  # samples on the contact sheet
SEED = 12345


class GroundValidator:
    """``number`` samples of ``size`` pixels a side, from the photos of the val side below ``data``.

    Raises DataError where there are none. ``say`` prints a line.
    """

    def __init__(self, data: Path, number: int, size: int, accelerator: Accelerator, say: Callable[[str], None]):
        self.accelerator, self.say = accelerator, say
        pictures, shapes = load_pictures(data, "val", videos=False)
        samples = draw_some(pictures, shapes, size, number, np.random.default_rng(SEED))
        self.samples = [tensors(sample) for sample in samples]
        self.perceptual = load_lpips().to(accelerator.device)

    @torch.no_grad()
    def run_once(self, network: GroundNetwork, run: Path, step: int) -> None:
        """LPIPS and PSNR of the holes, their means: a line in ``run``/validation.jsonl, and a sheet of pictures."""
        distances, rows = [], []
        for sample in self.samples:
            seen, known, target = (part[None].to(self.accelerator.device) for part in sample)
            with self.accelerator.autocast():
                made = network(seen, known).float().clamp(-1, 1)
            distances.append(self._distances(made, known, target))
            if len(rows) < SHOWN:
                rows.append(_row(seen, known, made, target))
        lpips, psnr = np.mean(distances, axis=0)
        append(run / VALIDATION, {"step": step, "lpips": round(float(lpips), 4), "psnr": round(float(psnr), 3)})
        self.say(f"evaluation after step {step:,}, in the hole: LPIPS {lpips:.4f}, PSNR {psnr:.2f} dB")
        _write_sheet(run / SHEET, rows)

    def _distances(self, made: Tensor, known: Tensor, target: Tensor) -> tuple[float, float]:
        """LPIPS and PSNR in dB, in the hole of one sample: (1, 3, S, S), (1, 1, S, S), (1, 3, S, S)."""
        hole = 1 - known
        error = mean_where(hole, (made - target).square())
        picture = target + (made - target) * hole
        return float(self.perceptual(picture, target, hole)), float(10 * torch.log10(4 / error))


def _row(seen: Tensor, known: Tensor, made: Tensor, target: Tensor) -> np.ndarray:
    """The input, the input filled, the truth, side by side: (S, 3 S, 3) uint8."""
    return image_array(torch.cat([seen * known, seen * known + made * (1 - known), target], dim=3))


def _write_sheet(path: Path, rows: list[np.ndarray]) -> None:
    """Two samples beside each other."""
    rows = rows + [np.zeros_like(rows[0])] * (len(rows) % 2)
    cv2.imwrite(str(path), np.hstack([np.vstack(rows[::2]), np.vstack(rows[1::2])])[..., ::-1])
