"""The original Segment Anything models, from the Hub, through the segment-anything package."""

from pathlib import Path

import torch

from magicfixup_demo.downloads import Progress
from magicfixup_demo.errors import ModelError
from magicfixup_demo.hub import HubFile, fetch_hub_file
from magicfixup_demo.segmentation.sam_import import import_segment_anything
from magicfixup_demo.segmentation.sam_segmenter import SamSegmenter

# name -> the package's own name for the architecture, and the weights
MODELS = {
    "sam-vit-b": ("vit_b", HubFile("ybelkada/segment-anything", "checkpoints/sam_vit_b_01ec64.pth")),
    "sam-vit-h": ("vit_h", HubFile("ybelkada/segment-anything", "checkpoints/sam_vit_h_4b8939.pth")),
}


def load_sam_vit(name: str, progress: Progress | None = None) -> SamSegmenter:
    """Fetch the weights once and load them. Raises DownloadError or ModelError."""
    architecture, hub_file = MODELS[name]
    path = fetch_hub_file(hub_file, progress)
    model = import_segment_anything().sam_model_registry[architecture]()
    return SamSegmenter(name, read_weights(model, path))


def read_weights(model: torch.nn.Module, path: Path) -> torch.nn.Module:
    """Load strictly. The package's own loader would unpickle anything. Raises ModelError for a foreign file."""
    try:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    except Exception as error:  # a foreign or damaged file fails in many ways; each means the same to the user
        raise ModelError(f"{path} does not hold this SAM's weights; delete it and retry.") from error
    return model
