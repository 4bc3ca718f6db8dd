"""The state of a run that trains one network, and steps of its optimizer: rate, clipping, a moving average."""

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from magicfixup_demo.errors import DataError, ModelError


@dataclass(frozen=True)
class StepConfig:
    """What decides the steps of a run, besides its losses, its data and the weights it begins from.

    ``size``: pixels a side of a training picture. ``warmup``: steps; ``cooldown``: share of the run; ``decay``: of the
    weights' moving average.
    """

    size: int
    steps: int
    batch_size: int
    learning_rate: float
    warmup: int
    cooldown: float
    evaluate_every: int
    validation_samples: int
    betas: tuple[float, float] = (0.5, 0.99)
    clip: float = 1.0
    decay: float = 0.998
    bfloat16: bool = True
    seed: int = 0


class NetworkTrainer(ABC):
    """Network, optimizer, moving average and step number of one run; a subclass has the losses and the weights' file.

    ``stateful``: the attributes that ``state`` holds.
    """

    stateful: tuple[str, ...] = ("network", "average", "optimizer")
    weights: str  # the name of the file that save_weights writes

    def __init__(self, config: StepConfig, accelerator: Accelerator, network: nn.Module):
        self.config, self.accelerator = config, accelerator
        self.step = 0
        self.network = network.to(accelerator.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.network.parameters(), config.learning_rate, config.betas)

    @abstractmethod
    def learn(self, *batch: Tensor) -> dict[str, float]:
        """One step with a batch. Returns the losses. Raises ModelError."""

    @abstractmethod
    def save_weights(self, run: Path) -> None:
        """Write the averaged weights into the folder ``run``."""

    def _update(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, rate: float, clip: float = math.inf
    ) -> None:
        """One step of an optimizer, unless the loss or its gradient is not a number: that would spoil the weights."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), clip)
        if not (loss.isfinite() and norm.isfinite()):
            raise ModelError(
                f"The losses after step {self.step:,} are not numbers any more; what was saved before is untouched: "
                "go on from there with --resume and a lower --learning-rate."
            )
        for group in optimizer.param_groups:  # from the configuration of this session, whatever was saved
            group.update(lr=rate, betas=self.config.betas)
        optimizer.step()

    def _learning_rate(self) -> float:
        """Linear warm-up, constant, then linear to a hundredth over the last ``cooldown`` of the run."""
        config = self.config
        rising = (self.step + 1) / max(1, config.warmup)
        falling = (config.steps - self.step) / max(1.0, config.cooldown * config.steps)
        return config.learning_rate * min(1.0, rising, max(0.01, falling))

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.config.decay, self.step / (self.step + 10))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1 - decay)

    def state(self) -> dict:
        """All that ``restore`` needs to go on exactly."""
        return {"step": self.step} | {name: getattr(self, name).state_dict() for name in self.stateful}

    def restore(self, state: dict) -> None:
        """Go back to a ``state``. Raises DataError for that of another network."""
        try:
            for name in self.stateful:
                getattr(self, name).load_state_dict(state[name])
        except (KeyError, RuntimeError, ValueError) as error:
            raise DataError("The saved state is not one of this network; choose another folder.") from error
        self.step = state["step"]
