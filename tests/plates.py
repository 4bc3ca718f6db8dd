"""Plate engines for tests: the real ground network, watched, and a quick stand-in for it."""

import numpy as np
from tiny_pipeline import acting_pipeline

from magicfixup_demo.engine.conditioning import fill_from_background
from magicfixup_demo.engine.fixer import PipelineEngine
from magicfixup_demo.engine.ground import Ground, View, seen_size
from magicfixup_demo.engine.interface import EngineInfo
from magicfixup_demo.engine.plate_engine import PlateEngine
from magicfixup_demo.engine.samplers import sampler_names
from magicfixup_demo.images import resize

LOOKS = 2  # at each hole, for one guess


class FlatGround:
    """In the network's place: the mean colour of what is known, a grey level lighter for each seed."""

    device = "cpu"

    def see(self, picture: np.ndarray, hole: np.ndarray, view: View) -> np.ndarray:
        size = seen_size(hole.shape[1], hole.shape[0])
        seen = resize(picture, *size).astype(np.float32)
        known = picture[~hole].mean(0) if not hole.all() else np.full(3, 128.0)
        return np.where(resize(hole, *size)[..., None], known + view.noise % 50, seen).astype(np.float32)


class Watched:
    """A ground that counts how often it is asked. Safe to ask from several threads, as what is in it."""

    def __init__(self, ground: Ground | FlatGround):
        self.ground, self.device = ground, ground.device
        self.seen: list[View] = []

    def see(self, picture: np.ndarray, hole: np.ndarray, view: View) -> np.ndarray:
        self.seen.append(view)
        return self.ground.see(picture, hole, view)


def tiny_plates(ground: Ground | FlatGround | Watched | None = None, name: str = "tiny") -> PlateEngine:
    """A plate engine with a tiny diffusion network of random weights for SDEdit."""
    info = EngineInfo(name, "random weights, for tests", "none", 2, 100, sampler_names("ddim", rereads=False))
    pipeline = acting_pipeline(std=0.02)
    pipeline.register_modules(extractor=None)
    diffusion = PipelineEngine(pipeline, info, fill_from_background, strength=0.5, area=64 * 64)
    return PlateEngine(ground or FlatGround(), diffusion)
