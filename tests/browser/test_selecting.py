"""Selecting by hand, by mouse, touch and keyboard: each tool, undo within the selection, and what comes of it."""

import base64
import io
import json
import math

import cv2
import numpy as np
import pytest
from PIL import Image

from browser.conftest import PHONE
from browser.fakes import DISC_AT, SQUARE_AT, scene
from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.images import save_png

DISC_AREA, SQUARE_AREA = math.pi * 60**2, 80 * 100
EMPTY_SPOT = (300, 330)


def selected(visitor) -> dict:
    return visitor.page.evaluate("document.querySelector('.mf').magicfixup.selection()")


def wait_area(visitor, area: float, within: float = 0.04) -> float:
    """Until the selection has about this many square photo pixels; returns how many."""
    visitor.page.wait_for_function(
        """([area, within]) => {
          const now = document.querySelector(".mf").magicfixup.selection();
          return !now.waiting && Math.abs(now.area - area) <= within;
        }""",
        arg=[area, within * max(area, 1)],
    )
    return selected(visitor)["area"]


def canvas_box(visitor) -> dict:
    return visitor.page.locator('[data-part="canvas"]').bounding_box()


def pressed(visitor, name: str) -> bool:
    return visitor.page.locator(f'[data-do="{name}"]').first.get_attribute("aria-pressed") == "true"


def first_mask(visitor) -> np.ndarray:
    """The first segment's mask as the page would send it."""
    data = base64.b64decode(visitor.collage()["segments"][0]["mask"])
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def capsule(length: float, width: float) -> float:
    return length * width + math.pi * width**2 / 4


def test_every_tool_has_a_key_a_button_and_a_word(desk):
    for key, name in (("b", "box"), ("l", "lasso"), ("q", "brush"), ("e", "eraser"), ("v", "select")):
        desk.key(key)
        assert pressed(desk, f"tool-{name}") and selected(desk)["tool"] == name
        assert desk.page.locator('[data-part="brush"]').is_visible() == (name in ("brush", "eraser"))
        words = desk.page.locator('[data-part="hint"]').inner_text()
        desk.press("tool-lasso")
        assert pressed(desk, "tool-lasso") and not pressed(desk, f"tool-{name}") or name == "lasso"
        assert (desk.page.locator('[data-part="hint"]').inner_text() == words) == (name == "lasso")
    rail, canvas = desk.page.locator(".mf-rail").bounding_box(), canvas_box(desk)
    assert rail["x"] + rail["width"] <= canvas["x"], "beside the photo, not over it"


def test_a_brush_begins_a_selection_that_undo_redo_and_escape_understand(desk):
    """The brush's width is in CSS pixels, so its width on the photo follows the view's scale."""
    desk.key("q")
    desk.page.locator('[name="mf-brush-softness"]').fill("0")
    scale = desk.view()[0]
    width = selected(desk)["brush"]["size"] / scale
    desk.drag((250, 300), (400, 300))
    one = wait_area(desk, capsule(150, width))
    desk.drag((250, 360), (400, 360))
    two = wait_area(desk, 2 * one)
    desk.drag_along([[(100, 40), (200, 40), (300, 40)]], drop=False)
    desk.key("Escape")
    desk.page.mouse.up()
    assert selected(desk)["area"] == two, "the stroke under way goes, and no more"
    desk.key("Control+z")
    wait_area(desk, one)
    desk.press("redo")
    wait_area(desk, two)
    desk.key("Escape")
    desk.page.wait_for_selector('[data-group="selection"]', state="hidden")
    desk.key("Control+z")
    wait_area(desk, two)
    desk.key("Control+z")
    desk.key("Control+z")
    desk.page.wait_for_selector('[data-group="selection"]', state="hidden")
    desk.key("Control+y")
    wait_area(desk, one)
    desk.press("cut-out")
    desk.wait_layers(1)
    segment = desk.collage()["segments"][0]
    assert (segment["width"], segment["height"]) == pytest.approx((150 + width, width), abs=4)
    assert selected(desk)["tool"] == "select", "what was cut out can be dragged at once"


def test_the_brush_has_sizes_by_key_and_a_soft_edge(desk):
    desk.key("q")
    before = selected(desk)["brush"]["size"]
    for _ in range(5):
        desk.key("]")
    assert selected(desk)["brush"]["size"] > 1.8 * before
    for _ in range(8):
        desk.key("[")
    assert selected(desk)["brush"]["size"] < before
    desk.page.locator('[name="mf-brush-size"]').fill("70")
    desk.page.locator('[name="mf-brush-softness"]').fill("100")
    desk.click(EMPTY_SPOT)
    desk.page.wait_for_selector('[data-do="cut-out"]:enabled')
    desk.key("Enter")
    desk.wait_layers(1)
    assert len(np.unique(first_mask(desk))) > 50, "one dab fades from whole to nothing"
    assert selected(desk)["area"] == 0


def test_a_lasso_begins_adds_and_takes_away(desk):
    desk.key("l")
    square = [(200, 250), (300, 250), (300, 350), (200, 350), (200, 252)]
    desk.drag_along([square])
    wait_area(desk, 10_000)
    desk.page.keyboard.down("Shift")
    desk.drag_along([[(200, 250), (250, 250), (250, 350), (200, 350)]])
    desk.page.keyboard.up("Shift")
    wait_area(desk, 5_000)
    desk.drag_along([[(320, 250), (420, 250), (420, 350), (320, 350)]])
    wait_area(desk, 15_000)
    desk.click(SQUARE_AT)  # a plain click still selects an object
    wait_area(desk, 15_000 + SQUARE_AREA)
    desk.press("leave-out")
    desk.drag_along([[(300, 40), (590, 40), (590, 240), (300, 240)]])
    wait_area(desk, 15_000)
    desk.press("cut-out")
    desk.wait_layers(1)
    hole = render(scene(), collage_from_json(json.dumps({**desk.collage(), "layers": []}))).hole
    assert hole[300, 270] and hole[300, 370] and not hole[300, 220] and not hole[SQUARE_AT[1], SQUARE_AT[0]]


def test_what_is_erased_stays_away_when_more_is_clicked(desk):
    desk.select(DISC_AT)
    whole = wait_area(desk, DISC_AREA)
    desk.key("e")
    x, y = DISC_AT
    desk.drag((x, y - 80), (x, y + 80))
    assert selected(desk)["area"] < 0.85 * whole
    left = selected(desk)["area"]
    desk.key("v")
    desk.click(SQUARE_AT)
    wait_area(desk, left + SQUARE_AREA)
    desk.key("q")
    desk.page.keyboard.down("Alt")
    desk.drag((SQUARE_AT[0] - 80, SQUARE_AT[1]), (SQUARE_AT[0] + 80, SQUARE_AT[1]))
    desk.page.keyboard.up("Alt")
    assert selected(desk)["area"] < left + 0.8 * SQUARE_AREA, "Alt turns the brush into an eraser"


def test_the_eraser_says_so_where_nothing_is_selected(desk):
    desk.key("e")
    desk.drag((200, 300), (300, 300))
    desk.page.wait_for_selector(".mf-toast")
    assert "Nothing is selected" in desk.toast() and selected(desk)["area"] == 0


def test_points_boxes_strokes_and_scales_are_one_stack(desk):
    areas = [0.0]

    def step(area: float | None = None) -> None:
        desk.wait_for("magicfixup.selection().waiting === false")
        if area:
            wait_area(desk, area)
        areas.append(selected(desk)["area"])

    desk.select(DISC_AT)
    step(DISC_AREA)
    desk.key(".")
    step(math.pi * 64**2)
    desk.click(SQUARE_AT)
    step(DISC_AREA + SQUARE_AREA)
    desk.key("l")
    desk.drag_along([[(250, 300), (350, 300), (350, 380), (250, 380)]])
    step(DISC_AREA + SQUARE_AREA + 8_000)
    desk.key("b")
    desk.drag((380, 70), (520, 190))
    step(SQUARE_AREA)
    assert len(set(areas)) == len(areas)
    for area in reversed(areas[:-1]):
        desk.key("Control+z")
        wait_area(desk, area, 0)
    for area in areas[1:]:
        desk.key("Control+Shift+z")
        wait_area(desk, area, 0)
    desk.key("Control+z")
    desk.key("l")
    desk.drag_along([[(20, 20), (60, 20), (60, 60), (20, 60)]])
    desk.page.wait_for_selector('[data-do="redo"]:disabled')


def test_the_three_scales_are_pictures_to_choose_from(desk):
    desk.select(DISC_AT)
    choices = desk.page.locator('[data-part="scales"] [role="radio"]')
    assert [choice.get_attribute("aria-label") for choice in choices.all()] == ["Small", "Medium", "Large"]
    choices.nth(2).click()
    wait_area(desk, math.pi * 64**2)
    assert choices.nth(2).get_attribute("aria-checked") == "true"
    desk.key("ArrowLeft")
    wait_area(desk, DISC_AREA)
    desk.key(",")
    wait_area(desk, math.pi * 56**2, 0.1)
    assert desk.page.locator('[data-part="scale"]').text_content() == "1 of 3"


def hover_questions(page) -> list:
    """A list that fills with the page's questions about hovering."""
    asked = []
    page.on("request", lambda request: asked.append(request) if '"hover"' in (request.post_data or "") else None)
    return asked


def test_hovering_shows_what_a_click_would_select(desk):
    asked = hover_questions(desk.page)
    plain = desk.picture()
    desk.page.mouse.move(*desk.client(DISC_AT))
    desk.wait_for(f"magicfixup.selection().hinted > {0.9 * DISC_AREA}")
    assert asked and (desk.picture() != plain).any()
    desk.page.mouse.move(*desk.client((SQUARE_AT[0] + 3, SQUARE_AT[1])))
    desk.wait_for(f"magicfixup.selection().hinted < {1.2 * SQUARE_AREA}")
    count = len(asked)
    desk.select(SQUARE_AT)
    assert selected(desk)["hinted"] == 0
    desk.page.mouse.move(*desk.client(DISC_AT))
    desk.page.mouse.move(*desk.client(EMPTY_SPOT))
    desk.press("cut-out")
    desk.wait_layers(1)
    desk.page.mouse.move(*desk.client(SQUARE_AT))
    desk.page.mouse.down()
    for x in range(0, 100, 10):
        desk.page.mouse.move(*desk.client((SQUARE_AT[0] - x, SQUARE_AT[1])))
    desk.page.mouse.up()
    assert len(asked) == count, "not over a selection, not over a layer, not while dragging"


def test_a_finger_never_asks_what_a_click_would_select(phone):
    asked = hover_questions(phone.page)
    phone.select(DISC_AT)
    after = "e.previousElementSibling.getBoundingClientRect().right <= e.getBoundingClientRect().left"
    fits = f"(e) => e.scrollWidth <= e.clientWidth && {after}"
    four = "(e) => { while (e.children.length < 4) e.append(e.lastChild.cloneNode(true)) }"
    phone.page.locator(".mf-scales").evaluate(four)
    for width in (390, 360, 320):
        phone.page.set_viewport_size({"width": width, "height": 700})
        assert phone.page.locator('[data-do="cut-out"]').evaluate(fits), "beside four sizes, not over them"
    phone.page.set_viewport_size({"width": 390, "height": 844})
    phone.drag((300, 300), (400, 350))
    assert not asked


def test_an_object_is_selected_again_and_changed_in_one_step(desk):
    desk.select(DISC_AT)
    desk.drag(DISC_AT, (DISC_AT[0] + 150, DISC_AT[1]))
    desk.wait_layers(1)
    matrix = desk.layers()[0]["matrix"]
    desk.key("s")
    desk.shown("selection")
    wait_area(desk, DISC_AREA)
    scale = desk.view()[0]
    tinted = desk.picture()[int((DISC_AT[1] + 20) * scale), int((DISC_AT[0] + 20) * scale)].astype(int)
    assert tinted[0] > tinted[1] + 80, "the object is in its place again, not the hole"
    assert desk.page.locator('[data-do="cut-out"] span').inner_text() == "Use this"
    desk.key("Escape")
    desk.shown("layer")
    assert desk.layers()[0]["matrix"] == matrix and not desk.layers()[0].get("hidden")
    unchanged = desk.collage()
    desk.key("s")
    desk.press("cut-out")
    desk.shown("layer")
    assert desk.collage() == unchanged
    desk.key("s")
    desk.click(SQUARE_AT)
    wait_area(desk, DISC_AREA + SQUARE_AREA)
    desk.click((DISC_AT[0], DISC_AT[1] + 10), shift=True)
    wait_area(desk, SQUARE_AREA)
    desk.key("Control+z")
    wait_area(desk, DISC_AREA + SQUARE_AREA)
    desk.key("Enter")
    desk.shown("layer")
    layer, segment = desk.layers()[0], desk.collage()["segments"][0]
    assert layer["matrix"] == matrix and len(desk.collage()["segments"]) == 1 and segment["width"] > 380
    desk.key("Control+z")
    assert desk.collage()["segments"][0]["width"] == pytest.approx(121, abs=4), "one step back"
    desk.key("Control+Shift+z")
    assert desk.collage()["segments"][0]["width"] > 380
    desk.key("Control+z")
    desk.wait_for("magicfixup.collage().segments[0].width < 200")
    desk.key("s")
    desk.click(SQUARE_AT)
    wait_area(desk, DISC_AREA + SQUARE_AREA)
    desk.fix_up()
    assert desk.collage()["segments"][0]["width"] > 380, "what was changed is used, not dropped"


def test_other_layers_may_change_while_an_object_is_selected_again(desk):
    for at in (SQUARE_AT, DISC_AT):
        desk.select(at)
        desk.press("cut-out")
        desk.shown("layer")
    before = desk.collage()
    desk.key("s")
    wait_area(desk, DISC_AREA)
    rows = desk.page.locator('[data-part="layer-list"] > li')
    rows.nth(1).locator('[data-toggles="hidden"]').click()
    desk.wait_for("magicfixup.collage().layers[0].hidden === true")
    scale = desk.view()[0]
    middle = [int((DISC_AT[1] + 20) * scale), int((DISC_AT[0] + 20) * scale)]
    red, green, _ = desk.picture()[*middle].astype(int)
    assert red > green + 80 and wait_area(desk, DISC_AREA), "still selected, still whole"
    desk.key("Escape")
    desk.shown("layer")
    after = desk.collage()
    assert after["segments"] == before["segments"]
    assert [layer.get("hidden", False) for layer in after["layers"]] == [True, False]
    desk.key("Control+z")
    assert desk.collage() == before


def test_the_mask_can_be_seen_alone_and_saved_as_a_picture(desk):
    desk.select(DISC_AT)
    tinted = desk.picture()
    desk.key("m")
    assert pressed(desk, "mask-view")
    desk.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    alone = desk.picture()
    assert np.abs(alone[10:40, 10:40].astype(int) - tinted[10:40, 10:40]).mean() > 20, "a checkerboard for the photo"
    assert len(np.unique(alone[10:40, 10:40])) > 2 and np.ptp(alone[10:40, 10:40].astype(int), axis=2).max() < 16, (
        "of greys"
    )
    with desk.page.expect_download() as waiting:
        desk.press("mask-save")
    mask = np.asarray(Image.open(waiting.value.path()))
    assert waiting.value.suggested_filename == "two-things-mask.png"
    assert mask.shape == (400, 600) and mask[DISC_AT[1], DISC_AT[0]] == 255 and mask[EMPTY_SPOT[1], EMPTY_SPOT[0]] == 0
    assert (mask >= 128).sum() == pytest.approx(DISC_AREA, rel=0.03)
    desk.key("Escape")
    desk.select(SQUARE_AT)
    assert not pressed(desk, "mask-view"), "each selection begins as an outline"


GREYS = """async () => {
  const { segments } = document.querySelector(".mf").magicfixup.collage();
  const picture = await createImageBitmap(await (await fetch("data:image/png;base64," + segments[0].mask)).blob());
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, picture.width, picture.height);
  return data.filter((value, i) => i % 4 === 0 && value > 0 && value < 255).length > 100;
}"""


def test_a_cut_out_gets_its_soft_edge_behind_the_scenes(visit, site, tmp_path):
    save_png(tmp_path / "soft.png", cv2.GaussianBlur(scene(), (0, 0), 2))
    desk = visit(site[0])
    desk.open_file(tmp_path / "soft.png")
    around = (slice(100, 500), slice(100, 400))  # of the screen; the disc, and none of the view's controls
    before = desk.picture()[around].astype(int)
    desk.select(DISC_AT)
    desk.key("Enter")
    desk.wait_layers(1)
    desk.page.wait_for_function(GREYS)
    desk.key("Escape")
    assert np.abs(desk.picture()[around] - before).max() <= 1, "in its place it is the photo itself"
    desk.press("undo")
    desk.wait_layers(0)
    desk.press("redo")
    desk.wait_layers(1)
    assert desk.page.evaluate(GREYS), "the finished edge belongs to every state"


def test_fingers_paint_erase_and_lasso(phone):
    page = phone.page
    phone.press("tool-brush")
    for name in ("tool-select", "tool-box", "tool-lasso", "tool-brush", "tool-eraser"):
        box = page.locator(f'[data-do="{name}"]').bounding_box()
        assert box["width"] >= 44 and box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= 390
    rail, canvas = page.locator(".mf-rail").bounding_box(), canvas_box(phone)
    assert rail["y"] >= canvas["y"] + canvas["height"], "under the photo, not over it"
    page.locator('[name="mf-brush-softness"]').fill("0")
    width = selected(phone)["brush"]["size"] / phone.view()[0]
    phone.drag((200, 300), (400, 300))
    wait_area(phone, capsule(200, width), 0.06)
    phone.press("tool-eraser")
    phone.drag((300, 220), (300, 380))
    wait_area(phone, capsule(200, width) - width * width, 0.12)
    phone.press("undo")
    wait_area(phone, capsule(200, width), 0.06)
    phone.press("tool-lasso")
    phone.press("leave-out")
    phone.drag_along([[(300, 200), (599, 200), (599, 399), (300, 399)]])
    wait_area(phone, capsule(200, width) / 2, 0.06)
    phone.press("cut-out")
    phone.wait_layers(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    phone.page.wait_for_selector('[data-group="layer"]:not([hidden])')


def test_what_lies_behind_a_layer_can_be_selected(desk, visit, site, photo_file):
    """The disc is moved over the square; Alt and a click, or on a phone a tap with the box tool, go through it."""
    phone = visit(site[0], PHONE)
    phone.open_file(photo_file)
    for visitor in (desk, phone):
        visitor.select(DISC_AT)
        visitor.drag(DISC_AT, SQUARE_AT)
        visitor.wait_layers(1)
        if visitor is phone:
            phone.press("tool-box")
            phone.click(SQUARE_AT)
        else:
            desk.page.keyboard.down("Alt")
            desk.click(SQUARE_AT)
            desk.page.keyboard.up("Alt")
        wait_area(visitor, SQUARE_AREA)
        visitor.press("cut-out")
        visitor.wait_layers(2)


def test_two_fingers_zoom_while_a_brush_is_in_hand(phone):
    phone.press("tool-brush")
    before = phone.view()[0]
    x, y = 300, 200
    phone.drag_along([[(x - 40, y), (x - 70, y), (x - 110, y)], [(x + 40, y), (x + 70, y), (x + 110, y)]])
    assert phone.view()[0] > 1.3 * before
    assert selected(phone)["area"] == 0, "the first finger's dab goes when the second one comes"


def test_tools_work_on_a_second_photo_too(desk, tmp_path):
    """Another photo's object, drawn with a lasso there, selected again there, and kept apart from the first photo."""
    other = np.full((300, 500, 3), 90, np.uint8)
    cv2.circle(other, (250, 150), 50, (240, 200, 30), -1)
    save_png(tmp_path / "other.png", other)
    desk.page.set_input_files('[data-part="source-file"]', tmp_path / "other.png")
    desk.page.wait_for_selector('[data-part="source-banner"]:not([hidden])')
    desk.page.wait_for_selector('[data-part="progress"]', state="hidden")

    def client(point):  # the view is of the other photo, also while collage() speaks of the first
        canvas, view = canvas_box(desk), desk.view()
        return canvas["x"] + view[0] * point[0] + view[4], canvas["y"] + view[3] * point[1] + view[5]

    desk.key("l")
    desk.page.mouse.move(*client((150, 100)))
    desk.page.mouse.down()
    for point in ((350, 100), (350, 200), (150, 200)):
        desk.page.mouse.move(*client(point))
    desk.page.mouse.up()
    wait_area(desk, 200 * 100)
    desk.key("v")
    desk.page.keyboard.down("Shift")
    desk.page.mouse.click(*client((250, 150)))
    desk.page.keyboard.up("Shift")
    wait_area(desk, 200 * 100 - math.pi * 50**2)
    desk.key("Enter")
    desk.wait_layers(1)
    assert desk.page.locator('[data-part="source-banner"]').is_hidden()
    (segment,), (source,) = desk.collage()["segments"], desk.collage()["sources"]
    assert segment["source"] == source["id"] and (source["width"], source["height"]) == (500, 300)
    desk.key("s")
    desk.page.wait_for_selector('[data-part="source-banner"]:not([hidden])')
    wait_area(desk, 200 * 100 - math.pi * 50**2, 0.06)
    assert "Use this" in desk.page.locator('[data-part="source-banner"]').inner_text()
    desk.page.mouse.click(*client((250, 150)))
    wait_area(desk, 200 * 100, 0.06)
    desk.key("Enter")
    desk.shown("layer")
    assert len(desk.collage()["segments"]) == 1 and desk.collage()["segments"][0]["source"] == source["id"]
    assert len(desk.layers()) == 1
