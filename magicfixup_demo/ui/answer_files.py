"""Files that programs fetch after a call: under an unguessable name, in a folder of their own, for an hour at most."""

import secrets
from pathlib import Path

from gradio import FileData
from gradio.utils import get_upload_folder

ANSWERS = "answers"


def answer_folders() -> tuple[Path, ...]:
    """The folder, as Gradio calls it and with links resolved."""
    folder = Path(get_upload_folder())
    return folder / ANSWERS, folder.resolve() / ANSWERS


def answer_file(data: bytes, name: str) -> dict:
    """A PNG as Gradio hands it to clients. Gradio would name it by its content, which somebody else may know."""
    folder = answer_folders()[0] / secrets.token_urlsafe(24)
    folder.mkdir(mode=0o700, parents=True)
    path = folder / f"{name}.png"
    path.write_bytes(data)
    return FileData(path=str(path), orig_name=path.name, mime_type="image/png", size=len(data)).model_dump()
