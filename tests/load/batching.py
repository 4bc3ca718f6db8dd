"""Whether visitors' fix-ups should share one run of the networks:  python -m tests.load.batching --model small

Times the same work one picture at a time, two and four at once, in turns, and prints seconds a picture. Nothing is kept
of the photo between two runs.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in app.py

import torch

from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.engine.samplers import SAMPLERS

AT_ONCE = (1, 2, 4)
HEIGHT, WIDTH = 384, 576  # pixels, as the networks see a photo of 3:2 at "small"'s size
HOLE = slice(50, 150), slice(60, 200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="small")
    parser.add_argument("--repeats", type=int, default=6)
    options = parser.parse_args()
    engine = load_engine(options.model)
    engine.pipeline.set_progress_bar_config(disable=True)
    engine.pipeline.cache = None
    for at_once in AT_ONCE:  # the first run of a size is slower
        seconds_a_picture(engine, at_once)
    times = {at_once: [] for at_once in AT_ONCE}
    for _ in range(options.repeats):
        for at_once, kept in times.items():
            kept.append(seconds_a_picture(engine, at_once))
    for at_once, kept in times.items():
        ratio = statistics.median(one / alone for one, alone in zip(kept, times[1], strict=True))
        print(f"{at_once} at once: {statistics.median(kept):.3f} s a picture, {ratio:.2f} of what one alone takes")


def seconds_a_picture(engine: PipelineEngine, at_once: int) -> float:
    pipeline, generator = engine.pipeline, torch.Generator().manual_seed(1)
    photo, coarse = torch.rand(2, at_once, 3, HEIGHT, WIDTH, generator=generator).to(pipeline.device) * 2 - 1
    mask = torch.ones(at_once, 1, HEIGHT, WIDTH, device=pipeline.device)
    mask[(..., *HOLE)] = 0
    sampler = SAMPLERS[engine.info.samplers[0]]
    began = time.perf_counter()
    pipeline(
        photo,
        coarse,
        mask,
        steps=sampler.steps or engine.info.default_steps,
        strength=engine.strength,
        sampler=sampler,
        generator=generator,
    ).cpu()  # a GPU's work is done when its result is here
    return (time.perf_counter() - began) / at_once


if __name__ == "__main__":
    main()
