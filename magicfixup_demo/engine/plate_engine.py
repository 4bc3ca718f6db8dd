"""The engine of ``small``: the ground behind what was cut out, and the layers laid over it. No diffusion in it.

SDEdit beside the result is made by a diffusion network of its own (``PipelineEngine``), from the same arrangement.
"""

import time
from collections.abc import Hashable, Sequence
from contextlib import suppress

import cv2
import numpy as np

from magicfixup_demo.engine.arrangement import Arrangement, arrangement_of, laid_over
from magicfixup_demo.engine.conditioning import fill_smoothly, largest_channel, touched_pixels
from magicfixup_demo.engine.effects import Effects
from magicfixup_demo.engine.fallback import memory_told, reason_of
from magicfixup_demo.engine.fixer import PipelineEngine, checked_edit, samples_of
from magicfixup_demo.engine.ground import Ground
from magicfixup_demo.engine.interface import Preview, Progress
from magicfixup_demo.engine.plate import Plate, cleared, fill_ground
from magicfixup_demo.engine.plate_cache import PlateCache
from magicfixup_demo.engine.steps import Account, Steps
from magicfixup_demo.errors import Cancelled
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult

STEPS = 1  # of a result: there is nothing to repeat


class PlateEngine:
    """Implements engine.interface.Engine. Steps, sampler and strength are those of the SDEdit beside the result."""

    def __init__(self, ground: Ground, diffusion: PipelineEngine, effects: Effects | None = None):
        self.ground, self.diffusion, self.info, self.effects = ground, diffusion, diffusion.info, effects
        self.plates = PlateCache()

    def fixup(
        self,
        photo: np.ndarray,
        edit: CoarseEdit,
        options: EditOptions,
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> EditResult:
        """See Engine.fixup. There are no previews: a result is there at once."""
        started = time.monotonic()
        # 1. What must be found, and what lies over it
        self.diffusion.check(options)
        with memory_told(self.ground.device):
            edit = checked_edit(photo, edit)
            arrangement, coarse = arrangement_of(photo, edit, self.effects), fill_smoothly(edit)
        filled = time.monotonic()
        # 2. Each sample: other ground under the same layers
        images, note = self._samples(arrangement, options, progress)
        made = time.monotonic()
        # 3. SDEdit of the first
        touched = touched_of(photo, edit, *images)
        compared, steps = None, 0
        if options.sdedit and not note:
            report = Steps(progress, options.samples, options.samples + 1, "SDEdit, for comparison", Account())
            try:
                with memory_told(self.ground.device):
                    compared = self.diffusion.compare_filled(photo, edit, images[0], touched, options, report)
            except Exception as error:  # of the comparison alone: the fix-up itself is done
                note = f"Without the SDEdit comparison: {reason_of(error)}"
            steps = report.steps
        ended = time.monotonic()
        if progress:
            with suppress(Cancelled):  # a stop after the last step has nothing to stop
                progress(1.0, "Done")
        return EditResult(
            images=images,
            sdedit=compared,
            coarse=coarse,
            touched=touched,
            seed=options.seed,
            steps=STEPS,
            seconds=time.monotonic() - started,
            model=self.info.name,
            note=note,
            fill_seconds=filled - started,
            sdedit_seconds=ended - made,
            sdedit_steps=steps,
        )

    def kind_of(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> Hashable | None:
        """None: there is no run to share. Raises OptionError."""
        self.diffusion.check(options)

    def compare(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> np.ndarray:
        """SDEdit alone, as in ``fixup``: (H, W, 3) uint8."""
        self.diffusion.check(options)
        edit = checked_edit(photo, edit)
        made = self._composed(arrangement_of(photo, edit, self.effects), options.seed)
        report = Steps(None, 0, 1, "SDEdit", Account())
        return self.diffusion.compare_filled(photo, edit, made, touched_of(photo, edit, made), options, report)

    def forget(self) -> None:
        """Drop what is kept of photos, at once."""
        self.plates.forget()
        self.diffusion.forget()

    def lift(
        self,
        photo: np.ndarray,
        objects: Sequence[np.ndarray],
        seed: int = 0,
        progress: Progress | None = None,
        shadows: bool = True,
    ) -> Plate:
        """The photo, (H, W, 3) uint8, without some objects, (H, W) bool each, and (``shadows``) without theirs.

        Raises EditError where nothing of the photo is left.
        """
        effects = self.effects if shadows else None
        with memory_told(self.ground.device):
            found = tuple(effects.of(photo, mask) if effects else None for mask in objects)
            ground, hole = cleared(photo, objects, found)
            return Plate(self._plate(ground, hole, seed, progress), hole, found)

    def _samples(
        self, arrangement: Arrangement, options: EditOptions, progress: Progress | None
    ) -> tuple[tuple[np.ndarray, ...], str]:
        """The samples, (H, W, 3) uint8 each; a note where a stop or a failure cut them short after the first."""
        runs = options.samples + options.sdedit

        def make(i: int, seed: int) -> np.ndarray:
            name = f"Variant {i + 1} of {options.samples}: " if options.samples > 1 else ""
            say = progress and (lambda fraction, text: progress((i + fraction) / runs, name + text))
            return self._composed(arrangement, seed, say)

        return samples_of(options, self.ground.device, make)

    def _composed(self, arrangement: Arrangement, seed: int, progress: Progress | None = None) -> np.ndarray:
        return laid_over(arrangement.over, self._plate(arrangement.ground, arrangement.hole, seed, progress))

    def _plate(self, ground: np.ndarray, hole: np.ndarray, seed: int, progress: Progress | None) -> np.ndarray:
        """The ground, (H, W, 3) uint8, with its hole filled: made once, then kept for a while."""
        plate = self.plates.get(ground, hole, seed)
        if plate is None:
            plate = fill_ground(ground, hole, self.ground, seed, progress)
            self.plates.keep(ground, hole, seed, plate)
        elif progress:
            progress(0.9, "Finding the ground")
        return plate


def touched_of(photo: np.ndarray, edit: CoarseEdit, *results: np.ndarray) -> np.ndarray:
    """(H, W) bool: what the edit touched, and what was made of the ground around it in any of the results."""
    touched = touched_pixels(photo, edit)
    for result in results:
        touched |= largest_channel(cv2.absdiff(photo, result)) > 0
    return touched
