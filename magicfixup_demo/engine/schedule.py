"""Noising along the schedule, as exactly as the published code does it."""

from functools import cache

import numpy as np
import torch
from diffusers import DDIMScheduler
from torch import Tensor


def add_noise(schedule: DDIMScheduler, clean: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """sqrt(abar) clean + sqrt(1 - abar) noise at the timesteps t (B,) or (1,); clean and noise (B, C, h, w).

    The two factors are rounded from double precision, as the published code's are: the scheduler's own 1 - abar, in
    single precision, is off by up to 1.4e-5 at the last timesteps.
    """
    if schedule.config.prediction_type == "sample":  # ``small``: trained and measured with the scheduler's own
        return schedule.add_noise(clean, noise, t)
    levels = _levels(schedule.config.beta_start, schedule.config.beta_end, schedule.config.num_train_timesteps)
    signal, spread = (torch.tensor(level, device=clean.device)[t].view(-1, 1, 1, 1) for level in levels)
    return (signal * clean + spread * noise).to(clean.dtype)


@cache
def _levels(start: float, end: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(count,) float32 each: sqrt(abar) and sqrt(1 - abar) of betas linear in their roots, rescaled to no signal at
    the end (arXiv 2305.08891, algorithm 1). Arrays, not tensors: what is kept must not belong to a mode of torch."""
    betas = np.linspace(start**0.5, end**0.5, count) ** 2
    root = np.sqrt(np.cumprod(1 - betas))
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return root.astype(np.float32), np.sqrt(1 - root**2).astype(np.float32)
