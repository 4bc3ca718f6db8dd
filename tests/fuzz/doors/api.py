"""What programs may call: segment, render, fixup and lift, with any arguments that JSON can hold."""

import base64
import json
from functools import cache
from random import Random

from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.ui.api import Api
from tests.fuzz import seeds
from tests.fuzz.door import Door
from tests.fuzz.doors.page import site, small_png, upload_folder
from tests.fuzz.mutations import damaged
from tests.fuzz.values import spoilt, text_of

FILE = "<file>"
COLLAGE = {
    "sources": [{"id": "p2"}],
    "segments": [{"id": "a", "points": [[24, 20]]}, {"id": "b", "box": [2, 2, 40, 30], "source": "p2"}],
    "layers": [
        {"id": "1", "segment": "a", "matrix": [1, 0, 0, 1, 5, 0]},
        {"id": "2", "segment": "b", "matrix": [1, 0, 0, 1, 0, 0]},
    ],
}
ARRANGED = {"photo": {"path": FILE}, "collage": COLLAGE, "sources": [{"path": FILE}]}
MASK = "<mask>"
ARGUMENTS = {
    "segment": {
        "photo": {"path": FILE},
        "points": [[24, 20]],
        "exclude": [[1, 1]],
        "box": [2, 2, 40, 30],
        "soft": True,
    },
    "render": ARRANGED,
    "fixup": {**ARRANGED, "model": "fake", "seed": 1, "steps": 2, "sampler": ""},
    "lift": {"photo": {"path": FILE}, "masks": [{"path": MASK}], "points": [[24, 20]], "seed": 1},
}


def _call(random: Random) -> dict:
    """{"name", "arguments", "file", "mask": base64 of what was uploaded}."""
    name = random.choice(list(ARGUMENTS))
    file, mask = _upload(random, small_png()), _upload(random, seeds.mask()) if name == "lift" else ""
    arguments = {
        key: spoilt(random, value, 2) if random.random() < 0.2 else value for key, value in ARGUMENTS[name].items()
    }
    if random.random() < 0.2:
        arguments["photo"] = random.choice(
            ["data:image/png;base64," + file, "data:;base64,é", "data:image/png," + file]
        )
    return {"name": name, "arguments": arguments, "file": file, "mask": mask}


def _upload(random: Random, usual: bytes) -> str:
    """Base64 of a file that may be any picture, damaged."""
    if random.random() < 0.7:
        return base64.b64encode(usual).decode()
    return base64.b64encode(damaged(random, random.choice(seeds.pictures()), seeds.pictures())).decode()


@cache
def _api() -> Api:
    return Api(site().services)


def _knock(given: dict) -> str:
    paths = {FILE: upload_folder() / "program", MASK: upload_folder() / "mask"}
    paths[FILE].write_bytes(base64.b64decode(given["file"]))
    paths[MASK].write_bytes(base64.b64decode(given.get("mask", "")))
    try:
        text = text_of(given["arguments"])
        for name, path in paths.items():
            text = text.replace(json.dumps(name), json.dumps(str(path)))
        arguments = json.loads(text)
    except (ValueError, RecursionError):
        return "refused"
    try:
        answer = getattr(_api(), given["name"])(**arguments)
    except MagicFixupError:
        return "refused"
    finally:
        for kept in upload_folder().glob("answers/*/*"):
            kept.unlink()
            kept.parent.rmdir()
    json.dumps(answer, allow_nan=False)
    return "taken"


DOORS = (Door("programs' calls", _call, _knock, share=8),)
