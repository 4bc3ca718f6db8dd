"""MobileSAM's image encoder: TinyViT-5M at 1024 x 1024 pixels, written from its description.

TinyViT (arXiv 2207.10666) is a pyramid of four stages. The first is made of inverted residual convolutions; the other
three of blocks that attend within square windows, mix neighbours with a depthwise convolution (so that windows are not
islands), and end in a two-layer MLP. MobileSAM (arXiv 2306.14289) keeps the last two stages at one resolution, so the
map ends at 1/16 of the picture, and adds SAM's neck of two convolutions.

Attributes are named so that the published weights load with ``strict=True``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

IMAGE_SIZE = 1024
WIDTHS = (64, 128, 160, 320)
DEPTHS = (2, 2, 6, 2)
HEADS = (2, 4, 5, 10)
WINDOWS = (7, 7, 14, 7)
STRIDES = (2, 2, 1)  # between the stages
EXPANSION = 4
OUT_CHANNELS = 256


class ConvNorm(nn.Module):
    """A convolution without bias, then batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1):
        super().__init__()
        self.c = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.c(x))

    def fold(self) -> None:
        """Put the normalisation into the convolution's weights; for inference only."""
        self.c, self.bn = fuse_conv_bn_eval(self.c, self.bn), nn.Identity()


class Stem(nn.Module):
    """Two convolutions that bring the picture to a quarter of its size."""

    def __init__(self, width: int):
        super().__init__()
        self.seq = nn.Sequential(ConvNorm(3, width // 2, 3, 2), nn.GELU(), ConvNorm(width // 2, width, 3, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.seq(x)


class InvertedResidual(nn.Module):
    """Widen, mix neighbours channel by channel, narrow again, add the input."""

    def __init__(self, width: int):
        super().__init__()
        inner = width * EXPANSION
        self.conv1 = ConvNorm(width, inner)
        self.conv2 = ConvNorm(inner, inner, 3, groups=inner)
        self.conv3 = ConvNorm(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.gelu(self.conv1(x))
        y = functional.gelu(self.conv2(y))
        return functional.gelu(x + self.conv3(y))


class Downsample(nn.Module):
    """Change the number of channels and, by ``stride``, the resolution."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs)
        self.conv2 = ConvNorm(outputs, outputs, 3, stride, groups=outputs)
        self.conv3 = ConvNorm(outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.gelu(self.conv1(x))
        return self.conv3(functional.gelu(self.conv2(y)))


class WindowAttention(nn.Module):
    """Self-attention of the tokens of one window, with a learnt bias per head for each distance (|dy|, |dx|)."""

    def __init__(self, width: int, heads: int, window: int):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(heads, window * window))
        self.register_buffer("distances", _distances(window), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        windows, tokens, width = x.shape
        qkv = self.qkv(self.norm(x)).view(windows, tokens, self.heads, 3, width // self.heads)
        query, key, value = qkv.permute(3, 0, 2, 1, 4)  # each (windows, heads, tokens, width / heads)
        bias = self.attention_biases[:, self.distances]  # (heads, tokens, tokens)
        y = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.proj(y.transpose(1, 2).reshape(windows, tokens, width))


class Mlp(nn.Module):
    """Normalise, widen, narrow."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, width * EXPANSION)
        self.fc2 = nn.Linear(width * EXPANSION, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(self.norm(x))))


class WindowBlock(nn.Module):
    """Attend within windows, mix neighbours, MLP. Takes and returns (1, C, H, W)."""

    def __init__(self, width: int, heads: int, window: int):
        super().__init__()
        self.window = window
        self.attn = WindowAttention(width, heads, window)
        self.local_conv = ConvNorm(width, width, 3, groups=width)
        self.mlp = Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        windows, grid = _split_windows(x.permute(0, 2, 3, 1), self.window)
        attended = _join_windows(self.attn(windows), grid, self.window, x.shape[2], x.shape[3])
        x = self.local_conv(x + attended.permute(0, 3, 1, 2))
        return x + self.mlp(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Stage(nn.Module):
    """Blocks of one resolution, then, in all but the last stage, the step to the next."""

    def __init__(self, index: int):
        super().__init__()
        width = WIDTHS[index]
        blocks = [
            InvertedResidual(width) if index == 0 else WindowBlock(width, HEADS[index], WINDOWS[index])
            for _ in range(DEPTHS[index])
        ]
        self.blocks = nn.Sequential(*blocks)
        last = index == len(WIDTHS) - 1
        self.downsample = nn.Identity() if last else Downsample(width, WIDTHS[index + 1], STRIDES[index])

    def forward(self, x: Tensor) -> Tensor:
        return self.downsample(self.blocks(x))


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of (B, C, H, W)."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.layer_norm(x.permute(0, 2, 3, 1), self.weight.shape, self.weight, self.bias, eps=1e-6)
        return y.permute(0, 3, 1, 2)


class TinyViT(nn.Module):
    """(B, 3, 1024, 1024) normalised pixels -> (B, 256, 64, 64) features."""

    def __init__(self):
        super().__init__()
        self.img_size = IMAGE_SIZE  # SamPredictor reads it
        self.patch_embed = Stem(WIDTHS[0])
        self.layers = nn.Sequential(*(Stage(index) for index in range(len(WIDTHS))))
        self.neck = nn.Sequential(
            nn.Conv2d(WIDTHS[-1], OUT_CHANNELS, 1, bias=False),
            ChannelNorm(OUT_CHANNELS),
            nn.Conv2d(OUT_CHANNELS, OUT_CHANNELS, 3, padding=1, bias=False),
            ChannelNorm(OUT_CHANNELS),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.neck(self.layers(self.patch_embed(x)))

    def fold(self) -> "TinyViT":
        """Fold every batch normalisation into its convolution; the output stays the same, sooner."""
        for module in list(self.modules()):
            if isinstance(module, ConvNorm):
                module.fold()
        return self


def _distances(window: int) -> Tensor:
    """(window^2, window^2) index |dy| * window + |dx| of each pair of tokens, in reading order."""
    rows, columns = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    rows, columns = rows.flatten(), columns.flatten()
    return (rows[:, None] - rows).abs() * window + (columns[:, None] - columns).abs()


def _split_windows(x: Tensor, window: int) -> tuple[Tensor, tuple[int, int, int]]:
    """(B, H, W, C) -> (windows, window^2, C), padded with zeros at the right and bottom; and (B, rows, columns)."""
    batch, height, width, channels = x.shape
    x = functional.pad(x, (0, 0, 0, -width % window, 0, -height % window))
    rows, columns = x.shape[1] // window, x.shape[2] // window
    x = x.view(batch, rows, window, columns, window, channels).transpose(2, 3)
    return x.reshape(-1, window * window, channels), (batch, rows, columns)


def _join_windows(x: Tensor, grid: tuple[int, int, int], window: int, height: int, width: int) -> Tensor:
    """The inverse of _split_windows: (B, H, W, C) without the padding."""
    batch, rows, columns = grid
    x = x.view(batch, rows, columns, window, window, -1).transpose(2, 3)
    return x.reshape(batch, rows * window, columns * window, -1)[:, :height, :width]
