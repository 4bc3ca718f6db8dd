"""The guard at the server's door: an ASGI middleware around Gradio's routes that passes streams on as they come."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from magicfixup_demo.faults import disk_is_full, disk_is_shut
from magicfixup_demo.serving import bodies
from magicfixup_demo.serving.bodies import BoundedBody, Held, Refused
from magicfixup_demo.serving.doors import API, FILE, UPLOAD, is_open, is_served
from magicfixup_demo.serving.headers import headers_for
from magicfixup_demo.serving.kept import KeptFile
from magicfixup_demo.serving.origins import is_from_elsewhere, is_known

NOT_UNDERSTOOD = "This request cannot be understood; reload the page and try again."
NOT_HERE = "There is nothing at this address."
WRONG_NAME = "This server has another name; use the address that it printed, or start it with --allow-host."
NO_DISK = "The server's disk takes nothing more at the moment; your work is kept, try again in a few minutes."
ELSEWHERE = "Another web site made your browser send this; open this page itself."
log = logging.getLogger(__name__)
HEALTH, METRICS = "/healthz", "/metrics"


@dataclass(frozen=True)
class Rules:
    """What the guard goes by.

    ``program``: folders whose files belong to the page; ``answers``: those whose files programs fetch. ``uploads``:
    where uploads arrive, ``upload_bytes`` the most of one. ``kept``: path -> a file of the page that is in memory.
    ``hosts``: the server's names; any where empty. ``private``: whether requests that other web sites cause are
    refused. ``silence``: seconds. ``health``: -> (well, what is told); ``metrics``: -> Prometheus text.
    """

    program: tuple[Path, ...]
    answers: tuple[Path, ...]
    uploads: Path
    upload_bytes: int
    kept: Mapping[str, KeptFile] = field(default_factory=dict)
    on_space: bool = False
    hosts: frozenset[str] = frozenset()
    private: bool = False
    silence: float = bodies.SILENCE_SECONDS
    health: Callable[[], tuple[bool, dict]] | None = None
    metrics: Callable[[], bytes] | None = None
    held: Held = field(default_factory=Held)
    uploading: Held = field(default_factory=lambda: Held(bodies.MOST_UPLOADING_BYTES))


class Guard:
    """``app``: what is guarded."""

    def __init__(self, app: Callable, rules: Rules):
        self._app, self._rules = app, rules

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] == "websocket":  # Gradio uses none
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            await self._answer(scope, receive, self._with_headers(_path(scope), send))

    async def _answer(self, scope: dict, receive: Callable, send: Callable) -> None:
        told = self._refusal(scope) or self._own(scope) or self._missing(scope)
        if told is not None:
            await told(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send)

    def _own(self, scope: dict) -> Response | None:
        """What the guard answers by itself."""
        path, asked = _path(scope), scope["method"] in ("GET", "HEAD")
        if asked and path in self._rules.kept:
            return self._rules.kept[path].answer(_headers(scope).get("accept-encoding", ""))
        if asked and path == HEALTH and self._rules.health:
            well, told = self._rules.health()
            return JSONResponse(told, 200 if well else 503)
        if asked and path == METRICS and self._rules.metrics:
            return Response(self._rules.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")
        return None

    def _refusal(self, scope: dict) -> Response | None:
        """Why this client is not answered, else None."""
        rules, headers = self._rules, _headers(scope)
        if not is_known(headers.get("host", ""), rules.hosts):
            return _sentence(421, WRONG_NAME)
        if rules.private and is_from_elsewhere(scope["method"], headers):
            return _sentence(403, ELSEWHERE)
        return None

    def _missing(self, scope: dict) -> Response | None:
        """Why there is nothing at this address, or no room for what is sent there, else None."""
        rules = self._rules
        if not is_open(_path(scope), rules.program + rules.answers):
            return _sentence(404, NOT_HERE)
        if _is_upload(scope) and bodies.bytes_in(rules.uploads) > bodies.MOST_WAITING_BYTES:
            return _sentence(503, bodies.TOO_MUCH)
        return None

    async def _pass_on(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Gradio's own answer, unless the body turns out to be too much; then that is the answer."""
        body, begun = self._body(scope, receive), False

        async def once(message: dict) -> None:
            nonlocal begun
            if begun or body.refused is None:
                begun = True
                await send(message)

        try:
            body.check(_length(scope))
            await self._app(scope, body, once)
        except Refused as refused:
            body.refused = refused
        except ClientDisconnect:  # so it is nobody's fault
            pass
        except (ValueError, KeyError, RecursionError) as error:
            # NaN, half a character, lists in lists, a function that is not there: Gradio fails on these
            if begun:
                raise
            log.info("a request that cannot be answered", exc_info=error)
            body.refused = body.refused or Refused(400, NOT_UNDERSTOOD)
        except Exception as error:
            if disk_is_full(error) or disk_is_shut(error):
                log.warning("the disk takes no more: %s", type(error).__name__)
                body.refused = body.refused or Refused(507, NO_DISK)
            if body.refused is None:
                raise
        finally:
            body.release()
        if body.refused is not None and not begun:
            await _sentence(body.refused.status, str(body.refused))(scope, receive, send)

    def _body(self, scope: dict, receive: Callable) -> BoundedBody:
        rules = self._rules
        if _is_upload(scope):
            return BoundedBody(receive, rules.upload_bytes + bodies.UPLOAD_EXTRA, rules.uploading, rules.silence)
        return BoundedBody(receive, bodies.MOST_JSON_BYTES, rules.held, rules.silence)

    def _with_headers(self, path: str, send: Callable) -> Callable:
        name, rules = path.removeprefix(API + FILE), self._rules
        program, kept = is_served(name, rules.program), path in rules.kept
        headers = headers_for(path, rules.on_space, program=program, kept=kept)

        async def sent(message: dict) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        return sent


def _path(scope: dict) -> str:
    """The path below the one that a proxy gave this server, where it left that in."""
    root, path = scope.get("root_path", ""), scope["path"]
    return path.removeprefix(root) if root and path.startswith(root + "/") else path


def _is_upload(scope: dict) -> bool:
    return _path(scope).rstrip("/") == UPLOAD


def _headers(scope: dict) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _length(scope: dict) -> int:
    """What the client says that it will send; a nonsense number says nothing."""
    text = _headers(scope).get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _sentence(status: int, text: str) -> Response:
    """As Gradio's own refusals are made."""
    return JSONResponse({"detail": text}, status)
