"""Threads of heavy work give way, with those that they begin, and no other thread does."""

import os
import sys
import threading

import pytest
from browser.fakes import scene

from magicfixup_demo.ui.background import Background
from magicfixup_demo.ui.jobs import Job
from magicfixup_demo.ui.priority import FIXING, READING, give_way

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
