"""What the pair maker is asked for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PairOptions:
    """How many pairs a source gives, and of which kind.

    ``split``: "train", "val" or "all" (see Source.split). Seconds lie between source and target frame.
    ``sources_per_shard``: clips and photos that one shard (one task of a cluster) is made from.
    ``least_motion``: the paper's static filter in pixels at 512 (50 there; less here, since clips are few and short).
    """

    split: str = "all"
    affine_per_clip: int = 4
    flow_per_clip: int = 2
    moved_per_photo: int = 2
    intruders_per_photo: int = 1
    least_seconds: float = 0.5
    most_seconds: float = 4.0
    least_motion: float = 20.0
    seed: int = 0
    sources_per_shard: int = 32
