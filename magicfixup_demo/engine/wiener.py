"""The best linear guess of a clean picture from a noised one (Wiener's filter): where the unconditional view starts.

A network that must take noise off from nothing needs millions of pictures. The filter needs only how strongly pictures
vary from coarse to fine on average, and leaves to the network what no filter can do.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# Power of a frequency f (cycles a pixel) of pictures in -1..1, relative to white noise of variance 1: A * f**-p, as (A,
# p), fitted to 163 crops of 256 pixels of our training targets (rms error of the logarithm about a third).
BRIGHTNESS, COLOUR = (1.55e-3, 2.63), (6.0e-6, 3.25)
OPPONENT = ((3**-0.5, 3**-0.5, 3**-0.5), (2**-0.5, 0.0, -(2**-0.5)), (6**-0.5, -2 * 6**-0.5, 6**-0.5))  # orthonormal
MARGIN = 32  # pixels, mirrored: the filter takes opposite edges for neighbours


def linear_guess(noisy: Tensor, alpha: Tensor) -> Tensor:
    """E[clean | noisy] for normally distributed pictures of that spectrum.

    noisy (B, 3, H, W) = sqrt(alpha) clean + sqrt(1 - alpha) noise; alpha (B,) in 0..1. Returns (B, 3, H, W).
    """
    height, width = noisy.shape[-2:]
    rows, columns = min(MARGIN, height - 1), min(MARGIN, width - 1)
    padded = F.pad(noisy.float(), (columns, columns, rows, rows), mode="reflect")
    with torch.autocast(noisy.device.type, enabled=False):
        basis = torch.tensor(OPPONENT, device=noisy.device)
        waves = torch.fft.rfft2(torch.einsum("kc,bchw->bkhw", basis, padded))
        power = _power(padded.shape[-2:], noisy.device)  # (3, H', W' / 2 + 1)
        a = alpha.float().view(-1, 1, 1, 1)
        gain = a.sqrt() * power / (a * power + 1 - a)
        clean = torch.einsum("kc,bkhw->bchw", basis, torch.fft.irfft2(waves * gain, s=padded.shape[-2:]))
    return clean[..., rows : rows + height, columns : columns + width].to(noisy.dtype)


def _power(size: torch.Size, device: torch.device) -> Tensor:
    """Of brightness and two opponent colours at the frequencies of rfft2: (3, H, W / 2 + 1)."""
    height, width = size
    y, x = torch.fft.fftfreq(height, device=device), torch.fft.rfftfreq(width, device=device)
    frequency = torch.hypot(y[:, None], x[None]).clamp(min=0.5 / max(height, width))
    return torch.stack([a * frequency**-p for a, p in (BRIGHTNESS, COLOUR, COLOUR)])
