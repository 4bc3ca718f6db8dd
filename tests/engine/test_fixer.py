"""The engine that users run, with a tiny real network in it."""

import copy
import dataclasses
import threading

import numpy as np
import pytest
import torch
from tiny_pipeline import acting_pipeline, at_work

from magicfixup_demo.affine import translation
from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.engine.composite import blend_weight, ring_width
from magicfixup_demo.engine.conditioning import fill_from_background, touched_pixels
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.engine.shared_runs import THREAD, Request
from magicfixup_demo.errors import Cancelled, EditError, ModelError, OptionError
from magicfixup_demo.schema import CoarseEdit, Collage, EditOptions, Layer


@pytest.fixture(scope="module")
def engine() -> PipelineEngine:
    info = EngineInfo("tiny", "random weights, for tests", "none", default_steps=2, max_steps=20)
    return PipelineEngine(acting_pipeline(), info, fill_from_background, strength=0.5, area=96 * 96)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    y, x = np.mgrid[0:150, 0:230]
    picture = np.dstack([x % 256, y, (x + y) % 200]).astype(np.uint8)
    picture[60:90, 50:80] = (250, 40, 40)
    return picture


@pytest.fixture(scope="module")
def moved(scene) -> CoarseEdit:
    mask = np.zeros(scene.shape[:2], bool)
    mask[60:90, 50:80] = True
    segment = segment_from_mask("s", mask)
    return render(scene, Collage(230, 150, (segment,), (Layer("l", "s", translation(40.5, 10.25)),)))


def test_result_has_the_photos_size_and_untouched_pixels(engine, scene, moved):
    result = engine.fixup(scene, moved, EditOptions(seed=1))
    untouched = blend_weight(touched_pixels(scene, moved), ring_width(150, 230)) == 0
    assert untouched.mean() > 0.3
    for picture in (*result.images, result.sdedit):
        assert picture.shape == scene.shape and picture.dtype == np.uint8
        assert np.array_equal(picture[untouched], scene[untouched])
        assert (picture[moved.hole] != 0).any()
    assert result.coarse.shape == scene.shape
    assert (result.steps, result.seed, result.model) == (2, 1, "tiny")


def test_samples_are_the_runs_of_the_following_seeds(engine, scene, moved):
    both = engine.fixup(scene, moved, EditOptions(seed=5, samples=2, sdedit=False))
    second = engine.fixup(scene, moved, EditOptions(seed=6, sdedit=False))
    assert both.sdedit is None
    assert np.array_equal(both.images[1], second.images[0])
    assert not np.array_equal(both.images[0], both.images[1])


@pytest.mark.parametrize("words", ["Variant 3", "SDEdit"])
def test_a_stop_keeps_the_finished_variants(engine, scene, moved, words):
    options = EditOptions(seed=5, samples=4)
    whole = engine.fixup(scene, moved, options)
    stopped = engine.fixup(scene, moved, options, stopping_at(words))
    finished = 2 if words == "Variant 3" else 4
    assert len(stopped.images) == finished and stopped.sdedit is None and "stopped" in stopped.note
    for image, same in zip(stopped.images, whole.images, strict=False):
        np.testing.assert_array_equal(image, same)
    with pytest.raises(Cancelled):
        engine.fixup(scene, moved, options, stopping_at("Variant 1"))


def test_variants_that_do_not_fit_leave_the_finished_ones(engine, scene, moved):
    other, runs = copy.copy(engine), []

    def growing(*arguments, **settings):
        runs.append(1)
        if len(runs) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return engine.pipeline(*arguments, **settings)

    growing.device, growing.config = engine.pipeline.device, engine.pipeline.config
    growing.cache = engine.pipeline.cache
    other.pipeline = growing
    result = other.fixup(scene, moved, EditOptions(seed=5, samples=3))
    assert len(result.images) == 1 and "1 of 3 variants" in result.note and "memory is full" in result.note
    np.testing.assert_array_equal(result.images[0], engine.fixup(scene, moved, EditOptions(seed=5)).images[0])


def test_the_time_is_told_for_each_part(engine, scene, moved):
    result = engine.fixup(scene, moved, EditOptions(steps=3))
    assert min(result.fill_seconds, result.sdedit_seconds) > 0
    assert result.fill_seconds + result.sdedit_seconds < result.seconds and result.sdedit_steps == 3
    assert engine.fixup(scene, moved, EditOptions(sdedit=False)).sdedit_steps == 0


def test_the_last_seed_wraps(engine, scene, moved):
    assert len(engine.fixup(scene, moved, EditOptions(seed=2**32 - 1, samples=2, sdedit=False)).images) == 2


def test_compare_is_the_sdedit_of_fixup(engine, scene, moved):
    together = engine.fixup(scene, moved, EditOptions(seed=2))
    assert np.array_equal(engine.compare(scene, moved, EditOptions(seed=2)), together.sdedit)


def with_comparison(engine: PipelineEngine, comparison) -> PipelineEngine:
    other = copy.copy(engine)
    other.comparison = comparison
    return other


def test_another_networks_comparison_sees_the_filled_edit_and_the_options(engine, scene, moved):
    asked = []

    def inverted(coarse, options, on_step):
        asked.append((coarse, options))
        on_step(0, 1)
        return 255 - coarse

    options = EditOptions(seed=3, prompt="a red square")
    result = with_comparison(engine, inverted).fixup(scene, moved, options, lambda fraction, text: None)
    (coarse, given), *_ = asked
    assert given is options and coarse.shape[0] * coarse.shape[1] <= 96 * 96 * 1.1
    assert result.note == "" and not np.array_equal(result.sdedit, engine.fixup(scene, moved, options).sdedit)
    assert np.array_equal(result.images[0], engine.fixup(scene, moved, options).images[0])


def test_who_waits_for_another_run_hears_so_and_may_stop(engine, scene, moved):
    said = []

    def stop(fraction, text):
        said.append(text)
        raise Cancelled("Stopped.")

    with at_work(engine.runs), pytest.raises(Cancelled):
        engine.fixup(scene, moved, EditOptions(), stop)
    assert said == ["Waiting for another fix-up to end"]


def test_a_comparison_is_loaded_while_others_may_run(engine, scene, moved):
    """Its loading may be a download of gigabytes."""
    seen = []

    class Comparison:
        def load(self, progress):
            seen.append(other.runs.result(Request(None, lambda party: ["another's run"])))
            progress(0.5, "Downloading")

        def __call__(self, coarse, options, on_step):
            seen.append(threading.current_thread().name)
            return coarse

    other = with_comparison(engine, Comparison())
    texts = []
    other.fixup(scene, moved, EditOptions(), lambda fraction, text: texts.append(text))
    assert seen == ["another's run", THREAD] and "Downloading" in texts


def test_a_comparison_that_is_not_to_be_had_leaves_the_fix_up_whole(engine, scene, moved):
    def missing(coarse, options, on_step):
        raise ModelError("The Hub does not answer.")

    result = with_comparison(engine, missing).fixup(scene, moved, EditOptions(seed=3))
    assert result.sdedit is None and "The Hub does not answer." in result.note
    assert np.array_equal(result.images[0], engine.fixup(scene, moved, EditOptions(seed=3)).images[0])


def test_an_edit_of_another_size_is_fitted(engine, scene, moved):
    half = CoarseEdit(rgb=moved.rgb[::2, ::2].copy(), alpha=moved.alpha[::2, ::2].copy())
    assert engine.fixup(scene, half, EditOptions()).images[0].shape == scene.shape


def test_an_edit_that_changes_nothing_returns_the_photo(engine, scene):
    same = CoarseEdit(rgb=scene, alpha=np.full(scene.shape[:2], 255, np.uint8))
    assert np.array_equal(engine.fixup(scene, same, EditOptions()).images[0], scene)


def test_nothing_but_hole_is_refused(engine, scene):
    with pytest.raises(EditError, match="nothing but hole"):
        engine.fixup(scene, CoarseEdit(scene, np.zeros(scene.shape[:2], np.uint8)), EditOptions())


@pytest.mark.parametrize(
    "options",
    [
        EditOptions(steps=0),
        EditOptions(steps=21),
        EditOptions(seed=-1),
        EditOptions(seed=2**32),
        EditOptions(samples=0),
        EditOptions(samples=9),
        EditOptions(strength=0.0),
        EditOptions(strength=1.5),
        EditOptions(sampler="euler"),
    ],
)
def test_options_out_of_range_are_refused(engine, scene, moved, options):
    with pytest.raises(OptionError, match="choose"):
        engine.fixup(scene, moved, options)


def test_progress_rises_to_one_and_may_cancel(engine, scene, moved):
    seen = []
    engine.fixup(scene, moved, EditOptions(samples=2), lambda fraction, text: seen.append((fraction, text)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert any("SDEdit" in text for _, text in seen)

    with pytest.raises(Cancelled):
        engine.fixup(scene, moved, EditOptions(), stopping_at("step 2"))
    engine.fixup(scene, moved, EditOptions())  # the engine is free again


def test_a_stop_during_the_comparison_keeps_what_is_done(engine, scene, moved):
    whole = engine.fixup(scene, moved, EditOptions())
    stopped = engine.fixup(scene, moved, EditOptions(), stopping_at("SDEdit"))
    np.testing.assert_array_equal(stopped.images[0], whole.images[0])
    assert stopped.sdedit is None and stopped.note == "Without the SDEdit comparison: stopped"


def test_a_full_gpu_is_an_error_with_a_cure_and_costs_no_finished_picture(engine, scene, moved):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    other = copy.copy(engine)
    other.comparison = full
    result = other.fixup(scene, moved, EditOptions())
    assert len(result.images) == 1 and result.sdedit is None and "memory is full" in result.note


def stopping_at(words: str):
    """Progress whose reader stops when it says ``words``, and at every word after that."""
    stopped = []

    def progress(fraction: float, text: str) -> None:
        stopped.extend([text] if words in text else [])
        if stopped:
            raise Cancelled("stopped")

    return progress


def test_a_sampler_may_be_chosen_and_brings_its_own_number_of_steps(engine, scene, moved):
    other = copy.copy(engine)
    other.info = dataclasses.replace(engine.info, max_steps=60, samplers=("ddim", "unipc", "published"))
    first, second = (other.fixup(scene, moved, EditOptions(sampler=name, sdedit=False)) for name in ("ddim", "unipc"))
    assert first.steps == second.steps == 2
    assert np.array_equal(first.images[0], other.fixup(scene, moved, EditOptions(sdedit=False)).images[0])
    assert not np.array_equal(first.images[0], second.images[0])
    assert other.fixup(scene, moved, EditOptions(sampler="published", sdedit=False)).steps == 50


def test_previews_show_the_whole_photo_between_steps(engine, scene, moved):
    shown = []
    options = EditOptions(steps=3, samples=2, seed=4, sdedit=False)
    result = engine.fixup(scene, moved, options, preview=shown.append)
    assert [picture.shape for picture in shown] == [scene.shape] * 4
    assert all(picture.dtype == np.uint8 for picture in shown)
    assert np.array_equal(result.images[1], engine.fixup(scene, moved, options).images[1])
