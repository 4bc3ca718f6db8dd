"""A stranger with raw requests against the running page: nothing of another visitor, and no file of the server."""

import http.client
import json
import os
import re
import socket
from pathlib import Path
from urllib.parse import quote, urlsplit

import gradio as gr
import httpx
import pytest
from browser.fakes import DISC_AT, scene, stand_ins
from gradio.routes import App
from gradio.utils import get_upload_folder

from magicfixup_demo.images import png_bytes
from magicfixup_demo.serving import bodies
from magicfixup_demo.serving.doors import is_open
from magicfixup_demo.serving.guard import ELSEWHERE, NOT_HERE, WRONG_NAME
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.answer_files import answer_file
from magicfixup_demo.ui.editor import WEB_FOLDER, editor_script
from magicfixup_demo.ui.examples import EXAMPLES_FOLDER, list_examples
from magicfixup_demo.ui.page import launch_options
from tests.served import served

API, FILE = "/gradio_api/", "/gradio_api/file="


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(url, services) of a page that listens to this machine alone, with an upload folder of its own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
    services = stand_ins(examples=list_examples())
    with served(services, options=launch_options("127.0.0.1")) as url:
        yield url.rstrip("/"), services
    patch.undo()


@pytest.fixture(scope="module")
def http_client(server):
    with httpx.Client(base_url=server[0], timeout=30) as client:
        yield client


@pytest.fixture
def raw(server):
    """raw(path, headers) -> (status, body): the path as it is written, which httpx would tidy first."""
    address = urlsplit(server[0])

    def ask(path: str, headers: dict | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        try:
            connection.putrequest("GET", path, skip_host=headers is not None and "Host" in headers)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, _all_of(answer).decode("utf-8", "replace")
        finally:
            connection.close()

    return ask


def _all_of(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read()
    except http.client.IncompleteRead as broken:  # a stream that the server broke off
        return broken.partial


@pytest.fixture(scope="module")
def component(http_client) -> int:
    """The number of the editor among the page's components."""
    components = http_client.get("/config").json()["components"]
    return next(item["id"] for item in components if item["props"].get("elem_id") == "magicfixup")


@pytest.fixture
def asks(http_client, component):
    """asks(name, record, session) -> the answer of one of the page's own functions."""

    def ask(name: str, record: dict, session: str = "mine") -> dict:
        body = {"component_id": component, "fn_name": name, "session_hash": session, "data": record}
        return http_client.post(API + "component_server", json=body).json()

    return ask


@pytest.fixture
def victim(asks, http_client) -> dict:
    """Somebody's open photo, with an object selected, under the session "theirs"."""
    sent = http_client.post(API + "upload", files={"files": ("holiday.png", png_bytes(scene()))})
    opened = asks("open_upload", {"path": sent.json()[0], "name": "holiday.png", "visit": "their-visit"}, "theirs")
    assert asks("segment", {"token": opened["token"], "prompt": {"points": [[*DISC_AT, True]]}}, "theirs")["candidates"]
    return {**opened, "path": sent.json()[0]}


# Routes


@pytest.mark.parametrize(
    "path",
    [
        "deep_link?session_hash=theirs",
        "proxy=https://example.hf.space/config",
        "stream/theirs/0/1/playlist.m3u8",
        "stream/theirs/0/1/playlist-file",
        "runs",
        "run-history/records",
        "custom_component/x/client/component/..%2f..%2froutes.py",
        "dev/reload",
        "vibe-code",
        "profiling/traces",
        "file",
        "file/etc/passwd",
        "token",
        "queue/status",
        "../monitoring",
        "../monitoring/summary",
        "../monitoring/x",
        "../openapi.json",
        "../docs",
        "../pwa_icon",
        "../.git/config",
        "../app.py",
        "../metrics",
    ],
)
def test_what_the_page_does_not_need_is_not_there(raw, path):
    path = "/" + path.removeprefix("../") if path.startswith("../") else API + path
    assert raw(path) == (404, json.dumps({"detail": NOT_HERE}, separators=(",", ":")))


@pytest.mark.parametrize("path", ["process_recording", "vibe-edit", "stream/x", "stream/x/close", "api/fixup"])
def test_nothing_is_sent_to_what_the_page_does_not_need(http_client, path):
    assert http_client.post(API + path, json={}).status_code == 404


NEEDED = {"/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json", "/login", "/logout"}
NEEDED |= {"/assets/x", "/static/x", "/svelte/x"}
NEEDED_CALLS = {"app_id", "call/v2/x", "call/v2/x/x", "call/x", "call/x/x", "cancel", "component_server", "heartbeat/x"}
NEEDED_CALLS |= {"info", "login_check", "openapi.json", "queue/data", "queue/join", "reset", "run/x", "startup-events"}
NEEDED_CALLS |= {"theme.css", "upload", "upload_progress", "user"}


def test_every_route_of_gradio_that_is_open_is_one_that_somebody_looked_at():
    """A new version of Gradio may bring routes; whoever updates it looks at them here."""
    with gr.Blocks() as page:
        gr.HTML()
    page.config = page.get_config_file()
    paths = {re.sub(r"\{[^}]+\}", "x", path) for path in _paths(App.create_app(page, mcp_server=False).routes)}
    assert len(paths) > 60, "the list of routes was not read"
    assert {path.rstrip("/") or "/" for path in paths if is_open(path, ())} == NEEDED | {API + c for c in NEEDED_CALLS}


def _paths(routes) -> set[str]:
    inner = [route.original_router.routes for route in routes if hasattr(route, "original_router")]
    return {route.path for route in routes if hasattr(route, "path")}.union(*map(_paths, inner))


def test_a_direct_call_does_not_pass_the_queue_by(http_client):
    for name in ("fixup", "segment", "render", "lift", "page_fixup", "page_plate"):
        answer = http_client.post(f"{API}run/{name}", json={"data": [None] * 7})
        assert answer.status_code in (404, 500) and "queue" in answer.text.lower(), answer.text


# Files


def detours(target: Path) -> list[str]:
    """Ways to write the name of a file of the server that are not its own."""
    name, below = str(target), os.path.relpath(target, EXAMPLES_FOLDER)
    deep = f"{EXAMPLES_FOLDER}/{below}"
    return [
        name,
        quote(name, safe=""),
        quote(quote(name, safe=""), safe=""),
        name.replace("/", "//"),
        name.replace("/", "\\"),
        quote(name.replace("/", "\\"), safe=""),
        name + "%00.js",
        name + "/",
        name + "/.",
        "file://" + name,
        "//localhost" + name,
        "/proc/self/root" + name,
        "/proc/self/cwd/" + os.path.relpath(target, Path.cwd()),
        os.path.relpath(target, Path.cwd()),
        "C:" + name,
        "\\\\?\\" + name,
        deep,
        quote(deep, safe=""),
        deep.replace("..", "%2e%2e"),
        deep.replace("..", "%252e%252e"),
        deep.replace("../", "..%2f"),
        deep.replace("../", "..%5c"),
        deep.replace("../", "....//"),
        deep.replace("..", "．．"),
        deep.replace("..", "%c0%ae%c0%ae"),
        f"{EXAMPLES_FOLDER}/./{below}",
        "~" + name,
    ]


@pytest.mark.parametrize("what", ["/etc/passwd", "app.py", "requirements.txt", "magicfixup_demo/ui/services.py"])
def test_no_file_of_the_server_is_served(raw, repository, what):
    target = repository / what  # an absolute name stays itself
    secret = target.read_text()[:40]
    for name in detours(target):
        for door in (FILE, API + "file/", "/static/", "/assets/", "/svelte/"):
            status, body = raw(door + quote(name, safe="/%~:\\?."))
            assert status in (400, 403, 404) and secret not in body, (door, name, status)


@pytest.mark.parametrize("name", ["/proc/self/environ", "/proc/self/cmdline", "/dev/zero", "/dev/stdin", "."])
def test_devices_and_processes_are_not_files_to_serve(raw, name):
    assert raw(FILE + name)[0] == 404


def test_no_folder_is_listed_and_no_dotfile_served(raw, tmp_path_factory):
    for folder in (WEB_FOLDER, EXAMPLES_FOLDER, get_upload_folder(), f"{get_upload_folder()}/answers", "/", "/tmp"):
        for end in ("", "/", "/.", "/*", "/?", "/index.html"):
            assert raw(f"{FILE}{folder}{end}")[0] in (403, 404), (folder, end)
    hidden = EXAMPLES_FOLDER / ".hidden-by-a-test"
    hidden.write_text("secret")
    try:
        assert raw(FILE + str(hidden))[0] == 404
    finally:
        hidden.unlink()


def test_a_link_out_of_an_open_folder_leads_nowhere(raw, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    folder = Path(get_upload_folder()) / "answers" / "x"
    folder.mkdir(parents=True)
    (folder / "link.png").symlink_to(secret)
    assert raw(f"{FILE}{folder}/link.png")[0] == 403
    (folder / "real.png").write_bytes(b"ours")
    assert raw(f"{FILE}{folder}/real.png") == (200, "ours")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/", "https://example.com/x.png", "HTTP://example.com", "//x"]
)
def test_no_address_is_fetched(raw, address):
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 0))
        trap.listen()
        trap.settimeout(0.2)
        asked = address.format(port=trap.getsockname()[1])
        for written in (asked, quote(asked, safe=""), asked.replace("//", "/")):
            assert raw(FILE + written)[0] == 404
        with pytest.raises(TimeoutError):
            trap.accept()


def test_the_pages_own_files_are_served(raw):
    status, body = raw(editor_script().path)
    assert status == 200 and "mount" in body
    assert raw(FILE + str(WEB_FOLDER / "editor.js"))[0] == 404, "what is joined needs no second address"
    picture = next(path for path in EXAMPLES_FOLDER.rglob("*.jpg"))
    assert raw(FILE + str(picture))[0] == 200


# Another visitor


def test_an_upload_is_gone_once_read_and_never_served(raw, http_client, victim):
    assert not Path(victim["path"]).exists()
    waiting = http_client.post(API + "upload", files={"files": ("evil.html", b"<script>alert(1)</script>")}).json()[0]
    assert Path(waiting).is_file()
    for name in (waiting, quote(waiting, safe=""), f"{Path(waiting).parent}/", str(Path(waiting).parent)):
        status, body = raw(FILE + name)
        assert status == 404 and "script" not in body
    absent = Path(get_upload_folder()) / ("0" * 64) / "evil.html"
    assert raw(FILE + str(absent)) == raw(FILE + waiting), "whether somebody uploaded a file would be told"


def test_answers_of_the_api_have_names_that_nobody_can_work_out():
    """The same picture twice: two names, of 24 random bytes; the folder is not one that others may look into."""
    paths = [Path(answer_file(b"the same picture", "mask")["path"]) for _ in range(2)]
    assert len({path.parent.name for path in paths}) == 2
    assert all(len(path.parent.name) == 32 and path.parent.stat().st_mode & 0o077 == 0 for path in paths)


def test_no_address_tells_what_others_hold(http_client, victim):
    """Everything that can be had without a secret: no token, no name, no picture of theirs is in it."""
    told = [
        http_client.get(path).text
        for path in ("/", "/config", "/theme.css", API + "info", API + "openapi.json", API + "app_id", API + "user")
    ]
    for secret in (victim["token"], "their-visit", "holiday", Path(victim["path"]).parent.name, victim["picture"][:60]):
        assert not [text for text in told if secret in text]


def test_a_strangers_token_opens_nothing(asks, victim):
    """All questions of the page that name a photo, with another visitor's everything but the token."""
    token = victim["token"]
    guesses = [
        "",
        None,
        token[:-1],
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.lower(),
        [token],
        {"$ne": ""},
    ]
    for name in ("status", "segment", "region", "open_result", "save", "save_part", "make_link", "link_offer"):
        for guess in guesses:
            record = {"token": guess, "visit": "their-visit", "job": "1", "key": "", "known": [guess], "form": "zip"}
            reply = asks(name, record, "theirs")
            if name == "status" and not guess:  # about the models alone
                assert "photo" not in reply
            else:
                assert reply["error"] == strings.PHOTO_GONE, (name, guess, reply)


def test_a_fix_up_of_a_strangers_photo_is_refused_and_its_stream_needs_its_own_id(http_client, victim):
    request = {"token": victim["token"][:-1] + "~", "job": "1", "collage": {}, "sources": {"a": "theirs"}}
    event = http_client.post(API + "call/page_fixup", json={"data": [request]}).json()["event_id"]
    assert len(event) == 32
    assert strings.PHOTO_GONE in http_client.get(f"{API}call/page_fixup/{event}").text


def test_a_session_that_somebody_else_named_shows_nothing(asks, raw, http_client, victim):
    """The session is a name that clients choose: who knows one sees no photo, and its state is not handed out."""
    assert "error" in asks("status", {"token": "theirs"}, "theirs")
    assert http_client.get(API + "deep_link", params={"session_hash": "theirs"}).status_code == 404
    status, told = raw(API + "queue/data?session_hash=theirs")
    assert status == 200 and json.loads(told.removeprefix("data: ").strip())["session_not_found"]
    for path, body in (
        ("cancel", {"session_hash": "theirs", "fn_index": 0, "event_id": "x"}),
        ("reset", {"event_id": "x"}),
    ):
        http_client.post(API + path, json=body)
    assert asks("status", {"token": victim["token"]}, "theirs")["photo"]["ready"]


def test_the_functions_of_a_component_are_the_pages_own_alone(http_client, component):
    for name in ("__init__", "postprocess", "load_event", "as_example", "get_config", "unload", "__class__", ""):
        body = {"component_id": component, "fn_name": name, "session_hash": "x", "data": {}}
        assert http_client.post(API + "component_server", json=body).status_code in (400, 404, 500)


# Other web sites


@pytest.mark.parametrize("name", ["evil.example", "evil.example:7860", "169.254.169.254", "localhost.evil.example", ""])
def test_a_page_of_this_machine_goes_by_its_own_names_alone(raw, name):
    for path in ("/", "/config", API + "mcp/", API + "info", editor_script().path):
        status, body = raw(path, {"Host": name})
        assert status in (400, 421) and (WRONG_NAME in body or status == 400)


def test_a_forwarded_name_changes_nothing_for_the_next_visitor(http_client):
    http_client.get("/config", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})
    assert "evil.example" not in http_client.get("/config").text + http_client.get("/").text


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_web_site_cannot_make_a_browser_use_a_local_server(http_client, component, headers):
    call = {"component_id": component, "fn_name": "status", "session_hash": "x", "data": {}}
    plain = {**headers, "Content-Type": "text/plain"}  # such a request is sent without asking first
    answers = [
        http_client.post(API + "component_server", content=json.dumps(call), headers=plain),
        http_client.post(API + "upload", files={"files": ("x.png", b"x")}, headers=headers),
    ]
    assert [(answer.status_code, answer.json()["detail"]) for answer in answers] == [(403, ELSEWHERE)] * 2
    assert all(answer.headers.get("access-control-allow-origin") is None for answer in answers)


def test_the_page_itself_may_ask(http_client, server):
    headers = {"Origin": server[0], "Sec-Fetch-Site": "same-origin"}
    assert http_client.post(API + "upload", files={"files": ("x.png", b"x")}, headers=headers).status_code == 200


# What is sent


def test_too_much_at_once_is_refused_before_it_is_read(raw):
    status, told = raw(API + "component_server", {"Content-Length": str(bodies.MOST_JSON_BYTES + 1)})
    assert (status, json.loads(told)) == (413, {"detail": bodies.TOO_LARGE})
