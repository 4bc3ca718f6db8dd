"""The handles of a chosen layer in a real browser: free aspect, turning, distort, guides, what lies behind, fingers."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from browser.fakes import DISC_AT, SQUARE_AT

IDENTITY = [1, 0, 0, 1, 0, 0]


def cut_out(visitor, point=DISC_AT, count: int = 1):
    """Its box: left, top, right, bottom."""
    visitor.select(point)
    visitor.press("cut-out")
    visitor.wait_layers(count)
    segment = visitor.collage()["segments"][-1]
    left, top = segment["left"], segment["top"]
    return left, top, left + segment["width"], top + segment["height"]


def matrix_of(visitor, index: int = -1) -> list[float]:
    return visitor.layers()[index]["matrix"]


def holding(visitor, key: str, gesture) -> None:
    visitor.page.keyboard.down(key)
    gesture()
    visitor.page.keyboard.up(key)


def test_sides_stretch_a_corner_with_shift_too_and_each_is_one_step(desk):
    left, top, right, bottom = cut_out(desk)
    middle = ((left + right) / 2, (top + bottom) / 2)
    desk.drag((right, middle[1]), (right + 60.5, middle[1] + 30))
    a, b, c, d, e, _ = matrix_of(desk)
    assert (a, b, c, d) == pytest.approx((1.5, 0, 0, 1), abs=0.02)
    assert a * left + e == pytest.approx(left, abs=0.01), "the other side stays"
    desk.press("undo")
    assert matrix_of(desk) == IDENTITY
    holding(desk, "Shift", lambda: desk.drag((right, bottom), (right + 60.5, bottom - 24)))
    a, b, c, d, e, f = matrix_of(desk)
    assert (a, b, c, d) == pytest.approx((1.5, 0, 0, 0.8), abs=0.02)
    assert (a * left + e, d * top + f) == pytest.approx((left, top), abs=0.01)
    desk.press("undo")
    holding(desk, "Alt", lambda: desk.drag((right, bottom), (right + 30, bottom + 30)))
    a, _, _, d, e, f = matrix_of(desk)
    assert a == pytest.approx(1.5, abs=0.02)
    assert (a * middle[0] + e, d * middle[1] + f) == pytest.approx(middle, abs=0.01), "Alt keeps the middle"
    desk.press("undo")
    assert matrix_of(desk) == IDENTITY


def test_turning_clings_to_upright_and_shift_goes_in_steps(desk):
    left, top, right, bottom = cut_out(desk)
    x, y = (left + right) / 2, (top + bottom) / 2
    reach = y - top + 34 / desk.view()[0]

    def turn_to(degrees: float) -> float:
        angle = math.radians(degrees)
        desk.drag((x, y - reach), (x + 120 * math.sin(angle), y - 120 * math.cos(angle)))
        a, b, *_ = matrix_of(desk)
        desk.press("undo")
        return math.degrees(math.atan2(b, a))

    assert turn_to(92) == pytest.approx(90, abs=1e-6)
    assert turn_to(80) == pytest.approx(80, abs=0.5)
    turned = []
    holding(desk, "Shift", lambda: turned.append(turn_to(40)))
    holding(desk, "Control", lambda: turned.append(turn_to(92)))
    assert turned == pytest.approx([45, 92], abs=0.5)
    assert matrix_of(desk) == IDENTITY


def test_distort_by_the_corners(desk, site):
    left, top, right, bottom = cut_out(desk)
    desk.key("t")
    pressed = '[data-do="distort"][aria-pressed="true"]'
    desk.page.wait_for_selector(pressed)
    desk.drag((left, top), (left + 30, top + 12))
    distort = desk.layers()[0]["distort"]
    assert sum(distort, []) == pytest.approx([30, 12, 0, 0, 0, 0, 0, 0], abs=0.7)
    desk.key("Control+z")
    assert "distort" not in desk.layers()[0]
    holding(desk, "Shift", lambda: desk.drag((left, top), (left + 25, top + 3)))
    assert sum(desk.layers()[0]["distort"], []) == pytest.approx([25, 0, -25, 0, 0, 0, 0, 0], abs=0.7)
    desk.key("Control+z")
    desk.drag((left, top), (right + 100, bottom + 100))
    (dx, dy), *_ = desk.layers()[0]["distort"]
    assert dx < (right - left) / 2 + 5 and dy < (bottom - top) / 2 + 5, "it stops before it folds"
    desk.key("Escape")
    desk.page.wait_for_selector(pressed, state="detached")
    desk.shown("layer")  # it is still in hand
    desk.fix_up()  # and the server draws it
    assert desk.shown_picture("after").shape == (400, 600, 3)


def test_guides_hold_a_moving_layer_unless_control_is_held(desk):
    left, top, right, bottom = cut_out(desk, SQUARE_AT)
    x, y = (left + right) / 2, (top + bottom) / 2
    desk.drag((x, y), (300 + 2.5, 202))
    middle = [matrix_of(desk)[4] + x, matrix_of(desk)[5] + y]
    assert middle == pytest.approx([300, 200], abs=1e-6), "the photo's middle"
    desk.key("Control+z")
    holding(desk, "Control", lambda: desk.drag((x, y), (300 + 2.5, 202)))
    assert matrix_of(desk)[4] + x == pytest.approx(302.5, abs=0.4)
    desk.key("Control+z")
    assert matrix_of(desk) == IDENTITY


def test_a_layer_under_way_looks_as_it_does_when_it_has_arrived(desk):
    """Between others, one of them see-through: what each frame draws anew and what is drawn once come to the same."""
    cut_out(desk)
    desk.drag(DISC_AT, (SQUARE_AT[0] - 90, SQUARE_AT[1] + 20))
    desk.key("Escape")
    cut_out(desk, SQUARE_AT, 2)
    desk.key("ArrowRight")
    desk.page.locator('[data-part="opacity"]').focus()
    for _ in range(5):
        desk.key("PageDown")
    desk.wait_for("magicfixup.collage().layers[1].opacity < 0.7")
    desk.page.locator('[data-part="canvas"]').focus()
    desk.key("Escape")
    start, end = (SQUARE_AT[0] - 110, SQUARE_AT[1] + 20), (SQUARE_AT[0] - 100, SQUARE_AT[1] + 10)
    desk.page.keyboard.down("Control")  # no guides in the picture
    desk.drag_along([[start, (start[0] - 40, start[1]), end]], drop=False)
    (x0, y0), (x1, y1) = desk.client((SQUARE_AT[0] - 120, 100)), desk.client((SQUARE_AT[0] - 38, 180))
    clip = {"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
    moving = shot_of(desk, clip)
    desk.page.mouse.up()
    desk.page.keyboard.up("Control")
    desk.key("Escape")
    arrived = shot_of(desk, clip)
    assert len(np.unique(arrived.reshape(-1, 3), axis=0)) > 20, "disc, square and both together are in it"
    difference = np.abs(moving - arrived).max(axis=2)
    assert np.quantile(difference, 0.98) <= 8 and np.median(difference) <= 2


def shot_of(visitor, clip: dict) -> np.ndarray:
    visitor.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return np.asarray(Image.open(io.BytesIO(visitor.page.screenshot(clip=clip))).convert("RGB")).astype(int)


def test_alt_reaches_what_lies_behind_and_locked_or_hidden_is_not_hit(desk):
    cut_out(desk)
    desk.drag(DISC_AT, SQUARE_AT)
    desk.wait_for("magicfixup.collage().layers[0].matrix[4] > 250")
    desk.key("d")
    desk.wait_layers(2)  # the copy is in front, a little aside, and in hand
    front, back = desk.layers()[1]["id"], desk.layers()[0]["id"]
    at = (SQUARE_AT[0] + 10, SQUARE_AT[1] + 10)
    holding(desk, "Alt", lambda: desk.click(at))
    desk.key("ArrowRight")
    moved = {layer["id"]: layer["matrix"][4] for layer in desk.layers()}
    assert moved[front] != moved[back] + 20
    desk.key("Control+z")
    holding(desk, "Alt", lambda: desk.click(at))  # below the lowest layer: the photo's own square
    desk.page.wait_for_selector('[data-do="cut-out"]:enabled')
    desk.key("Escape")
    desk.click(at)
    desk.key("k")  # locks the one in front, which is the one that a plain click takes
    before = desk.layers()
    assert [layer.get("locked", False) for layer in before] == [False, True]
    desk.drag(at, (at[0] - 60, at[1]))
    assert desk.layers()[1] == before[1], "a locked layer stays where it is"
    assert desk.layers()[0]["matrix"][4] == pytest.approx(before[0]["matrix"][4] - 60, abs=3), "the one behind moves"


def test_a_pen_reaches_further_than_a_mouse(desk):
    left, top, right, bottom = cut_out(desk)
    session = desk.page.context.new_cdp_session(desk.page)
    x, y = desk.client((right, bottom))

    def drag(kind: str) -> list[float]:
        common = {"button": "left", "clickCount": 1, "pointerType": kind}
        for event, dx in (("mousePressed", 0), ("mouseMoved", 30), ("mouseMoved", 60), ("mouseReleased", 60)):
            point = {"x": x + 9 + dx, "y": y + 9 + dx, "buttons": 0 if event == "mouseReleased" else 1}
            session.send("Input.dispatchMouseEvent", {"type": event, **common, **point})
        return matrix_of(desk)

    assert drag("pen")[0] > 1.2
    desk.press("undo")
    assert drag("mouse")[0] == 1, "9 pixels beside the corner is beside it"


def send(phone, session, kind: str, points) -> None:
    touches = [dict(zip("xy", phone.client(point), strict=True), id=i) for i, point in points.items()]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def test_fingers_that_come_go_and_get_lost_leave_one_step_or_none(phone):
    left, top, right, bottom = cut_out(phone)
    session = phone.page.context.new_cdp_session(phone.page)
    x, y = DISC_AT

    # A finger scales by the corner, a second one joins, the first one leaves and the other one stays down a while.
    send(phone, session, "touchStart", {0: (right, bottom)})
    send(phone, session, "touchMove", {0: (right + 20, bottom + 20)})
    send(phone, session, "touchStart", {0: (right + 20, bottom + 20), 1: (x - 20, y)})
    send(phone, session, "touchMove", {0: (right + 40, bottom + 40), 1: (x - 40, y)})
    send(phone, session, "touchEnd", {1: (x - 40, y)})
    scaled = matrix_of(phone)
    assert scaled[0] > 1.2
    send(phone, session, "touchMove", {1: (x + 80, y)})
    assert matrix_of(phone) == scaled, "the finger that stays does nothing"
    send(phone, session, "touchEnd", {})
    phone.press("undo")
    assert matrix_of(phone) == IDENTITY, "one step"

    # The system takes the touch away: as if nothing had been.
    send(phone, session, "touchStart", {0: (x, y)})
    send(phone, session, "touchMove", {0: (x + 60, y)})
    send(phone, session, "touchMove", {0: (x + 90, y)})
    assert matrix_of(phone)[4] > 50
    send(phone, session, "touchCancel", {})
    phone.wait_for("magicfixup.collage().layers[0].matrix[4] === 0")

    # Escape while two fingers are down; they go on and lift without effect.
    send(phone, session, "touchStart", {0: (x - 30, y)})
    send(phone, session, "touchStart", {0: (x - 30, y), 1: (x + 30, y)})
    send(phone, session, "touchMove", {0: (x - 60, y), 1: (x + 60, y)})
    assert matrix_of(phone)[0] > 1.5
    phone.key("Escape")
    assert matrix_of(phone) == IDENTITY
    send(phone, session, "touchMove", {0: (x - 90, y), 1: (x + 90, y)})
    send(phone, session, "touchEnd", {})
    assert matrix_of(phone) == IDENTITY
    phone.press("undo")
    phone.wait_layers(0)
