"""Training of the effect network on shadows that are drawn for it: its presets, its losses, how it is judged."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor

from magicfixup_demo.engine.backends import keep_freed_memory
from magicfixup_demo.engine.effect_network import EFFECTS, EffectNetwork, strength_of
from magicfixup_demo.engine.weights import load_file_of, save_file_of
from magicfixup_demo.errors import OptionError
from magicfixup_demo.training.effect_samples import EffectSample, EffectSamples, batched, draw_effects
from magicfixup_demo.training.ground_samples import load_pictures
from magicfixup_demo.training.ground_trainer import mean_where
from magicfixup_demo.training.journal import append
from magicfixup_demo.training.loop import Outcome, say
from magicfixup_demo.training.network_run import SHEET, VALIDATION, accelerator_for, begin_record, go_on, saved_state
from magicfixup_demo.training.network_trainer import NetworkTrainer, StepConfig
from magicfixup_demo.training.stopping import Stop

SHADED = 0.1  # share of light taken, from which on a place counts as under the effect
SHOWN = 12  # samples on the contact sheet
SEED = 12345


@dataclass(frozen=True)
class EffectConfig(StepConfig):
    """Everything that decides a run, besides its data and the weights it begins from.

    ``inside``, ``strength``: weights of the losses. ``validation_samples``: on plain ground, and as many on busy.
    """

    size: int = 192
    steps: int = 100_000
    batch_size: int = 16
    learning_rate: float = 4e-4
    warmup: int = 200
    cooldown: float = 0.3
    evaluate_every: int = 500
    validation_samples: int = 64
    betas: tuple[float, float] = (0.9, 0.99)
    inside: float = 1.0
    strength: float = 20.0


EFFECT_PRESETS = {
    "effects-128": EffectConfig(size=128, batch_size=32, learning_rate=5e-4),
    "effects-192": EffectConfig(),
    "effects-256": EffectConfig(size=256, batch_size=8, learning_rate=2e-4, steps=50_000),
    "effects-tiny": EffectConfig(  # for tests
        size=64, batch_size=2, steps=4, warmup=1, bfloat16=False, evaluate_every=2, validation_samples=2
    ),
}  # fmt: skip


def effect_config(preset: str, **changes) -> EffectConfig:
    """A preset with some of its values replaced. Raises OptionError."""
    if preset not in EFFECT_PRESETS:
        raise OptionError(f"There is no preset {preset!r} for the effect network; choose {', '.join(EFFECT_PRESETS)}.")
    return replace(EFFECT_PRESETS[preset], **changes)


def train_effects(
    config: EffectConfig,
    data: Path,
    run: Path,
    start: Path | None = None,
    resume: bool = False,
    minutes: float | None = None,
) -> Outcome:
    """Train until ``config.steps``, ``minutes`` have passed, or a signal asks for a stop; then save.

    Files, arguments and errors as in training.ground.train_ground; the averaged weights are effects.safetensors.
    """
    keep_freed_memory()
    with Stop(minutes) as stop:
        # 1. The network, and what was saved of it
        saved = saved_state(run, resume)
        trainer = EffectTrainer(config, accelerator_for(config.bfloat16), start if not saved else None)
        if saved:
            trainer.restore(saved)
        # 2. Pictures: never seen, and to learn from
        validator = EffectValidator(data, config, trainer.accelerator, say)
        pictures, shapes = load_pictures(data, "train")
        # 3. The steps
        begin_record(run, trainer, start=str(start) if start else None, pictures=len(pictures), shapes=len(shapes))
        samples = EffectSamples(pictures, shapes, config.size, config.batch_size, config.seed)
        return go_on(trainer, samples, validator, run, stop)


class EffectTrainer(NetworkTrainer):
    """Where the effect is, as a question of yes or no; how much light it takes, squared.

    Without the first a network learns the line of contact alone: most places have no effect.
    """

    weights = EFFECTS

    def __init__(self, config: EffectConfig, accelerator: Accelerator, start: Path | None = None):
        torch.manual_seed(config.seed)
        super().__init__(config, accelerator, load_file_of(EffectNetwork, start) if start else EffectNetwork())

    def learn(self, seen: Tensor, mask: Tensor, taken: Tensor, judged: Tensor) -> dict[str, float]:
        """One step with a batch of EffectSamples. Returns the losses. Raises ModelError."""
        seen, mask, taken, judged = (part.to(self.accelerator.device) for part in (seen, mask, taken, judged))
        seen = seen.contiguous(memory_format=torch.channels_last)
        with self.accelerator.autocast():
            logits = self.network(seen, mask)
        logits = logits.float()
        inside = F.binary_cross_entropy_with_logits(logits[:, :1], _is_inside(taken), reduction="none")
        losses = {
            "inside": mean_where(judged, inside),
            "strength": mean_where(judged, (strength_of(logits) - taken).square()),
        }
        loss = self.config.inside * losses["inside"] + self.config.strength * losses["strength"]
        self._update(self.network, self.optimizer, loss, self._learning_rate(), self.config.clip)
        self.step += 1
        self._follow()
        return {name: float(value.detach()) for name, value in losses.items()}

    def save_weights(self, run: Path) -> None:
        save_file_of(run / self.weights, self.average)


def _is_inside(taken: Tensor) -> Tensor:
    """1 where more than SHADED is taken, less where less is: a threshold alone would hide the way to it."""
    return (taken / SHADED).clamp(0, 1)


class EffectValidator:
    """Samples on plain and on busy ground, from the photos of the val side below ``data``. Raises DataError."""

    def __init__(self, data: Path, config: EffectConfig, accelerator: Accelerator, say: Callable[[str], None]):
        self.accelerator, self.say = accelerator, say
        pictures, shapes = load_pictures(data, "val", videos=False)
        whole, rng = [shape for shape in shapes if shape.whole], np.random.default_rng(SEED)
        self.samples = {
            name: draw_effects(pictures, whole, config.size, config.validation_samples, rng, plain_share)
            for name, plain_share in (("plain", 1.0), ("busy", 0.0))
        }

    @torch.no_grad()
    def run_once(self, network: EffectNetwork, run: Path, step: int) -> None:
        """IoU at SHADED and the mean error where either says so: a line in ``run``/validation.jsonl, and a sheet."""
        figures, rows = {}, []
        for name, samples in self.samples.items():
            both, either, error = 0, 0, 0.0
            for sample in samples:
                made = self._made(network, sample)
                found, true = (made > SHADED) & sample.judged, (sample.taken > SHADED) & sample.judged
                both, either = both + (found & true).sum(), either + (found | true).sum()
                error += np.abs(made - sample.taken)[found | true].sum()
                if len(rows) < SHOWN * (1 + (name == "busy")) // 2:
                    rows.append(_row(sample, made))
            figures |= {f"iou_{name}": both / max(either, 1), f"error_{name}": error / max(either, 1)}
        figures = {name: round(float(value), 4) for name, value in figures.items()}
        append(run / VALIDATION, {"step": step} | figures)
        self.say(f"evaluation after step {step:,}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))
        cv2.imwrite(str(run / SHEET), np.vstack(rows)[..., ::-1])

    def _made(self, network: EffectNetwork, sample: EffectSample) -> np.ndarray:
        seen, mask, *_ = (part.to(self.accelerator.device) for part in batched([sample]))
        with self.accelerator.autocast():
            logits = network(seen, mask)
        return strength_of(logits.float())[0, 0].cpu().numpy()


def _row(sample: EffectSample, made: np.ndarray) -> np.ndarray:
    """The picture, the object's mask, what was found, the truth: (S, 4 S, 3) uint8."""
    maps = [255.0 * sample.mask, 255 * (1 - made), 255 * (1 - sample.taken)]
    grey = [np.repeat(values[..., None], 3, axis=2).astype(np.uint8) for values in maps]
    return np.hstack([sample.seen, *grey])
