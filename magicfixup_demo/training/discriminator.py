"""The critic of the adversarial loss: a patch discriminator that is told where the hole was. Used in training only."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

FACTOR = 4  # pixels are rearranged first: cheaper, and nothing is lost


class PatchDiscriminator(nn.Module):
    """Picture and mask -> how real each patch of about 56 pixels looks (PatchGAN, arXiv 1611.07004, section 3.2.2).

    Spectral normalisation (arXiv 1802.05957) keeps it Lipschitz, so that it needs no other regulariser.
    """

    def __init__(self, width: int = 64):
        super().__init__()
        sizes = [(4 * FACTOR**2, width, 1), (width, 2 * width, 2), (2 * width, 2 * width, 1)]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(inside, outside, 4 if stride == 2 else 3, stride, 1))
            for inside, outside, stride in sizes
        )
        self.head = spectral_norm(nn.Conv2d(2 * width, 1, 3, 1, 1))

    def forward(self, picture: Tensor, mask: Tensor) -> Tensor:
        """picture (B, 3, H, W) in -1..1, mask (B, 1, H, W), 1 = content -> scores (B, 1, H / 8, W / 8), high = real."""
        x = F.pixel_unshuffle(torch.cat([picture, mask * 2 - 1], dim=1), FACTOR)  # (B, 64, H / 4, W / 4)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        return self.head(x)


def hinge_real_and_fake(real: Tensor, fake: Tensor, weight: Tensor) -> Tensor:
    """The critic's loss (hinge, arXiv 1705.02894): scores (B, 1, h, w) twice, weight (B, 1, H, W) >= 0 -> (B,)."""
    return _mean(F.relu(1 - real) + F.relu(1 + fake), weight)


def realism(fake: Tensor, weight: Tensor) -> Tensor:
    """The generator's loss: minus the score it gets, (B,)."""
    return -_mean(fake, weight)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    share = F.interpolate(weight, values.shape[-2:], mode="area")
    return (values.float() * share).sum(dim=(1, 2, 3)) / share.sum(dim=(1, 2, 3)).clamp_min(1.0)
