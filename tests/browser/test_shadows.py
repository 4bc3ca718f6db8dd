"""An object takes its shadow along: live while it is dragged, as strong and soft as chosen, saved, and undone."""

import json
import zipfile

import pytest

from browser.conftest import PHONE
from browser.fakes import DISC_AT, SMALL, SQUARE_AT, FakeEffects, FakeEngine, scene, stand_ins
from browser.test_saving import save
from browser.test_second_photo import OTHER_DISC_AT, other_scene, take_objects
from browser.visitor import Visitor
from magicfixup_demo.images import save_png
from tests.served import served

FOOT = 75  # pixels below the disc's middle: in its shadow, and not in it
TO = (DISC_AT[0] + 170, DISC_AT[1] + 60)


@pytest.fixture(scope="module")
def url(chromium):
    """A page whose objects have shadows. Those of the stand-in are not in the photo: its plate is lighter there."""
    with served(stand_ins(FakeEngine(), FakeEngine(SMALL, effects=FakeEffects(0.6)))) as url:
        yield url


@pytest.fixture
def desk(visit, url, photo_file) -> Visitor:
    visitor = visit(url)
    visitor.open_file(photo_file)
    return visitor


def light(visitor: Visitor, point) -> float:
    """Of the picture on the screen about a point, as a share of the photo's there."""
    visitor.settled()
    picture, (x, y) = visitor.picture(), point
    u, v = (round(value * picture.shape[1] / scene().shape[1]) for value in point)
    shown = picture[v - 3 : v + 4, u - 3 : u + 4].astype(float).mean()
    return shown / scene()[y - 3 : y + 4, x - 3 : x + 4].astype(float).mean()


def below(middle) -> tuple[int, int]:
    return middle[0], middle[1] + FOOT


def move(visitor: Visitor, start, end) -> None:
    """Select an object, wait for what comes beforehand, and drag it."""
    visitor.select(start)
    visitor.wait_for("magicfixup.holes().bytes > 0")
    visitor.drag(start, end)
    visitor.wait_layers(1)


def slide(visitor: Visitor, part: str, keys: str) -> None:
    visitor.page.locator(f'[data-part="{part}"]').focus()
    visitor.key(keys)


def strengths(visitor: Visitor) -> list[tuple[float, float]]:
    return [(layer.get("shadow", 1), layer.get("softness", 0)) for layer in visitor.layers()]


def test_the_shadow_travels_with_the_drag_and_leaves_the_old_place(desk):
    desk.select(DISC_AT)
    desk.wait_for("magicfixup.holes().bytes > 0")
    assert light(desk, below(DISC_AT)) == pytest.approx(1, abs=0.03), "nothing has moved yet"
    half = (DISC_AT[0] + 170, DISC_AT[1])
    desk.drag_along([[DISC_AT, (DISC_AT[0] + 60, DISC_AT[1]), half]], drop=False)
    assert light(desk, below(half)) < 0.8, "while it is dragged"
    assert light(desk, below(DISC_AT)) > 1.2, "it was divided out of the photo"
    desk.page.mouse.up()
    desk.wait_layers(1)
    assert light(desk, below(half)) < 0.8
    desk.key("Control+z")
    assert light(desk, below(DISC_AT)) == pytest.approx(1, abs=0.03)
    assert light(desk, below(half)) == pytest.approx(1, abs=0.03)


def test_strength_and_softness_are_undone_and_saved(desk):
    move(desk, DISC_AT, TO)
    found = light(desk, below(TO))
    slide(desk, "shadow", "Home")
    assert strengths(desk) == [(0, 0)]
    assert light(desk, below(TO)) == pytest.approx(1, abs=0.03)
    desk.page.locator('[data-part="canvas"]').focus()
    desk.key("Control+z")
    assert strengths(desk) == [(1, 0)] and light(desk, below(TO)) == pytest.approx(found, abs=0.02)
    slide(desk, "shadow", "End")
    assert light(desk, below(TO)) < found - 0.05
    slide(desk, "softness", "End")
    assert strengths(desk) == [(1.5, 1)]
    assert desk.page.locator('[data-part="shadow-said"]').inner_text() == "150 %"
    assert desk.collage()["version"] == 3
    desk.wait_for("magicfixup.isKept()")
    desk.page.reload()
    desk.page.wait_for_selector(".mf[data-mounted]")
    desk.ready()
    desk.wait_layers(1)
    assert strengths(desk) == [(1.5, 1)]
    desk.wait_for("magicfixup.holes().open === 0")
    assert light(desk, below(TO)) < found


def test_delete_takes_it_away_and_a_copy_has_its_own(desk):
    move(desk, SQUARE_AT, (SQUARE_AT[0], SQUARE_AT[1] + 100))
    desk.key("Delete")
    assert light(desk, (SQUARE_AT[0], SQUARE_AT[1] + 145)) == pytest.approx(1, abs=0.03)
    desk.select(DISC_AT)
    desk.press("cut-out")
    desk.wait_layers(1)
    desk.key("d")
    desk.wait_layers(2)
    slider = desk.page.locator('[data-part="shadow"]')
    desk.page.wait_for_function("slider => !slider.disabled", arg=slider.element_handle())
    layer = desk.layers()[-1]
    end = (300, 220)
    desk.drag((DISC_AT[0] + layer["matrix"][4], DISC_AT[1] + layer["matrix"][5]), end)
    desk.wait_for("magicfixup.collage().layers[1].matrix[4] > 100")
    assert light(desk, below(end)) < 0.8
    assert light(desk, below(DISC_AT)) == pytest.approx(1, abs=0.03), "the original's stays in the photo"


def test_an_object_of_another_photo_brings_its_own(desk, tmp_path):
    save_png(tmp_path / "other.png", other_scene())
    take_objects(desk, tmp_path / "other.png")
    desk.select(OTHER_DISC_AT)
    desk.key("Enter")
    desk.wait_layers(1)
    slider = desk.page.locator('[data-part="shadow"]')
    desk.page.wait_for_function("slider => !slider.disabled", arg=slider.element_handle())
    assert light(desk, below((300, 200))) < 0.8, "as large as it is in this photo"


def test_an_old_collage_opens_as_before(desk, visit, url, tmp_path):
    move(desk, DISC_AT, TO)
    old = older(save(desk, "zip", tmp_path))
    other = visit(url)
    other.open_file(old)
    other.wait_layers(1)
    other.wait_for("magicfixup.holes().bytes > 0")
    for point in (below(TO), below(DISC_AT)):
        assert light(other, point) == pytest.approx(1, abs=0.03), "its shadow stays in the photo, and none is drawn"
    assert other.collage()["version"] == 2
    other.page.locator(".mf-layer-pick").first.click()
    assert other.page.locator('[data-part="shadow"]').is_hidden()


def older(path):
    """A saved file as the page wrote it before objects had shadows."""
    with zipfile.ZipFile(path) as saved:
        files = {name: saved.read(name) for name in saved.namelist()}
    collage = json.loads(files["collage.json"])
    assert collage["version"] == 3
    files["collage.json"] = json.dumps(collage | {"version": 2}).encode()
    with zipfile.ZipFile(path, "w") as written:
        for name, data in files.items():
            written.writestr(name, data)
    return path


def test_on_a_phone(visit, url, photo_file):
    phone = visit(url, PHONE)
    phone.open_file(photo_file)
    move(phone, DISC_AT, TO)
    assert light(phone, below(TO)) < 0.8
    phone.press("layers")
    for part in ("shadow", "softness"):
        assert phone.page.locator(f'[data-part="{part}"]').bounding_box()["height"] >= 44
