"""Arrangements and files of full size: large ones are made one at a time, since each may take gigabytes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from magicfixup_demo.collage import render, work_of
from magicfixup_demo.errors import CollageError
from magicfixup_demo.schema import CoarseEdit, Collage
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.lines import DRAWING, SAVING, in_words
from magicfixup_demo.ui.services import Services

MOST_WORK = 1_000_000_000  # pixels: a core draws about twenty million a second
LARGE = 40_000_000  # pixels: from here on one at a time
Report = Callable[[float, str], None]


def draw(
    services: Services,
    visit: str,
    photo: np.ndarray,
    collage: Collage,
    sources: Mapping[str, np.ndarray],
    report: Report | None = None,
) -> CoarseEdit:
    """``render`` in its turn. ``report`` hears of the wait and of each layer, and may raise to stop.

    Raises CollageError where it would take minutes, BusyError where too many wait.
    """
    check_work(collage)
    done = report and (lambda layers, of: report(0.0, strings.ARRANGING.format(layer=layers + 1, layers=of)))
    if work_of(collage) < LARGE:
        return render(photo, collage, sources, done)
    with services.large.turn(DRAWING, visit, lambda place: report and report(0.0, in_words(place))):
        return render(photo, collage, sources, done)


def check_work(collage: Collage) -> None:
    """Raises CollageError where drawing it would take minutes."""
    if work_of(collage) > MOST_WORK:
        raise CollageError(strings.MUCH_TO_DRAW)


@contextmanager
def turn_to_save(services: Services, visit: str, photo: np.ndarray) -> Iterator[None]:
    """While it lasts no other large file is made. Raises BusyError."""
    if photo.shape[0] * photo.shape[1] < LARGE // 4:
        yield
        return
    with services.large.turn(SAVING, visit, lambda place: None):
        yield
