"""What is written to the log: lines for people, or JSON; never what a visitor sent.

The text of an exception may hold a file's name, an id or a value, so only its kind and the places that it passed are
written, unless the level is debug.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from magicfixup_demo.errors import OptionError
from magicfixup_demo.serving.events import FIELD, log

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


def configure(form: str, level: str) -> None:
    """Send all logging to standard error, in one of FORMATS, from one of LEVELS on. Raises OptionError."""
    if form not in FORMATS or level not in LEVELS:
        allowed = f"{', '.join(FORMATS)}; {', '.join(LEVELS)}"
        raise OptionError(f"The log cannot be written as {form}, from {level} on; choose among {allowed}.")
    writer = logging.StreamHandler(sys.stderr)
    writer.setFormatter((JsonLines if form == "json" else Lines)(with_texts=level == "debug"))
    writer.setLevel(level.upper())
    logging.root.handlers[:] = [writer]
    log.setLevel(logging.INFO)  # events are told to whoever counts them, too


def adopt_uvicorn() -> None:
    """Once the server runs: its messages, which hold tracebacks, go where all others go."""
    for name in UVICORN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


class Lines(logging.Formatter):
    """One line for each record, the exception behind it."""

    def __init__(self, with_texts: bool = False):
        super().__init__()
        self._with_texts = with_texts

    def format(self, record: logging.LogRecord) -> str:
        told = self.told(record)
        extra = "".join(f" {name}={value}" for name, value in told["fields"].items())
        broken = f" [{told['exception']}]" if told["exception"] else ""
        return f"{told['time']} {record.levelname} {record.name}: {told['message']}{extra}{broken}"

    def told(self, record: logging.LogRecord) -> dict:
        """What may be told of a record: time (UTC), message, fields of an event, exception (or empty)."""
        exception = record.exc_info[1] if record.exc_info else None
        return {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "message": self._message(record),
            "fields": getattr(record, FIELD, {}),
            "exception": self._exception(exception) if exception else "",
        }

    def _message(self, record: logging.LogRecord) -> str:
        if isinstance(record.args, tuple) and not self._with_texts:
            args = tuple(type(arg).__name__ if isinstance(arg, BaseException) else arg for arg in record.args)
            return str(record.msg) % args if args else str(record.msg)
        return record.getMessage()

    def _exception(self, error: BaseException) -> str:
        frames = traceback.extract_tb(error.__traceback__)
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        text = f": {error}" if self._with_texts else ""
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return f"{type(error).__name__}{text} at {places}" + (f" from {self._exception(cause)}" if cause else "")


class JsonLines(Lines):
    """One JSON object a line: time, level, logger, event or message, the event's fields, exception."""

    def format(self, record: logging.LogRecord) -> str:
        told = self.told(record)
        what = "event" if hasattr(record, FIELD) else "message"
        line = {"time": told["time"], "level": record.levelname.lower(), "logger": record.name, what: told["message"]}
        line |= told["fields"]
        return json.dumps(line | {"exception": told["exception"]} if told["exception"] else line)
