"""Which addresses this server answers: those that the page, gradio_client and MCP use, and no other of Gradio's.

Gradio has more routes than this page needs: some hand out what a session holds, fetch addresses, or keep what is sent
to them. A route that is not listed here is not there.
"""

import os
from pathlib import Path, PurePath

PAGE = {"/", "/config", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json", "/login", "/logout"}
PAGE_FOLDERS = ("/assets/", "/static/", "/svelte/")  # Gradio's own front end
API = "/gradio_api/"
CALLS = {"info", "openapi.json", "queue/join", "queue/data", "upload", "upload_progress", "component_server"}
CALLS |= {"cancel", "reset", "startup-events", "theme.css", "login_check", "user", "app_id", "mcp"}
CALL_FOLDERS = ("call/", "run/", "heartbeat/", "mcp/")
FILE = "file="
UPLOAD = API + "upload"


def is_open(path: str, folders: tuple[Path, ...]) -> bool:
    """Whether there is a door at this path, percent-decoded once; files are served from ``folders`` alone."""
    if "\0" in path or "\\" in path or ".." in path.split("/"):
        return False
    if not path.startswith(API):
        return (path.rstrip("/") or "/") in PAGE or path.startswith(PAGE_FOLDERS)
    call = path.removeprefix(API)
    if call.startswith(FILE):
        return is_served(call.removeprefix(FILE), folders)
    return call.rstrip("/") in CALLS or call.startswith(CALL_FOLDERS)


def is_served(name: str, folders: tuple[Path, ...]) -> bool:
    """Whether a file of that name may go to browsers: in one of ``folders``, without detours or dotfiles."""
    path = PurePath(name)
    if not path.is_absolute() or os.path.normpath(name) != name:
        return False
    inside = [path.relative_to(folder).parts for folder in folders if path.is_relative_to(folder)]
    return any(parts and not any(part.startswith(".") for part in parts) for parts in inside)
