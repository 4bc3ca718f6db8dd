"""What programs may call: segment, render and fixup, with any arguments that JSON can hold."""

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
}


def _call(random: Random) -> dict:
    """{"name", "arguments", "file": base64 of what was uploaded}."""
    name = random.choice(list(ARGUMENTS))
    data = small_png() if random.random() < 0.7 else damaged(random, random.choice(seeds.pictures()), seeds.pictures())
    file = base64.b64encode(data).decode()
    arguments = {
        key: spoilt(random, value, 2) if random.random() < 0.2 else value for key, value in ARGUMENTS[name].items()
    }
    if random.random() < 0.2:
        arguments["photo"] = random.choice(
            ["data:image/png;base64," + file, "data:;base64,é", "data:image/png," + file]
        )
    return {"name": name, "arguments": arguments, "file": file}


@cache
def _api() -> Api:
    return Api(site().services)


def _knock(given: dict) -> str:
    path = upload_folder() / "program"
    path.write_bytes(base64.b64decode(given["file"]))
    try:
        text = text_of(given["arguments"]).replace(json.dumps(FILE), json.dumps(str(path)))
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
