"""Files that the guard answers with by itself, and that browsers keep: their address changes whenever they do."""

import functools
import gzip
import hashlib
from dataclasses import dataclass

from starlette.responses import Response

VARY = {"Vary": "Accept-Encoding"}


@dataclass(frozen=True)
class KeptFile:
    """``stem`` and ``suffix``: of its address; ``media_type``: HTTP's."""

    stem: str
    suffix: str
    media_type: str
    content: bytes

    @functools.cached_property
    def path(self) -> str:
        """Where it is, from the server's root, such as "/editor-0123456789abcdef.js"."""
        return f"/{self.stem}-{hashlib.sha256(self.content).hexdigest()[:16]}.{self.suffix}"

    def answer(self, accepted: str) -> Response:
        """What to answer; ``accepted``: the request's Accept-Encoding."""
        if "gzip" not in accepted:
            return Response(self.content, media_type=self.media_type, headers=VARY)
        return Response(self._packed, media_type=self.media_type, headers={"Content-Encoding": "gzip"} | VARY)

    @functools.cached_property
    def _packed(self) -> bytes:
        return gzip.compress(self.content, mtime=0)
