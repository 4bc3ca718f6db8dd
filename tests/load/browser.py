"""Real Chromiums among the visitors: whether people see what the protocol's figures say."""

import random
import time
from pathlib import Path

import numpy as np

from magicfixup_demo.images import open_photo
from tests.browser.visitor import Visitor as Hands
from tests.chromium import chromium_path
from tests.load.visit import CLICKS, Log

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 600_000
EXAMPLE = "polar-bear"
OBJECTS = ((520, 380), (480, 400), (560, 390))  # pixels of its photo, on what a click selects there
MOVED = (-80, 20)  # pixels
REST_SECONDS = 3.0


def keep_coming(url: str, examples: dict[str, Path], until: float, seed: int, log: Log) -> None:
    """Visit with a browser of its own until ``until`` (of time.perf_counter); its steps are "browser: ..."."""
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    if path is None:
        raise SystemExit("Chromium is missing (Debian: apt install chromium); leave --browsers out.")
    chance = random.Random(seed)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        while time.perf_counter() < until:
            page = chromium.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(PATIENCE_MS)
            try:
                _visit(Hands(page, touch=False), url, examples[EXAMPLE], log)
                log.visits += 1
            except Exception as problem:  # each is a finding, whatever its kind
                log.errors.append(f"browser: {type(problem).__name__}: {problem}"[:300])
            page.close()
            time.sleep(chance.uniform(0, 2 * REST_SECONDS))
        chromium.close()


def _visit(hands: Hands, url: str, photo: Path, log: Log) -> None:
    began = time.perf_counter()
    hands.page.goto(url)
    hands.page.wait_for_selector(".mf[data-mounted]")
    log.took("browser: page", began)
    began = time.perf_counter()
    hands.open_file(photo)
    log.took("browser: open, ready", began)
    for point in OBJECTS[:CLICKS]:
        time.sleep(REST_SECONDS)
        hands.key("Escape")
        hands.page.wait_for_selector('[data-group="selection"]', state="hidden")
        began = time.perf_counter()
        hands.select(point)
        log.took("browser: click", began)
    hands.drag(point, (point[0] + MOVED[0], point[1] + MOVED[1]))
    hands.wait_layers(1)
    began = time.perf_counter()
    hands.fix_up()
    log.took("browser: fix-up", began)
    log.fixups += 1
    began = time.perf_counter()
    _, picture = hands.download()
    log.took("browser: download", began)
    original = open_photo(photo)
    if picture.shape != original.shape or np.array_equal(picture, original):
        log.errors.append("browser: the download is not the repaired photo")
