"""Numbers that another program recorded, and how far ours are from them. A recording is a file, a case a part of it.

A case's tensors have names with a common prefix: "s32_t981.eps" belongs to "s32_t981". What a case lacks it takes from
the tensors without a prefix.
"""

from dataclasses import dataclass

from torch import Tensor

from magicfixup_demo.errors import DataError


@dataclass(frozen=True)
class Row:
    """One compared tensor: ``error`` is the relative L2 distance from the recorded one."""

    file: str
    case: str
    tensor: str
    error: float
    tolerance: float

    @property
    def passes(self) -> bool:
        return self.error <= self.tolerance  # False where the error is not a number


class Recording:
    """The tensors of one file, which of them were read, and the rows of those that were compared."""

    def __init__(self, tensors: dict[str, Tensor], file: str):
        self.tensors, self.file = tensors, file
        self.rows: list[Row] = []
        self.read: set[str] = set()

    @property
    def unread(self) -> list[str]:
        """What nothing of ours depends on or computes."""
        return sorted(self.tensors.keys() - self.read)

    def prefixes(self, name: str) -> list[str]:
        """The prefixes (ending in a dot, or empty) under which ``name`` is recorded, sorted."""
        return sorted({key.removesuffix(name) for key in self.tensors if key == name or key.endswith(f".{name}")})


class Case:
    """The tensors of a recording that belong together by their prefix."""

    def __init__(self, recording: Recording, prefix: str, tolerance: float):
        self.recording, self.prefix, self.tolerance = recording, prefix, tolerance

    def has(self, name: str) -> bool:
        return self._key(name) in self.recording.tensors

    def __getitem__(self, name: str) -> Tensor:
        """A recorded tensor. Raises DataError when the case lacks it."""
        key = self._key(name)
        if key not in self.recording.tensors:
            raise DataError(f"{self.recording.file} lacks {self.prefix}{name}; make the folder again.")
        self.recording.read.add(key)
        found = self.recording.tensors[key]
        return found.float() if found.is_floating_point() else found

    def compare(self, name: str, ours: Tensor, tolerance: float | None = None) -> None:
        """Note how far ``ours`` is from the recorded tensor, where there is one."""
        if not self.has(name):
            return
        recorded, limit = self[name], self.tolerance if tolerance is None else tolerance
        fits = ours.numel() == recorded.numel()
        error = relative_error(ours.reshape(recorded.shape), recorded) if fits else float("inf")
        self.recording.rows.append(Row(self.recording.file, self.prefix.rstrip("."), name, error, limit))

    def _key(self, name: str) -> str:
        return self.prefix + name if self.prefix + name in self.recording.tensors else name


def relative_error(ours: Tensor, recorded: Tensor) -> float:
    """Relative L2 distance; the plain distance from a tensor of zeros."""
    ours, recorded = ours.detach().cpu().double(), recorded.cpu().double()
    return float((ours - recorded).norm() / (recorded.norm() or 1.0))
