"""The engine of ``small``: ground found once for the same objects, layers over it, SDEdit beside it.

The real ground network where its pictures matter; elsewhere a quick stand-in, and a tiny network for SDEdit.
"""

import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from plates import LOOKS, FlatGround, Watched, tiny_plates

from magicfixup_demo.affine import IDENTITY, scaling, translation
from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.engine.composite import ring_width
from magicfixup_demo.engine.conditioning import distance_to
from magicfixup_demo.engine.ground import Ground
from magicfixup_demo.engine.ground_weights import load_ground
from magicfixup_demo.engine.plate import lifted, removed_objects
from magicfixup_demo.engine.plate_engine import PlateEngine
from magicfixup_demo.errors import Cancelled, CollageError, EditError, MemoryFull, OptionError
from magicfixup_demo.images import open_photo, resize
from magicfixup_demo.limits import MAX_SEED, sample_seed
from magicfixup_demo.schema import CoarseEdit, Collage, EditOptions, Layer, Source

ALONE = EditOptions(sdedit=False)
VARIED = ("000000050679", "000000257624", "000000039769")  # photos of COCO: a zebra, a man on a horse, two cats
LONG_SIDE = 300
LEAST_APART = 0.05  # LPIPS in the hole between two seeds


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground(load_ground())


@pytest.fixture(scope="module")
def photo(repository) -> np.ndarray:
    return resize(open_photo(repository / "examples" / "coffee" / "photo.jpg"), 264, 176)


@pytest.fixture(scope="module")
def segment(photo):
    mask = np.zeros(photo.shape[:2], np.uint8)
    cv2.ellipse(mask, (120, 80), (30, 34), 0, 0, 360, 255, -1)
    return segment_from_mask("s", cv2.GaussianBlur(mask, (0, 0), 1))


def moved(photo, segment, *matrices, **options) -> CoarseEdit:
    layers = tuple(Layer(str(i), segment.id, matrix, **options) for i, matrix in enumerate(matrices))
    return render(photo, Collage(photo.shape[1], photo.shape[0], (segment,), layers))


def stopping_at(words: str):
    """Progress whose reader stops when it says ``words``, and at every word after that."""
    stopped = []

    def progress(fraction: float, text: str) -> None:
        stopped.extend([text] if words in text else [])
        if stopped:
            raise Cancelled("stopped")

    return progress


# --- the ground depends on photo and objects alone --------------------------------------------------------------------


def test_the_same_objects_elsewhere_stand_on_the_same_ground_which_is_not_sought_again(photo, segment, ground):
    asked = Watched(ground)
    engine, matrices = tiny_plates(asked), (translation(70, 5), translation(-60, 30.5), scaling(0.6, 0.6, (200, 40)))
    edits = [moved(photo, segment, matrix) for matrix in matrices]
    edits.append(moved(photo, segment, matrices[0], distort=((3.0, 0.0), (0.0, 4.0), (0.0, 0.0), (1.0, 1.0))))
    edits.append(moved(photo, segment, *matrices[:2], opacity=0.5))
    results = [engine.fixup(photo, edit, ALONE).images[0] for edit in edits]
    found = lifted(removed_objects(edits[0].collage))
    alone = Watched(ground)
    plate = tiny_plates(alone).lift(photo, [removed_objects(edits[0].collage)]).rgb
    assert len(asked.seen) == len(alone.seen), "all of them asked as often as one plate does"
    assert (engine.lift(photo, [removed_objects(edits[0].collage)]).rgb == plate).all()
    assert len(asked.seen) == len(alone.seen), "nor is it sought again for the plate alone"
    for edit, result in zip(edits, results, strict=True):
        assert (result[~found & (edit.rgb == photo).all(2)] == photo[~found & (edit.rgb == photo).all(2)]).all()
        bare = found & edit.hole & (distance_to(~edit.hole) > 2)  # where no layer lies over it, however thin
        assert bare.any() and (result[bare] == plate[bare]).all()


def test_a_plate_that_was_made_before_is_the_ground_of_a_fix_up(photo, segment):
    asked = Watched(FlatGround())
    engine, edit = tiny_plates(asked), moved(photo, segment, translation(70, 5))
    plate = engine.lift(photo, [removed_objects(edit.collage)], seed=3).rgb
    once = len(asked.seen)
    result = engine.fixup(photo, edit, replace(ALONE, seed=3)).images[0]
    assert once and len(asked.seen) == once
    bare = edit.hole & (distance_to(~edit.hole) > 2)
    assert (result[bare] == plate[bare]).all()


def test_another_photo_other_objects_and_another_seed_are_another_ground(photo, segment):
    asked = Watched(FlatGround())
    engine, edit = tiny_plates(asked), moved(photo, segment, translation(70, 5))
    other = replace(segment, left=segment.left + 9)
    for picture, given, options in (
        (photo, edit, ALONE),
        (255 - photo, moved(255 - photo, segment, translation(70, 5)), ALONE),
        (photo, moved(photo, other, translation(70, 5)), ALONE),
        (photo, edit, replace(ALONE, seed=1)),
    ):
        before = len(asked.seen)
        engine.fixup(picture, given, options)
        assert len(asked.seen) > before


def test_what_is_forgotten_is_sought_again_and_found_the_same(photo, segment):
    asked = Watched(FlatGround())
    engine, edit = tiny_plates(asked), moved(photo, segment, translation(70, 5))
    first = engine.fixup(photo, edit, ALONE).images[0]
    once = len(asked.seen)
    engine.forget()
    np.testing.assert_array_equal(engine.fixup(photo, edit, ALONE).images[0], first)
    assert len(asked.seen) == 2 * once and len(engine.plates) == 1


# --- seeds and variants -----------------------------------------------------------------------------------------------


def test_a_seed_is_the_same_picture_every_time_and_in_every_engine(photo, segment, ground):
    edit = moved(photo, segment, translation(70, 5))
    for seed in (0, 5):
        options = replace(ALONE, seed=seed)
        first, second = (PlateEngine(ground, tiny_plates().diffusion).fixup(photo, edit, options) for _ in range(2))
        np.testing.assert_array_equal(first.images[0], second.images[0])
        assert (first.seed, first.steps) == (seed, 1)


def test_each_variant_is_the_single_fix_up_of_its_seed(photo, segment):
    """Other ground where objects were lifted, and elsewhere the same pixels."""
    edit = moved(photo, segment, translation(70, 5))
    variants = tiny_plates().fixup(photo, edit, EditOptions(seed=3, samples=3, sdedit=False)).images
    for i, variant in enumerate(variants):
        alone = tiny_plates().fixup(photo, edit, EditOptions(seed=sample_seed(3, i), sdedit=False))
        np.testing.assert_array_equal(variant, alone.images[0])
    found = lifted(removed_objects(edit.collage))
    for first, second in ((0, 1), (0, 2), (1, 2)):
        apart = np.abs(variants[first].astype(int) - variants[second])
        assert apart[edit.hole].any() and not apart[~found].any()


def test_after_the_last_seed_comes_the_first(photo, segment):
    edit = moved(photo, segment, translation(70, 5))
    last, first = tiny_plates().fixup(photo, edit, EditOptions(seed=MAX_SEED, samples=2, sdedit=False)).images
    np.testing.assert_array_equal(first, tiny_plates().fixup(photo, edit, ALONE).images[0])
    assert (last != first).any()


@pytest.mark.parametrize("name", VARIED)
def test_variants_of_a_large_hole_are_a_choice(shared_data, lpips_weights, ground, name):
    from magicfixup_demo.evaluation.metrics import lpips

    picture = open_photo(shared_data / "photos" / "coco" / f"{name}.jpg")
    scale = LONG_SIDE / max(picture.shape)
    height, width = (round(side * scale) for side in picture.shape[:2])
    picture, removed = resize(picture, width, height), np.zeros((height, width), np.uint8)
    cv2.ellipse(removed, (width // 2, height // 2), (width // 6, height // 6), 0, 0, 360, 1, -1)
    found = lifted(removed > 0)
    engine = PlateEngine(ground, tiny_plates().diffusion)
    first, second = (engine.lift(picture, [removed > 0], seed).rgb for seed in (0, 1))
    assert found.mean() > 0.05 and lpips([first], second, {"hole": found})[0]["hole"] >= LEAST_APART


# --- what a result holds ----------------------------------------------------------------------------------------------


def test_a_result_has_the_photos_size_and_tells_what_was_done(photo, segment):
    edit = moved(photo, segment, translation(70, 5))
    result = tiny_plates(name="plates").fixup(photo, edit, EditOptions(seed=2, steps=3))
    for picture in (*result.images, result.sdedit, result.coarse):
        assert picture.shape == photo.shape and picture.dtype == np.uint8
    assert (result.model, result.seed, result.note, result.together) == ("plates", 2, "", 1)
    assert result.steps == 1 and result.sdedit_steps == 3, "steps are SDEdit's: the result has nothing to repeat"
    assert result.fill_seconds > 0 and result.fill_seconds + result.sdedit_seconds < result.seconds


def test_sdedit_starts_from_the_result_and_leaves_what_is_beyond_its_ring(photo, segment):
    engine, edit = tiny_plates(), moved(photo, segment, translation(70, 5))
    together = engine.fixup(photo, edit, EditOptions(seed=2))
    np.testing.assert_array_equal(engine.compare(photo, edit, EditOptions(seed=2)), together.sdedit)
    assert (together.sdedit != together.images[0]).any()
    far = distance_to(together.touched) > ring_width(*photo.shape[:2])
    assert far.any() and (together.sdedit[far] == photo[far]).all()
    assert engine.fixup(photo, edit, ALONE).sdedit is None


def test_an_edit_of_another_size_is_fitted(photo, segment):
    edit = moved(photo, segment, translation(70, 5))
    half = CoarseEdit(np.ascontiguousarray(edit.rgb[::2, ::2]), np.ascontiguousarray(edit.alpha[::2, ::2]))
    assert tiny_plates().fixup(photo, half, ALONE).images[0].shape == photo.shape


def test_nothing_moved_is_the_photo_and_costs_no_network(photo, segment):
    asked = Watched(FlatGround())
    result = tiny_plates(asked).fixup(photo, moved(photo, segment, IDENTITY), ALONE)
    np.testing.assert_array_equal(result.images[0], photo)
    assert not asked.seen and not result.touched.any()


def test_arrays_that_were_given_are_not_written_to(photo, segment):
    edit = moved(photo, segment, translation(70, 5))
    given = photo.copy(), edit.rgb.copy(), edit.alpha.copy()
    tiny_plates().fixup(photo, edit, EditOptions(samples=2))
    for before, now in zip(given, (photo, edit.rgb, edit.alpha), strict=True):
        np.testing.assert_array_equal(now, before)


def test_several_at_once_make_what_each_makes_alone(photo, segment, ground):
    edits = [moved(photo, segment, translation(dx, 5)) for dx in (70, -60)]
    alone, engine = (PlateEngine(ground, tiny_plates().diffusion) for _ in range(2))
    expected, made = [alone.fixup(photo, edit, ALONE).images[0] for edit in edits], {}
    ready = threading.Barrier(3)

    def work(i: int) -> None:
        ready.wait(60)
        made[i] = engine.fixup(photo, edits[i % 2], ALONE).images[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for i in range(3):
        np.testing.assert_array_equal(made[i], expected[i % 2])


# --- stops, failures and what is refused ------------------------------------------------------------------------------


def test_progress_rises_to_one(photo, segment):
    said = []
    edit = moved(photo, segment, translation(70, 5))
    tiny_plates().fixup(photo, edit, EditOptions(samples=2), lambda fraction, text: said.append((fraction, text)))
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert any("ground" in text for _, text in said) and any("SDEdit" in text for _, text in said)


def test_a_stop_ends_the_work_and_the_engine_is_free_again(photo, segment):
    asked = Watched(FlatGround())
    engine, edit = tiny_plates(asked), moved(photo, segment, translation(70, 5))
    with pytest.raises(Cancelled):
        engine.fixup(photo, edit, ALONE, stopping_at("ground"))
    assert not asked.seen and len(engine.plates) == 0
    with pytest.raises(Cancelled):
        engine.lift(photo, [removed_objects(edit.collage)], progress=stopping_at("ground"))
    assert engine.fixup(photo, edit, ALONE).note == ""


def test_a_stop_keeps_the_finished_variants(photo, segment):
    edit, options = moved(photo, segment, translation(70, 5)), EditOptions(seed=5, samples=3)
    whole = tiny_plates().fixup(photo, edit, options)

    def stop(fraction: float, text: str) -> None:
        if fraction >= 0.5:  # of four pictures two are made
            raise Cancelled("stopped")

    stopped = tiny_plates().fixup(photo, edit, options, stop)
    assert len(stopped.images) == 2 and stopped.sdedit is None and stopped.note == "2 of 3 variants: stopped"
    for image, same in zip(stopped.images, whole.images, strict=False):
        np.testing.assert_array_equal(image, same)


def test_a_stop_during_sdedit_keeps_the_result(photo, segment):
    edit = moved(photo, segment, translation(70, 5))
    stopped = tiny_plates().fixup(photo, edit, EditOptions(), stopping_at("SDEdit"))
    np.testing.assert_array_equal(stopped.images[0], tiny_plates().fixup(photo, edit, ALONE).images[0])
    assert stopped.sdedit is None and stopped.note == "Without the SDEdit comparison: stopped"


def test_full_memory_is_told_in_a_sentence_and_costs_no_finished_variant(photo, segment):
    class Full(FlatGround):
        left = 0

        def see(self, picture, hole, view):
            self.left -= 1
            if self.left < 0:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().see(picture, hole, view)

    edit, full = moved(photo, segment, translation(70, 5)), Full()
    with pytest.raises(MemoryFull, match="This machine's memory is full"):
        tiny_plates(full).fixup(photo, edit, ALONE)
    with pytest.raises(MemoryFull, match="This machine's memory is full"):
        tiny_plates(full).lift(photo, [removed_objects(edit.collage)])
    full.left = LOOKS
    result = tiny_plates(full).fixup(photo, edit, EditOptions(samples=3))
    assert len(result.images) == 1 and "1 of 3 variants: This machine's memory is full" in result.note


@pytest.mark.parametrize(
    "options",
    [
        EditOptions(steps=0),
        EditOptions(seed=-1),
        EditOptions(seed=2**32),
        EditOptions(samples=0),
        EditOptions(samples=9),
        EditOptions(strength=0.0),
        EditOptions(sampler="euler"),
    ],
)
def test_options_out_of_range_are_refused_before_anything_is_done(photo, segment, options):
    asked = Watched(FlatGround())
    engine, edit = tiny_plates(asked), moved(photo, segment, translation(70, 5))
    for refuse in (engine.fixup, engine.compare, engine.kind_of):
        with pytest.raises(OptionError, match="choose"):
            refuse(photo, edit, options)
    assert not asked.seen


def test_no_run_is_shared_with_anybody(photo, segment):
    assert tiny_plates().kind_of(photo, moved(photo, segment, IDENTITY), ALONE) is None


def test_nothing_but_hole_is_refused(photo, segment):
    nothing = CoarseEdit(photo, np.zeros(photo.shape[:2], np.uint8))
    for ask in (tiny_plates().fixup, tiny_plates().compare):
        with pytest.raises(EditError, match="nothing but hole"):
            ask(photo, nothing, ALONE)


def test_objects_that_are_the_whole_photo_are_refused(photo):
    """A little of it left at the edge, which goes with the margin, is no ground to go on with either."""
    mask = np.full(photo.shape[:2], 255, np.uint8)
    mask[:, :2] = 0
    whole, engine = segment_from_mask("whole", mask), tiny_plates()
    with pytest.raises(EditError, match="whole photo"):
        engine.lift(photo, [mask > 0])
    with pytest.raises(EditError, match="whole photo"):
        engine.fixup(photo, moved(photo, whole, scaling(0.5, 0.5)), ALONE)


def test_another_photo_that_is_missing_is_named(photo, segment):
    foreign = replace(segment, source="other")
    source = Source("other", photo.shape[1], photo.shape[0])
    collage = Collage(photo.shape[1], photo.shape[0], (foreign,), (Layer("l", "s"),), (source,))
    edit = CoarseEdit(photo, np.full(photo.shape[:2], 255, np.uint8), collage)
    with pytest.raises(CollageError, match="'other'"):
        tiny_plates().fixup(photo, edit, ALONE)
