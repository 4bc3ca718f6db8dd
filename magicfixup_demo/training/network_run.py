"""The loop of a run that trains one network: step, log, save, evaluate; it stops on a signal and is resumed exactly."""

import contextlib
import shlex
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Protocol

from accelerate import Accelerator
from accelerate.utils import is_bf16_available
from torch import Tensor, nn

from magicfixup_demo.errors import DataError
from magicfixup_demo.training.journal import Journal, forget_after
from magicfixup_demo.training.loop import Outcome, say
from magicfixup_demo.training.network_trainer import NetworkTrainer
from magicfixup_demo.training.record import hardware, revision, write_record
from magicfixup_demo.training.state import has_state, load_state, save_state
from magicfixup_demo.training.stopping import Stop

CHECKPOINT_SECONDS = 600
VALIDATION, SHEET = "validation.jsonl", "sheet.jpg"


class Batches(Protocol):
    """Batches for steps; one depends on the seed and the step alone, so that a resumed run is the same run."""

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """What NetworkTrainer.learn takes at that step. Raises DataError where the data gives none."""
        ...


class Validator(Protocol):
    """Judges a network by samples that training never sees, the same ones every time."""

    def run_once(self, network: nn.Module, run: Path, step: int) -> None:
        """Write a line into ``run``/validation.jsonl and a sheet of pictures, and say the figures."""
        ...


def accelerator_for(bfloat16: bool) -> Accelerator:
    """In bfloat16 where that is wanted and the machine has it."""
    half = bfloat16 and is_bf16_available(ignore_tpu=True)
    return Accelerator(mixed_precision="bf16" if half else "no")


def saved_state(run: Path, resume: bool) -> dict | None:
    """The state to go on from, None for a new run. Raises DataError where a run would be overwritten."""
    if not has_state(run):
        return None
    if not resume:
        raise DataError(f"{run} already holds a run; add --resume to go on with it, or choose another folder.")
    return load_state(run)


def begin_record(run: Path, trainer: NetworkTrainer, **facts: object) -> None:
    """Write down everything that tells this session from another, and drop what was logged after the saved step."""
    run.mkdir(parents=True, exist_ok=True)
    described = {
        "config": asdict(trainer.config),
        "from_step": trainer.step,
        "revision": revision(),
        "command": shlex.join(sys.orig_argv),
        "hardware": hardware(trainer.accelerator.device),
        "precision": trainer.accelerator.mixed_precision,
    }
    write_record(run, described | facts)
    for name in ("log.jsonl", VALIDATION):
        forget_after(run / name, trainer.step or -1)  # a run that begins is judged before its first step


def go_on(trainer: NetworkTrainer, samples: Batches, validator: Validator, run: Path, stop: Stop) -> Outcome:
    """Step, log, save and evaluate until the end or ``stop``."""
    config = trainer.config
    journal = Journal(run, trainer.step, config.steps, config.batch_size, say)
    if trainer.step == 0:
        validator.run_once(trainer.average, run, 0)
    asked, saved = False, time.monotonic()
    with contextlib.closing(drawn_ahead(samples, trainer.step)) as batches:
        while trainer.step < config.steps and not asked:
            losses = trainer.learn(*next(batches))
            if Journal.due(trainer.step):
                journal.write(trainer.step, losses)
            journal.forecast(trainer.step)
            asked = stop.asked(trainer.accelerator)
            judged = trainer.step % config.evaluate_every == 0 or trainer.step == config.steps
            if asked or judged or time.monotonic() - saved > CHECKPOINT_SECONDS:
                save_state(run, trainer.state())
                trainer.save_weights(run)
                saved = time.monotonic()
            if judged:
                validator.run_once(trainer.average, run, trainer.step)
    outcome = Outcome(run / trainer.weights, trainer.step, stop.reason if trainer.step < config.steps else None)
    say(str(outcome))
    return outcome


def drawn_ahead(samples: Batches, first: int) -> Iterator[tuple[Tensor, ...]]:
    """Batches from a step on, endless. A thread draws the next one while the networks learn from the one before.

    (A process of its own would need OpenMP after a fork, which hangs.)
    """
    with ThreadPoolExecutor(1) as drawer:
        following = drawer.submit(samples.batch, first)
        for step in count(first + 1):
            ready, following = following.result(), drawer.submit(samples.batch, step)
            yield ready
