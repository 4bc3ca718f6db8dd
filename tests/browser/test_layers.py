"""The layers panel and the numbers in it: with the mouse, the keyboard and fingers."""

import pytest

from browser.conftest import PHONE
from browser.fakes import DISC_AT, SQUARE_AT

PANEL = '[data-part="layers"]'


@pytest.fixture
def two(visit, site, photo_file):
    """A visitor with two layers: the square in front, chosen, the disc behind."""
    return with_two_layers(visit(site[0]), photo_file)


def with_two_layers(visitor, photo_file):
    visitor.open_file(photo_file)
    for at in (DISC_AT, SQUARE_AT):
        visitor.select(at)
        visitor.press("cut-out")
        visitor.shown("layer")
    visitor.wait_layers(2)
    return visitor


def row(visitor, name: str):
    return visitor.page.locator(".mf-layer").filter(has=visitor.page.get_by_role("button", name=name, exact=True))


def names(visitor) -> list[str]:
    """As the panel lists them, the front one first."""
    return visitor.page.locator(".mf-layer-pick").all_inner_texts()


def chosen(visitor) -> list[str]:
    return visitor.page.locator('.mf-layer-pick[aria-pressed="true"]').all_inner_texts()


def undo_count(visitor) -> int:
    """How many steps lead back to the photo as it was opened; they are redone again."""
    count = 0
    while visitor.collage()["segments"]:
        visitor.key("Control+z")
        count += 1
    for _ in range(count):
        visitor.key("Control+Shift+z")
    return count


def field(visitor, name: str):
    return visitor.page.locator(f'[data-field="{name}"]')


def type_into(visitor, name: str, value) -> None:
    field(visitor, name).fill(str(value))
    field(visitor, name).press("Enter")


def middle(locator) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_photo_stays_where_it_is_when_the_first_object_is_cut_out(visit, site, photo_file):
    desk = visit(site[0])
    desk.open_file(photo_file)
    before = desk.view()
    desk.select(DISC_AT)
    desk.drag(DISC_AT, (DISC_AT[0] + 80, DISC_AT[1]))
    desk.wait_layers(1)
    desk.page.wait_for_selector(f"{PANEL} li")
    assert desk.view() == before


def test_the_list_and_the_canvas_are_in_step(two):
    assert names(two) == ["Object 2", "Object 1"] and chosen(two) == ["Object 2"]
    two.click(DISC_AT)
    assert chosen(two) == ["Object 1"], "what is chosen on the canvas is chosen in the list"
    row(two, "Object 2").locator(".mf-layer-pick").click()
    two.key("ArrowRight")
    assert two.layers()[1]["matrix"][4] == 1, "and the other way round"
    row(two, "Object 1").get_by_role("button", name="Hide Object 1").click()
    assert two.layers()[0]["hidden"] and not two.layers()[1].get("hidden")
    two.click(DISC_AT)
    assert chosen(two) == [], "a hidden layer is not there for the pointer"
    row(two, "Object 1").locator(".mf-layer-pick").click()
    assert chosen(two) == ["Object 1"], "but it can be chosen in the list"
    two.key("h")
    assert not two.layers()[0].get("hidden")
    two.key("Control+z")
    row(two, "Object 2").locator(".mf-layer-pick").click()
    two.key("Control+Shift+z")
    assert not two.layers()[0].get("hidden"), "redo survives another choice"


def test_a_locked_layer_stays_where_it_is(two):
    row(two, "Object 2").get_by_role("button", name="Lock Object 2").click()
    before = two.layers()[1]["matrix"]
    two.drag(SQUARE_AT, (SQUARE_AT[0] - 80, SQUARE_AT[1] + 60))
    assert two.layers()[1]["matrix"] == before
    two.key("Escape")
    two.click(SQUARE_AT)
    assert "locked" in two.toast() and chosen(two) == []
    row(two, "Object 2").locator(".mf-layer-pick").click()
    two.key("ArrowRight")
    assert two.layers()[1]["matrix"] == before and "locked" in two.toast()
    assert two.page.locator('[data-do="flip"]:visible').first.is_disabled()
    two.key("k")
    two.key("ArrowRight")
    assert two.layers()[1]["matrix"][4] == 1


def test_rows_are_dragged_to_another_place_in_one_step(two):
    before = undo_count(two)
    start, end = middle(row(two, "Object 2").locator("span").last), middle(row(two, "Object 1"))
    two.page.mouse.move(*start)
    two.page.mouse.down()
    two.page.mouse.move(start[0], start[1] + 10)
    two.page.mouse.move(end[0], end[1] + 12)
    assert names(two) == ["Object 1", "Object 2"], "the list shows it while it is dragged"
    two.key("Escape")
    assert names(two) == ["Object 2", "Object 1"] and two.layers()[0]["segment"] == two.collage()["segments"][0]["id"]
    two.page.mouse.up()
    two.page.mouse.move(*start)
    two.page.mouse.down()
    two.page.mouse.move(start[0], start[1] + 10)
    two.page.mouse.move(end[0], end[1] + 12)
    two.page.mouse.up()
    assert names(two) == ["Object 1", "Object 2"]
    assert two.layers()[1]["segment"] == two.collage()["segments"][0]["id"]
    assert undo_count(two) == before + 1


def test_names(two):
    row(two, "Object 1").locator(".mf-layer-pick").dblclick()
    two.page.keyboard.type("Sun")
    two.key("Enter")
    assert names(two) == ["Object 2", "Sun"] and two.layers()[0]["name"] == "Sun"
    two.key("F2")
    two.page.keyboard.type("Moon")
    two.key("Escape")
    assert names(two) == ["Object 2", "Sun"], "Escape leaves the name"
    two.press("duplicate")
    two.wait_layers(3)
    assert names(two) == ["Object 2", "Sun (2)", "Sun"] and chosen(two) == ["Sun (2)"]
    two.key("d")
    assert chosen(two) == ["Sun (3)"], "a copy of a copy is told from both"


def test_a_slider_drag_and_a_typed_number_are_one_step_each(two):
    steps = undo_count(two)
    row(two, "Object 2").locator(".mf-layer-pick").click()
    slider = two.page.locator('[data-part="opacity"]')
    box = slider.bounding_box()
    two.page.mouse.move(box["x"] + box["width"] - 6, box["y"] + box["height"] / 2)
    two.page.mouse.down()
    for part in (0.8, 0.65, 0.5):
        two.page.mouse.move(box["x"] + box["width"] * part, box["y"] + box["height"] / 2)
    two.page.mouse.up()
    assert 0.4 < two.layers()[1]["opacity"] < 0.6
    assert undo_count(two) == steps + 1
    row(two, "Object 2").locator(".mf-layer-pick").click()
    two.page.get_by_text("Position and size").click()
    segment = two.collage()["segments"][1]
    assert float(field(two, "width").input_value()) == segment["width"]
    type_into(two, "width", segment["width"] * 2)
    assert two.layers()[1]["matrix"][0] == pytest.approx(2) == two.layers()[1]["matrix"][3]
    two.page.get_by_text("Keep shape").click()
    type_into(two, "height", segment["height"])
    type_into(two, "angle", 90)
    type_into(two, "x", 300)
    assert two.layers()[1]["matrix"][:4] == pytest.approx([0, 2, -1, 0], abs=1e-6)
    placed = two.collage()
    for keys in ("Escape", "Enter"):
        field(two, "y").fill("33")
        field(two, "y").press(keys)
        assert two.page.evaluate("document.activeElement.dataset.part") == "canvas", "keys are for the object again"
        assert (two.collage() == placed) == (keys == "Escape")
    two.key("Control+z")
    assert two.collage() == placed
    two.press("align-bottom")
    two.press("align-left")
    a, b, c, d, e, f = two.layers()[1]["matrix"]
    corners = [(segment["left"] + x, segment["top"] + y) for x in (0, segment["width"]) for y in (0, segment["height"])]
    assert min(a * x + c * y + e for x, y in corners) == pytest.approx(0, abs=1e-6)
    assert max(b * x + d * y + f for x, y in corners) == pytest.approx(400, abs=1e-6)
    two.press("reset")
    assert two.layers()[1]["matrix"] == [1, 0, 0, 1, 0, 0]
    assert undo_count(two) == steps + 8


def test_reset_all_puts_everything_back_and_undo_brings_it_again(two):
    two.key("Delete")
    two.wait_layers(1)
    two.key("n")
    two.key("Shift+ArrowRight")
    arranged = two.collage()
    two.key("Shift+R")
    two.wait_layers(2)
    assert all(layer["matrix"] == [1, 0, 0, 1, 0, 0] for layer in two.layers())
    two.key("Control+z")
    assert two.collage() == arranged


def test_everything_by_keyboard(two):
    page = two.page
    two.key("n")
    two.key("n")
    two.key("p")
    assert page.locator(PANEL).is_hidden()
    two.key("p")
    assert page.locator(PANEL).is_visible()
    assert page.evaluate("document.activeElement.innerText") in names(two), "the focus goes to the chosen row"
    first = chosen(two)
    two.key("ArrowDown" if names(two)[0] in first else "ArrowUp")
    assert chosen(two) != first and page.evaluate("document.activeElement.innerText") == chosen(two)[0]
    moved = chosen(two)[0]
    two.key("Alt+ArrowUp" if names(two)[1] == moved else "Alt+ArrowDown")
    assert page.evaluate("document.activeElement.innerText") == moved, "the focus goes along"
    assert "of 2 from the front" in page.locator('[data-part="layers-said"]').inner_text()
    order = [layer["segment"] for layer in two.layers()]
    two.key("End")
    two.key("Home")
    assert sorted(order) == sorted(layer["segment"] for layer in two.layers())
    assert names(two)[0] == moved, "Home brings to the front"
    two.key("Shift+F")
    two.key("t")  # distort, where it is offered, changes nothing by itself
    assert two.layers()[1]["matrix"][3] == -1
    two.key("Delete")
    two.wait_layers(1)
    assert page.evaluate("document.activeElement.className") == "mf-layer-pick", "the focus stays in the list"


def test_on_a_phone_the_layers_are_a_sheet(visit, site, photo_file):
    phone = with_two_layers(visit(site[0], PHONE), photo_file)
    panel = phone.page.locator(PANEL)
    assert panel.is_hidden(), "the photo comes first"
    phone.page.locator('[data-do="layers"]:visible').tap()
    assert panel.is_visible()
    box = panel.bounding_box()
    assert box["width"] > 350 and box["y"] > 200, "at the foot of the page"
    for control in panel.locator("button:visible").all():
        size = control.bounding_box()
        assert min(size["width"], size["height"]) >= 44, control.get_attribute("aria-label")
    row(phone, "Object 1").locator(".mf-layer-pick").tap()
    assert chosen(phone) == ["Object 1"]
    grip = middle(row(phone, "Object 1").locator(".mf-layer-grip"))
    above = middle(row(phone, "Object 2"))
    session = phone.page.context.new_cdp_session(phone.page)
    for kind, y in (
        ("touchStart", grip[1]),
        ("touchMove", grip[1] - 20),
        ("touchMove", above[1] - 15),
        ("touchEnd", None),
    ):
        points = [] if y is None else [{"x": grip[0], "y": y, "id": 0}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert names(phone) == ["Object 1", "Object 2"]
    phone.key("Escape")
    assert panel.is_hidden()
    phone.page.locator('[data-do="layers"]:visible').tap()
    panel.locator('[data-do="reselect"]').tap()
    phone.wait_for("magicfixup.selection().editing !== null")
    assert panel.is_hidden(), "what is selected again is to be seen"
