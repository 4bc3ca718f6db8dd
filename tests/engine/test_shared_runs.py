"""Fix-ups that wait for the networks share a run where they may: each gets what it gets alone, and may leave alone."""

import threading
import time

import numpy as np
import pytest
import torch
from tiny_pipeline import acting_pipeline, at_work

from magicfixup_demo.affine import translation
from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.engine import fixer
from magicfixup_demo.engine.conditioning import fill_from_background
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.engine.shared_runs import Request, SharedRuns
from magicfixup_demo.errors import Cancelled, ModelError
from magicfixup_demo.limits import MOST_TOGETHER
from magicfixup_demo.schema import CoarseEdit, Collage, EditOptions, Layer
from tests.waiting import SECONDS, until

SIZE = 64
MODELS = {"tiny": ("ddim", "unipc"), "magicfixup-tiny": ("dpm++", "published", "ddim")}


def photo_of(seed: int, height: int = SIZE, width: int = SIZE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


WIDE = photo_of(5, 64, 128)


def edit_of(photo: np.ndarray, x: float = 9.0) -> CoarseEdit:
    mask = np.zeros(photo.shape[:2], bool)
    mask[20:34, 20:34] = True
    layers = (Layer("l", "s", translation(x, 4.0)),)
    return render(photo, Collage(*photo.shape[1::-1], (segment_from_mask("s", mask),), layers))


class Fixups:
    """Several fix-ups that all wait for the networks before the first of them begins; ``shared``: pictures a run."""

    def __init__(self, preset: str = "tiny", sampler: str = "ddim"):
        info = EngineInfo(preset, "random weights, for tests", "none", 3, 20, samplers=(sampler, "unipc"))
        self.engine = PipelineEngine(acting_pipeline(preset), info, fill_from_background, 0.8, area=SIZE**2)
        self.shared: list[int] = []
        self.engine.pipeline.synthesizer.register_forward_pre_hook(self._watched)
        self.outcomes: dict[int, object] = {}

    def _watched(self, module, inputs) -> None:
        self.shared.append(len(inputs[0]))

    def alone(self, seed: int, photo: np.ndarray | None = None, **options) -> np.ndarray:
        return self.engine.fixup(**wanted(seed, photo, **options)).images[0]

    def together(self, *fixups: dict) -> list:
        """What each of the fix-ups, keywords of ``fixup``, returns or raises."""
        threads = [threading.Thread(target=self._fixup, args=(i, one), daemon=True) for i, one in enumerate(fixups)]
        with at_work(self.engine.runs):
            for number, thread in enumerate(threads, 1):
                thread.start()
                until(lambda number=number: len(self.engine.runs._waiting) == number)
            self.shared.clear()
        for thread in threads:
            thread.join(SECONDS)
        return [self.outcomes[i] for i in range(len(fixups))]

    def at_once(self, *fixups: dict) -> None:
        """All of them, each beginning when it will."""
        threads = [threading.Thread(target=self._fixup, args=(i, one), daemon=True) for i, one in enumerate(fixups)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)

    def _fixup(self, number: int, fixup: dict) -> None:
        try:
            self.outcomes[number] = self.engine.fixup(**fixup)
        except Exception as error:
            self.outcomes[number] = error


def wanted(seed: int, photo: np.ndarray | None = None, progress=None, preview=None, **options) -> dict:
    photo = photo_of(seed) if photo is None else photo
    options = EditOptions(seed=seed, **{"sdedit": False, **options})
    return {"photo": photo, "edit": edit_of(photo), "options": options, "progress": progress, "preview": preview}


def assert_same(picture: np.ndarray, alone: np.ndarray) -> None:
    """Up to the rounding of sums, which may be added in another order."""
    apart = np.abs(picture.astype(int) - alone)
    assert apart.max() <= 1 and (apart > 0).mean() < 0.01


@pytest.mark.parametrize(("preset", "sampler"), [(model, name) for model, names in MODELS.items() for name in names])
def test_pictures_of_a_shared_run_are_those_of_single_runs(preset, sampler):
    """Photos that were read before, others, and one that two have opened; each with its own seed."""
    fixups = Fixups(preset, sampler)
    alone = [fixups.alone(seed, steps=3) for seed in range(3)]
    assert not np.array_equal(fixups.alone(7, photo_of(0), steps=3), alone[0]), "else nothing is shown"
    fixups.engine.forget()
    fixups.alone(1, steps=3)
    again = fixups.alone(9, photo_of(2), steps=3)
    results = fixups.together(*(wanted(seed, steps=3) for seed in range(3)), wanted(9, photo_of(2), steps=3))
    assert set(fixups.shared) == {4}
    for result, single in zip(results, [*alone, again], strict=True):
        assert_same(result.images[0], single)


@pytest.mark.parametrize("preset", MODELS)
def test_what_is_kept_of_each_photo_has_memory_of_its_own(preset):
    """Else a photo that is forgotten would stay as long as those that it shared a run with."""
    fixups = Fixups(preset)
    fixups.together(*(wanted(seed) for seed in range(3)))
    entries = list(fixups.engine.pipeline.cache._entries.values())
    kept = [tokens for entry in entries for features in entry.features.values() for tokens in features.values()]
    kept += [entry.latent for entry in entries if entry.latent is not None]
    assert len(entries) == 3 and kept
    assert all(tensor.untyped_storage().nbytes() == tensor.nbytes for tensor in kept)


def test_comparisons_share_a_run_too():
    fixups = Fixups()
    alone = [fixups.engine.fixup(**wanted(seed, sdedit=True)).sdedit for seed in range(2)]
    results = fixups.together(*(wanted(seed, sdedit=True) for seed in range(2)))
    assert fixups.shared == [2] * 6
    for result, single in zip(results, alone, strict=True):
        assert_same(result.sdedit, single)


def test_who_is_expected_is_waited_for():
    """Holes are filled one after the other: the first one waits for the second."""
    fixups, filled = Fixups(), []
    runs = fixups.engine.runs = SharedRuns(patience=SECONDS)

    def fill(photo, edit, seed):
        until(lambda: len(runs._waiting) == 1 if filled else runs._expected.total() == 2)
        filled.append(seed)
        return fill_from_background(photo, edit, seed)

    fixups.engine.fill = fill
    fixups.at_once(wanted(0), wanted(1))
    assert fixups.shared == [2, 2, 2]


def test_patience_has_an_end():
    runs = SharedRuns(patience=0.01)
    with runs.expecting("k"), runs.expecting("k"):
        assert runs.result(Request("k", lambda party: [len(party.requests)])) == 1
    assert not runs._expected


def test_who_is_expected_and_leaves_is_not_waited_for():
    runs = SharedRuns(patience=SECONDS)
    leaves = runs.expecting("k")
    leaves.__enter__()
    with runs.expecting("k"):
        threading.Timer(0.05, leaves.__exit__, (None, None, None)).start()
        assert runs.result(Request("k", lambda party: [len(party.requests)])) == 1


def test_who_is_behind_goes_first_so_that_both_may_meet_again():
    runs, order = SharedRuns(), []

    def ask(stage: int) -> threading.Thread:
        request = Request("k", lambda party: [order.append(stage)], stage=(stage,))
        thread = threading.Thread(target=runs.result, args=(request,), daemon=True)
        thread.start()
        return thread

    with at_work(runs):
        threads = [ask(2)]
        until(lambda: len(runs._waiting) == 1)
        threads.append(ask(1))
        until(lambda: len(runs._waiting) == 2)
    for thread in threads:
        thread.join(SECONDS)
    assert order == [1, 2]


@pytest.mark.parametrize("other", [{"steps": 2}, {"sampler": "unipc"}, {"strength": 0.5}, {"photo": WIDE}])
def test_what_is_not_alike_shares_nothing(other):
    fixups = Fixups()
    first, second, third = fixups.together(wanted(1), wanted(5, **other), wanted(2))
    assert fixups.shared == [2, 2, 2] + [1] * len(fixups.shared[3:]) and len(fixups.shared) > 4
    options = {key: value for key, value in other.items() if key != "photo"}
    assert np.array_equal(second.images[0], fixups.alone(5, other.get("photo"), **options))
    for result, seed in ((first, 1), (third, 2)):
        assert_same(result.images[0], fixups.alone(seed))


def test_fix_ups_of_one_kind_are_those_that_share_a_run():
    engine = Fixups().engine
    kinds = [
        engine.kind_of(*(wanted(**one)[key] for key in ("photo", "edit", "options")))
        for one in ({"seed": 1}, {"seed": 2}, {"seed": 1, "steps": 2}, {"seed": 1, "photo": WIDE})
    ]
    assert kinds[0] == kinds[1] is not None and len(set(kinds)) == 3


def test_only_so_many_share_a_run():
    fixups = Fixups()
    fixups.together(*(wanted(seed) for seed in range(MOST_TOGETHER + 1)))
    assert fixups.shared == [MOST_TOGETHER] * 3 + [1] * 3


def test_who_stops_leaves_the_others():
    fixups = Fixups()
    alone, told = fixups.alone(2), threading.Event()

    def stop(fraction, text):
        if "step 2" in text:
            told.set()
            raise Cancelled("Stopped.")

    stopped, stayed = fixups.together(wanted(1, progress=stop), wanted(2))
    assert isinstance(stopped, Cancelled) and told.is_set()
    assert fixups.shared == [2, 2, 2]
    assert_same(stayed.images[0], alone)


def test_a_run_that_everybody_has_left_ends():
    fixups = Fixups()

    def stop(fraction, text):
        if "step 2" in text:
            raise Cancelled("Stopped.")

    outcomes = fixups.together(wanted(1, progress=stop), wanted(2, progress=stop))
    assert all(isinstance(outcome, Cancelled) for outcome in outcomes) and fixups.shared == [2]


def test_each_sees_its_own_previews():
    fixups, shown = Fixups(), {1: [], 2: []}
    single: list[np.ndarray] = []
    fixups.engine.fixup(**wanted(2, preview=single.append))
    fixups.together(*(wanted(seed, preview=pictures.append) for seed, pictures in shown.items()))
    assert fixups.shared[0] == 2 and len(shown[2]) == len(single) == 2
    for picture, alone in zip(shown[2], single, strict=True):
        assert_same(picture, alone)
    assert not np.array_equal(shown[1][0], shown[2][0])


def test_progress_is_told_to_each():
    fixups, said = Fixups(), {1: [], 2: []}
    fixups.together(
        *(wanted(seed, progress=lambda _, text, own=texts: own.append(text)) for seed, texts in said.items())
    )
    for texts in said.values():
        assert [text for text in texts if "step" in text] == [f"Fixing it up: step {i} of 3" for i in (1, 2, 3)]


@pytest.mark.parametrize("error", [RuntimeError("a bug"), torch.OutOfMemoryError("CUDA out of memory")])
def test_where_a_shared_run_fails_each_tries_alone(error, caplog):
    fixups = Fixups()
    alone = [fixups.alone(seed) for seed in (1, 2)]

    def several(module, inputs):
        if len(inputs[0]) > 1:
            raise error

    fixups.engine.pipeline.synthesizer.register_forward_pre_hook(several)
    results = fixups.together(wanted(1), wanted(2))
    for result, single in zip(results, alone, strict=True):
        np.testing.assert_array_equal(result.images[0], single)
        assert result.note == ""
    assert "a shared run failed" in caplog.text


def test_one_that_makes_no_picture_costs_the_others_none():
    """The network makes no numbers of a white photo."""
    fixups, white = Fixups(), np.full((SIZE, SIZE, 3), 255, np.uint8)
    alone = fixups.alone(1)

    def poisoned(module, inputs, output):
        noisy, coarse, _ = inputs[0].tensor_split((48, 96), dim=1)
        output.sample[coarse.mean((1, 2, 3)) > 0.99] = torch.nan

    fixups.engine.pipeline.synthesizer.register_forward_hook(poisoned)
    good, bad = fixups.together(wanted(1), wanted(2, white))
    assert isinstance(bad, ModelError) and fixups.shared == [2] * 3 + [1] * 6
    np.testing.assert_array_equal(good.images[0], alone)


def test_who_leaves_while_waiting_is_not_run():
    runs, ran = SharedRuns(), []
    stop = threading.Event()

    def waiting():
        if stop.is_set():
            raise Cancelled("Stopped.")

    request = Request("k", lambda party: ran.append(1) or [1], waiting=waiting)
    with at_work(runs):
        stop.set()
        with pytest.raises(Cancelled):
            runs.result(request)
        assert not runs._waiting
    assert runs.result(Request("k", lambda party: [2])) == 2 and not ran


@pytest.mark.parametrize("large", [False, True])
def test_holes_are_filled_one_after_the_other_and_nobody_waits_for_a_large_photo(large, monkeypatch):
    fixups, inside, most, both = Fixups(), [], [], threading.Barrier(2)
    if large:
        monkeypatch.setattr(fixer, "LARGE_PIXELS", SIZE**2)

    def fill(photo, edit, seed):
        inside.append(seed)
        most.append(len(inside))
        if large:
            both.wait(SECONDS)
        else:
            time.sleep(0.05)
        inside.remove(seed)
        return fill_from_background(photo, edit, seed)

    fixups.engine.fill = fill
    fixups.at_once(wanted(0), wanted(1))
    assert max(most) == (2 if large else 1) and len(fixups.outcomes) == 2


def test_a_program_that_is_interrupted_ends_after_the_run_not_under_it():
    """Else the interpreter goes while the networks use it."""
    runs, begun, end = SharedRuns(), threading.Event(), threading.Event()

    def interrupted():
        threading.Timer(0.1, end.set).start()
        raise KeyboardInterrupt

    def run(party) -> list[bool]:
        begun.set()
        return [end.wait(SECONDS)]

    threading.Thread(target=runs.result, args=(Request(None, run),), daemon=True).start()
    assert begun.wait(SECONDS)
    with pytest.raises(KeyboardInterrupt):
        runs.result(Request(None, lambda party: [1], waiting=interrupted))
    assert end.is_set() and not runs._working
