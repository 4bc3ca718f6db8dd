"""Measures how smoothly a layer follows the pointer: a 12-megapixel photo, ten layers with shadows, real pointer moves.

    python tests/browser/frame_rate.py [--width 1280 --height 800 --density 1] [--layers 10] [--moves 240]

Prints, for each gesture, the frames a second, the milliseconds that the page's own code takes for one pointer event,
and those that one drawing takes. A drawing counts until its pixels are there, also those that a browser would put off.
It is a script and not a test, since its figures are about the machine too.
"""

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser.fakes import SMALL, FakeEffects, FakeEngine, stand_ins  # noqa: E402
from browser.visitor import Visitor  # noqa: E402

PHOTO = (4000, 3000)  # width, height
EVENTS_PER_SECOND = 120

# Drawings run in animation frames. Reading a pixel back makes the browser finish what was drawn.
PROBE = """
window.probe = { on: false, frames: [], draws: [], events: [] };
const frame = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (draw) => frame((time) => {
  const begun = performance.now();
  probe.drawn = false;
  draw(time);
  if (!probe.on || !probe.drawn) return;
  document.querySelector('[data-part="canvas"]').getContext("2d").getImageData(0, 0, 1, 1);
  probe.draws.push(performance.now() - begun);
});
const { drawImage } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.drawImage = function (...what) {
  probe.drawn = true;
  return drawImage.apply(this, what);
};
const count = (time) => (probe.on && probe.frames.push(time), frame(count));
frame(count);
let begun = 0;
for (const kind of ["pointermove", "wheel"]) {
  window.addEventListener(kind, () => (begun = performance.now()), { capture: true, passive: true });
  window.addEventListener(kind, () => probe.on && probe.events.push(performance.now() - begun), { passive: true });
}
"""


def photo_with_things(count: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """(H, W, 3) uint8 with ``count`` things of one colour each, and the things' middles (x, y)."""
    width, height = PHOTO
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    photo = np.dstack([60 + columns / 60, 80 + rows / 50, 70 + (rows + columns) / 100])
    photo += np.random.default_rng(0).normal(0, 3, photo.shape).astype(np.float32)
    photo = np.clip(photo, 0, 200).astype(np.uint8)
    middles = []
    for i in range(count):
        x = int((0.14 + 0.18 * (i % 5)) * width)
        y = int((0.3 + 0.4 * (i // 5 % 2)) * height)
        colour = tuple(
            int(255 * value) for value in cv2.cvtColor(np.float32([[[36 * i, 1, 1]]]), cv2.COLOR_HSV2RGB)[0, 0]
        )
        cv2.circle(photo, (x, y), 260 + 12 * i, colour, -1)
        middles.append((x, y))
    return photo, middles


def open_site() -> str:
    """The page over fast stand-ins for the models, in this process; its address."""
    from magicfixup_demo.ui.examples import list_examples
    from magicfixup_demo.ui.page import build_page
    from tests.served import launch

    services = stand_ins(FakeEngine(), FakeEngine(SMALL, effects=FakeEffects()), examples=list_examples())
    return launch(build_page(services))


def arrange(visitor: Visitor, middles) -> None:
    """Cut everything out, and move each a little, so that nothing is drawn in its old place."""
    for count, middle in enumerate(middles, 1):
        visitor.select(middle)
        visitor.key("Enter")
        visitor.wait_layers(count)
        for _ in range(3):
            visitor.key("Shift+ArrowRight")
    visitor.wait_for("magicfixup.holes().open === 0")
    visitor.wait_for("magicfixup.holes().asked === 0")


def measured(visitor: Visitor, gesture) -> dict:
    """Runs gesture(step) while the probe listens."""
    visitor.page.evaluate("Object.assign(probe, { on: true, frames: [], draws: [], events: [] })")
    gesture()
    return visitor.page.evaluate("(probe.on = false, probe)")


def pointer_path(page, points) -> None:
    """The mouse along CSS points, at the rate of a fast display and no faster."""
    due = time.perf_counter()
    for x, y in points:
        page.mouse.move(x, y)
        due = max(due + 1 / EVENTS_PER_SECOND, time.perf_counter() - 1)
        time.sleep(max(0, due - time.perf_counter()))


def drag(visitor: Visitor, middle, moves: int) -> None:
    x, y = visitor.client(middle)
    page = visitor.page
    page.mouse.move(x, y)
    page.mouse.down()
    turns = (2 * math.pi * 3 * i / moves for i in range(moves))
    pointer_path(page, [(x + 180 * math.sin(t), y + 90 * math.sin(2 * t)) for t in turns])
    page.mouse.up()


def wheel(visitor: Visitor, middle, moves: int) -> None:
    visitor.page.mouse.move(*visitor.client(middle))
    for i in range(moves):
        visitor.page.mouse.wheel(0, -40 if i % 60 < 30 else 40)


def zoom_in(visitor: Visitor, middle) -> None:
    visitor.key("0")
    visitor.page.mouse.move(*visitor.client(middle))
    for _ in range(6):
        visitor.page.mouse.wheel(0, -300)
    visitor.wait_for("magicfixup.view()[0] > 5")


def box_of(visitor: Visitor, index: int) -> tuple[float, float, float]:
    """Left, top and width, in photo pixels, of an upright layer."""
    layer = visitor.layers()[index]
    segment = next(one for one in visitor.collage()["segments"] if one["id"] == layer["segment"])
    *_, dx, dy = layer["matrix"]
    return segment["left"] + dx, segment["top"] + dy, segment["width"]


def measure_all(visitor: Visitor, middles, moves: int) -> None:
    """Each gesture on a layer in the middle of the stack, taken back after it."""
    index = len(middles) // 2
    middle = middles[index]

    def dragged(name: str, start) -> None:
        report(name, measured(visitor, lambda: drag(visitor, start, moves)))
        visitor.key("Control+z")

    dragged("a layer between others, moved", middle)
    left, top, width = box_of(visitor, index)
    dragged("turned", (left + width / 2, top - 34 / visitor.view()[0]))
    visitor.key("t")
    dragged("distorted", (left, top))
    visitor.key("Escape")
    report("the view, zoomed", measured(visitor, lambda: wheel(visitor, middle, moves)))
    zoom_in(visitor, middle)
    dragged(f"moved at {visitor.view()[0]:.0%}", middle)


def report(name: str, figures: dict) -> None:
    frames, draws, events = (np.array(figures[key]) for key in ("frames", "draws", "events"))
    if len(frames) < 2 or not len(draws):
        print(f"{name:28} nothing was drawn")
        return
    gaps = np.diff(frames)
    middle, most = np.median(draws), np.percentile(draws, 95)
    print(
        f"{name:28} {1000 / gaps.mean():5.1f} frames/s (longest gap {gaps.max():.0f} ms), "
        f"{len(events)} events {np.median(events):.2f} ms (95 %: {np.percentile(events, 95):.2f}), "
        f"{len(draws)} drawings {middle:.2f} ms (95 %: {most:.2f})"
    )


def main(arguments: list[str] | None = None) -> None:
    from playwright.sync_api import sync_playwright

    from browser.conftest import FLAGS
    from tests.chromium import chromium_path

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--density", type=float, default=1)
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--moves", type=int, default=240)
    options = parser.parse_args(arguments)
    photo, middles = photo_with_things(options.layers)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "things.png"
        cv2.imwrite(str(path), photo[:, :, ::-1])
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        size = {"width": options.width, "height": options.height}
        page = browser.new_page(viewport=size, device_scale_factor=options.density)
        page.add_init_script(PROBE)
        page.goto(open_site())
        page.wait_for_selector(".mf[data-mounted]")
        visitor = Visitor(page, touch=False)
        visitor.open_file(path)
        arrange(visitor, middles)
        measure_all(visitor, middles, options.moves)
        browser.close()


if __name__ == "__main__":
    main()
