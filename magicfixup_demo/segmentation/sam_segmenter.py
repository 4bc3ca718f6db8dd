"""Any model of the segment-anything family behind the Segmenter interface."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import torch

from magicfixup_demo.downloads import Progress
from magicfixup_demo.errors import SegmentationError
from magicfixup_demo.schema import MaskCandidate, Prompt
from magicfixup_demo.segmentation.interface import Embedding, checked_prompt
from magicfixup_demo.segmentation.masks import RawMask, clicked_region, finish
from magicfixup_demo.segmentation.ranking import is_ambiguous, offer_order
from magicfixup_demo.segmentation.sam_import import import_segment_anything
from magicfixup_demo.segmentation.soundness import check_numbers

MAP_SIZE = 256
SURE = 20.0  # logits beyond this say nothing more
REMEMBERED_OFFERS = 16
MOST_REPLAYED = 16  # clicks; a hundred would be a minute's work
DECODER_STRIDE = 4  # the decoder's maps are a quarter of the encoder's input


@dataclass(frozen=True, eq=False)
class SamFeatures:
    """``features``: (1, 256, 64, 64). ``input_size``: (height, width) of the photo as the encoder saw it."""

    features: torch.Tensor
    input_size: tuple[int, int]


class SamSegmenter:
    """``model`` is a segment_anything Sam, whatever its encoder; see Segmenter for the methods."""

    note = ""

    def __init__(self, name: str, model: torch.nn.Module):
        self.name = name
        self._package = import_segment_anything()
        self._model = model.eval().requires_grad_(False)
        self._offers = _Offers()
        self._dense_position = model.prompt_encoder.get_dense_pe()

    def embed(self, photo: np.ndarray, progress: Progress | None = None) -> Embedding:
        if progress:
            progress(0.1, "Reading the photo")
        predictor = self._package.SamPredictor(self._model)  # holds one photo: made per call, so threads do not meet
        predictor.set_image(photo)
        data = SamFeatures(predictor.features, tuple(int(side) for side in predictor.input_size))
        check_numbers([data.features])
        if progress:
            progress(1.0, "Ready: click an object")
        size = data.features.numel() * data.features.element_size()
        return Embedding(self.name, photo.shape[0], photo.shape[1], data, size)

    def candidates(self, embedding: Embedding, prompt: Prompt) -> tuple[MaskCandidate, ...]:
        prompt = checked_prompt(prompt, embedding.width, embedding.height)
        return finish(self._answers(embedding, prompt), prompt, map_scale(embedding), embedding)

    def _answers(self, embedding: Embedding, prompt: Prompt, replayed: int = MOST_REPLAYED) -> list[RawMask]:
        """Best first. Each click refines the mask offered before it, as in the model's training."""
        before = before_last_click(prompt)
        previous = self._offered(embedding, before, replayed) if before else None
        ordered = offer_order(self.propose(embedding, prompt, previous), prompt)
        self._offers.keep(embedding, prompt, ordered[0].logits)
        return ordered

    def _offered(self, embedding: Embedding, prompt: Prompt, replayed: int) -> np.ndarray | None:
        """The logits offered for a prompt; usually the user has just seen them, else the clicks are replayed.

        None where so many clicks are not remembered that replaying them all would take long.
        """
        remembered = self._offers.recall(embedding, prompt)
        if remembered is None and replayed:
            return self._answers(embedding, prompt, replayed - 1)[0].logits
        return remembered

    def propose(self, embedding: Embedding, prompt: Prompt, previous: np.ndarray | None = None) -> list[RawMask]:
        """What decode answers; for a single click only the region that was clicked."""
        masks = self.decode(embedding, prompt, previous)
        if not is_ambiguous(prompt):
            return masks
        point = tuple(np.multiply(prompt.points[0], map_scale(embedding)))
        return [replace(mask, logits=clicked_region(mask.logits, point)) for mask in masks]

    @torch.inference_mode()
    def decode(self, embedding: Embedding, prompt: Prompt, previous: np.ndarray | None = None) -> list[RawMask]:
        """All four answers of the decoder, small: the whole for clear prompts (token 0), then three scales.

        previous: logits of the mask to be refined, as this method returned them.
        """
        data = _features_of(embedding, self.name)
        device = data.features.device
        points, boxes = _to_encoder_frame(prompt, embedding, data.input_size, device)
        sparse, dense = self._model.prompt_encoder(points=points, boxes=boxes, masks=_padded(previous, device))
        logits, scores = self._model.mask_decoder.predict_masks(
            image_embeddings=data.features,
            image_pe=self._dense_position,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
        )  # (1, 4, 256, 256), (1, 4)
        height, width = (-(-side // DECODER_STRIDE) for side in data.input_size)  # without the padding
        check_numbers([logits, scores])
        logits = logits[0, :, :height, :width].float().cpu().numpy()
        return [RawMask(logits[token], float(scores[0, token]), token) for token in range(len(logits))]


def before_last_click(prompt: Prompt) -> Prompt | None:
    """The prompt without its last click, or None where that selects nothing."""
    shorter = Prompt(prompt.points[:-1], prompt.labels[:-1], prompt.box)
    selects = any(shorter.labels) or shorter.box is not None
    return shorter if prompt.points and selects else None


class _Offers:
    """The masks offered lately for each photo, so that the next click need not replay those before it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[Embedding, OrderedDict] = WeakKeyDictionary()

    def keep(self, embedding: Embedding, prompt: Prompt, logits: np.ndarray) -> None:
        with self._lock:
            offers = self._kept.setdefault(embedding, OrderedDict())
            offers[_key(prompt)] = logits
            while len(offers) > REMEMBERED_OFFERS:
                offers.popitem(last=False)

    def recall(self, embedding: Embedding, prompt: Prompt) -> np.ndarray | None:
        with self._lock:
            return self._kept.get(embedding, {}).get(_key(prompt))


def _key(prompt: Prompt) -> tuple:
    return (prompt.points, prompt.labels, prompt.box)


def _padded(logits: np.ndarray | None, device) -> torch.Tensor | None:
    """(h, w) -> (1, 1, 256, 256) for the prompt encoder: surely outside where the photo was padded."""
    if logits is None:
        return None
    padded = torch.full((1, 1, MAP_SIZE, MAP_SIZE), -SURE, device=device)
    padded[0, 0, : logits.shape[0], : logits.shape[1]] = torch.from_numpy(logits).clamp(-SURE, SURE)
    return padded


def map_scale(embedding: Embedding) -> tuple[float, float]:
    """Pixels of the decoder's map per pixel of the photo, (x, y)."""
    height, width = embedding.data.input_size
    return (width / embedding.width / DECODER_STRIDE, height / embedding.height / DECODER_STRIDE)


def _features_of(embedding: Embedding, name: str) -> SamFeatures:
    if embedding.segmenter != name:
        raise SegmentationError(f"This photo was read by {embedding.segmenter}, not by {name}; open the photo again.")
    return embedding.data


def _to_encoder_frame(prompt: Prompt, embedding: Embedding, input_size: tuple[int, int], device):
    """Points ((1, n, 2), (1, n)) or None and boxes (1, 4) or None, in pixels of the encoder's input.

    The prompt encoder adds half a pixel, because it takes coordinates for pixel indices.
    """
    factor = np.array([input_size[1] / embedding.width, input_size[0] / embedding.height])
    points = boxes = None
    if prompt.points:
        coordinates = torch.as_tensor(np.array(prompt.points) * factor, dtype=torch.float32, device=device)
        points = (coordinates[None], torch.as_tensor(prompt.labels, dtype=torch.int32, device=device)[None])
    if prompt.box is not None:
        boxes = torch.as_tensor(np.array(prompt.box) * np.tile(factor, 2), dtype=torch.float32, device=device)[None]
    return points, boxes
