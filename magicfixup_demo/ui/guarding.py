"""What the guard at the door (``serving``) goes by for this page."""

import os
from pathlib import Path

from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from magicfixup_demo.saving.work import MAX_SAVED_BYTES
from magicfixup_demo.serving.guard import Guard, Rules
from magicfixup_demo.serving.origins import OWN_MACHINE
from magicfixup_demo.ui.answer_files import answer_folders
from magicfixup_demo.ui.editor import editor_script
from magicfixup_demo.ui.examples import EXAMPLES_FOLDER


def guard(login: bool = False, host: str | None = None, also: tuple[str, ...] = (), **told) -> Middleware:
    """The guard for Gradio's app.

    ``host``: what the server listens on; where that is this machine alone, it goes by this machine's names and those of
    ``also``, else by any. ``login``: whether visitors must log in. ``told``: ``health`` and ``metrics`` of Rules.
    """
    on_space = "SPACE_ID" in os.environ
    alone = not on_space and host in OWN_MACHINE - {"0.0.0.0"}
    script = editor_script()
    rules = Rules(
        program=(EXAMPLES_FOLDER,),
        kept={script.path: script},
        answers=answer_folders(),
        uploads=Path(get_upload_folder()),
        upload_bytes=MAX_SAVED_BYTES,
        on_space=on_space,
        hosts=OWN_MACHINE | {name.lower() for name in also} if alone else frozenset(),
        private=alone or login,
        **told,
    )
    return Middleware(Guard, rules=rules)


def served_folders() -> tuple[Path, ...]:
    """Nothing private may lie in these: some of what is in them is handed out to browsers."""
    return EXAMPLES_FOLDER, Path(get_upload_folder())
