"""Coarse edits of another tool (the paper's authors') go through the same engine: holes are filled, the rest kept."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import pytest

from magicfixup_demo.engine.composite import ring_width
from magicfixup_demo.engine.conditioning import distance_to, moved_content
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.images import open_edit, open_photo, resize_edit
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult

NAMES = ("dog_beach__edit__003", "palm_tree__edit__01")
NEAR, FAR = 2.5, 6.0  # pixels from an outline: what lies between is the object's colour, or the background's
MARGIN = 12  # pixels around the hole in which the photo goes over into the ground
BROWN = 420  # red, green and blue together: the palm's trunk and crown are darker


@dataclass(frozen=True, eq=False)
class Case:
    photo: np.ndarray
    edit: CoarseEdit
    result: EditResult

    @cached_property
    def moved(self) -> np.ndarray:
        """(H, W) bool: the object where it is now."""
        return moved_content(self.photo, self.edit)


@pytest.fixture(scope="module")
def cases(shared_data) -> dict[str, Case]:
    engine = load_engine("small", device="cpu")
    return {name: case(shared_data / "official_edits", name, engine) for name in NAMES}


def case(folder: Path, name: str, engine) -> Case:
    photo = open_photo(folder / f"{name.partition('__')[0]}_og.png")
    edit = open_edit(folder / f"{name}.png")
    result = engine.fixup(photo, edit, EditOptions(steps=1))
    return Case(photo, resize_edit(edit, photo.shape[1], photo.shape[0]), result)


def local_mean(picture: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) mean colour of what lies ``where`` within a few pixels of each pixel; (H, W) bool, is there any."""
    size, weight = (9, 9), where.astype(np.float32)
    count = cv2.boxFilter(weight, -1, size, normalize=False)
    total = cv2.boxFilter(picture * weight[..., None], -1, size, normalize=False)
    return total / np.maximum(count, 1e-6)[..., None], count > 0.5


def darkness_of_outline(picture: np.ndarray, thing: np.ndarray) -> float:
    """Grey levels by which the two pixels of an outline are darker than object and background beside it, on average."""
    inside, outside = distance_to(~thing), distance_to(thing)
    picture = picture.astype(np.float32)
    own, has_own = local_mean(picture, (inside > NEAR) & (inside < FAR))
    other, has_other = local_mean(picture, (outside > NEAR) & (outside < FAR))
    outline = ((inside > 0) & (inside <= 1.5) | (outside > 0) & (outside <= 1.5)) & has_own & has_other
    darker = np.minimum(own.mean(2), other.mean(2)) - picture.mean(2)
    return float(np.maximum(darker[outline], 0).mean())


@pytest.mark.parametrize("name", NAMES)
def test_the_hole_is_filled_and_what_is_far_from_it_and_from_the_object_is_the_photos_own(cases, name):
    one = cases[name]
    image, hole = one.result.images[0], one.edit.hole
    assert image.shape == one.photo.shape and image[hole].std() > 3
    beside = local_mean(image.astype(np.float32), (distance_to(hole) > MARGIN) & (distance_to(hole) < MARGIN + 8))[0]
    edge = (distance_to(~hole) < 2) & hole & beside.any(2)
    assert not edge.any() or np.abs(image[edge] - beside[edge]).mean() < 30, "with ground like what lies around it"
    untouched = distance_to(hole | one.moved) > MARGIN + MARGIN
    assert untouched.mean() > 0.3 and np.array_equal(image[untouched], one.photo[untouched])


@pytest.mark.parametrize("name", NAMES)
def test_what_sdedit_leaves_alone_is_the_photos_own(cases, name):
    one = cases[name]
    far = distance_to(one.result.touched) > ring_width(*one.photo.shape[:2])
    assert far.mean() > 0.2 and np.array_equal(one.result.sdedit[far], one.photo[far])


@pytest.mark.parametrize("name", NAMES)
def test_no_row_of_dark_pixels_stands_around_the_moved_object(cases, name):
    """The edit has one; afterwards the outline is no darker than that of the object where it stood in the photo."""
    one = cases[name]
    before = darkness_of_outline(one.edit.rgb, one.moved)
    after = darkness_of_outline(one.result.images[0], one.moved)
    in_photo = darkness_of_outline(one.photo, one.edit.hole)
    assert before > 1.25 * in_photo, "else this could not fail"
    assert after < 0.85 * before and after < 1.2 * in_photo + 0.5


def test_the_moved_trunk_still_carries_its_crown(cases):
    """Where it overlaps its old place, and looks like it, it is the object's all the same."""
    one = cases["palm_tree__edit__01"]
    rows, columns = slice(128, 296), slice(240, 300)
    whole = one.edit.alpha[rows, columns] == 255
    before = ((one.edit.rgb[rows, columns].sum(2, dtype=int) < BROWN) & whole).sum(1)
    after = (one.result.images[0][rows, columns].sum(2, dtype=int) < BROWN).sum(1)
    assert (before >= 4).all() and (after >= 3).all()
