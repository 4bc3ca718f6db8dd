"""The plate that the page asks for while nobody waits: what comes back, whose turn it is, and what stops it."""

import base64
import io
import threading

import cv2
import numpy as np
import pytest
from browser.fakes import DISC_AT, SMALL, SQUARE_AT, FakeEngine, scene, stand_ins
from PIL import Image

from magicfixup_demo.collage import segment_from_mask
from magicfixup_demo.collage_json import collage_to_json
from magicfixup_demo.engine.plate import lifted
from magicfixup_demo.schema import Collage
from magicfixup_demo.ui.lines import PREPARING
from magicfixup_demo.ui.live import patches_of
from tests.following import plate
from tests.waiting import until


@pytest.fixture
def small() -> FakeEngine:
    return FakeEngine(SMALL)


@pytest.fixture
def services(small):
    return stand_ins(FakeEngine(), small)


@pytest.fixture
def photo(services):
    return services.open_photo("two-things", scene(), "v")


def collage_without(*names: str, width: int = 600, height: int = 400) -> Collage:
    """Of the stand-in scene, scaled to this size."""
    found = []
    for name in names:
        mask = np.zeros((400, 600), np.uint8)
        (x, y) = DISC_AT if name == "disc" else SQUARE_AT
        if name == "disc":
            cv2.circle(mask, (x, y), 60, 255, -1)
        else:
            mask[y - 40 : y + 40, x - 50 : x + 50] = 255
        mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
        found.append(segment_from_mask(name, mask))
    return Collage(width, height, tuple(found), ())


def request(photo, *names: str, job: str = "p1", **more) -> dict:
    return {"token": photo.token, "job": job, "collage": collage_to_json(collage_without(*names)), **more}


def answer(services, record) -> dict:
    """The last message."""
    return list(plate(services, record))[-1]


def decoded(patch: dict) -> np.ndarray:
    kind, _, data = patch["picture"].partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))


def test_only_what_differs_from_the_photo_comes_back_and_says_what_stood_there(services, photo, small):
    last = answer(services, request(photo, "disc", "square", seed=3))
    assert last["kind"] == "done" and last["job"] == "p1"
    patches = {tuple(patch["segments"]): patch for patch in last["value"]["patches"]}
    assert set(patches) == {("disc",), ("square",)}
    (mask, seed), (x, y) = small.lifted[0], DISC_AT
    assert seed == 3 and mask[y, x] and mask[SQUARE_AT[1], SQUARE_AT[0]]
    disc, shown = patches[("disc",)], decoded(patches[("disc",)])
    assert shown.shape[:2] == (disc["height"], disc["width"])
    assert shown[y - disc["top"], x - disc["left"], 3] == 255
    assert disc["left"] == x - 60 - 5 and disc["top"] == y - 60 - 5, "with the margin that is lifted"
    assert set(np.unique(shown[..., 3])) == {0, 255}
    assert shown[0, 0, 3] == 0, "a corner of the box around a disc is the photo's"


def test_patches_laid_over_the_picture_on_show_are_the_plate_on_show():
    """A photo shown at half its size, as any with more pixels than the page has of it."""
    collage = collage_without("disc", "square", width=3200, height=2133)
    removed = np.zeros((2133, 3200), bool)
    for segment in collage.segments:
        height, width = segment.mask.shape
        removed[segment.top : segment.top + height, segment.left : segment.left + width] |= segment.mask > 0
    rows, columns = np.mgrid[0:2133, 0:3200]
    photo = np.dstack([rows // 12, columns // 15, (rows + columns) // 25]).astype(np.uint8)
    plate = photo.copy()
    plate[lifted(removed)] = 255 - plate[lifted(removed)]
    shown = cv2.resize(photo, (1600, 1066), interpolation=cv2.INTER_AREA)
    for patch in patches_of(plate, removed, collage):
        picture = decoded(patch)
        window = shown[patch["top"] :, patch["left"] :][: patch["height"], : patch["width"]]
        window[picture[..., 3] > 0] = picture[picture[..., 3] > 0][:, :3]
    expected = cv2.resize(plate, (1600, 1066), interpolation=cv2.INTER_AREA)
    difference = cv2.absdiff(shown, expected)
    assert difference.mean() < 1 and np.quantile(difference, 0.999) <= 24, "but for the compression at hard borders"


def test_of_a_photo_larger_than_the_page_shows_some_patches_come_sooner(services, small):
    photo = services.open_photo("large", cv2.resize(scene(), (3000, 2000), interpolation=cv2.INTER_NEAREST), "v")
    collage = collage_to_json(collage_without("disc", width=3000, height=2000))
    messages = list(plate(services, request(photo) | {"collage": collage}))
    sooner = next(message["preview"] for message in messages if "preview" in message)
    later = messages[-1]["value"]["patches"]
    assert [mask.shape for mask, _ in small.lifted] == [(1067, 1600), (2000, 3000)]
    for one, other in zip(sooner, later, strict=True):
        assert one["segments"] == other["segments"] == ["disc"]
        assert all(one[side] == pytest.approx(other[side], abs=2) for side in ("left", "top", "width", "height"))
        assert decoded(one).shape[:2] == (one["height"], one["width"])


def test_nothing_removed_is_no_work(services, photo, small):
    assert answer(services, request(photo))["value"] == {"patches": []}
    assert not small.lifted


@pytest.mark.parametrize(
    "wrong",
    [
        {"collage": "{"},
        {"collage": collage_to_json(Collage(300, 200, (), ()))},
        {"seed": -1},
        {"seed": "x"},
        {"token": "gone"},
    ],
)
def test_what_cannot_be_understood_is_a_sentence(services, photo, wrong):
    last = answer(services, request(photo, "disc") | wrong)
    assert last["kind"] == "error" and last["message"].endswith(".")


def test_a_newer_one_of_the_same_visit_stops_the_older_and_nobody_elses(services, photo, small):
    other = services.open_photo("two-things", scene(), "another")
    small.gate.clear()
    answers = {}

    def ask(record):
        answers[record["job"]] = answer(services, record)

    threads = [threading.Thread(target=ask, args=[request(photo, "disc", job="old")])]
    threads[0].start()
    until(lambda: small.lifted)
    threads.append(threading.Thread(target=ask, args=[request(other, "disc", job="others")]))
    threads[1].start()
    until(lambda: services.fixing.waiting(PREPARING) == 1)
    threads.append(threading.Thread(target=ask, args=[request(photo, "disc", "square", job="new")]))
    threads[2].start()
    until(lambda: "old" in answers)
    small.gate.set()
    for thread in threads:
        thread.join()
    assert {job: message["kind"] for job, message in answers.items()} == {
        "old": "stopped",
        "others": "done",
        "new": "done",
    }


def test_whoever_goes_away_stops_it(services, photo, small):
    small.gate.clear()
    messages = plate(services, request(photo, "disc"))
    next(messages)
    until(lambda: small.lifted)
    messages.close()
    assert small.stopped.wait(30)
    until(lambda: services.fixing.waiting(PREPARING) == 0)


def test_a_server_whose_small_model_cannot_lift_says_so():
    services = stand_ins(FakeEngine())
    photo = services.open_photo("two-things", scene(), "v")
    assert answer(services, request(photo, "disc"))["kind"] == "error"
