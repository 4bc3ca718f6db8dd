"""Results on the server: how many are kept, looking closely, going on from one, variants, and what a stop leaves."""

import base64
import io
import json

import numpy as np
import pytest
from browser.fakes import scene
from PIL import Image
from test_ui import moved_disc

from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.errors import OptionError, PhotoError
from magicfixup_demo.limits import MAX_SEED, sample_seed
from magicfixup_demo.schema import EditResult
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.background import Background
from magicfixup_demo.ui.kept_results import KeptResults, bytes_of
from magicfixup_demo.ui.payload import options_from
from magicfixup_demo.ui.photos import PhotoStore
from magicfixup_demo.ui.result_handlers import MOST_REGION_SIDE
from tests.following import fixup

INFO = EngineInfo("fake", "", "MIT", default_steps=4, max_steps=50)
SIZE = {"width": 600, "height": 400}  # of the scene


@pytest.fixture
def photo(services):
    return services.open_photo("beach", scene(), "v")


def request(page, photo, job="j1", sources=None, **options) -> dict:
    record = {
        "token": photo.token,
        "job": job,
        "collage": moved_disc(page, SIZE | {"token": photo.token}),
        "options": options,
    }
    return json.loads(json.dumps({**record, "sources": sources or {}}))


def run(services, page, photo, job="j1", **options) -> dict:
    """The last message of a fix-up."""
    return list(fixup(services, request(page, photo, job, **options)))[-1]


def picture_of(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


def result_of(pixels: int) -> EditResult:
    """A result whose pictures take 7 bytes a pixel: one sample, the coarse edit, what was touched."""
    picture = np.zeros((1, pixels, 3), np.uint8)
    return EditResult((picture,), None, picture, np.zeros((1, pixels), bool), 0, 1, 0.1, "m")


# Keeping


def test_results_are_kept_by_number_and_by_size_and_the_newest_always():
    kept = KeptResults(most=3, most_bytes=7000)
    assert bytes_of(result_of(100)) == 700
    for job in "abcd":
        kept.keep(job, (result_of(100),))
    with pytest.raises(PhotoError, match="no longer kept"):
        kept.get("a")
    assert all(kept.get(job) for job in "bcd") and kept.bytes == 2100
    kept.keep("e", (result_of(700),))
    assert kept.get("e") and kept.get("d") and kept.bytes <= 7000
    kept.keep("f", (result_of(5000),))
    assert kept.get("f") and kept.bytes == 35000, "too large, and still the newest"
    kept.forget("f")
    kept.forget("f")
    assert kept.bytes == 0 and not kept.drop_oldest()


def test_all_photos_together_have_room_for_so_much_and_those_not_used_for_long_give_way():
    now = iter(range(1000))
    store = PhotoStore(clock=lambda: next(now), result_bytes=2500)
    old, middle, new = (store.add(name, scene(), "v", Background(lambda progress: 1, "x")) for name in "abc")
    for photo in (old, middle, new):
        store.keep_results(photo, "j", (result_of(100),))
    assert all(photo.results_of("j") for photo in (old, middle, new))
    store.keep_results(new, "k", (result_of(100),))
    with pytest.raises(PhotoError):
        old.results_of("j")
    assert middle.results_of("j") and new.results_of("j") and new.results_of("k")


def test_a_result_can_be_forgotten(services, page, photo):
    run(services, page, photo)
    for _ in range(2):
        assert page["forget_result"]({"token": photo.token, "job": "j1"}) == {}
    reply = page["region"]({"token": photo.token, "job": "j1", "what": "result"})
    assert reply["lost"] is True and not reply["gone"] and reply["error"] == strings.RESULT_GONE
    assert page["forget_result"]({"token": "nobody's", "job": "j1"}) == {}


# Variants


def test_variants_come_with_their_seeds_and_can_each_be_downloaded(services, page, photo, engine):
    value = run(services, page, photo, seed=MAX_SEED - 1, samples=3)["value"]
    assert engine.asked[0].samples == 3
    assert len(value["images"]) == 3 and value["seeds"] == [MAX_SEED - 1, MAX_SEED, 0] and value["rounds"] == 1
    names, pictures = set(), set()
    for sample in range(3):
        saved = page["save"]({**request(page, photo), "form": "png", "what": "result", "sample": sample})
        names.add(saved["name"])
        pictures.add(saved["data"])
    assert names == {f"beach-fake-seed{seed}.png" for seed in value["seeds"]} and len(pictures) == 3
    again = run(services, page, photo, job="j2", seed=MAX_SEED)["value"]
    assert again["images"][0] == value["images"][1], "a variant is the single run of its seed"


def test_progress_names_the_variant(services, page, photo):
    messages = list(fixup(services, request(page, photo, samples=4)))
    texts = [message.get("text", "") for message in messages]
    assert any("Variant 2 of 4" in text for text in texts)
    fractions = [message["fraction"] for message in messages[:-1]]
    assert fractions == sorted(fractions)


def test_a_stop_keeps_the_finished_variants(services, page, photo, engine):
    engine.held_variant = 2
    for message in fixup(services, request(page, photo, samples=4)):
        if "Variant 3" in message.get("text", ""):
            page["stop"]({"job": "j1"})
        last = message
    value = last["value"]
    assert last["kind"] == "done" and len(value["images"]) == 2 and value["seeds"] == [0, 1]
    assert "2 of 4 variants" in value["note"] and value["sdedit"] is None
    assert len(photo.results_of("j1")[0].images) == 2


def test_variants_are_one_to_four():
    assert options_from({"samples": 4}, INFO).samples == 4 and options_from({"samples": None}, INFO).samples == 1
    for bad in (0, 5, 1.5, "2", True, -1):
        with pytest.raises(OptionError, match="1 to 4"):
            options_from({"samples": bad}, INFO)


def test_seeds_go_round():
    assert [sample_seed(7, i) for i in range(3)] == [7, 8, 9]
    assert sample_seed(MAX_SEED, 1) == 0


def test_each_method_tells_its_own_time_and_steps(services, page, photo):
    value = run(services, page, photo, steps=3)["value"]
    assert value["steps"] == 3 and value["seconds"] == pytest.approx(0.07)
    assert value["work"] == {"coarse": {"seconds": 0.02}, "sdedit": {"seconds": 0.03, "steps": 3}}


# Looking closely


def test_a_region_is_the_pictures_own_pixels(services, page):
    large = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8).repeat(20, 0).repeat(20, 1)  # 800 x 1200
    photo = services.open_photo("large", large, "v")
    reply = page["region"]({"token": photo.token, "what": "photo", "box": [100, 200, 300, 260], "width": 200})
    part = picture_of(reply["picture"])
    assert reply["box"] == [100, 200, 300, 260] and part.shape == (60, 200, 3)
    assert np.abs(part.astype(int) - large[200:260, 100:300]).mean() < 4
    smaller = page["region"]({"token": photo.token, "what": "photo", "box": [0, 0, 1200, 800], "width": 300})
    assert picture_of(smaller["picture"]).shape == (200, 300, 3)
    whole = page["region"]({"token": photo.token, "what": "photo", "box": [-50, -50, 99999, 99999], "width": 99999})
    assert whole["box"] == [0, 0, 1200, 800] and max(picture_of(whole["picture"]).shape) <= MOST_REGION_SIDE


@pytest.mark.parametrize("box", [None, [], [1, 2, 3], ["a", 0, 1, 1], [0.5, 0, 1, 1], "abcd", [0, 0, 1 << 40, 1]])
def test_a_box_of_another_shape_is_a_sentence(page, photo, box):
    assert page["region"]({"token": photo.token, "what": "photo", "box": box})["error"].endswith(".")


def test_a_box_outside_the_picture_is_its_nearest_pixel(page, photo):
    reply = page["region"]({"token": photo.token, "what": "photo", "box": [900, 900, 950, 950]})
    assert reply["box"] == [599, 399, 600, 400]


@pytest.mark.parametrize("what", ["result", "sdedit", "coarse"])
def test_regions_of_results(services, page, photo, what):
    run(services, page, photo)
    record = {"token": photo.token, "job": "j1", "what": what, "box": [0, 0, 50, 40], "width": 50}
    assert picture_of(page["region"](record)["picture"]).shape == (40, 50, 3)


@pytest.mark.parametrize("what", ["other", "nonsense", None, 5, ["result"]])
def test_what_there_is_not_is_lost(services, page, photo, what):
    run(services, page, photo)
    assert page["open_result"]({"token": photo.token, "job": "j1", "what": what})["lost"] is True


# Going on


def test_a_result_becomes_a_photo_at_full_size_and_rounds_are_counted(services, page, photo):
    run(services, page, photo, samples=2, seed=3)
    record = {"token": photo.token, "job": "j1", "what": "result", "sample": 1, "visit": "v"}
    reply = page["open_result"](record)
    second = services.photos.get(reply["token"])
    np.testing.assert_array_equal(second.image, photo.results_of("j1")[0].images[1])
    assert (reply["rounds"], second.rounds, second.visit, reply["name"]) == (1, 1, "v", "beach")
    assert services.photos.get(photo.token) is photo, "undo goes back to it"
    assert run(services, page, second)["value"]["rounds"] == 2
    third = page["open_result"]({"token": second.token, "job": "j1", "visit": "v"})
    assert third["rounds"] == 2


def test_going_on_from_what_is_lost_is_a_sentence(page, photo):
    assert page["open_result"]({"token": photo.token, "job": "none"})["lost"] is True
    assert page["open_result"]({"token": "x", "job": "none"})["gone"] is True


# Objects of other photos


def test_objects_of_another_photo_are_fixed_up_too(services, page, photo):
    """The square of the other photo appears in the result where the collage puts it."""
    other = services.open_photo("other", scene()[:, ::-1].copy(), "v")
    mask = page["segment"]({"token": other.token, "prompt": {"points": [[600 - 450, 130, True]]}})["candidates"][0]
    collage = {
        "version": 2,
        "photo": {"width": 600, "height": 400},
        "sources": [{"id": "o", "width": 600, "height": 400}],
        "segments": [{"id": "s", "source": "o", **mask}],
        "layers": [{"id": "l", "segment": "s", "matrix": [1, 0, 0, 1, 100, 150]}],
    }
    record = {"token": photo.token, "job": "j1", "collage": collage, "options": {}}
    done = list(fixup(services, {**record, "sources": {"o": other.token}}))[-1]
    assert done["kind"] == "done"
    picture = photo.results_of("j1")[0].images[0]
    np.testing.assert_array_equal(picture[280, 250], scene()[130, 450])
    for tokens in (None, {}, {"o": "gone"}, {"o": ["x"]}, ["o"]):
        last = list(fixup(services, {**record, "sources": tokens}))[-1]
        assert last["kind"] == "error" and last["message"].endswith(".")
