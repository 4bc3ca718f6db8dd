"""Checkpoints that are never lost: a new one is complete before it takes the place of the last, which is kept too."""

import os
import shutil
import zipfile
from pathlib import Path

import torch

from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.weights import save_networks
from magicfixup_demo.errors import DataError

STATE, PREVIOUS, WEIGHTS = "state.pt", "state.previous.pt", "weights"


def save_state(run: Path, state: dict) -> None:
    """Write ``run``/state.pt; the one before becomes state.previous.pt. At every moment one of them is complete."""
    partial = run / f"{STATE}.part"
    with partial.open("wb") as opened:
        torch.save(state, opened)
        opened.flush()
        os.fsync(opened.fileno())  # a machine that dies after the renames must not leave an empty file
    if (run / STATE).exists():
        (run / STATE).replace(run / PREVIOUS)
    partial.replace(run / STATE)


def load_state(run: Path) -> dict:
    """The newest state that can be read, on the CPU. Raises DataError when there is none."""
    for name in (STATE, PREVIOUS):
        if zipfile.is_zipfile(run / name):  # torch writes a zip, whose table stands at the end: it is complete
            return torch.load(run / name, map_location="cpu", weights_only=True)
    raise DataError(f"Neither {STATE} nor {PREVIOUS} in {run} can be read; begin a new run in another folder.")


def has_state(run: Path) -> bool:
    """Whether ``run`` holds a run."""
    return (run / STATE).exists() or (run / PREVIOUS).exists()


def save_weights(run: Path, pipeline: MagicFixupPipeline) -> None:
    """Replace ``run``/weights by the pipeline's networks."""
    folder, partial, old = run / WEIGHTS, run / f"{WEIGHTS}.part", run / f"{WEIGHTS}.old"
    for leftover in (partial, old):
        shutil.rmtree(leftover, ignore_errors=True)
    save_networks(partial, pipeline)
    if folder.exists():
        folder.replace(old)
    partial.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
