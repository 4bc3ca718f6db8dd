"""``python app.py`` killed in the middle of a fix-up and started again, then told to stop: what is left, and how long.

    python -m tests.faults.killed_server

Prints one line a step and fails where something is left, or does not answer.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "coffee"
PATIENCE_SECONDS = 120
HEAD = b'--x\r\nContent-Disposition: form-data; name="files"; filename="photo.jpg"\r\n\r\n'


class App:
    """The server on a port of its own; temporary files and links lie in ``folder``."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen | None = None

    def start(self) -> float:
        """Seconds until the page answers."""
        own = {"GRADIO_TEMP_DIR": str(self.folder / "uploads"), "TMPDIR": str(self.folder / "tmp")}
        command = [sys.executable, "app.py", "--port", str(self.port), "--model", "small", "--segmenter", "grabcut"]
        begun = time.monotonic()
        self._process = subprocess.Popen(
            [*command, "--data", str(self.folder / "data")], cwd=REPOSITORY, env=os.environ | own
        )
        while self._process.poll() is None and time.monotonic() - begun < PATIENCE_SECONDS:
            try:
                if self.ask("GET", "/gradio_api/app_id").status == 200:
                    return time.monotonic() - begun
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"the page did not come up (status {self._process.poll()})")

    def end(self, number: signal.Signals) -> tuple[float, int]:
        """(seconds, exit status)"""
        begun = time.monotonic()
        self._process.send_signal(number)
        status = self._process.wait(PATIENCE_SECONDS)
        return time.monotonic() - begun, status

    def ask(self, method: str, path: str, body=None, kind: str = "application/json") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        connection.request(method, path, body, {"Content-Type": kind})
        return connection.getresponse()

    def upload(self) -> str:
        body = HEAD + (EXAMPLE / "photo.jpg").read_bytes() + b"\r\n--x--\r\n"
        answer = self.ask("POST", "/gradio_api/upload", body, "multipart/form-data; boundary=x")
        return json.loads(answer.read())[0]

    def fix_up(self) -> http.client.HTTPResponse:
        """One of as many steps as are allowed, just begun."""
        file = {"path": self.upload(), "meta": {"_type": "gradio.FileData"}}
        collage = json.loads((EXAMPLE / "collage.json").read_text())
        asked = self.ask("POST", "/gradio_api/call/fixup", json.dumps({"data": [file, collage, "", 0, 100, "", None]}))
        answers = self.ask("GET", f"/gradio_api/call/fixup/{json.loads(asked.read())['event_id']}")
        time.sleep(4)  # the models load, and some steps are done
        return answers

    def left(self) -> list[str]:
        """Files below the folder, other than links."""
        found = [path for path in self.folder.rglob("*") if path.is_file()]
        return [str(path.relative_to(self.folder)) for path in found if path.suffix != ".link"]


def check(what: str, holds: bool) -> None:
    if not holds:
        raise SystemExit(f"FAILED: {what}")
    print(f"{what}: yes")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        app = App(folder)
        print(f"start: {app.start():.1f} s")
        waiting = app.fix_up()
        app.upload()
        (folder / "data" / "links" / "half.link.part").write_bytes(b"half of a link")
        seconds, status = app.end(signal.SIGKILL)
        waiting.close()
        print(f"killed in the middle of a fix-up ({seconds:.2f} s, status {status}); left: {len(app.left())} files")
        check("the photo that nobody had opened is still on the disk, as is half a link", len(app.left()) >= 2)
        print(f"started again on the same port: {app.start():.1f} s")
        old = [path for path in app.left() if not path.endswith(".lock")]
        check("nothing of the killed process is left", not old)
        check("an upload arrives", bool(app.upload()))
        waiting = app.fix_up()
        seconds, status = app.end(signal.SIGTERM)
        waiting.close()
        print(f"told to stop in the middle of a fix-up: {seconds:.2f} s, status {status}")
        check("nothing at all is left", status == 0 and not app.left())


if __name__ == "__main__":
    main()
