"""The plate: the photo without the objects that were cut out. It depends on the photo and the objects alone.

photo, objects -> hole (lifted) -> guess (ground network) -> detail (patches of the photo) -> plate
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from magicfixup_demo.collage import whole_mask
from magicfixup_demo.engine.composite import Box, square_around
from magicfixup_demo.engine.conditioning import distance_to, largest_channel
from magicfixup_demo.engine.detail import FINE, WEAVE, fine_part, paint_detail
from magicfixup_demo.engine.effects import Shadow, without_shadows
from magicfixup_demo.engine.exemplar import spread
from magicfixup_demo.engine.ground import Ground, View
from magicfixup_demo.engine.ground_network import SIDE
from magicfixup_demo.errors import EditError
from magicfixup_demo.images import resize, to_uint8
from magicfixup_demo.schema import Collage, Segment

LIFT = 5.0  # pixels, of a picture of SIDE: so far around an object its rim and the dark line of its contact reach
CONTEXT = 0.5  # of a hole's longer side: what is looked at around it, on each side
LEAST_CONTEXT = 96  # pixels
NEAR = 0.05  # of the picture's mean side: holes that lie closer are filled together
OWN_DETAIL = 0.5  # of the network's own fine detail that stays where it sees the photo's own pixels, or nearly
MUCH_ENLARGED = 1.5  # times; from there on it has no detail of its own
FEATHER = 3.0  # pixels that the network sees: how wide the border between plate and photo is
COARSE = 6.0  # pixels that the network sees: what is coarser it guesses twice
MARGIN = 2.0  # pixels that the network sees, from the hole's border: there the photo is ground, mostly
SMOOTH = 0.8  # pixels: light is compared without grain
LIGHT = 10.0  # grey levels: larger differences are not of light
LIGHT_REACH = 40.0  # pixels over which the light of the border loses itself in the hole

Report = Callable[[float, str], object]  # called with the fraction done and a text; may raise to stop


@dataclass(frozen=True, eq=False)
class Plate:
    """``rgb``: (H, W, 3) uint8; ``hole``: (H, W) bool, what was filled. Outside of it and the shadows it is the photo.

    ``shadows``: of each object that was lifted, None where it had none.
    """

    rgb: np.ndarray
    hole: np.ndarray
    shadows: tuple[Shadow | None, ...] = ()


def removed_segments(collage: Collage) -> list[Segment]:
    """The objects of the photo that no longer stand, whole, where they were."""
    standing = {layer.segment_id for layer in collage.layers if layer.in_place and not layer.hidden}
    return [segment for segment in collage.segments if not segment.source and segment.id not in standing]


def removed_objects(collage: Collage) -> np.ndarray:
    """(H, W) bool: where they stood."""
    removed = np.zeros((collage.height, collage.width), bool)
    for segment in removed_segments(collage):
        removed |= whole_mask(segment, collage.height, collage.width)
    return removed


def lifted(removed: np.ndarray) -> np.ndarray:
    """``removed``, (H, W) bool, with the margin LIFT around it."""
    return distance_to(removed) <= scaled(LIFT, removed)


def cleared(
    photo: np.ndarray, objects: Sequence[np.ndarray], shadows: Sequence[Shadow | None]
) -> tuple[np.ndarray, np.ndarray]:
    """The photo in which some objects no longer cast shadows, (H, W, 3) uint8; what must be found there, (H, W) bool.

    objects: (H, W) bool each, and the shadow of each; what they hide is lifted, and where a shadow is too dark to tell
    what lies in it.
    """
    removed = np.zeros(photo.shape[:2], bool)
    for mask in objects:
        removed |= mask
    cast = [(shadow, mask) for shadow, mask in zip(shadows, objects, strict=True) if shadow]
    if not cast:
        return photo, lifted(removed)
    ground, lost = without_shadows(photo, cast)
    return ground, lifted(removed) | lost


def fill_ground(
    picture: np.ndarray, hole: np.ndarray, ground: Ground, seed: int = 0, report: Report | None = None
) -> np.ndarray:
    """``picture`` (H, W, 3) uint8 with its hole, (H, W) bool, filled; outside of it the picture, bit by bit.

    Raises EditError where the hole is the whole picture.
    """
    if hole.all():
        raise EditError("These objects are the whole photo; leave some of it, so that there is ground to go on with.")
    result, holes = picture.copy(), list(separate_holes(hole))
    for i, (box, own) in enumerate(holes):
        say = report and (lambda fraction, text, i=i: report((i + fraction) / len(holes), text))
        made = _fill_window(picture[box.window], hole[box.window], ground, seed, say)
        np.copyto(result[box.window], made, where=own[..., None])
    return result


def _fill_window(part: np.ndarray, hole: np.ndarray, ground: Ground, seed: int, report: Report | None) -> np.ndarray:
    # 1. What may stand there, at the size that the network sees, in the photo's light
    guess = _best_guess(part, hole, ground, seed, report)
    enlarged = max(1.0, part.shape[1] / guess.shape[1])
    painting = report and (lambda fraction: report(0.5 + 0.5 * fraction, "Painting the ground"))
    # 2. Its finest detail from the photo, half and half where the network sees every pixel
    box = _box_of(hole)
    detail, limit = paint_detail(part, hole, box, guess, seed, painting)
    own = OWN_DETAIL if enlarged < MUCH_ENLARGED else 0.0
    guess -= (1 - limit) * fine_part(guess, WEAVE)  # no weave where the photo has none
    guess -= (1 - own) * fine_part(guess, FINE)
    made = resize(guess, part.shape[1], part.shape[0])[box.window] + (1 - own**2) ** 0.5 * detail
    # 3. Under a border without a step
    inside = cv2.distanceTransform(hole[box.window].astype(np.uint8), cv2.DIST_L2, 5)
    share = np.clip(inside / (FEATHER * enlarged), 0, 1)[..., None]
    result = part.copy()
    result[box.window] = to_uint8(part[box.window] + (made - part[box.window]) * share)
    return result


def _box_of(hole: np.ndarray) -> Box:
    """The hole's own box, with a row and a column of what is known around it where there is one."""
    x, y, w, h = cv2.boundingRect(hole.astype(np.uint8))
    return Box(max(0, x - 1), max(0, y - 1), min(hole.shape[1], x + w + 1), min(hole.shape[0], y + h + 1))


def _best_guess(part: np.ndarray, hole: np.ndarray, ground: Ground, seed: int, report: Report | None) -> np.ndarray:
    """What the network sees, (h, w, 3) float32; of another seed's views the one that fits the hole's border best."""
    views = views_of(seed)
    best, least = None, np.inf
    for i, view in enumerate(views):
        if report:
            report(0.5 * i / len(views), "Finding the ground")
        guess, misfit = _matched(part, hole, _seen_twice(part, hole, ground, view))
        if misfit < least or best is None:
            best, least = guess, misfit
    return best


def _seen_twice(part: np.ndarray, hole: np.ndarray, ground: Ground, view: View) -> np.ndarray:
    """What the network sees, (h, w, 3) float32; half of what is coarse in it from another look, mirrored, at half size.

    So what is coarse is the mean of two guesses, and nearer to the truth; what is fine stays that of one, and crisp.
    Not with other noise: such a guess is asked for because it is another one, not the likeliest.
    """
    guess = ground.see(part, hole, view)
    if view.noise:
        return guess
    height, width = guess.shape[:2]
    half = max(1, width // 2), max(1, height // 2)
    small, unknown = resize(part, *half), resize(hole.astype(np.float32), *half) > 0
    if unknown.all():
        return guess
    other = ground.see(small, unknown, View(not view.mirrored, view.noise))
    return guess + 0.5 * _coarse(resize(other, width, height) - guess, COARSE)


def _matched(part: np.ndarray, hole: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, float]:
    """The guess with the photo's light at the hole's border, (h, w, 3) float32 of the guess's size; how much it needed.

    The hole was lifted with a margin, so that just inside its border the photo is ground, and what the guess differs
    by there is light. Larger differences are leftovers of the object, and count little.
    """
    size = guess.shape[1], guess.shape[0]
    photo, unknown = resize(part, *size).astype(np.float32), resize(hole, *size)
    inside = cv2.distanceTransform(unknown.astype(np.uint8), cv2.DIST_L2, 5)
    margin = unknown & (inside <= MARGIN)
    light = np.where(margin[..., None], _coarse(photo, SMOOTH) - _coarse(guess, SMOOTH), 0).astype(np.float32)
    trust = (margin * np.exp(-np.square(largest_channel(np.abs(light)) / LIGHT))).astype(np.float32)
    share = np.exp(-np.maximum(inside - MARGIN, 0) / LIGHT_REACH)
    misfit = float(np.minimum(np.abs(light[margin]), LIGHT).mean()) if margin.any() else 0.0
    return guess + spread(light, trust) * share[..., None], misfit


def views_of(seed: int) -> tuple[View, ...]:
    """The views among which the guess is chosen: of seed 0 the network's own noise, of others two with other noise."""
    if seed == 0:
        return (View(),)
    first = 2 * seed + 1
    return View(seed % 2 == 0, first), View(seed % 2 == 1, first + 1)


def separate_holes(hole: np.ndarray) -> Iterator[tuple[Box, np.ndarray]]:
    """The parts of the hole, (H, W) bool, that are filled apart: the window to look at, the part in it (h, w) bool."""
    radius = NEAR / 2 * (hole.shape[0] * hole.shape[1]) ** 0.5
    near = (distance_to(hole) <= radius).astype(np.uint8)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(near)
    for label, (x, y, w, h, _) in enumerate(boxes[1:], 1):
        part = (hole[y : y + h, x : x + w] & (labels[y : y + h, x : x + w] == label)).astype(np.uint8)
        left, top, *size = cv2.boundingRect(part)
        box = window_around(x + left, y + top, *size, hole.shape)
        yield box, hole[box.window] & (labels[box.window] == label)


def window_around(x: int, y: int, w: int, h: int, shape: tuple[int, int]) -> Box:
    """What must be seen of a hole to fill it: its box with context, square where the picture, (H, W), allows."""
    longest = max(w, h)
    side = round(max(SIDE, longest + 2 * max(LEAST_CONTEXT, CONTEXT * longest)))
    return square_around(x, y, w, h, side, shape)


def scaled(pixels: float, mask: np.ndarray) -> float:
    """Pixels of a picture of SIDE as pixels of one of the mask's size; never fewer."""
    return pixels * max(1.0, (mask.shape[0] * mask.shape[1]) ** 0.5 / SIDE)


def _coarse(picture: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(picture, (0, 0), sigma)
