"""The editor as a Gradio component: HTML, CSS and JavaScript in real files under ``web/``."""

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import gradio as gr

from magicfixup_demo.serving.kept import KeptFile
from magicfixup_demo.ui.script import page_script

WEB_FOLDER = Path(__file__).resolve().parents[1] / "web"

# The body of a Function(element, trigger, props, server, upload, watch). A static import is impossible here, and
# messages may come before the module has arrived, so they wait in an inbox.
MOUNT = """
const inbox = [];
const port = { deliver: (message) => inbox.push(message) };
watch('value', () => port.deliver(props.value));
const root = window.gradio_config?.root ?? '';
import(root + props.module).then((editor) => {
  editor.mount({ element, server, port, root });
  inbox.forEach((message) => port.deliver(message));
});
"""


def page_html() -> str:
    """``editor.html`` with each ``<!-- part: name -->`` replaced by ``parts/name.html``, which may hold parts too.

    Each ``[[label]]`` becomes its words of ``page/labels.json``, the file to translate; KeyError for an unknown one.
    """
    labels = json.loads((WEB_FOLDER / "page" / "labels.json").read_text("utf-8"))

    def filled(text: str) -> str:
        return re.sub(r"<!-- part: (\w+) -->", lambda part: filled(_part(part[1])), text)

    page = filled((WEB_FOLDER / "editor.html").read_text("utf-8"))
    return re.sub(r"\[\[([\w-]+)\]\]", lambda label: html.escape(labels[label[1]]), page)


def style_sheets() -> list[Path]:
    """``base.css`` first, ``narrow.css`` last, since it changes the others for small windows."""
    return sorted(
        (WEB_FOLDER / "styles").glob("*.css"), key=lambda path: (path.stem == "narrow", path.stem != "base", path)
    )


def editor_script() -> KeptFile:
    """``editor.js`` and all that it imports."""
    return page_script(WEB_FOLDER, "editor.js")


def head_html() -> str:
    """The script is fetched while Gradio's own are; relative, for a server below another's path."""
    return f'<link rel="modulepreload" href="{editor_script().path.removeprefix("/")}">'


def _part(name: str) -> str:
    return (WEB_FOLDER / "parts" / f"{name}.html").read_text("utf-8").rstrip("\n")


class Editor(gr.HTML):
    """Value: one message to the page (a dict with a ``kind``); what the page asks goes through server functions."""

    def __init__(self, server_functions: list[Callable[[dict], dict]], **kwargs):
        super().__init__(
            value=None,
            html_template=page_html(),
            js_on_load=MOUNT,
            apply_default_css=False,
            server_functions=server_functions,
            module=editor_script().path,
            **kwargs,
        )

    def postprocess(self, value: dict | None) -> dict | None:
        """The message as it is: it is never put into the template."""
        return value

    def api_info(self) -> dict:
        return {"type": "object"}
