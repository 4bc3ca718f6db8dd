"""log.jsonl and the lines a person reads: the loss, the pace, and how long it will take."""

import json
import time
from collections.abc import Callable
from pathlib import Path

EVERY = 10  # steps between lines
FORECAST_AFTER = 20  # steps, of which the first ones are slower: only the second half is timed


class Journal:
    """The pace of one session. Only the main process has one.

    ``say`` prints a line; ``batch_size`` pairs are seen in a step.
    """

    def __init__(self, run: Path, step: int, steps: int, batch_size: int, say: Callable[[str], None]):
        self.path, self.first, self.steps, self.batch_size, self.say = run / "log.jsonl", step, steps, batch_size, say
        self.started = self._last_time = time.monotonic()
        self._last_step = step
        self._timed: tuple[int, float] | None = None

    @staticmethod
    def due(step: int) -> bool:
        """Whether a line is written after this step."""
        return step % EVERY == 0 or step == 1

    def write(self, step: int, values: dict[str, float]) -> None:
        """Append to log.jsonl and print."""
        now = time.monotonic()
        pace = (step - self._last_step) / max(now - self._last_time, 1e-9)  # steps a second
        self._last_step, self._last_time = step, now
        record = {"step": step, "seconds": round(now - self.started, 1), "steps_per_second": round(pace, 4)}
        append(self.path, record | {key: round(value, 5) for key, value in values.items()})
        left = duration((self.steps - step) / pace) if pace else "?"
        losses = "  ".join(f"{key} {value:.4f}" for key, value in values.items())
        self.say(
            f"step {step:,} of {self.steps:,} ({step / self.steps:.0%})  {losses}  |  "
            f"{pace:.2f} steps/s, {pace * self.batch_size:.1f} pairs/s, {left} left"
        )

    def forecast(self, step: int) -> None:
        """Once, early in a session: what the whole run will take at the pace measured on this machine."""
        done = step - self.first
        if done == FORECAST_AFTER // 2:
            self._timed = (step, time.monotonic())
        if done != FORECAST_AFTER or self._timed is None:
            return
        seconds = (time.monotonic() - self._timed[1]) / (step - self._timed[0])
        whole, left = self.steps * seconds, (self.steps - step) * seconds
        self.say(
            f"At {seconds:.2f} s a step on this machine the whole run takes {duration(whole)}, of which "
            f"{duration(left)} are left, and evaluations come on top; that is "
            f"{sessions(left, 30)} sessions of 30 minutes (--minutes 30), or {sessions(left, 60)} of an hour."
        )


def append(path: Path, record: dict) -> None:
    """Add one line of JSON."""
    with path.open("a") as opened:
        opened.write(json.dumps(record) + "\n")


def records(path: Path) -> list[dict]:
    """The lines of a file of JSON lines; [] where there is none."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def forget_after(path: Path, step: int) -> None:
    """Drop the lines after ``step``: a run that goes on from there writes them again."""
    kept = [record for record in records(path) if record["step"] <= step]
    if path.exists():
        partial = path.with_suffix(".part")
        partial.write_text("".join(json.dumps(record) + "\n" for record in kept))
        partial.replace(path)


def duration(seconds: float) -> str:
    """ "45 s", "12 min", "3 h 20 min" or "5.2 days"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{seconds / 86400:,.1f} days"


def sessions(seconds: float, minutes: int) -> int:
    """How many sessions of ``minutes`` hold that many seconds."""
    return -int(-seconds // (60 * minutes))
