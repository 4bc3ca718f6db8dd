"""What the page says to its server, without a browser: twenty visitors then cost less than one Chromium."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx

API = "/gradio_api/"
SILENCE_SECONDS = 45.0  # as in web/page/stream.js
PATIENCE_SECONDS = 120.0


class Refused(Exception):
    """The server answered with a sentence instead of what was asked for."""


class PageClient:
    """One visit. ``async with`` begins it and ends it as a closing tab does: its heartbeat breaks off."""

    def __init__(self, url: str):
        # As browsers: six connections to a host; and none is used again that the server is about to close (after 5 s).
        limits = httpx.Limits(max_connections=6, keepalive_expiry=3.0)
        self._http = httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, limits=limits)
        self._session = secrets.token_hex(16)
        self.visit = ""

    async def __aenter__(self) -> "PageClient":
        await self._get("/")
        config = (await self._get("/config")).json()
        components = config["components"]
        self._component = next(item["id"] for item in components if item["props"].get("elem_id") == "magicfixup")
        self._beat = asyncio.create_task(self._heartbeat())
        body = {"data": [], "session_hash": self._session}
        self.visit = (await self._post("run/welcome", json=body)).json()["data"][0]["visit"]
        return self

    async def __aexit__(self, *_):
        self._beat.cancel()
        with suppress(asyncio.CancelledError, httpx.HTTPError):
            await self._beat
        await self._http.aclose()

    async def call(self, name: str, record: dict) -> dict:
        """The answer of one of the page's own functions. Raises Refused, httpx.HTTPError."""
        body = {"component_id": self._component, "fn_name": name, "session_hash": self._session, "data": record}
        answer = (await self._post("component_server", json=body)).json()
        if not isinstance(answer, dict):
            raise Refused(f"{name}: no answer")
        if "error" in answer:
            raise Refused(answer["error"])
        return answer

    async def upload(self, data: bytes) -> str:
        """Send a file; where the server put it."""
        return (await self._post("upload", files={"files": (secrets.token_hex(8), data)})).json()[0]

    async def follow(self, request: dict) -> AsyncIterator[dict]:
        """The messages of a fix-up, as web/page/stream.js hears them. Raises Refused, httpx.HTTPError."""
        joined = await self._post("call/page_fixup", json={"data": [request]})
        path = f"{API}call/page_fixup/{joined.json()['event_id']}"
        event = ""
        async with self._http.stream("GET", path, timeout=SILENCE_SECONDS) as answers:
            answers.raise_for_status()
            async for line in answers.aiter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    event = value
                elif field == "data" and event == "error":
                    raise Refused(f"The fix-up broke off: {value}")
                elif field == "data" and event in ("generating", "complete"):
                    for message in json.loads(value):
                        yield message
                    if event == "complete":
                        return
        raise Refused("The stream of a fix-up ended before its last message.")

    async def _heartbeat(self):
        async with self._http.stream("GET", f"{API}heartbeat/{self._session}", timeout=None) as answer:
            async for _ in answer.aiter_bytes():
                pass

    async def _get(self, path: str) -> httpx.Response:
        return (await self._http.get(path)).raise_for_status()

    async def _post(self, path: str, **content) -> httpx.Response:
        return (await self._http.post(API + path, **content)).raise_for_status()
