"""Events counted, for Prometheus: its own text format, written by its own library. Nothing is counted unless asked for.

Only what can take few values becomes a label, and nothing of a visitor.
"""

import logging
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from magicfixup_demo.serving.events import FIELD

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)
NONE = "none"


class Counters(logging.Handler):
    """Attach to the events' logger. ``gauges``: name -> (what it is, a function that returns it now)."""

    def __init__(self, gauges: dict[str, tuple[str, Callable[[], float]]]):
        super().__init__(logging.INFO)
        own = {"registry": CollectorRegistry(), "namespace": "magicfixup"}
        self._registry = own["registry"]
        self._events = Counter("events", "What happened, and how it ended.", ("event", "door", "outcome"), **own)
        self._fixups = Counter("fixups", "Fix-ups.", ("model", "outcome"), **own)
        self._together = Counter("fixups_together", "Fix-ups, by pictures a run of the networks.", ("pictures",), **own)
        self._failures = Counter("failures", "Refused or failed, by kind of error.", ("event", "kind"), **own)
        self._seconds = Histogram("seconds", "How long it took.", ("event",), buckets=SECONDS, **own)
        for name, (described, value) in gauges.items():
            Gauge(name, described, **own).set_function(value)
        ProcessCollector(registry=self._registry)

    def emit(self, record: logging.LogRecord) -> None:
        event, fields = record.getMessage(), getattr(record, FIELD, {})
        door, outcome = fields.get("door", "page"), fields.get("outcome", "done")
        self._events.labels(event, door, outcome).inc()
        if event == "fixup":
            self._fixups.labels(fields.get("model", NONE), outcome).inc()
            if "together" in fields:
                self._together.labels(fields["together"]).inc()
        if "kind" in fields:
            self._failures.labels(event, fields["kind"]).inc()
        if "seconds" in fields:
            self._seconds.labels(event).observe(fields["seconds"])

    def text(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self._registry)
