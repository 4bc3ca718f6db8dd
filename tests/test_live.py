"""The plate that the page asks for while nobody waits: what comes back, whose turn it is, and what stops it."""

import base64
import dataclasses
import io
import threading

import cv2
import numpy as np
import pytest
from browser.fakes import DISC_AT, SMALL, SQUARE_AT, FakeEffects, FakeEngine, scene, stand_ins
from PIL import Image

from magicfixup_demo.collage import segment_from_mask
from magicfixup_demo.collage_json import collage_to_json
from magicfixup_demo.engine.composite import Box
from magicfixup_demo.engine.effects import without_shadows
from magicfixup_demo.engine.plate import Plate, lifted, removed_objects
from magicfixup_demo.schema import Collage, Layer
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
    hole = lifted(removed_objects(collage))
    rows, columns = np.mgrid[0:2133, 0:3200]
    photo = np.dstack([rows // 12, columns // 15, (rows + columns) // 25]).astype(np.uint8)
    plate = photo.copy()
    plate[hole] = 255 - plate[hole]
    shown = cv2.resize(photo, (1600, 1066), interpolation=cv2.INTER_AREA)
    for patch in patches_of(Plate(plate, hole), photo, collage):
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
    sooner = next(message["preview"]["patches"] for message in messages if "preview" in message)
    later = messages[-1]["value"]["patches"]
    assert [mask.shape for mask, _ in small.lifted] == [(1067, 1600), (2000, 3000)]
    for one, other in zip(sooner, later, strict=True):
        assert one["segments"] == other["segments"] == ["disc"]
        assert all(one[side] == pytest.approx(other[side], abs=2) for side in ("left", "top", "width", "height"))
        assert decoded(one).shape[:2] == (one["height"], one["width"])


def test_nothing_removed_is_no_work(services, photo, small):
    assert answer(services, request(photo))["value"] == {"patches": [], "shadows": []}
    assert not small.lifted


def test_shadows_come_with_the_plate_and_are_gone_from_it(services, photo, small):
    small.effects = FakeEffects()
    value = answer(services, request(photo, "disc"))["value"]
    (shadow,), (patch,) = value["shadows"], value["patches"]
    (x, y), reach = DISC_AT, 121
    assert shadow["segment"] == "disc" and patch["segments"] == ["disc"]
    assert shadow["foot"] == [x + 0.5, y + 61] and shadow["size"] == reach
    kind, _, data = shadow["picture"].partition(",")
    taken = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert kind == "data:image/png;base64" and taken.dtype == np.uint8 and taken.max() == 204
    below = y + 75
    lit = decoded(patch)[below - patch["top"], x - patch["left"]]
    assert lit[3] == 255 and (lit[:3] > scene()[below, x].astype(int) + 40).all(), "the shadow is divided out"


def test_a_shadow_is_told_in_pixels_of_the_photo_also_when_it_was_found_in_a_smaller_one(services, small):
    small.effects = FakeEffects()
    photo = services.open_photo("large", cv2.resize(scene(), (3000, 2000), interpolation=cv2.INTER_NEAREST), "v")
    collage = collage_to_json(collage_without("disc", width=3000, height=2000))
    messages = list(plate(services, request(photo) | {"collage": collage}))
    sooner = next(message["preview"] for message in messages if "preview" in message)["shadows"][0]
    later = messages[-1]["value"]["shadows"][0]
    for key in ("left", "top", "width", "height", "size", "foot"):
        assert sooner[key] == pytest.approx(later[key], abs=6), key


def test_a_patch_of_a_shadow_apart_from_its_object_says_whose_it_was(photo):
    collage = collage_without("disc")
    hole = lifted(removed_objects(collage))
    own = FakeEffects().of(photo.image, removed_objects(collage))
    box = own.box
    far = dataclasses.replace(own, box=Box(box.left + 270, box.top, box.right + 270, box.bottom))
    ground, _ = without_shadows(photo.image, [(far, removed_objects(collage))])
    patches = patches_of(Plate(ground, hole, (far,)), photo.image, collage)
    assert [patch["segments"] for patch in patches] == [["disc"], ["disc"]]


def test_shadows_of_what_stays_where_it_is_can_be_asked_for(services, photo, small):
    small.effects = FakeEffects()
    collage = dataclasses.replace(collage_without("disc", "square"), layers=(Layer("l", "square"),))
    both = answer(services, request(photo, also=["square"]) | {"collage": collage_to_json(collage)})["value"]
    assert [shadow["segment"] for shadow in both["shadows"]] == ["disc", "square"]
    assert [patch["segments"] for patch in both["patches"]] == [["disc"]]
    standing = dataclasses.replace(collage, layers=(Layer("l", "square"), Layer("k", "disc")))
    record = request(photo, also=["disc"]) | {"collage": collage_to_json(standing)}
    alone = answer(services, record)["value"]
    assert [shadow["segment"] for shadow in alone["shadows"]] == ["disc"] and not alone["patches"]
    assert len(small.lifted) == 1, "nothing is lifted for it"


def test_objects_of_an_old_collage_leave_the_light_as_it_is(services, photo, small):
    small.effects = FakeEffects()
    old = dataclasses.replace(collage_without("disc"), shadows=False)
    value = answer(services, request(photo) | {"collage": collage_to_json(old)})["value"]
    assert not value["shadows"] and value["patches"][0]["height"] <= 131


@pytest.mark.parametrize(
    "wrong",
    [
        {"collage": "{"},
        {"collage": collage_to_json(Collage(300, 200, (), ()))},
        {"seed": -1},
        {"seed": "x"},
        {"token": "gone"},
        *({"also": also} for also in ("disc", ["disc"], ["nobody"], [["disc"]], None)),
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
