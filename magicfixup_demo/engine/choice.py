"""Which model runs where nobody named one. 7.7 GB are never downloaded for that, except on a Space with ZeroGPU.

torch is imported late: a page asks here before it is up.
"""

import os

BEST, FALLBACK = "magicfixup", "small"


def choose(name: str, device: str | None = None) -> str:
    """Resolve "auto" to a model's name; other names stay as they are.

    ``device``: where it shall run; None means a GPU where there is one. "auto" is ``magicfixup`` on ZeroGPU, whose
    owner chose it by deploying there, and on a CUDA device with enough free memory once it is on this machine.
    """
    if name != "auto":
        return name
    if device == "cpu":
        return FALLBACK
    return BEST if on_zerogpu() or _runs_here(BEST) else FALLBACK


def on_zerogpu() -> bool:
    """Whether this process is a Space whose GPU is lent call by call."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def on_a_space() -> bool:
    """Whether this process is a Space, with a GPU of its own or a lent one: anybody may be the visitor."""
    return on_zerogpu() or "SPACE_ID" in os.environ


def _runs_here(name: str) -> bool:
    from magicfixup_demo.engine.weights import MODELS, is_here

    return is_here(name) and free_cuda_bytes() >= MODELS[name].cuda_bytes


def free_cuda_bytes() -> int:
    """Free memory of the current CUDA device; 0 where there is none."""
    import torch

    if not torch.cuda.is_available():
        return 0
    try:
        return torch.cuda.mem_get_info()[0]
    except RuntimeError:  # a driver that is there and does not work
        return 0
