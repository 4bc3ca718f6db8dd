"""Distances between a result and the target: (H, W, 3) uint8 each; ``region`` (H, W) bool restricts the mean to it."""

import cv2
import numpy as np
import torch

from magicfixup_demo.engine.conditioning import image_tensor
from magicfixup_demo.perceptual import averaged, load_lpips


def psnr(result: np.ndarray, target: np.ndarray, region: np.ndarray | None = None) -> float:
    """Peak signal to noise ratio in dB, over all channels; at most 100."""
    error = (result.astype(np.float64) - target) ** 2
    mean = error[region].mean() if region is not None else error.mean()
    return float(min(100.0, 10 * np.log10(255**2 / max(mean, 1e-9))))


def ssim(result: np.ndarray, target: np.ndarray, region: np.ndarray | None = None) -> float:
    """Structural similarity (Wang et al. 2004): Gaussian window of 11 pixels, sigma 1.5, mean over RGB."""

    def blur(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    x, y = result.astype(np.float64), target.astype(np.float64)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    local = ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return float(local[region].mean() if region is not None else local.mean())


@torch.no_grad()
def lpips(
    result: np.ndarray, target: np.ndarray, regions: dict[str, np.ndarray | None] | None = None
) -> dict[str, float]:
    """LPIPS (AlexNet, version 0.1) by region: each layer's map is averaged over the region, weighted by its coverage.

    The networks run once for all regions; None stands for the whole picture. Without ``regions``: {"": whole}.
    """
    maps = load_lpips().maps(image_tensor(result), image_tensor(target))

    def over(region: np.ndarray | None) -> float:
        weight = None if region is None else torch.from_numpy(region.astype(np.float32))[None, None]
        return float(averaged(maps, weight))

    return {name: over(region) for name, region in (regions or {"": None}).items()}


def measure(result: np.ndarray, target: np.ndarray, hole: np.ndarray | None) -> dict[str, float]:
    """All metrics over the whole picture and, where ``hole`` is given, over it: lpips, lpips_hole, ssim, ..."""
    regions = {"": None} if hole is None else {"": None, "_hole": hole}
    values = {f"lpips{name}": value for name, value in lpips(result, target, regions).items()}
    for name, region in regions.items():
        values[f"ssim{name}"] = ssim(result, target, region)
        values[f"psnr{name}"] = psnr(result, target, region)
    return values
