"""The ground network: a photo with a hole in, what may stand in the hole out. MI-GAN's generator as a torch module.

Architecture after Sargsyan et al., "MI-GAN: A Simple Baseline for Image Inpainting on Mobile Devices" (ICCV 2023): a
U-net of depthwise-separable convolutions without normalisation; as in StyleGAN2 each level of the decoder adds to a
picture that is enlarged from level to level. Written anew from the paper and from the graph of the published file.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 512  # pixels: the resolution that the weights are named after; fully convolutional, so others work too
MULTIPLE = 128  # of pixels: seven levels, each half as large as the one before
WIDTHS = {512: 64, 256: 128, 128: 256, 64: 512, 32: 512, 16: 512, 8: 512, 4: 512}  # channels at each level
LEVELS = tuple(WIDTHS)
SLOPE = 0.2  # of the activation; StyleGAN2's gain of sqrt 2 is in our weights (ground_weights.convert)
TAPS = (1.0, 3.0, 3.0, 1.0)  # the resampling filter
Noise = tuple[Tensor, Tensor]  # maps (side, side) of a decoder level's two convolutions


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU, in place: memory is what costs time here."""
    return F.leaky_relu(x, SLOPE, inplace=True)


def enlarge(x: Tensor) -> Tensor:
    """Twice the size by the filter TAPS with zeros outside; inside that is bilinear interpolation, which is quicker."""
    return F.interpolate(F.pad(x, (1, 1, 1, 1)), scale_factor=2, mode="bilinear")[..., 2:-2, 2:-2]


class Shrink(nn.Module):
    """Half the size by the filter TAPS, channel by channel, zeros outside."""

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        taps = torch.tensor(TAPS, device=x.device, dtype=x.dtype) / sum(TAPS)
        kernel = torch.outer(taps, taps).expand(self.channels, 1, -1, -1)
        return F.conv2d(x, kernel, stride=2, padding=1, groups=self.channels)


class Separable(nn.Module):
    """A 3x3 convolution of each channel, then a mix of channels. ``resample``: "down", "up" or "".

    ``noise`` (side, side): a fixed map that is added before the second activation; with other noise the decoder makes
    another picture.
    """

    def __init__(self, inside: int, outside: int, resample: str = "", noise_side: int = 0):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, inside, 3, padding=1, groups=inside)
        self.conv2 = nn.Conv2d(inside, outside, 1, bias=False)
        self.shrink = Shrink(inside) if resample == "down" else None
        self.up = resample == "up"
        self.noise = nn.Parameter(torch.zeros(noise_side, noise_side)) if noise_side else None

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        x = activate(self.conv1(x))
        if self.shrink is not None:
            x = self.shrink(x)
        x = self.conv2(x)
        if self.up:
            x = enlarge(x)
        if self.noise is not None:
            x = x + fitted(self.noise if noise is None else noise, x.shape[-2:]).to(x.dtype)
        return activate(x)


class EncoderLevel(nn.Module):
    """One size of the encoder: what the decoder gets to see of it, and the next smaller size."""

    def __init__(self, side: int):
        super().__init__()
        width, next_width = WIDTHS[side], WIDTHS.get(side // 2, WIDTHS[side])
        self.fromrgb = nn.Conv2d(4, width, 1) if side == SIDE else None
        self.conv1 = Separable(width, width)
        self.conv2 = Separable(width, next_width, "down" if side > LEVELS[-1] else "")

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.fromrgb is not None:
            x = activate(self.fromrgb(x))
        features = self.conv1(x)
        return features, self.conv2(features)


class DecoderLevel(nn.Module):
    """One size of the decoder: adds the encoder's features of that size, and its own part of the picture."""

    def __init__(self, side: int):
        super().__init__()
        width, coarser = WIDTHS[side], WIDTHS.get(side // 2, WIDTHS[side])
        bottom = side == LEVELS[-1]
        self.conv1 = Separable(coarser, width, "" if bottom else "up", 0 if bottom else side)
        self.conv2 = Separable(width, width, noise_side=0 if bottom else side)
        self.torgb = nn.Conv2d(width, 3, 1)

    def forward(
        self, x: Tensor, features: Tensor, picture: Tensor | None, noise: Noise | None
    ) -> tuple[Tensor, Tensor]:
        """x: from the coarser level; features: the encoder's of this size; picture: so far, None at the coarsest."""
        first, second = noise or (None, None)
        x = self.conv2(self.conv1(x, first) + features, second)
        own = self.torgb(x)
        return x, own if picture is None else enlarge(picture) + own


class GroundNetwork(nn.Module):
    """(B, 3, H, W) in -1..1 and (B, 1, H, W), 1 = known, 0 = hole -> (B, 3, H, W) in about -1..1, defined everywhere.

    Sides must be multiples of MULTIPLE. What stands in the hole is not looked at.
    """

    def __init__(self):
        super().__init__()
        self.encoder = nn.ModuleDict({f"b{side}": EncoderLevel(side) for side in LEVELS})
        self.synthesis = nn.ModuleDict({f"b{side}": DecoderLevel(side) for side in reversed(LEVELS)})

    def forward(self, picture: Tensor, known: Tensor, noise: dict[int, Noise] | None = None) -> Tensor:
        """``noise``: maps by level (``other_noise``) in place of its own. Raises ValueError for other sides."""
        height, width = picture.shape[-2:]
        if height % MULTIPLE or width % MULTIPLE:
            raise ValueError(f"The picture is {width} x {height}; its sides must be multiples of {MULTIPLE}.")
        x = torch.cat([known - 0.5, picture * known], dim=1)  # (B, 4, H, W)
        features: dict[str, Tensor] = {}
        for name, level in self.encoder.items():
            features[name], x = level(x)
        made = None
        for name, level in self.synthesis.items():
            x, made = level(x, features[name], made, (noise or {}).get(int(name[1:])))
        return made

    def other_noise(self, seed: int, strength: float = 1.0) -> dict[int, Noise]:
        """Noise as strong as the network's own (times ``strength``), drawn anew from ``seed``: for another answer."""
        generator = torch.Generator().manual_seed(seed)
        return {side: tuple(_redrawn(own, generator, strength) for own in maps) for side, maps in self._noise_maps()}

    def _noise_maps(self) -> Iterator[tuple[int, Noise]]:
        for side in LEVELS[:-1]:
            level = self.synthesis[f"b{side}"]
            yield side, (level.conv1.noise, level.conv2.noise)


def _redrawn(own: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    drawn = torch.randn(own.shape, generator=generator).to(own.device)
    return drawn * own.detach().float().square().mean().sqrt() * strength


def fitted(noise: Tensor, size: tuple[int, int]) -> Tensor:
    """A noise map for another size, (h, w): the middle of it, repeated where it is too small."""
    height, width = size
    rows, columns = noise.shape
    if (rows, columns) == (height, width):
        return noise
    noise = noise.repeat(-(-height // rows), -(-width // columns))
    top, left = (noise.shape[0] - height) // 2, (noise.shape[1] - width) // 2
    return noise[top : top + height, left : left + width]
