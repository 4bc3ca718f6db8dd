"""Training of the ground network: MI-GAN's weights, or ours, taken further on what this program asks for."""

from pathlib import Path

from torch import Tensor

from magicfixup_demo.engine.backends import keep_freed_memory
from magicfixup_demo.engine.ground_weights import convert, load_ground
from magicfixup_demo.training.ground_config import GroundConfig
from magicfixup_demo.training.ground_samples import GroundSamples, load_pictures
from magicfixup_demo.training.ground_trainer import GroundTrainer
from magicfixup_demo.training.ground_validation import GroundValidator
from magicfixup_demo.training.loop import Outcome, say
from magicfixup_demo.training.network_run import accelerator_for, begin_record, go_on, saved_state
from magicfixup_demo.training.stopping import Stop


def train_ground(
    config: GroundConfig,
    data: Path,
    run: Path,
    start: Path | None = None,
    resume: bool = False,
    minutes: float | None = None,
) -> Outcome:
    """Train until ``config.steps``, ``minutes`` have passed, or a signal asks for a stop; then save.

    ``data``: photos with object masks, and clips. ``start``: weights to begin a new run from. ``run`` gets config.json,
    log.jsonl, validation.jsonl, sheet.jpg, state.pt (and the one before it) and ground.safetensors, the averaged
    weights. Raises DataError for unusable data, and when ``run`` already holds a run and ``resume`` is False;
    ModelError for unusable weights, and when the losses are not numbers any more.
    """
    keep_freed_memory()
    with Stop(minutes) as stop:
        # 1. Networks, and what was saved of them
        saved = saved_state(run, resume)
        accelerator = accelerator_for(config.bfloat16)
        trainer = GroundTrainer(config, accelerator, start_state(start) if start and not saved else None)
        if saved:
            trainer.restore(saved)
        # 2. Pictures: never seen, and to learn from
        validator = GroundValidator(data, config.validation_samples, config.validation_size, accelerator, say)
        pictures, shapes = load_pictures(data, "train")
        # 3. The steps
        begin_record(run, trainer, start=str(start) if start else None, pictures=len(pictures), shapes=len(shapes))
        samples = GroundSamples(pictures, shapes, config.size, config.batch_size, config.seed)
        return go_on(trainer, samples, validator, run, stop)


def start_state(path: Path) -> dict[str, Tensor]:
    """The weights to begin from: MI-GAN's ONNX file, or a ground.safetensors of ours. Raises ModelError."""
    return convert(path) if path.suffix == ".onnx" else load_ground(path).state_dict()
