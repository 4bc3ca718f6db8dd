"""Links on the server: who opens and deletes them, how long they last, how many there are, and what is on the disk."""

import base64
import errno
import io
import json
import os
import shutil
import stat
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from browser.fakes import DISC_AT, scene, stand_ins
from gradio.utils import get_upload_folder
from PIL import Image
from starlette.testclient import TestClient

from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.errors import OptionError, PhotoError
from magicfixup_demo.images import open_photo
from magicfixup_demo.saving.photos import keep_photo
from magicfixup_demo.ui import link_files, links, strings
from magicfixup_demo.ui.calendar import Calendar
from magicfixup_demo.ui.examples import list_examples
from magicfixup_demo.ui.guarding import served_folders
from magicfixup_demo.ui.link_files import LinkedWork
from magicfixup_demo.ui.links import DAY_SECONDS, ID, LINKS_PER_VISIT, LinkStore
from magicfixup_demo.ui.page import build_page
from magicfixup_demo.ui.services import Services
from magicfixup_demo.ui.shelves import FolderShelf, MemoryShelf, shelf_for

NO_OBJECTS = json.dumps({"version": 2, "photo": {"width": 60, "height": 40}, "segments": [], "layers": []})


def work(shade: int = 7) -> LinkedWork:
    return LinkedWork(np.full((40, 60, 3), shade, np.uint8), "", NO_OBJECTS)


@pytest.fixture(params=["memory", "folder"])
def shelf(request, tmp_path):
    return MemoryShelf() if request.param == "memory" else FolderShelf(tmp_path / "kept")


@pytest.fixture
def now() -> list[float]:
    """The time, to be set by the test."""
    return [1_000_000.0]


@pytest.fixture
def store(shelf, now) -> LinkStore:
    return LinkStore(shelf, calendar=Calendar(lambda: now[0], lambda: now[0]))


# Who may do what


def test_a_link_opens_what_was_kept_and_its_names_cannot_be_guessed(store):
    one, two = store.keep(work(1), 7, "v"), store.keep(work(2), 7, "v")
    assert len({one.id, one.key, two.id, two.key}) == 4
    assert all(len(base64.urlsafe_b64decode(name)) >= 24 for name in (one.id, one.key))
    np.testing.assert_array_equal(store.open(two.id).photo, work(2).photo)
    assert store.open(one.id).collage == NO_OBJECTS


@pytest.mark.parametrize(
    "name",
    ["", None, 3, [], {}, "a" * 32, "a" * 31, "a" * 33, "../" + "a" * 29, "..", "/etc/passwd", "a\0" + "b" * 30]
    + ["%2e%2e%2f" + "a" * 23, "a" * 32 + "\n", "ä" * 32, "a" * 31 + "/"],
)
def test_other_ids_are_all_the_same_sentence_and_never_become_a_path(store, shelf, name, monkeypatch):
    asked = []
    monkeypatch.setattr(shelf, "get", lambda name, most=-1: asked.append(name))
    with pytest.raises(PhotoError, match="wrong or has ended"):
        store.open(name)
    assert all(ID.fullmatch(each) for each in asked)


def test_only_the_key_deletes_and_the_key_is_not_kept(store, shelf):
    made, other = store.keep(work(), 7, "v"), store.keep(work(), 7, "v")
    assert made.key.encode() not in shelf.get(made.id)
    for key in (None, "", "x", made.id, other.key, made.key + "x", 5):
        with pytest.raises(PhotoError, match="the browser that made it"):
            store.delete(made.id, key)
    store.delete(made.id, made.key)
    store.delete(made.id, made.key)  # it is gone: what was wanted
    with pytest.raises(PhotoError):
        store.open(made.id)
    assert store.open(other.id)


# How long


def test_links_end_after_their_days_and_the_timer_deletes_them(store, now):
    day, week = store.keep(work(), 1, "v"), store.keep(work(), 7, "v")
    assert (day.expires, week.expires) == (now[0] + DAY_SECONDS, now[0] + 7 * DAY_SECONDS)
    now[0] += DAY_SECONDS - 1
    assert store.open(day.id)
    now[0] += 1
    with pytest.raises(PhotoError, match="has ended"):
        store.open(day.id)
    assert len(store) == 1, "an expired link is gone once somebody asks for it"
    now[0] += 7 * DAY_SECONDS
    store.sweep()
    assert len(store) == 0


@pytest.mark.parametrize("days", [0, -1, 2, 31, 1e9, None, "7", True, [7], float("nan")])
def test_other_durations_are_refused(store, days):
    with pytest.raises(OptionError, match="1, 7, 30"):
        store.keep(work(), days, "v")


def test_links_in_a_folder_survive_a_restart_and_end_in_time(tmp_path, now):
    made = LinkStore(FolderShelf(tmp_path), Calendar(lambda: now[0], lambda: now[0])).keep(work(3), 7, "v")
    (tmp_path / "leftover.link.part").write_bytes(b"half")
    restarted = LinkStore(FolderShelf(tmp_path), Calendar(lambda: now[0], lambda: now[0]))
    assert restarted.durable and not LinkStore().durable
    np.testing.assert_array_equal(restarted.open(made.id).photo, work(3).photo)
    assert not list(tmp_path.glob("*.part"))
    now[0] += 8 * DAY_SECONDS
    restarted.sweep()
    assert not list(tmp_path.iterdir())


# How many


def test_a_visit_makes_so_many_and_may_make_more_after_deleting(store):
    made = [store.keep(work(), 7, "v") for _ in range(LINKS_PER_VISIT)]
    with pytest.raises(PhotoError, match=f"may make {LINKS_PER_VISIT} links"):
        store.keep(work(), 7, "v")
    store.keep(work(), 7, "another")
    store.delete(made[0].id, made[0].key)
    assert store.keep(work(), 7, "v")


def test_bounds_in_all_and_room_made_by_what_has_expired(store, now, monkeypatch):
    monkeypatch.setattr(links, "MOST_LINKS", 2)
    store.keep(work(), 1, "a")
    store.keep(work(), 7, "b")
    with pytest.raises(PhotoError, match="no room for another link"):
        store.keep(work(), 7, "c")
    now[0] += DAY_SECONDS
    assert store.keep(work(), 7, "c")


def test_bytes_are_bounded_one_by_one_and_together(store, monkeypatch):
    size = len(link_files.packed(work(), 1.0, "0" * 64))
    monkeypatch.setattr(links, "MOST_BYTES", {store.durable: int(1.5 * size)})
    store.keep(work(), 7, "a")
    with pytest.raises(PhotoError, match="no room"):
        store.keep(work(), 7, "b")
    monkeypatch.setattr(links, "MOST_LINK_BYTES", size // 2)
    with pytest.raises(PhotoError, match="too much for a link"):
        store.keep(work(), 7, "b")


# The disk


def test_files_are_private(tmp_path):
    LinkStore(FolderShelf(tmp_path / "kept")).keep(work(), 7, "v")
    (file,) = (tmp_path / "kept").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_folder_that_vanishes_is_a_sentence_and_is_not_made_again(tmp_path):
    store = LinkStore(FolderShelf(tmp_path / "kept"))
    made = store.keep(work(), 7, "v")
    shutil.rmtree(tmp_path / "kept")
    for act in (
        lambda: store.open(made.id),
        lambda: store.keep(work(), 7, "v"),
        lambda: store.delete(made.id, made.key),
    ):
        with pytest.raises(PhotoError) as problem:
            act()
        assert str(problem.value) == strings.LINKS_UNREACHABLE
    store.sweep()
    assert not (tmp_path / "kept").exists()


def test_a_full_disk_is_a_sentence_and_leaves_nothing_behind(tmp_path, monkeypatch):
    store = LinkStore(FolderShelf(tmp_path))

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PhotoError) as problem:
        store.keep(work(), 7, "v")
    assert str(problem.value) == strings.LINKS_DISK_FULL
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_used_is_told_at_the_start(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PhotoError, match="cannot be used for links .Not a directory"):
        shelf_for(str(tmp_path / "file"))
    assert shelf_for(str(tmp_path / "data")).folder == tmp_path / "data" / "links"
    with pytest.raises(PhotoError, match="shows to browsers"):
        shelf_for(str(tmp_path / "web" / ".." / "web" / "kept"), served=(tmp_path / "web",))
    assert not shelf_for(None).durable and not shelf_for("").durable


def test_damaged_files_are_a_sentence_and_are_swept(tmp_path):
    store = LinkStore(FolderShelf(tmp_path))
    made = store.keep(work(), 7, "v")
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    header, _, rest = whole.partition(b"\n")
    record = json.loads(header)
    damages = {
        "cut": whole[:-9],
        "longer": whole + b"x",
        "pixels": whole[: len(header) + 60] + b"\xff" * 20 + whole[len(header) + 80 :],
        "size": json.dumps({**record, "photo": 1}).encode() + b"\n" + rest,
        "negative": json.dumps({**record, "photo": -1}).encode() + b"\n" + rest,
        "no photo": json.dumps({**record, "photo": 0}).encode() + b"\n" + rest[record["photo"] :],
        "another collage": whole.replace(b'"width": 60', b'"width": 61'),
    }
    for name, data in damages.items():
        file.write_bytes(data)
        with pytest.raises(PhotoError) as problem:
            store.open(made.id)
        assert str(problem.value) == strings.LINK_DAMAGED, name
    for data in (b"", b"\n", b"{}\n", b"[]\n", b"\x80\x04]" * 100, b'{"version": 1}\n', header.replace(b"1", b"NaN")):
        file.write_bytes(data)
        with pytest.raises(PhotoError):
            store.open(made.id)
        store.sweep()
        assert not file.exists()


def test_files_of_others_in_the_folder_are_left_alone(tmp_path, now):
    (tmp_path / "notes.link").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    store = LinkStore(FolderShelf(tmp_path), Calendar(lambda: now[0], lambda: now[0]))
    store.sweep()
    assert len(store) == 0 and len(list(tmp_path.iterdir())) == 2


def test_kept_files_are_not_served(tmp_path):
    store = LinkStore(shelf_for(str(tmp_path), served_folders()))
    made = store.keep(work(), 7, "v")
    (file,) = (tmp_path / "links").iterdir()
    services = stand_ins(links=store)
    browser = TestClient(gr.routes.App.create_app(build_page(services)))
    assert browser.get(f"/gradio_api/file={list_examples()[0].photo}").status_code == 200
    for path in (str(file), str(file.parent), f"../../..{file}", file.name, made.id):
        assert browser.get(f"/gradio_api/file={path}").status_code in (400, 403, 404)
    with pytest.raises(PhotoError):
        shelf_for(str(Path(get_upload_folder()) / "kept"), served_folders())


# As the browser asks


@pytest.fixture
def services(now) -> Services:
    own = LinkStore(calendar=Calendar(lambda: now[0], lambda: now[0]))
    return stand_ins(examples=list_examples(), links=own)


def disc(photo) -> dict:
    """A collage with the disc cut out, as the page sends it."""
    mask = np.zeros((400, 600), np.uint8)
    x, y = DISC_AT
    mask[y - 30 : y + 30, x - 30 : x + 30] = 255
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    segment = {"id": "s", "left": 0, "top": 0, "mask": base64.b64encode(buffer.getvalue()).decode()}
    return {
        "version": 2,
        "photo": {"width": photo.image.shape[1], "height": photo.image.shape[0]},
        "segments": [{**segment, "unknown": "x" * 100}],
        "layers": [{"id": "l", "segment": "s", "matrix": [1, 0, 0, 1, 50, 0], "name": "secret layer"}],
        "note": "unknown",
    }


def test_a_link_brings_photo_and_segments_and_nothing_else_of_the_visit(page, services):
    mine = services.open_photo("my-passport", scene(), "mine")
    services.open_photo("something else", scene(), "mine")
    request = {"token": mine.token, "collage": disc(mine), "sources": {}, "days": 7}
    assert page["link_offer"](request) == {"example": None, "durable": False, "days": [7, 1, 30]}
    assert len(services.links) == 0, "an offer keeps nothing"
    made = page["make_link"](request)
    assert len(services.links) == 1
    reply = page["open_link"]({"id": made["id"], "visit": "guest"})
    assert (reply["name"], reply["width"], reply["height"], reply["sources"]) == ("shared-photo", 600, 400, [])
    np.testing.assert_array_equal(services.photos.get(reply["token"]).image, scene())
    assert reply["token"] != mine.token and services.photos.get(reply["token"]).visit == "guest"
    collage = collage_from_json(reply["collage"])
    np.testing.assert_array_equal(collage.segments[0].mask, collage_from_json(disc(mine)).segments[0].mask)
    assert not collage.layers
    assert not any(word in json.dumps(reply) for word in ("passport", "secret", "unknown", "mine"))


def test_a_jpeg_is_kept_in_its_own_bytes_without_what_the_camera_said(page, services):
    exif = Image.Exif()
    exif[0x010F] = "CameraMaker"
    buffer = io.BytesIO()
    Image.fromarray(scene()).save(buffer, "JPEG", quality=90, exif=exif, comment=b"my address")
    image = open_photo(buffer.getvalue())
    mine = services.open_photo("p", image, "mine")
    mine.kept = keep_photo(buffer.getvalue())
    made = page["make_link"]({"token": mine.token, "collage": disc(mine), "days": 1})
    kept = services.links.open(made["id"])
    np.testing.assert_array_equal(kept.photo, image)
    assert len(kept.files[""]) < len(buffer.getvalue())
    assert not any(word in kept.files[""] for word in (b"CameraMaker", b"my address", b"Exif"))


def test_the_maker_deletes_and_others_are_told(page, services):
    mine = services.open_photo("p", scene(), "mine")
    made = page["make_link"]({"token": mine.token, "collage": disc(mine), "days": 1})
    assert page["delete_link"]({"id": made["id"], "key": "guess"})["error"] == strings.LINK_NOT_YOURS
    assert page["delete_link"]({"id": made["id"], "key": made["key"]}) == {}
    assert page["open_link"]({"id": made["id"]})["error"] == strings.LINK_GONE


def test_second_photos_are_kept_with_it(page, services):
    mine = services.open_photo("p", scene(), "mine")
    other = services.open_photo("q", scene(300, 200), "mine")
    collage = {
        **disc(mine),
        "sources": [{"id": "p2", "width": 300, "height": 200}],
    }
    missing = {"token": mine.token, "collage": collage, "days": 1}
    assert page["make_link"](missing)["error"]
    made = page["make_link"]({**missing, "sources": {"p2": other.token}})
    reply = page["open_link"]({"id": made["id"], "visit": "guest"})
    (source,) = reply["sources"]
    assert (source["id"], source["width"], source["height"]) == ("p2", 300, 200)
    np.testing.assert_array_equal(services.photos.get(source["token"]).image, scene(300, 200))


def test_an_example_as_it_ships_needs_no_keeping_and_with_other_objects_its_photo_is_not_kept(page, services):
    name = services.examples[0].name
    opened = page["open_example"]({"name": name, "visit": "mine"})
    collage = json.loads(opened["collage"])
    collage["layers"] = collage["layers"][:1]
    request = {"token": opened["token"], "collage": collage, "days": 7}
    assert page["link_offer"](request)["example"] == name
    collage["segments"][0]["left"] += 1
    assert page["link_offer"](request)["example"] is None
    made = page["make_link"](request)
    kept = services.links.open(made["id"])
    assert kept.photo is None and kept.example == name
    reply = page["open_link"]({"id": made["id"], "visit": "guest"})
    assert (reply["name"], reply["width"]) == (name, opened["width"])
    services.examples = ()
    assert page["open_link"]({"id": made["id"]})["error"] == strings.NO_EXAMPLE


def test_what_does_not_belong_together_is_a_sentence(page, services):
    mine = services.open_photo("p", scene(), "mine")
    collage = disc(mine)
    for request in (
        {"token": "x", "collage": collage, "days": 7},
        {"token": mine.token, "collage": {**collage, "photo": {"width": 601, "height": 400}}, "days": 7},
        {"token": mine.token, "collage": None, "days": 7},
        {"token": mine.token, "collage": collage, "days": 8},
        {},
    ):
        assert page["make_link"](request)["error"].endswith(".")
    assert len(services.links) == 0
