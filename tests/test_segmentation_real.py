"""MobileSAM's real weights on drawn and real photos. Skipped where the weights or the photos cannot be had."""

from pathlib import Path

import numpy as np
import pytest

from magicfixup_demo.errors import DownloadError
from magicfixup_demo.images import open_photo
from magicfixup_demo.schema import Prompt
from magicfixup_demo.segmentation import mobile_sam
from magicfixup_demo.segmentation.masks import interior_point
from magicfixup_demo.segmentation.sam_segmenter import SamSegmenter

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "photos"
# One clear object each; a decoder fed with wrong features scores about 0.1 to 0.3 here.
OBJECTS = (
    "airplane00_000000281693",
    "teddy bear06_000000073118",
    "fork08_000000123585",
    "microwave08_000000215644",
)


@pytest.fixture(scope="module")
def weights() -> Path:
    try:
        return mobile_sam.fetch_weights()
    except DownloadError as error:
        pytest.skip(f"MobileSAM's weights cannot be had: {error}")


@pytest.fixture(scope="module")
def segmenter(weights) -> SamSegmenter:
    return SamSegmenter("mobile-sam", mobile_sam.read_weights(mobile_sam.build_mobile_sam(), weights))


def click(*points, exclude=()):
    return Prompt(tuple(points) + tuple(exclude), (True,) * len(points) + (False,) * len(exclude))


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def disc_photo(height, width, centre, radius):
    """A shaded orange disc on a grey floor with noise, and its mask."""
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(columns + 0.5 - centre[0], rows + 0.5 - centre[1])
    mask = distance < radius
    shade = np.clip(1.1 - distance / radius * 0.5, 0, 1)[..., None] * (240, 140, 30)
    floor = (90 + 60 * rows / height)[..., None] * (1, 1, 1)
    noise = np.random.default_rng(0).normal(0, 4, (height, width, 3))
    return np.clip(np.where(mask[..., None], shade, floor) + noise, 0, 255).astype(np.uint8), mask


@pytest.mark.parametrize("height, width", [(300, 400), (500, 300), (3000, 4000)])
def test_a_click_on_a_ball_gives_the_ball_at_any_size(segmenter, height, width):
    centre, radius = (width * 0.4, height * 0.55), min(height, width) * 0.2
    photo, truth = disc_photo(height, width, centre, radius)
    candidates = segmenter.candidates(segmenter.embed(photo), click(centre))
    assert candidates[0].mask.shape == (height, width) and iou(candidates[0].mask, truth) > 0.93


def test_a_box_gives_the_ball(segmenter):
    photo, truth = disc_photo(300, 400, (160, 165), 60)
    mask = segmenter.candidates(segmenter.embed(photo), Prompt(box=(98, 102, 222, 228)))[0].mask
    assert iou(mask, truth) > 0.93


def test_a_second_click_adds_and_an_excluding_click_removes(segmenter):
    left, left_mask = disc_photo(300, 400, (110, 150), 50)
    right, right_mask = disc_photo(300, 400, (290, 150), 50)
    photo = np.where(right_mask[..., None], right, left)
    embedding = segmenter.embed(photo)
    one, both, again = (
        segmenter.candidates(embedding, prompt)[0].mask
        for prompt in (click((110, 150)), click((110, 150), (290, 150)), click((110, 150), exclude=[(290, 150)]))
    )
    assert iou(one, left_mask) > 0.9 and iou(both, left_mask | right_mask) > 0.85 and iou(again, left_mask) > 0.9


def test_the_same_photo_gives_the_same_answer(segmenter):
    photo, _ = disc_photo(200, 300, (150, 100), 40)
    first, second = (segmenter.candidates(segmenter.embed(photo), click((150, 100))) for _ in range(2))
    assert [c.score for c in first] == [c.score for c in second] and (first[0].mask == second[0].mask).all()


def test_clicks_on_real_objects_find_them(segmenter):
    if not DATA.is_dir():
        pytest.skip("The shared photos (../shared/data/photos) are not here.")
    overlaps = []
    for name in OBJECTS:
        photo = open_photo(DATA / "coco" / f"{name.partition('_')[2]}.jpg")
        truth = open_photo(DATA / "coco_masks" / f"{name}.png")[..., 0] >= 128
        x, y = interior_point(truth)
        candidates = segmenter.candidates(segmenter.embed(photo), click((x + 0.5, y + 0.5)))
        assert max(iou(candidate.mask, truth) for candidate in candidates) > 0.8, name
        overlaps.append(iou(candidates[0].mask, truth))
    assert np.mean(overlaps) > 0.7, overlaps
