"""One denoising run for one fix-up, or for several at once that ask for the like."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from magicfixup_demo.engine.fallback import in_less_memory
from magicfixup_demo.engine.pipeline import MagicFixupPipeline, is_sound
from magicfixup_demo.engine.sdedit import sdedit
from magicfixup_demo.engine.shared_runs import Party
from magicfixup_demo.errors import ModelError

BROKEN = "What the model made is no picture; try another seed in the settings, or another model."


@dataclass(frozen=True, eq=False)
class Seen:
    """What the networks see of one edit: photo, coarse (1, 3, h, w) in -1..1, mask (1, 1, h, w), 1 = content."""

    photo: Tensor
    coarse: Tensor
    mask: Tensor
    seed: int


@dataclass(frozen=True, eq=False)
class Made:
    """picture: (1, 3, h, w) in about -1..1. ``spared``: in less memory than usual; ``together``: one of so many."""

    picture: Tensor
    spared: bool
    together: int


def made_of(
    pipeline: MagicFixupPipeline, party: Party, settings: dict, compare: bool, forget: Callable[[], None]
) -> list[Made]:
    """What the networks make for each request of a party (its ``inputs``: Seen): what it is alone, up to rounding.

    ``settings`` as for the pipeline, ``compare``: SDEdit's instead; ``forget`` drops what is kept only to save time.
    Raises ModelError where one of them is no picture.
    """
    seen = [request.inputs for request in party.requests]
    parts = [(one.photo, one.coarse, one.mask) for one in seen]
    photo, coarse, mask = (torch.cat(tensors).to(pipeline.device) for tensors in zip(*parts, strict=True))

    def run(sparing: bool) -> Tensor:
        generators = [torch.Generator().manual_seed(one.seed) for one in seen]
        own = settings | {"generator": generators, "on_step": party.on_step}
        if compare:
            return sdedit(pipeline, coarse, **own)
        return pipeline(photo, coarse, mask, preview=party.preview_if_wanted, sparing=sparing, **own)

    # Where memory does not suffice for several, each tries alone.
    pictures, spared = in_less_memory(run, forget) if len(seen) == 1 else (run(False), False)
    if not is_sound(pictures):
        forget()  # what was kept of a photo may be why
        raise ModelError(BROKEN)
    return [Made(picture, spared, len(seen)) for picture in pictures.split(1)]
