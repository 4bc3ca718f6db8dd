"""Clips -> pairs: two frames of a shot, the first warped towards the second by one of the motion models."""

from collections.abc import Iterator

import numpy as np

from magicfixup_demo.pairs import motion
from magicfixup_demo.pairs.flow import ShotFlow, consistency, difference, ends_inside, follow, motion_is_useful
from magicfixup_demo.pairs.options import PairOptions
from magicfixup_demo.pairs.sources import Source, read_shots
from magicfixup_demo.pairs.synthetic import Pair
from magicfixup_demo.schema import CoarseEdit

ATTEMPTS = 6  # tries per wanted pair before a clip is given up


def video_pairs(source: Source, options: PairOptions, rng: np.random.Generator) -> Iterator[tuple[str, Pair, dict]]:
    """(name within the clip, pair, facts): as many affine and flow pairs as wanted, if the clip gives them."""
    shots, rate = read_shots(source.path)
    flows = [ShotFlow(shot, rate) for shot in shots]
    for kind, wanted in (("affine", options.affine_per_clip), ("flow", options.flow_per_clip)):
        made = 0
        for _ in range(ATTEMPTS * wanted if shots else 0):
            shot = flows[rng.integers(len(flows))]
            frames = _two_frames(shot, rate, options, rng)
            pair = _frame_pair(shot, *frames, kind, options, rng) if frames else None
            if pair is not None:
                yield f"{kind}{made}", pair, {"kind": kind, "seconds": round((frames[1] - frames[0]) / rate, 3)}
                made += 1
            if made == wanted:
                break


def _two_frames(shot: ShotFlow, rate: float, options: PairOptions, rng: np.random.Generator) -> tuple[int, int] | None:
    """Numbers of two frames some seconds apart, in random order; None where the shot is too short."""
    least, most = (max(1, round(seconds * rate)) for seconds in (options.least_seconds, options.most_seconds))
    count = len(shot.frames)
    if count <= least:
        return None
    gap = int(rng.integers(least, min(most, count - 1) + 1))
    first = int(rng.integers(0, count - gap))
    return (first, first + gap) if rng.random() < 0.5 else (first + gap, first)


def _frame_pair(
    shot: ShotFlow, here: int, there: int, kind: str, options: PairOptions, rng: np.random.Generator
) -> Pair | None:
    """One frame warped towards another by a motion model; None if a filter drops the pair."""
    source, target = shot.frames[here], shot.frames[there]
    if motion.has_black_border(source) != motion.has_black_border(target):
        return None
    flow = shot.between(here, there)
    if not motion_is_useful(flow, options.least_motion):
        return None
    trusted = consistency(flow, shot.between(there, here))
    edit = warp(kind, source, target, flow, trusted, rng)
    good = edit is not None and motion.covers_enough(edit) and motion.looks_like(edit, target)
    return Pair(source, edit, target) if good else None


def warp(
    kind: str, source: np.ndarray, target: np.ndarray, flow: np.ndarray, trusted: np.ndarray, rng: np.random.Generator
) -> CoarseEdit | None:
    """The coarse edit of one motion model ("flow" or "affine"); None where the flow is mostly noise or nothing fits."""
    inside = ends_inside(flow)
    believable = trusted | (inside & (difference(follow(target, flow), source) < motion.ALIKE))
    shares = trusted.sum() / max(1, inside.sum()), believable.sum() / max(1, inside.sum())
    if shares[0] < motion.LEAST_TRUSTED or shares[1] < motion.LEAST_BELIEVABLE:
        return None
    if kind == "flow":
        return motion.warp_by_flow(source, flow, believable)
    return motion.warp_by_segments(source, target, flow, trusted, rng)
