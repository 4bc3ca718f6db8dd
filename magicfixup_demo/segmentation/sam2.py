"""SAM 2.1 tiny through transformers' Sam2Model: the best of the small ones from a single click.

Its processor needs torchvision, so the few steps it takes are done here: the picture is squeezed to a square, without
keeping its proportions, and normalised with ImageNet's mean and deviation.
"""

from pathlib import Path

import numpy as np
import torch

from magicfixup_demo.downloads import Progress
from magicfixup_demo.errors import ModelError, SegmentationError
from magicfixup_demo.hub import fetch_hub_folder
from magicfixup_demo.images import resize
from magicfixup_demo.schema import MaskCandidate, Prompt
from magicfixup_demo.segmentation.interface import Embedding, checked_prompt
from magicfixup_demo.segmentation.masks import RawMask, finish
from magicfixup_demo.segmentation.sam_import import repair_torchvision
from magicfixup_demo.segmentation.soundness import check_numbers

REPO = "facebook/sam2.1-hiera-tiny"
FILES = ("config.json", "model.safetensors")
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


class Sam2Segmenter:
    """``model`` is a transformers Sam2Model of any size; see Segmenter for the methods."""

    note = ""

    def __init__(self, model: torch.nn.Module, name: str = "sam2-tiny"):
        self.name = name
        self._model = model.eval().requires_grad_(False)
        self._image_size = int(model.prompt_encoder.input_image_size)

    @torch.inference_mode()
    def embed(self, photo: np.ndarray, progress: Progress | None = None) -> Embedding:
        if progress:
            progress(0.1, "Reading the photo")
        maps = self._model.get_image_embeddings(self._pixels(photo))  # 3 resolutions, each (1, C, h, w)
        check_numbers(maps)
        if progress:
            progress(1.0, "Ready: click an object")
        size = sum(one.numel() * one.element_size() for one in maps)
        return Embedding(self.name, photo.shape[0], photo.shape[1], maps, size)

    def candidates(self, embedding: Embedding, prompt: Prompt) -> tuple[MaskCandidate, ...]:
        if embedding.segmenter != self.name:
            raise SegmentationError(f"This photo was read by {embedding.segmenter}; open the photo again.")
        prompt = checked_prompt(prompt, embedding.width, embedding.height)
        raw_masks = self._decode(embedding, prompt)
        height, width = raw_masks[0].logits.shape
        scale = (width / embedding.width, height / embedding.height)
        return finish(sorted(raw_masks, key=lambda raw: -raw.score), prompt, scale, embedding)

    def _pixels(self, photo: np.ndarray) -> torch.Tensor:
        square = resize(photo, self._image_size, self._image_size).astype(np.float32) / 255
        normalised = (square - _MEAN) / _DEVIATION
        return torch.from_numpy(normalised.transpose(2, 0, 1)[None].copy())  # (1, 3, S, S)

    @torch.inference_mode()
    def _decode(self, embedding: Embedding, prompt: Prompt) -> list[RawMask]:
        """Three masks for one click, which may mean a part or the whole; one where the prompt says more."""
        factor = np.array([self._image_size / embedding.width, self._image_size / embedding.height])
        inputs = {}
        if prompt.points:
            points = torch.as_tensor(np.array(prompt.points) * factor, dtype=torch.float32)
            inputs["input_points"] = points[None, None]  # (1, 1, n, 2)
            inputs["input_labels"] = torch.as_tensor(prompt.labels, dtype=torch.int32)[None, None]  # (1, 1, n)
        if prompt.box is not None:
            box = torch.as_tensor(np.array(prompt.box) * np.tile(factor, 2), dtype=torch.float32)
            inputs["input_boxes"] = box[None, None]  # (1, 1, 4)
        ambiguous = prompt.box is None and len(prompt.points) == 1
        answer = self._model(image_embeddings=embedding.data, multimask_output=ambiguous, **inputs)
        check_numbers([answer.pred_masks, answer.iou_scores])
        logits = answer.pred_masks[0, 0].float().numpy()  # (1 or 3, 256, 256)
        scores = answer.iou_scores[0, 0].tolist()
        return [RawMask(one, score, token) for token, (one, score) in enumerate(zip(logits, scores, strict=True))]


def load_sam2(progress: Progress | None = None) -> Sam2Segmenter:
    """Fetch the weights once (156 MB) and load them. Raises DownloadError or ModelError."""
    return Sam2Segmenter(read_model(fetch_hub_folder(REPO, FILES, progress)))


def read_model(folder: Path) -> torch.nn.Module:
    """Load a Sam2Model strictly from a folder with FILES. Raises ModelError when a weight is missing or foreign."""
    repair_torchvision()
    from transformers import Sam2Model

    try:
        model, report = Sam2Model.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    except Exception as error:  # a damaged file fails in many ways; each means the same to the user
        raise ModelError(f"{folder} does not hold SAM 2's weights; delete it and retry.") from error
    if report["missing_keys"] or report["mismatched_keys"]:
        raise ModelError(f"{folder} holds only part of SAM 2's weights; delete it and retry.")
    return model
