"""Who works when: one at a time, lines and visitors taking turns, bounded; who waits knows the place and may leave."""

import threading
import time

import pytest

from magicfixup_demo.errors import BusyError, Cancelled
from magicfixup_demo.ui.lines import FIXING, MOST_A_VISITOR, MOST_WAITING, READING, Lines, Place, in_words

BOUNDS = {READING: 10, FIXING: 10}


class Crowd:
    """People in lines; each works until ``done`` lets that one go. ``began`` keeps the order."""

    def __init__(self, lines: Lines):
        self.lines, self.began, self.places = lines, [], {}
        self.threads, self.gates = {}, {}

    def comes(self, name: str, line: str = FIXING, who: str | None = None) -> None:
        """Stands in the line before this returns."""
        self.gates[name] = threading.Event()
        self.threads[name] = threading.Thread(target=self._stand, args=(name, line, who or name), daemon=True)
        before = self.lines.waiting(line), len(self.began)
        self.threads[name].start()
        wait_until(lambda: (self.lines.waiting(line), len(self.began)) != before)

    def _stand(self, name: str, line: str, who: str) -> None:
        with self.lines.turn(line, who, lambda place: self.places.update({name: place}), every=0.005):
            self.began.append(name)
            assert self.gates[name].wait(30)

    def done(self, name: str) -> None:
        self.gates[name].set()
        self.threads[name].join(30)

    def all_done(self) -> list[str]:
        """Everybody in the order in which they began."""
        for number in range(len(self.gates)):
            wait_until(lambda number=number: len(self.began) > number)
            self.done(self.began[number])
        return self.began


def wait_until(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_one_at_a_time_in_the_order_in_which_they_came():
    crowd = Crowd(Lines())
    for name in "abcd":
        crowd.comes(name)
    assert crowd.began == ["a"]
    wait_until(lambda: len(crowd.places) == 3)
    assert [crowd.places[name].number for name in "bcd"] == [1, 2, 3]
    crowd.done("a")
    wait_until(lambda: crowd.began == ["a", "b"] and crowd.places["d"].number == 2)
    assert crowd.all_done() == list("abcd")


def test_several_at_once_where_there_is_room():
    crowd = Crowd(Lines(at_once=2))
    for name in "abc":
        crowd.comes(name)
    assert crowd.began == ["a", "b"]
    crowd.done("b")
    wait_until(lambda: crowd.began == ["a", "b", "c"])
    crowd.all_done()


def test_lines_take_turns():
    """However many wait to be fixed up, a photo is read next."""
    crowd = Crowd(Lines())
    for name in ("f1", "f2", "f3", "f4"):
        crowd.comes(name)
    for name in ("r1", "r2"):
        crowd.comes(name, READING)
    assert crowd.all_done() == ["f1", "r1", "f2", "r2", "f3", "f4"]


def test_visitors_take_turns():
    crowd = Crowd(Lines(most_a_visitor=BOUNDS))
    for name in ("a1", "a2", "a3"):
        crowd.comes(name, who="a")
    for name in ("b1", "b2"):
        crowd.comes(name, who="b")
    crowd.comes("c1", who="c")
    assert crowd.all_done() == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_a_full_line_says_so_and_there_is_room_again_later():
    crowd = Crowd(Lines(most={READING: 1, FIXING: 2}))
    for name in "abc":
        crowd.comes(name)
    with pytest.raises(BusyError, match="2 people .* minute"), crowd.lines.turn(FIXING, "d", lambda place: None):
        pytest.fail("there was no room")
    crowd.comes("r", READING)
    crowd.done("a")
    wait_until(lambda: "r" in crowd.began)
    crowd.done("r")
    crowd.comes("d")
    assert crowd.all_done() == ["a", "r", "b", "c", "d"]


def test_a_visitor_has_only_so_many_places():
    crowd = Crowd(Lines())
    for number in range(MOST_A_VISITOR[FIXING]):
        crowd.comes(f"a{number}", who="a")
    with pytest.raises(BusyError, match="Stop"), crowd.lines.turn(FIXING, "a", lambda place: None):
        pytest.fail("there was no room")
    crowd.comes("b")
    crowd.all_done()


def test_who_is_nobody_in_particular_has_no_such_bound():
    """Programs have no visit; how many of them come at once is bounded elsewhere."""
    lines = Lines()
    with lines.turn(FIXING, "", lambda place: None):
        waiting = [threading.Thread(target=_pass, args=(lines,), daemon=True) for _ in range(5)]
        for thread in waiting:
            thread.start()
        wait_until(lambda: lines.waiting(FIXING) == 5)
    for thread in waiting:
        thread.join(30)
    assert lines.waiting(FIXING) == 0


def _pass(lines: Lines) -> None:
    with lines.turn(FIXING, "", lambda place: None, every=0.005):
        pass


def test_who_leaves_or_fails_makes_room_at_once():
    crowd = Crowd(Lines())
    crowd.comes("a")

    def leave(place: Place) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled), crowd.lines.turn(FIXING, "b", leave):
        pytest.fail("it was not b's turn")
    assert crowd.lines.waiting(FIXING) == 0
    crowd.done("a")
    with pytest.raises(ZeroDivisionError), crowd.lines.turn(FIXING, "c", leave):
        raise ZeroDivisionError
    with crowd.lines.turn(FIXING, "d", leave):
        assert crowd.lines.waiting(FIXING) == 0


def test_the_expected_wait_comes_from_what_was_measured():
    now = [0.0]
    lines = Lines(clock=lambda: now[0])
    crowd = Crowd(lines)
    crowd.comes("a")
    crowd.comes("b")
    wait_until(lambda: "b" in crowd.places)
    assert crowd.places["b"].seconds is None, "nothing has been measured yet"
    now[0] = 2.0
    crowd.done("a")  # 2 seconds
    wait_until(lambda: crowd.began == ["a", "b"])
    for name in "cd":
        crowd.comes(name)
    now[0] = 2.5
    wait_until(lambda: crowd.places.get("d") == Place(2, 3.5) and crowd.places["c"] == Place(1, 1.5))
    now[0] = 50.0
    wait_until(lambda: crowd.places["d"] == Place(2, 2.0))  # b is late; that it is about to end is all that can be said
    crowd.comes("r", READING)
    wait_until(lambda: crowd.places["d"].seconds is None)  # nobody knows how long reading takes
    crowd.all_done()


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(1, None), "1st in line"),
        (Place(2, 3.4), "2nd in line, about 3 s"),
        (Place(3, 0.1), "3rd in line, about 1 s"),
        (Place(11, 33), "11th in line, about 35 s"),
        (Place(22, 95), "22nd in line, about 95 s"),
        (Place(40, 130), "40th in line, about 2 min"),
    ],
)
def test_a_place_in_words(place, text):
    assert in_words(place) == text


def test_the_bounds_name_every_line():
    assert MOST_WAITING.keys() == MOST_A_VISITOR.keys() == {READING, FIXING}
