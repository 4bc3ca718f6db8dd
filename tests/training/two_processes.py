"""What test_processes.py starts in each of two processes: a short run, and the weights that each ends with.

python -m accelerate.commands.launch ... two_processes.py PAIRS RUN
"""

import sys
from pathlib import Path

import torch

from magicfixup_demo.training import loop
from magicfixup_demo.training.config import TrainConfig, train_config
from magicfixup_demo.training.trainer import Trainer


def config() -> TrainConfig:
    """Large steps, so that differences show; the critic learns and is not listened to, since its spectral norms are
    estimated once per forward, and one process has more of those."""
    return train_config("tiny", steps=3, batch_size=4, at_once=2, warmup=1, cooldown=0.0, critic_alone=1.0, dropped=0.0)


def train_and_keep(pairs: Path, run: Path) -> Trainer:
    """``loop.train``, and the trainer it made."""
    kept: list[Trainer] = []
    set_up = loop.set_up

    def remember(*arguments) -> Trainer:
        kept.append(set_up(*arguments))
        return kept[0]

    loop.set_up = remember
    try:
        loop.train(config(), [pairs], [], run)
    finally:
        loop.set_up = set_up
    return kept[0]


if __name__ == "__main__":
    run = Path(sys.argv[2])
    trainer = train_and_keep(Path(sys.argv[1]), run)
    accelerator = trainer.accelerator
    record = trainer.state() | {"processes": accelerator.num_processes, "parts": list(trainer.parts)}
    torch.save(record, run / f"process{accelerator.process_index}.pt")
    accelerator.wait_for_everyone()
    accelerator.end_training()
