"""The methods compared: the baselines do their work, names are understood, unknown ones refused."""

import numpy as np
import pytest
from tiny_pipeline import acting_pipeline

from magicfixup_demo.engine.conditioning import dilated_hole, fill_from_background
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.errors import OptionError
from magicfixup_demo.evaluation import methods
from magicfixup_demo.evaluation.methods import BASELINES, BEST_STEPS, expand, is_ours, load_methods, only_in_hole
from magicfixup_demo.evaluation.metrics import exact
from magicfixup_demo.evaluation.regions import regions_of
from magicfixup_demo.evaluation.report import DEFAULT_METHODS
from magicfixup_demo.schema import CoarseEdit


@pytest.mark.parametrize("name", list(BASELINES))
def test_baselines_fill_the_hole_and_keep_the_rest(name, picture, edit):
    result = BASELINES[name](picture, edit, 0)
    assert result.shape == picture.shape and result.dtype == np.uint8
    assert result[35:55, 45:65].std() > 0
    assert np.abs(result[:20].astype(int) - picture[:20]).max() <= 1
    assert np.abs(result[72:].astype(int) - picture[72:]).max() <= 1


def test_poisson_moves_the_object_too(picture):
    """A bright object cloned into a dark place takes on its surroundings, but stays an object."""
    photo = np.full((100, 160, 3), 60, np.uint8)
    photo[:, 80:] = 180
    photo[40:60, 20:40] = picture[:20, :20]
    rgb, alpha = photo.copy(), np.full((100, 160), 255, np.uint8)
    rgb[40:60, 110:130] = photo[40:60, 20:40]
    alpha[38:62, 18:42] = 0
    result = BASELINES["poisson"](photo, CoarseEdit(rgb, alpha), 0)
    assert result[42:58, 112:128].std() > 5
    assert result[42:58, 112:128].mean() > result[42:58, 22:38].mean() + 40


@pytest.mark.parametrize("name", ["magic", "small@x", ""])
def test_unknown_methods_are_refused(name):
    with pytest.raises(OptionError):
        load_methods([name])


@pytest.mark.parametrize("name", ["small~extractor", "magicfixup~nothing", "sdedit~mask", "telea~mask"])
def test_parts_that_cannot_be_switched_off(name, monkeypatch):
    """``small`` has none: no diffusion network makes its result. Nothing is loaded, or downloaded, to find that out."""
    monkeypatch.setattr(methods, "load_engine", lambda name: pytest.fail(f"{name} was loaded"))
    with pytest.raises(OptionError):
        load_methods([name])


def test_a_part_of_a_diffusion_model_is_switched_off_in_the_model_itself(picture, edit, monkeypatch):
    pipeline = acting_pipeline(std=0.5)
    engine = PipelineEngine(pipeline, EngineInfo("tiny", "", "", 1, 4), fill_from_background, 0.5, 64 * 64)
    monkeypatch.setattr(methods, "load_engine", lambda name: engine)
    made = load_methods(["magicfixup@1", "magicfixup@1~extractor"])
    assert {type(method) for method in made.values()} == {methods.Fixup}
    whole, ablated = (method(picture, edit, 0) for method in made.values())
    assert not np.array_equal(whole, ablated)


def test_what_is_run_by_default_can_be_loaded():
    names, _ = expand(list(DEFAULT_METHODS))
    assert list(load_methods(names)) == names


def test_sdedit_at_its_best_stands_for_four_strengths():
    names, candidates = expand(["telea", "sdedit@best", "small"])
    assert candidates == [f"sdedit@{BEST_STEPS}@{strength}" for strength in (0.2, 0.4, 0.6, 0.8)]
    assert names == ["telea", *candidates, "small"]
    assert expand(["sdedit@8@best", "sdedit@8@0.4"])[0] == [f"sdedit@8@{s}" for s in (0.2, 0.4, 0.6, 0.8)]


def test_which_methods_are_ours():
    assert all(is_ours(name) for name in ("small", "magicfixup@4", "magicfixup~mask"))
    assert not any(is_ours(name) for name in ("sdedit@4@0.2", "telea", "migan"))


def test_only_in_hole_keeps_the_coarse_edit_elsewhere(picture, edit):
    white = np.full_like(picture, 255)
    result = only_in_hole(lambda *_: white, picture, edit, 0)
    far = np.ones(picture.shape[:2], bool)
    far[20:70, 30:80] = False
    assert (result[far] == edit.rgb[far]).all()
    assert (result[40:50, 50:60] == 255).all() and dilated_hole(edit)[40:50, 50:60].all()


def test_a_model_runs_once_for_itself_and_its_hole(picture, edit, monkeypatch):
    made = load_methods(["small", "small~outside"])
    engine, calls = made["small"].engine, []
    monkeypatch.setattr(engine, "fixup", lambda *inputs: calls.append(1) or type(engine).fixup(engine, *inputs))
    whole, hole = (method(picture, edit, 0) for method in made.values())
    assert len(calls) == 1 and whole.shape == hole.shape == picture.shape
    assert exact(whole, picture, regions_of(picture, edit)["untouched"]) == 1
    made["small"](picture, edit, 1)
    assert len(calls) == 2
