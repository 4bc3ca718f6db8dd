"""A headless Chromium, and the page over fast stand-ins for the models, for all browser tests."""

import os
from pathlib import Path

import pytest

from browser.fakes import FakeEngine, scene, stand_ins
from browser.visitor import Visitor
from tests.chromium import chromium_path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
FLAGS += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
BROKEN_LINE = ("net::ERR_", "network error", "Failed to fetch")  # how Chromium and Gradio's script log it
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


@pytest.fixture(scope="session")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install playwright)")
    path = chromium_path()
    if path is None:
        pytest.skip("needs Chromium (Debian: apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tabs():
    """The browser contexts that a test has open, so that a server of the test's own can close them before it goes."""
    contexts = []
    yield contexts
    close(contexts)


def close(tabs: list) -> None:
    while tabs:
        tabs.pop().close()


@pytest.fixture
def visit(chromium, tabs):
    """visit(url, options) opens a page as a Visitor.

    Anything that the page logs as an error fails the test, and so does any call to another machine than ours.
    ``lines_break``: the network fails on purpose, and the browser may say so.
    """
    problems = []

    def told(text: str, lines_break: bool) -> None:
        if not (lines_break and any(words in text for words in BROKEN_LINE)):
            problems.append(text)

    def open_page(url: str, options: dict = DESKTOP, lines_break: bool = False) -> Visitor:
        context = chromium.new_context(**options)
        tabs.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: message.type == "error" and told(message.text, lines_break))
        ours = (url.partition("?")[0], "data:", "blob:")
        page.on("request", lambda request: request.url.startswith(ours) or problems.append(f"call to {request.url}"))
        page.goto(url)
        page.wait_for_selector(".mf[data-mounted]")
        return Visitor(page, touch=bool(options.get("has_touch")))

    yield open_page
    close(tabs)
    assert not problems


@pytest.fixture(scope="session")
def fake_site(chromium):
    """(url, engine, services): the page over the stand-ins, in this process."""
    from magicfixup_demo.ui.examples import list_examples
    from tests.served import served

    engine = FakeEngine()
    services = stand_ins(engine, examples=list_examples())
    with served(services) as url:
        yield url, engine, services


@pytest.fixture
def site(fake_site):
    """As fake_site, with an engine that has no memory of other tests."""
    url, engine, services = fake_site
    engine.gate.set()
    engine.stopped.clear()
    engine.held_variant = None
    engine.asked.clear()
    return url, engine, services


@pytest.fixture(scope="session")
def photo_file(tmp_path_factory) -> Path:
    from magicfixup_demo.images import save_png

    path = tmp_path_factory.mktemp("photos") / "two things.png"
    save_png(path, scene())
    return path


@pytest.fixture
def desk(visit, site, photo_file) -> Visitor:
    """A visitor at a desktop with the photo open."""
    visitor = visit(site[0])
    visitor.open_file(photo_file)
    return visitor


@pytest.fixture
def phone(visit, site, photo_file) -> Visitor:
    """A visitor with a phone and the photo open."""
    visitor = visit(site[0], PHONE)
    visitor.open_file(photo_file)
    return visitor
