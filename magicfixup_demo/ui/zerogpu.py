"""On ZeroGPU a graphics card is lent for one call at a time: the inference alone runs in ``run_on_gpu``.

The call runs in a process forked from this one: arguments and results are pickled, and what was put on "cuda" before
the page was launched is on the card there. So the function stands at the top of a module, takes and yields plain
records, and finds its engine in ENGINES. Elsewhere ``spaces.GPU`` returns the function unchanged.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator

import gradio as gr
import numpy as np
import spaces  # before torch: on ZeroGPU it replaces torch's calls to CUDA

from magicfixup_demo.engine.interface import Engine, Preview, Progress
from magicfixup_demo.errors import Cancelled, MagicFixupError, MemoryFull
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.jobs import Job

log = logging.getLogger(__name__)
ENGINES: dict[str, Engine] = {}  # by name; filled before the page is launched

# Estimates, not measurements. One step of both networks on the lent half of an RTX Pro 6000 Blackwell; the paper
# reports 5 s for the published model's 50 steps on an A100, which is about as fast.
ESTIMATED_STEP_SECONDS = {"small": 0.05, "magicfixup": 0.12}
ESTIMATED_START_SECONDS = 6.0  # a new process, and the weights' way onto the card
ESTIMATED_SECONDS_A_MEGAPIXEL = 0.5  # reading, filling and putting back, on the processor
# A visitor without an account has 120 s a day, and a second of this card counts as one and a half.
MOST_SECONDS = 60


def estimated_seconds(name: str, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> int:
    """How long the card is asked for; the arguments are those of ``run_on_gpu``. At most MOST_SECONDS."""
    from magicfixup_demo.engine.samplers import SAMPLERS

    own_steps = SAMPLERS[options.sampler].steps if options.sampler in SAMPLERS else None
    steps = options.steps or own_steps or ENGINES[name].info.default_steps
    runs = options.samples + options.sdedit
    step = ESTIMATED_STEP_SECONDS.get(name, max(ESTIMATED_STEP_SECONDS.values()))
    size = ESTIMATED_SECONDS_A_MEGAPIXEL * photo.shape[0] * photo.shape[1] / 1e6
    return min(MOST_SECONDS, round(ESTIMATED_START_SECONDS + runs * (steps * step + size)))


@spaces.GPU(duration=estimated_seconds)
def run_on_gpu(name: str, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> Iterator[dict]:
    """Fix up with an engine of ENGINES; yields the messages of a Job, the last one done or error.

    What was done is an EditResult, or the MemoryFull that says that the card's memory did not suffice.
    Errors are yielded because spaces hands on no more of an exception than its class. Closing stops between two steps.
    """
    job = Job(name, "")

    def work(report: Progress) -> EditResult | MemoryFull:
        try:
            return ENGINES[name].fixup(photo, edit, options, report, job.show)
        except MemoryFull as error:
            return MemoryFull(str(error))  # without what it holds on to; of an error only the sentence would arrive

    try:
        yield from job.messages(work)
    finally:
        job.join()  # the card goes back only when nothing runs on it any more


class ZeroGpuEngine:
    """Implements engine.interface.Engine over ``run_on_gpu``; ``name`` is a key of ENGINES.

    Unlike elsewhere a stop also drops the variants that are finished: they go with the process that made them.

    It has no ``lift``: the engines of ENGINES compute on a card alone, and to be lent one takes longer than to lift
    objects on the processor. FallbackEngine lets its spare lift them there, which uses up nobody's share of the day.
    """

    def __init__(self, name: str):
        self.info = ENGINES[name].info

    def fixup(
        self,
        photo: np.ndarray,
        edit: CoarseEdit,
        options: EditOptions,
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> EditResult:
        """See Engine.fixup; also raises MagicFixupError with the Hub's own words where no card is to be had."""
        try:
            with contextlib.closing(run_on_gpu(self.info.name, photo, edit, options)) as messages:
                for message in messages:
                    if message["kind"] == "done":
                        return _value(message)
                    _pass_on(message, progress, preview)
        except gr.Error as error:  # the visitor's share of today is used up, or the card was taken away
            raise MagicFixupError(str(error.message)) from error
        raise Cancelled("Stopped.")

    def kind_of(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> None:
        """None: each has a process of its own."""

    def compare(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> np.ndarray:
        """SDEdit of the same start and seed; the page has no use for it alone."""
        return self.fixup(photo, edit, options).sdedit

    def forget(self) -> None:
        """Nothing is kept: what was read of a photo goes with the process that read it."""


def load_before_launch(
    names: Iterable[str], load: Callable[[str, Progress], Engine]
) -> Callable[[str, Progress], Engine]:
    """Load every model now, in the thread that imported spaces, as it wants it; returns what a page loads them with.

    What fails now is told to whoever asks for it; after the launch nothing can be put on the card any more.
    """
    failed: dict[str, MagicFixupError] = {}
    for name in names:
        try:
            ENGINES[name] = load(name, lambda fraction, text: None)
        except MagicFixupError as error:
            log.warning("%s is not to be had: %s", name, error)
            failed[name] = error
        except Exception:  # of the driver, of a library: one model less is no reason to have no page
            log.exception("%s could not be loaded", name)
            failed[name] = MagicFixupError(strings.SURPRISE)

    def loaded(name: str, progress: Progress) -> Engine:
        if name in failed:
            raise failed[name]
        return ZeroGpuEngine(name)

    return loaded


def _value(message: dict) -> EditResult:
    if isinstance(message["value"], MemoryFull):
        raise message["value"]
    return message["value"]


def _pass_on(message: dict, progress: Progress | None, preview: Preview | None) -> None:
    if message["kind"] == "error":
        raise MagicFixupError(message["message"])
    if "preview" in message and preview:
        preview(message["preview"])
    elif message["kind"] == "progress" and progress:
        progress(message["fraction"], message["text"])
