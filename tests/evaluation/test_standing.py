"""The standing pictures: a list that can be trusted, and one command that renders it, whatever is missing."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from browser.fakes import DISC_AT, FakeSegmenter, scene

from magicfixup_demo import cli
from magicfixup_demo.errors import OptionError
from magicfixup_demo.evaluation import standing
from magicfixup_demo.evaluation.standing import CHECK_COLOURS, GAP, Tools, render_standing, shown, standing_entries
from magicfixup_demo.images import open_photo, save_png
from magicfixup_demo.schema import CoarseEdit

COCO = (50679, 281447, 257624, 273760, 2592, 39769, 283070, 13774, 38118)
REQUIRED = {f"photos/coco/{number:012d}.jpg" for number in COCO}
OFFICIAL = {"official_edits/dog_beach__edit__003.png", "official_edits/palm_tree__edit__01.png"}
HEIGHT, WIDTH = 400, 600
MOVED = {"object": 0, "matrix": [1, 0, 0, 1, 120, 0]}
DISC = {
    "name": "disc",
    "photo": "photos/scene.png",
    "note": "a disc <moved> right",
    "objects": [{"points": [list(DISC_AT)]}],
    "layers": [MOVED],
}
EDITED = {"name": "edited", "photo": "photos/scene.png", "note": "an edit", "edit": "edit.png"}
MISSING = DISC | {"name": "missing", "photo": "photos/none.png"}


class GreyEngine:
    """Makes the holes as grey as the seed."""

    def fixup(self, photo, edit, options):
        assert edit.alpha.shape == photo.shape[:2] and not options.sdedit
        return SimpleNamespace(images=(np.where(edit.hole[..., None], options.seed, edit.rgb).astype(np.uint8),))


def grey(photo, edit, seed):
    """A method in MI-GAN's place."""
    return np.full_like(photo, 77)


@pytest.fixture
def data(tmp_path):
    """A data folder with one photo, and an edit of half its size."""
    (tmp_path / "data" / "photos").mkdir(parents=True)
    save_png(tmp_path / "data" / "photos" / "scene.png", scene(WIDTH, HEIGHT))
    edit = np.dstack([scene(WIDTH, HEIGHT)[::2, ::2], np.full((HEIGHT // 2, WIDTH // 2), 255, np.uint8)])
    edit[50:100, 50:100, 3] = 0
    save_png(tmp_path / "data" / "edit.png", edit)
    return tmp_path / "data"


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """The list is these entries instead."""
    path = tmp_path / "standing.json"
    path.write_text(json.dumps([DISC, MISSING, EDITED]))
    monkeypatch.setattr(standing, "LIST", path)


def test_the_list_is_well_formed():
    entries = standing_entries()
    names = [entry["name"] for entry in entries]
    assert len(entries) >= 22 and len(set(names)) == len(names)
    for entry in entries:
        assert entry["photo"] and entry["note"], entry["name"]
        assert ("edit" in entry) != ("objects" in entry), entry["name"]
        for thing in entry.get("objects", []):
            assert thing["points"] and all(len(point) == 2 for point in thing["points"] + thing.get("exclude", []))
            assert len(thing.get("box", (0, 0, 1, 1))) == 4
        for layer in entry.get("layers", []):
            assert len(layer["matrix"]) == 6 and layer["object"] in range(len(entry["objects"])), entry["name"]


def test_the_list_has_what_must_be_among_them():
    entries = standing_entries()
    photos = [entry["photo"] for entry in entries]
    assert set(photos) >= REQUIRED and {entry.get("edit") for entry in entries} >= OFFICIAL
    assert photos.count("photos/coco/000000002592.jpg") == 2, "the mug moved, and the knife deleted"
    assert any("objects" in entry and not entry["layers"] for entry in entries), "deleted objects"
    assert any(len(entry.get("objects", [])) > 1 for entry in entries), "two objects at once"


def test_entries_are_chosen_by_name():
    assert [entry["name"] for entry in standing_entries(["mug-aside"])] == ["mug-aside"]
    with pytest.raises(OptionError, match="'mug'; choose from .*mug-aside"):
        standing_entries(["mug"])


def test_an_entry_becomes_a_sheet_at_full_size(data, tmp_path, listed):
    said, output = [], tmp_path / "out"
    tools = Tools(FakeSegmenter(), GreyEngine(), grey)
    assert render_standing([DISC, MISSING, EDITED], data, output, tools, 3, said.append) == ["missing"]
    assert len(said) == 3 and "none.png" in said[1] and "\n" not in said[1], "the others go on"
    photo, sheet = scene(WIDTH, HEIGHT), open_photo(output / "disc.png")
    step = WIDTH + GAP
    panels = [sheet[:, i * step : i * step + WIDTH] for i in range(4)]
    x, y = DISC_AT
    assert sheet.shape == (HEIGHT, 4 * WIDTH + 3 * GAP, 3)
    assert (panels[0] == photo).all() and (panels[3] == 77).all()
    assert tuple(panels[1][y, x]) in CHECK_COLOURS and (panels[1][y, x + 120] == photo[y, x]).all()
    assert (panels[2] == open_photo(output / "disc-result.png")).all() and (panels[2][y, x] == 3).all()
    assert open_photo(output / "disc-mask.png")[y, x].min() == 255
    page = (output / "index.html").read_text()
    assert 'src="disc.png"' in page and 'src="edited.png"' in page and "&lt;moved&gt;" in page
    assert "missing" not in page and open_photo(output / "edited-result.png").shape == photo.shape


def test_holes_show_through_as_checks():
    alpha = np.array([[255, 0, 128]], np.uint8)
    edit = CoarseEdit(np.full((1, 3, 3), 100, np.uint8), alpha)
    assert shown(edit)[0, 0].tolist() == [100] * 3 and tuple(shown(edit)[0, 1]) == CHECK_COLOURS[0]
    assert 100 < shown(edit)[0, 2, 0] < 255


def test_the_command_says_in_a_line_what_is_wrong(tmp_path, capsys):
    for arguments in (["none"], [".", "--only", "nobody"], [".", "--seed", "-1"], [".", "--migan", "none.onnx"]):
        assert cli.main(["standing", *arguments, "-o", str(tmp_path / "out")]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder_to_write_to(data, tmp_path, listed):
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="choose another folder"):
        render_standing([DISC], data, tmp_path / "file", Tools(FakeSegmenter(), GreyEngine()), 0, print)


def test_all_photos_are_there_and_clicks_lie_inside(shared_data):
    for entry in standing_entries():
        height, width = open_photo(shared_data / entry["photo"]).shape[:2]
        assert (shared_data / entry.get("edit", entry["photo"])).is_file(), entry["name"]
        for thing in entry.get("objects", []):
            for x, y in thing["points"] + thing.get("exclude", []):
                assert 0 <= x < width and 0 <= y < height, entry["name"]
