"""What the user is told of an error of any kind."""

import logging

from magicfixup_demo.errors import MagicFixupError
from magicfixup_demo.faults import disk_is_full, disk_is_shut, memory_is_full
from magicfixup_demo.ui import strings

log = logging.getLogger(__name__)


def sentence_of(error: Exception, what: str) -> str:
    """One sentence that says what to do; ``what`` failed, for the log, where the user did not cause it."""
    if isinstance(error, MagicFixupError):
        return str(error)
    if isinstance(error, RecursionError):  # lists in lists, deeper than anything of the page's
        return strings.BAD_REQUEST
    for known, sentence in (
        (memory_is_full, strings.MEMORY_FULL),
        (disk_is_full, strings.DISK_FULL),
        (disk_is_shut, strings.DISK_SHUT),
    ):
        if known(error):
            log.warning("%s failed: %s", what, type(error).__name__)
            return sentence
    log.error("%s failed", what, exc_info=error)
    return strings.SURPRISE
