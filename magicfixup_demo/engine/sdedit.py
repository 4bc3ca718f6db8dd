"""SDEdit (arXiv 2108.01073), the comparison: noise the coarse edit, denoise with a network that sees nothing else."""

import torch
from torch import Tensor

from magicfixup_demo.engine.pipeline import MagicFixupPipeline


def sdedit(pipeline: MagicFixupPipeline, coarse: Tensor, **settings) -> Tensor:
    """The same network, trained for it, with all conditions dropped; the same start, seed and steps.

    coarse: (B, 3, H, W) in -1..1, holes filled. ``settings`` as for the pipeline. Returns (B, 3, H, W).
    """
    mask = torch.ones_like(coarse[:, :1])
    return pipeline(coarse, coarse, mask, drop_conditions=True, **settings)
