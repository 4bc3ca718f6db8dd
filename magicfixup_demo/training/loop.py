"""The training loop: resumable at any saved step with an identical continuation, on a CPU or a GPU unchanged."""

import contextlib
import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.weights import load_networks, save_networks
from magicfixup_demo.errors import DataError
from magicfixup_demo.perceptual import Lpips, load_lpips
from magicfixup_demo.training.config import TrainConfig
from magicfixup_demo.training.dataset import Batch, PairDataset
from magicfixup_demo.training.discriminator import PatchDiscriminator, hinge_real_and_fake, realism
from magicfixup_demo.training.objective import Prediction, critics_weight, predict_clean, reconstruction_loss
from magicfixup_demo.training.validation import Validator


def train(
    config: TrainConfig,
    train_folders: list[Path],
    val_folders: list[Path],
    run: Path,
    resume: bool = False,
    start: Path | None = None,
) -> Path:
    """Train until ``config.steps``; ``run`` gets config.json, log.jsonl, curve.png, sheet_*.png, state.pt and weights/.

    ``start``: a folder of weights to begin a new run from, instead of random ones.
    Stop it whenever you like: the last saved step is kept. Returns the folder of the averaged weights. Raises DataError
    when ``run`` already holds a run and ``resume`` is False.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    fill = PRESETS[config.preset].fill
    data = PairDataset(train_folders, run / f"cache_{fill.__name__}", config.kinds, config.crop, fill)
    trainer = Trainer(config, data, run, device)
    if (run / "state.pt").exists():
        if not resume:
            raise DataError(f"{run} already holds a run; add --resume to go on with it, or choose another folder.")
        trainer.restore()
    elif start is not None:
        trainer.begin_from(start)
    trainer.describe()
    validator = Validator(val_folders, run, config)
    with ThreadPoolExecutor(1) as loader:  # makes the next batch while the networks work on this one
        upcoming = loader.submit(trainer.batch, trainer.step)
        while trainer.step < config.steps:
            batch, upcoming = upcoming.result(), loader.submit(trainer.batch, trainer.step + 1)
            trainer.advance(batch)
            if trainer.step % config.save_every == 0 or trainer.step == config.steps:
                trainer.save()
            if trainer.step % config.evaluate_every == 0 or trainer.step == config.steps:
                validator.run_once(trainer.averaged, trainer.step)
    return run / "weights"


class Trainer:
    """The state of a run: networks, their moving average, the optimizer and the step number."""

    def __init__(self, config: TrainConfig, data: PairDataset, run: Path, device: torch.device):
        self.config, self.data, self.run, self.device = config, data, run, device
        self.step, self.started = 0, time.monotonic()
        torch.manual_seed(config.seed)
        self.pipeline = build_pipeline(PRESETS[config.preset]).to(device)
        self.averaged = build_pipeline(PRESETS[config.preset]).to(device)
        copy_weights(self.averaged, self.pipeline)
        for network in networks(self.pipeline):
            network.train().to(memory_format=torch.channels_last)
        self.lpips: Lpips = load_lpips().to(device)
        self.parameters = [p for network in networks(self.pipeline) for p in network.parameters()]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay
        )
        self.critic = PatchDiscriminator().to(device)
        self.critics_optimizer = torch.optim.AdamW(
            self.critic.parameters(), lr=config.critic_learning_rate, betas=(0.5, 0.99)
        )

    def batch(self, step: int) -> Batch:
        return self.data.batch(self.config.batch_size, self.config.seed, step).to(self.device)

    def advance(self, batch: Batch) -> None:
        """One optimizer step. Randomness depends on the seed and the step number only."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self._learning_rate_factor()
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.step)
        with self._precision():
            prediction = predict_clean(self.pipeline, batch, self.config, generator)
            loss, parts = reconstruction_loss(self.lpips, prediction, batch, self.config)
            if self.config.adversarial:
                loss = loss + self._criticise(prediction, batch, parts)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, self.config.clip)
        if torch.isfinite(norm):  # a rare overflow in half precision must not poison the weights
            self.optimizer.step()
        self.step += 1
        self._average()
        if self.step % 10 == 0 or self.step == 1:
            self._log(parts | {"gradient": float(norm)})

    def _criticise(self, prediction: Prediction, batch: Batch, parts: dict[str, float]) -> Tensor | float:
        """Train the critic on this batch; its opinion of the prediction, weighted, once it is listened to."""
        weight = critics_weight(prediction, batch)
        self.critic.requires_grad_(True)
        real = self.critic(batch.target, batch.mask)
        fake = self.critic(prediction.picture.detach(), batch.mask)
        own = hinge_real_and_fake(real, fake, weight).mean()
        self.critics_optimizer.zero_grad(set_to_none=True)
        own.backward()
        self.critics_optimizer.step()
        parts["critic"] = own.item()
        if self.step < self.config.critic_alone * self.config.steps:
            return 0.0
        self.critic.requires_grad_(False)  # only the picture learns from what follows
        opinion = realism(self.critic(prediction.picture, batch.mask), weight).mean()
        parts["realism"] = opinion.item()
        return self.config.adversarial * opinion

    def save(self) -> None:
        """Write the whole state, then the averaged weights; each replaces its predecessor in one move."""
        state = {
            "step": self.step,
            "networks": [network.state_dict() for network in networks(self.pipeline)],
            "averaged": [network.state_dict() for network in networks(self.averaged)],
            "optimizer": self.optimizer.state_dict(),
            "critic": self.critic.state_dict(),
            "critics_optimizer": self.critics_optimizer.state_dict(),
        }
        partial = self.run / "state.pt.part"
        torch.save(state, partial)
        partial.replace(self.run / "state.pt")
        save_networks(self.run / "weights", self.averaged)

    def restore(self) -> None:
        state = torch.load(self.run / "state.pt", map_location=self.device, weights_only=True)
        for pipeline, key in ((self.pipeline, "networks"), (self.averaged, "averaged")):
            for network, weights in zip(networks(pipeline), state[key], strict=True):
                network.load_state_dict(weights)
        self.optimizer.load_state_dict(state["optimizer"])
        self.critic.load_state_dict(state["critic"])
        self.critics_optimizer.load_state_dict(state["critics_optimizer"])
        self.step = state["step"]

    def begin_from(self, folder: Path) -> None:
        """Take the weights of another run (its averaged ones). Raises ModelError when they do not fit."""
        load_networks(folder, self.pipeline)
        copy_weights(self.averaged, self.pipeline)

    def describe(self) -> None:
        """Write the resolved configuration, the code's revision and the amount of data beside the run."""
        self.run.mkdir(parents=True, exist_ok=True)
        counts = {kind: len(items) for kind, items in self.data.by_kind.items()}
        record = {"config": asdict(self.config), "pairs": counts, "revision": _revision(), "from_step": self.step}
        (self.run / "config.json").write_text(json.dumps(record, indent=1))
        print(json.dumps(record), flush=True)

    def _learning_rate_factor(self) -> float:
        """Linear warm-up, constant, then linear to zero over the last ``cooldown`` of the run."""
        rising = min(1.0, (self.step + 1) / max(1, self.config.warmup))
        falling = (self.config.steps - self.step) / max(1.0, self.config.steps * self.config.cooldown)
        return min(rising, falling, 1.0)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.decay, (1 + self.step) / (10 + self.step))
        for slow, fast in zip(networks(self.averaged), networks(self.pipeline), strict=True):
            for a, b in zip(slow.parameters(), fast.parameters(), strict=True):
                a.lerp_(b, 1 - decay)

    def _precision(self):
        if not self.config.bfloat16:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def _log(self, parts: dict[str, float]) -> None:
        seconds = round(time.monotonic() - self.started, 1)
        line = json.dumps({"step": self.step, "seconds": seconds} | {k: round(v, 5) for k, v in parts.items()})
        with (self.run / "log.jsonl").open("a") as log:
            log.write(line + "\n")
        print(line, flush=True)


def networks(pipeline: MagicFixupPipeline) -> tuple[nn.Module, nn.Module]:
    """What is trained."""
    return pipeline.extractor, pipeline.synthesizer


def copy_weights(to: MagicFixupPipeline, source: MagicFixupPipeline) -> None:
    """Make the networks of both equal."""
    for a, b in zip(networks(to), networks(source), strict=True):
        a.load_state_dict(b.state_dict())


def _revision() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
