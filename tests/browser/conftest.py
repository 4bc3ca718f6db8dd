"""A headless Chromium, and the page over fast stand-ins for the models, for all browser tests."""

import os
import shutil
from pathlib import Path

import pytest

from browser.fakes import FakeEngine, FakeSegmenter, engines_of, scene
from browser.visitor import Visitor

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
FLAGS += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


@pytest.fixture(scope="session")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install playwright)")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("needs Chromium (Debian: apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """visit(url, options) opens a page as a Visitor.

    Anything that the page logs as an error fails the test, and so does any call to another machine than ours.
    """
    contexts, problems = [], []

    def open_page(url: str, options: dict = DESKTOP) -> Visitor:
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: message.type == "error" and problems.append(message.text))
        ours = (url, "data:", "blob:")
        page.on("request", lambda request: request.url.startswith(ours) or problems.append(f"call to {request.url}"))
        page.goto(url)
        page.wait_for_selector(".mf[data-mounted]")
        return Visitor(page, touch=bool(options.get("has_touch")))

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture(scope="session")
def fake_site(chromium):
    """(url, engine, services): the page over the stand-ins, in this process."""
    from magicfixup_demo.ui.examples import list_examples
    from magicfixup_demo.ui.page import build_page, launch_options
    from magicfixup_demo.ui.services import Services

    engine = FakeEngine()
    services = Services(engines_of(engine), lambda progress: FakeSegmenter(), list_examples()).start()
    page = build_page(services)
    _, url, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options())
    yield url, engine, services
    page.close()


@pytest.fixture
def site(fake_site):
    """As fake_site, with an engine that has no memory of other tests."""
    url, engine, services = fake_site
    engine.gate.set()
    engine.stopped.clear()
    engine.asked.clear()
    return url, engine, services


@pytest.fixture(scope="session")
def photo_file(tmp_path_factory) -> Path:
    from magicfixup_demo.images import save_png

    path = tmp_path_factory.mktemp("photos") / "two things.png"
    save_png(path, scene())
    return path
