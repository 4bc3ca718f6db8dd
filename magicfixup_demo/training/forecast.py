"""What a run would take, before it is begun: nothing is computed but shapes, with torch's fake tensors."""

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import PRESETS, build_pipeline
from magicfixup_demo.pairs.store import kind_of, pair_names
from magicfixup_demo.perceptual import Lpips
from magicfixup_demo.training.config import TRAIN_PRESETS, TrainConfig
from magicfixup_demo.training.critic import Critic
from magicfixup_demo.training.dataset import Batch
from magicfixup_demo.training.journal import duration, sessions
from magicfixup_demo.training.objective import Draw, FixupNetworks, encode, predict, reconstruction_loss

STATE_BYTES = 4 * 5  # of a trained parameter in float32: itself, gradient, two moments of Adam, moving average
PAPERS_HOURS, PAPERS_GPUS = 48, 8  # of an A100, for the preset magicfixup (METHODS: "Training")
GIB = 2**30


@dataclass(frozen=True)
class Needs:
    """Of one sample, forward and backward: ``flops``. Parameters, and the bytes that the backward pass keeps."""

    trained: int
    frozen: int
    flops: int
    kept_bytes: int


def forecast(config: TrainConfig, folders: list[Path]) -> str:
    """The resolved configuration, sizes and expected cost of a run, for a person to read."""
    needs, paper = needs_of(config), papers_rate()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    here = convolution_rate(device, config.bfloat16)
    whole = needs.flops * config.batch_size * config.steps
    at_once = min(config.at_once, config.batch_size)
    state, kept = (needs.trained * STATE_BYTES + needs.frozen * 4) / GIB, at_once * needs.kept_bytes / GIB
    kinds = Counter(kind_of(name) for folder in folders if folder.is_dir() for name in pair_names(folder))
    return "\n".join(
        [
            json.dumps(asdict(config), indent=1),
            f"pairs: {dict(kinds) or 'none yet; they are made from the videos and photos first'}",
            f"parameters: {needs.trained / 1e6:,.1f} M trained, {needs.frozen / 1e6:,.1f} M frozen",
            f"memory of each device: about {state + kept:.1f} GiB ({state:.1f} for weights, gradients, Adam and moving "
            f"average; {kept:.1f} of activations for {at_once} at once)",
            f"computation: {_flops(needs.flops)} a sample, {_flops(whole)} for {config.steps:,} steps of "
            f"{config.batch_size}",
            f"on this machine, at the {_flops(here)}/s of a plain convolution and therefore at least: "
            f"{duration(whole / here)} ({sessions(whole / here, 60):,} sessions of an hour)",
            f"on one A100, at the {_flops(paper)}/s that the paper's own run comes to: {duration(whole / paper)}; "
            f"on eight: {duration(whole / paper / 8)}",
            "After 20 steps a run measures its own pace and says how long it will take.",
        ]
    )


def needs_of(config: TrainConfig) -> Needs:
    """Counted on a fake sample: shapes are followed through networks and losses, and no number is computed."""
    with FakeTensorMode(), FlopCounterMode(display=False) as counter:
        pipeline = build_pipeline(PRESETS[config.preset])
        networks = FixupNetworks(pipeline)
        frozen = list(pipeline.vae.parameters()) if pipeline.vae else []
        kept: dict[int, int] = {}  # bytes by storage: several operations may keep the same one

        def remember(tensor: Tensor) -> Tensor:
            if not isinstance(tensor, nn.Parameter):
                kept[tensor.untyped_storage()._cdata] = tensor.untyped_storage().nbytes()
            return tensor

        with (
            torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor),
            torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16),
        ):
            loss = _whole_loss(networks, pipeline, config)
        loss.backward()
        trained = sum(p.numel() for p in networks.parameters())
        return Needs(trained, sum(p.numel() for p in frozen), counter.get_total_flops(), sum(kept.values()))


def _whole_loss(networks: FixupNetworks, pipeline: MagicFixupPipeline, config: TrainConfig) -> Tensor:
    """Of one sample, in a step in which the critic is listened to, as in Trainer."""
    picture, ones = torch.zeros(1, 3, config.crop, config.crop), torch.ones(1, 1, config.crop, config.crop)
    batch = Batch(reference=picture, coarse=picture, mask=ones, target=picture, weight=ones)
    latents = encode(pipeline.codec, batch, None)
    like, one = latents.target, torch.ones(1)
    draw = Draw(one, one.view(1, 1, 1, 1), torch.zeros(1, dtype=torch.long), like, like, (0, 0))
    prediction = predict(networks, pipeline, latents, draw, config)
    loss, _ = reconstruction_loss(Lpips() if "lpips" in config.losses else None, prediction, batch, config)
    if config.adversarial:
        critic = Critic(config)
        critic.learn(prediction, batch, 1.0)
        loss = loss + config.adversarial * critic.opinion(prediction, batch)
    return loss


def papers_rate() -> float:
    """FLOP/s of one A100 in the paper's own run: what that run computes, by its hours."""
    paper = TRAIN_PRESETS["magicfixup"]
    return needs_of(paper).flops * paper.batch_size * paper.steps / (PAPERS_GPUS * PAPERS_HOURS * 3600)


def convolution_rate(device: torch.device, half: bool, repeats: int = 5) -> float:
    """FLOP/s of a 3x3 convolution, forward and backward, on this device: the best of some repeats."""
    kind = torch.bfloat16 if half else torch.float32
    picture = torch.randn(8, 128, 64, 64, device=device, dtype=kind).to(memory_format=torch.channels_last)
    weight = torch.randn(128, 128, 3, 3, device=device, dtype=kind, requires_grad=True)
    picture.requires_grad_(True)
    flops, best = 3 * 2 * 8 * 64 * 64 * 128 * 128 * 9, float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        F.conv2d(picture, weight, padding=1).sum().backward()
        float(weight.grad.flatten()[0])  # waits for the device
        best = min(best, time.perf_counter() - started)
    return flops / best


def _flops(number: float) -> str:
    """With the prefix that leaves one to three digits before the point."""
    for prefix, size in (("E", 1e18), ("P", 1e15), ("T", 1e12)):
        if number >= size:
            return f"{number / size:.3g} {prefix}FLOP"
    return f"{number / 1e9:.3g} GFLOP"
