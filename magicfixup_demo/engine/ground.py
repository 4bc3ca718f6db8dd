"""A picture with a hole in, what may stand in the hole out: the ground network at the size it was trained for."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from magicfixup_demo.engine.conditioning import image_tensor
from magicfixup_demo.engine.ground_network import MULTIPLE, SIDE, GroundNetwork
from magicfixup_demo.images import resize

OTHER_NOISE = 4.0  # times as strong as the network's own: so that another seed gives visibly other ground


@dataclass(frozen=True)
class View:
    """How the network looks at a picture: mirrored or not, with its own noise (0) or other (a seed)."""

    mirrored: bool = False
    noise: int = 0


class Ground:
    """Fills holes with what may stand behind them. Safe to call from several threads."""

    def __init__(self, network: GroundNetwork, device: str = "cpu"):
        self.network = network.eval().to(device, memory_format=torch.channels_last)
        self.device = device
        # Half the time where a processor computes with bfloat16 itself, and on a GPU; elsewhere it would take longer.
        self.half = device != "cpu" or torch.cpu._is_avx512_bf16_supported()

    def see(self, picture: np.ndarray, hole: np.ndarray, view: View) -> np.ndarray:
        """What may stand in the hole, as a picture of everything: (h, w, 3) float32, 0..255, of ``seen_size``.

        picture: (H, W, 3) uint8; hole: (H, W) bool. Beside the hole it is only like the picture.
        """
        size = seen_size(hole.shape[1], hole.shape[0])
        part, known = resize(picture, *size), resize((~hole).astype(np.float32), *size) > 0.99
        if view.mirrored:
            part, known = part[:, ::-1], known[:, ::-1]
        made = self._run(part, known, view.noise)
        return np.ascontiguousarray(made[:, ::-1]) if view.mirrored else made

    @torch.inference_mode()
    def _run(self, picture: np.ndarray, known: np.ndarray, noise: int) -> np.ndarray:
        """(h, w, 3) uint8 and (h, w) bool -> (h, w, 3) float32 0..255; any size."""
        height, width = known.shape
        x = image_tensor(np.ascontiguousarray(picture))
        mask = torch.tensor(np.ascontiguousarray(known))[None, None].float()
        bottom, right = -height % MULTIPLE, -width % MULTIPLE
        x, mask = (_extended(values, right, bottom).to(self.device) for values in (x, mask))
        other = self.network.other_noise(noise, OTHER_NOISE) if noise else None
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.half):
            made = self.network(x.contiguous(memory_format=torch.channels_last), mask, other)
        made = made[0, :, :height, :width].float().clamp(-1, 1).permute(1, 2, 0).cpu().numpy()
        return (made + 1) * 127.5


def _extended(values: Tensor, right: int, bottom: int) -> Tensor:
    """(1, C, h, w) continued by its mirror image, as far as it goes; beyond that its last row or column."""
    height, width = values.shape[-2:]
    values = F.pad(values, (0, min(right, width - 1), 0, min(bottom, height - 1)), mode="reflect")
    left_over = (0, right - min(right, width - 1), 0, bottom - min(bottom, height - 1))
    return F.pad(values, left_over, mode="replicate") if any(left_over) else values


def seen_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) at which a picture is seen: never larger than it is."""
    scale = min(1.0, SIDE / (width * height) ** 0.5)
    return max(1, round(width * scale)), max(1, round(height * scale))
