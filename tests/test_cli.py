"""The command line: each command's files, each kind of bad input, one line per error."""

import json
import struct
import subprocess
import sys
import types
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from magicfixup_demo import cli
from magicfixup_demo.collage import segment_from_mask
from magicfixup_demo.collage_json import collage_to_json
from magicfixup_demo.engine.composite import Box
from magicfixup_demo.engine.effects import Shadow
from magicfixup_demo.engine.plate import Plate
from magicfixup_demo.errors import ModelError
from magicfixup_demo.saving.bundle import to_zip
from magicfixup_demo.saving.iptc import EDITED_BY_MODEL, KEYWORD
from magicfixup_demo.saving.photos import photo_file, pixels_sha256
from magicfixup_demo.saving.picture import to_png
from magicfixup_demo.saving.record import PhotoReference, Record, ResultFacts
from magicfixup_demo.saving.work import Work
from magicfixup_demo.schema import CoarseEdit, Collage, EditResult, Layer, Segment, Source

ROOT = Path(__file__).resolve().parent.parent
HEIGHT, WIDTH = 64, 96


def run(*arguments) -> int:
    return cli.main([str(argument) for argument in arguments])


def refused(capsys, *arguments) -> str:
    """Run a command that must fail; return its one line."""
    assert run(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1 and printed.err.endswith("\n") and "Traceback" not in printed.err
    return printed.err


@pytest.fixture
def pixels():
    """A red square on green."""
    picture = np.full((HEIGHT, WIDTH, 3), (30, 120, 60), np.uint8)
    picture[16:48, 32:64] = (220, 40, 30)
    return picture


@pytest.fixture
def photo(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def square():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[16:48, 32:64] = True
    return mask


@pytest.fixture
def edit(tmp_path, pixels, square):
    rgba = np.dstack([pixels, np.where(square, 0, 255).astype(np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "edit.png")
    return tmp_path / "edit.png"


@pytest.fixture
def engine(monkeypatch):
    """Stands in for the models: paints with the seed, and records what it was asked."""

    class Engine:
        asked = []

        def fixup(self, photo, edit, options, progress=None):
            self.asked.append((photo.shape, edit.alpha.shape, options))
            progress(0.5, "half")
            images = tuple(np.full_like(photo, options.seed + k) for k in range(options.samples))
            touched = np.zeros(photo.shape[:2], bool)
            sdedit = np.full_like(photo, 200) if options.sdedit else None
            return EditResult(images, sdedit, photo, touched, options.seed, options.steps or 2, 0.1, "fake")

        def lift(self, photo, objects, seed=0, progress=None):
            self.asked.append((photo.shape, objects, seed))
            progress(0.5, "half")
            hole = np.any(objects, axis=0)
            shadow = Shadow(Box(0, 0, WIDTH, HEIGHT), np.full((4, 4), 0.4, np.float32), (9.0, 9.0), 9)
            shadows = (shadow,) + (None,) * (len(objects) - 1)
            return Plate(np.where(hole[..., None], np.uint8(seed), photo), hole, shadows)

    def load_engine(name="auto", backend="torch", progress=None):
        if name != "small":
            raise ModelError(f"There is no model {name!r}; choose small.")
        Engine.backend = backend
        return Engine()

    Engine.asked = []
    registry = types.ModuleType("magicfixup_demo.engine.registry")
    registry.load_engine = load_engine
    monkeypatch.setitem(sys.modules, "magicfixup_demo.engine.registry", registry)
    return Engine


class TestSegment:
    def test_writes_a_mask_of_the_photos_size(self, photo, square, tmp_path, capsys):
        out = tmp_path / "mask.png"
        assert run("segment", photo, "--point", "48,32", "--segmenter", "grabcut", "-o", out) == 0
        mask = Image.open(out)
        assert mask.mode == "L" and mask.size == (WIDTH, HEIGHT)
        values = np.array(mask)
        assert (
            set(np.unique(values)) == {0, 255} and ((values > 0) & square).sum() / ((values > 0) | square).sum() > 0.9
        )
        printed = capsys.readouterr()
        assert "fallback" in printed.out and printed.err == ""

    def test_takes_a_box_and_several_points(self, photo, tmp_path):
        out = tmp_path / "mask.png"
        arguments = ["--point", "48,32", "--point", "50,20", "--exclude", "5,5", "--box", "20,8,76,56"]
        assert run("segment", photo, *arguments, "--segmenter", "grabcut", "-o", out) == 0
        assert np.array(Image.open(out))[32, 48] == 255

    def test_a_soft_mask_is_soft_at_its_edge_alone(self, photo, tmp_path):
        blurred, out = tmp_path / "blurred.png", tmp_path / "mask.png"
        Image.open(photo).filter(ImageFilter.GaussianBlur(1.5)).save(blurred)
        assert run("segment", blurred, "--point", "48,32", "--segmenter", "grabcut", "--soft", "-o", out) == 0
        values = np.array(Image.open(out))
        assert ((values > 0) & (values < 255)).any() and values[32, 48] == 255 and values[5, 5] == 0

    @pytest.mark.parametrize("text", ["10", "10,20,30", "a,b", "", "10;20", ",", "1,2,"])
    def test_a_malformed_point_is_named(self, photo, tmp_path, capsys, text):
        assert "is not X,Y" in refused(capsys, "segment", photo, f"--point={text}", "-o", tmp_path / "m.png")

    @pytest.mark.parametrize("text", ["-1,5", "96,5", "5,64", "nan,5", "inf,5", "1e30,5"])
    def test_a_click_outside_is_refused_before_any_model_is_loaded(self, photo, tmp_path, capsys, text):
        line = refused(capsys, "segment", photo, f"--point={text}", "--segmenter", "nonsense", "-o", tmp_path / "m.png")
        assert "outside the photo of 96 x 64" in line

    @pytest.mark.parametrize("text", ["1,2,3", "5,5,5,9", "200,0,300,50"])
    def test_a_bad_box_is_refused(self, photo, tmp_path, capsys, text):
        refused(capsys, "segment", photo, "--box", text, "-o", tmp_path / "m.png")

    def test_nothing_pointed_at(self, photo, tmp_path, capsys):
        assert "click on an object" in refused(capsys, "segment", photo, "-o", tmp_path / "m.png")

    def test_an_unknown_segmenter_lists_the_known(self, photo, tmp_path, capsys):
        line = refused(capsys, "segment", photo, "--point", "5,5", "--segmenter", "sam9", "-o", tmp_path / "m.png")
        assert "mobile-sam" in line


class TestCollage:
    def collage(self, square, *matrices):
        layers = tuple(Layer(f"l{i}", "s1", matrix) for i, matrix in enumerate(matrices))
        return Collage(WIDTH, HEIGHT, (segment_from_mask("s1", square),), layers)

    def write(self, tmp_path, text):
        path = tmp_path / "collage.json"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def test_moving_leaves_a_hole(self, photo, square, pixels, tmp_path):
        path = self.write(tmp_path, collage_to_json(self.collage(square, (1, 0, 0, 1, -32, 0))))
        assert run("collage", photo, path, "-o", tmp_path / "edit.png") == 0
        rgba = np.array(Image.open(tmp_path / "edit.png"))
        assert rgba.shape == (HEIGHT, WIDTH, 4) and rgba[32, 48, 3] == 0 and rgba[32, 10].tolist() == [220, 40, 30, 255]

    def test_a_layer_pushed_off_the_canvas_is_only_gone(self, photo, square, tmp_path):
        path = self.write(tmp_path, collage_to_json(self.collage(square, (1, 0, 0, 1, 5000, 0))))
        assert run("collage", photo, path, "-o", tmp_path / "edit.png") == 0
        assert ((np.array(Image.open(tmp_path / "edit.png"))[..., 3] == 0) == square).all()

    @pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"version": 1}', b"[" * 100_000])
    def test_malformed_json(self, photo, tmp_path, capsys, text):
        assert "collage" in refused(capsys, "collage", photo, self.write(tmp_path, text), "-o", tmp_path / "e.png")

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", '"1"', "null"])
    def test_a_matrix_that_is_no_matrix(self, photo, square, tmp_path, capsys, number):
        record = json.loads(collage_to_json(self.collage(square, (1, 0, 0, 1, 0, 0))))
        record["layers"][0]["matrix"][4] = "HERE"
        path = self.write(tmp_path, json.dumps(record).replace('"HERE"', number))
        assert "matrix" in refused(capsys, "collage", photo, path, "-o", tmp_path / "e.png")

    def test_a_huge_file(self, photo, tmp_path, capsys):
        path = self.write(tmp_path, b" " * 25_000_000)
        assert "MB" in refused(capsys, "collage", photo, path, "-o", tmp_path / "e.png")

    def test_another_photos_collage(self, photo, square, tmp_path, capsys):
        collage = Collage(WIDTH, HEIGHT + 1, (segment_from_mask("s1", square),), ())
        path = self.write(tmp_path, collage_to_json(collage))
        assert "96 x 65" in refused(capsys, "collage", photo, path, "-o", tmp_path / "e.png")

    def test_an_object_of_another_photo_asks_for_it_by_name(self, photo, tmp_path, capsys):
        guest = Segment("g", 10, 5, np.full((8, 8), 255, np.uint8), source="p2")
        layer = Layer("l", "g", (1, 0, 0, 1, 30, 20))
        collage = Collage(WIDTH, HEIGHT, (guest,), (layer,), (Source("p2", 40, 36),))
        path, edit, other = self.write(tmp_path, collage_to_json(collage)), tmp_path / "e.png", tmp_path / "guest.png"
        line = refused(capsys, "collage", photo, path, "-o", edit)
        assert "--source p2=FILE (40 x 36)" in line
        assert "p2" in refused(capsys, "collage", photo, path, "-o", edit, "--source", f"p9={other}")
        assert "ID=FILE" in refused(capsys, "collage", photo, path, "-o", edit, "--source", "guest.png")
        Image.new("RGB", (40, 36), (1, 2, 3)).save(other)
        assert run("collage", photo, path, "-o", edit, "--source", f"p2={other}") == 0
        rgba = np.array(Image.open(edit))
        assert (rgba[..., 3] == 255).all() and rgba[25, 40].tolist() == [1, 2, 3, 255]

    def test_a_file_that_is_not_there(self, photo, tmp_path, capsys):
        assert "none.json" in refused(capsys, "collage", photo, tmp_path / "none.json", "-o", tmp_path / "e.png")


@pytest.fixture
def saved(tmp_path, pixels, square):
    """saved(form) -> a file as the page saves it: the square moved to the right, its result all of grey level 9."""
    moved = Layer("l", "s", (1.0, 0.0, 0.0, 1.0, 20.0, 0.0))
    collage = Collage(WIDTH, HEIGHT, (segment_from_mask("s", square),), (moved,))
    reference = PhotoReference("photo", WIDTH, HEIGHT, pixels_sha256(pixels))
    record = Record(reference, (), {"model": "small", "seed": 4, "steps": 5}, ResultFacts("small", "sha256:x", 9, 3))
    work = Work(record, collage_to_json(collage), {"": photo_file(pixels, None)}, np.full_like(pixels, 9))

    def write(form: str) -> Path:
        path = tmp_path / f"saved.{form}"
        light = Work(record, work.collage, {}, work.result)
        edit = CoarseEdit(pixels, np.full(pixels.shape[:2], 255, np.uint8))
        made = {"zip": lambda: to_zip(work, edit, {}), "png": lambda: to_png(work, work.result)}
        path.write_bytes(made.get(form, lambda: to_png(light, work.result))())
        return path

    return write


class TestFixup:
    @pytest.mark.parametrize("form", ["zip", "png"])
    def test_a_saved_file_is_made_again_as_it_was(self, engine, saved, tmp_path, capsys, form):
        assert run("fixup", saved(form), "-o", tmp_path / "r.png") == 0
        printed = capsys.readouterr().out
        assert "pixel for pixel" in printed and "other weights (sha256:x; here are" in printed
        options = engine.asked[0][2]
        assert (options.seed, options.steps, options.samples, options.sdedit) == (9, 3, 1, False)
        assert np.array(Image.open(tmp_path / "r.png"))[0, 0, 0] == 9

    def test_what_the_command_line_names_goes_before_the_files_settings(self, engine, saved, tmp_path, capsys):
        assert run("fixup", saved("zip"), "-o", tmp_path / "r.png", "--seed", 1, "--steps", 2) == 0
        options = engine.asked[0][2]
        assert (options.seed, options.steps) == (1, 2) and "saved result" not in capsys.readouterr().out

    def test_files_without_a_photo_or_an_edit_are_refused(self, engine, saved, photo, tmp_path, capsys):
        assert "no photo inside" in refused(capsys, "fixup", saved("light.png"), "-o", tmp_path / "r.png")
        assert "EDIT.png" in refused(capsys, "fixup", photo, "-o", tmp_path / "r.png")
        assert "check the name" in refused(capsys, "fixup", tmp_path / "none.zip", "-o", tmp_path / "r.png")
        (tmp_path / "bad.zip").write_bytes(saved("zip").read_bytes()[:-9])
        assert "damaged" in refused(capsys, "fixup", tmp_path / "bad.zip", "-o", tmp_path / "r.png")

    def test_results_say_that_a_model_made_them(self, engine, photo, edit, tmp_path):
        assert run("fixup", photo, edit, "-o", tmp_path / "r.png") == 0
        assert EDITED_BY_MODEL in Image.open(tmp_path / "r.png").text[KEYWORD]

    def test_one_sample(self, engine, photo, edit, tmp_path):
        assert run("fixup", photo, edit, "-o", tmp_path / "r.png", "--seed", 7, "--steps", 3) == 0
        result = Image.open(tmp_path / "r.png")
        assert result.size == (WIDTH, HEIGHT) and np.array(result)[0, 0, 0] == 7
        assert result.text["seed"] == "7" and result.text["steps"] == "3"
        options = engine.asked[0][2]
        assert (options.seed, options.steps, options.samples, options.sdedit) == (7, 3, 1, False)

    def test_sampler_and_prompt_are_passed_on(self, engine, photo, edit, tmp_path, capsys):
        arguments = ("--sampler", "unipc", "--prompt", "a cup")
        assert run("fixup", photo, edit, "-o", tmp_path / "r.png", *arguments) == 0
        assert (engine.asked[0][2].sampler, engine.asked[0][2].prompt) == ("unipc", "a cup")
        capsys.readouterr()
        assert "published" in refused(capsys, "fixup", photo, edit, "-o", tmp_path / "r.png", "--sampler", "euler")

    def test_the_backend_is_passed_on(self, engine, photo, edit, tmp_path, capsys):
        assert run("fixup", photo, edit, "-o", tmp_path / "r.png") == 0 and engine.backend == "torch"
        assert run("fixup", photo, edit, "-o", tmp_path / "r.png", "--backend", "openvino") == 0
        assert engine.backend == "openvino"
        assert run("fixup", photo, edit, "-o", tmp_path / "r.png", "--backend", "abacus") == 2
        assert "abacus" in capsys.readouterr().err

    def test_samples_are_numbered_from_one_and_seeds_count_up(self, engine, photo, edit, tmp_path):
        assert run("fixup", photo, edit, "-o", tmp_path / "r.png", "--samples", 3, "--seed", 5) == 0
        assert not (tmp_path / "r.png").exists()
        for k in (1, 2, 3):
            picture = Image.open(tmp_path / f"r_{k}.png")
            assert np.array(picture)[0, 0, 0] == 4 + k and picture.text["seed"] == str(4 + k)

    def test_without_its_network_the_result_is_written_and_the_missing_sdedit_is_an_error(
        self, engine, monkeypatch, photo, edit, tmp_path, capsys
    ):
        def without(self, photo, edit, options, progress=None):
            touched = np.zeros(photo.shape[:2], bool)
            return EditResult((photo,), None, photo, touched, 0, 2, 0.1, "fake", note="Without the comparison: no Hub.")

        monkeypatch.setattr(engine, "fixup", without)
        monkeypatch.setattr(engine, "note", "small takes its place.", raising=False)
        assert run("fixup", photo, edit, "-o", tmp_path / "r.png", "--sdedit", tmp_path / "s.png") == 2
        printed = capsys.readouterr()
        assert printed.err == "Without the comparison: no Hub.\n" and "small takes its place.\n" in printed.out
        assert (tmp_path / "r.png").exists() and not (tmp_path / "s.png").exists()

    def test_sdedit_is_written_where_it_is_asked_for(self, engine, photo, edit, tmp_path):
        assert run("fixup", photo, edit, "-o", tmp_path / "r.png", "--sdedit", tmp_path / "s.png") == 0
        assert np.array(Image.open(tmp_path / "s.png"))[0, 0, 0] == 200

    def test_an_edit_of_another_size_reaches_the_engine(self, engine, photo, edit, tmp_path):
        Image.open(edit).resize((50, 40)).save(edit)
        assert run("fixup", photo, edit, "-o", tmp_path / "r.png") == 0
        assert engine.asked[0][:2] == ((HEIGHT, WIDTH, 3), (40, 50))

    @pytest.mark.parametrize(
        "arguments",
        [("--steps", "0"), ("--steps", "101"), ("--steps", "2.5"), ("--seed", "-1"), ("--seed", str(2**32))]
        + [("--samples", "0"), ("--samples", "9"), ("--samples", "9" * 5000), ("--seed", "--5"), ("--steps", "٣")],
    )
    def test_options_out_of_range(self, engine, photo, edit, tmp_path, capsys, arguments):
        option, value = arguments
        refused(capsys, "fixup", photo, edit, f"{option}={value}", "-o", tmp_path / "r.png")
        assert not engine.asked

    def test_an_edit_without_alpha(self, engine, photo, tmp_path, capsys):
        assert "alpha" in refused(capsys, "fixup", photo, photo, "-o", tmp_path / "r.png")

    def test_an_edit_of_nothing_but_hole(self, engine, photo, tmp_path, capsys):
        Image.new("RGBA", (WIDTH, HEIGHT)).save(tmp_path / "hole.png")
        assert "nothing but hole" in refused(capsys, "fixup", photo, tmp_path / "hole.png", "-o", tmp_path / "r.png")

    def test_an_unknown_model(self, engine, photo, edit, tmp_path, capsys):
        refused(capsys, "fixup", photo, edit, "--model", "huge", "-o", tmp_path / "r.png")

    def test_a_place_that_cannot_be_written_to_is_refused_before_the_work(self, engine, photo, edit, tmp_path, capsys):
        assert "create it first" in refused(capsys, "fixup", photo, edit, "-o", tmp_path / "none" / "r.png")
        assert "folder" in refused(capsys, "fixup", photo, edit, "-o", tmp_path)
        refused(capsys, "fixup", photo, edit, "-o", tmp_path / "r.png", "--sdedit", tmp_path / "none" / "s.png")
        assert not engine.asked


class TestLift:
    @pytest.fixture
    def mask(self, tmp_path, square):
        """mask(name, rows=...) -> a file with the square in white, or only some rows of it."""

        def write(name: str = "mask.png", rows: slice = slice(None)) -> Path:
            values = np.zeros((HEIGHT, WIDTH), np.uint8)
            values[rows] = np.where(square, 255, 100)[rows]
            Image.fromarray(values).save(tmp_path / name)
            return tmp_path / name

        return write

    def test_what_is_white_is_lifted_and_the_file_says_so(self, engine, photo, mask, square, tmp_path, capsys):
        out = tmp_path / "plate.png"
        assert run("lift", photo, mask(), "-o", out, "--seed", 7) == 0
        shape, objects, seed = engine.asked[0]
        assert shape == (HEIGHT, WIDTH, 3) and len(objects) == 1 and (objects[0] == square).all() and seed == 7
        plate = Image.open(out)
        assert plate.size == (WIDTH, HEIGHT) and plate.getpixel((48, 32)) == (7, 7, 7)
        assert plate.text["model"] == "small" and plate.text["seed"] == "7" and "Magic Fixup" in plate.text["Software"]
        assert EDITED_BY_MODEL in plate.text[KEYWORD] and "steps" not in plate.text
        printed = capsys.readouterr()
        assert printed.out.count("\n") == 1 and printed.out.startswith(f"{out}: ") and printed.err == ""
        share = float(printed.out.removeprefix(f"{out}: ").partition("%")[0]) / 100
        assert abs(share - square.mean()) < 0.001 and printed.out.endswith("% of the photo filled anew, seed 7.\n")

    def test_each_mask_is_an_object(self, engine, photo, mask, square, tmp_path, capsys):
        masks = [mask("1.png", slice(0, 30)), mask("2.png", slice(20, None))]
        engine.note = "small runs on the processor."
        assert run("lift", photo, *masks, "-o", tmp_path / "p.png") == 0
        (_, objects, seed) = engine.asked[0]
        assert len(objects) == 2 and (objects[0] | objects[1] == square).all() and seed == 0
        assert engine.note in capsys.readouterr().out

    def test_what_shadows_left_of_the_light_is_written_too(self, engine, photo, mask, tmp_path, capsys):
        out, masks = tmp_path / "shadow.png", [mask("1.png", slice(0, 30)), mask("2.png", slice(20, None))]
        assert run("lift", photo, *masks, "-o", tmp_path / "p.png", "--shadow", out) == 0
        left = np.array(Image.open(out))
        assert left.shape == (HEIGHT, WIDTH) and (left == round(0.6 * 255)).all()
        assert "the shadows of 1 of 2 objects" in capsys.readouterr().out

    def test_the_models_own_lift(self, photo, mask, pixels, square, tmp_path):
        assert run("lift", photo, mask(), "-o", tmp_path / "p.png") == 0
        plate = np.array(Image.open(tmp_path / "p.png")).astype(int)
        assert (plate[0] == pixels[0]).all() and (plate[:, 90:] == pixels[:, 90:]).all()
        assert np.abs(plate[square] - (30, 120, 60)).max() < 60, "grass where the red square was"

    @pytest.mark.parametrize("value", ["-1", str(2**32), "1.5", "x"])
    def test_seeds_out_of_range(self, engine, photo, mask, tmp_path, capsys, value):
        assert "whole number" in refused(capsys, "lift", photo, mask(), f"--seed={value}", "-o", tmp_path / "p.png")
        assert not engine.asked

    @pytest.mark.parametrize(
        ("kind", "said"),
        [("missing", "check the name"), ("folder", "folder.png"), ("text", "not a picture"), ("empty", "0 bytes")]
        + [("black", "nothing in it is white"), ("other size", "50 x 40 pixels, but its photo is 96 x 64")],
    )
    def test_a_mask_that_cannot_be_used_is_named(self, engine, photo, mask, tmp_path, capsys, kind, said):
        path = tmp_path / f"{kind}.png"
        if kind == "folder":
            path.mkdir()
        elif kind in ("black", "other size"):
            Image.new("L", (50, 40) if kind == "other size" else (WIDTH, HEIGHT)).save(path)
        elif kind != "missing":
            path.write_bytes(b"" if kind == "empty" else b"not a picture")
        line = refused(capsys, "lift", photo, mask(), path, "-o", tmp_path / "p.png")
        assert said in line and str(path) in line and not engine.asked and not (tmp_path / "p.png").exists()

    @pytest.mark.parametrize("kept", [0, 3])
    def test_masks_of_the_whole_photo_are_refused(self, photo, tmp_path, capsys, kept):
        """Also where nothing is left once there is a margin around them."""
        values = np.full((HEIGHT, WIDTH), 255, np.uint8)
        values[:kept] = 0
        Image.fromarray(values).save(tmp_path / "all.png")
        line = refused(capsys, "lift", photo, tmp_path / "all.png", "-o", tmp_path / "p.png")
        assert "leave some of it" in line and not (tmp_path / "p.png").exists()

    def test_no_mask_and_no_place_to_write_to(self, engine, photo, mask, tmp_path, capsys):
        assert "MASK.png" in refused(capsys, "lift", photo, "-o", tmp_path / "p.png")
        assert "create it first" in refused(capsys, "lift", photo, mask(), "-o", tmp_path / "none" / "p.png")
        assert not engine.asked


def header_only(width, height):
    """A PNG that claims a size and holds nothing."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IEND", b"")
    )


class TestFileKinds:
    def segment(self, path, tmp_path):
        return run("segment", path, "--point", "48,32", "--segmenter", "grabcut", "-o", tmp_path / "m.png")

    @pytest.mark.parametrize("command", ["segment", "collage", "fixup", "lift"])
    @pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "truncated", "1x1", "20000x20000"])
    def test_unusable_photos(self, tmp_path, photo, edit, engine, capsys, command, kind):
        path = tmp_path / "bad.png"
        if kind == "folder":
            path.mkdir()
        elif kind == "1x1":
            Image.new("RGB", (1, 1)).save(path)
        elif kind != "missing":
            contents = {"empty": b"", "text": b"not a picture", "20000x20000": header_only(20000, 20000)}
            path.write_bytes(contents.get(kind) if kind in contents else photo.read_bytes()[:-40])
        rest = {"segment": ["--point", "1,1"], "collage": [tmp_path / "c.json"], "fixup": [edit], "lift": [photo]}
        line = refused(capsys, command, path, *rest[command], "-o", tmp_path / "out.png")
        assert kind != "20000x20000" or "50 megapixels" in line
        assert not (tmp_path / "out.png").exists()

    @pytest.mark.parametrize("mode", ["CMYK", "P", "L", "I;16", "RGBA", "1", "LA"])
    def test_unusual_modes_work(self, tmp_path, pixels, mode):
        picture = Image.fromarray(pixels)
        sixteen_bit = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
        picture = sixteen_bit if mode == "I;16" else picture.convert(mode)
        path = tmp_path / ("photo.jpg" if mode == "CMYK" else "photo.png")
        picture.save(path)
        assert self.segment(path, tmp_path) == 0
        assert Image.open(tmp_path / "m.png").size == (WIDTH, HEIGHT)

    def test_an_animation_gives_its_first_frame(self, tmp_path, pixels):
        frames = [Image.fromarray(pixels), Image.new("RGB", (WIDTH, HEIGHT), "white")]
        frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
        assert self.segment(tmp_path / "a.gif", tmp_path) == 0
        assert np.array(Image.open(tmp_path / "m.png"))[32, 48] == 255

    def test_clicks_on_a_rotated_photo_are_upright(self, tmp_path, pixels):
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned by 90 degrees clockwise
        Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=95)
        out = tmp_path / "m.png"
        assert run("segment", tmp_path / "turned.jpg", "--point", "32,80", "--segmenter", "grabcut", "-o", out) == 0
        assert Image.open(out).size == (HEIGHT, WIDTH)


class TestManners:
    def test_argparse_complaints_are_one_line(self, capsys):
        for arguments in ([], ["nonsense"], ["segment"], ["fixup", "a", "b", "--what"], ["segment", "p", "-o"]):
            assert "--help" in refused(capsys, *arguments)

    def test_control_c(self, monkeypatch, photo, tmp_path, capsys):
        def interrupt(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr("magicfixup_demo.images.open_photo", interrupt)
        assert run("segment", photo, "--point", "1,1", "-o", tmp_path / "m.png") == 130
        assert capsys.readouterr().err == "Interrupted.\n"

    def test_as_a_module(self, tmp_path):
        command = [sys.executable, "-m", "magicfixup_demo", "segment", "none.jpg", "--point", "1,1"]
        done = subprocess.run([*command, "-o", str(tmp_path / "m.png")], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.count("\n") == 1 and "none.jpg" in done.stderr

    def test_help_imports_nothing_heavy(self):
        code = (
            "import sys; from magicfixup_demo.cli import main\n"
            "try: main(['--help'])\nexcept SystemExit: pass\n"
            "assert not {'torch', 'numpy', 'cv2', 'gradio'} & set(sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        assert all(command in done.stdout for command in ("segment", "collage", "fixup", "lift"))
