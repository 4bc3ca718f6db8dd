"""One dataclass with presets, for training the ground network; written beside every run."""

from dataclasses import dataclass, replace

from magicfixup_demo.errors import OptionError
from magicfixup_demo.training.network_trainer import StepConfig


@dataclass(frozen=True)
class GroundConfig(StepConfig):
    """Everything that decides a run, besides its data and the weights it begins from.

    ``l1``, ``lpips``, ``adversarial``: weights of the losses, all of the hole alone; without ``adversarial`` there is
    no critic. ``critic_alone``: steps before the critic is listened to.
    """

    size: int = 256
    steps: int = 20_000
    batch_size: int = 8
    learning_rate: float = 1e-4
    warmup: int = 50
    cooldown: float = 0.4
    evaluate_every: int = 250
    validation_samples: int = 48
    critic_rate: float = 2e-4
    l1: float = 4.0
    lpips: float = 1.0
    adversarial: float = 0.05
    critic_alone: int = 200
    validation_size: int = 512


GROUND_PRESETS = {
    "ground-256": GroundConfig(),
    "ground-512": GroundConfig(size=512, batch_size=4, learning_rate=5e-5, steps=4000, critic_alone=100),
    "ground-tiny": GroundConfig(  # for tests
        size=128, batch_size=2, steps=4, warmup=1, critic_alone=1, bfloat16=False, evaluate_every=2,
        validation_samples=2, validation_size=128,
    ),
}  # fmt: skip


def ground_config(preset: str, **changes) -> GroundConfig:
    """A preset with some of its values replaced. Raises OptionError."""
    if preset not in GROUND_PRESETS:
        raise OptionError(f"There is no preset {preset!r} for the ground network; choose {', '.join(GROUND_PRESETS)}.")
    return replace(GROUND_PRESETS[preset], **changes)
