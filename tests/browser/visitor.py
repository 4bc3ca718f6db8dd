"""What a visitor does on the page: looks, clicks, drags, waits. Waits are on conditions, never on time."""

import base64
import io

import numpy as np
from PIL import Image

ROOT = ".mf"


class Visitor:
    """One open page. Points are photo pixels unless a name says client."""

    def __init__(self, page, touch: bool):
        self.page, self.touch = page, touch

    # Looking

    def wait_mode(self, mode: str) -> None:
        self.page.wait_for_selector(f'{ROOT}[data-mode="{mode}"]')

    def collage(self) -> dict:
        """The arrangement, once the edges of what was cut out are finished: that is no step, but changes the masks."""
        self.wait_for("magicfixup.selection().refining === 0")
        return self.page.evaluate(f"document.querySelector('{ROOT}').magicfixup.collage()")

    def layers(self) -> list[dict]:
        return self.collage()["layers"]

    def wait_layers(self, count: int) -> None:
        self.wait_for(f"magicfixup.collage().layers.length === {count}")

    def wait_for(self, condition: str) -> None:
        """Until ``condition`` of the editor's element holds."""
        self.page.wait_for_function(f"document.querySelector('{ROOT}').{condition}")

    def shown(self, group: str) -> None:
        """Until the dock offers that group of tools."""
        self.page.wait_for_selector(f'[data-group="{group}"]:not([hidden])')

    def toast(self) -> str:
        return self.page.locator(".mf-toast").last.inner_text()

    def picture(self) -> np.ndarray:
        """The photo's part of the canvas as it is on screen, without the controls on it; (h, w, 3) uint8."""
        box = self.page.locator('[data-part="canvas"]').bounding_box()
        photo, (a, _, _, d, e, f) = self.collage()["photo"], self.view()
        clip = {"x": box["x"] + e, "y": box["y"] + f, "width": photo["width"] * a, "height": photo["height"] * d}
        shot = self.page.screenshot(clip=clip, style=".mf-stage > :not(canvas) { visibility: hidden !important }")
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))

    def view(self) -> list[float]:
        return self.page.evaluate(f"document.querySelector('{ROOT}').magicfixup.view()")

    def client(self, point) -> tuple[float, float]:
        box, (a, b, c, d, e, f) = self.page.locator('[data-part="canvas"]').bounding_box(), self.view()
        x, y = point
        return box["x"] + a * x + c * y + e, box["y"] + b * x + d * y + f

    # Doing

    def open_file(self, path) -> None:
        self.page.set_input_files('[data-part="file"]', path)
        self.ready()

    def open_instead(self, path) -> None:
        """Choose another file while a photo is open, and open it as a new photo."""
        self.page.set_input_files('[data-part="file"]', path)
        self.answer_new_photo()

    def answer_new_photo(self) -> None:
        """When the page asks what a second picture is for."""
        self.page.get_by_role("button", name="Open as a new photo").click()

    def open_example(self, name: str) -> None:
        self.page.locator(f'[data-example="{name}"]:visible').first.click()
        self.ready()

    def ready(self) -> None:
        """The photo is open and has been read."""
        self.wait_mode("edit")
        self.page.wait_for_selector('[data-part="progress"]', state="hidden", timeout=180_000)
        self.settled()

    def settled(self) -> None:
        """The page is laid out, and the canvas has heard of its size (before the next frame but one is drawn)."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def press(self, name: str) -> None:
        self.page.locator(f'[data-do="{name}"]:visible').first.click()

    def key(self, keys: str) -> None:
        self.page.keyboard.press(keys)

    def click(self, point, shift: bool = False) -> None:
        x, y = self.client(point)
        if self.touch:
            self.page.touchscreen.tap(x, y)
            return
        if shift:
            self.page.keyboard.down("Shift")
        self.page.mouse.click(x, y)
        if shift:
            self.page.keyboard.up("Shift")

    def select(self, point) -> None:
        """Click an object and wait for its outline."""
        self.click(point)
        self.shown("selection")
        self.page.wait_for_selector('[data-do="cut-out"]:enabled')

    def drag(self, start, end, steps: int = 6) -> None:
        points = [tuple(a + (b - a) * i / steps for a, b in zip(start, end, strict=True)) for i in range(steps + 1)]
        self.drag_along([points])

    def drag_along(self, fingers: list[list[tuple[float, float]]], drop: bool = True) -> None:
        """Move one or several fingers (or the mouse) along photo points, all at once."""
        paths = [[self.client(point) for point in finger] for finger in fingers]
        (self._drag_touch if self.touch else self._drag_mouse)(paths, drop)

    def _drag_mouse(self, paths, drop) -> None:
        self.page.mouse.move(*paths[0][0])
        self.page.mouse.down()
        for point in paths[0][1:]:
            self.page.mouse.move(*point)
        if drop:
            self.page.mouse.up()

    def _drag_touch(self, paths, drop) -> None:
        session = self.page.context.new_cdp_session(self.page)

        def send(kind: str, points) -> None:
            touches = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

        for i in range(len(paths)):
            send("touchStart", [path[0] for path in paths[: i + 1]])
        for points in list(zip(*paths, strict=True))[1:]:
            send("touchMove", points)
        if drop:
            send("touchEnd", [])

    def settings(self) -> None:
        """Open the settings, or close them."""
        self.page.locator('[data-part="settings"] > summary').click()

    def choose_model(self, name: str) -> None:
        """In the open settings."""
        self.page.locator(f'[name="mf-model"][value="{name}"]').check()

    def fix_up(self) -> None:
        self.press("fixup")
        self.page.wait_for_selector(f'{ROOT}[data-mode="result"]', timeout=300_000)

    def download(self) -> tuple[str, np.ndarray]:
        """The file's suggested name and picture, (H, W, 3) uint8."""
        with self.page.expect_download() as waiting:
            self.press("download")
        with open(waiting.value.path(), "rb") as file:
            return waiting.value.suggested_filename, np.asarray(Image.open(io.BytesIO(file.read())).convert("RGB"))

    def shown_picture(self, part: str) -> np.ndarray:
        """A picture of the result as it is displayed, after it has been decoded; (h, w, 3) uint8."""
        selector = f'img[data-part="{part}"]' if part in ("after", "before") else f'[data-part="{part}"] img'
        self.page.wait_for_function(
            "s => { const i = document.querySelector(s); return i.complete && i.naturalWidth && i.offsetWidth }",
            arg=selector,
        )
        data = self.page.locator(selector).get_attribute("src")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB"))
