"""The page when the network or the disk fails: it says why the published model is missing; the small one works.

What fails, and the sentences, are test_network_failures.py's; here they reach a visitor.
"""

import json

import pytest
from browser.fakes import DISC_AT, FakeSegmenter, scene

from magicfixup_demo.engine.weights import MODELS
from magicfixup_demo.ui import models, zerogpu
from magicfixup_demo.ui.handlers import server_functions
from magicfixup_demo.ui.services import Services
from tests.following import fixup
from tests.hub_server import SITUATIONS, FakeHub, be_impatient, point_at, situation

SOURCE = MODELS["magicfixup"].source
FILES = {SOURCE.repo: {SOURCE.path: b"0123456789" * 1000}}


@pytest.fixture(params=SITUATIONS)
def trouble(request, monkeypatch, tmp_path):
    monkeypatch.setattr("magicfixup_demo.engine.weights.CONVERTED_BYTES", 0)
    with situation(request.param, FILES, tmp_path) as environment:
        point_at(monkeypatch, environment)
        be_impatient(monkeypatch, request.param)
        yield request.param


def page_with(engines) -> tuple[Services, dict]:
    services = Services(engines, lambda progress: FakeSegmenter()).start()
    return services, {function.__name__: function for function in server_functions(services)}


def moved_disc(services: Services, page: dict) -> dict:
    """A fix-up request of somebody who dragged the disc."""
    photo = services.open_photo("scene", scene(240, 260), "v")
    prompt = {"points": [[*DISC_AT, True]]}
    mask = page["segment"]({"token": photo.token, "prompt": prompt})["candidates"][0]
    collage = {"version": 1, "photo": {"width": 240, "height": 260}, "segments": [{"id": "s", **mask}]}
    collage["layers"] = [{"id": "l", "segment": "s", "matrix": [1, 0, 0, 1, -40, -60]}]
    return {"token": photo.token, "job": "j", "collage": json.dumps(collage), "options": {"steps": 1}}


def check_small_works_and_the_reason_is_told(services: Services, page: dict) -> None:
    record = page["status"]({})["models"]
    reasons = {offer["name"]: offer["problem"] for offer in record["offers"]}
    assert (record["wanted"], record["default"], record["problem"]) == ("magicfixup", "small", None)
    assert reasons["small"] is None and reasons["magicfixup"].endswith(".") and "\n" not in reasons["magicfixup"]
    request = moved_disc(services, page)
    done = list(fixup(services, request))[-1]
    assert (done["kind"], done["value"]["model"]) == ("done", "small")
    again = list(fixup(services, {**request, "options": {"model": "magicfixup"}}))[-1]
    assert (again["kind"], again["message"]) == ("error", reasons["magicfixup"]), "asked for by name it says the same"


def test_a_page_started_for_the_published_model_works_with_the_small_one(trouble):
    services, page = page_with(models.engines("magicfixup"))
    while services.engines.catalogue is None:
        assert services.engines.problem is None
    assert services.engines.loading("magicfixup").wait(60)
    check_small_works_and_the_reason_is_told(services, page)


def test_so_does_a_zerogpu_space(monkeypatch, tmp_path):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setattr(zerogpu, "ENGINES", {})
    monkeypatch.setattr(models, "engine_loader", on_the_processor(models.engine_loader))
    with situation("no hub", FILES, tmp_path) as environment:
        point_at(monkeypatch, environment)
        services, page = page_with(models.engines("auto"))
        while services.engines.catalogue is None or not services.engines.loading("magicfixup").ready:
            assert services.engines.problem is None
        check_small_works_and_the_reason_is_told(services, page)


def on_the_processor(engine_loader):
    """The card is the one thing of a Space that is not here."""
    return lambda backend, device=None: engine_loader(backend, "cpu")


def test_a_page_that_nobody_asked_for_it_downloads_nothing(monkeypatch, tmp_path):
    with FakeHub(FILES) as hub, hub.in_this_process(monkeypatch, tmp_path):
        services, page = page_with(models.engines("auto"))
        assert list(fixup(services, moved_disc(services, page)))[-1]["value"]["model"] == "small"
        offers = {offer["name"]: offer for offer in page["status"]({})["models"]["offers"]}
        assert hub.requests == []
    assert offers["magicfixup"]["megabytes"] == 7700 and not offers["magicfixup"]["loading"]
