"""The engine behind the page and the command line: a MagicFixupPipeline with crop, sizes, samples and comparison."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from magicfixup_demo.engine.composite import Box, crop_box, put_back, shared_box
from magicfixup_demo.engine.conditioning import Filler, image_array, image_tensor, mask_tensor, touched_pixels
from magicfixup_demo.engine.fallback import IN_PARTS, in_less_memory, memory_told, reason_of
from magicfixup_demo.engine.feature_cache import FeatureCache
from magicfixup_demo.engine.interface import EngineInfo, Preview, Progress
from magicfixup_demo.engine.pipeline import MagicFixupPipeline, is_sound
from magicfixup_demo.engine.previews import Canvas
from magicfixup_demo.engine.samplers import SAMPLERS, Sampler
from magicfixup_demo.engine.sdedit import sdedit
from magicfixup_demo.engine.steps import Steps
from magicfixup_demo.errors import Cancelled, EditError, ModelError, OptionError
from magicfixup_demo.images import fitted_size, resize, resize_edit
from magicfixup_demo.limits import MAX_SAMPLES, MAX_SEED, sample_seed
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult
from magicfixup_demo.turns import turn

BROKEN = "What the model made is no picture; try another seed in the settings, or another model."

# Another network's SDEdit: the filled coarse edit (h, w, 3) uint8 at the model's size, the options, on_step(done, of)
# -> the picture of the same size. May raise ModelError where its network is not to be had.
Comparison = Callable[[np.ndarray, EditOptions, Callable[[int, int], None] | None], np.ndarray]


@dataclass(frozen=True, eq=False)
class Job:
    """One edit made ready: the photo, the crop the model must see, and that crop at the model's size.

    ``part``: the edit inside ``box``; ``coarse``: the same, holes filled. ``seen_*``: what the model sees, at its size.
    """

    photo: np.ndarray
    touched: np.ndarray
    box: Box
    part: CoarseEdit
    coarse: np.ndarray
    seen_photo: np.ndarray
    seen_part: CoarseEdit
    seen_coarse: np.ndarray

    def paste(self, after: np.ndarray) -> np.ndarray:
        """The model's result, (h, w, 3) uint8 at its size, put back into the whole photo."""
        result = self.photo.copy()
        window = self.box.window
        result[window] = put_back(self.photo[window], self.coarse, self.touched[window], self.seen_coarse, after)
        return result

    def filled(self) -> np.ndarray:
        """The whole coarse edit with its holes filled."""
        result = self.photo.copy()
        result[self.box.window] = self.coarse
        return result


class PipelineEngine:
    """Implements engine.interface.Engine. One run at a time: two on the same cores would only slow each other.

    ``comparison`` makes the SDEdit picture; None takes the same network with its conditions dropped. What the model
    read of the last photos is kept for their next edits, in memory, until other photos replace it or ``forget``.
    """

    def __init__(
        self,
        pipeline: MagicFixupPipeline,
        info: EngineInfo,
        fill: Filler,
        strength: float,
        area: int = 512 * 512,
        multiple: int = 32,
        comparison: Comparison | None = None,
    ):
        self.pipeline, self.info, self.fill = pipeline, info, fill
        self.strength = strength
        self.area, self.multiple = area, multiple
        self.comparison = comparison
        self._box = crop_box if pipeline.config.reference_timestep is not None else shared_box
        pipeline.cache = FeatureCache()
        self._turn = threading.Lock()

    def fixup(
        self,
        photo: np.ndarray,
        edit: CoarseEdit,
        options: EditOptions,
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> EditResult:
        """See Engine.fixup."""
        started = time.monotonic()
        # 1. The part of the photo that the model must see, at its size, holes filled
        steps = self._checked(options)
        with memory_told(self.pipeline.device.type):
            job = self._prepare(photo, edit, options.seed)
            show = preview and Canvas(photo, job.box, preview)
        filled = time.monotonic()
        # 2. Each sample
        images, note, spared = self._samples(job, steps, options, progress, show)
        sampled = time.monotonic()
        # 3. SDEdit, with the start and seed of the first
        compared, report = None, Steps(progress, options.samples, options.samples + 1, "SDEdit, for comparison")
        if options.sdedit and not note:
            try:
                with memory_told(self.pipeline.device.type):
                    compared = job.paste(self._compared(job, steps, options, report))
            except Exception as error:  # of the comparison alone: the fix-up itself is done
                note = f"Without the SDEdit comparison: {reason_of(error)}"
        compared_at = time.monotonic()
        note = f"{note} {IN_PARTS}".strip() if spared or report.spared else note
        if progress:
            with suppress(Cancelled):  # a stop after the last step has nothing to stop
                progress(1.0, "Done")
        return EditResult(
            images=images,
            sdedit=compared,
            coarse=job.filled(),
            touched=job.touched,
            seed=options.seed,
            steps=steps,
            seconds=time.monotonic() - started,
            model=self.info.name,
            note=note,
            fill_seconds=filled - started,
            sdedit_seconds=compared_at - sampled,
            sdedit_steps=report.steps,
        )

    def _samples(
        self, job: Job, steps: int, options: EditOptions, progress: Progress | None, show: Canvas | None
    ) -> tuple[tuple[np.ndarray, ...], str, bool]:
        """The samples, (H, W, 3) uint8 each; a note where a stop or a failure cut them short after the first; and
        whether one was made in less memory than usual.
        """
        images: list[np.ndarray] = []
        spared = False
        for i in range(options.samples):
            text = "Fixing it up" if options.samples == 1 else f"Variant {i + 1} of {options.samples}"
            report = Steps(progress, i, options.samples + options.sdedit, text)
            try:
                own = replace(options, seed=sample_seed(options.seed, i))
                with memory_told(self.pipeline.device.type):
                    filled = self._filled(job, own.seed) if i else job
                    images.append(filled.paste(self._run(filled, steps, own, report, preview=show)))
                spared |= report.spared
            except Exception as error:
                if not images:
                    raise
                return tuple(images), f"{len(images)} of {options.samples} variants: {reason_of(error)}", spared
        return tuple(images), "", spared

    def compare(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> np.ndarray:
        """SDEdit alone, as in ``fixup``: (H, W, 3) uint8."""
        job = self._prepare(photo, edit, options.seed)
        return job.paste(self._compared(job, self._checked(options), options))

    def _compared(self, job: Job, steps: int, options: EditOptions, on_step: Steps | None = None) -> np.ndarray:
        """SDEdit's picture at the model's size; (h, w, 3) uint8."""
        if self.comparison is None:
            return self._run(job, steps, options, on_step, compare=True)
        if hasattr(self.comparison, "load"):  # it may be a download, for which nobody else shall wait
            self.comparison.load(on_step and on_step.progress)
        with self._alone(on_step):
            return self.comparison(job.seen_coarse, options, on_step)

    @contextmanager
    def _alone(self, on_step: Steps | None) -> Iterator[None]:
        """One run at a time; who waits for another's end hears so, and may be stopped."""
        with turn(self._turn, lambda: on_step and on_step.wait()):
            yield

    def forget(self) -> None:
        """Drop what is kept of photos, at once."""
        self.pipeline.cache.forget()

    def _prepare(self, photo: np.ndarray, edit: CoarseEdit, seed: int) -> Job:
        edit = resize_edit(edit, photo.shape[1], photo.shape[0])
        if edit.hole.all():
            raise EditError("This edit is nothing but hole; leave some of the photo or an object in it.")
        touched = touched_pixels(photo, edit)
        box = self._box(touched)
        part = CoarseEdit(*(np.ascontiguousarray(values[box.window]) for values in (edit.rgb, edit.alpha)))
        size = fitted_size(*box.size, self.area, self.multiple)
        coarse = self.fill(photo[box.window], part, seed)
        return Job(
            photo=photo,
            touched=touched,
            box=box,
            part=part,
            coarse=coarse,
            seen_photo=resize(photo[box.window], *size),
            seen_part=resize_edit(part, *size),
            seen_coarse=resize(coarse, *size),
        )

    def _filled(self, job: Job, seed: int) -> Job:
        """The same edit with its holes filled as another seed does."""
        coarse = self.fill(job.photo[job.box.window], job.part, seed)
        height, width = job.seen_coarse.shape[:2]
        return replace(job, coarse=coarse, seen_coarse=resize(coarse, width, height))

    def _checked(self, options: EditOptions) -> int:
        """The number of steps, after checking all options. Raises OptionError."""
        if options.sampler is not None and options.sampler not in self.info.samplers:
            raise OptionError(f"sampler is {options.sampler!r}; choose {', '.join(self.info.samplers)}.")
        steps = self._sampler(options).steps or self.info.default_steps if options.steps is None else options.steps
        if not 1 <= steps <= self.info.max_steps:
            raise OptionError(f"steps is {steps}; choose 1 to {self.info.max_steps}.")
        if options.strength is not None and not 0.05 <= options.strength <= 1:
            raise OptionError(f"strength is {options.strength}; choose 0.05 to 1.")
        if not 1 <= options.samples <= MAX_SAMPLES:
            raise OptionError(f"samples is {options.samples}; choose 1 to {MAX_SAMPLES}.")
        if not 0 <= options.seed <= MAX_SEED:
            raise OptionError(f"seed is {options.seed}; choose 0 to {MAX_SEED}.")
        return steps

    def _sampler(self, options: EditOptions) -> Sampler:
        return SAMPLERS[options.sampler or self.info.samplers[0]]

    def _run(
        self,
        job: Job,
        steps: int,
        options: EditOptions,
        on_step: Steps | None = None,
        preview: Canvas | None = None,
        compare: bool = False,
    ) -> np.ndarray:
        """One denoising run at the model's size; (h, w, 3) uint8."""
        device = self.pipeline.device
        tensors = (image_tensor(job.seen_photo), image_tensor(job.seen_coarse), mask_tensor(job.seen_part))
        photo, coarse, mask = (tensor.to(device) for tensor in tensors)
        settings = {"steps": steps, "strength": options.strength or self.strength, "on_step": on_step}
        settings["sampler"] = self._sampler(options)

        def run(sparing: bool) -> Tensor:
            own = settings | {"generator": torch.Generator().manual_seed(options.seed)}
            if compare:
                return sdedit(self.pipeline, coarse, **own)
            return self.pipeline(photo, coarse, mask, preview=preview, sparing=sparing, **own)

        with self._alone(on_step):
            picture, spared = in_less_memory(run, self.forget)
            if not is_sound(picture):
                self.forget()  # what was kept of the photo may be why
                raise ModelError(BROKEN)
        if on_step:
            on_step.spared = spared
        return image_array(picture)
