"""Saving and opening again in a real browser: what was saved on one machine comes back on another, pixel for pixel."""

import base64
import io
import json
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from browser.fakes import DISC_AT, SQUARE_AT, scene, stand_ins
from magicfixup_demo.images import save_png
from tests.served import served

FORMS = ["png", "collage-png", "zip"]


@pytest.fixture(scope="module")
def another_site(chromium):
    """The address of a second server, with its own memory: another machine."""
    from magicfixup_demo.ui.examples import list_examples

    services = stand_ins(examples=list_examples())
    with served(services) as url:
        yield url


def save(visitor, form: str, folder, **ticks: bool):
    """Save through the dialog; returns the file that the browser downloaded."""
    visitor.press("save")
    for name, on in ticks.items():
        visitor.page.locator(f'[name="mf-{name}"]').set_checked(on)
    with visitor.page.expect_download() as waiting:
        visitor.page.locator(f'[data-save="{form}"]').click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    visitor.page.wait_for_selector('[data-part="saving"]', state="hidden")
    return path


def drop(visitor, path) -> None:
    """Drop a file on the page, as from a folder's window."""
    kind = "application/zip" if path.suffix == ".zip" else "image/png"
    transfer = visitor.page.evaluate_handle(
        """async ([data, name, type]) => {
            const bytes = await (await fetch(`data:${type};base64,${data}`)).blob();
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type }));
            return transfer;
        }""",
        [base64.b64encode(path.read_bytes()).decode(), path.name, kind],
    )
    visitor.page.dispatch_event(".mf", "drop", {"dataTransfer": transfer})


def picture(visitor) -> np.ndarray:
    """The canvas, with nothing on the page that lies over it or takes room from it."""
    visitor.page.evaluate("document.querySelectorAll('.mf-toast').forEach((toast) => toast.remove())")
    hint = visitor.page.locator('[data-do="hide-hints"]:visible')
    if hint.count():
        hint.click()
        hint.wait_for(state="hidden")
    return visitor.picture()


def settings_of(visitor) -> tuple[str, str]:
    return visitor.page.locator("#mf-seed").input_value(), visitor.page.locator("#mf-steps").input_value()


def arranged(visitor, photo_file) -> None:
    """The disc moved and named, the square flipped and half seen through; seed and steps of one's own."""
    visitor.open_file(photo_file)
    for point, place in ((DISC_AT, (300, 300)), (SQUARE_AT, (480, 200))):
        visitor.select(point)
        visitor.drag(point, place)
    visitor.wait_layers(2)
    visitor.key("f")
    visitor.settings()
    visitor.page.locator("#mf-seed").fill("77")
    visitor.page.locator('[data-part="settings"] details summary').click()
    visitor.page.locator("#mf-steps").fill("3")
    visitor.settings()


def test_each_form_comes_back_on_another_machine(visit, site, another_site, photo_file, tmp_path):
    url, _, _ = site
    visitor = visit(url)
    arranged(visitor, photo_file)
    visitor.fix_up()
    result = visitor.shown_picture("after")
    visitor.press("edit")
    before, canvas = visitor.collage(), picture(visitor)
    visitor.press("show-result")
    files = {form: save(visitor, form, tmp_path) for form in FORMS}
    name, downloaded = visitor.download()
    assert name == files["png"].name == "two-things-fake-seed77.png"
    for form in FORMS[:2]:
        np.testing.assert_array_equal(np.asarray(Image.open(files[form]).convert("RGB")), downloaded)
    with zipfile.ZipFile(files["zip"]) as archive:
        np.testing.assert_array_equal(np.asarray(Image.open(archive.open("result.png"))), downloaded)

    for form in FORMS[1:]:
        other = visit(another_site)
        drop(other, files[form])
        other.wait_mode("result")
        assert other.collage() == before
        assert settings_of(other) == ("77", "3")
        np.testing.assert_array_equal(other.shown_picture("after"), result)
        np.testing.assert_array_equal(other.download()[1], downloaded)
        other.press("edit")
        other.ready()
        np.testing.assert_array_equal(picture(other), canvas)
        other.fix_up()  # and the same again comes out
        np.testing.assert_array_equal(other.download()[1], downloaded)

    light = visit(another_site)
    drop(light, files["png"])
    light.page.wait_for_selector(".mf-toast")
    assert "two-things (600 x 400 pixels)" in light.toast()
    light.page.set_input_files('[data-part="file"]', photo_file)
    light.wait_mode("result")
    assert light.collage() == before and settings_of(light) == ("77", "3")
    np.testing.assert_array_equal(light.shown_picture("after"), result)
    assert light.page.locator('.mf-toast:has-text("now, and the arrangement")').count() == 0
    light.key("Escape")
    light.press("undo")
    light.wait_for("magicfixup.collage().layers.length === 0")


def test_an_arrangement_alone_is_saved_and_a_broken_file_is_a_sentence(visit, site, another_site, photo_file, tmp_path):
    url, _, _ = site
    visitor = visit(url)
    arranged(visitor, photo_file)
    visitor.key("Escape")
    visitor.key("Control+s")
    assert visitor.page.locator('[data-save="png"]').is_disabled()
    visitor.key("Escape")
    files = {form: save(visitor, form, tmp_path) for form in FORMS[1:]}
    before, canvas = visitor.collage(), picture(visitor)
    assert Image.open(files["collage-png"]).mode == "RGBA"
    other = visit(another_site)
    for form in FORMS[1:]:
        other.page.set_input_files('[data-part="file"]', files[form])
        other.wait_for("magicfixup.collage()?.layers.length === 2")
        other.ready()
        assert other.collage() == before
        np.testing.assert_array_equal(picture(other), canvas)
        other.key("n")
        other.key("Delete")
        other.wait_layers(1)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(files["zip"].read_bytes()[:-100])
    other.page.set_input_files('[data-part="file"]', broken)
    other.page.wait_for_selector('.mf-toast:has-text("This zip is damaged")')


def test_objects_of_another_photo_travel_with_the_file(visit, site, another_site, photo_file, tmp_path):
    second = tmp_path / "second.png"
    save_png(second, np.ascontiguousarray(scene()[:, ::-1]))
    url, _, _ = site
    visitor = visit(url)
    visitor.open_file(photo_file)
    visitor.page.set_input_files('[data-part="source-file"]', second)
    visitor.page.wait_for_selector('[data-part="source-banner"]:not([hidden])')
    visitor.page.wait_for_selector('[data-part="progress"]', state="hidden")
    visitor.select((600 - DISC_AT[0], DISC_AT[1]))
    visitor.key("Enter")
    visitor.wait_layers(1)
    visitor.key("Escape")
    file = save(visitor, "zip", tmp_path)
    before, canvas = visitor.collage(), picture(visitor)
    with zipfile.ZipFile(file) as archive:
        assert {"photo.png", "sources/1.png", "cutouts/1.png"} <= {
            re.sub(r"1-.*", "1.png", n) for n in archive.namelist()
        }
        assert json.loads(archive.read("collage.json")) == before
    other = visit(another_site)
    drop(other, file)
    other.ready()
    assert other.collage() == before
    np.testing.assert_array_equal(picture(other), canvas)
    other.fix_up()


def test_camera_and_place_are_offered_only_where_there_are_any(visit, site, tmp_path, photo_file):
    from camera_jpeg import camera_jpeg

    from magicfixup_demo.saving.camera import says

    photo = tmp_path / "beach.jpg"
    photo.write_bytes(camera_jpeg(scene()))
    url, _, _ = site
    visitor = visit(url)
    arranged(visitor, photo)
    visitor.fix_up()
    plain = save(visitor, "zip", tmp_path).read_bytes()
    assert b"Canon" not in plain
    with Image.open(save(visitor, "png", tmp_path, place=True)) as image:
        assert says(image.info["exif"]) == {"camera": False, "place": True}
    with Image.open(io.BytesIO(save(visitor, "png", tmp_path).read_bytes())) as image:
        assert "exif" not in image.info
