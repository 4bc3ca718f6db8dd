"""The editor as a Gradio component: HTML, CSS and JavaScript in real files under ``web/``."""

from collections.abc import Callable
from pathlib import Path

import gradio as gr

WEB_FOLDER = Path(__file__).resolve().parents[1] / "web"

# The body of a Function(element, trigger, props, server, upload, watch). A static import is impossible here, and
# messages may come before the module has arrived, so they wait in an inbox. 'fixup' in quotes declares the event.
MOUNT = """
const inbox = [];
const port = { deliver: (message) => inbox.push(message), fixup: () => trigger('fixup') };
watch('value', () => port.deliver(props.value));
const root = window.gradio_config?.root ?? '';
import(root + '/gradio_api/file=' + encodeURI(props.module)).then((editor) => {
  editor.mount({ element, props, server, upload, port, root });
  inbox.forEach((message) => port.deliver(message));
});
"""

from gradio.events import Dependency

class Editor(gr.HTML):
    """Value: from the page the fix-up request, to the page one message (a dict with a ``kind``)."""

    def __init__(self, server_functions: list[Callable[[dict], dict]], **kwargs):
        super().__init__(
            value=None,
            html_template=(WEB_FOLDER / "editor.html").read_text("utf-8"),
            js_on_load=MOUNT,
            apply_default_css=False,
            server_functions=server_functions,
            module=str(WEB_FOLDER / "editor.js"),
            **kwargs,
        )

    def preprocess(self, payload: dict | None) -> dict | None:
        """The request as the page sent it."""
        return payload

    def postprocess(self, value: dict | None) -> dict | None:
        """The message as it is: it is never put into the template."""
        return value

    def api_info(self) -> dict:
        return {"type": "object"}
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component
