"""Requests to the running app, well-formed and not; and nothing that they name is ever fetched."""

import http.client
import json
import os
import socket
from functools import cache
from random import Random

from tests.fuzz.door import Door, Finding
from tests.fuzz.doors.page import RECORDS
from tests.fuzz.values import TEXTS, hostile, spoilt, text_of
from tests.ports import free_port

API = "/gradio_api/"
TRAP = "<trap>"  # an address that listens: whoever fetches it is caught
HEADERS = ("Host", "Origin", "Referer", "X-Forwarded-Host", "Content-Type", "Cookie", "Sec-Fetch-Site")
ROUTES = (
    "component_server",
    "queue/join",
    "call/segment",
    "call/render",
    "call/page_fixup",
    "call/page_plate",
    "upload",
    "cancel",
    "reset",
)
ROUTES += (
    "queue/data?session_hash=x",
    "file=/etc/passwd",
    "upload_progress?upload_id=x",
    "mcp/",
    "run/segment",
    "info",
)
BODIES = {
    "component_server": {"component_id": 1, "fn_name": "status", "session_hash": "s", "data": {"token": "x"}},
    "queue/join": {"data": [{"path": TRAP}, [[1, 2]], None, None, False], "fn_index": 3, "session_hash": "s"},
    "call/segment": {"data": [{"path": TRAP, "meta": {"_type": "gradio.FileData"}}, [[1, 2]], None, None, False]},
    "call/render": {"data": [{"url": TRAP, "path": TRAP}, {"segments": []}, [{"path": TRAP}]]},
    "cancel": {"session_hash": "s", "fn_index": 3, "event_id": "x"},
}


def _request(random: Random) -> dict:
    """{"method", "path", "headers", "body": Latin letters}."""
    route = random.choice(ROUTES)
    body = spoilt(random, BODIES.get(route, {"data": [hostile(random)]}))
    if route == "component_server" and isinstance(body, dict):
        name = random.choice([*RECORDS, "__init__", "call"])
        body |= {"component_id": "<editor>", "fn_name": name, "data": spoilt(random, RECORDS.get(name, {}))}
    text = text_of(body)
    if random.random() < 0.2:
        text = text[: random.randrange(len(text) + 1)] + random.choice(["", "}", "\0", "\xff", "[" * 5000])
    if random.random() < 0.1:
        route += random.choice(["/", "/..", "%00", "?" + "a" * 5000, "%2e%2e%2fetc"])
    headers = {random.choice(HEADERS): random.choice(TEXTS)[:200] for _ in range(random.choice([0, 0, 1, 2]))}
    method = "POST" if random.random() < 0.9 else random.choice(["GET", "PUT", "OPTIONS", "HEAD", "DELETE", "FOO"])
    return {"method": method, "path": API + route, "headers": headers, "body": text}


class Running:
    """The page on a port of its own, and a trap on another."""

    def __init__(self):
        from magicfixup_demo.ui.page import build_page
        from tests.browser.fakes import stand_ins
        from tests.served import launch

        self.trap = socket.create_server(("127.0.0.1", 0))
        self.trap.setblocking(False)
        services = stand_ins()
        page, self.port = build_page(services), free_port()
        launch(page, self.port)
        components = json.loads(self.ask("GET", "/config", {}, b"")[1])["components"]
        self.editor = next(one["id"] for one in components if one["props"].get("elem_id") == "magicfixup")

    def ask(self, method: str, path: str, headers: dict, body: bytes) -> tuple[int, bytes]:
        """Status and the beginning of the answer; streams are not waited for."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers)
            for name, value in (
                {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers
            ).items():
                connection.putheader(name, value.encode("utf-8", "replace").replace(b"\n", b" ").replace(b"\r", b" "))
            connection.endheaders(body)
            answer = connection.getresponse()
            stream = "event-stream" in answer.headers.get("Content-Type", "")
            return answer.status, b"" if stream else answer.read()
        finally:
            connection.close()

    def trapped(self) -> bool:
        try:
            self.trap.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@cache
def _running() -> Running:
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    return Running()


def _knock(given: dict) -> str:
    running = _running()
    address = f"http://127.0.0.1:{running.trap.getsockname()[1]}/x.png"
    body = given["body"].replace(json.dumps(TRAP), json.dumps(address)).replace('"<editor>"', str(running.editor))
    try:
        path = "".join(letter if 32 < ord(letter) < 127 else "%00" for letter in given["path"])
        status, answer = running.ask(given["method"], path, given["headers"], body.encode("utf-8", "replace"))
    except (http.client.BadStatusLine, ConnectionError, http.client.InvalidURL, ValueError):
        status, answer = 400, b""  # the server hung up on what is not HTTP, or the client would not send it
    if running.trapped():
        raise Finding("an address was fetched")
    if status >= 500 or b"Traceback" in answer or b"root:" in answer:
        raise Finding(f"{status} {answer[:200]!r}")
    if b"Something went wrong on the server" in answer:
        raise Finding(f"a surprise: {answer[:200]!r}")
    return "taken" if status < 400 and b'"error"' not in answer else "refused"


DOORS = (Door("requests", _request, _knock, share=4),)
