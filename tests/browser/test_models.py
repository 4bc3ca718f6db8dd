"""Several models on the page: choosing one, comparing both, and one that has to be downloaded first."""

import dataclasses
import os
import threading

import numpy as np
import pytest

from browser.conftest import DESKTOP, PHONE, close
from browser.fakes import FakeEngine, FakeSegmenter, engines_of
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.errors import DownloadError
from tests.served import launch

SMALL = EngineInfo("small", "our own small model; runs on two CPU cores", "MIT", default_steps=2, max_steps=100)
LARGE = EngineInfo(
    name="magicfixup",
    description="the published Magic Fixup model; wants a GPU, a CPU needs minutes",
    licence="Adobe Research License, for non-commercial research only; the SDEdit comparison beside it is "
    "Stable Diffusion 1.4, CreativeML OpenRAIL-M",
    default_steps=50,
    max_steps=100,
    samplers=("published", "ddim", "dpm++"),
    takes_prompt=True,
)


class Site:
    """A page over two stand-ins; ``arrive`` and ``fail`` decide what becomes of the large one's download."""

    def __init__(self, default: FakeEngine, other: FakeEngine):
        from magicfixup_demo.ui.page import build_page
        from magicfixup_demo.ui.services import Services

        self.engines = {engine.info.name: engine for engine in (default, other)}
        self.arrive, self.fail = threading.Event(), threading.Event()
        engines = engines_of(default, other, load=self._load, megabytes={"magicfixup": 7700})
        self.page = build_page(Services(engines, lambda progress: FakeSegmenter()).start())
        self.url = launch(self.page)

    def _load(self, name, progress):
        while name == "magicfixup" and not self.arrive.wait(0.02):
            progress(0.43, "Downloading magicfu_weights, 3.3 of 7.7 GB")
            if self.fail.is_set():
                raise DownloadError("The Hub does not answer; check the network and try again.")
        return self.engines[name]


@pytest.fixture
def open_site(tabs):
    sites = []

    def build(default, other) -> Site:
        sites.append(Site(default, other))
        return sites[-1]

    yield build
    close(tabs)  # a page whose server is gone complains, and rightly so
    for site in sites:
        site.arrive.set()
        site.page.close()


@pytest.fixture
def small() -> FakeEngine:
    return FakeEngine(SMALL)


@pytest.fixture
def large() -> FakeEngine:
    return FakeEngine(LARGE)


def arranged(visitor, photo_file) -> None:
    visitor.open_file(photo_file)
    visitor.select((150, 200))
    visitor.drag((150, 200), (300, 260))
    visitor.wait_layers(1)


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_licence_and_size_stand_where_the_model_is_chosen(visit, open_site, small, large, photo_file, device):
    visitor = visit(open_site(small, large).url, device)
    visitor.open_file(photo_file)
    visitor.settings()
    row = visitor.page.locator(".mf-model", has=visitor.page.locator('[value="magicfixup"]'))
    text = row.inner_text()
    for fact in ("Adobe Research License, for non-commercial research", "CreativeML OpenRAIL-M", "7.7 GB"):
        assert fact in text
    assert visitor.page.locator('[name="mf-model"][value="small"]').is_checked()
    panel = visitor.page.locator(".mf-panel").bounding_box()
    size = visitor.page.viewport_size
    assert panel["x"] >= 0 and panel["x"] + panel["width"] <= size["width"]
    assert panel["y"] >= 0 and panel["y"] + panel["height"] <= size["height"]
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_a_model_is_downloaded_at_the_first_fix_up_and_stop_ends_it(visit, open_site, small, large, photo_file):
    site = open_site(small, large)
    visitor = visit(site.url)
    arranged(visitor, photo_file)
    visitor.settings()
    visitor.choose_model("magicfixup")
    visitor.settings()
    visitor.press("fixup")
    assert "7.7 GB" in visitor.toast()
    progress = visitor.page.locator('[data-part="progress"]')
    progress.get_by_text("Downloading magicfu_weights, 3.3 of 7.7 GB").wait_for()
    visitor.press("stop")
    visitor.page.wait_for_selector(".mf[data-running=false]")
    assert visitor.layers() and not large.asked
    site.arrive.set()
    visitor.fix_up()
    assert len(large.asked) == 1 and "Magic Fixup" in visitor.page.locator('[data-part="facts"]').inner_text()


def test_prompt_and_sampler_are_offered_by_the_models_that_take_them(visit, open_site, small, large, photo_file):
    site = open_site(large, small)
    site.arrive.set()
    visitor = visit(site.url)
    arranged(visitor, photo_file)
    visitor.settings()
    visitor.page.locator('[name="mf-prompt"]').fill("a red disc")
    visitor.page.get_by_text("Advanced").click()
    visitor.page.locator('[name="mf-sampler"]').select_option("dpm++")
    visitor.settings()
    visitor.fix_up()
    assert (large.asked[0].prompt, large.asked[0].sampler) == ("a red disc", "dpm++")
    visitor.press("edit")
    visitor.settings()
    visitor.choose_model("small")
    assert visitor.page.locator('[name="mf-prompt"]').is_hidden()
    assert visitor.page.locator('[name="mf-sampler"]').is_hidden()
    visitor.settings()
    visitor.fix_up()
    assert (small.asked[0].prompt, small.asked[0].sampler) == ("", None)


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_both_models_side_by_side(visit, open_site, small, large, photo_file, device):
    site = open_site(small, large)
    site.arrive.set()
    visitor = visit(site.url, device)
    arranged(visitor, photo_file)
    visitor.settings()
    visitor.page.locator('[name="mf-other"]').select_option("magicfixup")
    visitor.settings()
    visitor.fix_up()
    assert visitor.shown_picture("other").shape == visitor.shown_picture("after").shape
    visitor.page.locator('[data-part="result"] [data-part="other"]').click()
    assert "Adobe Research License" in visitor.page.locator('[data-part="facts"]').inner_text()
    assert visitor.page.locator('[data-part="before-label"]').inner_text() == "Magic Fixup"
    assert visitor.page.locator('[data-part="after-label"]').inner_text() == "Small"
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= visitor.page.viewport_size["width"]
    with visitor.page.expect_download() as waiting:
        visitor.press("download-other")
    assert "magicfixup" in waiting.value.suggested_filename


def test_a_default_that_cannot_be_had_is_one_sentence_and_the_small_one_works(
    visit, open_site, small, large, photo_file
):
    site = open_site(large, small)
    visitor = visit(site.url)
    site.fail.set()
    visitor.page.get_by_text("Magic Fixup is not available, so Small repairs: The Hub does not answer").wait_for()
    arranged(visitor, photo_file)
    visitor.fix_up()
    assert len(small.asked) == 1
    site.arrive.set()
    visitor.press("edit")
    visitor.settings()
    visitor.choose_model("magicfixup")
    visitor.settings()
    visitor.fix_up()
    assert len(large.asked) == 1, "choosing it tries again"


def test_the_photo_is_seen_becoming(visit, open_site, small, large, photo_file):
    visitor = visit(open_site(small, large).url)
    arranged(visitor, photo_file)
    before = visitor.picture()
    small.gate.clear()
    visitor.press("fixup")
    visitor.page.wait_for_selector("canvas[data-preview]")
    assert np.abs(visitor.picture().astype(int) - before).mean() > 20
    small.gate.set()
    visitor.page.wait_for_selector('.mf[data-mode="result"]')
    visitor.press("edit")
    visitor.page.wait_for_selector("canvas:not([data-preview])")
    np.testing.assert_array_equal(visitor.collage()["layers"][0]["matrix"][:4], [1, 0, 0, 1])


def test_a_comparison_that_is_a_download_waits_for_its_tick(visit, open_site, small, photo_file):
    dear = FakeEngine(dataclasses.replace(LARGE, sdedit_megabytes=2100))
    site = open_site(dear, small)
    site.arrive.set()
    visitor = visit(site.url)
    arranged(visitor, photo_file)
    for wanted in (False, True):
        visitor.settings()
        tick = visitor.page.locator('[name="mf-sdedit"]')
        tick.set_checked(wanted)
        assert "2.1 GB" in visitor.page.locator('[data-part="withSdedit"]').inner_text()
        if folder := os.environ.get("MAGICFIXUP_PICTURES"):
            visitor.page.screenshot(path=os.path.join(folder, "settings.png"))
        visitor.settings()
        visitor.fix_up()
        assert dear.asked[-1].sdedit == wanted
        visitor.press("edit")


def test_a_result_brings_its_models_settings_back(visit, open_site, small, large, photo_file):
    site = open_site(large, small)
    site.arrive.set()
    visitor = visit(site.url)
    arranged(visitor, photo_file)
    visitor.settings()
    visitor.page.locator('[name="mf-other"]').select_option("small")
    visitor.page.locator('[name="mf-prompt"]').fill("a red disc")
    visitor.page.get_by_text("Advanced").click()
    visitor.page.locator('[name="mf-sampler"]').select_option("dpm++")
    visitor.settings()
    visitor.fix_up()
    visitor.press("edit")
    visitor.settings()
    visitor.choose_model("small")
    visitor.page.locator('[name="mf-other"]').select_option("")
    visitor.settings()
    visitor.fix_up()
    visitor.page.locator('[data-part="past"] .mf-thumb').nth(1).click()
    visitor.page.locator('[data-part="facts"]', has_text="Magic Fixup").wait_for()
    visitor.settings()
    assert visitor.page.locator('[name="mf-model"][value="magicfixup"]').is_checked()
    values = [visitor.page.locator(f'[name="mf-{name}"]').input_value() for name in ("other", "prompt", "sampler")]
    assert values == ["small", "a red disc", "dpm++"]
    visitor.settings()
    visitor.press("fixup")
    visitor.page.wait_for_function("document.querySelectorAll('.mf-past').length === 3")
    assert (large.asked[-1].prompt, large.asked[-1].sampler, len(small.asked)) == ("a red disc", "dpm++", 3)
