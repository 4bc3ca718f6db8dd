"""Visitors who go without a word: what was done for them alone ends, and their place is free for the next one."""

import gc
import http.client
import json
import threading
import time
import weakref

import pytest
from browser.fakes import DISC_AT, SMALL, FakeEngine, FakeSegmenter, engines_of, scene, stand_ins

from magicfixup_demo.errors import Cancelled
from magicfixup_demo.images import png_bytes
from magicfixup_demo.ui.engines import Catalogue, Engines, Offer
from magicfixup_demo.ui.handlers import server_functions
from magicfixup_demo.ui.lines import FIXING
from magicfixup_demo.ui.outgoing import PART_BYTES, Outgoing
from magicfixup_demo.ui.services import Services
from tests.following import moved_disc, request_of
from tests.ports import free_port
from tests.served import served
from tests.waiting import SECONDS, until


class Waiting(FakeSegmenter):
    """Reads a photo only while it may."""

    def __init__(self):
        super().__init__()
        self.may, self.embedded = threading.Event(), []

    def embed(self, photo, progress=None):
        if progress:
            progress(0.1, "Reading the photo")
        self.embedded.append(photo.shape)
        return super().embed(photo)


class Caller:
    """A client of plain HTTP, which can be cut off in the middle."""

    def __init__(self, port: int):
        self._port, self._open = port, []

    def call(self, name: str, *data) -> http.client.HTTPResponse:
        """The stream of answers of a queued call."""
        asked = self._ask("POST", f"/gradio_api/call/{name}", json.dumps({"data": data}))
        return self._ask("GET", f"/gradio_api/call/{name}/{json.loads(asked.read())['event_id']}")

    def upload(self, data: bytes) -> str:
        """Where the server keeps it."""
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="photo.png"\r\n\r\n'
        kind = "multipart/form-data; boundary=x"
        answer = self._ask("POST", "/gradio_api/upload", head + data + b"\r\n--x--\r\n", kind)
        return json.loads(answer.read())[0]

    def beat(self, session: str) -> http.client.HTTPResponse:
        """What a page keeps open while it is there."""
        return self._ask("GET", f"/gradio_api/heartbeat/{session}")

    def leave(self) -> None:
        """As when a tab is closed or a program is killed: the sockets close, and nothing is said."""
        while self._open:
            self._open.pop().close()

    def _ask(self, method: str, path: str, body=None, kind: str = "application/json") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
        connection.request(method, path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        self._open += [connection, answer]
        return answer


@pytest.fixture(scope="module")
def site():
    """(port, engine, services): the page over fakes, in this process."""
    engine = FakeEngine(SMALL)
    services = stand_ins(engine)
    port = free_port()
    with served(services, port):
        yield port, engine, services
        engine.gate.set()


@pytest.fixture
def engine(site) -> FakeEngine:
    """Its gate is shut: a fix-up goes on between two steps until it is stopped."""
    engine = site[1]
    engine.asked.clear()
    engine.lifted.clear()
    engine.stopped.clear()
    engine.gate.clear()
    yield engine
    engine.gate.set()


@pytest.fixture
def caller(site):
    caller = Caller(site[0])
    yield caller
    caller.leave()


@pytest.fixture
def photo(site):
    return site[2].open_photo("scene", scene(), "visit")


def test_a_fix_up_ends_between_two_steps_when_its_page_is_gone(site, engine, caller, photo):
    answers = caller.call("page_fixup", request_of(site[2], photo, "j1"))
    assert answers.readline()
    until(lambda: engine.asked)
    caller.leave()
    assert engine.stopped.wait(SECONDS)
    until(lambda: not site[2].jobs._running)


def test_a_programs_fix_up_ends_when_it_is_killed(site, engine, caller, photo):
    file = {"path": caller.upload(png_bytes(photo.image)), "meta": {"_type": "gradio.FileData"}}
    caller.call("fixup", file, moved_disc(site[2], photo), "", 0, None, "", None)
    until(lambda: engine.asked)
    caller.leave()
    assert engine.stopped.wait(SECONDS)


def test_a_programs_lifting_ends_when_it_is_killed(site, engine, caller, photo):
    file = {"path": caller.upload(png_bytes(photo.image)), "meta": {"_type": "gradio.FileData"}}
    caller.call("lift", file, None, [list(DISC_AT)], 0)
    until(lambda: engine.lifted)
    caller.leave()
    assert engine.stopped.wait(SECONDS)


def test_who_leaves_the_line_is_not_served_and_the_next_one_is(site, engine, caller):
    port, _, services = site
    first, after = Caller(port), Caller(port)
    photos = [services.open_photo("scene", scene(), visit) for visit in ("first", "gone", "after")]
    first.call("page_fixup", request_of(services, photos[0], "first"))
    until(lambda: engine.asked)
    caller.call("page_fixup", request_of(services, photos[1], "gone"))
    until(lambda: services.fixing.waiting(FIXING) == 1)
    answers = after.call("page_fixup", request_of(services, photos[2], "after"))
    until(lambda: services.fixing.waiting(FIXING) == 2)
    caller.leave()
    until(lambda: services.fixing.waiting(FIXING) == 1)
    first.leave()
    until(lambda: len(engine.asked) == 2)
    engine.gate.set()
    assert b'"done"' in answers.read()
    assert len(engine.asked) == 2, "nothing was done for the one who left"
    after.leave()


def test_a_model_that_nobody_waits_for_any_more_is_not_loaded_to_the_end(photo):
    begun, stopped = threading.Event(), threading.Event()

    def load(name, progress):
        if name == "small":
            return FakeEngine()
        try:
            while True:
                begun.set()
                progress(0.5, "Downloading")
                time.sleep(0.01)
        except Cancelled:
            stopped.set()
            raise

    offers = (Offer("small", "", ""), Offer("large", "", ""))
    services = Services(
        Engines(lambda progress: Catalogue(offers, "small", "small"), load), lambda progress: FakeSegmenter()
    ).start()
    port = free_port()
    with served(services, port):
        own, caller = services.open_photo("scene", scene(), "visit"), Caller(port)
        caller.call("page_fixup", request_of(services, own, "j") | {"options": {"model": "large"}})
        assert begun.wait(SECONDS)
        caller.leave()
        assert stopped.wait(SECONDS)


def test_the_end_of_the_heartbeat_ends_the_visit(site, caller):
    services = site[2]
    visit = services.begin_visit("session-of-somebody")
    photo = services.open_photo("scene", scene(), visit)
    assert caller.beat("session-of-somebody").readline().startswith(b"data: ALIVE")
    caller.leave()
    until(lambda: photo.token not in services.photos._photos)


def test_a_photo_that_nobody_waits_for_is_not_read():
    segmenter, loaded = Waiting(), threading.Event()

    def load(progress):
        assert loaded.wait(SECONDS)
        return segmenter

    services = Services(engines_of(FakeEngine()), load).start()
    visit = services.begin_visit("session")
    gone = services.open_photo("gone", scene(600, 400), visit)
    stays = services.open_photo("stays", scene(300, 200), "another")
    services.end_visit("session")
    loaded.set()
    assert stays.embedding.wait(SECONDS) and gone.embedding.wait(SECONDS)
    assert segmenter.embedded == [(200, 300, 3)]
    assert gone.embedding.value is None and gone.embedding.problem is None


def test_a_file_that_is_being_fetched_goes_with_the_visit(site):
    services = site[2]
    page = {function.__name__: function for function in server_functions(services)}
    photo = services.open_photo("scene", scene(), services.begin_visit("session"))
    photo.outgoing = Outgoing(bytes(PART_BYTES + 1))
    request = {"token": photo.token, "key": photo.outgoing.key, "at": 0}
    assert page["save_part"](request)["next"] == PART_BYTES
    outgoing = weakref.ref(photo.outgoing)
    del photo
    services.end_visit("session")
    assert page["save_part"](request)["gone"]
    gc.collect()
    assert outgoing() is None, "and the temporary file with it"
