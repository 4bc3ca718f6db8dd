"""Full memory, in the words of every library: less at once, then another engine, and the result says so."""

import copy
import gc
import weakref

import cv2
import numpy as np
import pytest
import torch
from tiny_pipeline import acting_pipeline

from magicfixup_demo.engine import reading, registry
from magicfixup_demo.engine.conditioning import fill_as_published, fill_from_background
from magicfixup_demo.engine.fallback import FallbackEngine, in_less_memory, memory_told
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.ground import Ground
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.errors import Cancelled, MemoryFull, ModelError
from magicfixup_demo.faults import memory_is_full
from magicfixup_demo.schema import CoarseEdit, EditOptions

FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
    cv2.error("OpenCV(5.0.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 99 bytes"),
]


def tiny(preset: str = "tiny", name: str = "tiny") -> PipelineEngine:
    info = EngineInfo(name, "", "", default_steps=2, max_steps=20, samplers=("ddim", "unipc"))
    latent = preset != "tiny"
    fill = fill_as_published if latent else fill_from_background
    return PipelineEngine(
        acting_pipeline(preset), info, fill, strength=0.5, area=64 * 64, multiple=64 if latent else 32
    )


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def edit(photo) -> CoarseEdit:
    alpha = np.full((64, 64), 255, np.uint8)
    alpha[20:40, 20:40] = 0
    return CoarseEdit(np.roll(photo, 9, axis=1), alpha)


class Memory:
    """Makes a network raise in place of running while ``holds(its sample)`` is false."""

    def __init__(self, network, error=FULL[0]):
        self.holds = lambda sample: False
        self.refused = 0
        forward, self._error = network.forward, error

        def limited(sample, *arguments, **options):
            if not self.holds(sample):
                self.refused += 1
                raise self._error
            return forward(sample, *arguments, **options)

        network.forward = limited


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
def test_full_memory_is_known_in_any_words(error):
    assert memory_is_full(error)
    with pytest.raises(MemoryFull, match="GPU's memory is full"), memory_told("cuda"):
        raise error
    with pytest.raises(MemoryFull, match="This machine's memory is full"), memory_told("cpu"):
        raise error


def test_other_errors_stay_what_they_are():
    for error in (ValueError("shapes"), Cancelled("Stopped."), ModelError("no")):
        assert not memory_is_full(error)
        with pytest.raises(type(error)) as caught, memory_told("cuda"):
            raise error
        assert caught.value is error


def test_nothing_of_the_first_try_is_held_during_the_second():
    """An error keeps the frames that it came through, and with them what they had made."""
    held, alive = [], []

    def run(sparing):
        big = np.zeros(10)
        if not sparing:
            held.append(weakref.ref(big))
            raise MemoryError
        alive.append(held[0]() is not None)
        return "made"

    assert in_less_memory(run, gc.collect) == ("made", True)
    assert alive == [False]


def test_what_does_not_fit_in_less_memory_either_is_raised():
    with pytest.raises(MemoryError):
        in_less_memory(lambda sparing: (_ for _ in ()).throw(MemoryError()), lambda: None)


def test_a_gpu_that_reads_fewer_timesteps_at_once_makes_the_same_picture(photo, edit, monkeypatch):
    monkeypatch.setattr(reading, "READ_AT_ONCE", {"cpu": 4})
    options = EditOptions(seed=3, steps=4, sampler="unipc", sdedit=False)
    usual = tiny("magicfixup-tiny").fixup(photo, edit, options)
    engine = tiny("magicfixup-tiny")
    memory = Memory(engine.pipeline.extractor)
    memory.holds = lambda sample: len(sample) == 1
    spared = engine.fixup(photo, edit, options)
    assert memory.refused == 1 and not usual.note
    assert spared.note == "Memory was short, so this was computed in smaller parts."
    assert np.abs(spared.images[0].astype(int) - usual.images[0]).max() <= 1, "batches round differently"


def test_the_next_fix_up_is_as_usual(photo, edit):
    engine = tiny()
    memory = Memory(engine.pipeline.synthesizer)
    failures = iter([False])
    memory.holds = lambda sample: next(failures, True)
    first, second = (engine.fixup(photo, edit, EditOptions(seed=1)) for _ in range(2))
    assert first.note and not second.note
    np.testing.assert_array_equal(first.images[0], second.images[0])


def test_what_does_not_fit_at_all_is_made_by_the_spare(photo, edit):
    first, spare, loads, said = tiny(name="large"), tiny(name="small"), [], []
    memory = Memory(first.pipeline.synthesizer)
    engine = FallbackEngine(first, lambda progress: loads.append(1) or spare)
    options = EditOptions(seed=5, steps=7, samples=2, sampler="unipc", prompt="a dog")
    result = engine.fixup(photo, edit, options, lambda fraction, text: said.append(text))
    assert (result.model, result.steps, len(result.images)) == ("small", 2, 2), "the spare's own number of steps"
    assert "not enough memory for large" in result.note and "small made this" in result.note
    own = spare.fixup(photo, edit, EditOptions(seed=5, samples=2))
    np.testing.assert_array_equal(result.images[1], own.images[1])
    assert not first.runs._working and not first.runs._expected
    memory.holds = lambda sample: True
    again = engine.fixup(photo, edit, options)
    assert (again.model, again.note, again.steps) == ("large", "", 7) and loads == [1]


def test_the_same_model_on_the_processor_takes_the_same_options(photo, edit):
    first, spare = tiny(), tiny()
    Memory(first.pipeline.synthesizer)
    options = EditOptions(seed=5, steps=3, sampler="unipc", sdedit=False)
    result = FallbackEngine(first, lambda progress: spare).fixup(photo, edit, options)
    assert "tiny on the GPU" in result.note and result.steps == 3
    np.testing.assert_array_equal(result.images[0], spare.fixup(photo, edit, options).images[0])


def test_where_nothing_fits_one_sentence_is_left(photo, edit):
    first, spare = tiny(), tiny()
    memories = [Memory(engine.pipeline.synthesizer, MemoryError()) for engine in (first, spare)]
    engine = FallbackEngine(first, lambda progress: spare)
    with pytest.raises(MemoryFull, match="This machine's memory is full: try again"):
        engine.fixup(photo, edit, EditOptions())
    for memory in memories:
        memory.holds = lambda sample: True
    assert engine.fixup(photo, edit, EditOptions()).note == "", "the locks are free, nothing is kept of the failure"


def test_a_photo_too_large_for_the_machine_is_the_same_sentence(photo, edit):
    engine = tiny()
    engine.fill = lambda *_: (_ for _ in ()).throw(MemoryError())
    with pytest.raises(MemoryFull, match="smaller photo"):
        engine.fixup(photo, edit, EditOptions())


def test_errors_and_stops_of_the_first_engine_are_the_visitors(photo, edit):
    engine = FallbackEngine(tiny(), lambda progress: pytest.fail("loaded"))
    with pytest.raises(Cancelled):
        engine.fixup(photo, edit, EditOptions(), lambda *_: (_ for _ in ()).throw(Cancelled("Stopped.")))


def test_a_gpu_too_full_for_small_leaves_it_to_the_processor(monkeypatch):
    load, asked = registry._load, []

    def limited(name, device, *arguments):
        asked.append((name, device))
        if device != "cpu":
            raise MemoryFull("The GPU is full.")
        return load(name, device, *arguments)

    monkeypatch.setattr(registry, "_load", limited)
    engine = registry.load_engine("small")
    assert asked == [("small", None), ("small", "cpu")] and "The GPU is full." in engine.note
    with pytest.raises(MemoryFull):
        registry.load_engine("small", device="cuda")


def test_a_gpu_too_full_for_the_ground_network_alone_leaves_it_to_the_processor_too(monkeypatch):
    tries = []

    def limited(network, device):
        tries.append(device)
        if len(tries) == 1:
            raise FULL[0]
        return Ground(network, device)

    monkeypatch.setattr(registry, "Ground", limited)
    engine = registry.load_engine("small")
    assert len(tries) == 2 and tries[1] == "cpu" and engine.note.startswith("small runs on the processor")


# What is no picture


@pytest.mark.parametrize("preset", ["tiny", "magicfixup-tiny"])
@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_a_picture_of_nothing_never_reaches_the_visitor(photo, edit, preset, broken):
    engine, shown = tiny(preset), []
    whole = engine.fixup(photo, edit, EditOptions(seed=1, sdedit=False)).images[0]
    engine.forget()
    bias = engine.pipeline.extractor.conv_in.bias
    good = bias.detach().clone()
    with torch.no_grad():
        bias.fill_(broken)
    with pytest.raises(ModelError, match="no picture; try another seed"):
        engine.fixup(photo, edit, EditOptions(seed=1, steps=4, sdedit=False), preview=shown.append)
    assert not shown, "nor on the way"
    with torch.no_grad():
        bias.copy_(good)
    again = engine.fixup(photo, edit, EditOptions(seed=1, sdedit=False)).images[0]
    np.testing.assert_array_equal(again, whole), "nothing broken was kept of the photo"


def test_a_bug_in_a_later_part_costs_no_finished_picture(photo, edit):
    whole = tiny().fixup(photo, edit, EditOptions(seed=1, samples=3))
    engine = tiny()
    calls, run = [], engine._run

    def failing(*arguments, **settings):
        calls.append(1)
        if len(calls) == 3:
            raise ZeroDivisionError("a bug")
        return run(*arguments, **settings)

    engine._run = failing
    result = engine.fixup(photo, edit, EditOptions(seed=1, samples=3))
    assert len(result.images) == 2 and result.note.startswith("2 of 3 variants: something went wrong")
    np.testing.assert_array_equal(result.images[1], whole.images[1])
    other = copy.copy(tiny())
    other.comparison = lambda *_: (_ for _ in ()).throw(ZeroDivisionError("a bug"))
    alone = other.fixup(photo, edit, EditOptions(seed=1))
    assert alone.sdedit is None and "Without the SDEdit comparison: something went wrong" in alone.note
