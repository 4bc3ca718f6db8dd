"""How long a user waits and how much memory it takes: start-up, embedding, click, fix-up.

Everything is measured through the same doors that the page uses. Times are wall-clock medians in seconds.
"""

import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from magicfixup_demo.affine import compose, invert, scaling, translation
from magicfixup_demo.collage import render, segment_from_mask
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.plate import removed_objects
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.errors import DataError, MagicFixupError
from magicfixup_demo.images import open_photo, resize
from magicfixup_demo.schema import CoarseEdit, Collage, EditOptions, Prompt, Segment
from magicfixup_demo.segmentation.registry import load_segmenter

REPOSITORY = Path(__file__).resolve().parent.parent
EXAMPLE = REPOSITORY / "examples" / "coffee"
CLICK = (280.0, 300.0)  # on the example's saucer
SIDE = 512
LARGE = (4000, 3000)  # pixels: a phone's photo
AGAIN = 3.0  # pixels of the example that its objects are moved by once more
START_LIMIT_SECONDS = 180
POLL_SECONDS = 0.05


def run(
    report_path: str | None = None,
    repeats: int = 5,
    segmenter: str = "mobile-sam",
    model: str = "small",
    backend: str = "torch",
) -> dict:
    """Measure, print a table, and write the figures as JSON to ``report_path`` if one is given.

    Returns {"machine": {...}, "seconds": {name: {"median", "first", "all"}}, "peak_memory_mb": {name: number or None}}.
    ``first`` is the first call, which also warms caches; the median leaves it out. Raises MagicFixupError.
    """
    if not (EXAMPLE / "photo.jpg").exists():
        raise DataError("The benchmark needs the examples folder; run it in a copy of the whole repository.")
    seconds, app_memory = _measure_start(repeats)
    seconds |= _measure_clicks(segmenter, repeats)
    seconds |= _measure_fixup(model, backend, repeats)
    memory = {"app after start": app_memory, "this process (embedding, clicks, fix-up)": peak_memory_mb(os.getpid())}
    report = {"machine": _machine(segmenter, model, backend), "seconds": seconds, "peak_memory_mb": memory}
    print(table(report))
    if report_path:
        Path(report_path).write_text(json.dumps(report, indent=1) + "\n")
    return report


def table(report: dict) -> str:
    """The report as Markdown, ready for the README."""
    lines = ["| what | median | first call |", "|---|---:|---:|"]
    for name, figures in report["seconds"].items():
        lines.append(f"| {name} | {figures['median']:.3f} s | {figures['first']:.3f} s |")
    for name, megabytes in report["peak_memory_mb"].items():
        lines.append(f"| peak memory, {name} | {_megabytes(megabytes)} | |")
    machine = ", ".join(f"{key} {value}" for key, value in report["machine"].items())
    return "\n".join([*lines, "", f"Machine: {machine}."])


def peak_memory_mb(pid: int) -> float | None:
    """The most resident memory a process ever held, in MB (1e6 bytes); None where the system does not tell."""
    return _memory_mb(pid, "VmHWM")


def peak_growth_mb(work: Callable[[], object]) -> tuple[object, float | None]:
    """What ``work()`` returns, and the most memory that this process held meanwhile above what it held before, in MB.

    None in place of the second where the system cannot count the peak anew (only Linux can).
    """
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far; see proc(5)
    except OSError:
        return work(), None
    before = _memory_mb(os.getpid(), "VmRSS")
    done = work()
    return done, round(peak_memory_mb(os.getpid()) - before, 1)


def _memory_mb(pid: int, field: str) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith(f"{field}:")), None)
    return round(int(kilobytes) * 1.024 / 1000, 1) if kilobytes else None


# --- what is measured -------------------------------------------------------------------------------------------------


def _measure_start(repeats: int) -> tuple[dict, float | None]:
    """From starting ``python app.py`` to the page's first byte."""
    times, memory = [], None
    for _ in range(min(repeats, 3) + 1):
        started = time.perf_counter()
        with _app_process() as (process, address, log):
            _wait_for_page(process, address, log)
            times.append(time.perf_counter() - started)
            memory = peak_memory_mb(process.pid)
    return {"start-up to first page": _figures(times)}, memory


def _measure_clicks(name: str, repeats: int) -> dict:
    photo = open_photo(EXAMPLE / "photo.jpg")
    segmenter = load_segmenter(name)
    prompt = Prompt(points=(CLICK,), labels=(True,))
    embedding = segmenter.embed(photo)
    return {
        "embedding a photo": _figures(_times(lambda: segmenter.embed(photo), repeats)),
        "click to mask": _figures(_times(lambda: segmenter.candidates(embedding, prompt), repeats)),
    }


def _measure_fixup(name: str, backend: str, repeats: int) -> dict:
    """The example's edit at SIDE x SIDE: the ground alone, the result alone, both again, and as the page runs it.

    Then the result alone at the size of a phone's photo.
    """
    engine = load_engine(name, backend=backend)
    photo, edit, moved = _scene(SIDE, SIDE)
    large, large_edit, _ = _scene(*LARGE)
    removed = removed_objects(edit.collage)
    alone, compared = EditOptions(sdedit=False), EditOptions()

    def afresh(*arguments) -> None:
        engine.forget()  # as for every new photo
        engine.fixup(*arguments)

    def plate_afresh() -> None:
        engine.forget()
        engine.lift(photo, [removed])

    works = {
        f"fix-up at {SIDE} without SDEdit": lambda: afresh(photo, edit, alone),
        "the same objects moved again": lambda: engine.fixup(photo, moved, alone),
        "with SDEdit beside it": lambda: afresh(photo, edit, compared),
        f"{LARGE[0] * LARGE[1] // 10**6} megapixels": lambda: afresh(large, large_edit, alone),
    }
    if hasattr(engine, "lift"):  # the published model makes no ground by itself
        works = {f"plate at {SIDE}": plate_afresh} | works
    return {title: _figures(_times(work, repeats)) for title, work in works.items()}


def _scene(width: int, height: int) -> tuple[np.ndarray, CoarseEdit, CoarseEdit]:
    """The example at that size: the photo, its edit, and the same objects a little further on."""
    photo = open_photo(EXAMPLE / "photo.jpg")
    collage = collage_from_json((EXAMPLE / "collage.json").read_text())
    shape = scaling(width / collage.width, height / collage.height)
    segments = tuple(_at_size(segment, collage, width, height) for segment in collage.segments)
    photo = resize(photo, width, height)

    def edit(shift: float) -> CoarseEdit:
        there = compose(shape, translation(shift, shift))
        layers = [
            replace(layer, matrix=compose(compose(there, layer.matrix), invert(shape))) for layer in collage.layers
        ]
        return render(photo, Collage(width, height, segments, tuple(layers)))

    return photo, edit(0.0), edit(AGAIN)


def _at_size(segment: Segment, collage: Collage, width: int, height: int) -> Segment:
    mask = np.zeros((collage.height, collage.width), np.uint8)
    rows, columns = segment.mask.shape
    mask[segment.top : segment.top + rows, segment.left : segment.left + columns] = segment.mask
    return segment_from_mask(segment.id, resize(mask, width, height))


# --- helpers ----------------------------------------------------------------------------------------------------------


def _times(work: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of one call that warms up and ``repeats`` more."""
    times = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return times


def _figures(times: list[float]) -> dict:
    return {"median": median(times[1:]), "first": times[0], "all": times}


@contextmanager
def _app_process():
    """Start the app as the README says on a free port; gives (process, address, log file); stops it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield process, f"http://127.0.0.1:{port}/", log
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_page(process: subprocess.Popen, address: str, log) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                answer.read()
                return
        except (urllib.error.URLError, OSError):
            time.sleep(POLL_SECONDS)
    log.seek(0)
    last = (log.read().strip().splitlines() or ["it said nothing"])[-1]
    raise MagicFixupError(f"The page did not start ({last[:200]}); run python app.py to see why.")


def _machine(segmenter: str, model: str, backend: str) -> dict:
    import torch

    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "segmenter": segmenter,
        "model": model,
        "backend": backend,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _megabytes(value: float | None) -> str:
    return "not known" if value is None else f"{value:.0f} MB"
