"""Shadows that objects cast on pictures, drawn from a random light: what the effect network learns from.

Not physics, but what shadows have in common: a silhouette laid flat on the ground from the object's foot, the softer
the further it lies from there; darkness where the object touches the ground; or a soft darkness all around where light
comes from everywhere; or the silhouette on a wall behind.
"""

from dataclasses import dataclass

import cv2
import numpy as np

GROUND, EVERYWHERE, WALL = "ground", "everywhere", "wall"
KINDS, SHARES = (GROUND, EVERYWHERE, WALL), (0.68, 0.2, 0.12)
LENGTHS = (0.2, 2.0)  # of a shadow, as shares of its object's height
FLATTENED = (0.12, 1.0)  # how much shorter a shadow towards the viewer looks than one to the side
LEAST_AREA = 0.1  # of the object's area: a flatter shadow is a line
STRENGTHS = (0.25, 0.9)  # share of the light that is taken where none of the key light comes
SOFTNESS = (0.003, 0.05)  # of the object's height: penumbra at the foot; up to SPREAD times as much at the tip
SPREAD = 6.0
SLICES = (0.0, 0.12, 0.3, 0.6, 1.01)  # of the object's height, each with a penumbra of its own
CONTACT_SHARE, CONTACT = 0.75, (0.2, 0.85)
TINT = 0.25  # of the strength: so much less blue may be taken than red
IN_THE_AIR_SHARE = 0.12


@dataclass(frozen=True)
class Light:
    """One light over a picture, the same for all its objects.

    ``kind``: of KINDS. ``across``, ``along``: how far, in heights of the object, the tip of a shadow lies from its
    foot, to the right and down. ``softness``: share of the height. ``strength``, ``contact``: share of light taken,
    0..1. ``tint``: (3,), what is taken of red, green and blue.
    """

    kind: str
    across: float
    along: float
    softness: float
    strength: float
    contact: float
    tint: np.ndarray


def draw_light(rng: np.random.Generator) -> Light:
    """A light of any kind."""
    across, along = 0.0, 0.0
    while abs(along) < LEAST_AREA:
        length, turn = np.exp(rng.uniform(*np.log(LENGTHS))), rng.uniform(0, 2 * np.pi)
        across, along = length * np.cos(turn), length * np.sin(turn) * rng.uniform(*FLATTENED)
    blueness = rng.uniform(0, TINT)
    return Light(
        kind=str(rng.choice(KINDS, p=SHARES)),
        across=across,
        along=along,
        softness=float(np.exp(rng.uniform(*np.log(SOFTNESS)))),
        strength=rng.uniform(*STRENGTHS),
        contact=rng.uniform(*CONTACT) if rng.random() < CONTACT_SHARE else 0.0,
        tint=np.float32([1, 1 - blueness / 2, 1 - blueness]),
    )


def taken_by(mask: np.ndarray, light: Light, rng: np.random.Generator) -> np.ndarray:
    """The share of light that an object, (S, S) bool, takes from what lies around it: (S, S) float32 0..1."""
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    coverage = mask.astype(np.float32)
    top, height = _extent(mask)
    contact = light.contact * _contact(coverage, top, height, rng) if light.contact else 0.0
    if light.kind == GROUND:
        taken = light.strength * _on_ground(coverage, top, height, light, rng)
    elif light.kind == WALL:
        shift = height * rng.uniform(0.03, 0.3) * np.float32([np.sign(light.across), rng.uniform(-0.3, 0.6)])
        moved = cv2.warpAffine(coverage, np.float32([[1, 0, shift[0]], [0, 1, shift[1]]]), mask.shape[::-1])
        taken = 0.8 * light.strength * _blurred(moved, height * (light.softness + rng.uniform(0.01, 0.08)))
        contact = contact * (rng.random() < 0.5)
    else:
        flat = Light(light.kind, 0.1 * light.across, rng.choice([-1, 1]) * 0.15, 0, 0, 0, light.tint)
        halo = _laid_flat(coverage, top, height, flat, 0.0, rng)
        taken = (
            0.8
            * light.strength
            * _blurred(np.maximum(halo, _foot(coverage, top, height)), height * rng.uniform(0.04, 0.16))
        )
    return np.clip(1 - (1 - taken) * (1 - contact), 0, 1).astype(np.float32)


def shaded(picture: np.ndarray, taken: np.ndarray, tint: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 with a share, (H, W), of its linear light taken: (H, W, 3) float32, 0..255."""
    left = np.clip(1 - taken[..., None] * tint, 0, 1)
    return picture * left ** np.float32(1 / 2.2)


def _on_ground(coverage: np.ndarray, top: float, height: float, light: Light, rng: np.random.Generator) -> np.ndarray:
    slope = rng.normal(0, 0.1)  # of the line on which it stands: feet that are nearer stand lower
    lifted = rng.uniform(0.05, 0.6) * height if rng.random() < IN_THE_AIR_SHARE else 0.0
    bottom, rows = top + height, np.arange(len(coverage), dtype=np.float32)[:, None]
    shadow = np.zeros_like(coverage)
    for low, high in zip(SLICES, SLICES[1:], strict=False):
        part = coverage * ((bottom - rows >= low * height) & (bottom - rows < high * height))
        flat = _laid_flat(part, top, height, light, slope, rng, lifted)
        soft = light.softness * (1 + SPREAD * (low + high) / 2 * np.hypot(light.across, light.along)) * height
        shadow += _blurred(flat, soft)  # where two slices meet, both are half there
    return np.minimum(shadow, 1)


def _laid_flat(
    part: np.ndarray,
    top: float,
    height: float,
    light: Light,
    slope: float,
    rng: np.random.Generator,
    lifted: float = 0.0,
) -> np.ndarray:
    """A silhouette sheared about the line through its foot, which may slope; ``lifted``: pixels that it floats."""
    foot, middle = top + height, float(np.flatnonzero(part.any(axis=0)).mean()) if part.any() else 0.0
    # A point at (x, y) is h = foot + slope (x - middle) - y above the ground; its shadow lies h * (across, along) away
    height_of = np.float64([slope, -1.0, foot + lifted - slope * middle])
    matrix = np.float64([[1, 0, 0], [slope, 0, foot + lifted - slope * middle]])
    matrix += np.outer([light.across, light.along], height_of)
    if abs(np.linalg.det(matrix[:, :2])) < 0.03:
        return np.zeros_like(part)
    return cv2.warpAffine(part, matrix, part.shape[::-1])


def _contact(coverage: np.ndarray, top: float, height: float, rng: np.random.Generator) -> np.ndarray:
    """Darkness under what touches the ground: the lowest part of the object, a little lower, blurred."""
    soft = height * np.exp(rng.uniform(*np.log((0.008, 0.05))))
    return np.minimum(1, 1.6 * _blurred(_foot(coverage, top, height), soft))


def _foot(coverage: np.ndarray, top: float, height: float) -> np.ndarray:
    """The columns' lowest parts, as far as they lie in the lowest tenth or so of the object, (S, S)."""
    rows = np.arange(len(coverage), dtype=np.float32)[:, None]
    low = coverage * (rows > top + 0.85 * height)
    below = np.zeros_like(coverage)
    shift = max(1, round(0.015 * height))
    below[shift:] = low[:-shift]
    return below


def _extent(mask: np.ndarray) -> tuple[float, float]:
    """(top, height) in pixels."""
    rows = np.flatnonzero(mask.any(axis=1))
    return float(rows[0]), float(rows[-1] - rows[0] + 1)


def _blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(values, (0, 0), float(sigma)) if sigma > 0.3 else values
