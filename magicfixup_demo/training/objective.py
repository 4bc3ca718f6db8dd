"""Batch -> loss: noise the picture, let the pipeline's own networks predict the clean one, compare."""

from dataclasses import dataclass

import torch
from torch import Tensor

from magicfixup_demo.engine.pipeline import Conditions, MagicFixupPipeline
from magicfixup_demo.perceptual import Lpips
from magicfixup_demo.training.config import TrainConfig
from magicfixup_demo.training.dataset import UNTOUCHED_WEIGHT, Batch
from magicfixup_demo.training.losses import charbonnier, perceptual, random_shift


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the networks take the clean pictures to be.

    picture: (B, 3, H, W), about -1..1. keep: (B,) 1.0 where the conditions were given, else 0.0. shift: (rows, columns)
    that the perceptual loss leaves out.
    """

    picture: Tensor
    keep: Tensor
    shift: tuple[int, int]


def predict_clean(
    pipeline: MagicFixupPipeline, batch: Batch, config: TrainConfig, generator: torch.Generator
) -> Prediction:
    """Noise the batch and predict the clean pictures. All randomness comes from ``generator`` (on the CPU)."""
    device = batch.target.device
    codec, scheduler = pipeline.codec, pipeline.scheduler
    coarse, target = codec.encode(batch.coarse), codec.encode(batch.target)  # (B, C, h, w)
    photo, mask = codec.encode(batch.reference), codec.encode_mask(batch.mask)
    size = len(target)

    keep = (torch.rand(size, generator=generator) >= config.dropped).float()
    from_coarse = (torch.rand(size, generator=generator) < config.from_coarse).float() * keep
    last = scheduler.config.num_train_timesteps
    t = torch.randint(0, last, (size,), generator=generator)
    t = torch.where(from_coarse.bool(), torch.randint(config.least_start, last, (size,), generator=generator), t)
    noise = torch.randn(target.shape, generator=generator).to(device)
    keep, from_coarse, t = keep.to(device), from_coarse.view(-1, 1, 1, 1).to(device), t.to(device)

    noisy = scheduler.add_noise(from_coarse * coarse + (1 - from_coarse) * target, noise, t)
    features = pipeline.details(photo, mask, t, noise)
    predicted = pipeline.predict(noisy, t, Conditions(coarse, mask, features, torch.ones_like(keep)).where(keep))
    return Prediction(codec.decode(predicted.float()), keep, random_shift(generator))


def reconstruction_loss(
    lpips: Lpips, prediction: Prediction, batch: Batch, config: TrainConfig
) -> tuple[Tensor, dict[str, float]]:
    """How far the prediction is from the target, and the parts of that."""
    pixel = charbonnier(prediction.picture, batch.target, batch.weight)
    percept = perceptual(lpips, prediction.picture, batch.target, batch.weight, prediction.shift)
    loss = (config.charbonnier * pixel + config.lpips * percept).mean()
    return loss, {"loss": loss.item(), "charbonnier": pixel.mean().item(), "lpips": percept.mean().item()}


def critics_weight(prediction: Prediction, batch: Batch) -> Tensor:
    """(B, 1, H, W): 1 around what was touched, 2 in the hole, 0 elsewhere and where the conditions were dropped."""
    return (batch.weight - UNTOUCHED_WEIGHT) * prediction.keep.view(-1, 1, 1, 1)
