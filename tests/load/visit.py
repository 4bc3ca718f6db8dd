"""One person's visit: open a photo, three clicks, two drags, a fix-up, a download, and away."""

import asyncio
import base64
import functools
import json
import random
import secrets
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from magicfixup_demo.collage import render
from magicfixup_demo.collage_json import collage_from_json
from magicfixup_demo.images import open_photo
from magicfixup_demo.schema import CoarseEdit
from tests.load.page_client import PageClient, Refused
from tests.load.pictures import new_upload, problem_of

POLL_SECONDS = 0.2  # as web/page/api.js
# Seconds, means of exponential distributions cut off at three times that: what people take between two actions.
LOOKING, AIMING, DRAGGING, JUDGING, AWAY = 2.0, 1.5, 2.5, 4.0, 5.0
HOVERS = 3  # questions on the way to a click
EXAMPLE_SHARE = 0.4
BUSY_SECONDS = 15.0  # who is told that the line is full tries again after that
BUSY, NOTHING_THERE = "waiting here already", "No object was found there"
CLICKS, DRAGS = 3, 2


@dataclass
class Log:
    """Seconds by step, and what went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    visits: int = 0
    fixups: int = 0
    full: int = 0
    together: Counter[int] = field(default_factory=Counter)  # fix-ups, by pictures that shared a run of the networks

    def took(self, step: str, since: float) -> None:
        self.seconds.setdefault(step, []).append(time.perf_counter() - since)


class Visitor:
    """Comes again and again, each time with another photo, until ``until`` (of time.perf_counter)."""

    def __init__(self, url: str, photos: list[Path], examples: dict[str, Path], seed: int, log: Log):
        self._url, self._photos, self._examples, self._log = url, photos, examples, log
        self._chance = random.Random(seed)

    async def keep_coming(self, until: float) -> None:
        await asyncio.sleep(self._chance.uniform(0, AWAY))
        while time.perf_counter() < until:
            await self.visit()
            await self._think(AWAY)

    async def visit(self) -> None:
        """One visit; what goes wrong is written down."""
        try:
            async with PageClient(self._url) as page:
                await self._use(page)
            self._log.visits += 1
        except Exception as problem:  # each is a finding, whatever its kind
            self._log.errors.append(f"{_step_of(problem)}: {type(problem).__name__}: {problem}"[:300])

    async def _use(self, page: PageClient) -> None:
        token, pixels = await self._open(page)
        segments = [await self._click(page, token, pixels) for _ in range(CLICKS)]
        moved = [await self._drag(page, token, pixels, segment) for segment in segments[:DRAGS]]
        job = secrets.token_hex(16)
        collage = _collage(pixels, moved)
        await self._fix_up(page, {"token": token, "job": job, "collage": json.dumps(collage), "options": {}})
        await self._think(JUDGING)
        data = await self._download(page, {"token": token, "job": job, "collage": collage, "form": "png"})
        boxes = [box for segment, matrix in moved for box in _boxes(segment, matrix)]
        arranged = functools.partial(_arranged, pixels, collage)
        problem = await asyncio.to_thread(problem_of, data, pixels, boxes, arranged)
        if problem:
            self._log.errors.append(f"download: {problem}")
        await self._think(LOOKING)

    async def _open(self, page: PageClient) -> tuple[str, np.ndarray]:
        example = self._chance.random() < EXAMPLE_SHARE
        if example:
            name, path = self._chance.choice(list(self._examples.items()))
            pixels = await asyncio.to_thread(open_photo, path)
        else:
            upload = await asyncio.to_thread(new_upload, self._photos, self._chance)
            pixels = upload.pixels
        began = time.perf_counter()
        if example:
            photo = await page.call("open_example", {"name": name, "visit": page.visit})
        else:
            path = await page.upload(upload.data)
            photo = await page.call("open_upload", {"path": path, "name": "photo.jpg", "visit": page.visit})
        self._log.took("open, shown", began)
        while not (status := (await page.call("status", {"token": photo["token"]}))["photo"])["ready"]:
            if status["problem"]:
                raise Refused(status["problem"])
            await asyncio.sleep(POLL_SECONDS)
        self._log.took("open, ready", began)
        await self._think(LOOKING)
        return photo["token"], pixels

    async def _click(self, page: PageClient, token: str, pixels: np.ndarray) -> dict:
        """What a click selects; where there is nothing to select people click beside it."""
        while True:
            for _ in range(HOVERS):
                await self._think(AIMING / HOVERS)
                began = time.perf_counter()
                await page.call("hover", {"token": token, "point": self._point(pixels)})
                self._log.took("hover", began)
            began = time.perf_counter()
            prompt = {"points": [[*self._point(pixels), True]]}
            try:
                candidates = (await page.call("segment", {"token": token, "prompt": prompt}))["candidates"]
            except Refused as nothing:
                if NOTHING_THERE not in str(nothing):
                    raise
                continue
            self._log.took("click", began)
            return candidates[0]

    async def _drag(self, page: PageClient, token: str, pixels: np.ndarray, found: dict) -> tuple[dict, list[float]]:
        """The page asks for the cut-out's soft edge when it is made; the drag itself is the page's own work."""
        segment = {side: found[side] for side in ("left", "top", "width", "height", "mask")}
        began = time.perf_counter()
        segment = await page.call("matte", {"token": token, "segment": segment})
        self._log.took("soft edge", began)
        await self._think(DRAGGING)
        reach = [self._chance.choice((-1, 1)) * self._chance.uniform(0.03, 0.15) for _ in range(2)]
        return segment, [1, 0, 0, 1, reach[0] * pixels.shape[1], reach[1] * pixels.shape[0]]

    async def _fix_up(self, page: PageClient, request: dict) -> None:
        while True:
            began, at_work = time.perf_counter(), False
            async for message in page.follow(request):
                kind = message.get("kind")
                if kind == "progress" and "in line" in message["text"]:
                    self._log.places.append(message["text"])
                if kind == "progress" and message["fraction"] > 0 and not at_work:
                    self._log.took("queue wait", began)
                    at_work = True
                if kind == "done":
                    self._log.took("fix-up", began)
                    self._log.fixups += 1
                    self._log.together[message["value"]["together"]] += 1
                    return
                if kind == "error":
                    if BUSY not in message["message"]:
                        raise Refused(message["message"])
                    self._log.full += 1
                    break
            else:
                raise Refused("A fix-up ended without a word.")
            await asyncio.sleep(BUSY_SECONDS)

    async def _download(self, page: PageClient, request: dict) -> bytes:
        began = time.perf_counter()
        part = await page.call("save", {**request, "what": "result", "sample": 0})
        key, data = part["key"], base64.b64decode(part["data"])
        while part["next"] is not None:
            part = await page.call("save_part", {"token": request["token"], "key": key, "at": part["next"]})
            data += base64.b64decode(part["data"])
        self._log.took("download", began)
        return data

    def _point(self, pixels: np.ndarray) -> list[int]:
        height, width = pixels.shape[:2]
        return [int(self._chance.uniform(0.2, 0.8) * width), int(self._chance.uniform(0.2, 0.8) * height)]

    async def _think(self, mean: float) -> None:
        await asyncio.sleep(min(self._chance.expovariate(1 / mean), 3 * mean))


def _step_of(problem: Exception) -> str:
    """The name of the step of a visit in which it was raised."""
    names = [frame.name for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == __file__]
    return names[-1].strip("_").replace("_", " ")


def _collage(pixels: np.ndarray, moved: list[tuple[dict, list[float]]]) -> dict:
    height, width = pixels.shape[:2]
    return {
        "version": 2,
        "photo": {"width": width, "height": height},
        "segments": [{**segment, "id": f"s{i}"} for i, (segment, _) in enumerate(moved)],
        "layers": [{"id": f"l{i}", "segment": f"s{i}", "matrix": matrix} for i, (_, matrix) in enumerate(moved)],
    }


def _arranged(pixels: np.ndarray, collage: dict) -> CoarseEdit:
    return render(pixels, collage_from_json(json.dumps(collage)))


def _boxes(segment: dict, matrix: list[float]) -> list[tuple[float, float, float, float]]:
    """Where it was, and where it is: (x0, y0, x1, y1)."""
    x, y, width, height = (segment[side] for side in ("left", "top", "width", "height"))
    return [
        (x, y, x + width, y + height),
        (x + matrix[4], y + matrix[5], x + matrix[4] + width, y + matrix[5] + height),
    ]
