"""What a batch saves, whoever's pictures are in it:  python -m tests.load.batching --model small

Times the networks of a fix-up, and what reads photos for clicks, with one picture, two and four at once, in turns, and
prints seconds a picture. Nothing is kept of a photo between two runs. Of "small" those are the ground network, which
sees one picture at a time in the app, and SDEdit's. See tests.load.side_by_side for whole fix-ups.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in app.py

import torch

from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.ground import Ground
from magicfixup_demo.engine.ground_network import SIDE
from magicfixup_demo.engine.registry import load_engine
from magicfixup_demo.engine.samplers import SAMPLERS
from magicfixup_demo.segmentation.mobile_sam import load_mobile_sam

AT_ONCE = (1, 2, 4)
HEIGHT, WIDTH = 384, 576  # pixels, as the networks see a photo of 3:2 at "small"'s size
HOLE = slice(50, 150), slice(60, 200)
ENCODER_SIDE = 1024  # pixels, of every photo as SAM's encoders see it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="small")
    parser.add_argument("--repeats", type=int, default=6)
    options = parser.parse_args()
    engine = load_engine(options.model)
    diffusion = getattr(engine, "diffusion", engine)
    diffusion.pipeline.set_progress_bar_config(disable=True)
    diffusion.pipeline.cache = None
    encoder = load_mobile_sam()._model.image_encoder
    what = "networks"
    if diffusion is not engine:
        what = "SDEdit"
        compare("the ground network", lambda at_once: ground(engine.ground, at_once), options.repeats)
    compare(f"{options.model}'s {what}", lambda at_once: fix_up(diffusion, at_once), options.repeats)
    compare("mobile-sam's encoder", lambda at_once: read(encoder, at_once), options.repeats)


def compare(name: str, work: Callable[[int], object], repeats: int) -> None:
    for at_once in AT_ONCE:  # the first run of a size is slower
        work(at_once)
    times: dict[int, list[float]] = {at_once: [] for at_once in AT_ONCE}
    for _ in range(repeats):
        for at_once, kept in times.items():
            began = time.perf_counter()
            work(at_once)
            kept.append((time.perf_counter() - began) / at_once)
    for at_once, kept in times.items():
        ratio = statistics.median(one / alone for one, alone in zip(kept, times[1], strict=True))
        seconds = f"{statistics.median(kept):.3f} s a picture, {ratio:.2f} of what one alone takes"
        print(f"{name}, {at_once} at once: {seconds}")


def fix_up(engine: PipelineEngine, at_once: int) -> None:
    pipeline, generator = engine.pipeline, torch.Generator().manual_seed(1)
    photo, coarse = torch.rand(2, at_once, 3, HEIGHT, WIDTH, generator=generator).to(pipeline.device) * 2 - 1
    mask = torch.ones(at_once, 1, HEIGHT, WIDTH, device=pipeline.device)
    mask[(..., *HOLE)] = 0
    sampler = SAMPLERS[engine.info.samplers[0]]
    pipeline(
        photo,
        coarse,
        mask,
        steps=sampler.steps or engine.info.default_steps,
        strength=engine.strength,
        sampler=sampler,
        generator=generator,
        drop_conditions=pipeline.extractor is None,
    ).cpu()  # a GPU's work is done when its result is here


@torch.inference_mode()
def ground(seen_by: Ground, at_once: int) -> None:
    picture = torch.rand(at_once, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).to(seen_by.device) * 2 - 1
    known = torch.ones(at_once, 1, SIDE, SIDE, device=seen_by.device)
    known[(..., *HOLE)] = 0
    with torch.autocast(torch.device(seen_by.device).type, torch.bfloat16, enabled=seen_by.half):
        seen_by.network(picture.contiguous(memory_format=torch.channels_last), known).cpu()


@torch.inference_mode()
def read(encoder: torch.nn.Module, at_once: int) -> None:
    device = next(encoder.parameters()).device
    encoder(torch.rand(at_once, 3, ENCODER_SIDE, ENCODER_SIDE).to(device)).cpu()


if __name__ == "__main__":
    main()
