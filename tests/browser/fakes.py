"""A fast engine and segmenter for tests of the gestures, and the pictures they understand."""

import threading
from dataclasses import dataclass, field

import cv2
import numpy as np

from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.errors import Cancelled, SegmentationError
from magicfixup_demo.limits import sample_seed
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult, MaskCandidate, Prompt
from magicfixup_demo.segmentation.interface import Embedding, checked_prompt
from magicfixup_demo.ui.engines import Catalogue, Engines, Offer
from magicfixup_demo.ui.services import Services

SMALL = EngineInfo("small", "Fills holes, for tests.", "MIT", default_steps=2, max_steps=50)  # the one that lifts
DISC, SQUARE = (230, 60, 40), (30, 110, 220)
DISC_AT, SQUARE_AT = (150, 200), (450, 130)  # centres (x, y)


def scene(width: int = 600, height: int = 400) -> np.ndarray:
    """(height, width, 3) uint8: a red disc and a blue square over a smooth gradient with some grain."""
    rows, columns = np.mgrid[0:height, 0:width]
    photo = np.dstack([120 + columns / 8, 150 + rows / 8, 110 + (rows + columns) / 16])
    photo += np.random.default_rng(0).normal(0, 3, photo.shape)
    photo = np.clip(photo, 0, 200).astype(np.uint8)
    cv2.circle(photo, DISC_AT, 60, DISC, -1)
    x, y = SQUARE_AT
    photo[y - 40 : y + 40, x - 50 : x + 50] = SQUARE
    return photo


@dataclass
class FakeSegmenter:
    """Selects what has the colour under the clicks; offers it grown and shrunk too."""

    name: str = "fake"
    note: str = ""

    def embed(self, photo, progress=None) -> Embedding:
        if progress:
            progress(0.5, "Looking at your photo")
        return Embedding("fake", *photo.shape[:2], photo, photo.nbytes)

    def candidates(self, embedding: Embedding, prompt: Prompt) -> tuple[MaskCandidate, ...]:
        prompt = checked_prompt(prompt, embedding.width, embedding.height)
        size = (embedding.width, embedding.height)
        photo = cv2.resize(embedding.data, size, interpolation=cv2.INTER_NEAREST)  # it may be asked for a smaller mask
        mask = np.zeros(photo.shape[:2], bool)
        for (x, y), include in zip(prompt.points, prompt.labels, strict=True):
            same = _same_colour(photo, int(x), int(y))
            mask = mask | same if include else mask & ~same
        if prompt.box is not None:
            x0, y0, x1, y1 = (int(value) for value in prompt.box)
            mask |= _same_colour(photo, (x0 + x1) // 2, (y0 + y1) // 2)
        if not mask.any():
            raise SegmentationError("No object was found there; click nearer to its middle.")
        kernel = np.ones((9, 9), np.uint8)
        sizes = (
            mask.astype(np.uint8),
            cv2.dilate(mask.astype(np.uint8), kernel),
            cv2.erode(mask.astype(np.uint8), kernel),
        )
        return tuple(MaskCandidate(m.astype(bool), 0.9) for m in sizes if m.any())


def _same_colour(photo: np.ndarray, x: int, y: int) -> np.ndarray:
    distance = np.abs(photo.astype(int) - photo[y, x].astype(int)).max(axis=2)
    _, labels = cv2.connectedComponents((distance < 24).astype(np.uint8))
    return labels == labels[y, x]


class FakeEffects:
    """Each object has a round shadow below its foot, as dark as ``taken`` in the middle, whatever the photo shows."""

    def __init__(self, taken: float = 0.8):
        self.taken = taken

    def of(self, photo: np.ndarray, mask: np.ndarray):
        """See Effects.of."""
        from magicfixup_demo.engine.composite import Box
        from magicfixup_demo.engine.effects import Shadow

        x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
        size, (foot_x, foot_y) = max(w, h), (x + w / 2, y + h)
        left, top = max(0, round(foot_x - size)), max(0, round(foot_y - size / 2))
        box = Box(left, top, min(mask.shape[1], left + 2 * size), min(mask.shape[0], top + size))
        rows, columns = np.mgrid[box.top : box.bottom : 2, box.left : box.right : 2] + 0.5
        away = np.hypot((columns - foot_x) / size * 1.25, (rows - foot_y) / size * 2.5)
        return Shadow(box, (self.taken * np.clip(2 * (1 - away), 0, 1)).astype(np.float32), (foot_x, foot_y), size)


@dataclass
class FakeEngine:
    """Fills holes with Telea's method. ``gate`` lets a test hold it between two steps; ``asked`` keeps the options.

    ``lifted``: (mask of all objects, seed) of each lift. ``effects``: finds their shadows, where it is given.
    ``held_variant``: the index of one that goes on until it is stopped. ``forgotten``: it was told to forget photos.
    """

    info: EngineInfo = EngineInfo("fake", "Fills holes, for tests.", "MIT", default_steps=4, max_steps=50)
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[EditOptions] = field(default_factory=list)
    lifted: list[tuple[np.ndarray, int]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    held_variant: int | None = None
    forgotten: threading.Event = field(default_factory=threading.Event)
    effects: FakeEffects | None = None

    def __post_init__(self):
        self.gate.set()

    def fixup(self, photo, edit: CoarseEdit, options: EditOptions, progress=None, preview=None) -> EditResult:
        self.asked.append(options)
        steps = options.steps or self.info.default_steps
        hole = edit.hole.astype(np.uint8)
        coarse = cv2.inpaint(edit.rgb, hole, 3, cv2.INPAINT_TELEA)
        touched = edit.hole | (edit.rgb != photo).any(axis=2)
        images, note = [], ""
        try:
            for sample in range(options.samples):
                self._run(sample, options.samples, steps, progress, preview)
                images.append(self._variant(coarse, edit.hole, sample_seed(options.seed, sample)))
        except Cancelled as stop:
            self.stopped.set()
            if not images:
                raise
            note = f"{len(images)} of {options.samples} variants: {stop}"
        return EditResult(
            images=tuple(images),
            sdedit=cv2.blur(coarse, (5, 5)) if options.sdedit and not note else None,
            coarse=coarse,
            touched=touched,
            seed=options.seed,
            steps=steps,
            seconds=0.1,
            model=self.info.name,
            note=note,
            fill_seconds=0.02,
            sdedit_seconds=0.03 if options.sdedit else 0.0,
            sdedit_steps=steps if options.sdedit else 0,
        )

    def kind_of(self, photo, edit, options) -> None:
        """See Engine.kind_of."""

    def lift(self, photo, objects, seed: int = 0, progress=None, shadows: bool = True):
        """See PlateEngine.lift."""
        from magicfixup_demo.engine.plate import Plate, cleared

        removed = np.any(objects, axis=0)
        self.lifted.append((removed, seed))
        try:
            self._run(0, 1, self.info.default_steps, progress, None)
        except Cancelled:
            self.stopped.set()
            raise
        found = tuple(self.effects.of(photo, mask) if self.effects and shadows else None for mask in objects)
        ground, hole = cleared(photo, objects, found)
        filled = cv2.inpaint(ground, removed.astype(np.uint8), 3, cv2.INPAINT_TELEA)
        return Plate(self._variant(filled, removed, seed), hole, found)

    def forget(self) -> None:
        self.forgotten.set()

    def _run(self, sample: int, samples: int, steps: int, progress, preview) -> None:
        """The steps of one variant; waits at each while the gate is shut."""
        name = f"Variant {sample + 1} of {samples}: step" if samples > 1 else "Step"
        for step in range(steps):
            if preview:
                preview(np.full((8, 12, 3), 20 * step % 256, np.uint8))
            told = ((sample + step / steps) / samples, f"{name} {step + 1} of {steps}")
            while not self.gate.wait(0.02) or (sample == self.held_variant and not self.stopped.wait(0.02)):
                progress(*told)
            progress(*told)

    @staticmethod
    def _variant(coarse: np.ndarray, hole: np.ndarray, seed: int) -> np.ndarray:
        """Holes of another colour for each seed; seed 0 leaves them as they are."""
        picture = coarse.copy()
        picture[hole] = np.clip(picture[hole].astype(int) + (np.array([37, 61, 89]) * seed) % 100, 0, 255)
        return picture


def engines_of(*engines: FakeEngine, load=None, megabytes: dict[str, int] | None = None) -> Engines:
    """The models of a page: the first one is the default, the last one the fallback.

    ``load(name, progress)`` takes the place of handing them out at once.
    """
    by_name = {engine.info.name: engine for engine in engines}
    sizes = megabytes or {}
    offers = tuple(
        Offer(name, engine.info.description, engine.info.licence, sizes.get(name, 0))
        for name, engine in by_name.items()
    )
    names = list(by_name)
    return Engines(
        lambda progress: Catalogue(offers, default=names[0], fallback=names[-1]),
        load or (lambda name, progress: by_name[name]),
    )


def stand_ins(*engines: FakeEngine, load=None, segmenter=None, **settings) -> Services:
    """The page's services over stand-ins, started.

    ``load``: see ``engines_of``; ``segmenter``: another one; ``settings`` as for Services.
    """
    engines = engines_of(*(engines or (FakeEngine(),)), load=load)
    return Services(engines, lambda progress: segmenter or FakeSegmenter(), **settings).start()
