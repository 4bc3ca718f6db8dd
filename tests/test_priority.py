"""Threads of heavy work give way, with those that they begin, and no other thread does."""

import os
import sys
import threading

import pytest
from browser.fakes import DISC_AT, scene

from magicfixup_demo.ui import saving_handlers, segmenting
from magicfixup_demo.ui.background import Background
from magicfixup_demo.ui.jobs import Job
from magicfixup_demo.ui.priority import CUTTING, FIXING, READING, SAVING, give_way, giving_way

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has priorities of threads")


def steps_back() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def in_a_thread(work) -> object:
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_that_gives_way_and_its_own_threads_do_and_this_one_does_not():
    before = steps_back()

    def work() -> tuple[int, int]:
        give_way(7)
        return steps_back(), in_a_thread(steps_back)

    assert in_a_thread(work) == (7, 7)
    assert steps_back() == before == in_a_thread(steps_back)


def test_reading_gives_way_to_clicks_and_fixing_up_to_both():
    read = Background(lambda progress: steps_back(), "x").start().result(30)
    *_, last = Job("j", "v").messages(lambda report: steps_back())
    assert steps_back() < read == READING < last["value"] == FIXING


def test_saving_and_soft_edges_give_way_to_clicks(services, page, monkeypatch):
    photo, found = services.open_photo("p", scene(), "v"), []
    matte, photo_file = segmenting.matting.matte, saving_handlers.photo_file
    monkeypatch.setattr(segmenting.matting, "matte", lambda *given: (found.append(steps_back()), matte(*given))[1])
    monkeypatch.setattr(
        saving_handlers, "photo_file", lambda *given: (found.append(steps_back()), photo_file(*given))[1]
    )
    cut = page["segment"]({"token": photo.token, "prompt": {"points": [[*DISC_AT, True]]}})["candidates"][0]
    assert page["matte"]({"token": photo.token, "segment": cut})["mask"]
    assert page["save"]({"token": photo.token, "form": "photo"})["data"]
    assert found == [CUTTING, SAVING] and steps_back() == 0


def test_what_fails_while_it_gives_way_fails_for_the_caller():
    with pytest.raises(ZeroDivisionError):
        giving_way(1, lambda: 1 / 0)


def test_a_click_does_not_give_way(services, page, monkeypatch):
    photo = services.open_photo("p", scene(), "v")
    found = []
    segmenter = services.segmenter.result(30)
    candidates = segmenter.candidates

    def watched(*asked):
        found.append(steps_back())
        return candidates(*asked)

    monkeypatch.setattr(segmenter, "candidates", watched)
    assert page["segment"]({"token": photo.token, "prompt": {"points": [[150, 200, True]]}})["candidates"]
    assert found == [0]
