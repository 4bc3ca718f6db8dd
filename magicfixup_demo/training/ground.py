"""Training of the ground network: MI-GAN's weights, or ours, taken further on what this program asks for.

One loop, one process; it stops on a signal or after so many minutes, and a resumed run is the same run.
"""

import contextlib
import shlex
import sys
import time
from dataclasses import asdict
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import is_bf16_available
from torch import Tensor

from magicfixup_demo.engine.backends import keep_freed_memory
from magicfixup_demo.engine.ground_weights import GROUND, convert, load_ground, save_ground
from magicfixup_demo.errors import DataError
from magicfixup_demo.training.ground_config import GroundConfig
from magicfixup_demo.training.ground_samples import GroundSamples, load_pictures
from magicfixup_demo.training.ground_trainer import GroundTrainer
from magicfixup_demo.training.ground_validation import VALIDATION, GroundValidator
from magicfixup_demo.training.journal import Journal, forget_after
from magicfixup_demo.training.loop import Outcome, say
from magicfixup_demo.training.record import hardware, revision, write_record
from magicfixup_demo.training.state import has_state, load_state, save_state
from magicfixup_demo.training.stopping import Stop

CHECKPOINT_SECONDS = 600


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
        trainer = set_up(config, run, start, resume)
        # 2. Pictures: never seen, and to learn from
        accelerator = trainer.accelerator
        validator = GroundValidator(data, config.validation_samples, config.validation_size, accelerator, say)
        pictures, shapes = load_pictures(data, "train")
        # 3. What is written about the run
        run.mkdir(parents=True, exist_ok=True)
        write_record(run, _description(trainer, start) | {"pictures": len(pictures), "shapes": len(shapes)})
        for name in ("log.jsonl", VALIDATION):
            forget_after(run / name, trainer.step or -1)  # a run that begins is judged before its first step
        # 4. The steps
        samples = GroundSamples(pictures, shapes, config.size, config.batch_size, config.seed)
        outcome = go_on(trainer, samples, validator, run, stop)
    say(str(outcome))
    return outcome


def set_up(config: GroundConfig, run: Path, start: Path | None, resume: bool) -> GroundTrainer:
    """A trainer at the saved step, or at the first one. Raises DataError or ModelError."""
    saved = has_state(run)
    if saved and not resume:
        raise DataError(f"{run} already holds a run; add --resume to go on with it, or choose another folder.")
    half = config.bfloat16 and is_bf16_available(ignore_tpu=True)
    accelerator = Accelerator(mixed_precision="bf16" if half else "no")
    trainer = GroundTrainer(config, accelerator, start_state(start) if start and not saved else None)
    if saved:
        trainer.restore(load_state(run))
    return trainer


def start_state(path: Path) -> dict[str, Tensor]:
    """The weights to begin from: MI-GAN's ONNX file, or a ground.safetensors of ours. Raises ModelError."""
    return convert(path) if path.suffix == ".onnx" else load_ground(path).state_dict()


def go_on(trainer: GroundTrainer, samples: GroundSamples, validator: GroundValidator, run: Path, stop: Stop) -> Outcome:
    """Step, log, save and evaluate until the end or ``stop``."""
    config = trainer.config
    journal = Journal(run, trainer.step, config.steps, config.batch_size, say)
    if trainer.step == 0:
        validator.run_once(trainer.average, run, 0)
    asked, saved = False, time.monotonic()
    with contextlib.closing(samples.from_step(trainer.step)) as batches:
        while trainer.step < config.steps and not asked:
            losses = trainer.learn(*next(batches))
            if Journal.due(trainer.step):
                journal.write(trainer.step, losses)
            journal.forecast(trainer.step)
            asked = stop.asked(trainer.accelerator)
            judged = trainer.step % config.evaluate_every == 0 or trainer.step == config.steps
            if asked or judged or time.monotonic() - saved > CHECKPOINT_SECONDS:
                save(trainer, run)
                saved = time.monotonic()
            if judged:
                validator.run_once(trainer.average, run, trainer.step)
    return Outcome(run / GROUND, trainer.step, stop.reason if trainer.step < config.steps else None)


def save(trainer: GroundTrainer, run: Path) -> None:
    """The state, then the averaged weights."""
    save_state(run, trainer.state())
    save_ground(run / GROUND, trainer.average)


def _description(trainer: GroundTrainer, start: Path | None) -> dict:
    """Everything that tells this session from another, ready for JSON."""
    return {
        "config": asdict(trainer.config),
        "start": str(start) if start else None,
        "from_step": trainer.step,
        "revision": revision(),
        "command": shlex.join(sys.orig_argv),
        "hardware": hardware(trainer.accelerator.device),
        "precision": trainer.accelerator.mixed_precision,
    }
