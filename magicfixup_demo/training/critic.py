"""The adversarial part of training: a critic that learns to tell predictions from photos, and its opinion of them."""

import torch
from accelerate import Accelerator
from torch import Tensor

from magicfixup_demo.training.config import TrainConfig
from magicfixup_demo.training.dataset import Batch
from magicfixup_demo.training.discriminator import PatchDiscriminator, hinge_real_and_fake, realism
from magicfixup_demo.training.objective import Prediction, critics_weight


class Critic:
    """The discriminator and its optimizer. Small enough that its gradients are averaged over processes by hand."""

    def __init__(self, config: TrainConfig):
        self.network = PatchDiscriminator()
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=config.critic_learning_rate, betas=(0.5, 0.99))

    def learn(self, prediction: Prediction, batch: Batch, share: float) -> Tensor:
        """Add ``share`` of this part's gradients to the critic's own. Returns its loss, ()."""
        weight = critics_weight(prediction, batch)
        real = self.network(batch.target, batch.mask)
        fake = self.network(prediction.picture.detach(), batch.mask)
        own = hinge_real_and_fake(real, fake, weight).mean()
        (own * share).backward()
        return own.detach()

    def opinion(self, prediction: Prediction, batch: Batch) -> Tensor:
        """The loss of the networks that are criticised, (); the critic learns nothing from it."""
        self.network.requires_grad_(False)
        scores = self.network(prediction.picture, batch.mask)
        self.network.requires_grad_(True)
        return realism(scores, critics_weight(prediction, batch)).mean()

    def step(self, accelerator: Accelerator) -> None:
        """Average what the processes learned, and take one optimizer step."""
        if accelerator.num_processes > 1:
            for parameter in self.network.parameters():
                parameter.grad = accelerator.reduce(parameter.grad, reduction="mean")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
