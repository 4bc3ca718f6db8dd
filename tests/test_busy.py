"""Many visitors at once, over the stand-ins: what is bounded, what is done once, and who is answered meanwhile."""

import threading

import numpy as np
import pytest
from browser.fakes import DISC_AT, scene, stand_ins

from magicfixup_demo.errors import Cancelled, PhotoError
from magicfixup_demo.ui import fixing
from magicfixup_demo.ui import services as services_module
from magicfixup_demo.ui.background import Background
from magicfixup_demo.ui.examples import list_examples
from magicfixup_demo.ui.handlers import server_functions
from magicfixup_demo.ui.lines import FIXING, READING
from magicfixup_demo.ui.photos import PhotoStore
from tests.following import fixup, request_of
from tests.waiting import until


def example(services, page, visit: str, job: str) -> dict:
    """A fix-up of an example as it ships."""
    services.examples = list_examples()[:1]
    reply = page["open_example"]({"name": services.examples[0].name, "visit": visit})
    return {"token": reply["token"], "job": job, "collage": reply["collage"], "options": {}}


def test_clicks_are_answered_while_fix_ups_wait(services, page, engine):
    engine.gate.clear()
    first, second = (fixup(services, example(services, page, visit, visit)) for visit in "ab")
    next(message for message in first if "tep" in message["text"])
    assert next(message for message in second if "line" in message["text"])["text"] == "1st in line"
    photo = services.photos.add("p", scene(), "c", Background(lambda progress: None, "x"))
    photo.embedding = Background(lambda progress: services.segmenter.result().embed(photo.image), "x").start()
    reply = page["segment"]({"token": photo.token, "prompt": {"points": [[*DISC_AT, True]]}})
    assert reply["candidates"]
    engine.gate.set()
    assert list(first)[-1]["kind"] == list(second)[-1]["kind"] == "done"
    assert len(engine.asked) == 1, "the same example, arranged alike, is made once for both"


@pytest.fixture
def side_by_side(engine):
    """Services where two fix-ups may be at work."""
    return stand_ins(engine, fixed_at_once=2)


def test_one_example_is_made_once_although_there_is_room(side_by_side, engine):
    page = {function.__name__: function for function in server_functions(side_by_side)}
    engine.gate.clear()
    first, second = (fixup(side_by_side, example(side_by_side, page, visit, visit)) for visit in "ab")
    next(message for message in first if "tep" in message["text"])
    assert next(message for message in second if "line" in message["text"])["text"] == "1st in line"
    engine.gate.set()
    assert list(first)[-1]["kind"] == list(second)[-1]["kind"] == "done"
    assert len(engine.asked) == 1


def test_of_large_photos_one_is_fixed_up_at_a_time_and_others_pass(services, engine, monkeypatch):
    monkeypatch.setattr(fixing, "LARGE_PIXELS", 700 * 400)
    engine.gate.clear()
    sizes = (("large", 700), ("large too", 720), ("small", 600))
    begun = [in_line_or_at_work(services, name, scene(width)) for name, width in sizes]
    assert len(engine.asked) == 2 and services.fixing.waiting(FIXING) == 1
    engine.gate.set()
    assert [list(work)[-1]["kind"] for work in begun] == ["done"] * 3


def test_the_like_are_fixed_up_together(services, engine, monkeypatch):
    """What the engine calls one kind: the third comes along with the first."""
    monkeypatch.setattr(engine, "kind_of", lambda photo, edit, options: options.steps)
    engine.gate.clear()
    wanted = (("long", 2), ("first", 3), ("other", 5), ("like the first", 3))
    begun = [in_line_or_at_work(services, name, scene(), steps=steps) for name, steps in wanted]
    services.jobs.stop("long")
    until(lambda: len(engine.asked) == 3)
    assert [options.steps for options in engine.asked] == [2, 3, 3]
    engine.gate.set()
    assert [list(work)[-1]["kind"] for work in begun] == ["stopped", "done", "done", "done"]


def in_line_or_at_work(services, name: str, picture: np.ndarray, **options):
    """The messages of a fix-up that has a place in the line, or a turn."""
    work = fixup(services, request_of(services, services.open_photo(name, picture, name), name, **options))
    next(message for message in work if "tep" in message["text"] or "line" in message["text"])
    return work


def test_a_photo_that_nobody_waits_for_is_not_read(services):
    with services.reading.turn(READING, "somebody", lambda place: None):
        session = services.begin_visit("s")
        photo = services.open_photo("p", scene(), session)
        while not services.reading.waiting(READING):
            threading.Event().wait(0.005)
        assert photo.embedding.text == "1st in line"
        services.end_visit("s")
        with pytest.raises(Cancelled):
            photo.embedding.result(30)
    assert services.reading.waiting(READING) == 0


def test_who_leaves_while_waiting_leaves_the_line(services, page, engine):
    with services.fixing.turn(FIXING, "somebody", lambda place: None):
        work = fixup(services, example(services, page, "v", "j"))
        next(message for message in work if "line" in message["text"])
        work.close()
        while services.fixing.waiting(FIXING):
            threading.Event().wait(0.005)
    assert not engine.asked


def test_photos_are_bounded_by_bytes():
    now = iter(range(100))
    size = scene().nbytes
    store = PhotoStore(clock=lambda: next(now), photo_bytes=3 * size)
    photos = [store.add("p", scene(), visit, Background(lambda progress: 1, "x")) for visit in ("a", "b", "c", "d")]
    with pytest.raises(PhotoError):
        store.get(photos[0].token)
    assert [store.get(photo.token) for photo in photos[1:]] == photos[1:]


def test_one_photo_beyond_all_bounds_is_kept_alone():
    store = PhotoStore(photo_bytes=10)
    old, new = (store.add("p", scene(), "v", Background(lambda progress: 1, "x")) for _ in range(2))
    assert len(store) == 1 and store.get(new.token) is new and old is not new


def test_when_the_last_visitor_has_left_nothing_is_kept_of_any_photo(services, engine):
    services.engines.get(None, lambda fraction, text: None)
    one, other = services.begin_visit("one"), services.begin_visit("other")
    services.open_photo("p", scene(), one, saved_edit="an example's").embedding.result(30)
    assert len(services._embeddings) == 1 and other
    services.end_visit("one")
    assert len(services._embeddings) == 1 and not engine.forgotten.is_set(), "an example is kept for who is still there"
    services.end_visit("other")
    assert len(services._embeddings) == 0 and engine.forgotten.is_set()


def test_visits_that_never_say_goodbye_are_bounded(services, monkeypatch):
    monkeypatch.setattr(services_module, "MOST_VISITS", 3)
    visits = [services.begin_visit(f"session {number}") for number in range(5)]
    assert [services.knows_visit(visit) for visit in visits] == [False, False, True, True, True]
