"""A clock that is set a year forth or back: no photo goes too soon or stays too long, and no link is deleted for it."""

import json
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from browser.fakes import FakeSegmenter, scene

from magicfixup_demo.engine import feature_cache
from magicfixup_demo.errors import PhotoError
from magicfixup_demo.segmentation.cache import EmbeddingCache
from magicfixup_demo.ui.background import Background
from magicfixup_demo.ui.calendar import DOUBT_SECONDS, JUMP_SECONDS, Calendar
from magicfixup_demo.ui.lines import FIXING, Lines
from magicfixup_demo.ui.link_files import LinkedWork
from magicfixup_demo.ui.links import DAY_SECONDS, LinkStore
from magicfixup_demo.ui.photos import LIFETIME_SECONDS, PhotoStore
from magicfixup_demo.ui.uploads import UploadedPhotos

YEAR = 365 * DAY_SECONDS


class Time:
    """``passes`` for both clocks; ``set`` moves the one on the wall alone."""

    def __init__(self):
        self.wall, self.steady = 1.8e9, 1000.0

    def passes(self, seconds: float) -> None:
        self.wall, self.steady = self.wall + seconds, self.steady + seconds

    def set(self, seconds: float) -> None:
        self.wall += seconds


@pytest.fixture
def time_() -> Time:
    return Time()


@pytest.fixture(params=[YEAR, -YEAR], ids=["forth", "back"])
def jump(request) -> float:
    return request.param


def link(links: LinkStore, days: int = 7) -> str:
    collage = {"version": 1, "photo": {"width": 60, "height": 40}, "segments": [], "layers": []}
    return links.keep(LinkedWork(scene(60, 40), "", json.dumps(collage)), days, "v").id


@pytest.fixture
def links(time_) -> LinkStore:
    return LinkStore(calendar=Calendar(lambda: time_.wall, lambda: time_.steady))


def test_no_link_is_deleted_when_the_clock_jumps_and_all_are_back_when_it_is_right_again(links, time_, jump):
    name = link(links)
    time_.set(jump)
    links.sweep()
    if jump > 0:
        with pytest.raises(PhotoError):
            links.open(name)  # as far as can be told it is over
    assert len(links) == 1
    time_.set(-jump)
    links.sweep()
    assert links.open(name).photo.shape == (40, 60, 3)


def test_a_clock_that_stays_where_it_was_set_is_believed_a_day_later(links, time_):
    link(links)
    time_.set(YEAR)
    links.sweep()
    time_.passes(DOUBT_SECONDS - 1)
    links.sweep()
    assert len(links) == 1
    time_.passes(1)
    links.sweep()
    assert len(links) == 0


def test_links_end_in_time_where_no_clock_is_set(links, time_):
    link(links, days=1)
    for _ in range(24 * 12):
        time_.passes(300)
        time_.set(0.3)  # a clock that is a thousandth too fast
        links.sweep()
    assert len(links) == 0


def test_small_corrections_do_not_matter(time_):
    calendar = Calendar(lambda: time_.wall, lambda: time_.steady)
    for seconds in (1, -1, 60, -JUMP_SECONDS):
        time_.set(seconds)
        assert calendar.is_believed()
    time_.set(JUMP_SECONDS + 1)
    assert not calendar.is_believed()


def test_photos_and_what_was_read_of_them_live_by_a_clock_that_cannot_be_set(monkeypatch, jump):
    """Everything by the usual clocks, while the one on the wall is elsewhere."""
    import time

    photos, uploads, embeddings = PhotoStore(), UploadedPhotos(), EmbeddingCache()
    features = feature_cache.FeatureCache()
    photo = photos.add("scene", scene(60, 40), "v", Background(lambda progress: 1, ""))
    embeddings.embed(FakeSegmenter(), scene(60, 40))
    uploads._keep("x", scene(60, 40))
    import torch

    features.entry(torch.zeros(1, 3, 8, 8), (1,))
    there = time.time() + jump
    monkeypatch.setattr(time, "time", lambda: there)
    for sweep in (photos.sweep, uploads.sweep, embeddings.sweep, features.forget_old):
        sweep()
    assert photos.get(photo.token) is photo and len(embeddings) == 1 and len(uploads) == 1 and features._entries
    steady = time.monotonic() + LIFETIME_SECONDS + 1
    # Not for everybody: an event loop of this process that looks at such a clock sleeps until that time has come.
    monkeypatch.setattr(feature_cache, "time", SimpleNamespace(monotonic=lambda: steady))
    features.forget_old()
    assert not features._entries
    later = PhotoStore(clock=lambda: steady)
    later._photos = photos._photos
    later.sweep()
    assert len(later) == 0
    features.forget()


def test_what_is_expected_of_the_line_is_never_less_than_nothing():
    now = [100.0]
    lines = Lines(clock=lambda: now[0])
    places, inside, leave = [], threading.Event(), threading.Event()
    with lines.turn(FIXING, "a", places.append):
        now[0] += 5

    def work():
        with lines.turn(FIXING, "a", places.append):
            inside.set()
            leave.wait(60)

    working = threading.Thread(target=work)
    working.start()
    assert inside.wait(60)
    now[0] += 1000  # it takes far longer than the last one did

    def hear(place):
        places.append(place)
        leave.set()

    with lines.turn(FIXING, "b", hear):
        pass
    working.join()
    assert places and all(place.seconds is None or place.seconds >= 0 for place in places)
    assert np.isfinite([place.seconds for place in places if place.seconds is not None]).all()
