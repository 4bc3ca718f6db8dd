"""JSON as strangers write it: valid records with something wrong in them."""

import json
from copy import deepcopy
from random import Random

NUMBERS = [0, -1, 1, 2, 0.5, -0.0, 1e-320, 1e6, 1e308, 2**31, 2**32, 2**63, 2**64, 10**400, -(10**400)]
NUMBERS += [float("nan"), float("inf"), float("-inf")]
TEXTS = [
    "",
    "a",
    "0",
    "\0",
    "a\0b",
    "\ud800",
    "x\udfff.png",
    "\u202egnp.exe",
    "é" * 70,
    "e\u0301",
    "Ａ",
    "\n",
    "{most}",
]
TEXTS += ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "C:\\x", "CON", "aux.png", "a" * 10_000, "%00", "%s%n"]
TEXTS += [
    "http://127.0.0.1:1/x.png",
    "file:///etc/passwd",
    "data:image/png;base64,",
    "data:,",
    "__proto__",
    "' OR 1=1 --",
]
OTHERS = [None, True, False, [], {}, [[]], [None], {"": None}, [1, 2], [{}]]
DEEP = "<deep>"  # stands for lists in lists, as deep as a parser of JSON with Python's limit of calls lets through
DEPTH = 800


def hostile(random: Random) -> object:
    """A value that few expect."""
    kind = random.randrange(10)
    if kind < 4:
        return random.choice(NUMBERS)
    if kind < 8:
        return random.choice(TEXTS)
    return deepcopy(random.choice(OTHERS)) if random.random() < 0.95 else DEEP


def spoilt(random: Random, record: object, most: int = 3) -> object:
    """A copy of ``record`` with up to ``most`` places changed; now and then none."""
    whole = {"": deepcopy(record)}
    for _ in range(random.randrange(most + 1)):
        _change(random, *random.choice(list(_places(whole))))
    return whole[""]


def _places(value: object):
    """(container, key) of every value inside."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items)[:40]:
        yield value, key
        yield from _places(inner)


def _change(random: Random, container, key) -> None:
    kind = random.randrange(8)
    old = container[key]
    if kind == 0 and key != "":
        del container[key]
    elif kind == 1 and isinstance(old, list) and old:
        old.extend(deepcopy(random.choice(old)) for _ in range(random.choice([1, 3, 250])))
    elif kind == 2 and isinstance(old, dict):
        old[random.choice(TEXTS)] = hostile(random)
    elif kind == 3 and isinstance(old, str):
        container[key] = old[: random.randrange(len(old) + 1)] + random.choice(TEXTS)
    elif kind in (4, 5) and isinstance(old, int | float):
        container[key] = random.choice(
            [-old, old + 1, old * 10**5, old * 10**400 if isinstance(old, int) else old / 1e5]
        )
    else:
        container[key] = hostile(random)


def text_of(value: object) -> str:
    """A record as JSON, as it goes over the wire; NaN and lone surrogates included."""
    return json.dumps(value).replace(json.dumps(DEEP), "[" * DEPTH + "]" * DEPTH)


def as_sent(value: object) -> object:
    """What arrives of it. Raises ValueError, RecursionError."""
    return json.loads(text_of(value))
