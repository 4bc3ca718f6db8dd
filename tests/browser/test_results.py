"""Results as people look at them: variants, comparing, looking closely, going back and on. Mouse, keys, fingers."""

import json

import cv2
import numpy as np
import pytest

from browser.conftest import DESKTOP, PHONE
from browser.fakes import DISC_AT, SQUARE_AT, scene
from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.images import save_png

LARGE = 4  # times the scene


def arranged(visitor, by=(150, 30)) -> None:
    """The disc is cut out and dragged away."""
    visitor.select(DISC_AT)
    visitor.drag(DISC_AT, (DISC_AT[0] + by[0], DISC_AT[1] + by[1]))
    visitor.wait_layers(1)


def opened(visit, site, photo_file, device=DESKTOP):
    visitor = visit(site[0], device)
    visitor.open_file(photo_file)
    return visitor


def ask_for(visitor, **fields) -> None:
    """Fill in fields of the settings: seed, steps, samples."""
    visitor.settings()
    if "steps" in fields and visitor.page.locator('[name="mf-steps"]').is_hidden():
        visitor.page.get_by_text("Advanced").click()
    for name, value in fields.items():
        if name == "samples":
            visitor.page.locator(".mf-variants label", has_text=str(value)).click()
        else:
            visitor.page.locator(f'[name="mf-{name}"]').fill(str(value))
    visitor.settings()


def fix_up_again(visitor, button: str = "fixup") -> None:
    """Start another fix-up from wherever the visitor is, and wait for its result."""
    before = visitor.page.locator(".mf-past").count()
    visitor.press(button)
    visitor.page.wait_for_function("n => document.querySelectorAll('.mf-past').length === n", arg=before + 1)
    visitor.wait_mode("result")


def show(visitor, view: str) -> None:
    visitor.page.locator(f'[data-show="{view}"]').click()


def facts(visitor) -> str:
    return visitor.page.locator('[data-part="facts"]').inner_text()


def thumbs(visitor, part: str):
    return visitor.page.locator(f'[data-part="{part}"] .mf-thumb')


def viewer(visitor):
    return visitor.page.locator('[data-part="compare"]')


def style(visitor, name: str) -> float:
    return visitor.page.evaluate(
        "n => parseFloat(document.querySelector('[data-part=compare]').style.getPropertyValue(n))", name
    )


def scale(visitor) -> float:
    """CSS pixels per photo pixel of the large picture."""
    return (
        visitor.page.evaluate("parseFloat(document.querySelector('.mf-sheet').style.width)")
        / (visitor.collage()["photo"]["width"])
    )


def middle(visitor) -> tuple[float, float]:
    box = viewer(visitor).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def delete(visitor, index: int) -> None:
    """Delete a result of the strip with the mouse, and wait until the server has heard of it."""
    visitor.page.locator(".mf-past").nth(index).hover()
    with visitor.page.expect_response(lambda response: "forget_result" in (response.request.post_data or "")):
        visitor.page.locator(".mf-delete").nth(index).click()


def held(visitor, on: bool) -> None:
    visitor.page.wait_for_selector(f".mf-viewer{'[data-held]' if on else ':not([data-held])'}")


def test_variants_are_a_gallery_each_with_its_seed_and_its_own_download(visit, site, photo_file):
    visitor = opened(visit, site, photo_file)
    engine = site[1]
    arranged(visitor)
    ask_for(visitor, seed=5, samples=4)
    engine.gate.clear()
    visitor.press("fixup")
    progress = visitor.page.locator('[data-part="progress"]')
    progress.get_by_text("Variant 1 of 4").wait_for()
    engine.gate.set()
    visitor.wait_mode("result")
    assert engine.asked[-1].samples == 4
    gallery = thumbs(visitor, "variants")
    assert [gallery.nth(i).inner_text() for i in range(4)] == [f"seed {seed}" for seed in (5, 6, 7, 8)]
    first = visitor.shown_picture("after")
    gallery.nth(2).click()
    assert gallery.nth(2).get_attribute("aria-pressed") == "true"
    assert "seed 7" in facts(visitor) and "4 variants" in facts(visitor)
    third = visitor.shown_picture("after")
    assert np.abs(third.astype(int) - first).max() > 30
    name, picture = visitor.download()
    assert name == "two-things-fake-seed7.png"
    edit = render(scene(), collage_from_json(json.dumps(visitor.collage())))
    assert np.abs(cv2.absdiff(picture, third)[edit.hole]).mean() < 6, "the one in view is the one that is saved"
    gallery.nth(3).focus()
    visitor.key("Enter")
    assert "seed 8" in facts(visitor)
    assert visitor.page.evaluate("document.activeElement.innerText") == "seed 8", "the keyboard stays in the gallery"


def test_stop_shows_the_finished_variants_and_else_what_was_there(visit, site, photo_file):
    visitor = opened(visit, site, photo_file)
    engine = site[1]
    arranged(visitor)
    visitor.fix_up()
    before = visitor.collage()
    engine.gate.clear()
    visitor.press("another-seed")
    visitor.page.locator('[data-part="progress"]').get_by_text("Step 1").wait_for()
    assert visitor.page.locator("canvas[data-part=canvas]").is_visible(), "the photo is seen becoming"
    assert visitor.page.locator('[data-do="show-result"]').is_disabled(), "no result is brought back meanwhile"
    visitor.press("stop")
    visitor.wait_mode("result")
    assert "seed 0" in facts(visitor) and visitor.collage() == before
    assert visitor.page.locator('[name="mf-seed"]').input_value() == "0", "the settings are those of what is in view"
    engine.gate.set()
    engine.stopped.clear()
    engine.held_variant = 2
    ask_for(visitor, seed=20, samples=4)
    visitor.press("fixup")
    visitor.page.locator('[data-part="progress"]').get_by_text("Variant 3 of 4").wait_for()
    visitor.press("stop")
    visitor.wait_mode("result")
    assert thumbs(visitor, "variants").count() == 2 and "seed 20" in facts(visitor)
    assert "2 of 4 variants" in visitor.toast() and visitor.collage() == before


def test_holding_by_mouse_key_and_button_shows_the_photo(visit, site, photo_file):
    visitor = opened(visit, site, photo_file)
    arranged(visitor)
    visitor.fix_up()
    show(visitor, "picture")
    x, y = middle(visitor)
    mouse, keyboard = visitor.page.mouse, visitor.page.keyboard
    after = visitor.page.locator(".mf-viewer").screenshot()
    mouse.move(x, y)
    mouse.down()
    held(visitor, True)
    assert visitor.page.locator('[data-part="before-label"]').is_visible()
    assert visitor.page.locator(".mf-viewer").screenshot() != after
    mouse.up()
    held(visitor, False)
    for key in ("c", " "):
        viewer(visitor).focus()
        keyboard.down(key)
        held(visitor, True)
        keyboard.up(key)
        held(visitor, False)
    button = visitor.page.locator('[data-part="hold"]')
    box = button.bounding_box()
    mouse.move(box["x"] + 10, box["y"] + 10)
    mouse.down()
    held(visitor, True)
    mouse.up()
    held(visitor, False)
    button.focus()
    keyboard.down("Enter")
    held(visitor, True)
    keyboard.up("Enter")
    held(visitor, False)
    visitor.page.locator('.mf-side [data-part="coarse"]').click()
    assert "Your arrangement" in visitor.page.locator('[data-part="caption"]').inner_text()


def test_the_difference_is_black_where_nothing_changed(visit, site, photo_file):
    visitor = opened(visit, site, photo_file)
    arranged(visitor)
    visitor.fix_up()
    show(visitor, "difference")
    assert "5 times" in visitor.page.locator('[data-part="caption"]').inner_text()
    visitor.page.wait_for_function("document.querySelector('canvas[data-part=difference]').width === 600")
    pixels = visitor.page.evaluate(
        """() => {
          const canvas = document.querySelector('canvas[data-part="difference"]');
          return [...canvas.getContext('2d').getImageData(0, 0, 600, 400).data];
        }"""
    )
    drawn = np.array(pixels, np.uint8).reshape(400, 600, 4)[..., :3]
    edit = render(scene(), collage_from_json(json.dumps(visitor.collage())))
    changed = cv2.dilate(np.uint8(edit.hole | (edit.rgb != scene()).any(axis=2)), np.ones((41, 41))) > 0
    assert drawn[~changed].max() == 0
    assert drawn[DISC_AT[1], DISC_AT[0]].max() > 200
    photo, result = visitor.shown_picture("before").astype(int), visitor.shown_picture("after")
    assert np.abs(drawn - np.clip(5 * np.abs(photo - result), 0, 255)).mean() < 1


def test_zoom_and_pan_of_the_result(visit, site, photo_file):
    visitor = opened(visit, site, photo_file)
    arranged(visitor)
    visitor.fix_up()
    fitted = scale(visitor)
    x, y = middle(visitor)
    mouse = visitor.page.mouse
    mouse.move(x, y)
    mouse.wheel(0, -300)
    visitor.page.wait_for_selector(".mf-viewer[data-zoomed]")
    assert scale(visitor) > 1.2 * fitted
    show(visitor, "picture")
    sheet = visitor.page.locator(".mf-sheet").first
    left = sheet.bounding_box()["x"]
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - 40, y, steps=4)
    mouse.up()
    assert sheet.bounding_box()["x"] == pytest.approx(left - 40, abs=1)
    held(visitor, False)
    viewer(visitor).focus()
    visitor.key("0")
    visitor.page.wait_for_selector(".mf-viewer:not([data-zoomed])")
    visitor.key("1")
    assert scale(visitor) == pytest.approx(1) and visitor.page.locator('[data-part="zoom"]').inner_text() == "100 %"
    visitor.key("+")
    assert scale(visitor) > 1
    visitor.key("0")
    mouse.dblclick(x, y)
    assert scale(visitor) == pytest.approx(1)
    mouse.dblclick(x, y)
    assert scale(visitor) == pytest.approx(fitted)
    visitor.page.locator('[data-zoom="in"]').click()
    assert scale(visitor) > fitted
    show(visitor, "slider")
    before = style(visitor, "--at")
    divider = style(visitor, "--cut") + viewer(visitor).bounding_box()["x"]
    mouse.move(divider, y)
    mouse.down()
    mouse.move(divider + 90, y, steps=3)
    mouse.up()
    assert style(visitor, "--at") > before, "near the divider it is the divider that moves"


def test_at_full_size_the_pixels_are_the_originals(visit, site, tmp_path):
    large = cv2.resize(scene(), None, fx=LARGE, fy=LARGE, interpolation=cv2.INTER_NEAREST)
    grain = np.random.default_rng(1).integers(-9, 9, large.shape[:2])
    large = np.clip(large + grain[..., None], 0, 255).astype(np.uint8)  # finer than the display picture can hold
    save_png(tmp_path / "large.png", large)
    visitor = opened(visit, site, tmp_path / "large.png")
    disc = tuple(LARGE * value for value in DISC_AT)
    visitor.select(disc)
    visitor.press("cut-out")
    visitor.wait_layers(1)
    visitor.key("ArrowRight")
    visitor.fix_up()
    show(visitor, "picture")
    viewer(visitor).focus()
    visitor.key("1")
    visitor.page.wait_for_selector('[data-crop="after"]:not([hidden])')
    visitor.page.wait_for_selector(".mf-viewer:not([data-loading])")
    sheet = visitor.page.locator(".mf-sheet").first.bounding_box()
    clip = {"x": round(middle(visitor)[0]) - 300, "y": round(middle(visitor)[1]) - 100, "width": 200, "height": 120}
    shot = cv2.imdecode(np.frombuffer(visitor.page.screenshot(clip=clip), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    x0, y0 = round(clip["x"] - sheet["x"]), round(clip["y"] - sheet["y"])
    original = large[y0 : y0 + 120, x0 : x0 + 200].astype(int)
    display = cv2.resize(cv2.resize(large, (1600, 1067), interpolation=cv2.INTER_AREA), (2400, 1600))
    stretched = np.abs(display[y0 : y0 + 120, x0 : x0 + 200] - original).mean()
    error = np.abs(shot - original).mean()
    assert error < 0.75 * stretched, f"{error} is no better than the display picture's {stretched}"


def test_side_by_side_has_equal_tiles_with_time_and_steps(visit, site, photo_file):
    visitor = opened(visit, site, photo_file)
    arranged(visitor)
    visitor.fix_up()
    show(visitor, "methods")
    tiles = visitor.page.locator(".mf-tile")
    assert [tiles.nth(i).locator("b").inner_text() for i in range(3)] == ["Your arrangement", "SDEdit", "fake"]
    sizes = {
        (round(tiles.nth(i).bounding_box()["width"]), round(tiles.nth(i).bounding_box()["height"])) for i in range(3)
    }
    assert len(sizes) == 1
    assert "4 steps" in tiles.nth(1).inner_text() and "0.1 s" in tiles.nth(2).inner_text()
    box = visitor.page.locator('[data-part="methods"]').bounding_box()
    for i in range(3):
        tile = tiles.nth(i).bounding_box()
        assert tile["y"] >= box["y"] - 1 and tile["y"] + tile["height"] <= box["y"] + box["height"] + 1
    tiles.nth(1).click()
    assert visitor.page.locator('[data-part="before-label"]').inner_text() == "SDEdit"


def test_the_strip_brings_arrangement_settings_and_seed_back_in_one_step(visit, site, photo_file):
    visitor = opened(visit, site, photo_file)
    engine = site[1]
    arranged(visitor)
    ask_for(visitor, seed=11, steps=3)
    visitor.fix_up()
    first = visitor.collage()
    assert visitor.page.locator('[data-part="past"]').is_hidden(), "one result needs no strip"
    visitor.press("edit")
    visitor.drag((DISC_AT[0] + 150, DISC_AT[1] + 30), (300, 320))
    button = visitor.page.locator('[data-do="show-result"]')
    assert button.inner_text() == "Earlier result" and "earlier arrangement" in button.get_attribute("title")
    button.click()
    assert visitor.page.locator('[data-part="stale"]').is_visible()
    visitor.press("restore")
    assert visitor.collage() == first
    visitor.press("undo")
    visitor.wait_mode("edit")
    second = visitor.collage()
    assert second != first
    ask_for(visitor, seed=12, steps=2)
    fix_up_again(visitor)
    assert visitor.page.locator('[data-part="stale"]').is_hidden()
    strip = thumbs(visitor, "past")
    fitted = scale(visitor)
    assert strip.count() == 2 and "seed 12" in strip.nth(0).inner_text() and "seed 11" in strip.nth(1).inner_text()
    strip.nth(1).click()
    assert "seed 11" in facts(visitor) and visitor.collage() == first
    assert scale(visitor) == pytest.approx(fitted, rel=0.01), "as large as before: the line on staleness came and went"
    assert visitor.page.locator('[name="mf-seed"]').input_value() == "11"
    assert visitor.page.locator('[name="mf-steps"]').input_value() == "3"
    visitor.press("undo")
    visitor.wait_mode("edit")
    assert visitor.collage() == second, "one step"
    visitor.press("show-result")
    assert "seed 12" in facts(visitor), "the result of what is on the page, whichever was seen last"
    strip.nth(1).click()
    assert "seed 11" in facts(visitor) and visitor.collage() == first
    fix_up_again(visitor)
    assert (engine.asked[-1].seed, engine.asked[-1].steps) == (11, 3)


def test_results_are_searched_and_deleted_one_by_one(visit, site, photo_file):
    visitor = opened(visit, site, photo_file)
    services = site[2]
    arranged(visitor)
    visitor.fix_up()
    for seed in range(1, 6):
        ask_for(visitor, seed=seed)
        fix_up_again(visitor)
    strip = thumbs(visitor, "past")
    assert strip.count() == 6
    find = visitor.page.locator('[name="mf-find"]')
    find.fill("seed 3")
    assert strip.count() == 1
    find.fill("whale")
    assert strip.count() == 0 and visitor.page.get_by_text("No result has these words").is_visible()
    find.fill("")
    photo = next(photo for photo in services.photos._photos.values() if len(photo.results) == 6)
    delete(visitor, 2)
    assert strip.count() == 5 and "seed 5" in facts(visitor), "the one in view stays"
    visitor.page.locator(".mf-delete").nth(0).focus()
    visitor.key("Enter")
    assert strip.count() == 4 and "seed 4" in facts(visitor)
    for _ in range(3):
        delete(visitor, 0)
    assert "seed 0" in facts(visitor) and visitor.page.locator('[data-part="past"]').is_hidden()
    assert len(photo.results) == 1, "what is deleted is gone from the server too"


def test_a_result_that_the_server_has_dropped_is_made_again_with_the_same_seed(visit, site, photo_file):
    visitor = opened(visit, site, photo_file)
    _, engine, services = site
    arranged(visitor)
    ask_for(visitor, seed=31)
    visitor.fix_up()
    shown = visitor.shown_picture("after")
    visitor.press("edit")
    visitor.drag((DISC_AT[0] + 150, DISC_AT[1] + 30), (300, 320))
    ask_for(visitor, seed=40)
    visitor.press("show-result")
    for photo in services.photos._photos.values():
        while photo.results.drop_oldest():
            pass
    visitor.press("download")
    lost = visitor.page.locator('[data-part="lost"]')
    lost.wait_for()
    assert "no longer" in lost.inner_text()
    fix_up_again(visitor, "make-again")
    assert engine.asked[-1].seed == 31 and lost.is_hidden()
    np.testing.assert_array_equal(visitor.shown_picture("after"), shown)
    assert visitor.download()[0] == "two-things-fake-seed31.png"


def test_going_on_from_a_result_counts_rounds_warns_once_and_undo_brings_the_arrangement_back(visit, site, photo_file):
    visitor = opened(visit, site, photo_file)
    arranged(visitor)
    ask_for(visitor, samples=2)
    visitor.fix_up()
    before = visitor.collage()
    thumbs(visitor, "variants").nth(1).click()
    _, chosen = visitor.download()
    visitor.press("keep-editing")
    visitor.wait_layers(0)
    visitor.ready()
    assert visitor.page.locator(".mf-toast", has_text="rounds").count() == 0
    assert "This result is the photo now" in visitor.toast()
    services = site[2]
    newest = list(services.photos._photos.values())[-1]
    np.testing.assert_array_equal(newest.image, chosen)
    assert newest.rounds == 1
    visitor.press("undo")
    visitor.wait_layers(1)
    assert visitor.collage() == before
    visitor.press("redo")
    visitor.wait_layers(0)
    visitor.select(SQUARE_AT)
    visitor.drag(SQUARE_AT, (SQUARE_AT[0] - 60, SQUARE_AT[1] + 150))
    visitor.wait_layers(1)
    visitor.fix_up()
    assert "round 2" in facts(visitor)
    visitor.press("keep-editing")
    visitor.wait_layers(0)
    visitor.page.locator(".mf-toast", has_text="2 rounds").wait_for()


def test_fingers_hold_pinch_and_slide(visit, site, photo_file):
    phone = opened(visit, site, photo_file, PHONE)
    arranged(phone)
    phone.fix_up()
    x, y = middle(phone)
    session = phone.page.context.new_cdp_session(phone.page)

    def touch(kind: str, *points) -> None:
        touches = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    touch("touchStart", (x, y))
    touch("touchMove", (x + 60, y))
    touch("touchMove", (x + 90, y))
    touch("touchEnd")
    assert style(phone, "--at") > 60
    fitted = scale(phone)
    touch("touchStart", (x - 40, y))
    touch("touchStart", (x - 40, y), (x + 40, y))
    touch("touchMove", (x - 60, y), (x + 60, y))
    touch("touchMove", (x - 100, y), (x + 100, y))
    touch("touchEnd")
    assert scale(phone) == pytest.approx(2.5 * fitted, rel=0.05)
    show(phone, "picture")
    touch("touchStart", (x, y))
    held(phone, True)
    touch("touchEnd")
    held(phone, False)
    box = phone.page.locator('[data-part="hold"]').bounding_box()
    touch("touchStart", (box["x"] + 20, box["y"] + 20))
    held(phone, True)
    touch("touchEnd")
    held(phone, False)
    sheet = phone.page.locator(".mf-sheet").first
    left = sheet.bounding_box()["x"]
    touch("touchStart", (x, y))
    for step in (20, 40, 60):
        touch("touchMove", (x - step, y))
    touch("touchEnd")
    assert sheet.bounding_box()["x"] < left - 30


@pytest.mark.parametrize("width, height", [(390, 844), (1280, 800), (2560, 1440)])
def test_the_result_fits_the_window(visit, site, photo_file, width, height):
    device = PHONE if width == 390 else {"viewport": {"width": width, "height": height}}
    visitor = opened(visit, site, photo_file, device)
    arranged(visitor)
    ask_for(visitor, samples=4)
    visitor.fix_up()
    fix_up_again(visitor, "another-seed")
    page = visitor.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = viewer(visitor).bounding_box()
    assert box["width"] >= 0.7 * width and box["height"] >= 0.26 * height and box["y"] >= 0
    dock = page.locator(".mf-dock").bounding_box()
    assert box["y"] + box["height"] <= dock["y"]
    for button in page.locator('[data-group="result"] button:visible').all():
        place = button.bounding_box()
        assert place["x"] >= 0 and place["x"] + place["width"] <= width
    smallest = 44 if width == 390 else 24
    for target in page.locator(".mf-result :is(button, summary):visible").all():
        place = target.bounding_box()
        assert min(place["width"], place["height"]) >= smallest, target.inner_text()
