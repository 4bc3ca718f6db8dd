"""One dataclass with presets; printed and written beside every run."""

from dataclasses import dataclass, field, replace

from magicfixup_demo.errors import OptionError

PICTURE_LOSSES = frozenset({"charbonnier", "lpips", "ssim"})  # of decoded pictures; "mse" is of the networks' output
ALL_KINDS = {"affine": 0.3, "flow": 0.12, "moved": 0.33, "intruder": 0.25, "other": 0.3}
PAPERS_KINDS = {"affine": 0.5, "flow": 0.5, "other": 0.5}  # the two motion models, half and half


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run, besides its data.

    ``batch_size``: samples a step, over all processes together; each process works through its share ``at_once``
    samples at a time (or its whole share, where that is less). ``crop``: pixels a side of a training picture.
    ``dropped``: share of samples that train SDEdit's unconditional view (0.2 in the paper). ``from_coarse``: share of
    the others whose noisy input is the noised coarse edit, as at the start of inference, and not the noised target,
    with timesteps from ``least_start`` to ``most_start``, around where the pipeline starts. ``decay``: of the weights'
    moving average. ``losses``: weight of each loss of ``losses.py``. ``adversarial``: weight of the critic's opinion, 0
    without one; the critic learns from the start of the run and is listened to after the share ``critic_alone`` of it.
    ``kinds``: sampling weights.
    ``needs_start``: random weights are no place to begin (the autoencoder of the latent model is never trained).
    ``validation_steps``: few and many; ``validation_strength``: where the pipeline starts (see MagicFixupPipeline).
    """

    preset: str = "small"
    steps: int = 6000
    batch_size: int = 8
    at_once: int = 16
    crop: int = 256
    learning_rate: float = 4e-4
    betas: tuple[float, float] = (0.9, 0.99)
    warmup: int = 100
    cooldown: float = 0.3
    weight_decay: float = 0.01
    clip: float = 1.0
    decay: float = 0.995
    dropped: float = 0.15
    from_coarse: float = 0.6
    least_start: int = 100
    most_start: int = 400
    losses: dict[str, float] = field(default_factory=lambda: {"charbonnier": 1.0, "lpips": 1.0})
    adversarial: float = 0.0
    critic_alone: float = 0.05
    critic_learning_rate: float = 2e-4
    bfloat16: bool = True
    save_every: int = 100
    evaluate_every: int = 500
    validation_pairs: int = 24
    validation_steps: tuple[int, int] = (1, 4)
    validation_strength: float = 0.2
    needs_start: bool = False
    seed: int = 0
    kinds: dict[str, float] = field(default_factory=lambda: dict(ALL_KINDS))

    @property
    def compares_pictures(self) -> bool:
        """Whether the loss needs the predicted picture, and not only the network's output."""
        return bool(PICTURE_LOSSES & self.losses.keys()) or self.adversarial > 0


_TINY = TrainConfig(
    preset="tiny",
    steps=4,
    batch_size=2,
    crop=64,
    save_every=2,
    evaluate_every=4,
    validation_pairs=2,
    bfloat16=False,
    adversarial=0.05,
)

# The paper's numbers (METHODS: "Training"): 512 pixels, 120,000 steps of 32 samples, Adam 1e-5, a fifth of the
# conditions dropped, plain mean squared error of the noise. The moving average and the clipping are ours.
_PAPER = TrainConfig(
    preset="magicfixup",
    steps=120_000,
    batch_size=32,
    at_once=4,
    crop=512,
    learning_rate=1e-5,
    betas=(0.9, 0.999),
    warmup=0,
    cooldown=0.0,
    weight_decay=0.0,
    decay=0.9999,
    dropped=0.2,
    from_coarse=0.0,
    losses={"mse": 1.0},
    save_every=1000,
    evaluate_every=5000,
    validation_steps=(10, 50),
    validation_strength=1.0,
    needs_start=True,
    kinds=PAPERS_KINDS,
)

TRAIN_PRESETS: dict[str, TrainConfig] = {
    "tiny": _TINY,
    "small": TrainConfig(adversarial=0.05),
    "small-gpu": TrainConfig(
        steps=120_000,
        batch_size=64,
        at_once=64,
        learning_rate=3e-4,
        warmup=1000,
        decay=0.9995,
        save_every=1000,
        evaluate_every=5000,
        adversarial=0.05,
    ),
    "magicfixup-tiny": replace(
        _PAPER,
        preset="magicfixup-tiny",
        steps=2,
        batch_size=2,
        crop=64,
        save_every=2,
        evaluate_every=2,
        validation_pairs=1,
        validation_steps=(1, 2),
        bfloat16=False,
        needs_start=False,
        kinds=dict(ALL_KINDS),
    ),
    "magicfixup": _PAPER,
}


def train_config(name: str, **changes) -> TrainConfig:
    """A preset with some fields changed. Raises OptionError for an unknown name."""
    if name not in TRAIN_PRESETS:
        raise OptionError(f"There is no training preset {name!r}; choose one of {', '.join(TRAIN_PRESETS)}.")
    return replace(TRAIN_PRESETS[name], **changes)
