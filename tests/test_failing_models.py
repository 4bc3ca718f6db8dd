"""Models that raise, whatever and wherever: a sentence for that visitor, none for the next, nothing broken is kept."""

import json

import numpy as np
import pytest
import torch
from browser.fakes import DISC_AT, FakeEngine, FakeSegmenter, engines_of, scene, stand_ins

from magicfixup_demo.errors import ModelError, SegmentationError
from magicfixup_demo.segmentation import registry
from magicfixup_demo.segmentation.soundness import NO_NUMBERS, check_numbers
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.handlers import server_functions
from magicfixup_demo.ui.services import Services
from tests.following import fixup

BUGS = {
    "a bug": (ZeroDivisionError("a bug"), strings.SURPRISE),
    "memory": (MemoryError(), strings.MEMORY_FULL),
    "the card": (torch.OutOfMemoryError("CUDA out of memory"), strings.MEMORY_FULL),
    "a disk": (OSError(28, "No space left on device"), strings.DISK_FULL),
    "of ours": (ModelError("The model is not to be had; try again."), "The model is not to be had; try again."),
}


@pytest.fixture(params=BUGS)
def bug(request) -> tuple[Exception, str]:
    """(what is raised, what the visitor is told)"""
    return BUGS[request.param]


def raising(error: Exception, times: int, then):
    """A function that raises the first few times."""
    left = [times]

    def call(*arguments, **options):
        if left[0]:
            left[0] -= 1
            raise error
        return then(*arguments, **options)

    return call


def visitor(services: Services) -> tuple[dict, object]:
    page = {function.__name__: function for function in server_functions(services)}
    return page, services.open_photo("scene", scene(), "v")


def click(page: dict, photo) -> dict:
    return page["segment"]({"token": photo.token, "prompt": {"points": [[*DISC_AT, True]]}})


def moved(page: dict, photo, job: str = "j") -> dict:
    mask = click(page, photo)["candidates"][0]
    layer = {"id": "l", "segment": "s", "matrix": [1, 0, 0, 1, 60, 10]}
    size = {"width": 600, "height": 400}
    collage = {"version": 1, "photo": size, "segments": [{"id": "s", **mask}], "layers": [layer]}
    return {"token": photo.token, "job": job, "collage": json.dumps(collage), "options": {}}


def last(services: Services, request: dict) -> dict:
    return list(fixup(services, request))[-1]


def test_an_engine_that_raises_in_the_middle_of_a_step(bug):
    error, told = bug
    engine = FakeEngine()
    engine._run = raising(error, 1, engine._run)
    services = stand_ins(engine)
    page, photo = visitor(services)
    failed = last(services, moved(page, photo))
    assert (failed["kind"], failed["message"]) == ("error", told)
    assert last(services, moved(page, photo, "k"))["kind"] == "done", "the photo is still there, the place is free"
    assert services.fixing.waiting("fixing") == 0


def test_an_engine_that_does_not_load(bug):
    error, told = bug
    engine = FakeEngine()
    load = raising(error, 1, lambda name, progress: engine)
    services = stand_ins(engine, load=load)
    services.engines.loading("fake").wait(60)
    page, photo = visitor(services)
    assert page["status"]({})["models"]["offers"][0]["problem"] == told
    assert last(services, moved(page, photo))["kind"] == "done", "Fix it up tries again"


def test_a_segmenter_that_does_not_load(bug):
    error, told = bug
    services = Services(engines_of(FakeEngine()), raising(error, 1, lambda progress: FakeSegmenter()))
    services.start()
    services.segmenter.wait(60)
    status = next(function for function in server_functions(services) if function.__name__ == "status")
    assert status({})["note"] == told
    page, photo = visitor(services)
    assert click(page, photo)["candidates"], "the next click tries again"


def test_a_photo_that_cannot_be_read(bug):
    error, told = bug
    segmenter = FakeSegmenter()
    segmenter.embed = raising(error, 1, segmenter.embed)
    services = stand_ins(segmenter=segmenter)
    page, photo = visitor(services)
    photo.embedding.wait(60)
    assert page["status"]({"token": photo.token})["photo"]["problem"] == told
    other = services.open_photo("another", scene(300, 200), "w")
    assert page["segment"]({"token": other.token, "prompt": {"points": [[150, 100, True]]}})["candidates"]
    assert click(page, photo)["candidates"], "nor is the first one lost"


def test_a_click_that_raises(bug):
    error, told = bug
    segmenter = FakeSegmenter()
    segmenter.candidates = raising(error, 1, segmenter.candidates)
    services = stand_ins(segmenter=segmenter)
    page, photo = visitor(services)
    assert click(page, photo)["error"] == told
    assert click(page, photo)["candidates"]
    assert page["hover"]({"token": photo.token, "point": list(DISC_AT)})["mask"], "no click is counted as waiting"


def test_an_edge_that_cannot_be_softened(bug, monkeypatch):
    error, told = bug
    from magicfixup_demo.segmentation import matting

    services = stand_ins()
    page, photo = visitor(services)
    segment = click(page, photo)["candidates"][0]
    monkeypatch.setattr(matting, "matte", raising(error, 1, matting.matte))
    request = {"token": photo.token, "segment": segment}
    assert page["matte"](request)["error"] == told and page["matte"](request)["mask"]


def test_another_model_that_raises_costs_not_the_first_ones_result(bug):
    error, told = bug
    first, second = FakeEngine(), FakeEngine()
    second.info = first.info.__class__(**{**vars(first.info), "name": "second"})
    second._run = raising(error, 9, second._run)
    services = stand_ins(first, second)
    page, photo = visitor(services)
    done = last(services, moved(page, photo) | {"options": {"other": "second"}})
    assert done["kind"] == "done" and told in done["value"]["note"]
    assert page["save"]({"token": photo.token, "job": "j", "what": "result", "form": "png"})["data"]


def test_the_next_segmenter_is_tried_where_one_does_not_load(monkeypatch):
    def broken(progress):
        raise RuntimeError("of a library")

    for name in ("sam2-tiny", "mobile-sam"):
        monkeypatch.setitem(registry.SEGMENTERS, name, registry.SegmenterInfo("", "", 0, broken))
    assert registry.load_segmenter().name == "grabcut"


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_what_is_not_a_number_is_no_mask(broken):
    good, bad = torch.zeros(3), torch.tensor([0.0, broken])
    check_numbers([good])
    with pytest.raises(SegmentationError) as caught:
        check_numbers([good, bad])
    assert str(caught.value) == NO_NUMBERS


def test_a_network_of_nothing_selects_nothing_and_is_not_kept():
    """MobileSAM's own network, of random weights, one of which is not a number."""
    from magicfixup_demo.segmentation.cache import EmbeddingCache
    from magicfixup_demo.segmentation.mobile_sam import build_mobile_sam
    from magicfixup_demo.segmentation.sam_segmenter import SamSegmenter

    torch.manual_seed(0)
    segmenter, cache = SamSegmenter("mobile-sam", build_mobile_sam()), EmbeddingCache()
    weight = next(segmenter._model.image_encoder.parameters())
    good = weight.detach().clone()
    weight.fill_(float("nan"))
    with pytest.raises(SegmentationError, match="found nothing it can read"):
        cache.embed(segmenter, scene(60, 40))
    assert len(cache) == 0
    weight.copy_(good)
    embedding = cache.embed(segmenter, scene(60, 40))
    assert len(cache) == 1 and np.isfinite(embedding.data.features.numpy()).all()
