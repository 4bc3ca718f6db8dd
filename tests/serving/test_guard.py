"""The guard around an ASGI application: what it lets through, how much of it, and with which headers it comes back."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest
from starlette.requests import ClientDisconnect

from magicfixup_demo.serving import bodies
from magicfixup_demo.serving.bodies import Held
from magicfixup_demo.serving.guard import ELSEWHERE, NOT_HERE, NOT_UNDERSTOOD, WRONG_NAME, Guard, Rules
from magicfixup_demo.serving.headers import headers_for
from magicfixup_demo.serving.kept import KeptFile
from magicfixup_demo.serving.origins import OWN_MACHINE
from tests.loops import run

WEB, ANSWERS = Path("/srv/web"), Path("/srv/uploads/answers")
SENT = b"0123456789"


async def reader(scope, receive, send):
    """Answers with what it was sent."""
    read, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client has gone")
        read, more = read + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": read})


def rules(**changed) -> Rules:
    return Rules(
        **{"program": (WEB,), "answers": (ANSWERS,), "uploads": ANSWERS.parent, "upload_bytes": 100, **changed}
    )


def ask(
    app=reader,
    path="/gradio_api/component_server",
    chunks=(SENT,),
    headers=None,
    method="POST",
    root_path="",
    **changed,
):
    """(status, headers, body) of one request through the guard; a chunk None is a client that keeps silent."""
    sent, waiting = [], list(chunks)

    async def receive():
        if not waiting:
            return {"type": "http.disconnect"}
        chunk = waiting.pop(0)
        if chunk is None:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message):
        sent.append(message)

    named = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "path": path, "method": method, "headers": named, "root_path": root_path}
    run(Guard(app, rules(**changed))(scope, receive, send))
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])


def sentence(answer) -> str:
    return json.loads(answer[2])["detail"]


def test_what_is_allowed_passes_as_it_is():
    status, headers, body = ask(chunks=(SENT, SENT, b""))
    assert (status, body) == (200, SENT + SENT)
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"


def test_each_piece_of_a_stream_goes_out_when_it_comes():
    seen = []

    async def stream(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(3):
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": True})
            seen.append(number)

    assert ask(stream, path="/gradio_api/queue/data", chunks=())[2] == b"012" and seen == [0, 1, 2]


def test_a_body_over_the_bound_is_refused_said_or_not(monkeypatch):
    monkeypatch.setattr(bodies, "MOST_JSON_BYTES", 25)
    assert ask(chunks=(SENT, SENT))[0] == 200
    for answer in (ask(chunks=(SENT, SENT, SENT)), ask(headers={"content-length": "26"})):
        assert answer[0] == 413 and sentence(answer) == bodies.TOO_LARGE
        assert answer[1]["x-content-type-options"] == "nosniff"


def test_an_upload_has_a_bound_for_all_its_files_together(monkeypatch):
    monkeypatch.setattr(bodies, "UPLOAD_EXTRA", 5)
    upload = {"path": "/gradio_api/upload", "upload_bytes": 20}
    assert ask(chunks=(SENT, SENT), **upload)[0] == 200
    assert ask(chunks=(SENT, SENT, SENT), **upload)[0] == 413
    assert ask(chunks=(SENT, SENT, SENT), **{**upload, "path": "/gradio_api/upload/"})[0] == 413


def test_what_all_clients_send_together_is_bounded_and_given_back():
    held = Held(25)
    held.now = 10
    assert ask(chunks=(SENT, b"01234"), held=held)[0] == 200 and held.now == 10
    busy = ask(chunks=(SENT, SENT), held=held)
    assert busy[0] == 503 and sentence(busy) == bodies.TOO_MUCH and held.now == 10


def test_uploads_that_nobody_opens_do_not_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(bodies, "MOST_WAITING_BYTES", bodies.LEAST_FILE_BYTES)
    upload = {"path": "/gradio_api/upload", "uploads": tmp_path}
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "photo.png").write_bytes(SENT)
    assert ask(**upload)[0] == 200
    (tmp_path / "tmp12345").write_bytes(SENT)
    full = ask(**upload)
    assert full[0] == 503 and sentence(full) == bodies.TOO_MUCH
    assert ask(uploads=tmp_path)[0] == 200, "all else goes on"


def test_uploads_under_way_are_bounded_together():
    uploading = Held(25)
    uploading.now = 20
    assert ask(path="/gradio_api/upload", uploading=uploading)[0] == 503 and uploading.now == 20


def test_a_client_that_keeps_silent_is_sent_away():
    answer = ask(chunks=(SENT, None), silence=0.05)
    assert answer[0] == 408 and sentence(answer) == bodies.TOO_SLOW


def test_a_client_that_sends_drop_by_drop_is_sent_away_too(monkeypatch):
    monkeypatch.setattr(bodies, "PATIENCE_SECONDS", 0.05)
    assert ask(chunks=(SENT, None))[0] == 408


def test_after_the_body_an_open_stream_may_be_silent_for_long():
    async def waits(scope, receive, send):
        await receive()
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"still here"})

    silent = [SENT]

    async def receive():
        if silent:
            return {"type": "http.request", "body": silent.pop(), "more_body": False}
        await asyncio.sleep(0.2)
        return {"type": "http.disconnect"}

    async def send(message):
        told.append(message)

    told = []
    scope = {"type": "http", "path": "/gradio_api/queue/data", "method": "GET", "headers": []}
    run(Guard(waits, rules(silence=0.05))(scope, receive, send))
    assert told[0]["status"] == 200


def test_a_fault_of_the_application_stays_one():
    async def broken(scope, receive, send):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(broken)


def test_a_client_that_goes_away_is_no_fault():
    async def left(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ClientDisconnect

    assert ask(left)[0] == 200


def test_websockets_are_closed_and_the_start_of_the_server_passes():
    told = []

    async def send(message):
        told.append(message)

    async def app(scope, receive, send):
        told.append(scope["type"])

    guard = Guard(app, rules())
    run(guard({"type": "websocket", "path": "/"}, None, send))
    run(guard({"type": "lifespan"}, None, send))
    assert told == [{"type": "websocket.close", "code": 1008}, "lifespan"]


# Who asks


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "photos.example"])
def test_the_names_that_it_goes_by(host):
    assert ask(headers={"host": host}, hosts=OWN_MACHINE | {"photos.example"})[0] == 200
    assert ask(headers={"host": host})[0] == 200, "no names are set: it goes by any"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:7860", "127.0.0.1.evil.example", "", "["])
def test_other_names_are_not_its(host):
    answer = ask(headers={"host": host}, hosts=OWN_MACHINE)
    assert answer[0] == 421 and sentence(answer) == WRONG_NAME


HERE = {"host": "photos.example"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://photos.example"},
        {"origin": "https://photos.example", "sec-fetch-site": "same-origin"},
        {"host": "127.0.0.1:7860", "origin": "http://localhost:3000", "sec-fetch-site": "cross-site"},
        {"host": "127.0.0.1:7860", "origin": "https://photos.example", "x-forwarded-host": "photos.example"},
        {"host": "127.0.0.1:7860", "origin": "https://photos.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_its_own_page_and_programs_may_send(headers):
    assert ask(headers={**HERE, **headers}, private=True)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://photos.example.evil.example"},
        {"origin": "http://localhost:3000"},
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    ],
)
def test_other_web_sites_may_not_where_the_server_is_not_for_all(headers):
    answer = ask(headers={**HERE, **headers}, private=True)
    assert answer[0] == 403 and sentence(answer) == ELSEWHERE
    assert ask(headers={**HERE, **headers})[0] == 200, "a public server without a login answers programs of all sites"


def test_a_stranger_gets_no_counters_and_a_name_of_its_own_does():
    told = {"path": "/metrics", "method": "GET", "hosts": OWN_MACHINE, "metrics": lambda: b"magicfixup_queue 0"}
    assert ask(headers={"host": "evil.example"}, **told)[0] == 421
    assert ask(headers={"host": "localhost"}, **told)[2] == b"magicfixup_queue 0"


# What is there


@pytest.mark.parametrize(("root", "path"), [("/demo", "/demo/config"), ("/demo", "/config"), ("", "/config")])
def test_a_proxy_may_leave_its_own_path_in(root, path):
    assert ask(path=path, root_path=root)[0] == 200
    assert ask(path=f"{root}/monitoring", root_path=root)[0] == 404


@pytest.mark.parametrize("path", ["/", "/config/", "/gradio_api/call/fixup/1", "/gradio_api/mcp/", "/gradio_api/mcp"])
def test_what_is_needed_is_open(path):
    assert ask(path=path)[0] == 200


@pytest.mark.parametrize("name", ["/srv/web/editor.js", "/srv/web/page/a b.js", "/srv/uploads/answers/x/mask.png"])
def test_files_of_open_folders_are_open(name):
    status, headers, _ = ask(path="/gradio_api/file=" + name, method="GET")
    assert status == 200 and headers["content-security-policy"].startswith("default-src 'none'; sandbox")
    assert headers["cache-control"] == ("no-cache" if "/web/" in name else "no-store")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/srv/web",
        "/srv/web/",
        "/srv/web/../secret",
        "/srv/web/./editor.js",
        "/srv//web/editor.js",
        "//srv/web/editor.js",
        "/srv/web/.git/config",
        "/srv/web/page/.env",
        "/srv/webs/x",
        "/srv/uploads/abc/photo.png",
        "/srv/uploads/tmp1234",
        "srv/web/editor.js",
        "/srv/web/\0.js",
        "/srv/web\\..\\secret",
        "https://example.com/srv/web/editor.js",
        "/SRV/WEB/editor.js",
    ],
)
def test_all_else_is_not_there(name):
    answer = ask(path="/gradio_api/file=" + name)
    assert answer[0] == 404 and sentence(answer) == NOT_HERE


# Files that the guard has in memory

SCRIPT = KeptFile("editor", "js", "text/javascript", 100 * b"let a = 1;")


def kept_file(path=SCRIPT.path, **asked):
    return ask(path=path, method="GET", kept={SCRIPT.path: SCRIPT}, **asked)


def test_a_kept_file_is_answered_for_good():
    status, headers, body = kept_file()
    assert (status, body) == (200, SCRIPT.content) and headers["content-type"].startswith("text/javascript")
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["x-content-type-options"] == "nosniff" and "content-security-policy" in headers
    assert kept_file(root_path="/demo", path="/demo" + SCRIPT.path)[0] == 200


def test_a_kept_file_is_packed_for_those_who_unpack():
    _, headers, body = kept_file(headers={"accept-encoding": "br, gzip"})
    assert headers["content-encoding"] == "gzip" and headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == SCRIPT.content and len(body) < len(SCRIPT.content)


def test_another_content_has_another_address():
    changed = KeptFile("editor", "js", "text/javascript", SCRIPT.content + b" ")
    assert changed.path != SCRIPT.path and kept_file(path=changed.path)[0] == 404
    assert kept_file(path=SCRIPT.path + "/../app.py")[0] == 404


# Headers


def test_no_other_host_is_named_but_the_frame_of_a_space():
    here, space = (headers_for("/", on_space)["Content-Security-Policy"] for on_space in (False, True))
    assert "://" not in here and here.endswith("frame-ancestors 'self'")
    assert space.endswith("frame-ancestors 'self' https://huggingface.co https://*.hf.space")
    for held in ("default-src 'self'", "object-src 'none'", "base-uri 'self'", "form-action 'self'"):
        assert held in here


def test_who_may_keep_an_answer():
    kept = {
        path: headers_for(path, False).get("Cache-Control") for path in ("/", "/config", "/assets/x.js", "/theme.css")
    }
    assert kept == {"/": "no-cache", "/config": "no-store", "/assets/x.js": None, "/theme.css": None}


@pytest.mark.parametrize("error", [ValueError("NaN"), KeyError(10**400), RecursionError()])
def test_a_request_that_gradio_fails_on_is_refused(error):
    async def failing(scope, receive, send):
        raise error

    answer = ask(failing)
    assert answer[0] == 400 and sentence(answer) == NOT_UNDERSTOOD


def test_an_answer_that_breaks_off_is_a_fault():
    async def failing(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        ask(failing)
