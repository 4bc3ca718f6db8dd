"""A photo of 12 megapixels through the real ``small`` model: nobody sees where its ground ends.

Statistics of the border between ground and photo are taken on the result and on SDEdit's picture beside it. That one is
also given to a network as a crop, and laid over the photo under a ring, whose borders nobody sees either.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import pytest

from magicfixup_demo.affine import translation
from magicfixup_demo.bench import peak_growth_mb
from magicfixup_demo.collage import footprint, render, segment_from_mask
from magicfixup_demo.engine.composite import Box, crop_box, ring_width
from magicfixup_demo.engine.plate import lifted
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.images import open_photo, resize
from magicfixup_demo.schema import CoarseEdit, Collage, EditOptions, EditResult, Layer

WIDTH, HEIGHT = 4000, 3000
ROCK = ((745, 2228), (215, 95))  # centre and half axes of an ellipse around a rock on the snow
MOVED = translation(310.5, -180.25)
GRAIN = 6.0  # grey levels, standard deviation of the film grain
ALIKE = 0.6, 1.4  # variance of what is as sharp and as grainy, over that of what lies around it
LEAST_AT_BORDER = 0.45  # of the same: there the photo goes over into the ground, and two grains mix
BESIDE = (-16, -12, -8, 8, 12, 16)  # pixels: lines beside a border, inside it and outside
SEAM = (-4, 0, 4)  # the border itself; a soft one is a few pixels wide
PLENTY_MB = 1000


@dataclass(frozen=True, eq=False)
class Scene:
    """The edit of a large photo, and what came of it.

    ``hole``: (H, W) bool, what was lifted to move the rock. ``rock``: (H, W) uint8 coverage where it is now.
    ``seen``: (height, width) in pixels of each picture that SDEdit's network was given.
    """

    photo: np.ndarray
    edit: CoarseEdit
    hole: np.ndarray
    rock: np.ndarray
    box: Box
    result: EditResult
    seen: list[tuple[int, int]]
    memory_mb: float | None

    @property
    def changed(self) -> np.ndarray:
        """(H, W) bool: what is not the photo's."""
        return self.hole | (self.rock > 0)

    def picture(self, method: str) -> np.ndarray:
        return self.result.images[0] if method == "small" else self.result.sdedit

    def crop(self, values: np.ndarray) -> np.ndarray:
        """The crop's part of a picture (as float32) or of a mask (as it is)."""
        part = values[self.box.window]
        return part.astype(np.float32) if part.ndim == 3 else part

    @cached_property
    def distance(self) -> np.ndarray:
        """(h, w) float32: how far each pixel of the crop lies from what was changed."""
        return distance_from(self.crop(self.changed))

    def difference(self) -> np.ndarray:
        """(h, w, 3) float32, SDEdit's picture minus the photo inside the crop."""
        return self.crop(self.result.sdedit) - self.crop(self.photo)

    def beside_hole(self) -> tuple[np.ndarray, np.ndarray]:
        """(h, w) float32, signed distance from the hole's border in the crop; (h, w) bool, away from the rock."""
        return signed_distance(self.crop(self.hole)), distance_from(self.crop(self.rock) > 0) > max(BESIDE)


@pytest.fixture(scope="module")
def scene(repository) -> Scene:
    photo = large_photo(repository / "examples" / "polar-bear" / "photo.jpg")
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(mask, *ROCK, 0, 0, 360, 255, -1)
    segment, layer = segment_from_mask("rock", mask), Layer("l", "rock", MOVED)
    alone = Collage(WIDTH, HEIGHT, (segment,), (layer,), shadows=False)  # the ground's own seams
    edit = render(photo, alone)
    engine, seen = load_engine("small", device="cpu"), []
    network = engine.diffusion.pipeline.synthesizer
    network.register_forward_pre_hook(lambda _, given: seen.append(pixels(given[0])))
    result, grown = peak_growth_mb(lambda: engine.fixup(photo, edit, EditOptions(steps=1)))
    rock, hole = footprint(segment, layer, WIDTH, HEIGHT), lifted(mask > 0)
    return Scene(photo, edit, hole, rock, crop_box(hole | (rock > 0)), result, seen, grown)


def large_photo(path: Path) -> np.ndarray:
    """An example enlarged, with film grain at the scale of single pixels: detail that the model cannot see."""
    picture = resize(open_photo(path), WIDTH, HEIGHT).astype(np.float32)
    grain = np.random.default_rng(0).standard_normal((HEIGHT, WIDTH), np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 0.7)
    picture += (grain * (GRAIN / grain.std()))[..., None]
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def pixels(latent) -> tuple[int, int]:
    """(height, width) of the picture behind a latent (B, C, h, w) of the pixel codec."""
    return 4 * latent.shape[2], 4 * latent.shape[3]


def distance_from(mask: np.ndarray) -> np.ndarray:
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """Pixels from the mask's border: negative inside, positive outside."""
    return distance_from(mask) - distance_from(~mask)


def jump(picture: np.ndarray, inside: np.ndarray, where: np.ndarray | None = None) -> float:
    """Mean absolute difference between neighbours of which one is ``inside``, (H, W) bool, and the other is not.

    picture: (H, W, 3) float32. Only neighbours that both lie in ``where``, (H, W) bool, count; None means all.
    """
    where = np.ones(inside.shape, bool) if where is None else where
    down, right = np.s_[1:, :], np.s_[:, 1:]
    steps = []
    for later, earlier in ((down, np.s_[:-1, :]), (right, np.s_[:, :-1])):
        across = (inside[later] != inside[earlier]) & where[later] & where[earlier]
        steps.append(np.abs(picture[later][across] - picture[earlier][across]))
    return float(np.concatenate(steps).mean())


def laplacian(picture: np.ndarray) -> np.ndarray:
    return cv2.Laplacian(picture.mean(axis=2), cv2.CV_32F)


def test_sdedit_sees_a_crop_of_the_photo_at_its_own_size(scene):
    width, height = scene.box.size
    assert width * height < 0.2 * WIDTH * HEIGHT, "else this test could not fail"
    assert scene.seen
    for seen_height, seen_width in scene.seen:
        assert 0.85 < seen_height * seen_width / 512**2 < 1.15
        assert abs(seen_width / seen_height / (width / height) - 1) < 0.1


def test_pixels_that_nothing_touched_are_the_photos_own(scene):
    same = (scene.result.images[0] == scene.photo).all(axis=2)
    assert same[~scene.changed].all() and not (scene.result.touched & ~scene.changed).any()
    assert scene.changed.mean() < 0.05, "else this would say little"


def test_sdedits_pixels_beyond_the_ring_are_the_photos_own(scene):
    same = (scene.result.sdedit == scene.photo).all(axis=2)
    assert scene.crop(same)[scene.distance > ring_width(*scene.box.size)].all()
    same[scene.box.window] = True
    assert same.all(), "outside the crop"


def test_the_moved_object_keeps_its_own_pixels(scene):
    inside = scene.rock == 255
    assert inside.sum() > 50_000 and (scene.result.images[0] == scene.edit.rgb)[inside].all()


def test_no_step_where_sdedits_ring_ends(scene):
    """What it added fades out: its step at the border is no higher than those just inside, nor the picture's."""
    added, picture = scene.difference(), scene.crop(scene.result.sdedit)
    distance, ring = scene.distance, ring_width(*scene.box.size)
    assert np.abs(added[(distance > 1) & (distance < ring / 2)]).mean() > 0.3, "else there is nothing to fade out"
    for values, least in ((added, 0.05), (picture, 0.0)):
        beside = max(jump(values, distance <= ring + line) for line in BESIDE)
        assert max(jump(values, distance <= ring + line) for line in SEAM) < 1.15 * beside + least


def test_no_step_at_the_border_of_sdedits_crop(scene):
    """A frame of 24 pixels on both sides of the crop's border, line by line."""
    box, margin = scene.box, 24
    assert min(box.left, box.top, WIDTH - box.right, HEIGHT - box.bottom) > margin, (
        "the crop must not end with the photo"
    )
    frame = np.s_[box.top - margin : box.bottom + margin, box.left - margin : box.right + margin]
    picture = scene.result.sdedit[frame].astype(np.float32)
    border = np.zeros(picture.shape[:2], bool)
    border[margin:-margin, margin:-margin] = True
    distance = signed_distance(border)
    for values, least in ((picture - scene.photo[frame], 0.05), (picture, 0.0)):
        beside = max(jump(values, distance <= line) for line in BESIDE)
        assert max(jump(values, distance <= line) for line in SEAM) < 1.15 * beside + least


@pytest.mark.parametrize("method", ["small", "sdedit"])
@pytest.mark.parametrize("smooth", [0, 3, 8])
def test_no_step_between_the_ground_and_what_lies_around_it(scene, method, smooth):
    """Neither of grain nor, low-passed, of light; away from the rock, which has edges."""
    picture = scene.crop(scene.picture(method))
    picture = cv2.GaussianBlur(picture, (0, 0), smooth) if smooth else picture
    distance, away = scene.beside_hole()
    beside = max(jump(picture, distance <= line, away) for line in BESIDE)
    assert max(jump(picture, distance <= line, away) for line in SEAM) < 1.15 * beside


def test_the_ground_is_as_sharp_and_as_grainy_as_what_lies_around_it(scene):
    detail = laplacian(scene.crop(scene.result.images[0]))
    distance, away = scene.beside_hole()
    around = detail[(distance > 4) & (distance < 80) & away].var()
    for first, last in ((-80, -40), (-40, -20), (-20, -10)):
        ground = detail[(distance > first) & (distance < last) & away]
        assert ALIKE[0] < ground.var() / around < ALIKE[1], f"{-last} to {-first} pixels inside"
    border = detail[(np.abs(distance) < 5) & away]
    assert LEAST_AT_BORDER < border.var() / around < ALIKE[1]


def test_memory_grows_by_little_more_than_a_few_copies_of_the_photo(scene):
    if scene.memory_mb is None:
        pytest.skip("this system cannot count a process's peak memory anew")
    assert scene.memory_mb < PLENTY_MB
