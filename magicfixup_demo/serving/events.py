"""What happens on the server, told in one place: how often, how long and how it ended. Never who, which photo, or what.

An event is a record of the logger ``magicfixup_demo.events``: ``logs`` writes it down, ``counters`` counts it.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from magicfixup_demo.errors import Cancelled, MagicFixupError

log = logging.getLogger("magicfixup_demo.events")
FIELD = "event_fields"  # of a log record: dict, with the event's name as the message


def note(event: str, **fields: str | float) -> None:
    """Tell of ``event``; values are of a few kinds (a door, an outcome, a model of ours), or numbers."""
    log.info(event, extra={FIELD: fields})


@contextmanager
def telling(event: str | None, door: str) -> Iterator[dict[str, str | float]]:
    """Tell how the work inside ended: done, stopped, refused (an error for the user, ``kind``) or failed.

    ``door``: page or program. The dict takes more fields. ``event`` None: nothing is told. Exceptions pass.
    """
    fields, begun, outcome = {}, time.perf_counter(), {"outcome": "done"}
    try:
        yield fields
    except Cancelled:
        outcome = {"outcome": "stopped"}
        raise
    except Exception as error:
        known = isinstance(error, MagicFixupError)
        outcome = {"outcome": "refused" if known else "failed", "kind": type(error).__name__}
        raise
    finally:
        if event:
            note(event, door=door, **outcome, seconds=round(time.perf_counter() - begun, 3), **fields)
