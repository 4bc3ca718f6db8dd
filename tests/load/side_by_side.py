"""How many fix-ups are best made at once:  python -m tests.load.side_by_side

As many visitors as there are edits wait in the page's own line at the same time, with photos of their own. Each way is
timed in turns with one fix-up after the other: seconds a fix-up, their ratio, and how many pictures shared a run (of
"small" nothing but SDEdit's, and that is not counted).
Nobody else does anything meanwhile; see tests.load.visitors for a server that has other things to do.
"""

import argparse
import os
import random
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in app.py

import cv2
import numpy as np

from magicfixup_demo.affine import translation
from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.interface import Engine
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.engine.shared_runs import SharedRuns
from magicfixup_demo.schema import CoarseEdit, Collage, EditOptions, EditResult, Layer
from magicfixup_demo.ui.fixing import piece_of
from magicfixup_demo.ui.lines import FIXING, Lines
from tests.load.pictures import new_upload
from tests.load.visitors import EXAMPLES

OPTIONS = EditOptions()


@dataclass(frozen=True)
class Way:
    """``at_once`` that know nothing of each other, or as many parties of up to ``together`` that share runs."""

    at_once: int
    together: int = 1

    def __str__(self) -> str:
        company = "" if self.together == 1 else f", with up to {self.together - 1} of its kind"
        return f"{self.at_once} at once{company}"


ONE_BY_ONE = Way(1)
WAYS = (Way(1, 2), Way(1, 4), Way(2), Way(2, 4), Way(3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="small")
    parser.add_argument("--edits", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    engine, chance = load_engine(options.model), random.Random(options.seed)
    diffusion_of(engine).pipeline.set_progress_bar_config(disable=True)
    edits = [an_edit(chance) for _ in range(options.edits)]
    seconds_a_fixup(engine, edits, ONE_BY_ONE)  # the first run of a size is slower
    seconds: dict[Way, list[float]] = {way: [] for way in (ONE_BY_ONE, *WAYS)}
    shared: dict[Way, Counter] = {way: Counter() for way in seconds}
    for _ in range(options.repeats):
        for way, times in seconds.items():
            took, results = seconds_a_fixup(engine, edits, way)
            times.append(took)
            shared[way].update(result.together for result in results)
    for way, times in seconds.items():
        ratio = statistics.median(one / alone for one, alone in zip(times, seconds[ONE_BY_ONE], strict=True))
        runs = ", ".join(f"{count} of {number}" for number, count in sorted(shared[way].items()))
        print(f"{way}: {statistics.median(times):.2f} s a fix-up, {ratio:.2f} of one by one; pictures a run: {runs}")


def an_edit(chance: random.Random) -> tuple[np.ndarray, CoarseEdit]:
    """A photo of its own, and an ellipse of it moved."""
    photo = new_upload(list(EXAMPLES.values()), chance).pixels
    height, width = photo.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    middle = [round(chance.uniform(0.3, 0.7) * side) for side in (width, height)]
    radii = [round(chance.uniform(0.05, 0.15) * side) for side in (width, height)]
    cv2.ellipse(mask, middle, radii, 0, 0, 360, 1, -1)
    reach = [chance.choice((-1, 1)) * chance.uniform(0.03, 0.15) * side for side in (width, height)]
    segment = segment_from_mask("s", mask.astype(bool))
    return photo, render(photo, Collage(width, height, (segment,), (Layer("l", "s", translation(*reach)),)))


def diffusion_of(engine: Engine) -> PipelineEngine:
    """The engine whose runs may be shared: of ``small`` SDEdit's, beside the result."""
    return getattr(engine, "diffusion", engine)


def seconds_a_fixup(engine: Engine, edits: list, way: Way) -> tuple[float, list[EditResult]]:
    """All of them waiting in line from the beginning; nothing is kept of the photos."""
    engine.forget()
    diffusion_of(engine).runs = SharedRuns(way.together)
    lines, results = Lines(way.at_once, {FIXING: len(edits)}, most_together=way.together), []

    def visitor(number: int) -> None:
        piece = piece_of(engine, *edits[number], OPTIONS)
        ready.wait()
        with lines.turn(FIXING, str(number), lambda place: None, piece=piece):
            results.append(engine.fixup(*edits[number], OPTIONS))

    ready = threading.Barrier(len(edits) + 1)
    threads = [threading.Thread(target=visitor, args=(number,)) for number in range(len(edits))]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - began) / len(edits), results


if __name__ == "__main__":
    main()
