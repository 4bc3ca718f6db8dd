"""Links as people use them: made in one browser, opened in another, ended by their maker."""

import re

import numpy as np
import pytest

from browser.fakes import DISC_AT
from browser.test_second_photo import OTHER_DISC_AT, other_file, take_objects  # noqa: F401 (a fixture)
from magicfixup_demo.ui import strings

DROP_AT = (300, 280)
LINK = '[data-part="link"]'


@pytest.fixture(autouse=True)
def no_links_of_other_tests(site):
    site[2].links._shelf._kept.clear()


def dialog(visitor, part: str):
    return visitor.page.locator(f'{LINK} [data-link="{part}"]')


def share(visitor) -> str:
    """Press Share, agree, and read the link."""
    visitor.press("share")
    dialog(visitor, "ask").wait_for()
    visitor.page.click(f'{LINK} button[type="submit"]')
    return made(visitor)


def made(visitor) -> str:
    dialog(visitor, "made").wait_for()
    return visitor.page.locator("#mf-link-address").input_value()


def arranged(visitor, photo_file) -> None:
    """The disc moved, a copy of it turned around, and settings of its own."""
    visitor.open_file(photo_file)
    visitor.select(DISC_AT)
    visitor.drag(DISC_AT, DROP_AT)
    visitor.wait_layers(1)
    visitor.key("Control+d")
    visitor.wait_layers(2)
    visitor.key("f")
    visitor.settings()
    visitor.page.fill('[name="mf-seed"]', "4711")
    visitor.settings()


def shown(visitor) -> np.ndarray:
    """The canvas with nothing chosen, once it has come to rest."""
    visitor.key("Escape")
    return visitor.picture()


def same(collage: dict, other: dict) -> None:
    assert other["layers"] == collage["layers"]
    without = [{key: segment[key] for key in segment if key != "mask"} for segment in collage["segments"]]
    assert [{key: segment[key] for key in segment if key != "mask"} for segment in other["segments"]] == without
    assert other["photo"] == collage["photo"]


def test_a_link_restores_everything_elsewhere_until_its_maker_deletes_it(visit, site, photo_file, other_file):  # noqa: F811
    url, engine, services = site
    maker = visit(url)
    arranged(maker, photo_file)
    take_objects(maker, other_file)
    maker.select(OTHER_DISC_AT)
    maker.key("Enter")
    maker.wait_layers(3)
    maker.press("share")
    dialog(maker, "ask").wait_for()
    assert "Anyone who has the link sees this photo" in dialog(maker, "what").inner_text()
    assert "If the server stops, the link ends too" in dialog(maker, "where").inner_text()
    assert maker.page.locator(f'{LINK} [name="mf-days"]:checked').input_value() == "7"
    assert len(services.links) == 0, "nothing is kept before the visitor agrees"
    assert maker.page.evaluate("document.activeElement.type") == "submit"
    maker.page.locator(f'{LINK} [name="mf-days"][value="1"]').check()
    maker.page.click(f'{LINK} button[type="submit"]')
    link = made(maker)
    assert len(services.links) == 1
    assert re.fullmatch(re.escape(url) + r"\?photo=[A-Za-z0-9_-]{32}#e=[A-Za-z0-9_-]+", link)
    maker.key("Escape")
    collage = maker.collage()

    guest = visit(link)
    guest.ready()
    guest.wait_layers(3)
    same(collage, guest.collage())
    assert len(guest.collage()["sources"]) == 1
    assert guest.page.locator('[name="mf-seed"]').input_value() == "4711"
    np.testing.assert_allclose(shown(guest).astype(int), shown(maker).astype(int), atol=2)
    maker.fix_up()
    services.photos._photos.clear()  # as after a restart: photo and second photo come again, in one go
    guest.fix_up()
    assert len(services.photos) == 2
    assert [options.seed for options in engine.asked] == [4711, 4711]
    np.testing.assert_array_equal(guest.shown_picture("after"), maker.shown_picture("after"))
    guest.press("share")
    dialog(guest, "ask").wait_for()
    assert not dialog(guest, "mine").is_visible(), "the maker's links are the maker's alone"

    maker.wait_for("magicfixup.isKept()")
    maker.page.reload()
    maker.ready()
    maker.press("share")
    dialog(maker, "mine").wait_for()
    assert dialog(maker, "mine").locator("li").count() == 1
    maker.page.click(f'{LINK} li [data-link="delete"]')
    dialog(maker, "note").wait_for()
    assert "opens nothing any more" in dialog(maker, "note").inner_text()
    assert dialog(maker, "mine").locator("li").count() == 0 and len(services.links) == 0

    late = visit(link)
    late.page.wait_for_selector(".mf-toast")
    assert strings.LINK_GONE in late.toast()
    assert late.page.locator('.mf[data-mode="empty"]').count() == 1


def test_an_example_travels_in_the_link_alone(visit, site):
    url, _, services = site
    name = services.examples[0].name
    maker = visit(url)
    maker.open_example(name)
    layer = maker.layers()[0]["id"]
    maker.page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    maker.press("share")
    link = made(maker)
    assert link.startswith(f"{url}?example={name}#e=") and len(services.links) == 0
    assert "nothing is kept on the server" in dialog(maker, "what").inner_text()
    dialog(maker, "copy").first.click()
    dialog(maker, "note").wait_for()
    assert maker.page.evaluate("window.copied") == link
    maker.key("Escape")
    guest = visit(link)
    guest.ready()
    guest.wait_for(f'magicfixup.collage().layers[0].id === "{layer}"')
    same(maker.collage(), guest.collage())


def test_damaged_links_open_what_they_can_and_say_so(visit, site, photo_file):
    url, _, _ = site
    maker = visit(url)
    arranged(maker, photo_file)
    link = share(maker)
    cut = visit(link[:-9])
    cut.ready()
    cut.page.wait_for_selector(".mf-toast")
    assert "cut off or damaged" in cut.toast()
    cut.wait_layers(1)
    assert cut.layers()[0]["matrix"] == [1, 0, 0, 1, 0, 0]
    for address, sentence in (
        (f"{url}?photo={'a' * 32}#e=x", strings.LINK_GONE),
        (f"{url}?photo=..%2F..%2Fetc", strings.LINK_GONE),
        (f"{url}?example=none", strings.NO_EXAMPLE),
    ):
        guest = visit(address)
        guest.page.wait_for_selector(".mf-toast")
        assert sentence in guest.toast()


def test_another_arrangement_pasted_into_the_same_tab_opens_too(visit, site):
    url, _, services = site
    visitor = visit(f"{url}?example={services.examples[0].name}")
    visitor.ready()
    count = len(visitor.layers())
    visitor.page.evaluate("location.hash = '#e=broken'")
    visitor.page.wait_for_selector(".mf-toast")
    assert "cut off or damaged" in visitor.toast()
    visitor.wait_layers(count)
    visitor.page.locator("[data-example]:visible").nth(1).click()
    visitor.page.wait_for_function("location.search === '' && location.hash === ''")
