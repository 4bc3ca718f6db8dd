"""What the page and the command line ask of an engine; nothing here knows about networks."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from magicfixup_demo.schema import CoarseEdit, EditOptions, EditResult

# Called between denoising steps with the fraction done (0..1) and a text for the user.
# It may raise errors.Cancelled to stop the work.
Progress = Callable[[float, str], None]

# Called between denoising steps with a rough (h, w, 3) uint8 picture of where the run is heading.
Preview = Callable[[np.ndarray], None]


@dataclass(frozen=True)
class EngineInfo:
    """What the page says about an engine: its name, one sentence, its licence, and its default number of steps.

    ``samplers``: those that may be chosen, the default first. ``takes_prompt``: its SDEdit comparison reads a text.
    ``sdedit_megabytes``: what that comparison downloads first; 0 where it needs nothing.
    """

    name: str
    description: str
    licence: str
    default_steps: int
    max_steps: int
    samplers: tuple[str, ...] = ("ddim",)
    takes_prompt: bool = False
    sdedit_megabytes: int = 0


class Engine(Protocol):
    """A model that turns coarse edits into photos. Implementations are safe to call from several threads."""

    info: EngineInfo

    def fixup(
        self,
        photo: np.ndarray,
        edit: CoarseEdit,
        options: EditOptions,
        progress: Progress | None = None,
        preview: Preview | None = None,
    ) -> EditResult:
        """photo: (H, W, 3) uint8; an edit of another size is resized to the photo's. Raises MagicFixupError.

        Where only the comparison cannot be had, the result comes without it (``sdedit`` None) and ``note`` says why.
        """
        ...

    def kind_of(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> Hashable | None:
        """Fix-ups of equal kind, asked for at the same time, may share runs of the networks; None shares with none.

        Raises OptionError where ``fixup`` would.
        """
        ...

    def compare(self, photo: np.ndarray, edit: CoarseEdit, options: EditOptions) -> np.ndarray:
        """What SDEdit makes of the edit with the same network: (H, W, 3) uint8. Raises MagicFixupError."""
        ...

    def forget(self) -> None:
        """Drop what is kept of photos to make their next edits faster; it is kept in memory only, and not for long."""
        ...
