"""One step of a run of the ground network: losses of the hole, and a critic."""

import random
from pathlib import Path

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor

from magicfixup_demo.engine.ground_network import GroundNetwork
from magicfixup_demo.engine.ground_weights import GROUND
from magicfixup_demo.engine.weights import save_file_of
from magicfixup_demo.perceptual import load_lpips
from magicfixup_demo.training.discriminator import FACTOR, PatchDiscriminator, hinge_real_and_fake, realism
from magicfixup_demo.training.ground_config import GroundConfig
from magicfixup_demo.training.network_trainer import NetworkTrainer

MOST_SHIFT = 8  # pixels
SCALES = (0.75, 1.2)


class GroundTrainer(NetworkTrainer):
    """Networks, optimizers, moving average and step number of one run. ``state``: weights to begin from."""

    stateful = ("network", "average", "critic", "optimizer", "critic_optimizer")
    weights = GROUND

    def __init__(self, config: GroundConfig, accelerator: Accelerator, state: dict[str, Tensor] | None = None):
        torch.manual_seed(config.seed)
        network = GroundNetwork()
        if state is not None:
            network.load_state_dict(state)
        super().__init__(config, accelerator, network)
        self.critic = PatchDiscriminator().to(accelerator.device, memory_format=torch.channels_last)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), config.critic_rate, config.betas)
        self.perceptual = load_lpips().to(accelerator.device)

    def learn(self, seen: Tensor, known: Tensor, target: Tensor) -> dict[str, float]:
        """One step of both networks with a batch of GroundSamples. Returns the losses. Raises ModelError."""
        seen, known, target = (part.to(self.accelerator.device) for part in (seen, known, target))
        with self.accelerator.autocast():
            made = self.network(seen, known).float()
            picture = target + (made - target) * (1 - known)
            l1 = mean_where(1 - known, (picture - target).abs())
            picture, known, target = self._as_judged(picture, known, target)
            losses = {"l1": l1} | self._losses(picture, known, target)
        weights = {"l1": self.config.l1, "lpips": self.config.lpips, "realism": self.config.adversarial}
        loss = sum(weights[name] * value for name, value in losses.items())
        self._update(self.network, self.optimizer, loss, self._learning_rate(), self.config.clip)
        if self.config.adversarial:
            with self.accelerator.autocast():
                real, fake = self.critic(target, known), self.critic(picture.detach(), known)
                losses["critic"] = hinge_real_and_fake(real, fake, 1 - known).mean()
            self._update(self.critic, self.critic_optimizer, losses["critic"], self.config.critic_rate)
        self.step += 1
        self._follow()
        return {name: float(value.detach()) for name, value in losses.items()}

    def save_weights(self, run: Path) -> None:
        save_file_of(run / self.weights, self.average)

    def _as_judged(self, *pictures: Tensor) -> list[Tensor]:
        """The same shifted by a few pixels and a little larger or smaller, drawn for each step.

        Whoever judges has a grid of its own (LPIPS looks at every fourth pixel first). Where it lies still over the
        network's own grid the network learns to please it with a weave.
        """
        rng = random.Random(f"{self.config.seed} {self.step}")
        down, right = rng.randrange(MOST_SHIFT), rng.randrange(MOST_SHIFT)
        scale = rng.uniform(*SCALES)
        pictures = [picture[..., down:, right:] for picture in pictures]
        size = [round(side * scale / FACTOR) * FACTOR for side in pictures[0].shape[-2:]]
        return [F.interpolate(picture, size, mode="bilinear", antialias=scale < 1) for picture in pictures]

    def _losses(self, picture: Tensor, known: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Of the network, each (). picture: what it made, in the hole of the target, (B, 3, S, S) in about -1..1."""
        hole = 1 - known
        losses = {"lpips": self.perceptual(picture, target, hole).mean()}
        if self.config.adversarial and self.step >= self.config.critic_alone:
            self.critic.requires_grad_(False)
            losses["realism"] = realism(self.critic(picture, known), hole).mean()
            self.critic.requires_grad_(True)
        return losses


def mean_where(weight: Tensor, values: Tensor) -> Tensor:
    """The mean of values (B, C, H, W) where weight (B, 1, H, W) is 1 and not 0: (), of all samples together."""
    return (values * weight).sum() / (weight.sum() * values.shape[1]).clamp_min(1.0)
