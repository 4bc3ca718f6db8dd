"""What a visitor sees when the server dies, stops, or cannot be reached: a sentence, the collage, and another try."""

import os
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from browser.fakes import SQUARE_AT
from browser.test_app import _wait_until_up
from browser.test_drafts import arrange
from browser.wire import Wire
from tests.ports import free_port

BROKE_OFF = "The connection to the server broke off"
NO_ANSWER = "The server does not answer"
MOST_MS = 60_000  # generous: what hangs for ever fails


class App:
    """``python app.py`` on a port of its own, which can be killed, stopped and started again."""

    def __init__(self, repository):
        self.repository, self.port = repository, free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.process = None

    def start(self) -> None:
        command = [sys.executable, "app.py", "--port", str(self.port), "--segmenter", "grabcut", "--model", "small"]
        self.process = subprocess.Popen(command, cwd=self.repository, env=os.environ | {"OMP_NUM_THREADS": "1"})
        _wait_until_up(self.url, self.process)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait(30)


@pytest.fixture(scope="module")
def app(repository, chromium):
    app = App(repository)
    app.start()
    yield app
    app.signal(signal.SIGCONT)
    app.signal(signal.SIGKILL)


def says(visitor, words: str) -> None:
    """Until that is on the page; then nothing runs any more, and the message is put away."""
    message = visitor.page.locator(".mf-toast", has_text=words)
    message.wait_for(timeout=MOST_MS)
    visitor.page.wait_for_selector('.mf:not([data-running="true"])')
    assert visitor.page.locator(".toast-body").count() == 0, "no message but ours"
    message.locator(".mf-toast-close").click()


def wait_until(happened, found=lambda: None) -> None:
    """Until it ``happened``; if it never does, the failure says what was ``found`` instead."""
    deadline = time.monotonic() + MOST_MS / 1000
    while not happened():
        assert time.monotonic() < deadline, found()
        time.sleep(0.05)  # between two looks


def visits(services) -> set[str]:
    """Of whom the server holds photos."""
    return {photo.visit for photo in services.photos._photos.values()}


def save(visitor) -> None:
    visitor.key("Control+s")
    visitor.page.click('[data-save="collage-png"]')


@pytest.fixture
def wire(site):
    wire = Wire(urlsplit(site[0]).port)
    yield wire
    wire.close()


def test_a_network_that_drops_in_a_fix_up_and_comes_back(visit, site, wire, photo_file):
    _, engine, services = site
    earlier = visits(services)  # of the tests before this one
    desk = visit(f"http://127.0.0.1:{wire.port}/", lines_break=True)
    collage = arrange(desk, photo_file)
    desk.page.evaluate("window.sameAsBefore = true")
    engine.gate.clear()
    desk.press("fixup")
    desk.page.get_by_text("Step 1 of 4").wait_for()
    wire.cut()
    says(desk, BROKE_OFF)
    assert engine.stopped.wait(60), "the server's place is free again"
    engine.gate.set()
    desk.click(SQUARE_AT)
    says(desk, NO_ANSWER)
    desk.press("fixup")
    says(desk, NO_ANSWER)
    save(desk)
    desk.page.get_by_role("dialog").get_by_text(NO_ANSWER).wait_for()
    desk.key("Escape")
    desk.open_instead(photo_file)
    says(desk, NO_ANSWER)
    assert desk.collage() == collage
    wire.mend()
    desk.select(SQUARE_AT)
    with desk.page.expect_download():
        save(desk)
    desk.fix_up()
    assert desk.page.evaluate("window.sameAsBefore"), "the page was not loaded again"
    # that of before the break goes once the server notices
    wait_until(lambda: len(visits(services) - earlier) == 1, lambda: (earlier, visits(services), services._visits))
    (visit_now,) = visits(services) - earlier
    assert services.knows_visit(visit_now)
    desk.page.close()
    wait_until(lambda: not services.knows_visit(visit_now))
    assert len(services.photos) == 0, "also of a visit that began anew nothing stays"


def test_a_server_that_stops_answering_for_a_while(app, visit, photo_file):
    desk = visit(app.url, lines_break=True)
    collage = arrange(desk, photo_file)
    app.signal(signal.SIGSTOP)
    desk.click(SQUARE_AT)
    says(desk, NO_ANSWER)
    assert desk.collage() == collage
    app.signal(signal.SIGCONT)
    desk.select(SQUARE_AT)
    desk.key("Enter")
    desk.wait_layers(2)


def test_a_server_killed_in_a_fix_up_and_started_again(app, visit, photo_file):
    desk = visit(app.url, lines_break=True)
    collage = arrange(desk, photo_file)
    desk.page.evaluate("window.sameAsBefore = true")
    desk.settings()
    desk.page.locator('[name="mf-samples"][value="4"]').check()
    desk.settings()
    desk.press("fixup")
    desk.page.get_by_text("Variant 1 of 4").wait_for()
    app.signal(signal.SIGKILL)
    says(desk, BROKE_OFF)
    assert desk.collage() == collage
    desk.press("fixup")
    says(desk, NO_ANSWER)
    desk.click(SQUARE_AT)
    says(desk, NO_ANSWER)
    assert desk.collage() == collage
    app.start()
    desk.settings()
    desk.page.locator('[name="mf-samples"][value="1"]').check()
    desk.settings()
    desk.fix_up()
    assert desk.page.evaluate("window.sameAsBefore"), "the page was not loaded again"
    assert "seed 4711" in desk.page.locator('[data-part="facts"]').inner_text()
    desk.key("Escape")
    desk.page.reload()
    desk.page.get_by_text("Your collage is back").wait_for()
    desk.ready()
    assert desk.collage() == collage
