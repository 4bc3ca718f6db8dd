"""What the browser keeps: the same tab gets its work back by itself, a new one is asked, two never meet."""

import json
from datetime import datetime, timedelta

import pytest

from browser.fakes import DISC_AT
from browser.test_access import LOOKS, check
from browser.test_second_photo import OTHER_DISC_AT, other_file, take_objects  # noqa: F401 (a fixture)
from magicfixup_demo.ui import strings

DROP_AT = (300, 280)
OFFER = '[data-part="draft"]'
LEAVING = "!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"  # whether the browser asks
BLOCKED = "Object.defineProperty(window, 'indexedDB', { get() { throw new DOMException('no', 'SecurityError') } })"

FILES_KEPT = """new Promise((resolve) => {
  indexedDB.open('magicfixup').onsuccess = ({ target: { result } }) => {
    const asked = result.transaction('files').objectStore('files').count();
    asked.onsuccess = () => (result.close(), resolve(asked.result));
  };
})"""


def arrange(visitor, photo_file) -> dict:
    """A moved disc with a name and settings of its own; the collage, once it is kept."""
    visitor.open_file(photo_file)
    visitor.select(DISC_AT)
    visitor.drag(DISC_AT, DROP_AT)
    visitor.wait_layers(1)
    visitor.settings()
    visitor.page.fill('[name="mf-seed"]', "4711")
    visitor.settings()
    return kept(visitor)


def kept(visitor) -> dict:
    """The collage, once the browser has it; then leaving the page costs nothing."""
    collage = visitor.collage()
    visitor.wait_for("magicfixup.isKept()")
    assert not visitor.page.evaluate(LEAVING)
    return collage


def another_tab(visitor):
    """A new page in the same browser."""
    page = visitor.page.context.new_page()
    page.goto(visitor.page.url)
    page.wait_for_selector(".mf[data-mounted]")
    return type(visitor)(page, visitor.touch)


def offered(visitor):
    visitor.page.locator(OFFER).wait_for()
    return visitor.page.locator(OFFER)


def test_a_reload_brings_everything_back_and_start_anew_takes_nothing_away(visit, site, photo_file, other_file):  # noqa: F811
    desk = visit(site[0])
    arrange(desk, photo_file)
    take_objects(desk, other_file)
    desk.select(OTHER_DISC_AT)
    desk.key("Enter")
    desk.wait_layers(2)
    desk.key("Escape")
    collage = kept(desk)
    for way in ("location.reload()", "location.assign('about:blank')"):
        desk.page.evaluate(way)
        if "blank" in way:
            desk.page.wait_for_url("about:blank")
            desk.page.go_back()
        desk.page.get_by_text("Your collage is back").wait_for()
        desk.ready()
        assert desk.collage() == collage
        assert desk.page.locator('[name="mf-seed"]').input_value() == "4711"
    desk.fix_up()
    assert site[1].asked[-1].seed == 4711
    desk.key("Escape")
    kept(desk)
    desk.page.reload()
    desk.page.get_by_text("makes its result again").wait_for()
    desk.page.get_by_role("button", name="Start anew").click()
    offered(desk)
    assert desk.page.locator('.mf[data-mode="empty"]').count() == 1
    desk.page.get_by_role("button", name="Restore").press("Enter")
    desk.ready()
    assert desk.collage() == collage


@pytest.mark.parametrize("look", ["desktop light", "phone dark"])
def test_a_new_tab_is_offered_what_a_closed_one_left(visit, site, photo_file, look):
    first = visit(site[0], LOOKS[look])
    collage = arrange(first, photo_file)
    second = another_tab(first)
    second.page.locator("[data-example]:visible").first.wait_for()
    assert second.page.locator(OFFER).is_hidden(), "it is open in the other tab"
    first.page.close()
    second.page.reload()
    offer = offered(second)
    assert "1 object" in offer.inner_text() and "in this browser alone" in offer.inner_text()
    box, window = offer.bounding_box(), second.page.viewport_size
    assert box["x"] >= 0 and box["x"] + box["width"] <= window["width"]
    check(second, "offer")
    offer.get_by_role("button", name="Restore").click()
    second.ready()
    second.page.get_by_text("Your collage is back").wait_for()
    second.page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished)).then(() => {})")
    check(second, "restored")
    assert second.collage() == collage


def test_discarded_is_gone_and_another_photo_takes_its_place(visit, site, photo_file):
    first = visit(site[0])
    arrange(first, photo_file)
    second = another_tab(first)
    first.page.close()
    second.page.reload()
    offered(second).get_by_role("button", name="Discard").click()
    second.page.locator(OFFER).wait_for(state="hidden")
    second.page.reload()
    second.page.locator("[data-example]:visible").first.wait_for()
    second.open_example(site[2].examples[0].name)
    assert kept(second)["layers"]
    second.page.reload()
    second.page.get_by_text("Your collage is back").wait_for()
    assert second.page.evaluate(FILES_KEPT) == 0, (
        "an example is on the server; the photo before it is not kept any more"
    )


def test_after_a_day_it_is_gone(visit, site, photo_file):
    first = visit(site[0])
    arrange(first, photo_file)
    second = another_tab(first)
    first.page.close()
    second.page.reload()
    offered(second)
    second.page.clock.set_system_time(datetime.now() + timedelta(hours=25))
    second.page.reload()
    second.page.locator("[data-example]:visible").first.wait_for()
    second.page.wait_for_function(f"{FILES_KEPT}.then((count) => count === 0)")
    assert second.page.locator(OFFER).is_hidden()


def test_without_locks_a_reload_brings_back_a_copy(visit, site, photo_file):
    desk = visit(site[0])
    desk.page.add_init_script("delete Navigator.prototype.locks")
    desk.page.reload()
    desk.page.wait_for_selector(".mf[data-mounted]")
    collage = arrange(desk, photo_file)
    for _ in range(2):
        desk.page.reload()
        desk.page.get_by_text("Your collage is back").wait_for()
        desk.ready()
        assert kept(desk) == collage


def test_two_tabs_and_a_duplicate_keep_their_own(visit, site, photo_file):
    first = visit(site[0])
    mine = arrange(first, photo_file)
    second = another_tab(first)
    storage = first.page.evaluate("JSON.stringify({ ...sessionStorage })")
    second.page.evaluate("(kept) => Object.assign(sessionStorage, JSON.parse(kept))", storage)  # as when duplicated
    second.page.reload()
    second.page.get_by_text("Your collage is back").wait_for()
    second.ready()
    assert second.collage() == mine
    second.click(DROP_AT)
    second.shown("layer")
    second.key("f")
    theirs = kept(second)
    assert theirs != mine
    for visitor, collage in ((first, mine), (second, theirs)):
        visitor.page.reload()
        visitor.page.get_by_text("Your collage is back").wait_for()
        visitor.ready()
        assert visitor.collage() == collage


def test_a_link_opened_in_the_same_tab_is_opened_and_the_draft_is_offered_later(visit, site, photo_file):
    url, _, services = site
    desk = visit(url)
    collage = arrange(desk, photo_file)
    name = services.examples[0].name
    desk.page.goto(f"{url}?example={name}")
    desk.ready()
    assert desk.collage()["segments"] != collage["segments"]
    linked = kept(desk)
    desk.page.reload()
    desk.page.get_by_text("Your collage is back").wait_for()
    desk.ready()
    assert desk.collage() == linked
    other = desk.page.context.new_page()
    other.goto(url)
    other.wait_for_selector(OFFER)
    other.click('[data-draft="restore"]')
    other.wait_for_selector('.mf[data-mode="edit"]')
    assert other.evaluate("document.querySelector('.mf').magicfixup.collage()") == collage


def test_a_result_that_was_gone_on_from_comes_back_after_the_server_forgot_everything(visit, site, photo_file):
    desk = visit(site[0])
    arrange(desk, photo_file)
    desk.fix_up()
    picture = desk.shown_picture("after")
    desk.press("keep-editing")
    desk.ready()
    desk.select(DROP_AT)
    desk.drag(DROP_AT, (200, 150))
    desk.wait_layers(1)
    collage = kept(desk)
    for reloaded in (False, True):
        site[2].photos._photos.clear()
        if reloaded:
            desk.page.reload()
            desk.page.get_by_text("Your collage is back").wait_for()
            desk.ready()
        assert desk.collage() == collage
        desk.fix_up()
        desk.key("Escape")
    desk.press("show-result")
    assert "round 2" in desk.page.locator('[data-part="facts"]').inner_text()
    assert desk.shown_picture("before").shape == picture.shape


@pytest.mark.parametrize("blocked", [BLOCKED, "delete window.indexedDB", "IDBFactory.prototype.open = () => ({})"])
def test_a_browser_that_keeps_nothing_asks_before_work_is_lost(visit, site, photo_file, blocked):
    desk = visit(site[0])
    desk.page.add_init_script(blocked)
    desk.page.reload()
    desk.page.wait_for_selector(".mf[data-mounted]")
    desk.open_file(photo_file)
    assert not desk.page.evaluate(LEAVING), "nothing was done yet"
    desk.select(DISC_AT)
    desk.drag(DISC_AT, DROP_AT)
    desk.wait_layers(1)
    desk.collage()
    assert desk.page.evaluate(LEAVING)
    with desk.page.expect_download():
        desk.key("Control+s")
        desk.page.click('[data-save="zip"]')
    desk.wait_mode("edit")
    assert not desk.page.evaluate(LEAVING), "it is in the file"
    assert desk.page.locator(".mf-toast").count() == 0


def test_a_visit_of_three_hours(visit, site, photo_file, monkeypatch):
    """The server drops photos an hour after their last use; the tab sends them again when it needs them."""
    desk = visit(site[0])
    arrange(desk, photo_file)
    desk.fix_up()
    desk.key("Escape")
    photos, late = site[2].photos, 3 * 3600
    monkeypatch.setattr(photos, "_clock", lambda clock=photos._clock: clock() + late)
    photos.sweep()
    assert len(photos) == 0
    desk.select((450, 130))
    desk.key("Enter")
    desk.wait_layers(2)
    assert len(photos) == 1
    desk.press("show-result")
    desk.press("download")
    desk.page.get_by_text("no longer has this result at full size").wait_for()
    desk.press("make-again")
    desk.page.locator(".mf-past").nth(1).wait_for()
    desk.page.get_by_text("no longer has this result at full size").wait_for(state="hidden")
    assert json.dumps(desk.collage()) and strings.PHOTO_GONE not in desk.page.locator(".mf-toasts").inner_text()
