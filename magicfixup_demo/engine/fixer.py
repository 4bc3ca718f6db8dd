"""The engine behind the page and the command line: a MagicFixupPipeline with crop, sizes, samples and comparison."""

import threading
import time
from collections.abc import Callable, Hashable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace

import numpy as np

from magicfixup_demo.engine.composite import Box, crop_box, put_back, shared_box
from magicfixup_demo.engine.conditioning import Filler, image_array, image_tensor, mask_tensor, touched_pixels
from magicfixup_demo.engine.denoising import Made, Seen, made_of
from magicfixup_demo.engine.fallback import IN_PARTS, memory_told, reason_of
from magicfixup_demo.engine.feature_cache import FeatureCache
from magicfixup_demo.engine.interface import EngineInfo, Preview, Progress
from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.previews import Canvas
from magicfixup_demo.engine.samplers import SAMPLERS
from magicfixup_demo.engine.shared_runs import Party, Request, SharedRuns
from magicfixup_demo.engine.steps import Account, Steps
from magicfixup_demo.errors import Cancelled, EditError, OptionError
from magicfixup_demo.images import fitted_size, resize, resize_edit
from magicfixup_demo.limits import LARGE_PIXELS, MAX_SAMPLES, MAX_SEED, sample_seed
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult
from magicfixup_demo.turns import turn

# Another network's SDEdit: the filled coarse edit (h, w, 3) uint8 at the model's size, the options, on_step(done, of)
# -> the picture of the same size. May raise ModelError where its network is not to be had.
Comparison = Callable[[np.ndarray, EditOptions, Callable[[int, int], None] | None], np.ndarray]


@dataclass(frozen=True, eq=False)
class Plan:
    """What is asked for, and the crop that the model must see: of ``box``, at ``size`` (width, height).

    ``settings`` of the pipeline. Plans of equal ``kind`` make the same runs, and so may share them.
    """

    photo: np.ndarray
    edit: CoarseEdit
    options: EditOptions
    settings: dict
    touched: np.ndarray
    box: Box
    size: tuple[int, int]
    kind: Hashable


@dataclass(frozen=True, eq=False)
class Job:
    """An edit made ready.

    ``part``: the edit in the plan's box; ``coarse``: the same, holes filled. ``seen_*``: what the model sees, shrunk.
    """

    plan: Plan
    part: CoarseEdit
    coarse: np.ndarray
    seen_photo: np.ndarray
    seen_part: CoarseEdit
    seen_coarse: np.ndarray

    def paste(self, after: np.ndarray) -> np.ndarray:
        """The model's result, (h, w, 3) uint8 at its size, put back into the whole photo."""
        photo, window = self.plan.photo, self.plan.box.window
        result = photo.copy()
        result[window] = put_back(photo[window], self.coarse, self.plan.touched[window], self.seen_coarse, after)
        return result

    def filled(self) -> np.ndarray:
        """The whole coarse edit with its holes filled."""
        result = self.plan.photo.copy()
        result[self.plan.box.window] = self.coarse
        return result


class PipelineEngine:
    """Implements engine.interface.Engine. One run of the networks at a time, which several fix-ups may share.

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
        self.runs = SharedRuns()
        self._filling = threading.Lock()

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
        plan = self._plan(photo, edit, options)
        with self.runs.expecting(plan.kind):
            return self._fixed(plan, started, progress, preview)

    def _fixed(self, plan: Plan, started: float, progress: Progress | None, preview: Preview | None) -> EditResult:
        options, account = plan.options, Account()
        # 1. The part of the photo that the model must see, at its size, holes filled
        with memory_told(self.pipeline.device.type):
            first = Steps(progress, 0, options.samples + options.sdedit, "Filling the holes", account)
            job = self._prepare(plan, first)
            show = preview and Canvas(plan.photo, plan.box, preview)
        filled = time.monotonic()
        # 2. Each sample
        images, note = self._samples(job, progress, show, account)
        sampled = time.monotonic()
        # 3. SDEdit, with the start and seed of the first
        compared = None
        report = Steps(progress, options.samples, options.samples + 1, "SDEdit, for comparison", account)
        if options.sdedit and not note:
            try:
                with memory_told(self.pipeline.device.type):
                    compared = job.paste(self._compared(job, report))
            except Exception as error:  # of the comparison alone: the fix-up itself is done
                note = f"Without the SDEdit comparison: {reason_of(error)}"
        compared_at = time.monotonic()
        note = f"{note} {IN_PARTS}".strip() if account.spared else note
        if progress:
            with suppress(Cancelled):  # a stop after the last step has nothing to stop
                progress(1.0, "Done")
        return EditResult(
            images=images,
            sdedit=compared,
            coarse=job.filled(),
            touched=plan.touched,
            seed=options.seed,
            steps=plan.settings["steps"],
            seconds=time.monotonic() - started,
            model=self.info.name,
            note=note,
            fill_seconds=filled - started,
            sdedit_seconds=compared_at - sampled,
            sdedit_steps=report.steps,
            together=account.together,
        )

    def _samples(
        self, job: Job, progress: Progress | None, show: Canvas | None, account: Account
    ) -> tuple[tuple[np.ndarray, ...], str]:
        """The samples, (H, W, 3) uint8 each; a note where a stop or a failure cut them short after the first."""
        options = job.plan.options

        def make(i: int, seed: int) -> np.ndarray:
            text = "Fixing it up" if options.samples == 1 else f"Variant {i + 1} of {options.samples}"
            report = Steps(progress, i, options.samples + options.sdedit, text, account)
            filled = self._filled(job, seed, report) if i else job
            return filled.paste(self._run(filled, seed, report, preview=show))

        return samples_of(options, self.pipeline.device.type, make)

    def kind_of(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> Hashable:
        """See Engine.kind_of."""
        return self._plan(photo, edit, options).kind

    def compare(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> np.ndarray:
        """SDEdit alone, as in ``fixup``: (H, W, 3) uint8."""
        report = Steps(None, 0, 1, "SDEdit", Account())
        job = self._prepare(self._plan(photo, edit, options), report)
        return job.paste(self._compared(job, report))

    def compare_filled(
        self,
        photo: np.ndarray,
        edit: CoarseEdit,
        filled: np.ndarray,
        touched: np.ndarray,
        options: EditOptions,
        report: Steps,
    ) -> np.ndarray:
        """SDEdit of the edit with its holes ``filled`` by somebody else, who ``touched`` so much: (H, W, 3) uint8."""
        plan = self._plan(photo, edit, options, touched)
        seen = resize(filled[plan.box.window], *plan.size)
        job = Job(plan, edit, filled[plan.box.window], seen, resize_edit(edit, *plan.size), seen)
        return job.paste(self._compared(job, report))

    def check(self, options: EditOptions) -> None:
        """Raises OptionError where an option is not to be had."""
        self._settings(options)

    def _compared(self, job: Job, on_step: Steps) -> np.ndarray:
        """SDEdit's picture at the model's size; (h, w, 3) uint8."""
        if self.comparison is None:
            return self._run(job, job.plan.options.seed, on_step, compare=True)
        if hasattr(self.comparison, "load"):  # it may be a download, for which nobody else shall wait
            self.comparison.load(on_step.progress)

        def run(party: Party) -> list[np.ndarray]:
            return [self.comparison(job.seen_coarse, job.plan.options, party.on_step)]

        return self.runs.result(Request(None, run, on_step, on_step.wait))

    def forget(self) -> None:
        """Drop what is kept of photos, at once."""
        self.pipeline.cache.forget()

    def _plan(
        self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions, touched: np.ndarray | None = None
    ) -> Plan:
        settings = self._settings(options)
        with memory_told(self.pipeline.device.type):
            edit = checked_edit(photo, edit)
            touched = touched_pixels(photo, edit) if touched is None else touched
            box = self._box(touched)
        size = fitted_size(*box.size, self.area, self.multiple)
        kind = (self.pipeline, size, *settings.values(), options.samples, options.sdedit)
        return Plan(photo, edit, options, settings, touched, box, size, kind)

    def _prepare(self, plan: Plan, on_step: Steps) -> Job:
        window, size = plan.box.window, plan.size
        photo = plan.photo[window]
        part = CoarseEdit(*(np.ascontiguousarray(values[window]) for values in (plan.edit.rgb, plan.edit.alpha)))
        coarse = self._fill(photo, part, plan.options.seed, on_step)
        return Job(plan, part, coarse, resize(photo, *size), resize_edit(part, *size), resize(coarse, *size))

    def _filled(self, job: Job, seed: int, on_step: Steps) -> Job:
        """The same edit with its holes filled as another seed does."""
        coarse = self._fill(job.plan.photo[job.plan.box.window], job.part, seed, on_step)
        return replace(job, coarse=coarse, seen_coarse=resize(coarse, *job.plan.size))

    def _fill(self, photo: np.ndarray, part: CoarseEdit, seed: int, on_step: Steps) -> np.ndarray:
        """One at a time: it hardly lets go of the interpreter, so that two would keep clicks waiting.

        For that of a large photo, which may take minutes, nobody waits.
        """
        large = photo.shape[0] * photo.shape[1] >= LARGE_PIXELS
        with nullcontext() if large else turn(self._filling, on_step.wait):
            return self.fill(photo, part, seed)

    def _settings(self, options: EditOptions) -> dict:
        """The pipeline's steps, strength and sampler, after checking all options. Raises OptionError."""
        if options.sampler is not None and options.sampler not in self.info.samplers:
            raise OptionError(f"sampler is {options.sampler!r}; choose {', '.join(self.info.samplers)}.")
        sampler = SAMPLERS[options.sampler or self.info.samplers[0]]
        steps = sampler.steps or self.info.default_steps if options.steps is None else options.steps
        if not 1 <= steps <= self.info.max_steps:
            raise OptionError(f"steps is {steps}; choose 1 to {self.info.max_steps}.")
        if options.strength is not None and not 0.05 <= options.strength <= 1:
            raise OptionError(f"strength is {options.strength}; choose 0.05 to 1.")
        if not 1 <= options.samples <= MAX_SAMPLES:
            raise OptionError(f"samples is {options.samples}; choose 1 to {MAX_SAMPLES}.")
        if not 0 <= options.seed <= MAX_SEED:
            raise OptionError(f"seed is {options.seed}; choose 0 to {MAX_SEED}.")
        return {"steps": steps, "strength": options.strength or self.strength, "sampler": sampler}

    def _run(
        self, job: Job, seed: int, on_step: Steps, preview: Canvas | None = None, compare: bool = False
    ) -> np.ndarray:
        """One denoising run at the model's size; (h, w, 3) uint8."""
        seen = Seen(*map(image_tensor, (job.seen_photo, job.seen_coarse)), mask_tensor(job.seen_part), seed)

        def run(party: Party) -> list[Made]:
            return made_of(self.pipeline, party, job.plan.settings, compare, self.forget)

        stage = (compare, on_step.run)
        made = self.runs.result(Request(job.plan.kind, run, on_step, on_step.wait, preview, seen, stage))
        account = on_step.account
        account.spared, account.together = account.spared or made.spared, max(account.together, made.together)
        return image_array(made.picture)


def checked_edit(photo: np.ndarray, edit: CoarseEdit) -> CoarseEdit:
    """The edit at the photo's size. Raises EditError where it is nothing but hole."""
    edit = resize_edit(edit, photo.shape[1], photo.shape[0])
    if edit.hole.all():
        raise EditError("This edit is nothing but hole; leave some of the photo or an object in it.")
    return edit


def samples_of(
    options: EditOptions, device: str, make: Callable[[int, int], np.ndarray]
) -> tuple[tuple[np.ndarray, ...], str]:
    """The samples, (H, W, 3) uint8 each; a note where a stop or a failure cut them short after the first.

    ``make(index, seed)`` makes one on the ``device``, torch's name of it.
    """
    images: list[np.ndarray] = []
    for i in range(options.samples):
        try:
            with memory_told(device):
                images.append(make(i, sample_seed(options.seed, i)))
        except Exception as error:
            if not images:
                raise
            return tuple(images), f"{len(images)} of {options.samples} variants: {reason_of(error)}"
    return tuple(images), ""
