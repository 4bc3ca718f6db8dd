"""A file on its way to the browser, in parts: a phone need not hold a large one as one long text."""

import base64
import secrets
import tempfile

from magicfixup_demo.errors import SavedFileError
from magicfixup_demo.ui import strings

PART_BYTES = 3 << 20  # a multiple of three, so that the parts' base64 has no padding in the middle


class Outgoing:
    """The bytes lie in a file without a name, which is gone with this object."""

    def __init__(self, data: bytes):
        self.key, self.size = secrets.token_urlsafe(16), len(data)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as this object)
        self._file.write(data)
        self._file.flush()  # a full disk says so now, and not when a part is fetched

    def part(self, at: object) -> dict:
        """{"data": base64 of what begins there, "next": where the next part begins, or null}. Raises SavedFileError."""
        if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at <= self.size:
            raise SavedFileError(strings.SAVE_AGAIN)
        self._file.seek(at)
        data = self._file.read(PART_BYTES)
        end = at + len(data)
        return {"data": base64.b64encode(data).decode("ascii"), "next": end if end < self.size else None}
