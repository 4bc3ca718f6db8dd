"""The effect network: a photo and the mask of an object in, how much light the object takes from its surroundings out.

A U-Net (arXiv 1505.04597) at half the picture's resolution, whose coarsest level looks at the whole picture by
attention: which way shadows fall is seen elsewhere in the picture, and a long one reaches far.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EFFECTS = "effects.safetensors"
WIDTHS = (32, 64, 96, 160, 224)  # channels, at 1/2 to 1/32 of the pixels
BLOCKS = (1, 1, 2, 2, 2)
GROUPS = 8
HEADS = 4
FACTOR = 2  # pixels a side that are rearranged into channels
MULTIPLE = FACTOR << (len(WIDTHS) - 1)  # pixels: sides of what it reads
COLOURS, MASK = 3, 1


class EffectNetwork(nn.Module):
    """4 M parameters. Untrained it says that there is hardly any effect."""

    def __init__(self):
        super().__init__()
        self.entry = nn.Conv2d((COLOURS + MASK) * FACTOR**2, WIDTHS[0], 3, padding=1)
        self.down = nn.ModuleList(
            _level(WIDTHS[max(0, i - 1)], width, blocks)
            for i, (width, blocks) in enumerate(zip(WIDTHS, BLOCKS, strict=True))
        )
        self.whole = WholePicture(WIDTHS[-1])
        self.up = nn.ModuleList(
            _level(coarse + fine, fine, 1) for coarse, fine in zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True)
        )
        self.exit = nn.Conv2d(WIDTHS[0], 2 * FACTOR**2, 3, padding=1)
        nn.init.zeros_(self.exit.weight)
        with torch.no_grad():
            self.exit.bias.copy_(torch.tensor([-3.0, 0.0]).repeat_interleave(FACTOR**2))

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        """picture (B, 3, H, W) in -1..1, mask (B, 1, H, W), 1 = object, sides multiples of MULTIPLE.

        Returns (B, 2, H, W) logits: of being under the effect at all, and of the share of light that it then takes.
        """
        x = self.entry(F.pixel_unshuffle(torch.cat([picture, mask * 2 - 1], dim=1), FACTOR))
        finer = []
        for i, level in enumerate(self.down):
            if i:
                finer.append(x)
                x = F.avg_pool2d(x, 2)
            x = level(x)
        x = self.whole(x)
        for level in self.up:
            x = level(torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), finer.pop()], dim=1))
        return F.pixel_shuffle(self.exit(x), FACTOR)


def strength_of(logits: Tensor) -> Tensor:
    """(B, 2, H, W) logits -> (B, 1, H, W), the share of light that is taken, 0..1, in linear light."""
    inside, share = logits.sigmoid().chunk(2, dim=1)
    return inside * share


class ResidualBlock(nn.Module):
    """Two convolutions, normalised first, beside a shortcut."""

    def __init__(self, inside: int, outside: int):
        super().__init__()
        self.first_norm, self.first = nn.GroupNorm(GROUPS, inside), nn.Conv2d(inside, outside, 3, padding=1)
        self.second_norm, self.second = nn.GroupNorm(GROUPS, outside), nn.Conv2d(outside, outside, 3, padding=1)
        self.shortcut = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(F.silu(self.first_norm(x)))
        return self.shortcut(x) + self.second(F.silu(self.second_norm(y)))


class WholePicture(nn.Module):
    """Self-attention over all places of the coarsest level."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width)
        self.query_key_value, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch, width, height, length = x.shape
        parts = self.query_key_value(self.norm(x)).reshape(batch, 3, HEADS, width // HEADS, height * length)
        query, key, value = parts.transpose(-1, -2).unbind(1)
        seen = F.scaled_dot_product_attention(query, key, value).transpose(-1, -2)
        return x + self.out(seen.reshape(batch, width, height, length))


def _level(inside: int, outside: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(inside if i == 0 else outside, outside) for i in range(blocks)))
