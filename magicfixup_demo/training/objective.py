"""Batch -> loss: noise the picture, let the pipeline's own networks predict, compare. One objective for all presets.

What the presets choose: the space (pixels or latents: the pipeline's codec), what is predicted (the clean picture or
the noise: the scheduler's prediction type) and the losses.
"""

from dataclasses import dataclass

import torch
from diffusers import DDIMScheduler
from torch import Tensor, nn

from magicfixup_demo.engine.codecs import LatentCodec, PixelCodec
from magicfixup_demo.engine.pipeline import Conditions, MagicFixupPipeline
from magicfixup_demo.errors import OptionError
from magicfixup_demo.perceptual import Lpips
from magicfixup_demo.training.config import TrainConfig
from magicfixup_demo.training.dataset import AWAY_WEIGHT, Batch
from magicfixup_demo.training.losses import charbonnier, dissimilarity, mse, perceptual, random_shift


class FixupNetworks(nn.Module):
    """Both networks as one module whose forward is one training prediction: what is spread over GPUs.

    Gradients are exchanged only for what goes through the forward of the module that was spread, and the pipeline calls
    its networks itself. The weights are the pipeline's own, not copies.
    """

    def __init__(self, pipeline: MagicFixupPipeline):
        super().__init__()
        self.extractor, self.synthesizer = pipeline.extractor, pipeline.synthesizer
        self._pipeline = pipeline  # not a module: its weights are not listed twice

    def forward(
        self, noisy: Tensor, t: Tensor, coarse: Tensor, mask: Tensor, photo: Tensor, photo_noise: Tensor, keep: Tensor
    ) -> Tensor:
        """All in the networks' space, (B, C, h, w); t, keep (B,). Returns what the scheduler expects, (B, C, h, w)."""
        features = self._pipeline.details(photo, mask, t, photo_noise)
        conditions = Conditions(coarse, mask, features, torch.ones_like(keep)).where(keep)
        return self._pipeline.predict(noisy, t, conditions)


@dataclass(frozen=True, eq=False)
class Latents:
    """A batch in the networks' space: coarse, target, photo (B, C, h, w); mask (B, M, h, w)."""

    coarse: Tensor
    target: Tensor
    photo: Tensor
    mask: Tensor


@dataclass(frozen=True, eq=False)
class Draw:
    """The random part of a step: t and keep (B,), from_coarse (B, 1, 1, 1) of 0 or 1, noises (B, C, h, w), shift."""

    keep: Tensor
    from_coarse: Tensor
    t: Tensor
    noise: Tensor
    photo_noise: Tensor
    shift: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the networks put out, and what they should.

    output, goal: (B, C, h, w), the noise or the clean picture in the networks' space. picture: (B, 3, H, W), about
    -1..1, where pictures are compared, else None. keep: (B,) 1.0 where the conditions were given, else 0.0.
    shift: (rows, columns) that the perceptual loss leaves out.
    """

    output: Tensor
    goal: Tensor
    picture: Tensor | None
    keep: Tensor
    shift: tuple[int, int]


def check_objective(pipeline: MagicFixupPipeline, config: TrainConfig) -> None:
    """Raise OptionError for losses that this model cannot learn from."""
    if config.compares_pictures and pipeline.scheduler.config.prediction_type != "sample":
        raise OptionError(f"The preset {config.preset} predicts noise: choose the loss mse, and no adversarial one.")


def encode(codec: PixelCodec | LatentCodec, batch: Batch, generator: torch.Generator) -> Latents:
    """The batch in the networks' space; no gradient goes back into the codec."""
    pictures = (batch.coarse, batch.target, batch.reference)
    with torch.no_grad():
        return Latents(*(codec.encode(picture, generator) for picture in pictures), codec.encode_mask(batch.mask))


def predict(
    networks: nn.Module, pipeline: MagicFixupPipeline, latents: Latents, draw: Draw, config: TrainConfig
) -> Prediction:
    """Noise the pictures and predict. ``networks``: the FixupNetworks of ``pipeline``, spread over processes or not."""
    codec, scheduler = pipeline.codec, pipeline.scheduler
    start = draw.from_coarse * latents.coarse + (1 - draw.from_coarse) * latents.target
    noisy = scheduler.add_noise(start, draw.noise, draw.t)
    output = networks(noisy, draw.t, latents.coarse, latents.mask, latents.photo, draw.photo_noise, draw.keep).float()
    goal = draw.noise if scheduler.config.prediction_type == "epsilon" else latents.target
    picture = codec.decode(output) if config.compares_pictures else None
    return Prediction(output, goal, picture, draw.keep, draw.shift)


def draw_randomly(like: Tensor, scheduler: DDIMScheduler, config: TrainConfig, generator: torch.Generator) -> Draw:
    """Draw on the CPU, so that a step is the same on every device; ``like`` (B, C, h, w) gives shape and device.

    The photo's noise is its own: noised with the picture's, the photo would give that noise away.
    """
    size, device = len(like), like.device
    keep = (torch.rand(size, generator=generator) >= config.dropped).float()
    from_coarse = (torch.rand(size, generator=generator) < config.from_coarse).float() * keep
    last = scheduler.config.num_train_timesteps
    t = torch.randint(0, last, (size,), generator=generator)
    t = torch.where(
        from_coarse.bool(), torch.randint(config.least_start, config.most_start, (size,), generator=generator), t
    )
    noise = torch.randn(like.shape, generator=generator).to(device)
    shift = random_shift(generator)
    photo_noise = torch.randn(like.shape, generator=generator).to(device)
    return Draw(keep.to(device), from_coarse.view(-1, 1, 1, 1).to(device), t.to(device), noise, photo_noise, shift)


def reconstruction_loss(
    lpips: Lpips | None, prediction: Prediction, batch: Batch, config: TrainConfig
) -> tuple[Tensor, dict[str, Tensor]]:
    """How far the prediction is from the truth, (), and the parts of that, each ().

    Without its conditions a network must learn the mean of all clean pictures, as diffusion asks: the perceptual loss
    would have it print texture on that mean, which sampling then takes for the picture.
    """
    found = prediction
    given = found.keep.view(-1, 1, 1, 1)
    weight = given * batch.weight + 1 - given  # without conditions there are no holes: every pixel counts alike
    terms = {
        "mse": lambda: mse(found.output, found.goal),
        "charbonnier": lambda: charbonnier(found.picture, batch.target, weight),
        "ssim": lambda: found.keep * dissimilarity(found.picture, batch.target, weight),
        "lpips": lambda: found.keep * perceptual(lpips, found.picture, batch.target, weight, found.shift),
    }
    parts = {name: terms[name]().mean() for name in config.losses}
    loss = torch.stack([share * parts[name] for name, share in config.losses.items()]).sum()
    return loss, {"loss": loss.detach()} | {name: part.detach() for name, part in parts.items()}


def critics_weight(prediction: Prediction, batch: Batch) -> Tensor:
    """(B, 1, H, W): 1 in holes and their seams, 0 elsewhere and where the conditions were dropped."""
    return (batch.weight - AWAY_WEIGHT) * prediction.keep.view(-1, 1, 1, 1)
