"""The methods compared, each a function (photo, coarse edit, seed) -> result, all (H, W, 3) uint8.

None is made weak: the fills and the cloning see the same holes at full size; SDEdit is a network trained for it (of
the published model the same one), starts from the holes as the model filled them, and gets a blend with the untouched
photo.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from magicfixup_demo.engine.conditioning import (
    dilated_hole,
    fill_from_background,
    fill_holes,
    touched_pixels,
)
from magicfixup_demo.engine.interface import Engine
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.engine.weights import MODELS
from magicfixup_demo.errors import OptionError
from magicfixup_demo.evaluation.ablations import check_part, without
from magicfixup_demo.evaluation.migan import MiGan, migan_file
from magicfixup_demo.images import to_uint8
from magicfixup_demo.schema import CoarseEdit, EditOptions

Method = Callable[[np.ndarray, CoarseEdit, int], np.ndarray]

MIGAN, OUTSIDE = "migan", "outside"
STRENGTHS = (0.2, 0.4, 0.6, 0.8)  # at which SDEdit is tried
BEST_STEPS = 4
SEAM = 1.5  # pixels, the deviation of the soft edge between hole and content
MARGIN = 3  # pixels that seamlessClone needs between its mask and the border
MOST_CLONED = 0.6  # of the picture; where more has moved there is nothing left to clone onto


def telea(photo: np.ndarray, edit: CoarseEdit, seed: int) -> np.ndarray:
    """Holes filled by Telea's fast marching."""
    return fill_holes(edit, cv2.INPAINT_TELEA)


def navier_stokes(photo: np.ndarray, edit: CoarseEdit, seed: int) -> np.ndarray:
    """Holes filled by Navier-Stokes inpainting, as in the paper."""
    return fill_holes(edit, cv2.INPAINT_NS)


def poisson(photo: np.ndarray, edit: CoarseEdit, seed: int) -> np.ndarray:
    """Poisson cloning (Perez et al. 2003) of what moved onto the Navier-Stokes fill of what it left and covers."""
    filled = fill_holes(edit)
    moved = touched_pixels(photo, edit) & ~dilated_hole(edit)
    if not moved.any() or moved.mean() > MOST_CLONED:
        return filled
    without = CoarseEdit(rgb=edit.rgb, alpha=np.where(moved | edit.hole, 0, 255).astype(np.uint8))
    background = fill_holes(without)
    pad = ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0))
    mask = np.pad(moved.astype(np.uint8) * 255, pad[:2])
    x, y, w, h = cv2.boundingRect(mask)
    source, onto = np.pad(filled, pad, "edge"), np.pad(background, pad, "edge")
    cloned = cv2.seamlessClone(source, onto, mask, (x + w // 2, y + h // 2), cv2.NORMAL_CLONE)
    return cloned[MARGIN:-MARGIN, MARGIN:-MARGIN]


def texture(photo: np.ndarray, edit: CoarseEdit, seed: int) -> np.ndarray:
    """Wide holes filled with the background's texture, without any network: what ``small`` once was."""
    return fill_from_background(photo, edit, seed)


BASELINES: dict[str, Method] = {"telea": telea, "ns": navier_stokes, "poisson": poisson, "texture": texture}


class Fixup:
    """A model as users run it. The last result is kept, since ``only_in_hole`` asks for the same one again."""

    def __init__(self, engine: Engine, options: EditOptions):
        self.engine, self.options = engine, options
        self._last: tuple = (None, None, None, None)

    def __call__(self, photo: np.ndarray, edit: CoarseEdit, seed: int) -> np.ndarray:
        if not (self._last[0] is photo and self._last[1] is edit and self._last[2] == seed):
            result = self.engine.fixup(photo, edit, replace(self.options, seed=seed, sdedit=False)).images[0]
            self._last = (photo, edit, seed, result)
        return self._last[3]


def only_in_hole(fixup: Fixup, photo: np.ndarray, edit: CoarseEdit, seed: int) -> np.ndarray:
    """The coarse edit's own pixels around the model's fill: what a model did to object and ring, taken back.

    The two meet under the soft edge that the engine itself uses (composite.put_back), so that no seam is added.
    """
    weight = cv2.GaussianBlur(dilated_hole(edit).astype(np.float32), (0, 0), SEAM)[..., None]
    coarse = fill_holes(edit)
    mixed = coarse + (fixup(photo, edit, seed).astype(np.float32) - coarse) * weight
    return to_uint8(mixed)


def _sdedit(engine: Engine, options: EditOptions, photo: np.ndarray, edit: CoarseEdit, seed: int) -> np.ndarray:
    return engine.compare(photo, edit, replace(options, seed=seed))


def load_methods(names: list[str], model: str = "small", migan: Path | None = None, threads: int = 1) -> dict:
    """Methods by name: {name: Method}. Raises OptionError, or ModelError when a model cannot be had.

    telea, ns, poisson, texture; migan (``migan``: its file); a model's name, where ``magicfixup@4`` sets the steps and
    ``magicfixup@4@0.3`` the strength too (``small`` has neither); likewise sdedit, as it stands beside ``model``.
    ``magicfixup~extractor`` is the model with a part switched off (ablations.ABLATIONS); ``small~outside`` keeps the
    model's change in the hole only.
    """
    load = functools.cache(load_engine)
    whole: dict[str, Fixup] = {}
    methods: dict[str, Method] = {}
    for name in names:
        plain, _, part = name.partition("~")
        base, *settings = plain.split("@")
        if name in BASELINES:
            methods[name] = BASELINES[name]
        elif name == MIGAN:
            methods[name] = MiGan(migan_file(migan), threads)
        elif base == "sdedit" and not part:
            methods[name] = partial(_sdedit, load(model), _options(name, settings))
        elif base in MODELS and part in ("", OUTSIDE):
            fixup = whole.setdefault(plain, Fixup(load(base), _options(name, settings)))
            methods[name] = partial(only_in_hole, fixup) if part else fixup
        elif base in MODELS:
            check_part(base, part)
            methods[name] = Fixup(without(load(base), part), _options(name, settings))
        else:
            known = [*BASELINES, MIGAN, "sdedit", "sdedit@best", *MODELS]
            raise OptionError(f"There is no method {name!r}; choose from {', '.join(known)}.")
    return methods


def expand(names: list[str]) -> tuple[list[str], list[str]]:
    """(all methods, the SDEdits among which the best is sought): ``sdedit@best`` stands for four strengths.

    ``sdedit@8@best`` has eight steps each; without a number BEST_STEPS.
    """
    methods, candidates = [], []
    for name in names:
        if name.startswith("sdedit@") and name.endswith("@best"):
            steps = name.removeprefix("sdedit").removesuffix("best").strip("@") or str(BEST_STEPS)
            candidates += [f"sdedit@{steps}@{strength}" for strength in STRENGTHS]
            methods += candidates
        else:
            methods.append(name)
    return list(dict.fromkeys(methods)), candidates


def is_ours(name: str) -> bool:
    """Whether a method is a model of ours (or what is left of one), not something it is compared with."""
    return name.partition("~")[0].partition("@")[0] in MODELS


def needs_weights(name: str) -> bool:
    """Whether a method is one of our networks, or SDEdit by one of them."""
    return is_ours(name) or name.startswith("sdedit")


def _options(name: str, settings: list[str]) -> EditOptions:
    """STEPS and STRENGTH as they follow the @ signs."""
    try:
        steps, strength = (*settings, *[None] * (2 - len(settings)))
        return EditOptions(
            steps=None if steps is None else int(steps), strength=None if strength is None else float(strength)
        )
    except ValueError as error:
        raise OptionError(f"{name!r} is not a method; write NAME@STEPS or NAME@STEPS@STRENGTH.") from error
