"""Training of the ground network: MI-GAN's weights, or ours, taken further on what this program asks for.

One loop, one process; stops on a signal or after so many minutes, and goes on from there.
"""

import copy
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from magicfixup_demo.engine.ground_network import GroundNetwork
from magicfixup_demo.engine.ground_weights import GROUND, convert, load_ground, save_ground
from magicfixup_demo.errors import DataError, OptionError
from magicfixup_demo.perceptual import load_lpips
from magicfixup_demo.training.discriminator import PatchDiscriminator, hinge_real_and_fake, realism
from magicfixup_demo.training.ground_samples import GroundSamples, draw, load_pictures, tensors
from magicfixup_demo.training.journal import append
from magicfixup_demo.training.state import has_state, load_state, save_state
from magicfixup_demo.training.stopping import Stop

CHECKPOINT_SECONDS = 600
SHEET = "sheet.jpg"
SHOWN = 12  # pictures on the contact sheet


@dataclass(frozen=True)
class GroundConfig:
    """Everything that decides a run, besides its data.

    ``size``: pixels a side. ``l1``, ``lpips``, ``adversarial``: weights of the losses, all of the hole alone.
    ``critic_alone``: steps before the critic is listened to. ``decay``: of the weights' moving average.
    """

    size: int = 256
    steps: int = 20_000
    batch_size: int = 8
    learning_rate: float = 1e-4
    critic_rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.99)
    warmup: int = 50
    cooldown: float = 0.3
    l1: float = 2.0
    lpips: float = 1.0
    adversarial: float = 0.04
    critic_alone: int = 200
    decay: float = 0.998
    evaluate_every: int = 250
    validation_samples: int = 48
    validation_size: int = 512
    seed: int = 0


PRESETS = {
    "ground-256": GroundConfig(),
    "ground-512": GroundConfig(size=512, batch_size=4, learning_rate=5e-5, steps=4000, critic_alone=100),
    "ground-tiny": GroundConfig(  # for tests
        size=128, batch_size=2, steps=4, warmup=1, critic_alone=1, evaluate_every=2, validation_samples=2,
        validation_size=128,
    ),
}  # fmt: skip


def ground_config(preset: str, **changes) -> GroundConfig:
    """A preset with some of its values replaced. Raises OptionError."""
    if preset not in PRESETS:
        raise OptionError(f"There is no preset {preset!r} for the ground network; choose {', '.join(PRESETS)}.")
    return replace(PRESETS[preset], **changes)


class GroundTrainer:
    """Networks, optimizers, moving average and counters of one run."""

    def __init__(self, config: GroundConfig, accelerator: Accelerator, state: dict[str, Tensor] | None):
        self.config, self.accelerator = config, accelerator
        device = accelerator.device
        network = GroundNetwork()
        if state is not None:
            network.load_state_dict(state)
        self.network = network.to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.critic = PatchDiscriminator().to(device, memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.network.parameters(), config.learning_rate, config.betas)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), config.critic_rate, config.betas)
        self.perceptual = load_lpips().to(device)
        self.step = 0

    def learn(self, seen: Tensor, known: Tensor, target: Tensor) -> dict[str, float]:
        """One step of both networks. seen, target (B, 3, S, S), known (B, 1, S, S). Returns the losses."""
        config, hole = self.config, 1 - known
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        with self.accelerator.autocast():
            made = self.network(seen, known).float()
            picture = target + (made - target) * hole
            losses = {"l1": _mean((made - target).abs(), hole), "lpips": self._perceptual(picture, target, hole)}
            heard = config.adversarial if self.step >= config.critic_alone else 0.0
            loss = config.l1 * losses["l1"] + config.lpips * losses["lpips"]
            if heard:
                self.critic.requires_grad_(False)
                losses["realism"] = realism(self.critic(picture, known), hole).mean()
                self.critic.requires_grad_(True)
                loss = loss + heard * losses["realism"]
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        if config.adversarial:
            with self.accelerator.autocast():
                real, fake = self.critic(target, known), self.critic(picture.detach(), known)
                losses["critic"] = hinge_real_and_fake(real, fake, hole).mean()
            self.critic_optimizer.zero_grad(set_to_none=True)
            losses["critic"].backward()
            self.critic_optimizer.step()
        self.step += 1
        self._follow()
        return {name: float(value.detach()) for name, value in losses.items()}

    def _perceptual(self, picture: Tensor, target: Tensor, hole: Tensor) -> Tensor:
        return self.perceptual(picture, target, hole).mean()

    def _learning_rate(self) -> float:
        config = self.config
        left = (config.steps - self.step) / max(1.0, config.cooldown * config.steps)
        return config.learning_rate * min(1.0, (self.step + 1) / config.warmup, max(0.01, left))

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.config.decay, self.step / (self.step + 10))
        for mean, value in zip(self.average.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    def state(self) -> dict:
        parts = ("network", "average", "critic", "optimizer", "critic_optimizer")
        return {"step": self.step} | {name: getattr(self, name).state_dict() for name in parts}

    def load(self, state: dict) -> None:
        self.step = state["step"]
        for name in ("network", "average", "critic", "optimizer", "critic_optimizer"):
            getattr(self, name).load_state_dict(state[name])


def start_state(path: Path) -> dict[str, Tensor]:
    """The weights to begin from: MI-GAN's ONNX file, or a ground.safetensors of ours."""
    return convert(path) if path.suffix == ".onnx" else load_ground(path).state_dict()


def train_ground(
    config: GroundConfig,
    data: Path,
    run: Path,
    start: Path | None = None,
    resume: bool = False,
    minutes: float | None = None,
) -> None:
    """Train until the steps are done, a signal comes, or ``minutes`` are over. Raises DataError, ModelError.

    ``run`` holds config.json, log.jsonl, validation.jsonl, sheet.jpg, the state, and the averaged weights.
    """
    if has_state(run) and not resume:
        raise DataError(f"{run} holds a run; go on with it by --resume, or choose another folder.")
    accelerator = Accelerator(mixed_precision="bf16")
    trainer = GroundTrainer(config, accelerator, start_state(start) if start else None)
    if resume and has_state(run):
        trainer.load(load_state(run))
    run.mkdir(parents=True, exist_ok=True)
    append(run / "config.json", asdict(config) | {"start": str(start.name if start else None), "step": trainer.step})
    print(config, flush=True)
    validation = _validation(config, data)
    pictures, shapes = load_pictures(data, "train")
    print(f"{len(pictures)} pictures, {len(shapes)} shapes; {len(validation)} validation samples", flush=True)
    seed = config.seed + trainer.step
    batches = iter(GroundSamples(pictures, shapes, config.size, config.batch_size, seed))
    if trainer.step == 0:
        evaluate_ground(trainer, validation, run)
    began, saved = time.monotonic(), time.monotonic()
    with Stop(minutes) as stop:
        while trainer.step < config.steps and not stop.asked(accelerator):
            losses = trainer.learn(*(part.to(accelerator.device) for part in next(batches)))
            if trainer.step % 10 == 0:
                seconds = round(time.monotonic() - began, 1)
                append(run / "log.jsonl", {"step": trainer.step, "seconds": seconds} | _rounded(losses))
            if trainer.step % config.evaluate_every == 0:
                evaluate_ground(trainer, validation, run)
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                _save(trainer, run)
                saved = time.monotonic()
    _save(trainer, run)
    print(f"Stopped at step {trainer.step} {stop.reason or 'at the end'}; go on with --resume.", flush=True)


def _save(trainer: GroundTrainer, run: Path) -> None:
    save_state(run, trainer.state())
    save_ground(run / GROUND, trainer.average)


def _validation(config: GroundConfig, data: Path) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Samples of photos that training never sees, the same ones in every run."""
    pictures, shapes = load_pictures(data, "val", videos=False)
    rng, made = np.random.default_rng(12345), []
    while len(made) < config.validation_samples:
        sample = draw(pictures, shapes, config.validation_size, rng)
        if sample is not None:
            made.append(tensors(sample))
    return made


@torch.no_grad()
def evaluate_ground(trainer: GroundTrainer, samples: list, run: Path) -> dict[str, float]:
    """LPIPS and PSNR of the hole by the averaged weights; appended to validation.jsonl, with a sheet of pictures."""
    device, totals, shown = trainer.accelerator.device, [], []
    for i, (seen, known, target) in enumerate(samples):
        seen, known, target = (part[None].to(device) for part in (seen, known, target))
        with trainer.accelerator.autocast():
            made = trainer.average(seen, known).float().clamp(-1, 1)
        picture = target + (made - target) * (1 - known)
        error = _mean((made - target).square(), 1 - known)
        distance = float(trainer.perceptual(picture, target, 1 - known))
        totals.append((distance, float(10 * torch.log10(4 / error))))
        if i < SHOWN:
            shown.append(torch.cat([seen * known, seen + (made - seen) * (1 - known), target], dim=3))
    lpips, psnr = np.mean(totals, axis=0)
    record = {"step": trainer.step, "lpips": round(float(lpips), 4), "psnr": round(float(psnr), 3)}
    append(run / "validation.jsonl", record)
    print(record, flush=True)
    _write_sheet(run / SHEET, shown)
    return record


def _write_sheet(path: Path, rows: list[Tensor]) -> None:
    pictures = [(row[0].permute(1, 2, 0).float().cpu().numpy() * 127.5 + 127.5).clip(0, 255) for row in rows]
    half = (len(pictures) + 1) // 2
    columns = [np.concatenate(part) for part in (pictures[:half], pictures[half:]) if part]
    height = max(len(column) for column in columns)
    columns = [np.pad(column, ((0, height - len(column)), (0, 0), (0, 0))) for column in columns]
    cv2.imwrite(str(path), np.concatenate(columns, axis=1)[..., ::-1].astype(np.uint8))


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / (weight.sum() * values.shape[1]).clamp_min(1.0)


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in values.items()}
