"""Losses as pure functions; each returns one number per sample, (B,).

Of pictures (B, 3, H, W) in -1..1 with a weight map (B, 1, H, W) >= 0, or of network outputs (B, C, h, w).
"""

import torch
from torch import Tensor

from magicfixup_demo.perceptual import Lpips

LPIPS_GRID = 8  # pixels; AlexNet sees pictures in steps of 4, so a fixed position would print its grid on them


def mse(output: Tensor, goal: Tensor) -> Tensor:
    """Mean squared difference of what the network puts out and what it should (DDPM's L_simple, arXiv 2006.11239)."""
    return (output - goal).square().mean(dim=(1, 2, 3))


def charbonnier(predicted: Tensor, target: Tensor, weight: Tensor, epsilon: float = 0.01) -> Tensor:
    """Smooth absolute difference, sqrt(d^2 + epsilon^2) - epsilon, as a weighted mean."""
    distance = ((predicted - target).square() + epsilon**2).sqrt() - epsilon
    return (distance.mean(1, keepdim=True) * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))


def perceptual(lpips: Lpips, predicted: Tensor, target: Tensor, weight: Tensor, shift: tuple[int, int]) -> Tensor:
    """Weighted LPIPS of the pictures without their first ``shift`` (rows, columns), to move the grid it sees."""
    rows, columns = (slice(start, None) for start in shift)
    cut = [picture[..., rows, columns] for picture in (predicted, target, weight)]
    return lpips(cut[0], cut[1], cut[2])


def random_shift(generator: torch.Generator) -> tuple[int, int]:
    """A random ``shift`` for ``perceptual``."""
    row, column = torch.randint(0, LPIPS_GRID, (2,), generator=generator).tolist()
    return row, column
