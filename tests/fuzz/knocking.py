"""One input at one door: drawn from a number, so that it can be drawn again, and judged."""

import traceback
from random import Random

from magicfixup_demo.errors import MagicFixupError
from tests.fuzz.door import Door
from tests.fuzz.limits import TooLarge, TooLong, limited


def drawn(door: Door, number: int) -> object:
    """The input of that number; the same on every machine."""
    return door.draw(Random(f"{door.name} {number}"))


def problem(door: Door, given: object) -> tuple[dict | None, str, int]:
    """(what is wrong, or None; taken or refused; megabytes). ``kind``: the same for findings that are alike."""
    cost: dict = {"megabytes": 0}
    try:
        with limited() as cost:
            outcome = door.knock(given)
        return None, outcome, cost["megabytes"]
    except (TooLong, TooLarge) as limit:
        text = f"{type(limit).__name__}: {limit}"
    except MagicFixupError as error:
        text = f"not refused where it should be: {error}"
    except Exception as error:
        text = f"{type(error).__name__}: {str(error)[:300]}"
        cause = error.__cause__ or error
        text += f" ({type(cause).__name__}: {str(cause)[:200]} at {_place(cause)})"
    return {"kind": text.partition(":")[0] + text[text.rfind(" at ") :], "text": text}, "finding", cost["megabytes"]


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "magicfixup_demo" in frame.filename] or frames
    return f"{ours[-1].filename.rpartition('/')[2]} {ours[-1].name}" if ours else "nowhere"
