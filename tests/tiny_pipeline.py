"""Pipelines of the test presets whose random weights show."""

import torch

from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS, build_pipeline


def acting_pipeline(preset: str = "tiny", std: float = 0.05) -> MagicFixupPipeline:
    """The same random weights at each call; ``std`` of the last layer, whose zeros would hide all else."""
    torch.manual_seed(0)
    pipeline = build_pipeline(PRESETS[preset])
    torch.nn.init.normal_(pipeline.synthesizer.conv_out.weight, std=std)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
