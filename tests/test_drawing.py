"""Large arrangements: bounded, drawn one at a time, stopped between two layers."""

import threading

import numpy as np
import pytest

from magicfixup_demo.affine import rotation, scaling, translation
from magicfixup_demo.collage import render, segment_from_mask, work_of
from magicfixup_demo.errors import BusyError, Cancelled, CollageError
from magicfixup_demo.schema import Collage, Layer
from magicfixup_demo.ui import drawing, strings
from magicfixup_demo.ui.drawing import check_work, draw, turn_to_save
from magicfixup_demo.ui.lines import DRAWING, SAVING
from magicfixup_demo.warping import reached_pixels, warp_cutout

SECONDS = 60


def segment():
    mask = np.zeros((60, 80), bool)
    mask[20:40, 10:50] = True
    return segment_from_mask("s", mask)


def collage_of(*layers: Layer) -> Collage:
    return Collage(80, 60, (segment(),), layers)


def three() -> Collage:
    return collage_of(*(Layer(f"l{i}", "s", translation(5 * i, i)) for i in range(1, 4)))


@pytest.mark.parametrize("distort", [None, ((3.0, 2.0), (-2.0, 1.0), (4.0, -3.0), (1.0, 2.0))])
@pytest.mark.parametrize(
    "matrix", [translation(7.5, -30), translation(500, 0), scaling(0.3, 0.4), scaling(3, 2), rotation(0.7)]
)
def test_what_a_layer_goes_over_is_known_beforehand(matrix, distort):
    layer = Layer("l", "s", matrix, distort=distort)
    warped = warp_cutout(np.ones((20, 40, 4), np.float32), segment(), layer, 80, 60)
    drawn = warped[1].shape[0] * warped[1].shape[1] if warped else 0
    assert reached_pixels(segment(), layer, 80, 60) == drawn


def test_hidden_layers_are_no_work():
    moved = Layer("l", "s", translation(1, 1))
    assert work_of(collage_of(moved)) == 40 * 20 + reached_pixels(segment(), moved, 80, 60)
    assert work_of(collage_of(Layer("l", "s", hidden=True), Layer("m", "s", opacity=0))) == 0


def test_too_much_is_a_sentence_before_anything_is_drawn(services, photo, monkeypatch):
    monkeypatch.setattr(drawing, "MOST_WORK", work_of(three()) - 1)
    monkeypatch.setattr(drawing, "render", lambda *_: pytest.fail("drawn"))
    with pytest.raises(CollageError) as caught:
        draw(services, "v", photo, three(), {})
    assert str(caught.value) == strings.MUCH_TO_DRAW
    check_work(collage_of(Layer("l", "s", translation(5, 1))))


def test_who_leaves_stops_it_between_two_layers(services, photo, monkeypatch):
    monkeypatch.setattr(drawing, "LARGE", 0)
    said = []

    def leave(fraction, text):
        said.append(text)
        if len(said) == 2:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        draw(services, "v", photo, three(), {}, leave)
    assert said == [strings.ARRANGING.format(layer=i, layers=3) for i in (1, 2)]
    edit = draw(services, "v", photo, three(), {}, lambda *_: None)
    np.testing.assert_array_equal(edit.rgba, render(photo, three()).rgba)


def test_large_ones_wait_for_each_other_and_small_ones_for_nobody(services, photo, monkeypatch):
    begun, go_on, heard = threading.Event(), threading.Event(), threading.Event()

    def hold(fraction, text):
        begun.set()
        assert go_on.wait(SECONDS)

    monkeypatch.setattr(drawing, "LARGE", work_of(three()))
    first = threading.Thread(target=draw, args=[services, "a", photo, three(), {}, hold])
    first.start()
    assert begun.wait(SECONDS)
    said = []

    def listen(fraction, text):
        said.append(text)
        heard.set()

    second = threading.Thread(target=draw, args=[services, "b", photo, three(), {}, listen])
    second.start()
    assert heard.wait(SECONDS) and "in line" in said[0] and services.large.waiting(DRAWING) == 1
    assert draw(services, "c", photo, collage_of(Layer("l", "s", translation(2, 2))), {}).rgb.shape == photo.shape
    go_on.set()
    first.join(SECONDS)
    second.join(SECONDS)
    assert said[-1] == strings.ARRANGING.format(layer=3, layers=3) and services.large.waiting(DRAWING) == 0


def test_few_wait_for_a_large_file(services, photo, monkeypatch):
    monkeypatch.setattr(drawing, "LARGE", 0)
    with turn_to_save(services, "a", photo):
        waiting = [threading.Thread(target=save_and_leave, args=[services, f"v{i}", photo]) for i in range(6)]
        for one in waiting:
            one.start()
        while services.large.waiting(SAVING) < 6:
            assert any(one.is_alive() for one in waiting)
        with pytest.raises(BusyError), turn_to_save(services, "late", photo):
            pass
        with pytest.raises(BusyError), turn_to_save(services, "a", photo), turn_to_save(services, "a", photo):
            pass
    for one in waiting:
        one.join(SECONDS)
    assert services.large.waiting(SAVING) == 0


def save_and_leave(services, visit, photo) -> None:
    with turn_to_save(services, visit, photo):
        pass
