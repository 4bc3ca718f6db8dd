"""Who works when: one at a time, lines and visitors taking turns, bounded; who waits knows the place and may leave."""

import threading

import pytest

from magicfixup_demo.errors import BusyError, Cancelled
from magicfixup_demo.limits import MOST_TOGETHER
from magicfixup_demo.ui.lines import (
    ANY,
    FIXING,
    MOST_A_VISITOR,
    MOST_WAITING,
    READING,
    Lines,
    Piece,
    Place,
    in_words,
)
from tests.waiting import until

BOUNDS = {READING: 10, FIXING: 10}


class Crowd:
    """People in lines; each works until ``done`` lets that one go. ``began`` keeps the order."""

    def __init__(self, lines: Lines):
        self.lines, self.began, self.places = lines, [], {}
        self.threads, self.gates = {}, {}

    def comes(self, name: str, line: str = FIXING, who: str | None = None, piece: Piece = ANY) -> None:
        """Stands in the line before this returns."""
        self.gates[name] = threading.Event()
        self.threads[name] = threading.Thread(target=self._stand, args=(name, line, who or name, piece), daemon=True)
        before = self.lines.waiting(line), len(self.began)
        self.threads[name].start()
        until(lambda: (self.lines.waiting(line), len(self.began)) != before)

    def _stand(self, name: str, line: str, who: str, piece: Piece) -> None:
        with self.lines.turn(line, who, lambda place: self.places.update({name: place}), every=0.005, piece=piece):
            self.began.append(name)
            assert self.gates[name].wait(30)

    def done(self, name: str) -> None:
        self.gates[name].set()
        self.threads[name].join(30)

    def all_done(self) -> list[str]:
        """Everybody in the order in which they began."""
        for number in range(len(self.gates)):
            until(lambda number=number: len(self.began) > number)
            self.done(self.began[number])
        return self.began


def test_one_at_a_time_in_the_order_in_which_they_came():
    crowd = Crowd(Lines())
    for name in "abcd":
        crowd.comes(name)
    assert crowd.began == ["a"]
    until(lambda: len(crowd.places) == 3)
    assert [crowd.places[name].number for name in "bcd"] == [1, 2, 3]
    crowd.done("a")
    until(lambda: crowd.began == ["a", "b"] and crowd.places["d"].number == 2)
    assert crowd.all_done() == list("abcd")


def test_several_at_once_where_there_is_room():
    crowd = Crowd(Lines(at_once=2))
    for name in "abc":
        crowd.comes(name)
    assert crowd.began == ["a", "b"]
    crowd.done("b")
    until(lambda: crowd.began == ["a", "b", "c"])
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


def test_the_like_of_whoever_is_called_come_along():
    """They may share a run."""
    crowd = Crowd(Lines())
    for name, kind in (("a", "x"), ("b", "y"), ("c", "x"), ("d", None), ("e", "y"), ("f", None)):
        crowd.comes(name, piece=Piece(kind))
    assert crowd.began == ["a"], "who comes later has to wait"
    crowd.done("a")
    until(lambda: sorted(crowd.began) == ["a", "b", "e"])
    until(lambda: crowd.places["c"].number == 1)
    crowd.done("b")
    assert len(crowd.began) == 3, "one of those who were called together is still at work"
    assert crowd.all_done()[3:] == ["c", "d", "f"], "what is of no known kind is like nothing"


def test_only_so_many_come_along():
    crowd = Crowd(Lines())
    names = ["held", *(f"like {number}" for number in range(MOST_TOGETHER + 1)), "other"]
    for name in names:
        crowd.comes(name, piece=Piece(name.split()[0]))
    crowd.done("held")
    until(lambda: len(crowd.began) == 1 + MOST_TOGETHER)
    done = crowd.all_done()
    assert sorted(done[1:-2]) == names[1:-2] and done[-2:] == names[-2:]


def test_who_has_had_more_turns_does_not_come_along():
    crowd = Crowd(Lines(most_a_visitor=BOUNDS))
    crowd.comes("held")
    for number in range(2):
        crowd.comes(f"a{number}", who="a", piece=Piece("x"))
    crowd.comes("b")
    crowd.done("held")
    until(lambda: crowd.began == ["held", "a0"])
    assert crowd.all_done() == ["held", "a0", "b", "a1"]


def test_what_must_stay_apart_waits_and_lets_others_pass():
    large = Piece(apart=frozenset({"large"}))
    crowd = Crowd(Lines(at_once=2))
    for name in ("large 1", "large 2", "large 3"):
        crowd.comes(name, piece=large)
    for name in "ab":
        crowd.comes(name)
    assert crowd.began == ["large 1", "a"]
    crowd.done("a")
    until(lambda: crowd.began == ["large 1", "a", "b"])
    crowd.done("large 1")
    until(lambda: crowd.began == ["large 1", "a", "b", "large 2"])
    crowd.done("b")
    assert crowd.lines.waiting(FIXING) == 1, "a place is free, and not for a second large one"
    assert crowd.all_done()[-1] == "large 3"


def test_what_takes_long_holds_nobody_up():
    """Others go on beside it, in their order; only another such one waits for its end."""
    crowd = Crowd(Lines())
    for name in ("a", "long", "b", "long too", "c"):
        crowd.comes(name, piece=Piece(aside="long" in name))
    assert crowd.began == ["a", "long"]
    until(lambda: crowd.places["long too"] == Place(2, None))
    crowd.done("a")
    until(lambda: crowd.began == ["a", "long", "b"])
    crowd.done("b")
    until(lambda: crowd.began == ["a", "long", "b", "c"])
    crowd.done("c")
    assert crowd.lines.waiting(FIXING) == 1
    assert crowd.all_done() == ["a", "long", "b", "c", "long too"]


def test_what_takes_long_says_nothing_of_how_long_others_take():
    now = [0.0]
    crowd = Crowd(Lines(clock=lambda: now[0]))
    crowd.comes("a")
    crowd.comes("long", piece=Piece(aside=True))
    now[0] = 2.0
    crowd.done("a")  # 2 seconds
    crowd.comes("b")
    now[0] = 100.0
    crowd.done("long")
    crowd.comes("long too", piece=Piece(aside=True))
    for name in "cd":
        crowd.comes(name)
    until(lambda: crowd.places.get("d") == Place(2, 2.0))  # b is late
    crowd.all_done()


def test_what_must_stay_apart_does_not_come_along():
    crowd = Crowd(Lines())
    crowd.comes("held")
    for name in ("large", "large too", "small"):
        apart = frozenset({"large"} if "large" in name else ())
        crowd.comes(name, piece=Piece("x", apart))
    crowd.done("held")
    until(lambda: sorted(crowd.began[1:]) == ["large", "small"])
    assert crowd.all_done()[-1] == "large too"


def test_a_full_line_says_so_and_there_is_room_again_later():
    crowd = Crowd(Lines(most={READING: 1, FIXING: 2}))
    for name in "abc":
        crowd.comes(name)
    with pytest.raises(BusyError, match="2 people .* minute"), crowd.lines.turn(FIXING, "d", lambda place: None):
        pytest.fail("there was no room")
    crowd.comes("r", READING)
    crowd.done("a")
    until(lambda: "r" in crowd.began)
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
        until(lambda: lines.waiting(FIXING) == 5)
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
    until(lambda: "b" in crowd.places)
    assert crowd.places["b"].seconds is None, "nothing has been measured yet"
    now[0] = 2.0
    crowd.done("a")  # 2 seconds
    until(lambda: crowd.began == ["a", "b"])
    for name in "cd":
        crowd.comes(name)
    now[0] = 2.5
    until(lambda: crowd.places.get("d") == Place(2, 3.5) and crowd.places["c"] == Place(1, 1.5))
    now[0] = 50.0
    until(lambda: crowd.places["d"] == Place(2, 2.0))  # b is late; that it is about to end is all that can be said
    crowd.comes("r", READING)
    until(lambda: crowd.places["d"].seconds is None)  # nobody knows how long reading takes
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
