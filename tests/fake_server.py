"""A server of the reference over fake engines, on a thread; and a plain way to ask it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fake_engine

from nur_studio.core.errors import GenerationFailed
from nur_studio.core.paths import Directories
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.engines.base import EngineInfo, Music, MusicTask, OnAudio
from nur_studio.studio import Studio

ENGINES = (
    fake_engine.info("fake"),
    replace(fake_engine.info("slow"), factory="fake_server:EndlessEngine", options={}),
    replace(fake_engine.info("refusing"), factory="fake_server:RefusingEngine", options={}),
    fake_engine.info("whole", stems=False),
    fake_engine.info("tired", fault="sentence"),
    replace(fake_engine.info("absent"), why_not="Its weights are missing."),
)
SEPARATORS = (fake_engine.separator("apart"), fake_engine.separator("weary", fault="sentence"))


def engines() -> tuple[EngineInfo, ...]:
    return ENGINES


def make_studio(home: Path) -> Studio:
    studio = Studio(Directories.below(home), engines=engines, separators=lambda: SEPARATORS)
    studio.settings = replace(studio.settings, engine="fake", separate=False)
    return studio


class EndlessEngine:
    """One that makes nothing until it is cancelled, and is quick to notice."""

    def generate(self, task: MusicTask, on_progress: OnProgress, on_audio: OnAudio, cancel: Cancel) -> Music:
        on_progress(Progress("pretending", 0.25))
        while True:
            cancel.check()
            time.sleep(0.01)


class RefusingEngine:
    """One that fails at once."""

    def generate(self, task: MusicTask, on_progress: OnProgress, on_audio: OnAudio, cancel: Cancel) -> Music:
        raise GenerationFailed("Not today.")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs; `serving` is `nur_studio.server.running.Serving`."""

    address: str
    studio: Studio
    serving: Any

    @property
    def place(self) -> tuple[str, int]:
        parts = urlsplit(self.address)
        return parts.hostname or "", parts.port or 0

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, raw: bytes = b""
    ) -> Answer:
        """One request on a connection of its own; `body` goes as JSON."""
        connection = http.client.HTTPConnection(*self.place, timeout=20)
        headers = dict(headers or {})
        data = raw or None
        if body is not None:
            data = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


@contextmanager
def serving(
    studio: Studio, *, token: str | None = None, origins: tuple[str, ...] = (), limit: int = 64
) -> Iterator[Server]:
    from nur_studio.server.guard import Access
    from nur_studio.server.running import Serving

    running = Serving(studio, Access.given("127.0.0.1", token, origins), "127.0.0.1", 0, limit=limit)
    try:
        yield Server(running.start(), studio, running)
    finally:
        running.stop()
