"""Choose and check the rule in ranking.py on photos with object masks.

    python -m magicfixup_demo.segmentation.calibrate DATA/photos --limit 200

DATA/index.json lists the photos and their masks (white = object). The photos are split in two: the weights are chosen
on one half, and both halves are reported. A first click lies at the object's most interior point; each next one at the
most interior point of the largest region that the offered mask gets wrong.
"""

import argparse
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from magicfixup_demo.errors import DataError, SegmentationError
from magicfixup_demo.images import open_photo
from magicfixup_demo.schema import Prompt
from magicfixup_demo.segmentation import ranking
from magicfixup_demo.segmentation.interface import Embedding
from magicfixup_demo.segmentation.masks import RawMask, finish, interior_point
from magicfixup_demo.segmentation.mobile_sam import load_mobile_sam
from magicfixup_demo.segmentation.ranking import Weights
from magicfixup_demo.segmentation.sam_segmenter import SamSegmenter, map_scale

Rule = Callable[[list[RawMask]], list[RawMask]]

GRID = (
    (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.11, 0.15, 0.2),  # area
    (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0),  # agreement
    (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0),  # stability
)
EXTRA_CLICKS = 4  # people do not click the middle: more first clicks per object, for choosing the weights
SOFTNESS = 0.03  # choosing by softmax instead of the maximum makes the mean a smooth function of the weights


@dataclass(frozen=True, eq=False)
class Thing:
    """One object to be found: its photo's embedding, its true mask (H, W) bool, and the answers asked for so far."""

    embedding: Embedding
    truth: np.ndarray
    asked: dict = field(default_factory=dict)

    def answers(self, segmenter: SamSegmenter, prompt: Prompt, previous: np.ndarray | None = None) -> list[RawMask]:
        """The decoder's four masks, decoded once per prompt and mask to be refined."""
        key = (prompt.points, prompt.labels, None if previous is None else previous.tobytes())
        if key not in self.asked:
            self.asked[key] = segmenter.propose(self.embedding, prompt, previous)
        return self.asked[key]

    def finished(self, raw_mask: RawMask, prompt: Prompt) -> np.ndarray:
        """The mask as a user gets it; nothing where it is empty."""
        try:
            return finish([raw_mask], prompt, map_scale(self.embedding), self.embedding)[0].mask
        except SegmentationError:
            return np.zeros_like(self.truth)

    def iou(self, mask: np.ndarray) -> float:
        """Overlap with the truth, 0..1."""
        return float(np.count_nonzero(mask & self.truth) / np.count_nonzero(mask | self.truth))


def main() -> None:
    """Print the weights chosen and two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, help="the folder beside index.json that holds photos and masks")
    parser.add_argument("--limit", type=int, default=200, help="number of photos, spread over the whole list")
    options = parser.parse_args()
    segmenter = load_mobile_sam()
    halves = _things(segmenter, options.photos.parent, options.limit)
    weights = choose_weights(segmenter, halves[0])
    print(f"chosen on the first half: {weights}")
    for title, things in zip(("first half (weights chosen here)", "second half (held out)"), halves, strict=True):
        print(f"\n{title}: {len(things)} objects, mean IoU after 1, 2, 3 clicks")
        for name, first, later, refine in _rules(weights):
            means = np.mean([click_through(segmenter, thing, first, later, refine) for thing in things], axis=0)
            print(f"  {name:58s} {means[0]:.3f} {means[1]:.3f} {means[2]:.3f}")


def choose_weights(segmenter: SamSegmenter, things: list[Thing]) -> Weights:
    """The point of GRID with the highest mean IoU over several first clicks per object."""
    generator = np.random.default_rng(0)
    cases = [_case(segmenter, thing, point) for thing in things for point in _first_clicks(thing, generator)]
    return max((Weights(*point) for point in itertools.product(*GRID)), key=lambda weights: _soft_mean(cases, weights))


def click_through(segmenter: SamSegmenter, thing: Thing, first: Rule, later: Rule, refine: bool) -> list[float]:
    """IoU after each of three clicks of a user who corrects what is offered.

    refine: whether a click refines the mask offered before it, or all clicks start afresh.
    """
    prompt = _extended(Prompt(), thing.truth, True)
    ious, previous = [], None
    for rule in (first, later, later):
        best = rule(thing.answers(segmenter, prompt, previous))[0]
        previous = best.logits if refine else None
        mask = thing.finished(best, prompt)
        ious.append(thing.iou(mask))
        prompt = _corrected(prompt, mask, thing.truth)
    return ious


def _rules(chosen: Weights) -> list[tuple[str, Rule, Rule, bool]]:
    """(name, rule for the first click, rule for later clicks, whether clicks refine the mask before them)."""

    def token(number: int) -> Rule:
        return lambda masks: sorted(masks, key=lambda mask: mask.token != number)

    def by(weights: Weights) -> Rule:
        return lambda masks: ranking.in_order(masks, ranking.weighted(ranking.features(masks), weights))

    def steadiest(masks: list[RawMask]) -> list[RawMask]:
        return ranking.in_order(masks, ranking.features(masks)[:, 3])

    guess, ours = by(Weights()), by(chosen)
    return [
        *((f"always mask {number}", token(number), token(number), False) for number in range(4)),
        ("predicted IoU", guess, guess, False),
        ("stability", steadiest, steadiest, False),
        ("predicted IoU + area", by(Weights(area=0.02)), guess, False),
        ("predicted IoU + agreement", by(Weights(agreement=0.2)), guess, False),
        ("chosen weights; later predicted IoU", ours, guess, False),
        ("chosen weights; later mask 0", ours, token(0), False),
        ("predicted IoU; later mask 0, refining", guess, token(0), True),
        ("chosen weights; later predicted IoU, refining", ours, guess, True),
        ("chosen weights; later mask 0, refining", ours, token(0), True),
        ("ranking.py as it stands", by(ranking.ONE_CLICK), token(0), True),
    ]


def _case(segmenter: SamSegmenter, thing: Thing, point: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Features (4, 4) and true IoUs (4,) of the answers to one click."""
    prompt = Prompt((point,), (True,))
    masks = thing.answers(segmenter, prompt)
    ious = [thing.iou(thing.finished(mask, prompt)) for mask in masks]
    return ranking.features(masks), np.array(ious)


def _soft_mean(cases: list[tuple[np.ndarray, np.ndarray]], weights: Weights) -> float:
    worth = np.stack([ranking.weighted(values, weights) for values, _ in cases]) / SOFTNESS  # (cases, 4)
    share = np.exp(worth - worth.max(1, keepdims=True))
    return float((share * np.stack([ious for _, ious in cases])).sum(1) @ (1 / share.sum(1)) / len(cases))


def _first_clicks(thing: Thing, generator: np.random.Generator) -> list[tuple[float, float]]:
    """The most interior point, and others well inside."""
    distance = cv2.distanceTransform(thing.truth.astype(np.uint8), cv2.DIST_L2, 5)
    rows, columns = np.nonzero(distance > 0.35 * distance.max())
    picks = generator.integers(0, len(rows), EXTRA_CLICKS)
    points = [interior_point(thing.truth), *zip(columns[picks].tolist(), rows[picks].tolist(), strict=True)]
    return [(x + 0.5, y + 0.5) for x, y in points]


def _corrected(prompt: Prompt, mask: np.ndarray, truth: np.ndarray) -> Prompt:
    """One more click, in the largest region that is wrong."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask != truth).astype(np.uint8), connectivity=4)
    if count == 1:
        return prompt
    region = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y = interior_point(region)
    return _extended(prompt, region, bool(truth[y, x]))


def _extended(prompt: Prompt, region: np.ndarray, include: bool) -> Prompt:
    x, y = interior_point(region)
    return Prompt((*prompt.points, (x + 0.5, y + 0.5)), (*prompt.labels, include))


def _things(segmenter: SamSegmenter, root: Path, limit: int) -> tuple[list[Thing], list[Thing]]:
    """Two lists, split by photo."""
    halves: tuple[list[Thing], list[Thing]] = ([], [])
    for index, record in enumerate(_records(root, limit)):
        embedding = segmenter.embed(open_photo(root / record["file"]))
        truths = [open_photo(root / mask)[..., 0] >= 128 for mask in record["masks"]]
        halves[index % 2].extend(Thing(embedding, truth) for truth in truths if truth.any())
    return halves


def _records(root: Path, limit: int) -> list[dict]:
    try:
        photos = json.loads((root / "index.json").read_text())["photos"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{root} holds no index.json that lists photos with masks.") from error
    masked = sorted((record for record in photos if record.get("masks")), key=lambda record: record["file"])
    count = min(limit, len(masked))
    return [masked[index * len(masked) // count] for index in range(count)]


if __name__ == "__main__":
    main()
