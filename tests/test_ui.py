"""The server side of the page without a browser: photos and visits, uploads, prompts, jobs, and what is answered."""

import base64
import io
import json
import re
import threading
import time

import numpy as np
import pytest
from browser.fakes import DISC_AT, FakeEngine, FakeSegmenter, engines_of, scene
from gradio.utils import get_upload_folder
from PIL import Image

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.errors import Cancelled, ModelError, OptionError, PhotoError, SegmentationError
from magicfixup_demo.schema import EditOptions, MaskCandidate
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.background import Background
from magicfixup_demo.ui.editor import WEB_FOLDER, Editor, page_html
from magicfixup_demo.ui.engines import Catalogue, Engines, Offer
from magicfixup_demo.ui.example_results import ExampleResults
from magicfixup_demo.ui.examples import find_example, list_examples
from magicfixup_demo.ui.handlers import server_functions
from magicfixup_demo.ui.jobs import PREVIEW_SECONDS, Job, Jobs
from magicfixup_demo.ui.payload import MAX_PROMPT, candidate_record, display_size, options_from, prompt_from
from magicfixup_demo.ui.photos import PHOTOS_PER_VISIT, PhotoStore
from magicfixup_demo.ui.services import Services
from tests.following import fixup

INFO = EngineInfo("fake", "", "MIT", default_steps=4, max_steps=50)


@pytest.fixture
def upload(tmp_path, monkeypatch):
    """Put bytes where Gradio puts uploads; returns their path."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))

    def put(data: bytes, name: str = "photo.png"):
        path = tmp_path / "uploads" / "abc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return put


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def opened(page, upload, picture=None, visit="v", name="My photo (1).png") -> dict:
    path = upload(png(scene() if picture is None else picture))
    return page["open_upload"]({"path": str(path), "name": name, "visit": visit})


def moved_disc(page, reply) -> dict:
    """The collage of someone who clicked the disc and dragged it to the right."""
    prompt = {"points": [[*DISC_AT, True]]}
    mask = page["segment"]({"token": reply["token"], "prompt": prompt})["candidates"][0]
    return {
        "version": 1,
        "photo": {"width": reply["width"], "height": reply["height"]},
        "segments": [{"id": "s", **mask}],
        "layers": [{"id": "l", "segment": "s", "matrix": [1, 0, 0, 1, 120, 10]}],
    }


# Opening


def test_an_upload_becomes_a_photo_and_its_file_is_gone(page, upload, services):
    path = upload(png(scene()))
    reply = page["open_upload"]({"path": str(path), "name": "a b.png", "visit": "v"})
    assert (reply["width"], reply["height"]) == (600, 400)
    assert not path.exists()
    np.testing.assert_array_equal(services.photos.get(reply["token"]).image, scene())
    shown = Image.open(io.BytesIO(base64.b64decode(reply["picture"].partition(",")[2])))
    assert shown.size == (600, 400)


@pytest.mark.parametrize("data", [b"", b"nonsense", png(scene())[:3000]])
def test_a_bad_file_is_a_sentence_and_leaves_no_file(page, upload, services, data):
    path = upload(data)
    reply = page["open_upload"]({"path": str(path), "name": "x", "visit": "v"})
    assert reply["error"].endswith(".") and "Traceback" not in reply["error"]
    assert not path.exists() and len(services.photos) == 0


def test_only_files_in_the_upload_folder_are_read(page, upload, tmp_path):
    outside = tmp_path / "secret.png"
    outside.write_bytes(png(scene()))
    link = upload(b"x", "link.png")
    link.unlink()
    link.symlink_to(outside)
    for path in (
        str(outside),
        str(link),
        get_upload_folder() + "/../secret.png",
        get_upload_folder(),
        "",
        None,
        5,
        "a\0b",
    ):
        assert page["open_upload"]({"path": path}) == {
            "error": strings.NOT_AN_UPLOAD,
            "message": strings.NOT_AN_UPLOAD,
            "gone": False,
            "lost": False,
        }
    assert outside.exists()


def test_large_photos_are_shown_smaller(page, upload):
    reply = opened(page, upload, np.zeros((1000, 3200, 3), np.uint8))
    assert (reply["width"], reply["height"]) == (3200, 1000)
    shown = Image.open(io.BytesIO(base64.b64decode(reply["picture"].partition(",")[2])))
    assert shown.size == display_size(3200, 1000) == (1600, 500)


def test_requests_of_another_shape_are_answered_with_a_sentence(page):
    for function in page.values():
        for record in (None, [], "x", {}, {"token": []}, {"token": {}}, {"name": []}):
            assert isinstance(function(record), dict)


# Examples


def test_examples_that_ship_open_with_their_collage(services, engine):
    examples = list_examples()
    if not examples:
        pytest.skip("there are no examples in examples/ yet")
    services.examples = examples
    page = {function.__name__: function for function in server_functions(services)}
    for example in examples:
        reply = page["open_example"]({"name": example.name, "visit": "v"})
        assert reply.get("error") is None
        photo = services.photos.get(reply["token"]).image
        edit = render(photo, collage_from_json(reply["collage"]))
        assert (edit.rgb != photo).any(), "an example must show something to repair"
        assert example.author and example.licence


def test_no_examples_or_broken_ones_are_no_obstacle(tmp_path):
    assert list_examples(tmp_path) == ()
    (tmp_path / "examples.json").write_text("{")
    assert list_examples(tmp_path) == ()
    (tmp_path / "examples.json").write_text('[{"name": "a", "photo": "a/p.png", "collage": "a/c.json"}]')
    assert list_examples(tmp_path) == ()
    with pytest.raises(PhotoError):
        find_example((), "a")


# The photo store


def test_tokens_cannot_be_guessed_and_photos_end_with_the_visit():
    store, work = PhotoStore(), Background(lambda progress: 1, "x")
    mine, other = (store.add("p", scene(), visit, work) for visit in ("mine", "other"))
    assert mine.token != other.token and len(mine.token) >= 32
    store.end_visit("mine")
    assert store.get(other.token) is other
    for token in (mine.token, "", None, 3, []):
        with pytest.raises(PhotoError, match="open it again"):
            store.get(token)


def test_photos_are_dropped_an_hour_after_their_last_use():
    now = [0.0]
    store = PhotoStore(clock=lambda: now[0])
    photo = store.add("p", scene(), "v", Background(lambda progress: 1, "x"))
    now[0] = 3000
    store.get(photo.token)
    now[0] = 6000
    store.get(photo.token)
    now[0] = 9601
    with pytest.raises(PhotoError):
        store.get(photo.token)
    assert len(store) == 0


def test_a_visit_keeps_its_latest_photos_only():
    now = iter(range(1000))
    store = PhotoStore(clock=lambda: next(now))
    work = Background(lambda progress: 1, "x")
    photos = [store.add("p", scene(), "v", work) for _ in range(PHOTOS_PER_VISIT + 2)]
    assert len(store) == PHOTOS_PER_VISIT
    assert store.get(photos[-1].token) and store.get(photos[2].token)


def test_the_end_of_a_visit_forgets_its_photos(page, upload, services):
    visit = services.begin_visit("session")
    reply = opened(page, upload, visit=visit)
    services.end_visit("another session")
    assert len(services.photos) == 1 and page["visiting"]({"visit": visit}) == {"known": True}
    services.end_visit("session")
    for unknown in (visit, None, {}, "x"):
        assert page["visiting"]({"visit": unknown}) == {"known": False}
    assert page["status"]({"token": reply["token"]})["gone"] is True


def test_visits_that_anybody_may_begin_are_bounded(services, monkeypatch):
    monkeypatch.setattr("magicfixup_demo.ui.services.MOST_VISITS", 2)
    visits = [services.begin_visit(f"session {number}") for number in range(3)]
    assert [services.knows_visit(visit) for visit in visits] == [False, True, True]


# Selecting


def test_a_click_is_answered_with_the_mask_of_the_object(page, upload):
    reply = opened(page, upload)
    collage = collage_from_json(moved_disc(page, reply))
    mask = collage.segments[0].mask
    assert abs(int((mask > 127).sum()) - np.pi * 60**2) < 300
    left, top = collage.segments[0].left, collage.segments[0].top
    assert (left + mask.shape[1] / 2, top + mask.shape[0] / 2) == pytest.approx(DISC_AT, abs=1)


@pytest.mark.parametrize(
    "prompt",
    [None, {}, {"points": [[-1, 5, True]]}, {"points": [[600, 5, True]]}, {"points": [[1, 2]]}]
    + [{"points": [["a", 2, True]]}, {"points": [[5, 5, False]]}, {"box": [1, 2, 3]}, {"box": [5, 5, 5, 5]}]
    + [{"points": [[float("nan"), 2, True]]}, {"points": "abc"}],
)
def test_an_unusable_click_is_a_sentence(page, upload, prompt):
    reply = opened(page, upload)
    assert page["segment"]({"token": reply["token"], "prompt": prompt})["error"].endswith(".")


def test_prompts():
    prompt = prompt_from({"points": [[1, 2.5, True], [3, 4, False]], "box": [1, 2, 3, 4]})
    assert prompt.points == ((1.0, 2.5), (3.0, 4.0))
    assert prompt.labels == (True, False) and prompt.box == (1.0, 2.0, 3.0, 4.0)
    with pytest.raises(SegmentationError):
        prompt_from({"points": [[1, 2, True, 4]]})


def test_a_mask_of_a_large_photo_is_sent_coarse_and_comes_back_in_place():
    mask = np.zeros((2000, 4000), bool)
    mask[500:1301, 1001:3000] = True
    record = candidate_record(MaskCandidate(mask, 0.5))
    assert len(record["mask"]) < 20_000
    collage = collage_from_json(
        {"version": 1, "photo": {"width": 4000, "height": 2000}, "segments": [{"id": "s", **record}], "layers": []}
    )
    back = render(np.zeros((2000, 4000, 3), np.uint8), collage).hole
    assert (back != mask).mean() < 0.001


# Fixing up


def messages_of(services, reply, collage, **options) -> list[dict]:
    request = {"token": reply["token"], "job": "j1", "collage": collage, "options": options}
    return list(fixup(services, json.loads(json.dumps(request))))


def test_a_fix_up_reports_progress_and_ends_with_all_pictures(page, upload, services, engine):
    reply = opened(page, upload)
    messages = messages_of(services, reply, moved_disc(page, reply), seed=77, steps=3)
    kinds = [message["kind"] for message in messages]
    assert kinds[-1] == "done" and set(kinds[:-1]) == {"progress"} and len(kinds) >= 4
    fractions = [message["fraction"] for message in messages[:-1]]
    assert fractions == sorted(fractions)
    value = messages[-1]["value"]
    assert (value["seed"], value["steps"], value["model"], value["licence"]) == (77, 3, "fake", "MIT")
    assert all(value[name].startswith("data:image/") for name in ("sdedit", "coarse"))
    assert engine.asked[0].seed == 77


def test_the_download_is_the_full_result_and_untouched_pixels_are_the_photos_own(page, upload, services):
    reply = opened(page, upload)
    collage = moved_disc(page, reply)
    messages_of(services, reply, collage, seed=5)
    saved = page["save"]({"token": reply["token"], "job": "j1", "what": "result", "form": "png"})
    assert saved["name"] == "My-photo--1-fake-seed5.png"
    picture = Image.open(io.BytesIO(base64.b64decode(saved["data"])))
    assert "seed 5" in picture.text["Comment"]
    edit = render(scene(), collage_from_json(collage))
    untouched = (edit.alpha == 255) & (edit.rgb == scene()).all(axis=2)
    np.testing.assert_array_equal(np.asarray(picture)[untouched], scene()[untouched])
    assert page["save"]({"token": reply["token"], "job": "other", "what": "result", "form": "png"})["error"]
    assert page["save"]({"token": reply["token"], "job": "j1", "what": "other", "form": "png"})["error"]


def test_nothing_moved_is_said_and_the_engine_is_not_asked(page, upload, services, engine):
    reply = opened(page, upload)
    collage = moved_disc(page, reply)
    collage["layers"][0]["matrix"] = [1, 0, 0, 1, 0, 0]
    assert messages_of(services, reply, collage)[-1]["message"] == strings.NOTHING_MOVED
    assert not engine.asked


@pytest.mark.parametrize("change", [{"version": 4}, {"layers": 5}, {"segments": []}])
def test_a_malformed_collage_is_a_sentence(page, upload, services, engine, change):
    reply = opened(page, upload)
    last = messages_of(services, reply, {**moved_disc(page, reply), **change})[-1]
    assert last["kind"] == "error" and last["message"].endswith(".") and not engine.asked


def test_a_photo_that_is_gone_is_told_so(services):
    assert [m["kind"] for m in fixup(services, {"token": "x", "job": "j"})] == ["error"]
    assert [m["kind"] for m in fixup(services, None)] == ["error"]


def test_options():
    assert options_from({"seed": 4, "steps": None}, INFO).seed == 4
    assert options_from(None, INFO).steps is None
    for bad in (
        {"seed": -1},
        {"seed": 2**32},
        {"seed": 1.5},
        {"seed": True},
        {"steps": 0},
        {"steps": 51},
        {"seed": "1"},
    ):
        with pytest.raises(OptionError):
            options_from(bad, INFO)


def test_stop_stops_between_steps_and_keeps_earlier_results(page, upload, services, engine):
    reply = opened(page, upload)
    collage = moved_disc(page, reply)
    messages_of(services, reply, collage)
    engine.gate.clear()
    request = {"token": reply["token"], "job": "j2", "collage": collage, "options": {}}
    work = fixup(services, request)
    while len(engine.asked) < 2:
        assert next(work)["kind"] == "progress"
    page["stop"]({"job": "j2"})
    assert [m["kind"] for m in work][-1] == "stopped"
    assert engine.stopped.wait(10)
    assert page["save"]({"token": reply["token"], "job": "j1", "what": "result", "form": "png"})["data"]


def test_a_visitor_who_leaves_stops_the_work(page, upload, services, engine):
    visit = services.begin_visit("session")
    reply = opened(page, upload, visit=visit)
    collage = moved_disc(page, reply)
    for leave in (lambda work: work.close(), lambda work: services.end_visit("session")):
        engine.gate.clear()
        engine.stopped.clear()
        engine.asked.clear()
        work = fixup(services, {"token": reply["token"], "job": "j", "collage": collage})
        while not engine.asked:
            next(work)
        leave(work)
        assert engine.stopped.wait(10)


def test_a_stop_may_arrive_before_its_job():
    jobs = Jobs()
    jobs.stop("early")
    for junk in (None, 3, {}, "x" * 5000):
        jobs.stop(junk)
    assert [m["kind"] for m in jobs.begin("early", "v").messages(lambda report: 1)] == ["stopped"]
    assert [m["kind"] for m in jobs.begin("other", "v").messages(lambda report: 1)] == ["progress", "done"]


def test_a_bug_in_an_engine_is_one_sentence_for_the_user():
    def broken(report):
        raise ZeroDivisionError("secret detail")

    *_, last = Job("j", "v").messages(broken)
    assert last == {"kind": "error", "message": strings.SURPRISE}


def test_report_raises_once_stopped():
    job = Job("j", "v")
    job.stop()
    with pytest.raises(Cancelled):
        job.report(0.5, "")


# Models


def named(name: str, **others) -> FakeEngine:
    return FakeEngine(EngineInfo(name, f"What {name} is.", "MIT", default_steps=4, max_steps=50, **others))


def page_over(engines) -> dict:
    """The page's functions by name, and under "services" what they share; the models are known."""
    services = Services(engines, lambda progress: FakeSegmenter(note="A fallback.")).start()
    functions = {function.__name__: function for function in server_functions(services)}
    while services.engines.catalogue is None and not services.engines.problem:
        time.sleep(0.01)
    return {"services": services, **functions}


def offers(page) -> dict:
    return {offer["name"]: offer for offer in page["status"]({})["models"]["offers"]}


def test_the_page_says_when_no_model_can_be_had(upload):
    def missing(progress):
        raise ModelError("The weights are missing; do this.")

    page = page_over(Engines(missing, None))
    reply = opened(page, upload)
    messages = messages_of(page["services"], reply, moved_disc(page, reply))
    assert messages[-1]["message"] == "The weights are missing; do this."
    status = page["status"]({})
    assert status["models"]["problem"] == "The weights are missing; do this." and status["note"] == "A fallback."


def test_a_default_that_cannot_be_had_gives_way_and_may_be_tried_again(upload):
    large, small = named("large"), named("small")
    reachable = threading.Event()

    def load(name, progress):
        if name == "large" and not reachable.is_set():
            raise ModelError("The Hub does not answer.")
        return {"large": large, "small": small}[name]

    page = page_over(engines_of(large, small, load=load))
    page["services"].engines.loading("large").wait(10)
    models = page["status"]({})["models"]
    assert models["default"] == "small" and offers(page)["large"]["problem"] == "The Hub does not answer."
    reply = opened(page, upload)
    collage = moved_disc(page, reply)
    assert messages_of(page["services"], reply, collage)[-1]["value"]["model"] == "small"
    failed = messages_of(page["services"], reply, collage, model="large")[-1]
    assert (failed["kind"], failed["message"]) == ("error", "The Hub does not answer.")
    reachable.set()
    assert messages_of(page["services"], reply, collage, model="large")[-1]["value"]["model"] == "large"
    assert page["status"]({})["models"]["default"] == "large"


def test_a_model_is_loaded_when_it_is_first_wanted_and_its_download_can_be_stopped(upload):
    small, large = named("small"), named("large", takes_prompt=True, samplers=("a", "b"))
    loads, go, stopped = [], threading.Event(), threading.Event()

    def load(name, progress):
        loads.append(name)
        try:
            while name == "large" and not go.wait(0.01):
                progress(0.5, "Downloading, 3.9 of 7.7 GB")
        except Cancelled:
            stopped.set()
            raise
        return {"large": large, "small": small}[name]

    page = page_over(engines_of(small, large, load=load, megabytes={"large": 7700}))
    reply = opened(page, upload)
    collage = moved_disc(page, reply)
    messages_of(page["services"], reply, collage)
    assert loads == ["small"] and offers(page)["large"]["megabytes"] == 7700 and offers(page)["large"]["info"] is None
    request = {"token": reply["token"], "job": "j2", "collage": collage, "options": {"model": "large"}}
    work = fixup(page["services"], request)
    assert any(m.get("text") == "Downloading, 3.9 of 7.7 GB" and m["fraction"] == 0.5 for m in work)
    work.close()
    assert stopped.wait(10), "nobody else waits for it"
    go.set()
    assert messages_of(page["services"], reply, collage, model="large")[-1]["value"]["model"] == "large"
    offer = offers(page)["large"]
    assert loads == ["small", "large", "large"] and offer["megabytes"] == 0
    assert offer["info"]["samplers"] == ["a", "b"] and offer["info"]["takesPrompt"] is True


def test_a_download_goes_on_while_somebody_waits_for_it():
    go, begun = threading.Event(), threading.Event()
    engine = named("large")

    def load(name, progress):
        begun.set()
        while name == "large" and not go.wait(0.01):
            progress(0.5, "Downloading")
        return engine

    engines = engines_of(named("small"), engine, load=load).start()
    patient, got = threading.Event(), []
    waiting = threading.Thread(target=lambda: got.append(engines.get("large", lambda *_: patient.set())))
    waiting.start()
    assert begun.wait(10) and patient.wait(10)

    def leave(*_):
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        engines.get("large", leave)
    assert engines.loading("large").running
    go.set()
    waiting.join(10)
    assert got == [engine]


def test_an_unknown_model_is_a_sentence(page, upload, services):
    reply = opened(page, upload)
    collage = moved_disc(page, reply)
    for options in ({"model": "nonsense"}, {"model": ["x"]}, {"other": 5}):
        assert messages_of(services, reply, collage, **options)[-1]["message"] == strings.NO_MODEL
    unknown = messages_of(services, reply, collage, other="nonsense")[-1]
    assert unknown["kind"] == "done" and strings.NO_MODEL in unknown["value"]["note"]


def test_another_model_runs_beside_and_each_result_can_be_downloaded(upload):
    first, second = named("first"), named("second")
    page = page_over(engines_of(first, second))
    reply = opened(page, upload)
    collage = moved_disc(page, reply)
    messages = messages_of(page["services"], reply, collage, seed=9, steps=3, other="second")
    value = messages[-1]["value"]
    assert value["model"] == "first" and value["other"]["model"] == "second"
    fractions = [message["fraction"] for message in messages[:-1]]
    assert fractions == sorted(fractions)
    asked = second.asked[0]
    assert (asked.seed, asked.steps, asked.sdedit) == (9, None, False), "its own steps, the same seed, only its picture"
    names = [
        page["save"]({"token": reply["token"], "job": "j1", "what": what, "form": "png"})["name"]
        for what in ("result", "other")
    ]
    assert names == ["My-photo--1-first-seed9.png", "My-photo--1-second-seed9.png"]
    assert "other" not in messages_of(page["services"], reply, collage, other="first")[-1]["value"]


def test_previews_travel_as_pictures_and_not_too_many(page, upload, services):
    reply = opened(page, upload)
    messages = messages_of(services, reply, moved_disc(page, reply))
    shown = [message["preview"] for message in messages if "preview" in message]
    assert shown and all(url.startswith("data:image/jpeg;base64,") for url in shown)
    now = [0.0]
    job = Job("j", "v", clock=lambda: now[0])

    def work(report):
        for _ in range(10):
            now[0] += PREVIEW_SECONDS / 4
            job.show(np.zeros((4, 4, 3), np.uint8))

    assert sum("preview" in message for message in job.messages(work)) == 3


def test_options_of_the_model():
    info = EngineInfo("x", "", "", 4, 50, samplers=("a", "b"), takes_prompt=True)
    options = options_from({"sampler": "b", "prompt": " a dog "}, info)
    assert (options.sampler, options.prompt) == ("b", "a dog")
    assert options_from({"prompt": "a dog"}, INFO).prompt == "", "the page may still hold another model's prompt"
    for bad in ({"sampler": "c"}, {"sampler": 4}, {"prompt": "x" * (MAX_PROMPT + 1)}, {"prompt": ["x"]}):
        with pytest.raises(OptionError):
            options_from(bad, info)


def test_a_comparison_that_needs_a_download_must_be_asked_for(upload):
    dear = named("dear", sdedit_megabytes=2100)
    page = page_over(engines_of(dear, named("other")))
    reply = opened(page, upload)
    collage = moved_disc(page, reply)
    value = messages_of(page["services"], reply, collage)[-1]["value"]
    assert value["sdedit"] is None and "2.1 GB" in value["note"] and "settings" in value["note"]
    asked = messages_of(page["services"], reply, collage, sdedit=True)[-1]["value"]
    assert asked["sdedit"].startswith("data:image/") and not asked["note"]
    assert offers(page)["dear"]["info"]["sdeditMegabytes"] == 2100


# Examples, kept


def test_an_example_as_it_ships_is_computed_once_for_everybody(page, services, engine):
    services.examples = list_examples()[:1]
    first, again = (page["open_example"]({"name": services.examples[0].name, "visit": visit}) for visit in "ab")
    results = [messages_of(services, reply, json.loads(reply["collage"]))[-1]["value"] for reply in (first, again)]
    assert results[0] == results[1] and len(engine.asked) == 1
    assert page["save"]({"token": again["token"], "job": "j1", "what": "result", "form": "png"})["data"]
    messages_of(services, first, json.loads(first["collage"]), seed=4)
    changed = json.loads(first["collage"])
    changed["layers"][0]["matrix"][4] += 3
    messages_of(services, first, changed)
    assert [asked.seed for asked in engine.asked] == [0, 4, 0], "only the example's own collage and options are kept"


def test_an_own_photo_is_never_kept(page, upload, services, engine):
    reply = opened(page, upload)
    collage = moved_disc(page, reply)
    for _ in range(2):
        messages_of(services, reply, collage)
    assert len(engine.asked) == 2 and len(services.example_results) == 0


def test_kept_results_are_few_and_the_least_wanted_goes():
    kept = ExampleResults(most=2)
    for edit in ("a", "b"):
        kept.keep(edit, "m", EditOptions(), edit, INFO)
    assert kept.get("a", "m", EditOptions()) == ("a", INFO)
    kept.keep("c", "m", EditOptions(), "c", INFO)
    assert kept.get("b", "m", EditOptions()) is None and kept.get("a", "m", EditOptions())
    assert kept.get("a", "other", EditOptions()) is None and kept.get("a", "m", EditOptions(steps=3)) is None


def test_progress_of_background_work_can_be_read():
    seen, go = threading.Event(), threading.Event()

    def work(progress):
        progress(0.25, "quarter")
        seen.set()
        go.wait(10)
        return 5

    task = Background(work, "begin").start()
    assert seen.wait(10)
    assert (task.fraction, task.text, task.ready, task.value) == (0.25, "quarter", False, None)
    with pytest.raises(TimeoutError):
        task.result(0)
    go.set()
    assert task.result(10) == 5 and task.ready


def test_a_photo_can_be_opened_while_the_segmenter_still_loads(upload):
    go = threading.Event()

    def slow(progress):
        progress(0.4, "Downloading")
        go.wait(10)
        return FakeSegmenter()

    services = Services(engines_of(FakeEngine()), slow).start()
    page = {function.__name__: function for function in server_functions(services)}
    reply = opened(page, upload)
    deadline = time.monotonic() + 10
    while page["status"]({"token": reply["token"]})["photo"]["text"] != "Downloading" and time.monotonic() < deadline:
        pass
    photo = page["status"]({"token": reply["token"]})["photo"]
    assert (photo["fraction"], photo["text"], photo["ready"]) == (0.4, "Downloading", False)
    go.set()
    assert page["segment"]({"token": reply["token"], "prompt": {"points": [[*DISC_AT, True]]}})["candidates"]


# The component


def test_the_template_interpolates_nothing():
    text = page_html()
    assert not any(mark in text for mark in ("${", "{{", "`", "<script"))
    editor = Editor([], render=False)
    assert editor.postprocess({"kind": "x"}) == {"kind": "x"}


def test_every_word_of_the_html_stands_in_the_file_of_labels():
    parts = [path for path in WEB_FOLDER.rglob("*.html") if path.stem != "icons"]
    source = "".join(re.sub(r"<!--.*?-->", "", path.read_text("utf-8")) for path in parts)
    used = set(re.findall(r"\[\[([\w-]+)\]\]", source))
    assert used == set(json.loads((WEB_FOLDER / "page" / "labels.json").read_text("utf-8")))
    left = re.sub(r"\[\[[\w-]+\]\]", "", source)
    assert not re.findall(r'(?:title|alt|placeholder|aria-label)="[^"]*[A-Za-z]', left)
    assert not re.search("[A-Za-z]", re.sub(r"<[^>]+>", "", left)), "words of its own"


def test_a_default_that_failed_is_not_everybodys_again_while_one_visitor_tries_it():
    trying, go_on = threading.Event(), threading.Event()

    def load(name, progress):
        if name == "small":
            return FakeEngine()
        if engines.default == "small":  # it has failed before
            trying.set()
            assert go_on.wait(60)
        raise ModelError("The Hub does not answer.")

    offers = (Offer("large", "", ""), Offer("small", "", ""))
    engines = Engines(lambda progress: Catalogue(offers, "large", "small"), load)

    def ask() -> None:
        with pytest.raises(ModelError):
            engines.get("large", lambda fraction, text: None)

    engines.start()
    while engines.catalogue is None:
        time.sleep(0.01)
    assert engines.loading("large").wait(60) and engines.default == "small"
    again = threading.Thread(target=ask)
    again.start()
    assert trying.wait(60) and engines.default == "small"
    go_on.set()
    again.join(60)
    assert engines.default == "small"
