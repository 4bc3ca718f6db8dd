"""The published checkpoint (a torch pickle, 7.7 GB) -> three files in half precision that our networks load strictly.

convert(source, folder) -> folder/{extractor,synthesizer,vae}.safetensors, conversion.json
"""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from magicfixup_demo.downloads import Progress, make_room
from magicfixup_demo.engine.checkpoint_reading import (
    GET_IT_AGAIN,
    Shapes,
    fitted,
    network_shapes,
    open_checkpoint,
    plan_of,
    preset_of,
    shapes_of,
)
from magicfixup_demo.errors import DownloadError, ModelError
from magicfixup_demo.turns import turn

RECORD = "conversion.json"
FORMAT = 1  # of what is written; a folder of another format is converted again
WORKING = ".converting-"
AT_ONCE = 400_000_000  # bytes of the checkpoint that are mapped before its mapping is opened anew
SPARE = 1.02  # of the bytes written: headers, and the disk's blocks


def convert(source: Path, folder: Path, progress: Progress | None = None) -> None:
    """Write the networks of a checkpoint into ``folder``, which is made, in half precision, without what nothing needs.

    Nothing there looks finished before all is (``is_converted``); when it fails or ``progress`` raises, what was
    written is removed. Two processes take turns, and the second finds it done. Memory: the largest network in half
    precision. Raises ModelError when the file is broken or foreign, DownloadError when the disk is full.
    """
    shapes = shapes_of(open_checkpoint(source))
    preset = preset_of(shapes, source.name)
    wanted = network_shapes(preset)
    plan = plan_of(shapes, wanted, source.name)
    with _disk_errors(folder, wanted):
        folder.mkdir(parents=True, exist_ok=True)
        with turn(FileLock(folder / ".lock"), lambda: _waiting(progress)):
            if is_converted(folder):
                return
            _make_space(folder, wanted)
            with tempfile.TemporaryDirectory(prefix=WORKING, dir=folder) as name:
                report = _Report(progress, _half_bytes(wanted))
                for network, keys in plan.items():
                    half = _half_precision(source, keys, wanted[network], report)
                    save_file(half, Path(name) / f"{network}.safetensors")
                    del half
                width = preset.synthesizer["block_out_channels"][0]
                _publish(Path(name), folder, {"source": source.name, "width": width, "dtype": "float16"})
    if progress:
        progress(1.0, "The checkpoint is converted")


def is_converted(folder: Path) -> bool:
    """Whether ``folder`` holds what ``convert`` writes, whole: its record, and every file at its recorded size."""
    try:
        record = json.loads((folder / RECORD).read_text())
        sizes = {name: (folder / name).stat().st_size for name in record["files"]}
        return record["format"] == FORMAT and bool(sizes) and sizes == record["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _half_precision(
    source: Path, keys: dict[str, str], wanted: Shapes, report: Callable[[int], None]
) -> dict[str, Tensor]:
    """The tensors of one network, copied. The mapping is opened anew now and then: pages read count as our memory."""
    half: dict[str, Tensor] = {}
    state, mapped = open_checkpoint(source), 0
    for ours, key in keys.items():
        if mapped > AT_ONCE:
            del state
            state, mapped = open_checkpoint(source), 0
        half[ours] = fitted(state[key], wanted[ours]).to(torch.float16, copy=True)
        if not half[ours].isfinite().all():
            raise ModelError(f"{source.name} is damaged: {key} holds values that are no numbers; {GET_IT_AGAIN}.")
        mapped += state[key].nbytes
        report(half[ours].nbytes)
    return half


class _Report:
    """Turns bytes written into the progress of the whole conversion."""

    def __init__(self, progress: Progress | None, whole: int):
        self.progress, self.done, self.whole = progress, 0, whole

    def __call__(self, size: int) -> None:
        self.done += size
        if self.progress:
            self.progress(0.99 * self.done / self.whole, "Converting the checkpoint to half precision")


def _publish(written: Path, folder: Path, record: dict) -> None:
    """Move the files to their names, the record last. An older record goes first: it does not speak for these."""
    (folder / RECORD).unlink(missing_ok=True)
    files = {path.name: path.stat().st_size for path in sorted(written.iterdir())}
    for name in files:
        os.replace(written / name, folder / name)
    (written / RECORD).write_text(json.dumps(record | {"format": FORMAT, "files": files}, indent=1))
    os.replace(written / RECORD, folder / RECORD)


def _waiting(progress: Progress | None) -> None:
    """Another process is at work in the folder; ``progress`` may end the wait."""
    if progress:
        progress(0.0, "Another program is converting the checkpoint")


def _make_space(folder: Path, wanted: dict[str, Shapes]) -> None:
    """Remove what a killed conversion left, then raise OSError where the disk has too little left."""
    for left in folder.glob(f"{WORKING}*"):
        shutil.rmtree(left)
    make_room(folder, SPARE * _half_bytes(wanted))


@contextmanager
def _disk_errors(folder: Path, wanted: dict[str, Shapes]) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError) as error:
        if getattr(error, "errno", None) != errno.ENOSPC and f"os error {errno.ENOSPC}" not in str(error):
            raise ModelError(
                f"Cannot write {folder} ({getattr(error, 'strerror', None) or error}); "
                "set HF_HOME to a folder that can be written to."
            ) from error
        needed, free = SPARE * _half_bytes(wanted) / 1e9, shutil.disk_usage(folder).free / 1e9
        raise DownloadError(
            f"Converting the checkpoint needs {needed:.1f} GB of disk and {folder} has {free:.1f} GB free; "
            "free some space, or set HF_HOME to a folder on a larger disk."
        ) from error


def _half_bytes(wanted: dict[str, Shapes]) -> int:
    return sum(2 * torch.Size(shape).numel() for shapes in wanted.values() for shape in shapes.values())
