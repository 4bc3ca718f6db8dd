"""The function that runs on a lent GPU: off the Hub, and through ``spaces``' own wrapper in another process."""

import dataclasses
import json
import logging
import multiprocessing
import subprocess
import sys
import time
import types

import gradio as gr
import numpy as np
import pytest

from magicfixup_demo.engine.fallback import FallbackEngine
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.errors import Cancelled, EditError, MagicFixupError, MemoryFull, ModelError
from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult
from magicfixup_demo.ui import ahead_of_time, models, strings, zerogpu
from magicfixup_demo.ui.zerogpu import MOST_SECONDS, ZeroGpuEngine, estimated_seconds, run_on_gpu

ANONYMOUS_SECONDS = 120  # a day, for visitors without an account
COUNTED = 1.5  # a second of the card in spaces' own table


class Shifter:
    """An engine in NumPy alone, because libraries with threads of their own do not survive a fork."""

    info = EngineInfo("magicfixup", "", "", default_steps=20, max_steps=100)

    def __init__(self):
        self.steps_done = multiprocessing.get_context("fork").Value("i", 0)  # one number for both processes

    def fixup(self, photo, edit, options, progress=None, preview=None) -> EditResult:
        if options.seed == 13:
            raise EditError("This seed brings bad luck; take another.")
        if options.seed == 14:
            raise ZeroDivisionError("a bug")
        if options.seed == 15:
            raise MemoryFull("The GPU's memory is full.")
        steps = options.steps or self.info.default_steps
        for step in range(steps):
            progress(step / steps, f"step {step + 1}")
            preview(np.full((2, 3, 3), step, np.uint8))
            self.steps_done.value += 1
            time.sleep(0.005)  # as a step takes some time, a stop can come before the last one
        picture = np.roll(edit.rgb, options.seed, axis=1)
        return EditResult((picture,), None, edit.rgb, edit.hole, options.seed, steps, 0.0, "magicfixup")


@pytest.fixture
def engine(monkeypatch) -> Shifter:
    engine = Shifter()
    monkeypatch.setitem(zerogpu.ENGINES, "magicfixup", engine)
    monkeypatch.setitem(
        zerogpu.ENGINES, "small", types.SimpleNamespace(info=dataclasses.replace(engine.info, default_steps=2))
    )
    return engine


@pytest.fixture
def edit() -> CoarseEdit:
    rgb = np.arange(8 * 10 * 3, dtype=np.uint8).reshape(8, 10, 3)
    return CoarseEdit(rgb, np.full((8, 10), 255, np.uint8))


@pytest.fixture(params=["off the Hub", "in a process of its own"])
def place(request, monkeypatch):
    """Both ways in which the decorated function runs; the second one is spaces' own, with the GPU left out."""
    if request.param == "off the Hub":
        yield
        return
    import spaces.zero

    without_cuda = types.SimpleNamespace(enter_mode=lambda: None)  # its own wants a torch that was built for CUDA
    monkeypatch.setitem(sys.modules, "spaces.zero.torch", without_cuda)
    monkeypatch.setattr(spaces.zero, "torch", without_cuda, raising=False)
    from spaces.zero import wrappers

    answer = types.SimpleNamespace(allowToken="", nvidiaIndex=0, nvidiaUUID="", idle=False)
    monkeypatch.setattr(wrappers.client, "schedule", lambda **_: answer)
    monkeypatch.setattr(wrappers.client, "release", lambda *_, **__: None)
    monkeypatch.setattr(wrappers, "worker_init", lambda **_: None)
    monkeypatch.setattr(wrappers.client, "get_duration_seconds", lambda *_: 60)
    decorated = wrappers.generator_function_wrapper(run_on_gpu, estimated_seconds, None)
    monkeypatch.setattr(zerogpu, "run_on_gpu", decorated)
    others = set(multiprocessing.active_children())
    yield
    for worker in (
        set(multiprocessing.active_children()) - others
    ):  # it waits for more, with our open files in its hands
        worker.kill()
        worker.join()


def test_the_result_progress_and_previews_are_the_engines_own(place, engine, edit):
    seen, shown = [], []
    options = EditOptions(seed=3, steps=4)
    result = ZeroGpuEngine("magicfixup").fixup(
        edit.rgb, edit, options, lambda *report: seen.append(report), shown.append
    )
    direct = engine.fixup(edit.rgb, edit, options, lambda *_: None, lambda _: None)
    np.testing.assert_array_equal(result.images[0], direct.images[0])
    assert (result.seed, result.steps, result.model) == (3, 4, "magicfixup")
    assert seen == [(0.0, strings.STARTING)] + [(step / 4, f"step {step + 1}") for step in range(4)]
    assert shown and shown[0].shape == (2, 3, 3)


def test_a_stop_ends_the_work_between_two_steps(place, engine, edit):
    def stop_at_the_third(fraction, text):
        if text == "step 3":
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        ZeroGpuEngine("magicfixup").fixup(edit.rgb, edit, EditOptions(steps=100), stop_at_the_third, lambda _: None)
    assert 2 <= engine.steps_done.value < 100


def test_errors_keep_their_sentence_and_bugs_their_silence(place, engine, edit):
    for seed, sentence in ((13, "This seed brings bad luck; take another."), (14, strings.SURPRISE)):
        with pytest.raises(MagicFixupError) as caught:
            ZeroGpuEngine("magicfixup").fixup(edit.rgb, edit, EditOptions(seed=seed))
        assert str(caught.value) == sentence


def test_a_card_that_is_too_full_leaves_the_work_to_the_processor(place, engine, edit):
    with pytest.raises(MemoryFull, match="memory is full"):
        ZeroGpuEngine("magicfixup").fixup(edit.rgb, edit, EditOptions(seed=15))
    asked = []

    def fixup(photo, given, options, *reports):
        asked.append(options)
        return engine.fixup(photo, given, dataclasses.replace(options, seed=1), *reports)

    on_processor = types.SimpleNamespace(info=dataclasses.replace(engine.info, name="small"), fixup=fixup)
    engines = FallbackEngine(ZeroGpuEngine("magicfixup"), lambda progress: on_processor)
    result = engines.fixup(edit.rgb, edit, EditOptions(seed=15, steps=9), lambda *_: None, lambda _: None)
    assert "not enough memory for magicfixup" in result.note and asked == [EditOptions(seed=15)]


def test_objects_are_lifted_on_the_processor_where_the_first_engine_cannot(engine):
    def full(*_):
        raise MemoryFull("The GPU's memory is full.")

    photo, removed, loads = np.zeros((4, 5, 3), np.uint8), np.ones((4, 5), bool), []
    spare = types.SimpleNamespace(lift=lambda *given: given)

    def load_spare(progress):
        loads.append(progress)
        return spare

    for first in (ZeroGpuEngine("small"), types.SimpleNamespace(info=engine.info, lift=full)):
        lifted = FallbackEngine(first, load_spare).lift(photo, [removed], 7, print)
        assert lifted == (photo, [removed], 7, print, True) and loads == [print]
        loads.clear()
    able = types.SimpleNamespace(info=engine.info, lift=lambda *given: "lifted")
    assert FallbackEngine(able, load_spare).lift(photo, [removed]) == "lifted" and not loads


def test_a_used_up_share_is_told_in_the_hubs_own_words(monkeypatch, engine, edit):
    def refused(*_):
        raise gr.Error("You have exceeded your ZeroGPU quota. Try again in 3:20:00.")
        yield

    monkeypatch.setattr(zerogpu, "run_on_gpu", refused)
    with pytest.raises(MagicFixupError, match="Try again in 3:20:00"):
        ZeroGpuEngine("magicfixup").fixup(edit.rgb, edit, EditOptions())


# How long the card is asked for


def seconds(name="magicfixup", side=512, **options) -> int:
    photo = np.zeros((side, side, 3), np.uint8)
    return estimated_seconds(name, photo, CoarseEdit(photo, photo[..., 0]), EditOptions(**options))


def test_more_work_is_given_more_time(engine):
    assert seconds(steps=10) < seconds(steps=30) < seconds(steps=60)
    assert seconds(steps=20, sdedit=False) < seconds(steps=20) < seconds(steps=20, samples=3)
    assert seconds(side=512) < seconds(side=3000)
    assert seconds("small") < seconds("magicfixup")
    assert seconds(sampler="unipc") < seconds(sampler="published"), "which takes 50 steps by itself"


def test_an_edit_leaves_room_for_others(engine):
    assert seconds() * COUNTED < ANONYMOUS_SECONDS / 4, "at least four a day without an account"
    assert seconds(steps=100, samples=8, side=4000) == MOST_SECONDS
    assert MOST_SECONDS * COUNTED < ANONYMOUS_SECONDS


# Loading


@pytest.mark.parametrize(
    ("fault", "said"),
    [(ModelError("The Hub does not answer."), "Hub does not answer"), (RuntimeError("CUDA"), "Something went wrong")],
)
def test_on_zerogpu_every_model_is_on_the_card_before_the_page_is_there(monkeypatch, fault, said):
    loaded = []

    def load_engine(name, device, backend, progress):
        loaded.append((name, device))
        if name == "magicfixup":
            raise fault
        return types.SimpleNamespace(info=dataclasses.replace(Shifter.info, name=name))

    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setattr("magicfixup_demo.engine.registry.load_engine", load_engine)
    monkeypatch.setattr(zerogpu, "ENGINES", {})
    engines = models.engines("auto")
    assert sorted(loaded) == [("magicfixup", "cuda"), ("small", "cuda")], "before anything was started"
    assert isinstance(engines.start().get("small", lambda *_: None).first, ZeroGpuEngine)
    with pytest.raises(MagicFixupError, match=said):
        engines.get("magicfixup", lambda *_: None)
    assert (engines.catalogue.default, engines.default) == ("magicfixup", "small")


def test_a_space_without_a_gpu_offers_no_visitor_a_quarter_of_an_hour_of_everybodys_time(monkeypatch):
    def names(default):
        return [offer.name for offer in models.catalogue(default).offers]

    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert names("auto") == ["small", "magicfixup"]
    monkeypatch.setenv("SPACE_ID", "somebody/magicfixup")
    assert names("auto") == ["small"]
    assert names("magicfixup") == ["small", "magicfixup"], "its owner named it"
    with pytest.raises(ModelError, match="nonsense"):
        names("nonsense")


def test_nothing_imports_cuda_when_the_page_starts(repository):
    code = """
import json, sys
sys.argv = ["app.py"]
import app
before = [name for name in ("torch", "spaces") if name in sys.modules]
import torch
print(json.dumps([before, torch.cuda.is_initialized()]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [[], False]


# Ahead-of-time compilation


@pytest.fixture(scope="module")
def tiny():
    """A function that makes PipelineEngines with the same random weights."""
    from tiny_pipeline import acting_pipeline

    from magicfixup_demo.engine.conditioning import fill_from_background
    from magicfixup_demo.engine.fixer import PipelineEngine

    def build():
        info = EngineInfo("tiny", "", "", default_steps=2, max_steps=20)
        return PipelineEngine(acting_pipeline(), info, fill_from_background, strength=0.5, area=64 * 64)

    return build


@pytest.fixture
def square_edit() -> tuple[np.ndarray, CoarseEdit]:
    photo = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    alpha = np.full((64, 64), 255, np.uint8)
    alpha[20:40, 20:40] = 0
    return photo, CoarseEdit(np.roll(photo, 9, axis=1), alpha)


def picture(engine, photo, edit) -> np.ndarray:
    return engine.fixup(photo, edit, EditOptions(seed=1)).images[0]


def test_compiling_is_never_tried_on_a_cpu_or_without_the_flag(monkeypatch, tiny):
    monkeypatch.setattr(ahead_of_time, "_compiled", lambda *_: pytest.fail("tried"))
    for flag, cuda in (("1", False), ("0", True), (None, True)):
        monkeypatch.setattr("torch.cuda.is_available", lambda cuda=cuda: cuda)
        monkeypatch.setenv("MAGICFIXUP_AOT", flag) if flag else monkeypatch.delenv("MAGICFIXUP_AOT", raising=False)
        assert ahead_of_time.compile_networks(tiny()) is False


def test_exported_networks_give_the_same_picture_and_other_sizes_run_as_before(monkeypatch, tiny, square_edit):
    calls = []

    def exported_only(program):  # what comes before the compiler, which wants a GPU
        run = program.module()
        return lambda *values: calls.append(len(values)) or run(*values)

    monkeypatch.setattr("spaces.aoti_compile", exported_only)
    monkeypatch.setattr(ahead_of_time, "wanted", lambda: True)
    photo, edit = square_edit
    plain, compiled = tiny(), tiny()
    assert ahead_of_time.compile_networks(compiled) is True
    ours, theirs = picture(compiled, photo, edit), picture(plain, photo, edit)
    assert {2, 3} <= set(calls), "both networks ran as exported"
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    calls.clear()
    wide = np.hstack([photo, photo]), CoarseEdit(np.hstack([edit.rgb, edit.rgb]), np.hstack([edit.alpha, edit.alpha]))
    np.testing.assert_array_equal(picture(compiled, *wide), picture(plain, *wide))
    assert not calls


def test_a_compiled_network_that_does_not_run_gives_way(monkeypatch, tiny, square_edit, caplog):
    def broken(*_):
        raise RuntimeError("compiled for another card")

    monkeypatch.setattr("spaces.aoti_compile", lambda program: broken)
    monkeypatch.setattr(ahead_of_time, "wanted", lambda: True)
    plain, compiled = tiny(), tiny()
    assert ahead_of_time.compile_networks(compiled) is True
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(picture(compiled, *square_edit), picture(plain, *square_edit))
    assert "it runs as it is from now on" in caplog.text


def test_a_failure_to_compile_is_logged_and_changes_nothing(monkeypatch, tiny, square_edit, caplog):
    def broken(program):
        raise RuntimeError("no compiler here")

    monkeypatch.setattr("spaces.aoti_compile", broken)
    monkeypatch.setattr(ahead_of_time, "wanted", lambda: True)
    engine = tiny()
    with caplog.at_level(logging.WARNING):
        assert ahead_of_time.compile_networks(engine) is False
    assert "the networks run as they are" in caplog.text
    np.testing.assert_array_equal(picture(engine, *square_edit), picture(tiny(), *square_edit))
