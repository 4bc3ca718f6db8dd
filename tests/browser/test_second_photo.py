"""A second photo as a source of objects: by file, by drop and paste; what comes of it in the collage and the result."""

import base64

import numpy as np
import pytest

from browser.conftest import PHONE
from browser.fakes import DISC, DISC_AT, SQUARE_AT, scene
from magicfixup_demo.images import save_png

OTHER_DISC_AT = (300 - 1 - DISC_AT[0] / 2, DISC_AT[1] / 2)


def other_scene() -> np.ndarray:
    """Half as large as the first photo and mirrored, (200, 300, 3) uint8."""
    return np.ascontiguousarray(scene()[::2, ::-2])


@pytest.fixture(scope="module")
def other_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "the other one.png"
    save_png(path, other_scene())
    return path


def take_objects(visitor, path) -> None:
    """Open a second file and choose to take objects from it."""
    visitor.page.set_input_files('[data-part="file"]', path)
    visitor.page.get_by_role("button", name="Take objects from it").click()
    in_source(visitor)


def in_source(visitor) -> None:
    visitor.page.wait_for_selector('[data-part="source-banner"]:not([hidden])')
    visitor.page.wait_for_selector('[data-part="progress"]', state="hidden")


def banner(visitor):
    return visitor.page.locator('[data-part="source-banner"]')


def give(visitor, path, how: str) -> None:
    """Drop or paste a file, with the browser's own events."""
    data = base64.b64encode(path.read_bytes()).decode()
    visitor.page.evaluate(
        """([how, data]) => {
          const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], "given.png", { type: "image/png" }));
          const options = { bubbles: true, cancelable: true };
          const event = how === "drop" ? new DragEvent("drop", { ...options, dataTransfer: transfer })
            : new ClipboardEvent("paste", { ...options, clipboardData: transfer });
          document.body.dispatchEvent(event);
        }""",
        [how, data],
    )


def test_objects_of_another_photo_become_layers_and_are_fixed_up(visit, site, photo_file, other_file):
    desk = visit(site[0])
    desk.open_file(photo_file)
    take_objects(desk, other_file)
    assert "the-other-one" in banner(desk).inner_text()
    view = desk.view()
    desk.select(OTHER_DISC_AT)
    assert "Cut out" in desk.page.locator('[data-part="hint"]').inner_text(), "it is not to be dragged here"
    assert desk.page.locator('[data-group="selection"] [data-do="remove"]').is_disabled()
    desk.drag(OTHER_DISC_AT, (OTHER_DISC_AT[0] - 20, OTHER_DISC_AT[1]))
    assert desk.layers() == [], "nothing is dragged out of the photo that is only looked at"
    desk.select(OTHER_DISC_AT) if desk.page.locator('[data-do="cut-out"]:enabled').count() == 0 else None
    desk.key("Enter")
    desk.wait_layers(1)
    assert banner(desk).is_hidden() and desk.view() != view
    collage = desk.collage()
    (source,), (segment,), (layer,) = collage["sources"], collage["segments"], collage["layers"]
    assert (source["width"], source["height"]) == (300, 200) and segment["source"] == source["id"]
    a, b, c, d, e, f = layer["matrix"]
    assert (a, b, c, d) == pytest.approx((2, 0, 0, 2)), "as large as in its own photo"
    centre = segment["left"] + segment["width"] / 2, segment["top"] + segment["height"] / 2
    assert (a * centre[0] + e, d * centre[1] + f) == pytest.approx((300, 200), abs=1), "in the middle"
    desk.drag((300, 200), (300, 330))
    shown = desk.picture()
    y, x = int(330 / 400 * shown.shape[0]), shown.shape[1] // 2
    assert np.abs(shown[y, x].astype(int) - DISC).max() < 12, "the other photo's disc stands there"
    desk.fix_up()
    result = desk.shown_picture("after")
    assert np.abs(result[330, 300].astype(int) - DISC).max() < 12, "and in the result"
    assert np.abs(result[DISC_AT[1], DISC_AT[0]].astype(int) - DISC).max() < 12, "the photo's own disc is untouched"
    desk.key("Escape")
    for _ in range(2):
        desk.key("Control+z")
    assert desk.layers() == [] and not desk.collage().get("sources"), "cut out and moved: two steps"


def test_it_can_be_cancelled_and_entered_again(visit, site, photo_file, other_file):
    desk = visit(site[0])
    desk.open_file(photo_file)
    desk.select(SQUARE_AT)
    desk.press("cut-out")
    desk.wait_layers(1)
    before = desk.collage()
    take_objects(desk, other_file)
    desk.select(OTHER_DISC_AT)
    desk.key("Escape")
    assert banner(desk).is_visible(), "Escape clears the selection first"
    desk.key("Escape")
    assert banner(desk).is_hidden() and desk.collage() == before
    desk.press("add-from-photo")
    desk.page.get_by_role("button", name="the-other-one").click()
    in_source(desk)
    banner(desk).get_by_role("button", name="Cancel").click()
    assert banner(desk).is_hidden() and desk.collage() == before
    desk.click(SQUARE_AT)
    desk.shown("layer")


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_file_that_is_dropped_or_pasted_asks_what_it_is_for(visit, site, photo_file, other_file, how):
    desk = visit(site[0])
    give(desk, photo_file, how)
    desk.ready()
    assert desk.collage()["photo"] == {"width": 600, "height": 400}, "the first photo is simply opened"
    give(desk, other_file, how)
    question = desk.page.get_by_role("dialog", name="What is this picture for?")
    question.wait_for()
    desk.key("Escape")
    assert question.is_hidden() and desk.collage()["photo"]["width"] == 600
    give(desk, other_file, how)
    question.get_by_role("button", name="Open as a new photo").click()
    desk.wait_for("magicfixup.collage().photo.width === 300")
    desk.ready()
    desk.key("Control+z")
    assert desk.collage()["photo"]["width"] == 600


def test_a_bad_file_leaves_everything_as_it_is(visit, site, photo_file, other_file, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG no picture")
    desk = visit(site[0])
    desk.open_file(photo_file)
    desk.page.set_input_files('[data-part="file"]', bad)
    desk.page.get_by_role("button", name="Take objects from it").click()
    desk.page.locator(".mf-toast").wait_for()
    assert banner(desk).is_hidden()
    desk.select(DISC_AT)
    take_objects(desk, other_file)
    assert desk.page.locator(".mf-toast").count() == 0, "what went wrong before is over"


def test_with_a_finger(visit, site, photo_file, other_file):
    phone = visit(site[0], PHONE)
    phone.open_file(photo_file)
    phone.page.locator('[data-do="layers"]:visible').tap()
    with phone.page.expect_file_chooser() as chooser:
        phone.page.locator('[data-do="add-from-photo"]:visible').tap()
    chooser.value.set_files(other_file)
    in_source(phone)
    phone.select(OTHER_DISC_AT)
    phone.press("cut-out")
    phone.wait_layers(1)
    assert phone.collage()["segments"][0]["source"]
