"""Does our pipeline compute what the published code computes? A folder of recorded numbers is computed again.

The folder holds unet_weights.safetensors and vae_weights.safetensors, a checkpoint at any width under the published
keys, and unet_io_*, sampler_* and vae_io*.safetensors, what the published code made of it; see parity_cases.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from magicfixup_demo.downloads import Progress
from magicfixup_demo.engine.checkpoint_keys import LEVELS
from magicfixup_demo.engine.checkpoint_reading import (
    GROUPS,
    VAE_WIDTH_KEY,
    WIDTH_KEY,
    Shapes,
    fitted,
    plan_of,
    preset_of,
    shapes_of,
)
from magicfixup_demo.engine.pipeline import MagicFixupPipeline
from magicfixup_demo.engine.presets import build_pipeline
from magicfixup_demo.engine.weights import load_strictly
from magicfixup_demo.errors import DataError
from magicfixup_demo.evaluation.parity_cases import check_run, check_step, check_vae
from magicfixup_demo.evaluation.recording import Recording, Row
from magicfixup_demo.evaluation.tables import markdown

UNETS, AUTOENCODER = "unet_weights.safetensors", "vae_weights.safetensors"
WEIGHTS = {UNETS: ("extractor", "synthesizer"), AUTOENCODER: ("vae",)}  # file -> the networks in it
CHECKS: dict[str, tuple[Callable[[MagicFixupPipeline, Recording], None], str]] = {  # files -> check, weights it needs
    "unet_io*.safetensors": (check_step, UNETS),
    "sampler*.safetensors": (check_run, UNETS),
    "vae_io*.safetensors": (check_vae, AUTOENCODER),
}
NEVER_COMPUTED = GROUPS  # width of networks whose weights nothing recorded needs


@torch.no_grad()
def check_folder(folder: Path, progress: Progress | None = None) -> list[Recording]:
    """Compute every recorded file of a folder again, in single precision; none where there is no such file.

    Raises DataError or ModelError when files are broken, do not fit together, or the weights are missing.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one of recorded numbers, laid out like shared/parity.")
    found = [(path, *check) for pattern, check in CHECKS.items() for path in sorted(folder.glob(pattern))]
    if not found:
        return []
    pipeline = load_recorded_weights(folder, [name for name in WEIGHTS if any(name == needs for *_, needs in found)])
    recordings = []
    for i, (path, check, _) in enumerate(found):
        if progress:
            progress(i / len(found), f"Computing {path.name} again")
        recordings.append(Recording(_load(path), path.name))
        try:
            check(pipeline, recordings[-1])
        except (RuntimeError, ValueError, IndexError, ArithmeticError) as error:  # where shapes do not fit
            reason = str(error).partition("\n")[0]
            raise DataError(f"The tensors of {path.name} do not fit the networks or each other: {reason}") from error
    return recordings


def load_recorded_weights(folder: Path, files: Iterable[str] = WEIGHTS) -> MagicFixupPipeline:
    """The pipeline with the weights of those files of a folder, at their own width. Raises DataError, ModelError.

    The networks of other files are there too, small and random: nothing may be computed with them.
    """
    state = {key: value for name in files for key, value in _load(folder / name).items()}
    pipeline = build_pipeline(preset_of(_stand_in() | shapes_of(state), folder.name))
    networks = {network: getattr(pipeline, network) for name in files for network in WEIGHTS[name]}
    wanted = {name: shapes_of(network.state_dict()) for name, network in networks.items()}
    for name, keys in plan_of(shapes_of(state), wanted, folder.name).items():
        ours = {key: fitted(state[source], wanted[name][key]) for key, source in keys.items()}
        load_strictly(networks[name], ours, name)
    return pipeline


def _stand_in() -> Shapes:
    """Shapes from which the width of networks without weights is read."""
    keys = (WIDTH_KEY, *(VAE_WIDTH_KEY.format(level=level) for level in range(LEVELS)))
    return dict.fromkeys(keys, (NEVER_COMPUTED, NEVER_COMPUTED, 3, 3))


def passes(recordings: list[Recording]) -> bool:
    """Whether every file had something to compare, and all of it is within its tolerance; False without any file."""
    return bool(recordings) and all(r.rows and all(row.passes for row in r.rows) for r in recordings)


def table(recordings: list[Recording]) -> str:
    """Markdown: a line for each compared tensor; then what was not compared, and how many are over tolerance."""
    rows = [row for recording in recordings for row in recording.rows]
    titles = ["file", "case", "tensor", "relative error", "tolerance", "verdict"]
    lines = [
        [row.file, row.case, row.tensor, f"{row.error:.1e}", f"{row.tolerance:g}", "ok" if row.passes else "OVER"]
        for row in rows
    ]
    parts = [markdown([titles, *lines])] if rows else []
    parts += [
        f"{r.file}: recorded, but nothing of ours computes it or depends on it: {', '.join(r.unread)}."
        for r in recordings
        if r.unread
    ]
    return "\n\n".join([*parts, _verdict(recordings, rows)])


def _verdict(recordings: list[Recording], rows: list[Row]) -> str:
    empty = [recording.file for recording in recordings if not recording.rows]
    if not rows:
        return "Nothing was checked: the folder holds no recorded case of unet_io_*, sampler_* or vae_io."
    over = sum(not row.passes for row in rows)
    text = f"{len(rows)} tensors compared, {over or 'none'} over tolerance."
    return f"{text} Nothing to compare in {', '.join(empty)}." if empty else text


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is missing or broken; make the folder again.") from error
