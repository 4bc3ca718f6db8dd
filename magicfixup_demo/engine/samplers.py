"""The samplers: which noise levels a run visits, and how it gets from one to the next. One table for every model.

"published" is the published code's: DDIM with eta 1 (arXiv 2010.02502, equation 12), the photo noised afresh at every
step. The others are deterministic: "ddim" (eta 0), "dpm++" (DPM-Solver++ 2M, arXiv 2211.01095, algorithm 2) and "unipc"
(UniPC with B2(h), arXiv 2302.04867). They fix the photo's noise, so that its features can be kept (feature_cache).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler
from torch import Tensor

from magicfixup_demo.engine.codecs import Generators

PUBLISHED_STEPS = 50
LEAST_SIGNAL = 2**-24  # stands for the cumulative alpha 0 at timestep 999: solvers divide by its root
SCHEDULE_KEYS = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "rescale_betas_zero_snr",
    "prediction_type",
)


class Run:
    """One way down through the noise levels. It counts its steps, so that every call of a pipeline has its own."""

    def __init__(self, scheduler, timesteps: Tensor, settings: dict):
        self.timesteps = timesteps  # (steps,) int64, highest first
        self._scheduler, self._settings = scheduler, settings

    def step(self, prediction: Tensor, timestep: Tensor, noisy: Tensor, generator: Generators) -> Tensor:
        """From ``noisy`` (B, C, h, w) at ``timestep`` to the next level, by what the network predicted there."""
        drawn = {"generator": generator} if self._settings.get("eta") is not None else {}
        return self._scheduler.step(prediction, timestep, noisy, **self._settings, **drawn).prev_sample


@dataclass(frozen=True)
class Sampler:
    """``start(schedule, steps, strength)`` makes a run along the model's schedule.

    ``fresh``: the photo is noised anew at every step and read with the edit's mask, as published; otherwise its noise
    is one per photo and the mask is the whole picture. ``steps``: the default where it is not the model's own.
    """

    start: Callable[[DDIMScheduler, int, float], Run]
    fresh: bool = False
    steps: int | None = None


def ddim_timesteps(schedule: DDIMScheduler, steps: int, strength: float) -> tuple[DDIMScheduler, Tensor]:
    """A scheduler for one run, and the last ``steps`` timesteps of a schedule of which they are ``strength``.

    Published: 981, 961, ..., 1 for 50 steps at strength 1. Ten steps begin at 901.
    """
    scheduler = DDIMScheduler.from_config(schedule.config)
    most = schedule.config.num_train_timesteps  # no schedule is finer, also for many steps at a low strength
    scheduler.set_timesteps(min(most, int(np.ceil(steps / strength - 1e-6))))
    return scheduler, scheduler.timesteps[-steps:]


def published_timesteps(schedule: DDIMScheduler, steps: int, strength: float) -> tuple[DDIMScheduler, Tensor]:
    """``ddim_timesteps`` as the published code has them at strength 1: every (1000 // steps)-th; 30 steps make 31."""
    scheduler, timesteps = ddim_timesteps(schedule, steps, strength)
    if strength < 1:
        return scheduler, timesteps
    trained = schedule.config.num_train_timesteps
    return scheduler, torch.arange(1, trained, trained // steps).flip(0)


def solver_timesteps(schedule: DDIMScheduler, steps: int, strength: float) -> Tensor:
    """From where the published 50 steps begin (981; 999 for ``small``) to where they end (1), spaced by squares.

    Few DDIM steps begin lower (901 for ten), where the coarse edit still shows through; these keep the published start.
    Squares (arXiv 2010.02502, appendix D) put more steps where a picture's detail is settled: on mixtures of normal
    distributions with known solutions the error at 12 steps is a sixth of that of even spacing.
    """
    first = float(ddim_timesteps(schedule, PUBLISHED_STEPS, strength)[1][0])
    levels = (1 + (first - 1) * torch.linspace(1, 0, steps, dtype=torch.float64) ** 2).round().long()
    for i in range(steps - 2, -1, -1):  # many steps at a low strength crowd at the end: no level is visited twice
        levels[i] = torch.maximum(levels[i], levels[i + 1] + 1)
    return levels


def noise_to_signal(schedule: DDIMScheduler, timesteps: Tensor) -> Tensor:
    """sqrt((1 - abar) / abar), finite also at zero terminal SNR; (N,) float32."""
    alpha = schedule.alphas_cumprod.cpu()[timesteps].clamp(min=LEAST_SIGNAL)
    return ((1 - alpha) / alpha).sqrt()


def _ddim(eta: float, levels: Callable = ddim_timesteps) -> Callable[[DDIMScheduler, int, float], Run]:
    def start(schedule: DDIMScheduler, steps: int, strength: float) -> Run:
        return Run(*levels(schedule, steps, strength), {"eta": eta})

    return start


def _solver(kind: type, **settings) -> Callable[[DDIMScheduler, int, float], Run]:
    def start(schedule: DDIMScheduler, steps: int, strength: float) -> Run:
        scheduler = kind(**{key: schedule.config[key] for key in SCHEDULE_KEYS}, **settings)
        timesteps = solver_timesteps(schedule, steps, strength)
        scheduler.set_timesteps(steps)  # counters and buffers; the levels themselves are ours
        scheduler.timesteps = timesteps
        scheduler.sigmas = torch.cat(
            [noise_to_signal(schedule, timesteps), torch.zeros(1)]
        )  # ends at the clean picture
        scheduler.set_begin_index(0)
        return Run(scheduler, timesteps, {})

    return start


SAMPLERS: dict[str, Sampler] = {
    "published": Sampler(_ddim(eta=1.0, levels=published_timesteps), fresh=True, steps=PUBLISHED_STEPS),
    "ddim": Sampler(_ddim(eta=0.0)),
    "dpm++": Sampler(_solver(DPMSolverMultistepScheduler, solver_order=2, algorithm_type="dpmsolver++")),
    "unipc": Sampler(_solver(UniPCMultistepScheduler, solver_order=2, solver_type="bh2")),
}


def sampler_names(default: str, rereads: bool) -> tuple[str, ...]:
    """The samplers that a model offers, ``default`` first.

    ``rereads``: the model reads its photo at every timestep; "published" says nothing new to one that reads it once.
    """
    offered = [name for name, sampler in SAMPLERS.items() if rereads or not sampler.fresh]
    return (default, *(name for name in offered if name != default))


def clean_prediction(schedule: DDIMScheduler, prediction: Tensor, t: Tensor, noisy: Tensor) -> Tensor:
    """What the picture would be if the network were right: (B, C, h, w). t (B,); arXiv 2010.02502, equation 9."""
    if schedule.config.prediction_type == "sample":
        return prediction
    alpha = schedule.alphas_cumprod.to(noisy.device)[t].clamp(min=LEAST_SIGNAL).view(-1, 1, 1, 1)
    return (noisy - (1 - alpha).sqrt() * prediction) / alpha.sqrt()
