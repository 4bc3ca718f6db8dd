"""Random gestures with real pointer events, then undo to the start and redo to the end.

All five hundred: MAGICFIXUP_GESTURES=500 python -m pytest tests/browser/test_stress.py
"""

import os
import random

import pytest

from browser.fakes import DISC_AT, SQUARE_AT

GESTURES = int(os.environ.get("MAGICFIXUP_GESTURES", "100"))
OBJECTS = {DISC_AT: 55, SQUARE_AT: 35}  # centre: how far from it a press still is on the object


class Hands:
    """Somebody who does things at random; each method is one gesture, and leaves no selection behind."""

    def __init__(self, visitor, seed: int):
        self.visitor, self.random = visitor, random.Random(seed)

    def anywhere(self) -> tuple[float, float]:
        return self.random.uniform(20, 580), self.random.uniform(20, 380)

    def cut_out(self) -> None:
        """Clicks an object of the photo, and drags it away where it was still there."""
        at = self.random.choice(list(OBJECTS))
        self.visitor.click(at)
        if self.visitor.page.locator('[data-group="selection"]:not([hidden])').count():
            self.visitor.page.wait_for_selector('[data-do="cut-out"]:enabled')
            self.visitor.drag(at, self.anywhere(), steps=3)

    def drag_something(self) -> None:
        """From anywhere to anywhere: a layer, a handle, or a box around nothing, as it happens."""
        self.visitor.drag(self.anywhere(), self.anywhere(), steps=self.random.randint(1, 4))

    def drag_a_layer(self) -> None:
        layers = self.visitor.layers()
        if layers:
            self.visitor.drag(self._middle(self.random.choice(layers)), self.anywhere(), steps=3)

    def abandon_a_drag(self) -> None:
        start, end = self.anywhere(), self.anywhere()
        self.visitor.drag_along([[start, end]], drop=False)
        self.visitor.key("Escape")
        self.visitor.page.mouse.up()

    def press_a_key(self) -> None:
        keys = ["ArrowLeft", "Shift+ArrowUp", "f", "Shift+F", "d", "[", "]", "Home", "End", "t", "h", "k", "r", "n"]
        self.visitor.key(self.random.choice(keys))

    def draw_round(self) -> None:
        """A lasso around some of the photo, cut out."""
        x, y = self.anywhere()
        self.visitor.key("l")
        self.visitor.drag_along([[(x, y), (x + 60, y), (x + 50, y + 40), (x - 10, y + 50)]])
        self.visitor.key("v")
        self.visitor.wait_for("magicfixup.selection().waiting === false")
        self.visitor.key("Enter")

    def look_closer(self) -> None:
        """The view is no part of the arrangement."""
        self.visitor.key(self.random.choice(["+", "-", "0"]))

    def delete_sometimes(self) -> None:
        if len(self.visitor.layers()) > 4:
            self.visitor.key("Delete")

    def _middle(self, layer: dict) -> tuple[float, float]:
        segment = next(s for s in self.visitor.collage()["segments"] if s["id"] == layer["segment"])
        x, y = segment["left"] + segment["width"] / 2, segment["top"] + segment["height"] / 2
        a, b, c, d, e, f = layer["matrix"]
        return min(max(a * x + c * y + e, 5), 595), min(max(b * x + d * y + f, 5), 395)

    def act(self) -> str:
        """One gesture at random; returns what it was."""
        often = ["cut_out", "drag_something", "drag_a_layer", "press_a_key"]
        names = [*often, *often, "abandon_a_drag", "draw_round", "look_closer", "delete_sometimes"]
        name = self.random.choice(names)
        getattr(self, name)()
        self._rest()
        return name

    def _rest(self) -> None:
        """Wait for an answer that is under way, then drop the selection; a chosen layer stays chosen."""
        self.visitor.wait_for("magicfixup.selection().waiting === false")
        if self.visitor.page.locator('[data-group="selection"]:not([hidden])').count():
            self.visitor.key("Escape")


@pytest.mark.parametrize("seed", [1])
def test_every_gesture_is_one_step_and_undo_finds_the_same_arrangements(visit, site, photo_file, seed):
    visitor = visit(site[0])
    visitor.open_file(photo_file)
    states, names = [visitor.collage()], ["open"]
    hands = Hands(visitor, seed)
    for number in range(GESTURES):
        name = hands.act()
        now = visitor.collage()
        if now != states[-1]:
            states.append(now)
            names.append(name)
        assert now["photo"] == states[0]["photo"], f"gesture {number}"
    while visitor.collage() == states[-1]:  # a selection that was dropped last comes back first
        visitor.key("Control+z")
    assert visitor.collage() == states[-2]
    assert len(states) > GESTURES / 4, "most gestures must do something, or this tests nothing"
    for number in range(len(states) - 3, -1, -1):
        visitor.key("Control+z")
        found = visitor.collage()
        assert found == states[number], f"undone {names[number + 1]}: {_difference(found, states[number])}"
    for number in range(1, len(states)):
        visitor.key("Control+Shift+z")
        found = visitor.collage()
        assert found == states[number], f"redone {names[number]}: {_difference(found, states[number])}"


def _difference(found: dict, wanted: dict) -> str:
    """Where two arrangements differ, without their masks' long texts."""
    lines = []
    for kind in ("segments", "layers"):
        one, other = ({item["id"]: item for item in state[kind]} for state in (found, wanted))
        lines += [f"{kind}: found {list(one)}, wanted {list(other)}"] if list(one) != list(other) else []
        for name in one.keys() & other.keys():
            keys = [key for key in one[name].keys() | other[name].keys() if one[name].get(key) != other[name].get(key)]
            lines += [f"{kind} {name}: {key}" for key in keys]
    return "; ".join(lines)
