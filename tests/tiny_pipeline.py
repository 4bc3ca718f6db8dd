"""Pipelines of the test presets whose random weights show, and networks that are at work."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.engine.shared_runs import Request, SharedRuns
from tests.waiting import SECONDS


def acting_pipeline(preset: str = "tiny", std: float = 0.05) -> MagicFixupPipeline:
    """The same random weights at each call; ``std`` of the last layer, whose zeros would hide all else."""
    torch.manual_seed(0)
    pipeline = build_pipeline(PRESETS[preset])
    torch.nn.init.normal_(pipeline.synthesizer.conv_out.weight, std=std)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@contextmanager
def at_work(runs: SharedRuns) -> Iterator[None]:
    """Somebody's run that takes as long as the context lasts."""
    begun, end = threading.Event(), threading.Event()

    def run(party) -> list[bool]:
        begun.set()
        return [end.wait(SECONDS)]

    thread = threading.Thread(target=runs.result, args=(Request(None, run),), daemon=True)
    thread.start()
    assert begun.wait(SECONDS)
    try:
        yield
    finally:
        end.set()
        thread.join(SECONDS)
