"""When to stop before the end: a signal, or the end of the time allowed. The step at hand is finished first."""

import signal
import threading
import time

import torch
from accelerate import Accelerator

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """A context in which SIGTERM and SIGINT set ``reason`` in place of ending the program; a second one ends it."""

    def __init__(self, minutes: float | None = None):
        self.reason: str | None = None
        self._deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self._minutes = minutes
        self._before: dict = {}

    def __enter__(self) -> "Stop":
        if threading.current_thread() is threading.main_thread():  # elsewhere Python does not allow handlers
            self._before = {number: signal.signal(number, self._heard) for number in SIGNALS}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def asked(self, accelerator: Accelerator) -> bool:
        """Whether any process was asked to stop; all get the same answer, so that none waits for another."""
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self.reason = self.reason or f"after {self._minutes:g} minutes"
        if accelerator.num_processes == 1:
            return self.reason is not None
        mine = torch.tensor(float(self.reason is not None), device=accelerator.device)
        stop = bool(accelerator.reduce(mine, reduction="sum") > 0)
        self.reason = self.reason or ("with another process" if stop else None)
        return stop

    def _heard(self, number: int, _frame) -> None:
        self.reason = f"by {signal.Signals(number).name}"
        self.__exit__()  # the second time is taken at its word
