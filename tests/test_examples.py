"""The examples that ship: they open, they show a real edit, and their licences are stated."""

import json

import numpy as np
import pytest
from PIL import Image

from magicfixup_demo.collage import footprint, render
from magicfixup_demo.collage_json import collage_from_json, collage_to_json
from magicfixup_demo.images import open_photo

FREE = ("CC0-1.0", "Public domain", "CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0")


@pytest.fixture(scope="module")
def folder(repository):
    return repository / "examples"


@pytest.fixture(scope="module")
def records(folder):
    return json.loads((folder / "examples.json").read_text())


def opened(folder, record):
    photo = open_photo(folder / record["photo"])
    return photo, collage_from_json((folder / record["collage"]).read_text())


def test_there_are_enough_and_each_is_listed_once(folder, records):
    names = [record["name"] for record in records]
    assert len(names) >= 4 and len(set(names)) == len(names)
    assert sorted(names) == sorted(path.parent.name for path in folder.glob("*/photo.jpg"))


def test_each_has_an_author_and_a_free_licence_in_the_readme(folder, records):
    rows = {row.split("|")[1].strip(): row for row in (folder / "README.md").read_text().splitlines() if "|" in row}
    for record in records:
        assert record["licence"] in FREE and record["title"]
        row = rows[record["name"]].lower()
        assert record["author"].lower() in row
        assert record["licence"].replace("-", " ").lower() in row.replace("-", " ")


def test_photos_are_small_and_carry_no_metadata(folder, records):
    for record in records:
        path = folder / record["photo"]
        with Image.open(path) as picture:
            assert picture.format == "JPEG" and max(picture.size) <= 1280 and not picture.getexif()
        assert path.stat().st_size < 400_000


def test_collages_render_to_believable_edits(folder, records):
    for record in records:
        photo, collage = opened(folder, record)
        edit = render(photo, collage)
        changed = edit.hole | (edit.rgb != photo).any(axis=2)
        assert 0.01 < changed.mean() < 0.6, record["name"]
        assert edit.hole.mean() < 0.2, record["name"]
        owner = {segment.id: segment for segment in collage.segments}
        for layer in collage.layers:
            inside = footprint(owner[layer.segment_id], layer, collage.width, collage.height).sum() / 255
            scale = abs(np.linalg.det(np.reshape(layer.matrix[:4], (2, 2))))
            whole = (owner[layer.segment_id].mask >= 128).sum() * scale * layer.opacity
            assert inside > 0.9 * whole, f"{record['name']}: the object is cut off by the edge"


def test_collages_survive_a_round_trip(folder, records):
    for record in records:
        photo, collage = opened(folder, record)
        again = collage_from_json(collage_to_json(collage))
        assert np.array_equal(render(photo, again).rgba, render(photo, collage).rgba)
