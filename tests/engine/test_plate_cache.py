"""Plates are found again by photo, hole and seed, in memory alone; they are forgotten when they should be."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from magicfixup_demo.engine.plate_cache import PlateCache

HEIGHT, WIDTH = 20, 30
HOLE = np.zeros((HEIGHT, WIDTH), bool)
HOLE[5:10, 5:15] = True
BYTES = 3 * int(HOLE.sum())  # of a plate with that hole


def photo(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def plate(picture: np.ndarray, hole: np.ndarray = HOLE, value: int = 7) -> np.ndarray:
    return np.where(hole[..., None], value, picture).astype(np.uint8)


def kept(cache: PlateCache, picture: np.ndarray, hole: np.ndarray = HOLE, seed: int = 0) -> np.ndarray:
    cache.keep(picture, hole, seed, plate(picture, hole))
    return picture


@pytest.fixture
def cache():
    made = PlateCache()
    yield made
    made.forget()


def test_a_plate_comes_back_as_it_was(cache):
    picture = kept(cache, photo())
    found = cache.get(picture.copy(), HOLE.copy(), 0)
    np.testing.assert_array_equal(found, plate(picture))
    assert found.dtype == np.uint8


def test_who_gets_a_plate_may_write_to_it(cache):
    picture = kept(cache, photo())
    cache.get(picture, HOLE, 0)[...] = 0
    np.testing.assert_array_equal(cache.get(picture, HOLE, 0), plate(picture))


def test_another_photo_hole_or_seed_is_another_plate(cache):
    picture = kept(cache, photo())
    other_pixel, other_hole = picture.copy(), HOLE.copy()
    other_pixel[-1, -1, -1] ^= 1
    other_hole[0, 0] = True
    assert cache.get(other_pixel, HOLE, 0) is None
    assert cache.get(picture, other_hole, 0) is None
    assert cache.get(picture, HOLE, 1) is None
    assert cache.get(picture, HOLE, 0) is not None


def test_pictures_of_the_same_bytes_and_another_shape_are_not_mixed_up(cache):
    picture = kept(cache, photo())
    assert cache.get(picture.reshape(WIDTH, HEIGHT, 3), HOLE.reshape(WIDTH, HEIGHT), 0) is None


def test_parts_of_larger_arrays_are_told_apart(cache):
    """Whatever their strides: what is compared is what they show."""
    large = np.dstack([photo(), photo()])
    picture = kept(cache, large[..., :3])
    np.testing.assert_array_equal(cache.get(picture.copy(), HOLE, 0), plate(picture))
    assert cache.get(np.ascontiguousarray(picture[::-1]), HOLE, 0) is None


def test_only_the_hole_is_kept_and_never_more_than_the_bound():
    cache = PlateCache(most_bytes=2 * BYTES)
    pictures = [kept(cache, photo(i)) for i in range(3)]
    assert len(cache) == 2
    assert cache.get(pictures[0], HOLE, 0) is None, "the one not used for longest went first"
    cache.get(pictures[1], HOLE, 0)
    kept(cache, photo(3))
    assert cache.get(pictures[1], HOLE, 0) is not None and cache.get(pictures[2], HOLE, 0) is None
    cache.forget()


def test_a_plate_larger_than_the_bound_is_not_kept_and_does_no_harm():
    cache = PlateCache(most_bytes=BYTES - 1)
    assert cache.get(kept(cache, photo()), HOLE, 0) is None and len(cache) == 0


def test_the_same_plate_kept_again_counts_once(cache):
    cache.most_bytes = 2 * BYTES
    first, second = kept(cache, photo(0)), kept(cache, photo(1))
    kept(cache, first)
    kept(cache, photo(2))
    assert len(cache) == 2
    assert cache.get(first, HOLE, 0) is not None, "it was used after the other"
    assert cache.get(second, HOLE, 0) is None


def test_everything_is_dropped_at_once_when_it_shall_be_forgotten(cache):
    picture = kept(cache, photo())
    cache.forget()
    assert len(cache) == 0 and cache.get(picture, HOLE, 0) is None
    np.testing.assert_array_equal(cache.get(kept(cache, picture), HOLE, 0), plate(picture))


def test_what_is_not_used_is_forgotten_by_itself():
    cache = PlateCache(kept_seconds=0.05)
    kept(cache, photo())
    until = time.monotonic() + 30
    while len(cache) and time.monotonic() < until:
        time.sleep(0.01)
    assert len(cache) == 0


def test_use_prolongs_a_plate_but_not_another_one():
    cache = PlateCache(kept_seconds=600)
    old, new = kept(cache, photo(0)), kept(cache, photo(1))
    for entry in cache._kept.values():
        entry.used -= 600
    cache.get(new, HOLE, 0)
    cache._forget_old()
    assert len(cache) == 1 and cache.get(new, HOLE, 0) is not None and cache.get(old, HOLE, 0) is None
    cache.forget()


def test_waiting_to_forget_does_not_keep_the_cache_alive():
    cache = PlateCache(kept_seconds=600)
    kept(cache, photo())
    gone = weakref.ref(cache)
    del cache
    gc.collect()
    assert gone() is None


def test_threads_may_share_it():
    """More plates than fit, kept, asked for and forgotten at once: each is right or absent, and the bound holds."""
    cache, pictures = PlateCache(most_bytes=4 * BYTES, kept_seconds=0.01), [photo(i) for i in range(8)]
    ready = threading.Barrier(4)

    def use(number: int) -> None:
        random = np.random.default_rng(number)
        ready.wait(30)
        for i in random.integers(0, len(pictures), 150):
            found = cache.get(pictures[i], HOLE, 0)
            if found is None:
                kept(cache, pictures[i])
            else:
                np.testing.assert_array_equal(found, plate(pictures[i]))
            if random.random() < 0.02:
                cache.forget()
            assert len(cache) <= 4

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(use, range(4)))
    cache.forget()
