"""Pictures <-> the space the networks work in: pixels rearranged (``small``), or Stable Diffusion's latents."""

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor

Generators = torch.Generator | list[torch.Generator] | None  # one for a whole batch, or one for each of it


class PixelCodec:
    """Space to depth by ``factor``: nothing is lost, nothing is learned, and it costs no time.

    Latents are (B, 3 * factor**2, H / factor, W / factor); masks (B, factor**2, H / factor, W / factor).
    """

    def __init__(self, factor: int = 4):
        self.factor = factor

    def encode(self, image: Tensor, generator: Generators = None) -> Tensor:
        """image (B, 3, H, W) in -1..1."""
        return F.pixel_unshuffle(image, self.factor)

    def decode(self, latent: Tensor) -> Tensor:
        """Inverse of encode."""
        return F.pixel_shuffle(latent, self.factor)

    def encode_mask(self, mask: Tensor) -> Tensor:
        """mask (B, 1, H, W) in 0..1, 1 = content."""
        return F.pixel_unshuffle(mask, self.factor)

    def around_holes(self, mask_latent: Tensor, reach: int) -> Tensor:
        """A mask of ``encode_mask`` -> (B, 3 * factor**2, h, w): 1 in holes, falling to 0 at ``reach`` pixels."""
        hole = 1 - F.pixel_shuffle(mask_latent, self.factor)  # (B, 1, H, W)
        half = reach // 2
        for rows, columns in ((half, 0), (0, half)):  # one direction after the other: a box costs its side squared
            hole = F.max_pool2d(hole, (2 * rows + 1, 2 * columns + 1), 1, (rows, columns))
        for rows, columns in ((half, 0), (0, half)):
            hole = F.avg_pool2d(hole, (2 * rows + 1, 2 * columns + 1), 1, (rows, columns), count_include_pad=False)
        return F.pixel_unshuffle(hole.expand(-1, 3, -1, -1), self.factor)


class LatentCodec:
    """The KL autoencoder of Stable Diffusion 1.x: latents (B, 4, H / 8, W / 8), a sample of the posterior."""

    def __init__(self, vae: AutoencoderKL):
        self.vae = vae
        self.factor = 2 ** (len(vae.config.block_out_channels) - 1)

    def encode(self, image: Tensor, generator: Generators = None, noise: Tensor | None = None) -> Tensor:
        """image (B, 3, H, W) in -1..1. ``noise`` (B, 4, H / 8, W / 8) is drawn by ``generator`` where it is None."""
        posterior = self.posterior(image)
        sample = posterior.sample(generator) if noise is None else posterior.mean + posterior.std * noise
        return (sample * self.vae.config.scaling_factor).to(image.dtype)

    def posterior(self, image: Tensor) -> DiagonalGaussianDistribution:
        """The distribution that latents are drawn from, before they are scaled. image (B, 3, H, W) in -1..1."""
        return self.vae.encode(image.to(self.vae.dtype)).latent_dist

    def decode(self, latent: Tensor) -> Tensor:
        """Returns (B, 3, H, W), about -1..1."""
        scaled = (latent / self.vae.config.scaling_factor).to(self.vae.dtype)
        return self.vae.decode(scaled).sample.to(latent.dtype)

    def encode_mask(self, mask: Tensor) -> Tensor:
        """Bilinear without anti-aliasing, as the published code does: (B, 1, H / 8, W / 8)."""
        size = (mask.shape[-2] // self.factor, mask.shape[-1] // self.factor)
        return F.interpolate(mask, size, mode="bilinear", align_corners=False)
