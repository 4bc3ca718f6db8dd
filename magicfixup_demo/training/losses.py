"""Losses as pure functions; each returns one number per sample, (B,).

Of pictures (B, 3, H, W) in -1..1 with a weight map (B, 1, H, W) >= 0, or of network outputs (B, C, h, w).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from magicfixup_demo.perceptual import Lpips

LPIPS_GRID = 8  # pixels; AlexNet sees pictures in steps of 4, so a fixed position would print its grid on them
RANGE = 2.0  # of pixel values


def mse(output: Tensor, goal: Tensor) -> Tensor:
    """Mean squared difference of what the network puts out and what it should (DDPM's L_simple, arXiv 2006.11239)."""
    return (output - goal).square().mean(dim=(1, 2, 3))


def charbonnier(predicted: Tensor, target: Tensor, weight: Tensor, epsilon: float = 0.01) -> Tensor:
    """Smooth absolute difference, sqrt(d^2 + epsilon^2) - epsilon, as a weighted mean."""
    distance = ((predicted - target).square() + epsilon**2).sqrt() - epsilon
    return _mean(distance, weight)


def dissimilarity(predicted: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """1 - SSIM (Wang et al. 2004; Gaussian window of 11 pixels, sigma 1.5), as a weighted mean; in single precision."""
    channels = predicted.shape[1]
    window = torch.exp(-(torch.arange(11, device=predicted.device) - 5.0).square() / (2 * 1.5**2))
    window = (window / window.sum()).expand(channels, 1, 1, 11)

    def blur(values: Tensor) -> Tensor:
        rows = F.conv2d(F.pad(values, (5, 5, 5, 5), mode="reflect"), window, groups=channels)
        return F.conv2d(rows, window.transpose(2, 3), groups=channels)

    with torch.autocast(predicted.device.type, enabled=False):  # variances as differences need every digit
        x, y = predicted.float() + 1, target.float() + 1  # SSIM compares brightness from black upwards
        c1, c2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
        mx, my = blur(x), blur(y)
        vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
        local = ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return _mean(1 - local, weight)


def perceptual(lpips: Lpips, predicted: Tensor, target: Tensor, weight: Tensor, shift: tuple[int, int]) -> Tensor:
    """Weighted LPIPS of the pictures without their first ``shift`` (rows, columns), to move the grid it sees."""
    rows, columns = (slice(start, None) for start in shift)
    cut = [picture[..., rows, columns] for picture in (predicted, target, weight)]
    return lpips(cut[0], cut[1], cut[2])


def random_shift(generator: torch.Generator) -> tuple[int, int]:
    """A random ``shift`` for ``perceptual``."""
    row, column = torch.randint(0, LPIPS_GRID, (2,), generator=generator).tolist()
    return row, column


def _mean(distance: Tensor, weight: Tensor) -> Tensor:
    """The weighted mean over pixels and channels: (B, C, H, W), (B, 1, H, W) -> (B,)."""
    return (distance.mean(1, keepdim=True) * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))
