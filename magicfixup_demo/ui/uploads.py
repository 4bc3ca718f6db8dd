"""What a client names as a file is one that it has uploaded: no address is fetched, no other file is read."""

import base64
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from types import MethodType
from urllib.parse import unquote

import gradio as gr
import numpy as np
from gradio import route_utils
from gradio.processing_utils import hash_base64
from gradio.utils import get_upload_folder
from gradio_client.utils import is_http_url_like

from magicfixup_demo.errors import PhotoError
from magicfixup_demo.images import open_mask, open_photo
from magicfixup_demo.ui import strings
from magicfixup_demo.ui.answering import uploaded_file

KEPT_SECONDS = 600.0
MOST_BYTES = 512 << 20
KINDS = ("png", "jpeg", "jpg", "webp", "gif", "bmp", "tiff")  # as data: URLs call them
UPLOADED = "/gradio_api/file="  # in the addresses that Gradio gives to uploads


def uploads_only(page: gr.Blocks) -> None:
    """Keep nothing of an upload that breaks off, and keep Gradio from fetching addresses.

    For all inputs of the page: clients may name an address where a file is expected.

    Gradio would fetch them (not those of private networks) before any code of ours could refuse. The address that it
    gave to an upload of its own is understood as that file: MCP clients have nothing else.
    """
    route_utils.GradioMultiPartParser = TidyParser
    for block in page.blocks.values():
        if hasattr(block, "async_move_resource_to_block_cache"):
            block.async_move_resource_to_block_cache = MethodType(_not_fetching, block)


async def _not_fetching(block, place):
    if place is not None and is_http_url_like(str(place)):
        try:
            place = str(uploaded_file(unquote(str(place).partition(UPLOADED)[2])))
        except PhotoError as error:
            raise gr.Error(strings.ONLY_UPLOADS, print_exception=False) from error
    return await type(block).async_move_resource_to_block_cache(block, place)


class TidyParser(route_utils.GradioMultiPartParser):
    """Gradio's parser of uploads, but what has arrived is deleted however it ends: a full disk, a lost connection."""

    async def parse(self):
        """As Gradio's."""
        try:
            return await super().parse()
        except BaseException:
            for file in self._files_to_close_on_error:
                file.close()
                Path(file.name).unlink(missing_ok=True)
            raise


class UploadedPhotos:
    """Pixels of uploaded files. A file is deleted once it is read.

    Gradio names an upload by its content, so several calls with one photo name the same file: its pixels stay for a
    while, for those that come after the first. Thread-safe; ``clock`` returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most_bytes: int = MOST_BYTES):
        self._clock, self._most_bytes = clock, most_bytes
        self._kept: OrderedDict[tuple, tuple[float, np.ndarray]] = OrderedDict()  # by name, and what it was read as
        self._lock = threading.Lock()

    def read(self, file: object) -> np.ndarray:
        """{"path": ...} of Gradio's, or a data: URL -> (H, W, 3) uint8. Raises PhotoError."""
        return self._read(file, "photo", open_photo)

    def read_mask(self, file: object, width: int, height: int) -> np.ndarray:
        """The same for a mask of a photo of that size -> (H, W) bool. Raises PhotoError, SegmentationError."""
        return self._read(file, (width, height), lambda data: open_mask(data, width, height))

    def _read(self, file: object, kind: Hashable, opener: Callable[[bytes], np.ndarray]) -> np.ndarray:
        name = file.get("path") if isinstance(file, dict) else file
        if isinstance(name, str) and name.startswith("data:"):
            return opener(_decoded(name))
        with self._lock:
            self._sweep()
            try:
                path = uploaded_file(name)
            except PhotoError as error:
                if isinstance(name, str) and (name, kind) in self._kept:
                    return self._kept[name, kind][1]
                raise PhotoError(strings.ONLY_UPLOADS) from error
            try:
                data = path.read_bytes()
            finally:
                path.unlink(missing_ok=True)
            _delete_mcp_copy(data)
            image = opener(data)
            self._keep((name, kind), image)  # as the next one will call it, whose file is gone
        return image

    def sweep(self) -> None:
        """Forget what was read long ago; called by a timer of the page too."""
        with self._lock:
            self._sweep()

    def __len__(self) -> int:
        return len(self._kept)

    def _sweep(self) -> None:
        oldest = self._clock() - KEPT_SECONDS
        for name in [name for name, (read, _) in self._kept.items() if read <= oldest]:
            del self._kept[name]

    def _keep(self, key: tuple, image: np.ndarray) -> None:
        self._kept.pop(key, None)
        self._kept[key] = self._clock(), image
        while sum(kept.nbytes for _, kept in self._kept.values()) > self._most_bytes:
            self._kept.popitem(last=False)


def _decoded(url: str) -> bytes:
    """The bytes of a data: URL in base64."""
    try:
        return base64.b64decode(url.partition(";base64,")[2], validate=True)
    except ValueError as error:
        raise PhotoError(strings.ONLY_UPLOADS) from error


def _delete_mcp_copy(data: bytes) -> None:
    """Gradio writes a data: URL of an MCP call to a file, sends that to itself, and leaves it there."""
    text = base64.b64encode(data).decode("ascii")
    for kind in KINDS:
        folder = Path(get_upload_folder()) / hash_base64(f"data:image/{kind};base64,{text}")
        for copy in folder.glob("file*"):
            copy.unlink(missing_ok=True)
