"""A small Hub on this machine, for tests, and ways in which it, the network or the disk can fail.

It speaks as much of the Hub's protocol as downloads need: ``HEAD`` and ``GET /OWNER/NAME/resolve/REVISION/PATH`` with
ETag and X-Repo-Commit. Files over 1 kB stand behind a redirect to another host, as on the Hub; that one knows ranges.

In the same process::

    with FakeHub({"owner/name": {"weights.bin": b"..."}}) as hub, hub.in_this_process(monkeypatch, tmp_path):
        hub.fault = "cut"          # one of FAULTS; may change while it runs
        ...
        hub.requests               # [("HEAD", "/owner/name/resolve/main/weights.bin", ""), ("GET", ..., "bytes=512-")]

For a process of its own (a page)::

    with FakeHub(files, fault="silent") as hub:
        subprocess.Popen([...], env=os.environ | hub.environment(tmp_path))

or, for every situation in SITUATIONS (those of the server, and no Hub, no permission, no room, offline)::

    with situation("full disk", files, tmp_path) as environment:
        subprocess.Popen([...], env=os.environ | environment)

``tmp_path`` becomes HF_HOME. Nothing here, not even a name service, is asked outside this machine.
"""

import contextlib
import hashlib
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.ports import free_port

FAULTS = {
    "": "none",
    "silent": "accepts connections and never answers",
    "trickle": "tells about files at once, then sends a byte a second",
    "stuck": "tells about files at once, sends half a file, and then nothing, however often it is asked",
    "cut": "closes the connection after half of what is asked for",
    "gated": "wants a token (FakeHub.TOKEN) for every file",
    "gone": "has no such repository",
    "no file": "has the repository without the file",
    "wrong bytes": "sends other bytes than the checksum announces",
    "portal": "answers everything with a login page in HTML",
    "portal later": "tells about files at once, then answers with a login page",
    "busy": "answers everything with status 503",
}
# In these nothing can be downloaded; in "" and "cut" it can.
SITUATIONS = (*(fault for fault in FAULTS if fault not in ("", "cut")), "no hub", "offline", "read-only", "full disk")
PORTAL = b"<html><body>Welcome to the hotel. Please log in.</body></html>" * 40
LARGE = 1000  # bytes; larger files stand behind a redirect
COMMIT = "c" * 40


class FakeHub:
    """Serves ``files``, {repository: {path: bytes}}, from when it is entered until it is left."""

    TOKEN = "hf_only_in_these_tests"

    def __init__(self, files: Mapping[str, Mapping[str, bytes]], fault: str = ""):
        self.files, self.fault = files, fault
        self.requests: list[tuple[str, str, str]] = []
        self.leaving = threading.Event()

    def __enter__(self) -> "FakeHub":
        self.handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a client that was killed is what some tests are about
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.leaving.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def environment(self, home: Path) -> dict[str, str]:
        """What a process of its own needs to take this for the Hub; ``home`` becomes HF_HOME."""
        return _environment(self.url, home)

    @contextlib.contextmanager
    def in_this_process(self, monkeypatch, home: Path) -> Iterator[None]:
        """Make the running process take this for the Hub."""
        point_at(monkeypatch, self.environment(home))
        yield


def point_at(monkeypatch, environment: Mapping[str, str]) -> None:
    """Bring this process into a situation. huggingface_hub has read its settings already, so they are changed too."""
    import huggingface_hub.constants as constants

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    url = environment["HF_ENDPOINT"]
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", environment["HF_HUB_CACHE"])
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", environment["HF_TOKEN_PATH"])
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", int(environment["HF_HUB_DOWNLOAD_TIMEOUT"]))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", environment.get("HF_HUB_OFFLINE") == "1")


def be_impatient(monkeypatch, name: str) -> None:
    """Shorten the waits that a situation would make a test sit through; only those, for slow machines' sake."""
    from magicfixup_demo import hub, resumable

    if name == "silent":
        monkeypatch.setattr(hub, "ANSWER_SECONDS", 0.4)
    if name in ("trickle", "stuck"):
        monkeypatch.setattr(resumable, "PACE_SECONDS", 0.4)
        monkeypatch.setattr(resumable, "PAUSE_SECONDS", 0.01)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 0.2)


def nobody_listens() -> str:
    """An address on this machine that refuses connections."""
    return f"http://127.0.0.1:{free_port()}"


@contextlib.contextmanager
def situation(name: str, files: Mapping[str, Mapping[str, bytes]], home: Path) -> Iterator[dict[str, str]]:
    """One of SITUATIONS; yields the environment variables of a process that shall be in it."""
    fault = name if name in FAULTS else ""
    with FakeHub(files, fault) as hub:
        environment = hub.environment(home)
        if name == "no hub":
            environment |= _environment(nobody_listens(), home)
        elif name == "offline":
            environment["HF_HUB_OFFLINE"] = "1"
        elif name == "read-only":
            environment |= _environment(hub.url, read_only(home))
        elif name == "full disk":
            fill_disk(home, files)
        yield environment


def read_only(home: Path) -> Path:
    """A path for HF_HOME below which nobody, not even root, can create anything: its parent is a file."""
    blocked = home / "not-a-folder"
    blocked.write_text("")
    return blocked / "home"


def fill_disk(home: Path, files: Mapping[str, Mapping[str, bytes]]) -> None:
    """Let every file's download below ``home`` go to a device without room: writing gives a real ENOSPC (Linux)."""
    from magicfixup_demo.hub import own_folder

    below = own_folder("x").parent.relative_to(own_folder("x").parent.parent.parent)  # as under HF_HOME
    for repo, contents in files.items():
        for path, data in contents.items():
            target = home / below / repo.replace("/", "--") / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.with_name(f"{target.name}.{etag(data)[:16]}.part").symlink_to("/dev/full")


def etag(data: bytes) -> str:
    """As the Hub makes it: SHA-256 of large files, git's hash of small ones."""
    if len(data) > LARGE:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _environment(url: str, home: Path) -> dict[str, str]:
    return {
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_HUB_DOWNLOAD_TIMEOUT": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    knows_ranges = True
    protocol_version = "HTTP/1.1"

    def log_message(self, *_) -> None:
        """Nothing on standard error."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.hub.requests.append((self.command, self.path, self.headers.get("Range", "")))
        fault = self.hub.fault
        if fault == "silent":
            self.hub.leaving.wait(60)
            self.close_connection = True
        elif fault == "portal" or (fault == "portal later" and self.command == "GET"):
            self._send(200, {"Content-Type": "text/html"}, PORTAL)
        elif fault == "busy":
            self._send(503, {}, b"")
        elif fault == "gone":
            self._send(404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b"")
        elif fault == "gated" and self._is_a_stranger():
            self._send(401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}, b"")
        elif self.path.startswith("/storage/"):
            self._store()
        else:
            self._resolve()

    def _is_a_stranger(self) -> bool:
        stored = self.path.startswith("/storage/")  # its address is the permission, as on the Hub
        return not stored and self.headers.get("Authorization") != f"Bearer {self.hub.TOKEN}"

    def _resolve(self) -> None:
        repo, _, rest = self.path.lstrip("/").partition("/resolve/")
        data = self.hub.files.get(repo, {}).get(rest.partition("/")[2])
        if repo not in self.hub.files:
            self._send(404, {"X-Error-Code": "RepoNotFound"}, b"")
        elif data is None or self.hub.fault == "no file":
            self._send(404, {"X-Error-Code": "EntryNotFound"}, b"")
        elif len(data) <= LARGE:
            self._file(data, {"ETag": f'"{etag(data)}"', "X-Repo-Commit": COMMIT})
        else:
            told = {"X-Linked-Etag": f'"{etag(data)}"', "X-Linked-Size": str(len(data)), "X-Repo-Commit": COMMIT}
            where = f"http://localhost:{self.server.server_port}/storage/{etag(data)}"
            self._send(302, told | {"Location": where}, b"")

    def _store(self) -> None:
        wanted = self.path.removeprefix("/storage/")
        for contents in self.hub.files.values():
            for data in contents.values():
                if etag(data) == wanted:
                    return self._file(data, {})
        return self._send(404, {}, b"")

    def _file(self, data: bytes, headers: dict[str, str]) -> None:
        if self.hub.fault == "wrong bytes":
            data = bytes([data[0] ^ 1]) + data[1:]
        asked = self.headers.get("Range", "") if self.knows_ranges else ""
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked:
            headers = headers | {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"}
        self._send(206 if asked else 200, headers, data[begin:])

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD" or status == 302:
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._send_body(body)

    def _send_body(self, body: bytes) -> None:
        fault, half = self.hub.fault, len(body) // 2
        if fault == "trickle":
            for i in range(len(body)):
                self.wfile.write(body[i : i + 1])
                if self.hub.leaving.wait(0.5):
                    break
        elif fault in ("cut", "stuck"):
            resumed = self.headers.get("Range", "") not in ("", "bytes=0-")
            self.wfile.write(b"" if fault == "stuck" and resumed else body[: max(1, half)])
            if fault == "stuck":
                self.hub.leaving.wait(60)
            self.close_connection = True
        else:
            self.wfile.write(body)
