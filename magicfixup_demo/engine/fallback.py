"""What a fix-up does where memory does not suffice: it takes less at once, then goes on elsewhere, and says so.

Nothing here is remembered: the next fix-up begins as usual.
"""

import gc
import logging
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch

from magicfixup_demo.engine.effects import Effects
from magicfixup_demo.engine.interface import Engine, Preview, Progress
from magicfixup_demo.engine.plate import Plate
from magicfixup_demo.errors import MagicFixupError, MemoryFull
from magicfixup_demo.faults import memory_is_full
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult

log = logging.getLogger(__name__)
T = TypeVar("T")

GPU_FULL = "The GPU's memory is full: close other programs that use it, or choose the model small."
MACHINE_FULL = "This machine's memory is full: try again in a minute, or with a smaller photo."
IN_PARTS = "Memory was short, so this was computed in smaller parts."
ELSEWHERE = "There was not enough memory for {first}, so {model} made this on the processor; the next one tries again."


def in_less_memory(run: Callable[[bool], T], forget: Callable[[], None]) -> tuple[T, bool]:
    """``run(False)``; where memory does not suffice, ``run(True)``, which shall take less at once.

    ``forget`` drops what is kept only to save time. Returns what was made, and whether it took less at once.
    """
    try:
        return run(False), False
    except Exception as error:
        if not memory_is_full(error):
            raise
    # Not inside the except clause: the error holds the frames that hold the tensors.
    forget()
    give_back()
    return run(True), True


def give_back() -> None:
    """Hand memory that nobody uses back to the graphics card, where there is one."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def memory_told(device: str) -> Iterator[None]:
    """Full memory, in whatever words, as MemoryFull with a sentence for the user. ``device``: torch's name of it."""
    try:
        yield
    except Exception as error:
        if isinstance(error, MemoryFull) or not memory_is_full(error):
            raise
        raise MemoryFull(MACHINE_FULL if device == "cpu" else GPU_FULL) from error


def reason_of(error: Exception) -> str:
    """Why a part of a result is missing, for the user; what is no error of ours is logged."""
    if isinstance(error, MagicFixupError):
        return str(error)
    log.error("a part of a fix-up failed", exc_info=error)
    return "something went wrong in the model; press Fix it up once more."


class FallbackEngine:
    """Implements engine.interface.Engine over ``first``; a fix-up that does not fit there is made by another engine.

    ``load_spare(progress)`` returns that one: it is loaded when it is first needed, and kept.
    """

    def __init__(self, first: Engine, load_spare: Callable[[Progress | None], Engine]):
        self.first, self.info = first, first.info
        self._load_spare, self._spare = load_spare, None

    def fixup(
        self,
        photo: np.ndarray,
        edit: CoarseEdit,
        options: EditOptions,
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> EditResult:
        """See Engine.fixup. Of a spare of another name the result says so; it takes its own steps and sampler."""
        try:
            return self.first.fixup(photo, edit, options, progress, preview)
        except MemoryFull as full:
            log.warning("%s does not fit: %s", self.info.name, full.__cause__ or full)
        give_back()  # outside of the except clause: the error holds the tensors
        spare = self._loaded(progress)
        result = spare.fixup(photo, edit, self._for(spare, options), progress, preview)
        first = f"{self.info.name} on the GPU" if result.model == self.info.name else self.info.name
        return replace(result, note=f"{ELSEWHERE.format(first=first, model=result.model)} {result.note}".strip())

    def kind_of(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> Hashable | None:
        """See Engine.kind_of."""
        return self.first.kind_of(photo, edit, options)

    def compare(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> np.ndarray:
        """See Engine.compare."""
        return self.first.compare(photo, edit, options)

    @property
    def effects(self) -> Effects | None:
        """What finds shadows: as ``lift``, the first engine's or the spare's, once that is loaded."""
        return getattr(self.first if hasattr(self.first, "lift") else self._spare, "effects", None)

    def lift(
        self,
        photo: np.ndarray,
        objects: Sequence[np.ndarray],
        seed: int = 0,
        progress: Progress | None = None,
        shadows: bool = True,
    ) -> Plate:
        """See PlateEngine.lift. By the spare where ``first`` cannot do that, or where it does not fit there."""
        if hasattr(self.first, "lift"):
            try:
                return self.first.lift(photo, objects, seed, progress, shadows)
            except MemoryFull as full:
                log.warning("%s does not fit: %s", self.info.name, full.__cause__ or full)
            give_back()  # outside of the except clause: the error holds the tensors
        return self._loaded(progress).lift(photo, objects, seed, progress, shadows)

    def forget(self) -> None:
        """See Engine.forget."""
        for engine in filter(None, (self.first, self._spare)):
            engine.forget()

    def _loaded(self, progress: Progress | None) -> Engine:
        if self._spare is None:
            self._spare = self._load_spare(progress)
        return self._spare

    def _for(self, spare: Engine, options: EditOptions) -> EditOptions:
        if spare.info.name == self.info.name:
            return options
        return EditOptions(seed=options.seed, samples=options.samples, sdedit=options.sdedit)
