"""The product as the README starts it: real models, a real browser, a mouse, then a phone's touch screen."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

from browser.conftest import DESKTOP, PHONE
from browser.fakes import DISC_AT
from browser.test_links import same, share
from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.arrangement import shadows_of
from magicfixup_demo.engine.effect_network import EFFECTS, EffectNetwork
from magicfixup_demo.engine.effects import Effects, laid
from magicfixup_demo.engine.weights import ASSETS, load_file_of
from magicfixup_demo.images import open_photo, resize
from tests.hub_server import situation
from tests.ports import free_port

LARGE = {"viewport": {"width": 2560, "height": 1440}, "color_scheme": "dark"}

START_SECONDS = 180  # generous: only a page that never comes up fails
RING = 0.06  # of the picture's mean side; the engine may change light and contact that far around an edit


@pytest.fixture(scope="module")
def app(repository, chromium):
    """The address of ``python app.py --port N``."""
    with running(repository) as url:
        yield url


@contextlib.contextmanager
def running(repository, *arguments: str, environment: dict[str, str] | None = None):
    """``python app.py --port N`` with further arguments and environment variables; yields its address."""
    port = free_port()
    command = [sys.executable, "app.py", "--port", str(port), *arguments]
    process = subprocess.Popen(command, cwd=repository, env=os.environ | (environment or {}))
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait_until_up(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def bear(repository) -> dict:
    """An example with one large object: where it stands in the photo, and where its saved collage puts it."""
    folder = repository / "examples" / "polar-bear"
    if not folder.is_dir():
        pytest.skip("needs the example polar-bear")
    return {"name": "polar-bear", "file": folder / "photo.jpg", "photo": open_photo(folder / "photo.jpg")}


def _wait_until_up(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "app.py ended by itself"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)  # between two questions to a server that is not there yet
    pytest.fail(f"no page after {START_SECONDS} s")


def _object_in(collage: dict) -> tuple[float, float]:
    """A photo point well inside the front layer of a collage, where it is now."""
    parsed = collage_from_json(json.dumps(collage))
    layer = parsed.layers[-1]
    segment = next(s for s in parsed.segments if s.id == layer.segment_id)
    padded = np.pad((segment.mask >= 128).astype(np.uint8), 1)
    y, x = np.unravel_index(cv2.distanceTransform(padded, cv2.DIST_L2, 5).argmax(), padded.shape)
    a, b, c, d, e, f = layer.matrix
    x, y = x - 0.5 + segment.left, y - 0.5 + segment.top
    return a * x + c * y + e, b * x + d * y + f


def _shaded(photo: np.ndarray, collage) -> np.ndarray:
    """(H, W) bool: where an object's shadow fell, and where it falls now."""
    effects = Effects(load_file_of(EffectNetwork, ASSETS / "small" / EFFECTS))
    shadows = shadows_of(photo, collage, {}, effects) if collage.shadows else {}
    shaded = np.zeros(photo.shape[:2], bool)
    for layer in (layer for layer in collage.layers if layer.segment_id in shadows):
        shadow = shadows[layer.segment_id]
        shaded[shadow.box.window] |= resize(shadow.coverage(), *shadow.box.size) > 0
        window, coverage = laid(shadow, layer, collage.width, collage.height)
        shaded[window] |= coverage > 0
    return shaded


def _check_result(visitor, photo: np.ndarray) -> None:
    """Both pictures shown; hole changed; what is far from any edit is the photo's own, bit by bit."""
    collage = collage_from_json(json.dumps(visitor.collage()))
    edit = render(photo, collage)
    facts = visitor.page.locator('[data-part="facts"]').inner_text()
    assert "seed" in facts and " s " in facts
    result, sdedit = visitor.shown_picture("after"), visitor.shown_picture("sdedit")
    assert result.shape == sdedit.shape
    assert np.abs(result.astype(int) - sdedit).mean() > 0.02, "the comparison is another picture"
    name, picture = visitor.download()
    assert name.endswith(".png") and picture.shape == photo.shape
    assert edit.hole.sum() > 1000
    assert (picture[edit.hole] != photo[edit.hole]).any(axis=1).mean() > 0.9
    touched = (edit.alpha < 255) | (edit.rgb != photo).any(axis=2)
    distance = cv2.distanceTransform(np.uint8(~touched), cv2.DIST_L2, 5)
    far = (distance > RING * photo[..., 0].size ** 0.5) & ~_shaded(photo, collage)
    assert far.mean() > 0.05
    np.testing.assert_array_equal(picture[far], photo[far])


def _screenshot(visitor, suffix: str = "") -> None:
    """For the README: MAGICFIXUP_SCREENSHOT=assets/page.png makes that, and -result, -390 and -2560 beside it."""
    wanted = os.environ.get("MAGICFIXUP_SCREENSHOT")
    if wanted:
        path = Path(wanted)
        visitor.wait_for("magicfixup.holes().open === 0")  # the ground behind what was moved has come
        visitor.page.screenshot(path=path.with_name(path.stem + suffix + path.suffix))


def test_an_example_with_the_mouse(visit, app, bear):
    visitor = visit(app, DESKTOP)
    visitor.open_example(bear["name"])
    before = visitor.layers()[0]["matrix"]
    x, y = _object_in(visitor.collage())
    visitor.click((x, y))
    visitor.shown("layer")
    visitor.drag((x, y), (x + 60, y + 15))
    assert visitor.layers()[0]["matrix"][4:] == pytest.approx([before[4] + 60, before[5] + 15], abs=1)
    _screenshot(visitor)
    visitor.fix_up()
    _check_result(visitor, bear["photo"])
    _screenshot(visitor, "-result")


def test_an_own_photo_is_clicked_dragged_and_fixed_up(visit, app, bear):
    visitor = visit(app, DESKTOP)
    visitor.open_file(bear["file"])
    visitor.select((520, 380))
    visitor.drag((520, 380), (440, 400))
    visitor.wait_layers(1)
    segment = visitor.collage()["segments"][0]
    assert segment["width"] > 100 and segment["height"] > 60, "a click on the bear selects more than a speck"
    visitor.fix_up()
    _check_result(visitor, bear["photo"])


def test_an_example_on_a_phone(visit, app, bear):
    visitor = visit(app, PHONE)
    visitor.open_example(bear["name"])
    x, y = _object_in(visitor.collage())
    visitor.click((x, y))
    visitor.shown("layer")
    before = visitor.layers()[0]["matrix"]
    visitor.drag((x, y), (x + 40, y + 60))
    assert visitor.layers()[0]["matrix"][4:] == pytest.approx([before[4] + 40, before[5] + 60], abs=3)
    _screenshot(visitor, "-390")
    visitor.fix_up()
    _check_result(visitor, bear["photo"])


def test_an_example_on_a_large_dark_screen(visit, app, bear):
    visitor = visit(app, LARGE)
    visitor.open_example(bear["name"])
    visitor.fix_up()
    _check_result(visitor, bear["photo"])
    visitor.page.locator('[data-show="methods"]').click()
    tiles = visitor.page.locator('[data-part="methods"] img:visible')
    tiles.nth(2).wait_for()
    widths = {round(tile.bounding_box()["width"]) for tile in tiles.all()}
    assert len(widths) == 1 and widths.pop() > 600, "equal tiles that use the screen"
    _screenshot(visitor, "-2560")


def test_a_link_outlives_the_server_where_it_has_a_data_folder(repository, visit, photo_file, tmp_path):
    options = ("--segmenter", "grabcut", "--data", str(tmp_path / "data"))
    with running(repository, *options) as url:
        maker = visit(url)
        maker.open_file(photo_file)
        maker.select(DISC_AT)
        maker.drag(DISC_AT, (DISC_AT[0] + 90, DISC_AT[1] + 30))
        maker.wait_layers(1)
        collage, link = maker.collage(), share(maker)
        maker.page.close()
    with running(repository, *options) as restarted:
        guest = visit(link.replace(url, restarted))
        guest.ready()
        guest.wait_layers(1)
        same(collage, guest.collage())
        guest.page.close()  # before its server


@pytest.fixture
def app_without_hub(repository, chromium, tmp_path):
    """The address of a page that was started for the published model where the Hub cannot be reached."""
    with situation("no hub", {}, tmp_path) as environment:
        options = ("--model", "magicfixup", "--segmenter", "grabcut")
        with running(repository, *options, environment=environment) as url:
            yield url


def test_without_the_hub_the_page_says_so_once_and_the_small_model_repairs(app_without_hub, visit, bear):
    visitor = visit(app_without_hub, DESKTOP)
    visitor.page.get_by_text("Magic Fixup is not available, so Small repairs").wait_for(timeout=180_000)
    visitor.open_example(bear["name"])
    visitor.fix_up()
    _check_result(visitor, bear["photo"])
    assert visitor.page.locator('[data-part="facts"]').inner_text().startswith("Small")
