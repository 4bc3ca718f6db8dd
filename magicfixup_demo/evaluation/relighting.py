"""The colour test: an object relit by a known gain, gamma and white balance; how much of the error does a method undo?

The true photo is the target. Its object is relit and stands displaced by whole pixels in the reference; the coarse edit
moves it back, so that without a method's help the error in the object is the relighting's alone.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from magicfixup_demo.affine import translation
from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.engine.conditioning import dilated_hole, fill_holes
from magicfixup_demo.pairs.synthetic import Pair
from magicfixup_demo.schema import CoarseEdit, Collage, Layer

ERODED = 2  # pixels: the object's edge is mixed with what lies behind it
REACH = (0.08, 0.2)  # of the picture's sides: how far the object is displaced, where there is so much room
LEAST_MOVE = 8  # pixels
PAINTED = 5  # pixels: how far beyond its mask the object is painted out of the reference
VARIANTS = ("both", "edit")  # where the object is relit: in reference and edit, or in the edit alone


@dataclass(frozen=True)
class Light:
    """A value v in 0..1 becomes v ** gamma * gain * balance, clipped to 0..1; ``balance`` by channel, RGB."""

    gain: float = 1.0
    gamma: float = 1.0
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 -> the same, relit."""
        values = (picture.astype(np.float32) / 255) ** self.gamma * self.gain * np.float32(self.balance)
        return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


# Each in two directions; photos take turns. About two standard deviations of the jitter in training.
LIGHTS: dict[str, tuple[Light, Light]] = {
    "none": (Light(), Light()),
    "gain": (Light(gain=1.25), Light(gain=0.8)),
    "gamma": (Light(gamma=0.8), Light(gamma=1.25)),
    "balance": (Light(balance=(1.12, 1.0, 0.89)), Light(balance=(0.89, 1.0, 1.12))),
    "all": (Light(1.12, 0.89, (1.06, 1.0, 0.94)), Light(0.89, 1.12, (0.94, 1.0, 1.06))),  # half of each, adding up
}


def displacement(mask: np.ndarray, rng: np.random.Generator) -> tuple[int, int] | None:
    """A small move (dx, dy) by whole pixels that keeps the whole object in the picture; None where there is no room."""
    height, width = mask.shape
    x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
    move = _along(x, width - x - w, width, rng), _along(y, height - y - h, height, rng)
    return move if max(map(abs, move)) >= LEAST_MOVE else None


def relit_pair(photo: np.ndarray, mask: np.ndarray, light: Light, variant: str, move: tuple[int, int]) -> Pair:
    """The reference, the edit that moves the object back, and the true photo.

    photo: (H, W, 3) uint8; mask: (H, W) bool, the object; move: see ``displacement``. "both": the object is relit in
    the reference, and so in the edit. "edit": the reference shows it in its true light, so that a method can look the
    true colours up.
    """
    dx, dy = move
    there = _shifted(mask, dx, dy)
    background = _painted_out(photo, mask)
    relit = np.where(there[..., None], _shifted(light(photo), dx, dy), background)
    true = np.where(there[..., None], _shifted(photo, dx, dy), background)
    height, width = mask.shape
    back = Layer("back", "object", translation(-dx, -dy))
    edit = render(relit, Collage(width, height, (segment_from_mask("object", there),), (back,)))
    return Pair(relit if variant == "both" else true, edit, photo)


def object_errors(pair: Pair, mask: np.ndarray, result: np.ndarray) -> dict[str, float]:
    """Mean absolute and root mean square error in grey levels, in the object without its edge and without the hole."""
    inside = judged(pair.edit, mask)
    error = result[inside].astype(np.float64) - pair.target[inside]
    return {"mae": float(np.abs(error).mean()), "rmse": float((error**2).mean() ** 0.5)}


def judged(edit: CoarseEdit, mask: np.ndarray) -> np.ndarray:
    """(H, W) bool: the object's pixels that are compared."""
    box = np.ones((2 * ERODED + 1, 2 * ERODED + 1), np.uint8)
    return cv2.erode(mask.astype(np.uint8), box, borderValue=0).astype(bool) & ~dilated_hole(edit)


def _along(before: int, behind: int, side: int, rng: np.random.Generator) -> int:
    """A distance along one side, towards where there is more room: ``before`` and ``behind`` the object, in pixels."""
    distance = min(round(float(rng.uniform(*REACH)) * side), max(before, behind))
    return distance if behind >= before else -distance


def _shifted(values: np.ndarray, dx: int, dy: int) -> np.ndarray:
    """Moved by (dx, dy); what comes in from outside is zero."""
    result = np.zeros_like(values)
    height, width = values.shape[:2]
    result[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)] = values[
        max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)
    ]
    return result


def _painted_out(photo: np.ndarray, mask: np.ndarray) -> np.ndarray:
    box = np.ones((2 * PAINTED + 1, 2 * PAINTED + 1), np.uint8)
    grown = cv2.dilate(mask.astype(np.uint8), box)
    return fill_holes(CoarseEdit(photo, np.where(grown, 0, 255).astype(np.uint8)), cv2.INPAINT_TELEA)
