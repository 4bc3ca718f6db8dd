"""Who cannot see the page well, or uses no mouse: axe-core in every state, focus, help, hints, reduced motion."""

from urllib.parse import quote

import pytest

from browser.conftest import DESKTOP, PHONE
from browser.fakes import DISC_AT, SQUARE_AT
from magicfixup_demo.ui.editor import WEB_FOLDER
from magicfixup_demo.ui.script import joined

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")

KEEPS_PEOPLE_OUT = ("serious", "critical")
LOOKS = {
    f"{screen} {scheme}": {**options, "color_scheme": scheme}
    for screen, options in (("desktop", DESKTOP), ("phone", PHONE))
    for scheme in ("light", "dark")
}


def check(visitor, state: str) -> None:
    """No serious or critical violation on the page as it is now."""
    found = axe.Axe().run(visitor.page, options={"resultTypes": ["violations"]}).response["violations"]
    problems = [
        f"{state}: {each['id']} ({each['impact']}): {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        if each["impact"] in KEEPS_PEOPLE_OUT
        for node in each["nodes"]
    ]
    assert not problems, "\n".join(problems)


CONTRAST = r"""selector => [...document.querySelectorAll(selector)].map((element) => {
  const rgb = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
  const around = [];
  for (let e = element; e; e = e.parentElement) around.push(getComputedStyle(e));
  const opacity = around.reduce((product, style) => product * style.opacity, 1);
  const ground = rgb(around.map((style) => style.backgroundColor).find((colour) => !/, 0\)$/.test(colour)));
  const seen = rgb(around[0].color).map((value, i) => opacity * value + (1 - opacity) * ground[i]);
  const light = (colour) => colour.map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const [dark, bright] = [light(seen), light(ground)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
})"""


def faintest(visitor, selector: str) -> float:
    """The lowest contrast (WCAG 2, 1 to 21) of what the selector finds with the ground that it stands on."""
    return min(visitor.page.evaluate(CONTRAST, selector))


def focused(visitor) -> str:
    return visitor.page.evaluate(
        "(() => { const e = document.activeElement; return e.dataset.do ?? e.dataset.part ?? e.tagName })()"
    )


@pytest.mark.parametrize("look", LOOKS)
def test_no_state_keeps_anybody_out(visit, site, photo_file, look):
    visitor = visit(site[0], LOOKS[look])
    dark = visitor.page.evaluate("document.body.classList.contains('dark')")
    assert dark == look.endswith("dark"), "the page follows the system"
    visitor.page.locator("[data-example]:visible").first.wait_for()
    check(visitor, "empty")
    visitor.open_file(photo_file)
    visitor.select(DISC_AT)
    check(visitor, "selection")
    visitor.press("cut-out")
    visitor.wait_layers(1)
    panel = visitor.page.locator('[data-part="layers"]')
    if panel.is_hidden():
        visitor.press("layers")
    visitor.page.get_by_text("Position and size").click()
    visitor.key("k")
    check(visitor, "layer and panel")
    visitor.key("k")
    visitor.key("h")
    visitor.wait_for("magicfixup.collage().layers[0].hidden")
    assert faintest(visitor, ".mf-layer-pick span") >= 4.5, "the name of a hidden layer is text like any other"
    visitor.key("h")
    if not visitor.touch:  # a phone's sheet of layers has the same colours
        visitor.key("Escape")
        visitor.page.wait_for_selector('.mf-layer-pick[aria-pressed="false"]')
        assert faintest(visitor, ".mf-layer-switch") >= 3, "signs of a layer not in hand: axe does not look at them"
    visitor.page.keyboard.press("?")
    visitor.page.get_by_role("dialog", name="Keys and gestures").wait_for()
    check(visitor, "help")
    visitor.key("Escape")
    visitor.page.set_input_files('[data-part="file"]', photo_file)
    visitor.page.get_by_role("dialog", name="What is this picture for?").wait_for()
    check(visitor, "which photo")
    visitor.page.get_by_role("button", name="Take objects from it").click()
    visitor.page.wait_for_selector('[data-part="source-banner"]:not([hidden])')
    visitor.page.wait_for_selector('[data-part="progress"]', state="hidden")
    check(visitor, "second photo")
    visitor.press("leave-source")
    visitor.press("share")
    dialog = visitor.page.get_by_role("dialog", name="Share a link")
    dialog.get_by_role("button", name="Create link").wait_for()
    check(visitor, "before a link")
    dialog.get_by_role("button", name="Create link").click()
    dialog.get_by_label("Link", exact=True).wait_for()
    check(visitor, "link")
    visitor.key("Escape")
    for name in ("share", "save"):
        visitor.press(name)
        visitor.page.locator("dialog[open]").wait_for()
        check(visitor, name)
        visitor.key("Escape")
    if visitor.touch:
        visitor.press("layers")  # the sheet lies over the tools
    visitor.press("tool-brush")
    check(visitor, "brush")
    visitor.press("tool-select")
    visitor.settings()
    visitor.page.get_by_text("Advanced").click()
    check(visitor, "settings")
    visitor.settings()
    visitor.page.locator('[data-do="fixup"]').click()
    visitor.page.locator(".mf-toast").wait_for()
    check(visitor, "message")
    visitor.page.locator(".mf-toast-close").first.click()
    visitor.drag(DISC_AT, (DISC_AT[0] + 60, DISC_AT[1]))
    visitor.fix_up()
    visitor.shown_picture("after")
    check(visitor, "result")
    for view in ("difference", "methods"):
        visitor.page.locator(f'[data-show="{view}"]').click()
        check(visitor, view)


def test_the_focus_goes_from_tools_to_canvas_to_layers_to_dock_and_returns(visit, site, photo_file):
    desk = visit(site[0])
    desk.open_file(photo_file)
    desk.select(DISC_AT)
    desk.key("Enter")
    desk.wait_layers(1)
    order = desk.page.evaluate(
        """() => {
          const places = ['.mf-top', '[data-do="tool-select"], .mf-rail, [data-part="tools"]',
            '[data-part="canvas"]', '.mf-layers', '.mf-dock'];
          const found = places.map((place) => document.querySelector(`.mf :is(${place})`)).filter(Boolean);
          const after = Node.DOCUMENT_POSITION_FOLLOWING;
          return found.every((e, i) => !i || found[i - 1].compareDocumentPosition(e) & after) && found.length;
        }"""
    )
    assert order >= 4
    assert desk.page.locator(".mf [tabindex]").evaluate_all("all => all.every((e) => e.tabIndex <= 0)")
    desk.page.locator('.mf-top [data-do="help"]').focus()
    desk.key("Enter")
    desk.page.get_by_role("dialog", name="Keys and gestures").wait_for()
    desk.key("Escape")
    assert focused(desk) == "help", "after a dialog the focus is where it was"
    desk.page.locator('.mf-dock [data-do="layers"]').focus()
    desk.key("Enter")
    assert desk.page.locator('[data-part="layers"]').is_hidden() and focused(desk) == "layers"
    desk.key("Enter")
    assert desk.page.evaluate("document.activeElement.className") == "mf-layer-pick"
    desk.page.locator('.mf-layers-head [data-do="layers"]').focus()
    desk.key("Enter")
    assert focused(desk) == "layers"


def test_the_focus_is_not_lost_when_its_control_goes(visit, site, photo_file):
    desk = visit(site[0])
    desk.open_file(photo_file)
    desk.select(DISC_AT)
    desk.page.locator('[data-do="cut-out"]').focus()
    desk.key("Enter")
    desk.wait_layers(1)
    assert focused(desk) == "canvas"
    desk.key("d")
    desk.wait_layers(2)
    desk.page.locator('.mf-dock [data-do="backward"]').focus()
    desk.key("Enter")
    assert desk.page.locator('.mf-dock [data-do="backward"]').is_disabled()
    assert desk.page.evaluate("document.activeElement.closest('[data-group=layer]') !== null")
    desk.page.locator('[data-do="fixup"]').focus()
    desk.key("Enter")
    desk.wait_mode("result")
    assert focused(desk) != "BODY"


def test_an_object_is_selected_cut_out_and_moved_without_a_pointer(visit, site, photo_file):
    desk = visit(site[0])
    desk.open_file(photo_file)
    desk.page.locator('[data-part="canvas"]').focus()
    box = desk.page.locator('[data-part="canvas"]').bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    right, down = (round((end - start) / 8) for start, end in zip(middle, desk.client(DISC_AT), strict=True))
    for key in ["ArrowRight" if right > 0 else "ArrowLeft"] * abs(right) + [
        "ArrowDown" if down > 0 else "ArrowUp"
    ] * abs(down):
        desk.key(key)
    desk.key("Enter")
    desk.shown("selection")
    desk.page.wait_for_selector('[data-do="cut-out"]:enabled')
    desk.key("Enter")
    desk.wait_layers(1)
    segment = desk.collage()["segments"][0]
    assert segment["left"] < DISC_AT[0] < segment["left"] + segment["width"]
    desk.key("Shift+ArrowRight")
    assert desk.layers()[0]["matrix"][4] == 10


def test_the_help_names_every_key_and_gesture(visit, site):
    desk = visit(site[0])
    desk.press("help") if desk.page.locator('[data-do="help"]:visible').count() else desk.key("?")
    sheet = desk.page.get_by_role("dialog", name="Keys and gestures")
    text = sheet.inner_text()
    wanted = ("Duplicate", "Bring to the front", "Select again", "Pinch", "Undo", "Drag it", "Ctrl", "F2")
    assert [words for words in wanted if words not in text] == []
    module = "data:text/javascript," + quote(joined(WEB_FOLDER, "page/shortcuts.js"))
    told = "(module) => import(module).then(({ KEYS }) => KEYS.filter((key) => !key.hidden).length)"
    assert sheet.locator("kbd").count() >= desk.page.context.new_page().evaluate(told, module) > 20
    desk.page.mouse.click(5, 5)
    assert sheet.is_hidden(), "a press beside it closes it"


def test_the_first_run_hint_goes_by_doing_and_stays_away(visit, site, photo_file):
    desk = visit(site[0])
    hint = desk.page.locator('[data-part="first-run"]')
    now = hint.locator("[aria-current]")
    assert hint.is_hidden(), "nothing to point at yet"
    desk.open_file(photo_file)
    assert now.inner_text() == "Click an object"
    desk.select(DISC_AT)
    assert now.inner_text() == "Drag it"
    desk.drag(DISC_AT, (DISC_AT[0] + 60, DISC_AT[1]))
    assert now.inner_text() == "Press Fix it up"
    desk.fix_up()
    desk.key("Escape")
    desk.wait_mode("edit")
    assert hint.is_hidden()
    desk.wait_for("magicfixup.isKept()")
    desk.page.reload()
    desk.ready()
    assert hint.is_hidden(), "not again in this browser"


def test_the_hint_can_be_dismissed_and_a_browser_without_storage_is_no_obstacle(visit, site, photo_file):
    desk = visit(site[0])
    desk.page.add_init_script(
        """for (const name of ['localStorage', 'sessionStorage'])
             Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError'); } });"""
    )
    desk.open_file(photo_file)
    desk.press("hide-hints")
    assert desk.page.locator('[data-part="first-run"]').is_hidden()
    desk.page.reload()
    desk.page.wait_for_selector(".mf[data-mounted]")
    desk.open_file(photo_file)
    desk.press("hide-hints")
    desk.press("layers")
    assert desk.page.locator('[data-part="first-run"]').is_hidden()


def test_messages_are_read_out_and_can_be_dismissed(visit, site, photo_file):
    desk = visit(site[0])
    desk.open_file(photo_file)
    desk.press("fixup")
    message = desk.page.get_by_role("status").filter(has_text="Nothing has moved yet")
    message.wait_for()
    message.get_by_role("button", name="Dismiss this message").click()
    message.wait_for(state="detached")


def test_reduced_motion(visit, site, photo_file):
    desk = visit(site[0], {**DESKTOP, "reduced_motion": "reduce"})
    desk.open_file(photo_file)
    desk.select(SQUARE_AT)
    assert desk.page.evaluate("document.getAnimations().length") == 0
    frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    shot = desk.picture()
    desk.page.evaluate(frames)
    assert (desk.picture() == shot).all(), "the outline stands still"


SCREENS = [(320, 640), (390, 844), (844, 390), (768, 1024), (1280, 800), (2560, 1440), (3840, 2160)]


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_the_page_fits_every_screen_and_the_canvas_comes_first(visit, site, photo_file, screen):
    width, height = screen
    visitor = visit(site[0], {"viewport": {"width": width, "height": height}})
    visitor.page.locator("[data-example]:visible").first.wait_for()
    fits = "(({ scrollWidth: w, scrollHeight: h }) => w <= innerWidth && h <= innerHeight)(document.documentElement)"
    assert visitor.page.evaluate(fits)
    visitor.open_file(photo_file)
    visitor.select(DISC_AT)
    visitor.press("cut-out")
    visitor.wait_layers(1)
    assert visitor.page.evaluate(fits)
    outside = visitor.page.locator(".mf button:visible").evaluate_all(
        """all => all.filter((e) => !e.closest('.mf-strip, [data-scrolls]'))
          .filter((e) => { const b = e.getBoundingClientRect(); return b.left < -1 || b.right > innerWidth + 1; })
          .map((e) => e.outerHTML.slice(0, 90))"""
    )
    assert outside == []
    canvas = visitor.page.locator('[data-part="canvas"]').bounding_box()
    assert canvas["width"] * canvas["height"] > 0.45 * width * height
