"""Zoom and pan in a real browser: by wheel, keys, buttons, space bar, middle button and two fingers."""

import io

import numpy as np
import pytest
from PIL import Image

from browser.conftest import PHONE
from browser.fakes import DISC_AT, SQUARE_AT, scene


def canvas_of(visitor) -> dict:
    return visitor.page.locator('[data-part="canvas"]').bounding_box()


def under(visitor, client) -> tuple[float, float]:
    """The photo point at a point of the window."""
    box, (a, _, _, d, e, f) = canvas_of(visitor), visitor.view()
    return (client[0] - box["x"] - e) / a, (client[1] - box["y"] - f) / d


def zoomed(visitor, then, from_scale=None) -> float:
    """The scale after ``then`` has been done and the view has changed."""
    before = visitor.view()[0] if from_scale is None else from_scale
    then()
    visitor.wait_for(f"magicfixup.view()[0] !== {before}")
    return visitor.view()[0]


def wait_percent(visitor, percent: int) -> None:
    visitor.wait_for(f"querySelector('[data-part=zoom-percent]').innerText === '{percent} %'")


def test_the_wheel_zooms_at_the_pointer_and_nothing_loses_the_photo(desk):
    page, fitted = desk.page, desk.view()
    client = desk.client(SQUARE_AT)
    page.mouse.move(*client)
    for _ in range(4):
        zoomed(desk, lambda: page.mouse.wheel(0, -120))
        assert under(desk, client) == pytest.approx(SQUARE_AT, abs=0.5)
    scale = desk.view()[0]
    assert scale > 2 * fitted[0]
    page.keyboard.down("Control")
    assert zoomed(desk, lambda: page.mouse.wheel(0, -20)) == pytest.approx(scale * np.exp(0.2), rel=0.01)
    page.keyboard.up("Control")
    left = desk.view()[4]
    page.keyboard.down("Shift")
    page.mouse.wheel(0, 60)
    desk.wait_for(f"magicfixup.view()[4] !== {left}")
    page.keyboard.up("Shift")
    assert desk.view()[4] == pytest.approx(left - 60, abs=1)
    for _ in range(3):
        page.mouse.wheel(9000, 0)
        page.mouse.wheel(0, -9000)
    desk.wait_for("magicfixup.view()[0] === 16")
    box = canvas_of(desk)
    x, y = under(desk, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    assert 0 <= x <= 600 and 0 <= y <= 400, "the middle of the stage shows the photo"
    for _ in range(20):
        page.mouse.wheel(0, 9000)
    desk.wait_for(f"magicfixup.view()[0] < {fitted[0]}")
    assert desk.view()[0] == pytest.approx(fitted[0] / 2, rel=0.01)
    assert desk.page.locator('[data-do="undo"]').is_disabled(), "looking around is no step"


def test_keys_buttons_space_bar_and_middle_button(desk):
    page, fitted = desk.page, desk.view()
    desk.key("1")
    desk.wait_for("magicfixup.view()[0] === 1")
    wait_percent(desk, 100)
    desk.key("0")
    desk.wait_for(f"magicfixup.view()[0] === {fitted[0]}")
    assert desk.view() == fitted
    desk.key("+")
    assert desk.view()[0] == pytest.approx(1.25 * fitted[0])
    desk.key("-")
    assert desk.view() == pytest.approx(fitted)
    for _ in range(4):
        desk.press("zoom-in")
    wait_percent(desk, round(100 * desk.view()[0]))
    before = desk.view()
    x, y = desk.client((300, 200))
    page.mouse.move(x, y)
    page.keyboard.down("Space")  # though the button that was clicked has the focus
    page.mouse.down()
    page.mouse.move(x + 40, y + 25)
    page.mouse.up()
    page.keyboard.up("Space")
    assert desk.view()[4:] == pytest.approx([before[4] + 40, before[5] + 25])
    assert desk.view()[0] == before[0]
    page.mouse.down(button="middle")
    page.mouse.move(x, y)
    page.mouse.up(button="middle")
    assert desk.view() == pytest.approx(before)
    page.mouse.down(button="middle")
    page.mouse.move(x - 50, y)
    desk.key("Escape")
    page.mouse.up(button="middle")
    assert desk.view() == pytest.approx(before), "Escape takes a pan back too"
    assert page.locator('[data-group="selection"]').is_hidden()
    desk.key("Control+ArrowRight")
    assert desk.view()[4] == pytest.approx(before[4] - 80)
    desk.press("zoom-fit")
    desk.wait_for(f"magicfixup.view()[0] === {fitted[0]}")


def test_pixels_are_squares_beyond_400_percent_and_gestures_work_there(desk):
    x, y = DISC_AT
    desk.page.mouse.move(*desk.client((x + 62, y)))
    for _ in range(12):
        desk.page.mouse.wheel(0, -300)
    desk.wait_for("magicfixup.view()[0] === 16")
    client = desk.client((x + 65, y))
    clip = {"x": round(client[0] / 16) * 16, "y": round(client[1]), "width": 160, "height": 96}
    desk.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    shot = np.asarray(Image.open(io.BytesIO(desk.page.screenshot(clip=clip))).convert("RGB")).astype(int)
    changes = np.abs(np.diff(shot, axis=1)).max(axis=(0, 2)) > 0
    where = np.flatnonzero(changes)
    assert len(where) > 3 and len(set(where % 16)) == 1, "colours change at the borders of photo pixels only"
    desk.select((x + 55, y))
    desk.drag((x + 55, y), (x + 60, y + 3))
    desk.wait_layers(1)
    assert desk.layers()[0]["matrix"][4:] == pytest.approx([5, 3], abs=0.5)


def test_a_zoomed_view_keeps_its_middle_and_scale_when_the_window_changes(desk):
    def middle():
        box = canvas_of(desk)
        return under(desk, (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))

    desk.page.mouse.move(*desk.client(SQUARE_AT))
    scale = zoomed(desk, lambda: desk.page.mouse.wheel(0, -300))
    before, width = middle(), canvas_of(desk)["width"]
    desk.page.set_viewport_size({"width": 1100, "height": 700})
    desk.page.wait_for_function(f"document.querySelector('[data-part=canvas]').clientWidth !== {width}")
    desk.wait_for("magicfixup.view()[4] !== 0")
    assert desk.view()[0] == pytest.approx(scale)
    assert middle() == pytest.approx(before, abs=8)
    desk.key("0")
    desk.page.set_viewport_size({"width": 1280, "height": 800})
    desk.page.wait_for_function(f"document.querySelector('[data-part=canvas]').clientWidth === {width}")
    shown = desk.picture()
    assert shown.shape[1] == pytest.approx(600 * desk.view()[0], abs=2), "a fitted view stays fitted"
    assert np.abs(shown[20, 20].astype(int) - scene()[13, 13]).max() < 30


def test_two_fingers_move_the_view_beside_an_object_and_the_object_on_it(visit, site, photo_file):
    phone = visit(site[0], PHONE)
    phone.open_file(photo_file)
    assert phone.page.locator(".mf-view").is_hidden(), "nothing to say while the photo is fitted"
    fitted = phone.view()
    phone.drag_along([[(250, 200), (200, 200)], [(350, 200), (400, 200)]])
    assert phone.view()[0] == pytest.approx(2 * fitted[0], rel=0.05)
    assert phone.page.locator('[data-group="selection"]').is_hidden(), "the first finger selects nothing"
    assert phone.page.locator(".mf-view").is_visible()
    phone.press("zoom-fit")
    phone.wait_for(f"magicfixup.view()[0] === {fitted[0]}")
    phone.select(DISC_AT)
    phone.press("cut-out")
    phone.wait_layers(1)
    x, y = DISC_AT
    phone.drag_along([[(400, 330), (380, 330)], [(500, 330), (580, 330)]])
    assert phone.view()[0] > 1.2 * fitted[0] and phone.layers()[0]["matrix"] == [1, 0, 0, 1, 0, 0]
    phone.press("zoom-fit")
    phone.wait_for(f"magicfixup.view()[0] === {fitted[0]}")
    phone.drag_along([[(x - 40, y), (x - 60, y)], [(x + 40, y), (x + 60, y)]])
    assert phone.view() == fitted and phone.layers()[0]["matrix"][0] == pytest.approx(1.5, abs=0.06)


def test_the_canvas_is_no_denser_than_eyes_see_and_no_larger_than_a_display(visit, site, photo_file):
    dense = visit(site[0], {"viewport": {"width": 400, "height": 700}, "device_scale_factor": 4})
    dense.open_file(photo_file)
    ratio = "(({ width, clientWidth }) => width / clientWidth)(document.querySelector('[data-part=canvas]'))"
    assert dense.page.evaluate(ratio) == pytest.approx(3, abs=0.01)
    large = visit(site[0], {"viewport": {"width": 4000, "height": 2200}, "device_scale_factor": 2})
    large.open_file(photo_file)
    pixels = "(({ width, height }) => width * height)(document.querySelector('[data-part=canvas]'))"
    assert large.page.evaluate(pixels) < 9.1e6
