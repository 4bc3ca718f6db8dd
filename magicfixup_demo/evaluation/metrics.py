"""Distances between a result and the target: (H, W, 3) uint8 each; ``region`` (H, W) bool restricts the mean to it."""

import cv2
import numpy as np
import torch

from magicfixup_demo.engine.conditioning import image_tensor
from magicfixup_demo.perceptual import averaged, load_lpips

Regions = dict[str, np.ndarray | None]  # name -> (H, W) bool, or None for the whole picture


def psnr(result: np.ndarray, target: np.ndarray, region: np.ndarray | None = None) -> float:
    """Peak signal to noise ratio in dB, over all channels; at most 100."""
    error = (result.astype(np.float64) - target) ** 2
    return float(min(100.0, 10 * np.log10(255**2 / max(_mean(error, region), 1e-9))))


def ssim(result: np.ndarray, target: np.ndarray, region: np.ndarray | None = None) -> float:
    """Structural similarity (Wang et al. 2004): Gaussian window of 11 pixels, sigma 1.5, mean over RGB."""
    return _mean(ssim_map(result, target), region)


def ssim_map(result: np.ndarray, target: np.ndarray) -> np.ndarray:
    """SSIM of the window around each pixel, by channel: (H, W, 3) float64."""

    def blur(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    x, y = result.astype(np.float64), target.astype(np.float64)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    return ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))


@torch.no_grad()
def lpips(results: list[np.ndarray], target: np.ndarray, regions: Regions) -> list[dict[str, float]]:
    """LPIPS (AlexNet, version 0.1) of each result by region: each layer's map is averaged over the region's coverage.

    The network sees the target once and each result once, whatever the number of regions.
    """
    tensors = torch.cat([image_tensor(result) for result in results])  # (B, 3, H, W)
    maps = load_lpips().maps(tensors, image_tensor(target))  # five of (B, 1, H_i, W_i)

    def over(region: np.ndarray | None) -> list[float]:
        weight = None if region is None else torch.from_numpy(region.astype(np.float32))[None, None]
        return averaged(maps, weight).tolist()

    columns = {name: over(region) for name, region in regions.items()}
    return [{name: values[i] for name, values in columns.items()} for i in range(len(results))]


def exact(result: np.ndarray, photo: np.ndarray, region: np.ndarray) -> float:
    """The share of the region's pixels that are the photo's own, bit for bit: 1.0 = all."""
    return float((result == photo).all(axis=2)[region].mean())


def measure(
    results: dict[str, np.ndarray], target: np.ndarray, photo: np.ndarray, regions: Regions
) -> dict[str, dict[str, float]]:
    """All metrics of each result, by its name: lpips_whole, lpips_hole, ssim_whole, ..., and exact.

    ``exact`` compares the region "untouched", where there is one, with the reference photo, not with the target.
    """
    distances = lpips(list(results.values()), target, regions)
    values = {}
    for (name, result), distance in zip(results.items(), distances, strict=True):
        values[name] = {f"lpips_{region}": value for region, value in distance.items()}
        local = ssim_map(result, target)
        for region, mask in regions.items():
            values[name][f"ssim_{region}"] = _mean(local, mask)
            values[name][f"psnr_{region}"] = psnr(result, target, mask)
        if "untouched" in regions:
            values[name]["exact"] = exact(result, photo, regions["untouched"])
    return values


def _mean(values: np.ndarray, region: np.ndarray | None) -> float:
    """Over the region, or over everything."""
    return float(values.mean() if region is None else values[region].mean())
