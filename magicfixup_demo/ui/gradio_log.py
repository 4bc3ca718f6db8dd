"""Gradio prints the exceptions of calls, with the values that clients sent; the log tells less."""

import logging
from types import SimpleNamespace

from gradio import queueing, routes

log = logging.getLogger(__name__)


def quieten() -> None:
    """Have the two modules that answer calls tell the log in place of standard error."""
    for module in (queueing, routes):
        module.traceback = SimpleNamespace(print_exc=_tell)


def _tell() -> None:
    log.exception("a call could not be answered")
