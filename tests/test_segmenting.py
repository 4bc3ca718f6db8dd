"""What the page asks while an object is selected: hovering, and the mask as a picture."""

import base64
import io
import threading

import cv2
import numpy as np
import pytest
from browser.fakes import DISC_AT, scene, stand_ins
from PIL import Image

from magicfixup_demo.schema import Prompt
from magicfixup_demo.segmentation.grabcut import GrabCutSegmenter
from magicfixup_demo.segmentation.preview import PREVIEW_SIDE, preview
from magicfixup_demo.ui.handlers import server_functions
from magicfixup_demo.ui.segmenting import TURNS, Turns, mask_record
from magicfixup_demo.ui.services import embedding_of


@pytest.fixture
def photo(services):
    """An open photo that has been read."""
    opened = services.open_photo("two-things", scene(), "v")
    embedding_of(opened)
    return opened


def decoded(text: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def test_a_hover_shows_what_the_click_will_select(page, photo):
    token, point = photo.token, list(DISC_AT)
    shown = page["hover"]({"token": token, "point": point})["mask"]
    clicked = page["segment"]({"token": token, "prompt": {"points": [[*point, True]]}})["candidates"][0]
    for side in ("left", "top", "width", "height"):
        assert shown[side] == pytest.approx(clicked[side], abs=1)
    np.testing.assert_array_equal(decoded(shown["mask"]), decoded(clicked["mask"]))


@pytest.mark.parametrize("point", [None, [1], ["a", 2], [float("nan"), 3], {}])
def test_a_hover_anywhere_else_is_refused_with_a_sentence(page, photo, point):
    assert page["hover"]({"token": photo.token, "point": point})["error"].endswith(".")


def test_a_hover_outside_the_photo_finds_nothing(page, photo):
    assert page["hover"]({"token": photo.token, "point": [-5, 10]})["mask"] is None


def test_a_hover_never_waits_for_the_photo_nor_goes_before_a_click(page, photo):
    with TURNS.click():
        assert page["hover"]({"token": photo.token, "point": list(DISC_AT)}) == {"mask": None, "busy": True}
    assert page["hover"]({"token": photo.token, "point": list(DISC_AT)})["mask"]


def test_a_click_that_waits_for_its_photo_keeps_nobody_from_hovering(services, page, photo):
    gate, waits = threading.Event(), threading.Event()
    unread = services.open_photo("unread", scene(), "another visit")

    class Unread:
        def start(self):
            return self

        def result(self, timeout):
            waits.set()
            assert gate.wait(60)
            return photo.embedding.result(timeout)

    unread.embedding = Unread()
    record = {"token": unread.token, "prompt": {"points": [[*DISC_AT, True]]}}
    clicking = threading.Thread(target=page["segment"], args=[record])
    clicking.start()
    try:
        assert waits.wait(60)
        assert page["hover"]({"token": photo.token, "point": list(DISC_AT)})["mask"]
    finally:
        gate.set()
        clicking.join()


def test_a_slow_fallback_is_not_asked_while_hovering():
    services = stand_ins(segmenter=GrabCutSegmenter())
    page = {function.__name__: function for function in server_functions(services)}
    opened = services.open_photo("x", scene(), "v")
    embedding_of(opened)
    assert page["hover"]({"token": opened.token, "point": list(DISC_AT)})["off"]


def test_one_hover_at_a_time_and_none_beside_a_click():
    turns = Turns()
    with turns.hover() as first, turns.hover() as second:
        assert first and not second
    with turns.hover() as again:
        assert again
    with turns.click(), turns.hover() as meanwhile:
        assert not meanwhile


def test_a_preview_is_the_click_at_a_smaller_size():
    """On a real segmenter, of a photo larger than the preview."""
    large = cv2.resize(scene(), (1800, 1200), interpolation=cv2.INTER_AREA)
    segmenter = GrabCutSegmenter()
    embedding = segmenter.embed(large)
    point = (3.0 * DISC_AT[0], 3.0 * DISC_AT[1])
    mask, scale = preview(segmenter, embedding, point)
    assert max(mask.shape) == PREVIEW_SIDE and scale == pytest.approx(PREVIEW_SIDE / 1800, rel=0.01)
    full = segmenter.candidates(embedding, Prompt((point,), (True,)))[0].mask
    back = cv2.resize(mask.astype(np.uint8), (1800, 1200), interpolation=cv2.INTER_NEAREST).astype(bool)
    assert (full & back).sum() / (full | back).sum() > 0.97


def test_the_mask_as_a_picture_has_the_photos_size(page, photo):
    clicked = page["segment"]({"token": photo.token, "prompt": {"points": [[*DISC_AT, True]]}})["candidates"][0]
    reply = page["mask_png"]({"token": photo.token, "segment": clicked})
    mask = decoded(reply["png"])
    assert reply["name"] == "two-things-mask.png" and mask.shape == (400, 600)
    assert set(np.unique(mask)) == {0, 255}
    assert mask[DISC_AT[1], DISC_AT[0]] == 255 and mask.astype(bool).sum() == pytest.approx(np.pi * 60**2, rel=0.02)


@pytest.mark.parametrize("segment", [None, {}, {"left": 0, "top": 0, "mask": "!"}, {"left": 590, "top": 0, "mask": 5}])
def test_a_broken_mask_is_refused_with_a_sentence(page, photo, segment):
    assert page["mask_png"]({"token": photo.token, "segment": segment})["error"].endswith(".")


def test_a_matte_softens_the_edge_where_the_photo_does(services, page):
    """A blurred disc: the hard mask through the middle of its blur comes back with opacities between."""
    truth = np.zeros((300, 400), np.float32)
    cv2.circle(truth, (200, 150), 70, 1.0, -1)
    truth = cv2.GaussianBlur(truth, (0, 0), 2.5)[..., None]
    picture = np.uint8(truth * (210, 60, 40) + (1 - truth) * (60, 160, 220))
    opened = services.open_photo("blurred", picture, "v")
    hard = mask_record(np.uint8(truth[..., 0] >= 0.5) * 255)
    soft = page["matte"]({"token": opened.token, "segment": hard})
    mask = np.zeros((300, 400), np.uint8)
    mask[soft["top"] : soft["top"] + soft["height"], soft["left"] : soft["left"] + soft["width"]] = decoded(
        soft["mask"]
    )
    edge = (truth[..., 0] > 0.1) & (truth[..., 0] < 0.9)
    before = np.abs((truth[..., 0] >= 0.5) - truth[..., 0])[edge].mean()
    assert np.abs(mask / 255 - truth[..., 0])[edge].mean() < 0.5 * before
    assert mask[150, 200] == 255 and mask[10, 10] == 0


def test_a_matte_of_nothing_is_refused_with_a_sentence(page, photo):
    assert page["matte"]({"token": photo.token, "segment": None})["error"].endswith(".")
