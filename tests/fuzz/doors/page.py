"""The functions that the page calls by name, over the fast stand-ins for the models."""

import base64
import json
import logging
from functools import cache
from pathlib import Path
from random import Random

import orjson

from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.images import png_bytes
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.examples import list_examples
from magicfixup_demo.ui.handlers import server_functions
from tests.browser.fakes import SMALL, FakeEngine, stand_ins
from tests.following import fixup
from tests.fuzz import seeds
from tests.fuzz.door import Door, Finding
from tests.fuzz.mutations import damaged
from tests.fuzz.values import TEXTS, as_sent, hostile, spoilt, text_of

TOKEN, GUEST, JOB, LINK, KEY = "<token>", "<guest>", "<job>", "<link>", "<key>"
VISIT = "<visit>"


def _records() -> dict[str, dict]:
    """A valid record for each function; what stands in <> is filled in when it is sent."""
    collage = json.loads(seeds.collage_text())
    segment = {**collage["segments"][0], "width": 20, "height": 12}
    options = {"seed": 3, "steps": 2, "samples": 2, "model": "fake", "other": None, "sampler": None, "prompt": "a dog"}
    work = {"token": TOKEN, "collage": collage, "sources": {"p2": GUEST}}
    result = {"token": TOKEN, "job": JOB, "what": "result", "sample": 0}
    return {
        "open_example": {"name": "camels", "visit": VISIT},
        "status": {"token": TOKEN},
        "visiting": {"visit": VISIT},
        "segment": {"token": TOKEN, "prompt": {"points": [[24, 20, True], [3, 3, False]], "box": [2, 2, 40, 30]}},
        "hover": {"token": TOKEN, "point": [24, 20]},
        "matte": {"token": TOKEN, "segment": segment},
        "mask_png": {"token": TOKEN, "segment": segment},
        "stop": {"job": "other"},
        "region": {**result, "box": [0, 0, 20, 20], "width": 10},
        "open_result": {**result, "visit": VISIT},
        "forget_result": {"token": TOKEN, "job": "none"},
        "save": {**result, **work, "options": options, "form": "zip", "camera": True, "place": True},
        "save_part": {"token": TOKEN, "key": "x", "at": 0},
        "link_offer": work,
        "make_link": {**work, "days": 1},
        "open_link": {"id": LINK, "visit": VISIT},
        "delete_link": {"id": LINK, "key": KEY},
        "fixup": {**work, "job": JOB, "options": options},
        "open_upload": {"path": "", "name": "beach.jpg", "visit": VISIT, "known": [TOKEN], "rounds": 1},
    }


RECORDS = _records()
RARE = {"open_example": 0.02, "make_link": 0.3, "save": 0.5}  # they take long, and are alike


def _call(random: Random) -> list:
    """[function, record]."""
    name = random.choice(list(RECORDS))
    while random.random() > RARE.get(name, 1):
        name = random.choice(list(RECORDS))
    record = spoilt(random, RECORDS[name])
    if name == "save" and isinstance(record, dict) and random.random() < 0.8:
        record["form"] = random.choice(["png", "collage-png", "zip", "photo"])
    return [name, record]


def _upload(random: Random) -> dict:
    """{"file": base64, "record"}: a file arrives, and the page says something about it."""
    files = seeds.pictures() + seeds.saved()
    record = spoilt(random, RECORDS["open_upload"], 1)
    return {"file": base64.b64encode(damaged(random, random.choice(files), files)).decode(), "record": record}


def _path(random: Random) -> object:
    """Where an upload is said to be."""
    ends = [*TEXTS, "../../../etc/passwd", "/" * 5000, "a/" * 3000, "a" * 300, "\udcff", "~root", "/proc/self/environ"]
    return random.choice([*ends, *(f"<uploads>/{end}" for end in ends), hostile(random)])


class Caught(logging.Handler):
    """What a function of the page failed on, which the page is not told; and nothing of it is written."""

    last: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.exc_info[1] if record.exc_info else self.last


CAUGHT = Caught()
logging.getLogger("magicfixup_demo.ui").addHandler(CAUGHT)


class Site:
    """The page's functions, with a photo open, a result made and a link kept, anew where one of them is gone."""

    def __init__(self):
        self.services = stand_ins(FakeEngine(), FakeEngine(SMALL), examples=list_examples())
        self.functions = {function.__name__: function for function in server_functions(self.services)}
        self.known: dict[str, str] = {}

    def call(self, name: str, record: object) -> list:
        """What comes back, as a browser reads it."""
        if name == "fixup":
            return list(fixup(self.services, record))
        return [self.functions[name](record)]

    def filled(self, text: str) -> str:
        """A record's JSON with what is open now in place of the names in <>."""
        self._renew()
        for name, value in self.known.items():
            text = text.replace(json.dumps(name), json.dumps(value))
        return text

    def _renew(self) -> None:
        try:
            self.services.photos.get(self.known.get(GUEST))
            self.services.photos.get(self.known.get(TOKEN)).results_of(self.known[JOB])
            self.services.links.open(self.known[LINK])
        except (MagicFixupError, KeyError):
            self._open()

    def _open(self) -> None:
        for name in list(self.services.links._names()):
            self.services.links._shelf.drop(name)
        photo, guest = seeds.pixels()[..., :3], seeds.pixels()[::-1, :, :3].copy()
        self.known = {VISIT: self.services.begin_visit("session"), JOB: "job"}
        self.known[TOKEN] = self.services.open_photo("beach", photo, self.known[VISIT]).token
        self.known[GUEST] = self.services.open_photo("park", guest, self.known[VISIT]).token
        ready = {
            name: json.loads(json.dumps(RECORDS[name])) for name in ("fixup", "make_link", "save")
        }  # all is loaded then
        for name, record in ready.items():
            record |= {"token": self.known[TOKEN], "sources": {"p2": self.known[GUEST]}, "job": "job"}
            answer = self.call(name, record)[-1]
            if name == "make_link":
                self.known |= {LINK: answer["id"], KEY: answer["key"]}


@cache
def site() -> Site:
    return Site()


def _knock(call: list) -> str:
    name, record = call
    try:
        record = json.loads(site().filled(text_of(record)))
    except (ValueError, RecursionError):  # as the server's parser says before anything of ours
        return "refused"
    return judged(name, site().call(name, record))


def _send(given: dict) -> str:
    path = upload_folder() / "upload"
    path.write_bytes(base64.b64decode(given["file"]))
    record = json.loads(site().filled(text_of(given["record"])))
    if isinstance(record, dict):
        record["path"] = str(path)
    return judged("open_upload", site().call("open_upload", record))


def _name_path(given: object) -> str:
    path = as_sent(given)
    if isinstance(path, str):
        path = path.replace("<uploads>", str(upload_folder()))
    outcome = judged("open_upload", site().call("open_upload", {"path": path, "name": path, "visit": path}))
    if outcome == "taken":
        raise Finding("a file that nobody uploaded was opened")
    return outcome


def judged(name: str, answers: list) -> str:
    """Every answer is JSON, and none is a surprise."""
    for answer in answers:
        orjson.dumps(answer)  # as Gradio sends it; no lone surrogate, and nothing that is not JSON
        json.dumps(answer, allow_nan=False)
        if strings.SURPRISE in (answer.get("error"), answer.get("message")):
            raise Finding(f"{name} failed") from CAUGHT.last
    last = answers[-1]
    return "refused" if "error" in last or last.get("kind") == "error" else "taken"


@cache
def upload_folder() -> Path:
    from gradio.utils import get_upload_folder

    folder = Path(get_upload_folder()).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def small_png() -> bytes:
    return png_bytes(seeds.pixels()[..., :3])


DOORS = (
    Door("page functions", _call, _knock, share=20),
    Door("uploads", _upload, _send, share=6),
    Door("paths and names", _path, _name_path, share=4),
)
