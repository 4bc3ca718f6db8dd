"""The load script over stand-ins for the models: visitors come and go, and what it looks for is found where it is."""

import argparse
import io
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from browser.fakes import FakeEngine, scene, stand_ins
from PIL import Image

from magicfixup_demo.images import png_bytes, save_png
from magicfixup_demo.schema import CoarseEdit
from tests.load import pictures, visit, visitors
from tests.load.pictures import new_upload, problem_of
from tests.loops import run
from tests.served import served

OBJECT, PLACE = (100.0, 100.0, 200.0, 200.0), (300.0, 120.0, 400.0, 220.0)


class OthersPictures(FakeEngine):
    """Gives everybody the same picture, whoever's photo it was."""

    def fixup(self, photo, edit, options, progress=None, preview=None):
        result = super().fixup(photo, edit, options, progress, preview)
        return replace(result, images=tuple(np.full_like(image, 77) for image in result.images))


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """loaded(engine, visitors): the report of a few seconds with hasty visitors."""
    from magicfixup_demo.ui.examples import list_examples

    for name in ("LOOKING", "AIMING", "DRAGGING", "JUDGING", "AWAY"):
        monkeypatch.setattr(visit, name, 0.05)
    monkeypatch.setattr(pictures, "LONG_SIDES", (480, 600))
    monkeypatch.setattr(visitors, "SETTLE_SECONDS", 0)
    save_png(tmp_path / "scene.png", scene())
    pages = ExitStack()

    def load(engine: FakeEngine, warm: int = 1, people: int = 4) -> dict:
        services = stand_ins(engine, examples=list_examples())
        url = pages.enter_context(served(services))
        monkeypatch.setattr(visitors, "WARMING_VISITS", warm)
        options = argparse.Namespace(visitors=people, browsers=0, minutes=0.05, photos=tmp_path, seed=0)
        return run(visitors.load(options, url.rstrip("/"), None))

    with pages:
        yield load


def test_hasty_visitors_meet_no_error_and_every_step_is_timed(loaded):
    report = loaded(FakeEngine())
    assert report["errors"] == []
    assert report["visits"] == report["fixups"] >= 4
    assert report["fixups_by_pictures_a_run"] == {1: report["fixups"]}
    counts = {step: row["count"] for step, row in report["seconds"].items()}
    assert counts["download"] == counts["fix-up"] == report["fixups"]
    assert counts["click"] == visit.CLICKS * report["visits"] and counts["soft edge"] == visit.DRAGS * report["visits"]
    assert "errors: 0" in visitors.table(report)


def test_somebody_elses_picture_is_an_error(loaded):
    report = loaded(OthersPictures(), warm=0, people=1)
    assert report["visits"] and len(report["errors"]) == report["visits"]
    assert all("have changed" in error or "off what was arranged" in error for error in report["errors"])


def test_a_download_is_this_photo_repaired_around_what_moved_and_nothing_else():
    photo = scene()
    repaired = photo.copy()
    repaired[100:200, 100:200] = repaired[120:220, 300:400] = 9
    boxes = [OBJECT, PLACE]
    edit = CoarseEdit(repaired, np.full(photo.shape[:2], 255, np.uint8))

    def problem(download, around=boxes) -> str:
        return problem_of(png_bytes(download), photo, around, lambda: edit)

    assert problem(repaired) == ""
    assert problem(photo) == "nothing was repaired"
    assert "not (400, 600, 3)" in problem(repaired[:-1])
    one_pixel = repaired.copy()
    one_pixel[399, 0, 2] ^= 1
    assert "nobody touched" in problem(one_pixel)
    whole = [(0.0, 0.0, 600.0, 400.0)]
    assert problem(one_pixel, whole) == ""
    assert "off what was arranged" in problem(255 - photo, whole)


def test_no_two_visits_upload_the_same_pixels(tmp_path):
    import random

    save_png(tmp_path / "scene.png", scene())
    chance = random.Random(3)
    uploads = [new_upload([tmp_path / "scene.png"], chance) for _ in range(4)]
    assert len({upload.data for upload in uploads}) == 4
    for upload in uploads:
        with Image.open(io.BytesIO(upload.data)) as image:
            assert image.size == upload.pixels.shape[1::-1]
