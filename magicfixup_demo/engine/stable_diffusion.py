"""SDEdit (arXiv 2108.01073) as the paper compares with it: Stable Diffusion 1.4's image-to-image at strength 0.4.

Only what that needs is downloaded: the networks in half precision, the tokenizer and the configurations. The safety
checker (0.6 GB more) stays out: diffusers does not need it, the picture starts from the visitor's own and goes back to
that visitor alone, and a picture blacked out by mistake would falsify the comparison. The licence's rules of use
(CreativeML OpenRAIL-M, attachment A) bind whoever uses it all the same; the licence is named where the model is chosen.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from magicfixup_demo.downloads import Progress
from magicfixup_demo.errors import ModelError
from magicfixup_demo.hub import fetch_hub_folder, hub_folder_is_here
from magicfixup_demo.schema import EditOptions
from magicfixup_demo.turns import turn

REPO = "CompVis/stable-diffusion-v1-4"
FILES = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.fp16.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.fp16.safetensors",
)
MEGABYTES = 2100  # of all FILES together
STRENGTH = 0.4  # METHODS: the paper's comparison
STEPS = 25  # of DPM-Solver++ over the whole schedule; SDEdit runs the last STRENGTH of them
GUIDANCE = 7.5  # Stable Diffusion's own default; without a prompt there is nothing to guide to

OnStep = Callable[[int, int], None]


class StableDiffusionComparison:
    """Calling it makes the picture. ``load`` before that tells about the download, if one is needed. Thread-safe."""

    def __init__(self, device: str, dtype: torch.dtype):
        self._device, self._dtype = device, dtype
        self._pipeline, self._given_up = None, None
        self._turn = threading.Lock()

    def __call__(self, coarse: np.ndarray, options: EditOptions, on_step: OnStep | None = None) -> np.ndarray:
        """coarse: (h, w, 3) uint8, holes filled, sides multiples of 8; the result has its size.

        ``on_step(done, of)`` is called before each step and may raise to stop. Raises ModelError, DownloadError.
        """
        pipeline = self.load()
        with self._turn:
            return _image_to_image(pipeline, coarse, options, on_step)

    def load(self, progress: Progress | None = None):
        """Return diffusers' pipeline, loaded once. Raises ModelError, DownloadError; a later call tries again."""
        if self._given_up:
            raise self._given_up

        def waiting() -> None:
            if progress:
                progress(0.0, "Waiting for the SDEdit comparison, which somebody else is using or downloading")

        with turn(self._turn, waiting):  # the first downloads
            if self._pipeline is None:
                folder = fetch_hub_folder(REPO, FILES, progress)
                self._pipeline = read_pipeline(folder, self._dtype).to(self._device)
            return self._pipeline

    def load_or_give_up(self, progress: Progress | None = None) -> None:
        """Load now or never: after a failure every call raises it again at once."""
        try:
            self.load(progress)
        except ModelError as error:
            self._given_up = error


def comparison_is_here() -> bool:
    """Whether nothing would have to be downloaded for it. Asks nobody."""
    return hub_folder_is_here(REPO, FILES)


def read_pipeline(folder: Path, dtype: torch.dtype):
    """diffusers' StableDiffusionImg2ImgPipeline from a folder with FILES. Raises ModelError."""
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionImg2ImgPipeline

    try:
        pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(
            folder,
            variant="fp16",
            torch_dtype=dtype,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
            local_files_only=True,
        )
    except Exception as error:  # a damaged file fails in many ways; each means the same to the user
        raise ModelError(f"{folder} does not hold Stable Diffusion's files; delete it and retry.") from error
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _image_to_image(pipeline, coarse: np.ndarray, options: EditOptions, on_step: OnStep | None) -> np.ndarray:
    steps = int(STEPS * STRENGTH)
    if on_step:
        on_step(0, steps)

    def after_step(_pipeline, step: int, _timestep, tensors: dict) -> dict:
        if on_step and step + 1 < steps:
            on_step(step + 1, steps)
        return tensors

    pictures = pipeline(
        prompt=options.prompt,
        image=torch.from_numpy(coarse.copy()).permute(2, 0, 1)[None].float() / 255,  # (1, 3, h, w) in 0..1
        strength=STRENGTH,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE if options.prompt.strip() else 1.0,
        generator=torch.Generator().manual_seed(options.seed),
        output_type="np",
        callback_on_step_end=after_step,
    ).images  # (1, h, w, 3) in 0..1
    return (pictures[0] * 255).round().astype(np.uint8)
