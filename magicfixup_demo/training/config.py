"""One dataclass with presets; printed and written beside every run."""

from dataclasses import dataclass, field, replace

from magicfixup_demo.errors import OptionError


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run, besides its data.

    ``crop``: pixels a side of a training picture. ``dropped``: share of samples that train SDEdit's unconditional
    view (0.2 in the paper). ``from_coarse``: share of the others whose noisy input is the noised coarse edit, as at the
    start of inference, and not the noised target. ``decay``: of the weights' moving average. ``kinds``: sampling
    weights. ``adversarial``: weight of the critic's opinion, 0 without one; the critic learns from the start of the run
    and is listened to after the share ``critic_alone`` of it.
    """

    preset: str = "small"
    steps: int = 6000
    batch_size: int = 8
    crop: int = 256
    learning_rate: float = 4e-4
    warmup: int = 100
    cooldown: float = 0.3
    weight_decay: float = 0.01
    clip: float = 1.0
    decay: float = 0.995
    dropped: float = 0.15
    from_coarse: float = 0.6
    least_start: int = 150
    charbonnier: float = 1.0
    lpips: float = 1.0
    adversarial: float = 0.0
    critic_alone: float = 0.05
    critic_learning_rate: float = 2e-4
    bfloat16: bool = True
    save_every: int = 100
    evaluate_every: int = 500
    validation_pairs: int = 24
    seed: int = 0
    kinds: dict[str, float] = field(
        default_factory=lambda: {"affine": 0.3, "flow": 0.12, "moved": 0.33, "intruder": 0.25, "other": 0.3}
    )


TRAIN_PRESETS: dict[str, TrainConfig] = {
    "tiny": TrainConfig(
        preset="tiny",
        steps=4,
        batch_size=2,
        crop=64,
        save_every=2,
        evaluate_every=4,
        validation_pairs=2,
        bfloat16=False,
        adversarial=0.05,
    ),
    "small": TrainConfig(adversarial=0.05),
    "small-gpu": TrainConfig(
        steps=120_000,
        batch_size=64,
        learning_rate=3e-4,
        warmup=1000,
        decay=0.9995,
        save_every=1000,
        adversarial=0.05,
    ),
}


def train_config(name: str, **changes) -> TrainConfig:
    """A preset with some fields changed. Raises OptionError for an unknown name."""
    if name not in TRAIN_PRESETS:
        raise OptionError(f"There is no training preset {name!r}; choose one of {', '.join(TRAIN_PRESETS)}.")
    return replace(TRAIN_PRESETS[name], **changes)
