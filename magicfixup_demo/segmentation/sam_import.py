"""Importing segment-anything without torchvision, and living with a torchvision that cannot load.

segment-anything imports torchvision for four small functions. torchvision stays out of the requirements, because the
build that pip picks fits only one build of torch, and beside another it breaks everything that imports it.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
import torch
from PIL import Image

_lock = threading.Lock()

# What torchvision's compiled part would declare. Its Python part describes these two while it is imported.
_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []  # a Library takes its declarations back when it is collected


def import_segment_anything() -> ModuleType:
    """Import segment_anything, whether torchvision is absent, broken or sound; torchvision itself is not imported.

    SamAutomaticMaskGenerator, which nothing here uses, is the one part that needs the real torchvision.
    Raises ImportError when segment-anything is not installed.
    """
    with _lock:
        if "segment_anything" in sys.modules or "torchvision" in sys.modules:
            return importlib.import_module("segment_anything")
        with _torchvision_stand_in():
            return importlib.import_module("segment_anything")


def repair_torchvision() -> bool:
    """Make an installed torchvision importable beside a torch that it was not built for.

    transformers imports torchvision wherever it is installed, so this comes before importing from transformers.
    Returns True where torchvision is absent or imports, False where it stays broken.
    """
    with _lock:
        if importlib.util.find_spec("torchvision") is None or _imports_torchvision():
            return True
        _forget_torchvision()
        _declare_operators()
        return _imports_torchvision()


def _imports_torchvision() -> bool:
    try:
        importlib.import_module("torchvision")
    except Exception:  # a mismatched build fails with RuntimeError, OSError, ImportError or AttributeError
        _forget_torchvision()
        return False
    return True


def _forget_torchvision() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "DEF")
    _declared.append(library)
    for schema in _OPERATORS:
        library.define(schema)


@contextmanager
def _torchvision_stand_in() -> Iterator[None]:
    """Put modules with the four functions under torchvision's name, and take them away again."""
    functional = _module("torchvision.transforms.functional", resize=_resize, to_pil_image=Image.fromarray)
    boxes = _module("torchvision.ops.boxes", batched_nms=_unavailable, box_area=_unavailable)
    transforms = _module("torchvision.transforms", functional=functional)
    ops = _module("torchvision.ops", boxes=boxes)
    root = _module("torchvision", transforms=transforms, ops=ops)
    stand_ins = {module.__name__: module for module in (root, transforms, functional, ops, boxes)}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)


def _module(name: str, **members) -> ModuleType:
    module = ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, loader=None, is_package=True)
    module.__path__ = []
    vars(module).update(members)
    return module


def _resize(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """``size`` is (height, width). torchvision resizes PIL pictures through PIL too, so the pixels are the same."""
    height, width = (int(side) for side in np.asarray(size))
    return picture.resize((width, height), Image.Resampling.BILINEAR)


def _unavailable(*_args, **_kwargs):
    raise ImportError("This function of segment-anything needs torchvision, which is not installed here.")
