"""The photo is whole while objects are moved: the ground behind them comes before they are dragged, or soon after."""

import cv2
import numpy as np
import pytest

from browser.conftest import PHONE
from browser.fakes import DISC_AT, SMALL, SQUARE_AT, FakeEngine, stand_ins
from browser.visitor import Visitor
from tests.served import served

CHECKER = (244, 244, 247), (195, 195, 207)  # what a hole shows; nothing in the photo is so light
NO_HOLE = "magicfixup.holes().open === 0"


@pytest.fixture(scope="module")
def small() -> FakeEngine:
    return FakeEngine(SMALL)


@pytest.fixture(scope="module")
def url(chromium, small):
    """A page whose default model is another one than the one that lifts."""
    with served(stand_ins(FakeEngine(), small)) as url:
        yield url


@pytest.fixture
def desk(visit, url, small, photo_file) -> Visitor:
    small.gate.set()
    visitor = visit(url)
    visitor.open_file(photo_file)
    return visitor


def holes(visitor: Visitor) -> np.ndarray:
    """(h, w) bool: where the picture on the screen, without the controls over it, shows a hole; lines are none."""
    visitor.settled()
    picture = visitor.picture().astype(int)
    light = np.any([np.abs(picture - colour).max(axis=2) <= 3 for colour in CHECKER], axis=0)
    return cv2.morphologyEx(light.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0


def old_place(visitor: Visitor, mask: np.ndarray, centre) -> np.ndarray:
    """The part of a mask of the picture that is about an object's old place."""
    x, y = (round(value * visitor.view()[0]) for value in centre)
    return mask[y - 40 : y + 40, x - 40 : x + 40]


def wait_prepared(visitor: Visitor) -> None:
    """Until the ground behind what is selected is on the page."""
    visitor.wait_for("magicfixup.holes().bytes > 0")


def test_the_old_place_is_whole_from_the_first_frame_on(desk, small):
    before = desk.picture()
    asked = len(small.lifted)
    desk.select(SQUARE_AT)
    wait_prepared(desk)
    x, y = SQUARE_AT
    desk.drag_along([[SQUARE_AT, (x - 60, y + 60), (x - 120, y + 160)]], drop=False)
    assert not holes(desk).any()
    desk.page.mouse.up()
    desk.wait_layers(1)
    assert not holes(desk).any()
    assert len(small.lifted) == asked + 1, "asked for once, before the drag"
    desk.key("Control+z")
    desk.settled()
    assert np.abs(desk.picture().astype(int) - before).max() <= 1
    desk.key("Control+y")
    desk.wait_layers(1)
    assert not holes(desk).any()
    for keys in ("h", "h", "Delete", "Control+z"):
        desk.page.keyboard.press(keys)
        assert not holes(desk).any(), keys
    assert len(small.lifted) == asked + 1


def test_until_the_ground_comes_there_is_a_hole_and_no_other_place_becomes_one(desk, small):
    desk.select(DISC_AT)
    wait_prepared(desk)
    desk.drag(DISC_AT, (DISC_AT[0] + 40, DISC_AT[1] + 110))
    desk.wait_layers(1)
    small.gate.clear()
    desk.select(SQUARE_AT)
    desk.drag(SQUARE_AT, (SQUARE_AT[0] + 20, SQUARE_AT[1] + 180))
    desk.wait_layers(2)
    desk.wait_for("magicfixup.holes().asked === 2")
    shown = holes(desk)
    assert old_place(desk, shown, SQUARE_AT).mean() > 0.8
    assert not old_place(desk, shown, DISC_AT).any(), "the first one's ground stays"
    small.gate.set()
    desk.wait_for(NO_HOLE)
    assert not holes(desk).any()
    assert desk.page.locator(".mf-toast").count() == 0, "nobody is told of what goes on behind the scenes"


def test_hide_holes_is_a_choice_that_lasts(desk):
    desk.select(SQUARE_AT)
    wait_prepared(desk)
    desk.drag(SQUARE_AT, (SQUARE_AT[0], SQUARE_AT[1] + 180))
    desk.wait_layers(1)
    button = desk.page.locator('[data-do="hide-holes"]')
    assert button.get_attribute("aria-pressed") == "true"
    desk.key("g")
    assert holes(desk).sum() > 5000 and button.get_attribute("aria-pressed") == "false"
    desk.wait_for("magicfixup.isKept()")
    desk.page.reload()
    desk.page.wait_for_selector(".mf[data-mounted]")
    desk.ready()
    desk.wait_layers(1)
    assert holes(desk).sum() > 5000
    desk.press("hide-holes")
    desk.wait_for(NO_HOLE)
    assert not holes(desk).any()


def test_what_is_saved_of_an_arrangement_is_what_it_was(desk):
    desk.select(SQUARE_AT)
    wait_prepared(desk)
    desk.drag(SQUARE_AT, (SQUARE_AT[0], SQUARE_AT[1] + 180))
    desk.wait_layers(1)
    assert set(desk.collage()) == {"version", "photo", "segments", "layers"}
    desk.key("g")
    first = desk.collage()
    desk.key("g")
    assert desk.collage() == first


def test_on_a_phone(visit, url, small, photo_file):
    small.gate.set()
    phone = visit(url, PHONE)
    phone.open_file(photo_file)
    button = phone.page.locator('[data-do="hide-holes"]')
    assert button.is_hidden(), "there is nothing to hide"
    phone.select(DISC_AT)
    wait_prepared(phone)
    phone.drag(DISC_AT, (DISC_AT[0] + 150, DISC_AT[1] + 60))
    phone.wait_layers(1)
    assert not holes(phone).any()
    phone.press("hide-holes")
    assert holes(phone).any()
    box = button.bounding_box()
    assert min(box["width"], box["height"]) >= 44
