"""The state of a run and one step of it, the same on a CPU, a GPU and many GPUs (through accelerate)."""

import contextlib
from datetime import timedelta

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs, is_bf16_available
from torch import Tensor, nn

from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.errors import DataError, OptionError
from magicfixup_demo.perceptual import load_lpips
from magicfixup_demo.training.config import TrainConfig
from magicfixup_demo.training.critic import Critic
from magicfixup_demo.training.dataset import Batch, PairDataset
from magicfixup_demo.training.objective import (
    FixupNetworks,
    check_objective,
    draw_randomly,
    encode,
    predict,
    reconstruction_loss,
)

PATIENCE = timedelta(hours=4)  # how long processes wait for the one that validates


def make_accelerator(config: TrainConfig) -> Accelerator:
    """One process where nobody launched more; bfloat16 where the configuration says so and the device can."""
    precise = not config.bfloat16 or not is_bf16_available(ignore_tpu=True)
    return Accelerator(
        mixed_precision="no" if precise else "bf16",
        kwargs_handlers=[
            # The extractor's last block hands out its features half-way: the rest of it gets no gradient.
            DistributedDataParallelKwargs(find_unused_parameters=True),
            InitProcessGroupKwargs(timeout=PATIENCE),
        ],
    )


class Trainer:
    """Networks, their moving average, the critic, the optimizers and the step number.

    A batch is cut in parts of equal size; part ``i`` of a step is the same samples and the same noise whichever process
    works on it: two processes, or one that takes two parts in turn, make the same run up to rounding.
    """

    def __init__(self, config: TrainConfig, data: PairDataset, accelerator: Accelerator):
        self.config, self.data, self.accelerator = config, data, accelerator
        self.step = 0
        self.part_size, self.parts = _share(config, accelerator.num_processes, accelerator.process_index)
        torch.manual_seed(config.seed)
        self.pipeline = build_pipeline(PRESETS[config.preset]).to(accelerator.device)
        self.averaged = build_pipeline(PRESETS[config.preset]).to(accelerator.device)
        share_codec(self.averaged, self.pipeline)
        copy_weights(self.averaged, self.pipeline)
        check_objective(self.pipeline, config)
        for network in trained(self.pipeline):
            network.train().to(memory_format=torch.channels_last)
        self.lpips = load_lpips().to(accelerator.device) if "lpips" in config.losses else None
        self.parameters = [p for network in trained(self.pipeline) for p in network.parameters()]
        optimizer = torch.optim.AdamW(
            self.parameters, lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay
        )
        self.networks, self.optimizer = accelerator.prepare(FixupNetworks(self.pipeline), optimizer)
        self.critic = Critic(config)
        self.critic.network.to(accelerator.device)

    def batch(self, step: int) -> list[Batch]:
        """This process's parts of the batch of a step; they depend on (seed, step, part) only."""
        return [
            self.data.batch(self.part_size, part_seed(self.config.seed, part), step).to(self.accelerator.device)
            for part in self.parts
        ]

    def advance(self, batches: list[Batch]) -> dict[str, Tensor]:
        """One optimizer step. Returns the parts of the loss and the gradient's norm, each (), of this process."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self._learning_rate_factor()
        values = []
        for i, (part, batch) in enumerate(zip(self.parts, batches, strict=True)):
            last = i == len(batches) - 1  # gradients of several parts are added up, and exchanged once
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.networks):
                values.append(self._learn(batch, part, 1 / len(batches)))
        norm = self.accelerator.clip_grad_norm_(self.parameters, self.config.clip)
        if torch.isfinite(norm):  # a rare overflow in half precision must not poison the weights
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.config.adversarial:
            self.critic.step(self.accelerator)
        self.step += 1
        self._average()
        return {key: torch.stack([v[key] for v in values]).mean() for key in values[0]} | {"gradient": norm}

    def _learn(self, batch: Batch, part: int, share: float) -> dict[str, Tensor]:
        """Add one part's gradients."""
        generator = torch.Generator().manual_seed(step_seed(self.config.seed, self.step, part))
        with self.accelerator.autocast():
            latents = encode(self.pipeline.codec, batch, generator)
            draw = draw_randomly(latents.target, self.pipeline.scheduler, self.config, generator)
            prediction = predict(self.networks, self.pipeline, latents, draw, self.config)
            loss, values = reconstruction_loss(self.lpips, prediction, batch, self.config)
            if self.config.adversarial:
                values["critic"] = self.critic.learn(prediction, batch, share)
                if self.step >= self.config.critic_alone * self.config.steps:
                    opinion = self.critic.opinion(prediction, batch)
                    values["realism"] = opinion.detach()
                    loss = loss + self.config.adversarial * opinion
        self.accelerator.backward(loss * share)
        return values

    def state(self) -> dict:
        """All that ``restore`` needs to go on exactly."""
        return {
            "step": self.step,
            "networks": [network.state_dict() for network in trained(self.pipeline)],
            "averaged": [network.state_dict() for network in trained(self.averaged)],
            "optimizer": self.optimizer.state_dict(),
            "critic": self.critic.network.state_dict(),
            "critics_optimizer": self.critic.optimizer.state_dict(),
        }

    def restore(self, state: dict) -> None:
        """Go back to a ``state``. Raises DataError for that of another preset."""
        try:
            for pipeline, key in ((self.pipeline, "networks"), (self.averaged, "averaged")):
                for network, weights in zip(trained(pipeline), state[key], strict=True):
                    network.load_state_dict(weights)
            self.optimizer.load_state_dict(state["optimizer"])
            self.critic.network.load_state_dict(state["critic"])
            self.critic.optimizer.load_state_dict(state["critics_optimizer"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise DataError(
                f"The saved state does not fit the preset {self.config.preset}; resume with the preset it was "
                "made with, or choose another folder."
            ) from error
        self.step = state["step"]

    def _learning_rate_factor(self) -> float:
        """Linear warm-up, constant, then linear to zero over the last ``cooldown`` of the run."""
        rising = min(1.0, (self.step + 1) / max(1, self.config.warmup))
        falling = (self.config.steps - self.step) / max(1.0, self.config.steps * self.config.cooldown)
        return min(rising, falling, 1.0)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.decay, (1 + self.step) / (10 + self.step))
        slow = [p for network in trained(self.averaged) for p in network.parameters()]
        torch._foreach_lerp_(slow, self.parameters, 1 - decay)


def trained(pipeline: MagicFixupPipeline) -> tuple[nn.Module, nn.Module]:
    """The networks that are trained."""
    return pipeline.extractor, pipeline.synthesizer


def copy_weights(to: MagicFixupPipeline, source: MagicFixupPipeline) -> None:
    """Make the trained networks of both equal."""
    for a, b in zip(trained(to), trained(source), strict=True):
        a.load_state_dict(b.state_dict())


def share_codec(to: MagicFixupPipeline, source: MagicFixupPipeline) -> None:
    """Give ``to`` the autoencoder of ``source`` (none is trained), frozen."""
    if source.vae is not None:
        source.vae.requires_grad_(False)
        to.register_modules(vae=source.vae)
        to.codec = source.codec


def part_seed(seed: int, part: int) -> int:
    """The seed of the samples of a part of each batch; the first part's is the run's own."""
    return seed + (part << 32)


def step_seed(seed: int, step: int, part: int) -> int:
    """The seed of the noise of a part of a step: 32 bits, since torch's generator on the CPU looks at no more."""
    return int(np.random.SeedSequence([seed, step, part]).generate_state(1)[0])


def _share(config: TrainConfig, processes: int, index: int) -> tuple[int, range]:
    """Samples in a part, and the numbers of the parts that process ``index`` works on. Raises OptionError."""
    share = config.batch_size // processes
    size = min(config.at_once, share)
    if size < 1 or share * processes != config.batch_size or share % size:
        raise OptionError(
            f"A batch of {config.batch_size} cannot be shared by {processes} processes, {config.at_once} samples at "
            "once; choose numbers that divide it."
        )
    count = share // size
    return size, range(index * count, (index + 1) * count)
