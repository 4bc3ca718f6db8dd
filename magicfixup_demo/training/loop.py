"""The training loop: resumable at any saved step with an identical continuation, on a CPU, a GPU or many, unchanged."""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from magicfixup_demo.engine.presets import PRESETS
from magicfixup_demo.errors import DataError, OptionError
from magicfixup_demo.training.config import TrainConfig
from magicfixup_demo.training.dataset import Batch, PairDataset
from magicfixup_demo.training.journal import Journal, forget_after
from magicfixup_demo.training.record import describe, write_record
from magicfixup_demo.training.starting import begin_from, load_autoencoder, save_autoencoder
from magicfixup_demo.training.state import WEIGHTS, has_state, load_state, save_state, save_weights
from magicfixup_demo.training.stopping import Stop
from magicfixup_demo.training.trainer import Trainer, copy_weights, make_accelerator
from magicfixup_demo.training.validation import Validator


@dataclass(frozen=True)
class Outcome:
    """Where a session ended: the folder of the averaged weights, the step, and why it stopped early, or None."""

    weights: Path
    step: int
    stopped: str | None

    def __str__(self) -> str:
        if self.stopped is None:
            return f"{self.weights}: the averaged weights after {self.step:,} steps."
        return f"Stopped {self.stopped}, saved after step {self.step:,}; the same command with --resume goes on."


def train(
    config: TrainConfig,
    train_folders: list[Path],
    val_folders: list[Path],
    run: Path,
    resume: bool = False,
    start: Path | None = None,
    minutes: float | None = None,
) -> Outcome:
    """Train until ``config.steps``, ``minutes`` have passed, or SIGTERM or SIGINT asks for a stop; then save.

    ``run`` gets config.json, log.jsonl, validation.jsonl, curve.png, sheet_*.png, state.pt (and the one before it) and
    weights/. ``start``: weights to begin a new run from (see starting.begin_from). With several processes
    (``accelerate launch``) each calls this; the main one writes. Raises DataError when ``run`` already holds a run and
    ``resume`` is False.
    """
    with Stop(minutes) as stop:
        # 1. Data, networks and what was saved of them
        trainer = set_up(config, train_folders, run, resume, start)
        accelerator = trainer.accelerator
        # 2. What is written about the run
        validator = journal = None
        if accelerator.is_main_process:
            write_record(run, describe(config, trainer.data, accelerator, trainer.step, start))
            validator = Validator(val_folders, run, config, say)
            journal = Journal(run, trainer.step, config.steps, config.batch_size, say)
        # 3. The steps
        outcome = go_on(trainer, run, stop, journal, validator)
    if accelerator.is_main_process:
        say(str(outcome))
    return outcome


def set_up(
    config: TrainConfig, train_folders: list[Path], run: Path, resume: bool = False, start: Path | None = None
) -> Trainer:
    """A trainer at the saved step, or at the first one. Raises DataError, OptionError or ModelError."""
    saved = has_state(run)
    if saved and not resume:
        raise DataError(f"{run} already holds a run; add --resume to go on with it, or choose another folder.")
    if config.needs_start and not saved and start is None:
        raise OptionError(
            f"The preset {config.preset} does not begin from random weights; give --start FOLDER with unet/ and vae/ "
            "of Stable Diffusion 1.4, or the weights/ of another run."
        )
    accelerator = make_accelerator(config)
    run.mkdir(parents=True, exist_ok=True)
    fill = PRESETS[config.preset].fill
    data = PairDataset(train_folders, run / f"cache_{fill.__name__}", config.kinds, config.crop, fill)
    if not data.kinds:
        raise DataError(f"No pair is of a kind that {config.preset} learns from: {', '.join(config.kinds)}.")
    trainer = Trainer(config, data, accelerator)
    if saved:
        load_autoencoder(trainer.pipeline, run)
        trainer.restore(load_state(run))
    elif start is not None:
        begin_from(trainer.pipeline, start)
        copy_weights(trainer.averaged, trainer.pipeline)
    if accelerator.is_main_process:
        save_autoencoder(trainer.pipeline, run)
        for name in ("log.jsonl", "validation.jsonl"):
            forget_after(run / name, trainer.step)
    return trainer


def go_on(
    trainer: Trainer, run: Path, stop: Stop, journal: Journal | None = None, validator: Validator | None = None
) -> Outcome:
    """Step, log, save and evaluate until the end or ``stop``. Only the main process has a journal and a validator."""
    config, accelerator = trainer.config, trainer.accelerator
    with Loader(trainer) as loader:
        asked = False
        while trainer.step < config.steps and not asked:
            values = trainer.advance(loader.next())
            if Journal.due(trainer.step):
                means = {key: float(accelerator.reduce(value, reduction="mean")) for key, value in values.items()}
                if journal:
                    journal.write(trainer.step, means)
            if journal:
                journal.forecast(trainer.step)
            asked, ended = stop.asked(accelerator), trainer.step == config.steps
            if trainer.step % config.save_every == 0 or ended or asked:
                save(trainer, run)
            if trainer.step % config.evaluate_every == 0 or ended:
                if validator:
                    validator.run_once(trainer.averaged, trainer.step)
                accelerator.wait_for_everyone()
    return Outcome(run / WEIGHTS, trainer.step, stop.reason if trainer.step < config.steps else None)


class Loader:
    """Makes the next batches in threads while the networks work: on a CPU one, since they want the cores as well."""

    def __init__(self, trainer: Trainer):
        processes = trainer.accelerator.num_processes
        threads = 1 if trainer.accelerator.device.type == "cpu" else max(1, (os.cpu_count() or 1) // processes - 1)
        self._pool = ThreadPoolExecutor(threads)
        self._steps = iter(range(trainer.step, trainer.config.steps))
        self._batch = trainer.batch
        self._waiting: deque[Future] = deque()
        for _ in range(threads + 1):
            self._ask()

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *_) -> None:
        self._pool.shutdown(cancel_futures=True)

    def next(self) -> list[Batch]:
        """The batch of the next step, in order."""
        batches = self._waiting.popleft().result()
        self._ask()
        return batches

    def _ask(self) -> None:
        for step in islice(self._steps, 1):
            self._waiting.append(self._pool.submit(self._batch, step))


def save(trainer: Trainer, run: Path) -> None:
    """The state, then the averaged weights, by the main process; the others wait."""
    if trainer.accelerator.is_main_process:
        save_state(run, trainer.state())
        save_weights(run, trainer.averaged)
    trainer.accelerator.wait_for_everyone()


def say(text: str) -> None:
    """A line for the person who watches, at once."""
    print(text, flush=True)
