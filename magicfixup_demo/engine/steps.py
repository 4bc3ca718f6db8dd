"""The steps of one denoising run as the progress of a whole fix-up."""

from magicfixup_demo.engine.interface import Progress


class Steps:
    """``run`` of ``runs``; ``text`` names it. ``progress`` may raise to stop.

    ``steps``: how many there are, once it has begun. ``spared``: whether memory was so short that it did less at once.
    """

    def __init__(self, progress: Progress | None, run: int, runs: int, text: str):
        self.progress, self.run, self.runs, self.text = progress, run, runs, text
        self.steps, self.spared = 0, False

    def wait(self) -> None:
        """Another run is under way."""
        if self.progress:
            self.progress(self.run / self.runs, "Waiting for another fix-up to end")

    def __call__(self, step: int, steps: int) -> None:
        self.steps = steps
        if self.progress:
            self.progress((self.run + step / steps) / self.runs, f"{self.text}: step {step + 1} of {steps}")
