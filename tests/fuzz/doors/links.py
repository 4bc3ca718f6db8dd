"""Links: ids and keys that anybody may guess at, and what lies on the server's disk under one."""

import json
from functools import cache
from random import Random

from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.images import png_bytes
from magicfixup_demo.ui.link_files import LinkedWork, packed, unpacked
from magicfixup_demo.ui.links import LinkStore
from tests.fuzz import seeds
from tests.fuzz.door import Door, Finding
from tests.fuzz.mutations import damaged
from tests.fuzz.values import TEXTS, as_sent, hostile, spoilt, text_of

LETTERS = "Aa0_-/.\\\n\0é"


@cache
def _file() -> bytes:
    photo, guest = seeds.pixels()[..., :3], seeds.pixels()[::-1, :, :3]
    files = {"": png_bytes(photo), "p2": png_bytes(guest)}
    return packed(LinkedWork(photo, "", seeds.collage_text(), {"p2": guest}, 1, files), 2e9, "0" * 64)


def _damaged(random: Random) -> bytes:
    header, _, rest = _file().partition(b"\n")
    if random.random() < 0.5:
        return text_of(spoilt(random, json.loads(header))).encode() + b"\n" + rest
    return damaged(random, _file(), [_file()])


def _unpack(data: bytes) -> str:
    try:
        unpacked(data)
    except MagicFixupError:
        return "refused"
    return "taken"


def _name(random: Random) -> list:
    """[id, key, days]."""
    near = "".join(
        random.choice(LETTERS[:5] if random.random() < 0.5 else LETTERS) for _ in range(random.choice([31, 32, 33]))
    )
    return [random.choice([near, random.choice(TEXTS), hostile(random)]) for _ in range(2)] + [hostile(random)]


@cache
def _store() -> LinkStore:
    return LinkStore()


def _guess(given: list) -> str:
    name, key, days = as_sent(given)
    store, work = _store(), LinkedWork(seeds.pixels()[..., :3], "", seeds.collage_text())
    outcome = "refused"
    for ask in (lambda: store.open(name), lambda: store.delete(name, key), lambda: store.keep(work, days, "visit")):
        try:
            if ask() is not None:
                outcome = "taken"
        except MagicFixupError:
            continue
    if outcome == "taken" and (isinstance(days, bool) or days not in (1, 7, 30)):
        raise Finding("something was opened that was never kept")
    return outcome


DOORS = (Door("link files", _damaged, _unpack, share=4), Door("link ids and keys", _name, _guess, share=3))
