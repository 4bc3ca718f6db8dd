"""The methods compared, each a function (photo, coarse edit, seed) -> result, all (H, W, 3) uint8.

None is made weak: the fills and the cloning see the same holes at full size, and SDEdit is the same network, trained
for it, and gets the same blend with the untouched photo.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import cv2
import numpy as np

from magicfixup_demo.engine.conditioning import dilated_hole, fill_holes, touched_pixels
from magicfixup_demo.engine.interface import Engine
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.engine.weights import MODELS
from magicfixup_demo.errors import OptionError
from magicfixup_demo.schema import CoarseEdit, EditOptions

Method = Callable[[np.ndarray, CoarseEdit, int], np.ndarray]

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


def _fixup(engine: Engine, options: EditOptions, photo: np.ndarray, edit: CoarseEdit, seed: int) -> np.ndarray:
    return engine.fixup(photo, edit, replace(options, seed=seed, sdedit=False)).images[0]


def _sdedit(engine: Engine, options: EditOptions, photo: np.ndarray, edit: CoarseEdit, seed: int) -> np.ndarray:
    return engine.compare(photo, edit, replace(options, seed=seed))


BASELINES: dict[str, Method] = {"telea": telea, "ns": navier_stokes, "poisson": poisson}


def load_methods(names: list[str], model: str = "small") -> dict[str, Method]:
    """Methods by name: telea, ns, poisson, a model's name, or sdedit (of ``model``).

    ``small@4`` sets the steps, ``small@4@0.3`` the strength too; likewise ``sdedit@4@0.3``. Raises OptionError.
    """
    load = functools.cache(load_engine)
    methods: dict[str, Method] = {}
    for name in names:
        base, *settings = name.split("@")
        if base in BASELINES and not settings:
            methods[name] = BASELINES[base]
        elif base == "sdedit":
            methods[name] = partial(_sdedit, load(model), _options(name, settings))
        elif base in MODELS:
            methods[name] = partial(_fixup, load(base), _options(name, settings))
        else:
            raise OptionError(f"There is no method {name!r}; choose from {', '.join([*BASELINES, 'sdedit', *MODELS])}.")
    return methods


def _options(name: str, settings: list[str]) -> EditOptions:
    """STEPS and STRENGTH as they follow the @ signs."""
    try:
        steps, strength = (*settings, *[None] * (2 - len(settings)))
        return EditOptions(
            steps=None if steps is None else int(steps), strength=None if strength is None else float(strength)
        )
    except ValueError as error:
        raise OptionError(f"{name!r} is not a method; write NAME@STEPS or NAME@STEPS@STRENGTH.") from error
