"""Batch -> loss: noise the picture, let the pipeline's own networks predict the clean one, compare."""

import torch
from torch import Tensor

from magicfixup_demo.engine.pipeline import Conditions, MagicFixupPipeline
from magicfixup_demo.perceptual import Lpips
from magicfixup_demo.training.config import TrainConfig
from magicfixup_demo.training.dataset import Batch
from magicfixup_demo.training.losses import charbonnier, perceptual, random_shift


def training_loss(
    pipeline: MagicFixupPipeline, lpips: Lpips, batch: Batch, config: TrainConfig, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """The loss of one batch and its parts. All randomness comes from ``generator`` (on the CPU)."""
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
    picture = codec.decode(predicted.float())

    pixel = charbonnier(picture, batch.target, batch.weight)
    percept = perceptual(lpips, picture, batch.target, batch.weight, random_shift(generator))
    loss = (config.charbonnier * pixel + config.lpips * percept).mean()
    parts = {"loss": loss.item(), "charbonnier": pixel.mean().item(), "lpips": percept.mean().item()}
    return loss, parts
