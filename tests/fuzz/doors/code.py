"""An arrangement's text in a link, as the page reads it: web/share/code.js under Node."""

import atexit
import base64
import json
import shutil
import subprocess
import zlib
from functools import cache
from pathlib import Path
from random import Random

from tests.fuzz.door import Door, Finding
from tests.fuzz.values import spoilt, text_of

READER = Path(__file__).parent.parent / "read_code.mjs"
LAYER = {
    "id": "l1",
    "segment": "s1",
    "matrix": [1, 0, 0, 1, 5, 3],
    "distort": [[0, 0]] * 4,
    "name": "dog",
    "opacity": 0.5,
}
EDIT = {
    "v": 1,
    "layers": [LAYER, {**LAYER, "id": "l2", "hidden": True}],
    "options": {"seed": 1, "steps": None, "model": "small"},
}


def _code(random: Random) -> str:
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = text_of(spoilt(random, EDIT)).encode() if random.random() < 0.98 else b" " * 3_000_000
    code = base64.urlsafe_b64encode(packing.compress(text) + packing.flush()).decode().rstrip("=")
    if random.random() < 0.3:
        at = random.randrange(len(code) + 1)
        code = code[:at] + random.choice(["", "=", "é", "%", "\0", "A" * 50, "__proto__", "\ud800"]) + code[at + 1 :]
    return code


@cache
def _reader() -> subprocess.Popen:
    process = subprocess.Popen([shutil.which("node"), READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.kill)
    return process


def _read(code: str) -> str:
    reader = _reader()
    reader.stdin.write(json.dumps(code) + "\n")
    reader.stdin.flush()
    answer = reader.stdout.readline().strip()
    if answer not in ("taken", "refused"):
        raise Finding(f"the page's reader said: {answer or 'nothing'}")
    return answer


DOORS = (Door("codes in links", _code, _read, share=6 if shutil.which("node") else 0),)
