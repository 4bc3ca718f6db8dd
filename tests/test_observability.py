"""The running app, watched over: health, counters and logs, which tell nothing of photos or visitors."""

import logging

import httpx
import pytest
from browser.fakes import DISC_AT, FakeEngine, engines_of, scene, stand_ins

from magicfixup_demo.errors import SegmentationError
from magicfixup_demo.images import png_bytes
from magicfixup_demo.serving import logs
from magicfixup_demo.serving.events import log
from magicfixup_demo.ui.health import health, watching
from magicfixup_demo.ui.page import build_page, launch_options
from magicfixup_demo.ui.services import Services
from tests.served import launch


class Page:
    """A page that is up, and what a stranger can ask it."""

    def __init__(self, services: Services, metrics: bool, told: dict | None = None):
        self.services, self.blocks = services, build_page(services)
        watched = watching(services, self.blocks, metrics)
        url = launch(self.blocks, options=launch_options(**watched))
        self.client = httpx.Client(base_url=url, timeout=30)

    def ask(self, name: str, record: dict) -> dict:
        components = self.client.get("/config").json()["components"]
        editor = next(item["id"] for item in components if item["props"].get("elem_id") == "magicfixup")
        body = {"component_id": editor, "fn_name": name, "session_hash": "s", "data": record}
        return self.client.post("/gradio_api/component_server", json=body).json()

    def close(self):
        self.client.close()
        self.blocks.close()


@pytest.fixture
def up(tmp_path, monkeypatch):
    """up(metrics) -> a Page over the fakes."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    handlers, pages = log.handlers[:], []

    def start(metrics: bool = True) -> Page:
        services = stand_ins()
        services.segmenter.result(10)
        services.engines.get(None, lambda *_: None)
        pages.append(Page(services, metrics))
        return pages[-1]

    yield start
    for page in pages:
        page.close()
    log.handlers[:] = handlers


def test_a_visit_is_counted_and_nothing_of_it_is_told(up, capfd):
    root = logging.root.handlers[:]
    logs.configure("json", "info")
    page = up()
    sent = page.client.post("/gradio_api/upload", files={"files": ("holiday.png", png_bytes(scene()))}).json()[0]
    opened = page.ask("open_upload", {"path": sent, "name": "holiday.png", "visit": "their-visit"})
    page.ask("segment", {"token": opened["token"], "prompt": {"points": [[*DISC_AT, True]]}})
    page.ask("segment", {"token": opened["token"], "prompt": {"points": [[300, 390, True], [10, 10, "no"]]}})
    page.ask("open_upload", {"path": "/etc/holiday.png"})
    call = page.client.post("/gradio_api/call/segment", json={"data": [{"path": "/tmp/holiday.png"}]}).json()
    assert "error" in page.client.get(f"/gradio_api/call/segment/{call['event_id']}").text
    told = page.client.get("/metrics")
    assert told.status_code == 200 and told.headers["content-type"].startswith("text/plain")
    assert told.headers["cache-control"] == "no-store"
    assert 'magicfixup_events_total{door="page",event="click",outcome="done"} 1.0' in told.text
    assert 'magicfixup_failures_total{event="open",kind="PhotoError"} 1.0' in told.text
    assert "magicfixup_photos 1.0" in told.text and "magicfixup_queue" in told.text
    assert "magicfixup_fixups_waiting 0.0" in told.text and "magicfixup_readings_waiting 0.0" in told.text
    logging.root.handlers[:] = root
    written = told.text + "".join(capfd.readouterr())
    assert '"event": "click"' in written
    for secret in ("holiday", opened["token"], "their-visit", sent):
        assert secret not in written, secret


def test_nothing_is_counted_or_told_unless_asked_for(up):
    page = up(metrics=False)
    assert page.client.get("/metrics").status_code == 404 and not log.handlers


def test_health_says_which_models_are_ready(up):
    page = up(metrics=False)
    answer = page.client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"live": True, "segmenter": "ready", "models": {"fake": "ready"}}
    assert page.client.head("/healthz").status_code == 200 and page.client.post("/healthz").status_code == 404


def test_health_says_what_is_missing():
    def broken(progress):
        raise SegmentationError("There is no model.")

    services = Services(engines_of(FakeEngine()), broken)
    assert health(services) == (False, {"live": True, "segmenter": "waiting", "models": {}})
    services.start()
    with pytest.raises(SegmentationError):
        services.segmenter.result(10)
    services.engines.get(None, lambda *_: None)
    assert health(services) == (False, {"live": True, "segmenter": "failed", "models": {"fake": "ready"}})
