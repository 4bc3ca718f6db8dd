"""The slowest and largest requests that are still accepted, one after the other: seconds and peak memory of each.

    python -m tests.faults.worst_cases [-o REPORT.json] [NAME ...]

Each runs in a process of its own. ``before`` is what that process had before the request itself.
"""

import argparse
import gc
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from magicfixup_demo.errors import MagicFixupError

WIDTH, HEIGHT = 8660, 5770  # 49.97 megapixels
MOST_LAYERS = 200
Request = Callable[[], object]


def photo(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """(height, width, 3) uint8 with detail everywhere, which no format packs well."""
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 256, (1024, 1024, 3), np.uint8)
    return np.tile(tile, (height // 1024 + 1, width // 1024 + 1, 1))[:height, :width].copy()


def encoded(kind: str, size: tuple[int, int] = (WIDTH, HEIGHT), **options) -> bytes:
    buffer = io.BytesIO()
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]].astype(np.uint16)
    picture = np.dstack([columns % 251, rows % 241, (rows + columns) % 239]).astype(np.uint8)
    Image.fromarray(picture).save(buffer, kind, **options)
    return buffer.getvalue()


def soft_mask(height: int, width: int) -> np.ndarray:
    """(height, width) uint8: soft everywhere."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.int32)
    return (20 + (rows + columns) % 230).astype(np.uint8)


def decode(kind: str, **options) -> Request:
    from magicfixup_demo.images import open_photo

    data = encoded(kind, **options)
    return lambda: open_photo(data)


def services():
    from magicfixup_demo.ui.models import engines, segmenter_loader
    from magicfixup_demo.ui.services import Services

    made = Services(engines("small"), segmenter_loader("mobile-sam")).start()
    made.segmenter.result(300)
    made.engines.get(None, lambda *_: None)
    return made


def opening() -> Request:
    """What an upload sets off, with its reading by MobileSAM."""
    from magicfixup_demo.ui.answering import photo_record
    from magicfixup_demo.ui.services import embedding_of

    made, picture = services(), photo()

    def request():
        opened = made.open_photo("photo", picture, "v")
        return photo_record(opened), embedding_of(opened)

    return request


def asking(name: str, **record) -> Request:
    """A function of the page over a photo that is open."""
    from magicfixup_demo.ui.handlers import server_functions
    from magicfixup_demo.ui.services import embedding_of

    made = services()
    opened = made.open_photo("photo", photo(), "v")
    embedding_of(opened)
    page = {function.__name__: function for function in server_functions(made)}
    return lambda: answered(page[name]({"token": opened.token, **record}))


def answered(reply: dict) -> dict:
    if "error" in reply:
        print(f"refused: {reply['error']}", file=sys.stderr)
    return reply


def box_record(mask: np.ndarray) -> dict:
    from magicfixup_demo.ui.segmenting import mask_record

    return mask_record(mask)


def stripes() -> np.ndarray:
    """(HEIGHT, WIDTH) uint8: a mask that is nothing but edges."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for shift in range(32):
        mask[:, shift::64] = 255
    return mask


def collage_of(layers: int, distort: bool, segments: int = 1):
    """Layers that each cover the whole photo."""
    from magicfixup_demo.schema import Collage, Layer, Segment

    parts = tuple(Segment(f"s{i}", 0, 0, soft_mask(HEIGHT, WIDTH)) for i in range(segments))
    offsets = ((3.0, 2.0), (-5.0, 4.0), (7.0, -6.0), (1.0, 9.0)) if distort else None
    shown = tuple(
        Layer(f"l{i}", f"s{i % segments}", (1.0, 0.01, -0.01, 1.0, float(i), 1.0), distort=offsets)
        for i in range(layers)
    )
    return Collage(WIDTH, HEIGHT, segments=parts, layers=shown)


def rendering(layers: int, distort: bool = True) -> Request:
    from magicfixup_demo.collage import render
    from magicfixup_demo.ui.drawing import check_work

    picture, collage = photo(), collage_of(layers, distort)

    def request():
        check_work(collage)
        return render(picture, collage)

    return request


def parsing() -> Request:
    """A collage's JSON with as many pixels of masks as are taken, coarse ones that are enlarged."""
    from magicfixup_demo.collage_json import collage_from_json, mask_to_base64

    mask = mask_to_base64(soft_mask(HEIGHT // 8, WIDTH // 8))
    box = {"left": 0, "top": 0, "width": WIDTH, "height": HEIGHT, "mask": mask}
    segments = [{"id": f"s{i}", **box} for i in range(4)]
    record = {"version": 2, "photo": {"width": WIDTH, "height": HEIGHT}, "segments": segments, "layers": []}
    text = json.dumps(record)
    return lambda: collage_from_json(text)


def fixing(hole: float, samples: int = 4) -> Request:
    """A fix-up of the largest photo; ``hole``: share of its height and width that is one."""
    from magicfixup_demo.engine.registry import load_engine
    from magicfixup_demo.schema import CoarseEdit, EditOptions

    picture, engine = photo(), load_engine("small", "cpu")
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[20 : int(HEIGHT * hole), 20 : int(WIDTH * hole)] = 0
    edit = CoarseEdit(np.where(alpha[..., None] > 0, picture, 0).astype(np.uint8), alpha)
    return lambda: engine.fixup(picture, edit, EditOptions(samples=samples))


def moving(hole: float) -> Request:
    """An object of the largest photo moved, whose soft mask covers that share of its height and width."""
    from magicfixup_demo.collage import render
    from magicfixup_demo.engine.registry import load_engine
    from magicfixup_demo.schema import Collage, EditOptions, Layer, Segment

    picture, engine = photo(), load_engine("small", "cpu")
    segment = Segment("s", 20, 20, soft_mask(int(HEIGHT * hole), int(WIDTH * hole)))
    layer = Layer("l", "s", (1.0, 0.0, 0.0, 1.0, WIDTH * (1 - hole) / 2, 40.5))
    edit = render(picture, Collage(WIDTH, HEIGHT, (segment,), (layer,)))
    return lambda: engine.fixup(picture, edit, EditOptions())


def scattered(across: int, width: int = WIDTH, height: int = HEIGHT) -> Request:
    """So many small holes in each row and column, too far from each other to be filled together."""
    from magicfixup_demo.engine.registry import load_engine
    from magicfixup_demo.schema import CoarseEdit, EditOptions

    picture, engine = photo(width, height), load_engine("small", "cpu")
    alpha = np.full((height, width), 255, np.uint8)
    for y in np.linspace(100, height - 100, across).astype(int):
        for x in np.linspace(100, width - 100, across).astype(int):
            alpha[y : y + 9, x : x + 9] = 0
    edit = CoarseEdit(np.where(alpha[..., None] > 0, picture, 0).astype(np.uint8), alpha)
    return lambda: engine.fixup(picture, edit, EditOptions(sdedit=False))


def saving(form: str) -> Request:
    """An arrangement of the largest photo as a file, with everything in it."""
    from magicfixup_demo.ui.handlers import server_functions
    from tests.browser.fakes import stand_ins

    made = stand_ins()
    opened = made.open_photo("photo", photo(), "v")
    page = {function.__name__: function for function in server_functions(made)}
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[100:-100, 100:-100] = 255
    segment = {"id": "s", **box_record(mask)}
    layer = {"id": "l", "segment": "s", "matrix": [1, 0, 0, 1, 30, 20]}
    size = {"width": WIDTH, "height": HEIGHT}
    collage = {"version": 1, "photo": size, "segments": [segment], "layers": [layer]}
    request = {"token": opened.token, "form": form, "collage": collage}
    return lambda: answered(page["save"](request))


def reading_a_zip() -> Request:
    from magicfixup_demo.saving.reading import read_work

    data = saved_zip()
    return lambda: read_work(data)


def saved_zip() -> bytes:
    from magicfixup_demo.collage import render
    from magicfixup_demo.collage_json import collage_to_json
    from magicfixup_demo.saving.bundle import to_zip
    from magicfixup_demo.saving.photos import photo_file, pixels_sha256
    from magicfixup_demo.saving.record import PhotoReference, Record
    from magicfixup_demo.saving.work import Work
    from magicfixup_demo.schema import Collage, Layer, Segment

    picture = photo(WIDTH, HEIGHT // 3)
    segment = Segment("s", 0, 0, soft_mask(HEIGHT // 3, WIDTH))
    layers = (Layer("l", "s", (1.0, 0.0, 0.0, 1.0, 9.0, 9.0)),)
    collage = Collage(WIDTH, HEIGHT // 3, segments=(segment,), layers=layers)
    record = Record(PhotoReference("photo", WIDTH, HEIGHT // 3, pixels_sha256(picture)))
    work = Work(record=record, collage=collage_to_json(collage), photos={"": photo_file(picture, None)})
    return to_zip(work, render(picture, collage), {})


CASES: dict[str, Callable[[], Request]] = {
    "decoding a JPEG, 50 MP": lambda: decode("JPEG", quality=95),
    "decoding a progressive JPEG, 50 MP": lambda: decode("JPEG", quality=95, progressive=True),
    "decoding a PNG, 50 MP": lambda: decode("PNG", compress_level=1),
    "decoding a WebP without loss, 50 MP": lambda: decode("WEBP", lossless=True, quality=0, method=0),
    "decoding a TIFF, 50 MP": lambda: decode("TIFF", compression="tiff_adobe_deflate"),
    "opening a photo, 50 MP, and reading it": opening,
    "a click on it": lambda: asking("segment", prompt={"points": [[4000, 3000, True]]}),
    "a hundred clicks on it": lambda: asking(
        "segment", prompt={"points": [[40 + 80 * i, 3000, i % 2 == 0] for i in range(100)]}
    ),
    "the matte of a mask that is all edges, 50 MP": lambda: asking("matte", segment=box_record(stripes())),
    "the PNG of that mask": lambda: asking("mask_png", segment=box_record(stripes())),
    "reading a collage's JSON, 200 MP of masks": parsing,
    "arranging 10 layers of 50 MP": lambda: rendering(10, distort=False),
    "arranging 10 layers of 50 MP in perspective": lambda: rendering(10),
    "arranging 200 layers of 50 MP in perspective": lambda: rendering(MOST_LAYERS),
    "fixing up 50 MP, a hole of a quarter, 4 variants and SDEdit": lambda: fixing(0.5),
    "fixing up 50 MP, nearly all of it hole": lambda: fixing(0.97),
    "fixing up 50 MP, an object of a quarter moved": lambda: moving(0.5),
    "fixing up 12 MP, 196 holes far from each other": lambda: scattered(14, 4000, 3000),
    "saving 50 MP: picture and collage": lambda: saving("collage-png"),
    "saving 50 MP: everything": lambda: saving("zip"),
    "reading a saved zip, 17 MP": reading_a_zip,
}


def measured(name: str) -> dict:
    """Of one case, in this process; ``peak_mb`` is that of the request alone."""
    request = CASES[name]()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, begun, used = megabytes("VmRSS"), time.perf_counter(), time.process_time()
    refused = None
    try:
        request()
    except MagicFixupError as error:  # a refusal is a result
        refused = str(error)
    return {
        "seconds": round(time.perf_counter() - begun, 2),
        "cpu_seconds": round(time.process_time() - used, 2),
        "before_mb": before,
        "peak_mb": megabytes("VmHWM"),
        "refused": refused,
    }


def megabytes(name: str) -> int:
    """Of this process, by the kernel's name."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1]) // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="words of cases' names (default: all)")
    parser.add_argument("-o", "--output", metavar="REPORT.json")
    parser.add_argument("--here", metavar="CASE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measured(options.here)))
        return
    report = {}
    for name in CASES:
        if options.names and not any(word in name for word in options.names):
            continue
        command = [sys.executable, "-m", "tests.faults.worst_cases", "--here", name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
        lines = done.stdout.splitlines()
        report[name] = json.loads(lines[-1]) if lines else {"crashed": done.stderr[-400:]}
        print(name, report[name], flush=True)
    if options.output:
        with open(options.output, "w") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
