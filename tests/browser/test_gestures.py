"""Each gesture in a real browser, with the mouse and the keyboard, over fast stand-ins for the models."""

import json

import cv2
import numpy as np
import pytest

from browser.fakes import DISC_AT, SQUARE_AT, scene
from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.images import resize, save_png

EMPTY_SPOT = (300, 330)


def matrix_of(visitor, index: int = -1) -> list[float]:
    return visitor.layers()[index]["matrix"]


def cut_and_move(visitor, by=(120, 20)):
    visitor.select(DISC_AT)
    visitor.drag(DISC_AT, (DISC_AT[0] + by[0], DISC_AT[1] + by[1]))
    visitor.wait_layers(1)
    return (DISC_AT[0] + by[0], DISC_AT[1] + by[1])


def edit_of(visitor):
    return render(scene(), collage_from_json(json.dumps(visitor.collage())))


def test_a_click_selects_and_a_drag_takes_the_object_along_in_one_step(desk):
    cut_and_move(desk)
    assert matrix_of(desk)[4:] == pytest.approx([120, 20], abs=1)
    edit = edit_of(desk)
    assert edit.hole[DISC_AT[1], DISC_AT[0] - 40], "the object leaves a hole"
    assert not edit.hole[EMPTY_SPOT[1], EMPTY_SPOT[0]]
    desk.press("undo")
    desk.wait_layers(0)
    assert desk.collage()["segments"] == []
    desk.press("redo")
    desk.wait_layers(1)


def test_cut_out_by_key_then_every_tool(desk):
    desk.select(DISC_AT)
    desk.key("Enter")
    desk.wait_layers(1)
    assert matrix_of(desk) == [1, 0, 0, 1, 0, 0]
    desk.key("ArrowRight")
    desk.key("Shift+ArrowDown")
    assert matrix_of(desk) == [1, 0, 0, 1, 1, 10]
    desk.press("flip")
    assert matrix_of(desk)[0] == -1
    desk.press("duplicate")
    desk.wait_layers(2)
    desk.press("backward")
    assert desk.layers()[0]["matrix"][4:] != desk.layers()[1]["matrix"][4:]
    desk.key("Delete")
    desk.wait_layers(1)
    for _ in range(7):
        desk.key("Control+z")
    assert desk.collage()["layers"] == [] and desk.collage()["segments"] == []
    for _ in range(7):
        desk.key("Control+Shift+z")
    desk.wait_layers(1)


def test_corner_and_turning_handles(desk):
    desk.select(DISC_AT)
    desk.press("cut-out")
    desk.wait_layers(1)
    segment = desk.collage()["segments"][0]
    left, top = segment["left"], segment["top"]
    right, bottom = left + segment["width"], top + segment["height"]
    desk.drag((right, bottom), (right + segment["width"] / 2, bottom + segment["height"] / 2))
    a, b, _, d, e, f = matrix_of(desk)
    assert (a, d) == pytest.approx((1.5, 1.5), abs=0.03) and b == 0
    assert (a * left + e, d * top + f) == pytest.approx((left, top), abs=0.5), "the opposite corner stays"
    desk.press("undo")
    scale = desk.view()[0]
    centre, handle = ((left + right) / 2, (top + bottom) / 2), ((left + right) / 2, top - 34 / scale)
    desk.drag(handle, (centre[0] + 150, centre[1]))
    a, b, c, d, *_ = matrix_of(desk)
    assert (a, b, c, d) == pytest.approx((0, 1, -1, 0), abs=0.03), "a quarter turn to the right"


def test_escape_returns_to_before_the_gesture(desk):
    cut_and_move(desk)
    before = desk.collage()
    x, y = DISC_AT[0] + 120, DISC_AT[1] + 20
    desk.drag_along([[(x, y), (x + 50, y), (x + 90, y - 60)]], drop=False)
    assert desk.collage() != before
    desk.key("Escape")
    assert desk.collage() == before
    desk.page.mouse.up()
    assert desk.collage() == before
    desk.press("undo")
    desk.wait_layers(0)


def test_points_add_and_leave_out_and_go(desk):
    desk.select(DISC_AT)
    desk.click(SQUARE_AT)
    desk.page.wait_for_selector('[data-do="cut-out"]:enabled')
    desk.click((SQUARE_AT[0] + 30, SQUARE_AT[1]), shift=True)
    desk.click((SQUARE_AT[0] + 30, SQUARE_AT[1]))  # on its own point: that one goes
    desk.press("cut-out")
    desk.wait_layers(1)
    alpha = edit_of(desk)
    assert not alpha.hole.any()
    desk.key("Delete")
    holes = edit_of(desk).hole
    assert holes[DISC_AT[1], DISC_AT[0]]


def test_a_box_selects_and_the_sizes_can_be_changed(desk):
    desk.drag((380, 70), (520, 190))
    desk.page.wait_for_selector('[data-do="cut-out"]:enabled')
    scale = desk.page.locator('[data-part="scale"]')
    assert scale.inner_text() == "2 of 3"
    desk.key(".")
    assert scale.inner_text() == "3 of 3"
    desk.press("cut-out")
    desk.wait_layers(1)
    assert desk.collage()["segments"][0]["width"] == pytest.approx(108, abs=2)


def test_escape_clears_the_selection_and_a_click_elsewhere_lets_go(desk):
    desk.select(DISC_AT)
    desk.key("Escape")
    assert desk.page.locator('[data-group="selection"]').is_hidden()
    assert desk.collage()["segments"] == []


def test_a_second_object_never_takes_pixels_of_the_first(desk):
    desk.select(DISC_AT)
    desk.press("cut-out")
    desk.wait_layers(1)
    desk.drag((50, 100), (251, 301))  # a box around the same disc
    desk.page.wait_for_selector('[data-do="cut-out"]:enabled')
    desk.press("cut-out")
    desk.page.wait_for_selector(".mf-toast")
    assert "already" in desk.toast()
    assert len(desk.layers()) == 1


def test_an_object_cannot_be_lost_outside(desk):
    x, y = cut_and_move(desk)
    desk.drag((x, y), (599, 20))
    for _ in range(3):
        desk.key("Shift+ArrowRight")
    a, _, _, _, e, _ = matrix_of(desk)
    assert a * (DISC_AT[0] - 60) + e < 590


def test_delete_of_a_selection_opens_a_hole_at_once(desk):
    desk.select(SQUARE_AT)
    desk.key("Delete")
    desk.wait_for("magicfixup.collage().segments.length === 1")
    assert desk.layers() == []
    assert edit_of(desk).hole[SQUARE_AT[1], SQUARE_AT[0]]


def test_the_canvas_shows_what_the_renderer_makes(desk):
    """Scaled, turned, flipped and put in front of one another: the screen agrees with collage.py."""
    cut_and_move(desk, (200, -20))
    desk.press("flip")
    segment = desk.collage()["segments"][0]
    corner = (segment["left"] + 200 + segment["width"], segment["top"] - 20 + segment["height"])
    desk.drag(corner, (corner[0] - 30, corner[1] - 30))
    desk.key("Escape")
    desk.select(SQUARE_AT)
    desk.drag(SQUARE_AT, (380, 190))
    desk.wait_layers(2)
    desk.key("Escape")
    shown, edit = desk.picture().astype(int), edit_of(desk)
    height, width = shown.shape[:2]
    expected = resize(np.ascontiguousarray(edit.rgb), width, height)
    # One pixel of slack: each pixel may lie anywhere in the range of its neighbours.
    kernel = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(expected, kernel).astype(int), cv2.dilate(expected, kernel).astype(int)
    outside = np.maximum(low - shown, shown - high).max(axis=2)
    solid, holes = (resize(np.uint8(part) * 255, width, height) == 255 for part in (edit.alpha == 255, edit.alpha == 0))
    assert solid.mean() > 0.8
    assert np.quantile(outside[solid], 0.9995) <= 12
    grey = shown[cv2.erode(np.uint8(holes), np.ones((5, 5), np.uint8)) > 0]
    assert len(grey) > 5000 and np.abs(grey[:, 0] - grey[:, 1]).max() <= 3, "holes show the grey pattern"


def test_fix_up_shows_both_pictures_and_the_download_keeps_untouched_pixels(desk, site):
    _, engine, _ = site
    cut_and_move(desk)
    desk.page.locator(".mf-settings > summary").click()
    desk.page.fill('[name="mf-seed"]', "1234")
    edit = edit_of(desk)
    desk.fix_up()
    assert engine.asked[-1].seed == 1234
    facts = desk.page.locator('[data-part="facts"]').inner_text()
    assert "seed 1234" in facts and "MIT" in facts and "fake" in facts
    assert all(desk.shown_picture(part).shape == (400, 600, 3) for part in ("after", "before", "sdedit", "coarse"))
    name, picture = desk.download()
    assert name == "two-things-fake-seed1234.png" and picture.shape == (400, 600, 3)
    untouched = (edit.alpha == 255) & (edit.rgb == scene()).all(axis=2)
    np.testing.assert_array_equal(picture[untouched], scene()[untouched])
    assert (picture[edit.hole] != scene()[edit.hole]).any(axis=1).mean() > 0.95
    desk.page.locator('[data-part="sdedit"]').click()
    assert desk.page.locator('[data-part="before-label"]').inner_text() == "SDEdit"
    before = desk.collage()
    desk.press("edit")
    desk.wait_mode("edit")
    assert desk.collage() == before
    desk.press("show-result")
    desk.wait_mode("result")


def test_the_slider_moves_by_key_and_mouse(desk):
    cut_and_move(desk)
    desk.fix_up()
    slider = desk.page.locator('[data-part="slider"]')
    slider.focus()
    desk.key("End")
    at = "getComputedStyle(document.querySelector('[data-part=compare]')).getPropertyValue('--at')"
    assert desk.page.evaluate(at) == "100%"
    box = slider.bounding_box()
    desk.page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    assert float(desk.page.evaluate(at).strip("%")) == pytest.approx(25, abs=4)


def test_stop_stops_and_keeps_collage_and_earlier_result(desk, site):
    _, engine, _ = site
    cut_and_move(desk)
    desk.fix_up()
    desk.press("edit")
    before = desk.collage()
    engine.gate.clear()
    desk.press("fixup")
    desk.page.wait_for_selector('.mf[data-running="true"]')
    desk.page.wait_for_function("document.querySelector('[data-part=progress]').innerText.includes('Step')")
    desk.press("stop")
    desk.page.wait_for_selector('.mf[data-running="false"]')
    assert engine.stopped.wait(10)
    assert "Stopped" in desk.toast()
    assert desk.collage() == before
    desk.press("show-result")
    desk.wait_mode("result")
    assert desk.shown_picture("after").shape == (400, 600, 3)


def test_leaving_the_page_stops_the_work_and_drops_the_photo(desk, site):
    _, engine, services = site
    cut_and_move(desk)
    engine.gate.clear()
    desk.press("fixup")
    desk.page.wait_for_function("document.querySelector('[data-part=progress]').innerText.includes('Step')")
    desk.page.close()
    assert engine.stopped.wait(60), "the server notices that the visitor has gone"


def test_nothing_moved_is_said(desk, site):
    _, engine, _ = site
    desk.select(DISC_AT)
    desk.press("cut-out")
    desk.wait_layers(1)
    desk.press("fixup")
    desk.page.wait_for_selector(".mf-toast")
    assert "Nothing has moved" in desk.toast()
    assert not engine.asked


def test_a_bad_file_is_told_and_loses_nothing(desk, tmp_path):
    cut_and_move(desk)
    before = desk.collage()
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"this is no picture")
    desk.open_instead(bad)
    desk.page.wait_for_selector('.mf-toast[data-kind="error"]')
    assert desk.collage() == before
    desk.press("undo")
    desk.wait_layers(0)


def test_a_new_photo_can_be_taken_back(desk, photo_file):
    cut_and_move(desk)
    before = desk.collage()
    desk.open_instead(photo_file)
    desk.wait_layers(0)
    assert desk.collage()["segments"] == []
    desk.press("undo")
    desk.wait_layers(1)
    assert desk.collage() == before
    desk.fix_up()


def test_a_photo_the_server_dropped_is_sent_again_without_a_word(desk, site):
    _, engine, services = site
    cut_and_move(desk)
    for token in list(services.photos._photos):
        del services.photos._photos[token]
    desk.key("Escape")
    desk.select(SQUARE_AT)
    desk.key("Escape")
    desk.fix_up()
    assert engine.asked


def test_dropping_and_pasting_a_picture(desk, photo_file):
    import base64

    data = base64.b64encode(photo_file.read_bytes()).decode()
    for event in ("drop", "paste"):
        cut_and_move(desk)
        desk.page.evaluate(
            """([kind, data]) => {
              const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
              const transfer = new DataTransfer();
              transfer.items.add(new File([bytes], "x.png", { type: "image/png" }));
              const event = kind === "drop"
                ? new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true })
                : new ClipboardEvent(kind, { clipboardData: transfer, bubbles: true, cancelable: true });
              document.querySelector(".mf").dispatchEvent(event);
            }""",
            [event, data],
        )
        desk.answer_new_photo()
        desk.wait_layers(0)
        desk.ready()


def test_a_photo_larger_than_the_screen_keeps_its_size(visit, site, tmp_path):
    large = cv2.resize(scene(), (2400, 1600), interpolation=cv2.INTER_NEAREST)
    save_png(tmp_path / "large.png", large)
    visitor = visit(site[0])
    visitor.open_file(tmp_path / "large.png")
    x, y = 4 * DISC_AT[0], 4 * DISC_AT[1]
    visitor.select((x, y))
    visitor.drag((x, y), (x + 500, y + 40))
    visitor.wait_layers(1)
    assert visitor.layers()[0]["matrix"] == pytest.approx([1, 0, 0, 1, 500, 40], abs=2)
    hole = render(large, collage_from_json(json.dumps(visitor.collage()))).hole
    assert hole.sum() == pytest.approx(np.pi * 240**2, rel=0.03), "the hole is the disc, in the photo's own pixels"
    visitor.fix_up()
    _, picture = visitor.download()
    assert picture.shape == (1600, 2400, 3)
    np.testing.assert_array_equal(picture[:550, :1200], large[:550, :1200])


def test_the_camera_gives_a_photo(visit, site):
    visitor = visit(site[0])
    visitor.press("camera")
    visitor.page.wait_for_function("document.querySelector('.mf-camera video').videoWidth > 0")
    visitor.press("shoot")
    visitor.ready()
    assert visitor.collage()["photo"]["width"] >= 320


def test_undo_inside_a_selection_takes_back_its_points_first(desk):
    cut_and_move(desk)
    desk.select(SQUARE_AT)
    desk.key("Control+z")
    desk.page.wait_for_selector('[data-group="selection"]', state="hidden")
    assert len(desk.layers()) == 1
    desk.key("Control+z")
    desk.wait_layers(0)


def test_another_photo_waits_for_the_fix_up_under_way(desk, site, photo_file):
    _, engine, _ = site
    cut_and_move(desk)
    engine.gate.clear()
    desk.press("fixup")
    desk.page.wait_for_selector('.mf[data-running="true"]')
    desk.page.set_input_files('[data-part="file"]', photo_file)
    desk.page.wait_for_selector(".mf-toast")
    assert "Stop" in desk.toast()
    engine.gate.set()
    desk.wait_mode("result")
    assert len(desk.layers()) == 1


def test_every_control_has_a_name(desk):
    nameless = desk.page.evaluate(
        """() => [...document.querySelectorAll('.mf button, .mf input, .mf summary, .mf canvas')]
            .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length || e.ariaHidden))
            .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert nameless == []


def test_canvas_and_main_button_are_visible_without_scrolling(desk):
    for selector in ('[data-part="canvas"]', '[data-do="fixup"]'):
        box = desk.page.locator(selector).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 800 and box["x"] + box["width"] <= 1280
    assert desk.page.evaluate("document.documentElement.scrollHeight") <= 801
