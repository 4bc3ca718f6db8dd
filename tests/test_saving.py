"""Saving and opening again as the page does it, without a browser: the server's half of the round trips."""

import base64
import io
import json
import zipfile

import numpy as np
import pytest
from browser.fakes import DISC_AT, scene, stand_ins
from camera_jpeg import camera_jpeg
from PIL import Image

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.images import open_photo, png_bytes
from magicfixup_demo.saving.camera import says
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.examples import list_examples
from magicfixup_demo.ui.handlers import server_functions
from magicfixup_demo.ui.outgoing import PART_BYTES
from tests.following import fixup

OPTIONS = {"seed": 11, "steps": 3, "model": None, "other": None, "prompt": "", "sdedit": True, "samples": 1}


class Machine:
    """One server, and the visitor's calls to it."""

    def __init__(self, folder):
        self.folder = folder
        self.services = stand_ins(examples=list_examples())
        self.calls = {function.__name__: function for function in server_functions(self.services)}

    def open(self, data: bytes, name: str = "My photo (1).png", **more) -> dict:
        path = self.folder / "uploads" / "abc" / "file"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        reply = self.calls["open_upload"]({"path": str(path), "name": name, "visit": "v", **more})
        assert not path.exists()
        return reply

    def image(self, reply: dict) -> np.ndarray:
        return self.services.photos.get(reply["token"]).image

    def collage(self, reply: dict, source: dict | None = None) -> dict:
        """The disc moved, half seen through; with ``source`` the disc of that photo stands beside it."""
        mask = self.mask(reply)
        collage = {
            "version": 2,
            "photo": {"width": reply["width"], "height": reply["height"]},
            "segments": [{"id": "s", **mask}],
            "layers": [
                {"id": "l", "segment": "s", "matrix": [1, 0, 0, 1, 120, 10], "opacity": 0.5, "name": "Red disc"}
            ],
        }
        if source:
            collage["sources"] = [{"id": "p1", "width": source["width"], "height": source["height"]}]
            collage["segments"].append({"id": "t", **self.mask(source), "source": "p1"})
            collage["layers"].append({"id": "m", "segment": "t", "matrix": [0.5, 0, 0, 0.5, 300, 200]})
        return collage

    def mask(self, reply: dict) -> dict:
        request = {"token": reply["token"], "prompt": {"points": [[*DISC_AT, True]]}}
        found = self.calls["segment"](request)["candidates"][0]
        return {key: found[key] for key in ("left", "top", "width", "height", "mask")}

    def fix(self, reply: dict, collage: dict, sources: dict | None = None) -> dict:
        request = {
            "token": reply["token"],
            "job": "j",
            "collage": collage,
            "options": OPTIONS,
            "sources": sources or {},
        }
        done = list(fixup(self.services, request))[-1]
        assert done["kind"] == "done", done
        return done["value"]

    def save(self, reply: dict, collage: dict, form: str, **more) -> tuple[str, bytes]:
        """The file's name and bytes, fetched part by part; or the reply where there is a problem."""
        request = {"token": reply["token"], "job": "j", "collage": collage, "options": OPTIONS, "form": form} | more
        part = first = self.calls["save"](request)
        assert "error" not in first, first
        data = base64.b64decode(first["data"])
        while part["next"] is not None:
            part = self.calls["save_part"]({"token": reply["token"], "key": first["key"], "at": part["next"]})
            data += base64.b64decode(part["data"])
        assert len(data) == first["size"]
        return first["name"], data


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Machine:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    return Machine(tmp_path)


@pytest.fixture
def another(tmp_path, machine) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("form", ["collage-png", "zip"])
@pytest.mark.parametrize("with_source", [False, True])
def test_everything_comes_back_on_another_machine(machine, another, form, with_source):
    photo = machine.open(camera_jpeg(scene()), "beach.jpg")
    source = machine.open(png_bytes(scene(620, 410)), "other.png") if with_source else None
    collage, sources = machine.collage(photo, source), {"p1": source["token"]} if source else {}
    machine.fix(photo, collage, sources)
    name, data = machine.save(photo, collage, form, sources=sources)
    assert name.startswith("beach-fake-seed11")
    back = another.open(data, name)
    assert json.loads(back["collage"]) == collage and back["options"] == OPTIONS and back["name"] == "beach"
    np.testing.assert_array_equal(another.image(back), machine.image(photo))
    assert [one["id"] for one in back["sources"]] == list(sources)
    for one in back["sources"]:
        np.testing.assert_array_equal(another.image(one), machine.image(source))
    result = machine.services.photos.get(photo["token"]).results_of("j")[0]
    again = another.services.photos.get(back["token"]).results_of(back["result"]["job"])[0]
    np.testing.assert_array_equal(again.images[0], result.images[0])
    assert (again.seed, again.steps, again.model) == (11, 3, "fake")
    assert (back["result"]["coarse"] is not None) == (form == "zip") == (again.sdedit is not None)


def test_what_was_saved_can_be_saved_again(machine, another):
    photo = machine.open(camera_jpeg(scene()), "beach.jpg")
    collage = machine.collage(photo)
    machine.fix(photo, collage)
    _, data = machine.save(photo, collage, "zip")
    back = another.open(data)
    _, again = another.save(back, json.loads(back["collage"]), "zip", job=back["result"]["job"])
    with zipfile.ZipFile(io.BytesIO(data)) as one, zipfile.ZipFile(io.BytesIO(again)) as two:
        assert one.namelist() == two.namelist()
        for name in one.namelist():
            assert one.read(name) == two.read(name), name


def test_an_arrangement_alone_can_be_saved(machine, another):
    photo = machine.open(png_bytes(scene()))
    collage = machine.collage(photo)
    edit = render(scene(), collage_from_json(collage))
    for form in ("collage-png", "zip"):
        name, data = machine.save(photo, collage, form, job=None)
        assert "arrangement" in name
        back = another.open(data)
        assert json.loads(back["collage"]) == collage and back["result"] is None
    _, data = machine.save(photo, collage, "collage-png", job=None)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), edit.rgba)
    request = {"token": photo["token"], "job": None, "collage": collage, "form": "png"}
    assert machine.calls["save"](request)["error"] == strings.NOTHING_TO_SAVE
    assert machine.calls["save"](request | {"form": "exe"})["error"] == strings.SAVE_FORM


def test_the_zip_has_cut_outs_coarse_edit_and_hole(machine):
    photo = machine.open(camera_jpeg(scene()), "beach.jpg")
    collage = machine.collage(photo)
    machine.fix(photo, collage)
    _, data = machine.save(photo, collage, "zip")
    edit = render(machine.image(photo), collage_from_json(collage))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert set(archive.namelist()) == {"settings.json", "collage.json", "photo.jpg", "coarse-edit.png"} | {
            "hole-mask.png",
            "cutouts/1-red-disc.png",
            "result.png",
            "sdedit.png",
            "start.png",
        }
        cutout = np.asarray(Image.open(archive.open("cutouts/1-red-disc.png")))
        np.testing.assert_array_equal(np.asarray(Image.open(archive.open("coarse-edit.png"))), edit.rgba)
        np.testing.assert_array_equal(np.asarray(Image.open(archive.open("hole-mask.png"))), edit.hole * np.uint8(255))
        settings = json.loads(archive.read("settings.json"))
    segment = collage_from_json(collage).segments[0]
    np.testing.assert_array_equal(cutout[..., 3], segment.mask)
    assert settings["result"]["seed"] == 11 and settings["photo"]["name"] == "beach"


# Without the photo inside


def test_a_light_picture_waits_for_its_photo(machine, another):
    data = camera_jpeg(scene())
    photo = machine.open(data, "beach.jpg")
    collage = machine.collage(photo)
    machine.fix(photo, collage)
    _, light = machine.save(photo, collage, "png")
    assert len(light) < 2 * len(png_bytes(scene()))
    assert another.open(light) == {"waiting": {"name": "beach", "width": 600, "height": 400}}
    wrong = another.open(png_bytes(255 - scene()))
    assert "waiting" in another.open(light, known=[wrong["token"], "gone", 5])
    right = another.open(data, "another name.jpg")
    back = another.open(light, known=[wrong["token"], right["token"]])
    assert back["token"] == right["token"] and json.loads(back["collage"]) == collage
    assert back["result"]["images"] and not back["inside"]


def test_a_light_picture_of_an_example_opens_the_example(machine, another):
    example = machine.services.examples[0]
    photo = machine.calls["open_example"]({"name": example.name, "visit": "v"})
    collage = json.loads(photo["collage"])
    machine.fix(photo, collage)
    _, light = machine.save(photo, collage, "png")
    back = another.open(light)
    assert json.loads(back["collage"]) == collage
    np.testing.assert_array_equal(another.image(back), open_photo(example.photo))


def test_objects_of_other_photos_need_those_photos(machine, another):
    photo, source = machine.open(png_bytes(scene()), "a.png"), machine.open(png_bytes(scene(620, 410)), "b.png")
    collage, sources = machine.collage(photo, source), {"p1": source["token"]}
    machine.fix(photo, collage, sources)
    _, light = machine.save(photo, collage, "png", sources=sources)
    first = another.open(png_bytes(scene()))
    assert another.open(light, known=[first["token"]])["error"] == strings.SAVED_SOURCES.format(names="b")
    second = another.open(png_bytes(scene(620, 410)))
    back = another.open(light, known=[first["token"], second["token"]])
    assert [one["token"] for one in back["sources"]] == [second["token"]]
    assert "error" in machine.calls["save"]({"token": photo["token"], "collage": collage, "form": "zip"})


# What is in the files and what is not


def test_camera_and_place_are_left_out_unless_asked_for(machine):
    photo = machine.open(camera_jpeg(scene(), orientation=6), "beach.jpg")
    assert photo["says"] == {"camera": True, "place": True}
    collage = machine.collage(photo)
    machine.fix(photo, collage)
    for form in ("png", "collage-png", "zip"):
        _, plain = machine.save(photo, collage, form)
        assert not any(secret in plain for secret in (b"Canon", b"EOS", b"SERIAL-77", b"Ada Private", b"a comment"))
    asked = {(True, False): {"camera": True, "place": False}, (False, True): {"camera": False, "place": True}}
    for (camera, place), said in asked.items():
        _, data = machine.save(photo, collage, "png", camera=camera, place=place)
        with Image.open(io.BytesIO(data)) as image:
            assert says(image.info["exif"]) == said
    assert machine.open(png_bytes(scene()))["says"] == {"camera": False, "place": False}


def test_a_photo_alone_comes_back_pixel_for_pixel_and_without_metadata(machine):
    for data in (camera_jpeg(scene(), orientation=6), png_bytes(scene())):
        photo = machine.open(data, "beach.jpg")
        _, file = machine.save(photo, None, "photo", job=None)
        assert not any(secret in file for secret in (b"Canon", b"SERIAL-77", b"Ada Private"))
        again = machine.open(file, "beach", rounds=3)
        np.testing.assert_array_equal(machine.image(again), machine.image(photo))
        assert (photo["rounds"], again["rounds"]) == (0, 3)
    for nonsense in (-1, 10**9, "3", True, None, [3]):
        assert machine.open(png_bytes(scene()), rounds=nonsense)["rounds"] == 0


def test_other_pictures_say_how_they_were_made(machine):
    photo = machine.open(png_bytes(scene()))
    collage = machine.collage(photo)
    machine.fix(photo, collage)
    for what, code in (("sdedit", "compositeWithTrainedAlgorithmicMedia"), ("coarse", "humanEdits")):
        name, data = machine.save(photo, collage, "png", what=what)
        with Image.open(io.BytesIO(data)) as image:
            assert what in name and code in image.info["XML:com.adobe.xmp"]
        assert "collage" not in machine.open(data)


def test_large_files_come_in_parts_and_only_to_who_asked(machine):
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1000, 3), np.uint8)
    photo = machine.open(png_bytes(noise))
    mask = base64.b64encode(png_bytes(np.full((4, 4), 255, np.uint8))).decode()
    collage = {"version": 2, "photo": {"width": 1000, "height": 1200}, "layers": []}
    collage["segments"] = [{"id": "s", "left": 0, "top": 0, "mask": mask}]
    name, data = machine.save(photo, collage, "zip", job=None)
    assert len(data) > 2 * PART_BYTES
    assert machine.services.photos.get(photo["token"]).outgoing is None, "it was fetched, and is gone"
    machine.calls["save"]({"token": photo["token"], "collage": collage, "form": "zip"})
    for wrong in ({"key": "x", "at": 0}, {"key": None}, {}):
        assert machine.calls["save_part"]({"token": photo["token"], **wrong})["error"] == strings.SAVE_AGAIN
    key = machine.services.photos.get(photo["token"]).outgoing.key
    for at in (-1, len(data) + 1, "0", None, True):
        asked = {"token": photo["token"], "key": key, "at": at}
        assert machine.calls["save_part"](asked)["error"] == strings.SAVE_AGAIN


@pytest.mark.parametrize("data", [b"PK\3\4", b"PK\3\4" + b"x" * 500])
def test_a_broken_zip_is_a_sentence(machine, data):
    assert machine.open(data)["error"].endswith(".")
