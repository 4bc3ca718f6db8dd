"""Pairs: the sources, the reverse-synthetic photos, loose files."""

import cv2
import numpy as np
import pytest

from magicfixup_demo.engine.conditioning import fill_holes
from magicfixup_demo.errors import DataError
from magicfixup_demo.images import save_png
from magicfixup_demo.pairs.sources import Source, find_sources, read_shots
from magicfixup_demo.pairs.store import kind_of, load_facts, load_pair, pair_names, save_pair, source_of
from magicfixup_demo.pairs.synthetic import Pair, intruder, moved_object, relight
from magicfixup_demo.schema import CoarseEdit

HEIGHT, WIDTH = 192, 256


def textured(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Smooth random texture that optical flow can follow."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 5)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def test_cuts_split_a_clip_and_bars_are_cut_off(tmp_path):
    path = tmp_path / "cut.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 8, (WIDTH, HEIGHT))
    for i in range(12):
        picture = textured(0) // 3 if i < 6 else 255 - textured(9) // 3
        picture[:24] = picture[-24:] = 0
        writer.write(np.roll(picture, i, axis=1))
    writer.release()
    shots, rate = read_shots(path)
    assert [len(shot) for shot in shots] == [6, 6]
    assert rate == 8
    assert shots[0][0].shape[0] < HEIGHT - 20


@pytest.mark.parametrize("seed", range(6))
def test_moved_object_knows_the_truth(seed):
    photo = textured(seed)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[70:110, 100:150] = True
    pair = moved_object(photo, mask, np.random.default_rng(seed))
    if pair is None:
        pytest.skip("this seed puts the object outside")
    assert np.array_equal(pair.target, photo)
    changed = np.abs(pair.reference.astype(int) - photo).max(axis=2) > 8
    assert changed.any()
    outside = ~cv2.dilate((changed | mask).astype(np.uint8), np.ones((9, 9))).astype(bool) & ~pair.edit.hole
    assert np.abs(pair.edit.rgb.astype(int) - photo)[outside].max(initial=0) <= 8


def test_intruder_is_a_hole_whose_truth_is_the_photo():
    photo, other = textured(3), textured(4)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[50:100, 60:120] = True
    pair = next(p for s in range(20) if (p := intruder(photo, other, mask, np.random.default_rng(s))) is not None)
    changed = np.abs(pair.reference.astype(int) - photo).max(axis=2) > 30
    assert pair.edit.hole[changed].mean() > 0.7
    assert np.array_equal(pair.target, photo)
    assert fill_holes(pair.edit).shape == photo.shape


def test_relight_is_the_identity_at_no_amount():
    photo = textured(5)
    for seed in range(4):
        relit = relight(photo, np.random.default_rng(seed), amount=0.0)
        np.testing.assert_allclose(relit, photo, atol=0.01)


def test_a_loose_pair_comes_back(tmp_path):
    photo = textured(3)
    edit = CoarseEdit(rgb=photo, alpha=np.full((HEIGHT, WIDTH), 255, np.uint8))
    save_pair(tmp_path, "a__b__flow3", Pair(photo, edit, textured(4)))
    save_png(tmp_path / "half__flow0_target.png", photo)  # an interrupted one
    assert pair_names(tmp_path) == ["a__b__flow3"]
    assert (kind_of("a__b__flow3"), source_of("a__b__flow3")) == ("flow", "a__b")
    pair = load_pair(tmp_path, "a__b__flow3")
    np.testing.assert_array_equal(pair.target, textured(4))
    np.testing.assert_array_equal(pair.edit.rgba, edit.rgba)
    assert load_facts(tmp_path, "a__b__flow3") == {}
    with pytest.raises(DataError, match="no pair c"):
        load_pair(tmp_path, "c")


def test_pairs_of_different_sizes_are_refused(tmp_path):
    for part, size in (("reference", 64), ("target", 96)):
        save_png(tmp_path / f"x_{part}.png", np.zeros((size, size, 3), np.uint8))
    save_png(tmp_path / "x_edit.png", np.full((64, 64, 4), 255, np.uint8))
    with pytest.raises(DataError, match="differ in size"):
        load_pair(tmp_path, "x")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="no video and no photo"):
        find_sources(tmp_path)


def test_the_split_depends_on_the_name_alone(tmp_path):
    splits = [Source(tmp_path / f"clip{i}.mp4").split for i in range(400)]
    assert splits == [Source(tmp_path / "elsewhere" / f"clip{i}.mp4").split for i in range(400)]
    assert 0.06 < splits.count("val") / 400 < 0.2
