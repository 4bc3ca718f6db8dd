"""The gestures with fingers on a phone-sized screen, over fast stand-ins for the models."""

import math

import pytest

from browser.fakes import DISC_AT


def test_a_tap_selects_a_finger_drags_the_object_away(phone):
    phone.select(DISC_AT)
    phone.drag(DISC_AT, (DISC_AT[0] + 150, DISC_AT[1] + 30))
    phone.wait_layers(1)
    assert phone.layers()[0]["matrix"] == pytest.approx([1, 0, 0, 1, 150, 30], abs=3)
    phone.fix_up()
    assert phone.shown_picture("after").shape == (400, 600, 3)


def test_two_fingers_scale_and_turn_the_chosen_layer_in_one_step(phone):
    phone.select(DISC_AT)
    phone.press("cut-out")
    phone.wait_layers(1)
    x, y = DISC_AT
    turn = [math.radians(angle) for angle in (0, 30, 60, 90)]
    reach = [60, 70, 80, 90]
    paths = [
        [(x + side * r * math.cos(t), y + side * r * math.sin(t)) for t, r in zip(turn, reach, strict=True)]
        for side in (-1, 1)
    ]
    phone.drag_along(paths)
    a, b, c, d, *_ = phone.layers()[0]["matrix"]
    assert (a, b, c, d) == pytest.approx((0, 1.5, -1.5, 0), abs=0.06)
    phone.press("undo")
    assert phone.layers()[0]["matrix"] == [1, 0, 0, 1, 0, 0]


def test_a_second_finger_joins_a_drag_and_both_are_one_step(phone):
    phone.select(DISC_AT)
    x, y = DISC_AT
    session = phone.page.context.new_cdp_session(phone.page)
    for kind, points in (
        ("touchStart", [(x, y)]),
        ("touchMove", [(x + 30, y)]),
        ("touchMove", [(x + 60, y)]),
        ("touchStart", [(x + 60, y), (x + 160, y)]),
        ("touchMove", [(x + 60, y), (x + 210, y)]),
        ("touchEnd", []),
    ):
        touches = [dict(zip("xy", phone.client(point), strict=True), id=i) for i, point in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    phone.wait_layers(1)
    assert phone.layers()[0]["matrix"][0] == pytest.approx(1.5, abs=0.05)
    phone.press("undo")
    phone.wait_layers(0)


def test_leaving_a_part_out_by_toggle(phone):
    phone.select(DISC_AT)
    phone.press("leave-out")
    assert phone.page.locator('[data-do="leave-out"]').get_attribute("aria-pressed") == "true"
    phone.click((300, 330))
    phone.page.wait_for_selector('[data-do="cut-out"]:enabled')
    phone.press("cut-out")
    phone.wait_layers(1)
    assert phone.collage()["segments"][0]["width"] == pytest.approx(121, abs=3)


def test_the_page_fits_the_phone(phone):
    page = phone.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator('[data-part="canvas"]').bounding_box()["width"] >= 370
    button = page.locator('[data-do="fixup"]').bounding_box()
    assert button["y"] > 844 / 2 and button["y"] + button["height"] <= 844, "in reach of the thumb"
    for group, then in (("selection", "cut-out"), ("layer", None)):
        phone.select(DISC_AT) if group == "selection" else None
        phone.shown(group)
        for tool in page.locator(f'[data-group="{group}"] button:visible').all():
            box = tool.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] >= 44
        if then:
            phone.press(then)
