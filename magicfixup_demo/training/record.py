"""What a run was made with: configuration, code, packages, machine, data, command line."""

import json
import os
import platform
import shlex
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from accelerate import Accelerator

from magicfixup_demo.training.config import TrainConfig
from magicfixup_demo.training.dataset import PairDataset

PACKAGES = ("torch", "diffusers", "accelerate", "numpy", "opencv-python-headless", "safetensors")


def describe(config: TrainConfig, data: PairDataset, accelerator: Accelerator, step: int, start: Path | None) -> dict:
    """Everything that tells this session from another, ready for JSON."""
    return {
        "config": asdict(config),
        "pairs": {kind: len(items) for kind, items in data.by_kind.items()},
        "start": str(start) if start else None,
        "from_step": step,
        "revision": revision(),
        "command": shlex.join(sys.orig_argv),
        "packages": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "hardware": hardware(accelerator.device) | {"processes": accelerator.num_processes},
        "precision": accelerator.mixed_precision,
    }


def write_record(run: Path, record: dict) -> None:
    """Write ``run``/config.json; what earlier sessions of the run wrote stays under "earlier"."""
    path = run / "config.json"
    before = json.loads(path.read_text()) if path.exists() else None
    earlier = [*before.pop("earlier", []), before] if before else []
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(record | {"earlier": earlier}, indent=1))
    partial.replace(path)


def revision() -> str:
    """The commit of the code, with "-dirty" where tracked files differ from it; "unknown" outside a repository."""
    commit = _git("rev-parse", "--short", "HEAD")
    if not commit:
        return "unknown"
    return commit + ("-dirty" if _git("status", "--porcelain", "--untracked-files=no") else "")


def hardware(device: torch.device) -> dict:
    """The device by name; threads of the CPU in any case."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _cpu_name()
    return {"device": device.type, "name": name, "cpu_threads": torch.get_num_threads(), "cpu_count": os.cpu_count()}


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows the name, or at least the architecture
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    folder = Path(__file__).resolve().parent
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True)
    except OSError:  # no git here
        return ""
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
