"""The steps of one denoising run as the progress of a whole fix-up."""

from dataclasses import dataclass

from magicfixup_demo.engine.interface import Progress


@dataclass
class Account:
    """What there is to tell of a fix-up's runs afterwards.

    ``spared``: memory was so short that one did less at once. ``together``: the most pictures that one of them made.
    """

    spared: bool = False
    together: int = 1


class Steps:
    """``run`` of ``runs``; ``text`` names it. ``progress`` may raise to stop.

    ``steps``: how many there are, once it has begun.
    """

    def __init__(self, progress: Progress | None, run: int, runs: int, text: str, account: Account):
        self.progress, self.run, self.runs, self.text, self.account = progress, run, runs, text, account
        self.steps = 0

    def wait(self) -> None:
        """Another run is under way."""
        if self.progress:
            self.progress(self.run / self.runs, "Waiting for another fix-up to end")

    def __call__(self, step: int, steps: int) -> None:
        self.steps = steps
        if self.progress:
            self.progress((self.run + step / steps) / self.runs, f"{self.text}: step {step + 1} of {steps}")
