"""Paths, hosts and origins, as the guard at the server's door reads them."""

import os
from pathlib import Path
from random import Random
from urllib.parse import unquote

from magicfixup_demo.serving.doors import API, FILE, is_open, is_served
from magicfixup_demo.serving.origins import OWN_MACHINE, host_of, is_from_elsewhere, is_known
from tests.fuzz.door import Door, Finding

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "magicfixup_demo" / "web"
PIECES = (
    "..",
    ".",
    "/",
    "//",
    "\\",
    "\0",
    "%2e%2e",
    "%252e",
    "%00",
    "~",
    ":",
    "@",
    "?",
    "#",
    " ",
    "\t",
    "é",
    "\u2024\u2024",
    "\uff0e",
)
PIECES += (
    "etc",
    "passwd",
    "editor.js",
    ".git",
    "config",
    API,
    FILE,
    str(FOLDER),
    f"{FOLDER}/",
    "localhost",
    "127.0.0.1",
)
PIECES += (
    "[::1]",
    "[",
    "]",
    "http://",
    "https://",
    "evil.example",
    ":7860",
    ":99999999",
    "0x7f.1",
    "\u2488",
    "xn--",
    "a" * 300,
)


def _joined(random: Random) -> list[str]:
    return ["".join(random.choice(PIECES) for _ in range(random.randrange(1, 8))) for _ in range(3)]


def _knock(given: list[str]) -> str:
    path, host, origin = given
    for name in (path, unquote(path), f"{FOLDER}/{path}"):
        is_open("/" + name.lstrip("/"), (FOLDER,))
        if is_served(name, (FOLDER,)) and "\0" not in name and not Path(os.path.realpath(name)).is_relative_to(FOLDER):
            raise Finding("a file elsewhere would be served")
    if is_known(host, OWN_MACHINE) and host_of(host) not in OWN_MACHINE:
        raise Finding("a foreign name counts as this machine's")
    headers = {"host": host, "origin": origin}
    return "refused" if is_from_elsewhere("POST", headers) else "taken"


DOORS = (Door("addresses", _joined, _knock, share=4),)
