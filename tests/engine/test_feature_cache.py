"""The photo is read once for all its edits, with exactly the same result; and it is forgotten when it should be."""

import weakref

import numpy as np
import pytest
import torch
from tiny_pipeline import acting_pipeline

from magicfixup_demo.affine import translation
from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.engine import reading
from magicfixup_demo.engine.conditioning import fill_from_background
from magicfixup_demo.engine.feature_cache import FeatureCache
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.samplers import SAMPLERS
from magicfixup_demo.evaluation.ablations import without
from magicfixup_demo.schema import CoarseEdit, Collage, EditOptions, Layer

SIZE = 64
DEFAULT = {"tiny": "ddim", "magicfixup-tiny": "dpm++"}


class Calls:
    """Counts what the extractor is asked."""

    def __init__(self, extractor):
        self.timesteps: list[list[int]] = []
        extractor.register_forward_pre_hook(lambda module, inputs: self.timesteps.append(inputs[1].tolist()))

    def taken(self) -> list[list[int]]:
        taken, self.timesteps = self.timesteps, []
        return taken


@pytest.fixture(params=list(DEFAULT))
def watched(request) -> tuple[PipelineEngine, Calls]:
    pipeline = acting_pipeline(request.param)
    samplers = (DEFAULT[request.param], "published", "unipc")
    info = EngineInfo(request.param, "random weights, for tests", "none", 3, 20, samplers=samplers)
    return PipelineEngine(pipeline, info, fill_from_background, strength=1.0, area=SIZE**2), Calls(pipeline.extractor)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def edits(scene) -> list[CoarseEdit]:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[20:34, 20:34] = True
    segment = segment_from_mask("s", mask)
    return [
        render(scene, Collage(SIZE, SIZE, (segment,), (Layer("l", "s", translation(x, 4.0)),))) for x in (9.0, -12.0)
    ]


def fixed(engine: PipelineEngine, scene, edit, **options) -> np.ndarray:
    return engine.fixup(scene, edit, EditOptions(sdedit=False, **options)).images[0]


def test_the_second_edit_does_not_read_the_photo_again_and_ends_the_same(watched, scene, edits):
    engine, calls = watched
    alone = fixed(engine, scene, edits[1])
    engine.forget()
    calls.taken()
    fixed(engine, scene, edits[0], seed=7)
    assert calls.taken(), "the first edit reads it"
    assert np.array_equal(fixed(engine, scene, edits[1]), alone)
    assert not calls.taken(), "the second does not"


def test_another_photo_or_a_forgotten_one_is_read(watched, scene, edits):
    engine, calls = watched
    fixed(engine, scene, edits[0])
    first = calls.taken()
    fixed(engine, np.flip(scene, 0).copy(), edits[0])
    assert calls.taken() == first
    engine.forget()
    assert engine.pipeline.cache.bytes == 0
    fixed(engine, scene, edits[0])
    assert calls.taken() == first


def test_a_cache_without_room_changes_nothing_but_time(watched, scene, edits):
    engine, calls = watched
    expected = fixed(engine, scene, edits[0])
    first = calls.taken()
    engine.pipeline.cache = FeatureCache(most_bytes=0)
    for _ in range(2):
        assert np.array_equal(fixed(engine, scene, edits[0]), expected)
        assert calls.taken() == first


def test_an_ablated_model_does_not_share_what_was_read(watched, scene, edits):
    engine, _ = watched
    whole = fixed(engine, scene, edits[0])
    ablated = without(engine, "extractor")
    assert not np.array_equal(fixed(ablated, scene, edits[0]), whole)
    assert np.array_equal(fixed(engine, scene, edits[0]), whole)


def latent_pipeline():
    torch.manual_seed(0)
    pipeline = build_pipeline(PRESETS["magicfixup-tiny"])
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def run(pipeline, sampler: str, seed: int = 0, **settings) -> torch.Tensor:
    photo, coarse = torch.rand(2, 1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    mask = torch.ones(1, 1, SIZE, SIZE)
    mask[..., 10:30, 20:50] = 0
    generator = torch.Generator().manual_seed(seed)
    return pipeline(photo, coarse, mask, steps=5, sampler=SAMPLERS[sampler], generator=generator, **settings)


def test_published_noises_the_photo_afresh_at_every_step():
    pipeline = latent_pipeline()
    pipeline.cache = FeatureCache()
    calls = Calls(pipeline.extractor)
    for _ in range(2):
        run(pipeline, "published")
        assert calls.taken() == [[801], [601], [401], [201], [1]]
    assert pipeline.cache.bytes == 0


def test_several_timesteps_are_read_at_once_where_it_pays(monkeypatch):
    pipeline = latent_pipeline()
    calls = Calls(pipeline.extractor)
    one_by_one = run(pipeline, "unipc")
    assert [len(times) for times in calls.taken()] == [1] * 5
    monkeypatch.setitem(reading.READ_AT_ONCE, "cpu", 2)
    torch.testing.assert_close(run(pipeline, "unipc"), one_by_one, rtol=1e-3, atol=1e-3)
    assert [len(times) for times in calls.taken()] == [2, 2, 1]


def test_the_photos_noise_is_its_own_not_the_seeds():
    """Two seeds: the same features, so one reading, and yet two pictures."""
    pipeline = latent_pipeline()
    pipeline.cache = FeatureCache()
    calls = Calls(pipeline.extractor)
    first = run(pipeline, "dpm++", seed=1)
    calls.taken()
    assert not torch.allclose(run(pipeline, "dpm++", seed=2), first, atol=1e-3)
    assert not calls.taken()


def entry_with(cache: FeatureCache, value: float, kilobytes: int = 1):
    entry = cache.entry(torch.full((1, 3, 4, 4), value), (1,))
    cache.add(entry, 1, {"block": torch.zeros(kilobytes * 256)})
    return entry


def test_the_photo_not_used_for_longest_goes_first():
    cache = FeatureCache(most_bytes=10**6, most_entries=2)
    for value in (0.1, 0.2, 0.1, 0.3):
        entry_with(cache, value)
    kept = {value: bool(cache.entry(torch.full((1, 3, 4, 4), value), (1,)).features) for value in (0.1, 0.3)}
    assert kept == {0.1: True, 0.3: True}
    assert not cache.entry(torch.full((1, 3, 4, 4), 0.2), (1,)).features


def test_bytes_are_limited_by_dropping_other_photos_and_then_by_keeping_no_more():
    cache = FeatureCache(most_bytes=3 * 1024)
    first = entry_with(cache, 0.1)
    second = entry_with(cache, 0.2, kilobytes=2)
    assert first.features and cache.bytes == 3 * 1024
    cache.add(second, 2, {"block": torch.zeros(256)})
    assert cache.bytes == 3 * 1024 and set(second.features) == {1, 2}
    cache.add(second, 3, {"block": torch.zeros(256)})
    assert cache.bytes == 3 * 1024 and set(second.features) == {1, 2}


def test_what_is_not_used_is_forgotten_by_itself():
    cache = FeatureCache(kept_seconds=0.01)
    entry_with(cache, 0.1)
    while cache._timer.is_alive():  # one that came before it was due, because the photo was used again, starts the next
        cache._timer.join(timeout=60)
    assert cache.bytes == 0


def test_another_photos_edits_do_not_prolong_what_is_kept_of_a_visitors():
    cache = FeatureCache(kept_seconds=600)
    old, new = entry_with(cache, 0.1), entry_with(cache, 0.2)
    old.used -= 600
    cache.entry(torch.full((1, 3, 4, 4), 0.2), (1,))
    cache.forget_old()
    assert list(cache._entries.values()) == [new]
    cache.add(old, 2, {"block": torch.zeros(256)})
    assert set(old.features) == {1}, "what was forgotten stays forgotten"
    cache._timer.cancel()


def test_waiting_to_forget_does_not_keep_the_cache_alive():
    cache = FeatureCache(kept_seconds=600)
    entry_with(cache, 0.1)
    timer, gone = cache._timer, weakref.ref(cache)
    del cache
    assert gone() is None
    timer.cancel()
