"""Fix-ups of several visitors at once: who waits sees the place in the line, and may leave it."""

from browser.conftest import PHONE
from browser.fakes import DISC_AT

AWAY = (DISC_AT[0] + 130, DISC_AT[1] + 40)
WAITING = '[data-part="progress"] span:has-text("1st in line")'


def arranged(visit, site, photo_file, *options):
    """A visitor who has moved something."""
    visitor = visit(site[0], *options)
    visitor.open_file(photo_file)
    visitor.select(DISC_AT)
    visitor.drag(DISC_AT, AWAY)
    visitor.wait_layers(1)
    return visitor


def test_who_waits_sees_the_place_and_may_click_stop_or_stay(visit, site, photo_file):
    _, engine, services = site
    first, second = arranged(visit, site, photo_file), arranged(visit, site, photo_file, PHONE)
    engine.gate.clear()
    first.press("fixup")
    first.page.wait_for_selector('[data-part="progress"] span:has-text("step 1 of")')  # whatever its case
    before = second.collage()
    second.press("fixup")
    second.page.wait_for_selector(WAITING)
    second.press("stop")
    second.wait_mode("edit")
    second.page.wait_for_selector('[data-part="progress"]', state="hidden")
    assert services.fixing.waiting("fixing") == 0 and second.collage() == before
    second.press("fixup")
    second.page.wait_for_selector(WAITING)
    engine.gate.set()
    for visitor in (first, second):
        visitor.wait_mode("result")


def test_a_full_line_says_so_and_keeps_the_arrangement(visit, site, photo_file, monkeypatch):
    _, engine, services = site
    visitor = arranged(visit, site, photo_file)
    before = visitor.collage()
    monkeypatch.setitem(services.fixing._most, "fixing", 0)
    visitor.press("fixup")
    visitor.page.wait_for_selector(".mf-toast:has-text('waiting here already')")
    assert visitor.collage() == before and not engine.asked
    monkeypatch.undo()
    visitor.fix_up()
