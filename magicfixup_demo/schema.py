"""The records that travel from the photo to the result. All are frozen; arrays in them are never written to.

    photo -> Segment -> Collage -> CoarseEdit -> EditResult

Pictures are NumPy arrays ``(height, width, channels)``, uint8, sRGB; masks ``(height, width)``, uint8, 255 = inside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from magicfixup_demo.affine import IDENTITY, Affine, Point
from magicfixup_demo.homography import Quad


@dataclass(frozen=True)
class Source:
    """Another photo that objects were taken from, ``width`` x ``height`` pixels; its pixels travel beside this."""

    id: str
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class Segment:
    """An object cut from the photo: where it was, and its shape.

    ``mask`` is (h, w) uint8, cropped to its bounding box, soft at the edge or hard; its top left pixel is pixel
    ``(left, top)`` of the photo. ``source`` names another photo that it was cut from instead: then those are that
    photo's pixels, and the photo itself keeps no hole.
    """

    id: str
    left: int
    top: int
    mask: np.ndarray
    source: str = ""

    @property
    def corners(self) -> tuple[Point, Point, Point, Point]:
        """Of its box, clockwise from the top left; pixels of the photo that it was cut from."""
        height, width = self.mask.shape
        right, bottom = self.left + width, self.top + height
        return (self.left, self.top), (right, self.top), (right, bottom), (self.left, bottom)


@dataclass(frozen=True)
class Layer:
    """One appearance of a segment: ``matrix`` maps source pixels to the photo's pixels.

    ``distort``: (dx, dy) of the segment's four corners (clockwise from the top left, in source pixels), applied before
    the matrix as the homography that takes the corners there; None for none. ``hidden``: not drawn, but its segment
    stays cut out. ``opacity`` in 0..1 multiplies its coverage. ``shadow``: 0..MAX_SHADOW, times the strength of the
    shadow that was found of its object; ``softness`` in 0..1: how much softer it is. ``name`` and ``locked`` are for
    the page alone.
    """

    id: str
    segment_id: str
    matrix: Affine = IDENTITY
    distort: Quad | None = None
    name: str = ""
    hidden: bool = False
    locked: bool = False
    opacity: float = 1.0
    shadow: float = 1.0
    softness: float = 0.0

    @property
    def in_place(self) -> bool:
        """Whether it stands, whole, where its segment was."""
        return self.matrix == IDENTITY and self.distort is None and self.opacity == 1


@dataclass(frozen=True, eq=False)
class Collage:
    """All segments and the layers made from them, back to front, over a photo of ``width`` x ``height`` pixels.

    Every segment of the photo is cut OUT of it. A layer that stays where it was covers its own hole exactly, so moving
    or deleting the only layer of a segment opens the hole, and a duplicate opens none. ``sources``: the other photos
    that segments come from. ``shadows``: whether objects take their shadows along; those of old files do not.
    """

    width: int
    height: int
    segments: tuple[Segment, ...] = ()
    layers: tuple[Layer, ...] = ()
    sources: tuple[Source, ...] = ()
    shadows: bool = True


@dataclass(frozen=True, eq=False)
class CoarseEdit:
    """The collage as the model reads it: ``rgb`` (H, W, 3) uint8 and ``alpha`` (H, W) uint8, below 128 = hole.

    ``collage``: what it was rendered from, where that is known, with the pixels of its other photos by their id in
    ``sources``; an edit of another program has none.
    """

    rgb: np.ndarray
    alpha: np.ndarray
    collage: Collage | None = None
    sources: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def rgba(self) -> np.ndarray:
        """(H, W, 4) uint8; what the command line writes as a PNG."""
        return np.dstack([self.rgb, self.alpha])

    @property
    def hole(self) -> np.ndarray:
        """(H, W) bool, True where nothing covers the picture (METHODS: mask < 0.5)."""
        return self.alpha < 128


@dataclass(frozen=True)
class EditOptions:
    """What the user may choose for one fix-up.

    ``steps``: denoising steps, 1 to 100. ``seed``: 0 to 2**32 - 1. ``samples``: results with seeds seed, seed + 1, ...
    ``sdedit``: also make the SDEdit comparison (for the first seed). ``strength`` is the noise level both start from,
    as a fraction of the schedule in (0, 1]; None takes the model's own. ``sampler``: one of the model's, by name; None
    takes its default. ``prompt``: a text for the SDEdit comparison of models that take one, empty otherwise.
    """

    steps: int | None = None
    seed: int = 0
    samples: int = 1
    sdedit: bool = True
    strength: float | None = None
    sampler: str | None = None
    prompt: str = ""


@dataclass(frozen=True, eq=False)
class EditResult:
    """What one fix-up returns; every picture has the photo's height and width.

    ``images``: one (H, W, 3) uint8 per sample. ``sdedit``: the comparison or None. ``coarse``: the edit with its holes
    filled. ``touched``: (H, W) bool, False where the photo is untouched.
    ``note``: one sentence for the user where something was left out, for example why there is no comparison.
    ``seconds`` is the whole; of it the hole's filling took ``fill_seconds`` and the comparison ``sdedit_seconds``, in
    ``sdedit_steps`` steps. Sample i has the seed ``limits.sample_seed(seed, i)``. ``together``: the most pictures that
    were made in one run of the networks, those of other fix-ups that waited among them.
    """

    images: tuple[np.ndarray, ...]
    sdedit: np.ndarray | None
    coarse: np.ndarray
    touched: np.ndarray
    seed: int
    steps: int
    seconds: float
    model: str
    note: str = ""
    fill_seconds: float = 0.0
    sdedit_seconds: float = 0.0
    sdedit_steps: int = 0
    together: int = 1


@dataclass(frozen=True, eq=False)
class Prompt:
    """What the user pointed at, in photo pixels, origin top left: ``points`` are (x, y), ``labels`` True = include.

    ``box`` is (x0, y0, x1, y1) or None.
    """

    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[bool, ...] = ()
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class MaskCandidate:
    """One answer of a segmenter: (H, W) bool mask at the photo's size, and its predicted quality in 0..1."""

    mask: np.ndarray
    score: float
