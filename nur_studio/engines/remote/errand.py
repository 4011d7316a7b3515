"""One take that a server makes: asked for, followed, fetched, and deleted there, on a thread of its own.

What waits for a network cannot hear a cancel; so that thread waits, and tells by `news` what there is to tell.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from nur_studio.core.errors import (
    Cancelled,
    GenerationFailed,
    QueueFull,
    ServerUnavailable,
    StudioError,
    TrackNotFound,
)
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import CancelToken, OnProgress, Progress, ranged
from nur_studio.remote.api import Event, StudioApi
from nur_studio.remote.server import Server

log = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 6
"""How often a line that broke is taken up again before it counts as broken."""

FULL_S = 1800.0
"""How long to ask again where the server has no room."""

LET_GO_S = 0.8
"""A cancel has a second in all."""

_AGAIN_S = 0.5  # after the first break, then twice as long, and so on
_SILENT_S = 15.0  # events come, or a sign of life, every 5 s
_LOOK_EVERY_S = 0.05
_MAKING_SHARE = 0.9
_MIX = "mix"


@dataclass(frozen=True, slots=True)
class Brought:
    """A finished take: `files` by part, the mix and maybe stems, lossless; what the server says of it."""

    files: Mapping[str, Path]
    facts: Mapping[str, Any]
    recipe: Mapping[str, Any]


News = Progress | Brought | Exception


class Errand:
    """Has `server` make the music that `body` asks for, and brings it into `folder`. `news` ends with `Brought` or a
    fault.

    A take that was brought is deleted there, as is one given up. Where the line breaks for good it is not: what is
    made there goes on, and is in the library there.
    """

    def __init__(self, server: Server, body: Mapping[str, Any], folder: Path) -> None:
        self.news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._server, self._body, self._folder = server, body, folder
        self._api = StudioApi.of(server)
        self._given_up = CancelToken()
        self._lock = threading.Lock()
        self._track_id = ""
        self._thread = threading.Thread(target=self._run, name="nur-studio errand", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give_up(self) -> None:
        """Nobody wants it any more. Takes at most `LET_GO_S`."""
        with self._lock:
            self._given_up.cancel()
            track_id = self._track_id
        if track_id:
            self._delete(track_id)
        else:
            self._thread.join(LET_GO_S)  # it is being asked for in this moment: who asks deletes it

    # -- on the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            track_id = self._ask()
            facts = self._follow(track_id)
            brought = self._fetch(track_id, facts)
            self._delete(track_id)
            self.news.put(brought)
        except Cancelled:
            pass
        except Exception as error:
            self.news.put(error)

    def _ask(self) -> str:
        """The id of the pending take there. Not asked twice where the line broke: it might be made twice."""
        deadline = time.monotonic() + FULL_S
        while True:
            try:
                (facts,) = self._api.submit(self._body)
                break
            except QueueFull as error:
                if time.monotonic() + error.retry_after_s > deadline:
                    raise
                self.news.put(Progress(f"waiting for room on {self._server.host}", 0.0))
                self._pause(error.retry_after_s)
        with self._lock:
            self._track_id = track_id = str(facts["id"])
            unwanted = self._given_up.is_set()
        if unwanted:
            self._delete(track_id)
            raise Cancelled
        return track_id

    def _follow(self, track_id: str) -> Mapping[str, Any]:
        """What the server says of the finished take."""
        broken = 0
        while True:
            try:
                for event in self._api.events(track_id, _SILENT_S):
                    self._given_up.check()
                    if event.name != "progress":
                        return self._end(event)
                    broken = 0
                    self._tell(event)
                fault = ServerUnavailable(f"The studio's server at {self._server.address} cannot be reached.")
            except TrackNotFound as error:
                raise self._gone() from error
            except ServerUnavailable as error:
                fault = error
            broken += 1
            self._bear(fault, broken)

    def _tell(self, event: Event) -> None:
        progress, ahead = event.progress, event.data.get("ahead")
        stage = f"waiting behind {ahead} on {self._server.host}" if ahead else progress.stage
        self.news.put(Progress(stage, _MAKING_SHARE * progress.fraction))

    def _end(self, event: Event) -> Mapping[str, Any]:
        if event.name == "completed":
            return event.data
        if event.name == "failed":
            raise GenerationFailed(f"{self._server.host}: {event.data.get('error') or 'it could not be made.'}")
        raise self._gone()

    def _gone(self) -> GenerationFailed:
        return GenerationFailed(f"The take was deleted on {self._server.host} before it came here.")

    def _fetch(self, track_id: str, facts: Mapping[str, Any]) -> Brought:
        stems = facts.get("stems")
        apart = isinstance(stems, Mapping) and all(stems.get(stem) for stem in STEMS)
        parts = (_MIX, *STEMS) if apart else (_MIX,)
        files = {}
        for number, part in enumerate(parts):
            start, end = (_MAKING_SHARE + (1 - _MAKING_SHARE) * (number + n) / len(parts) for n in (0, 1))
            share = ranged(self.news.put, start, end)
            files[part] = self._patiently(partial(self._download, track_id, part, share))
        return Brought(files, facts, self._patiently(partial(self._api.recipe, track_id)))

    def _download(self, track_id: str, part: str, on_progress: OnProgress) -> Path:
        """As it lies there: the mix in the format that was asked for, which is flac, and stems as masters."""
        target = self._folder / f"{part}.flac"
        return self._api.download(track_id, target, part, None, on_progress, self._given_up)

    def _patiently(self, call: Callable[[], T]) -> T:
        """What comes of it, asked for again where the line breaks."""
        broken = 0
        while True:
            self._given_up.check()
            try:
                return call()
            except TrackNotFound as error:
                raise self._gone() from error
            except ServerUnavailable as error:
                broken += 1
                self._bear(error, broken)

    def _bear(self, fault: ServerUnavailable, broken: int) -> None:
        if broken >= TRIES:
            raise ServerUnavailable(
                fault.sentence, hint=f"What was begun on {self._server.host} goes on there, and stays in its library."
            ) from fault
        self._pause(_AGAIN_S * 2 ** (broken - 1))

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._given_up.check()
            time.sleep(min(left, _LOOK_EVERY_S))

    def _delete(self, track_id: str) -> None:
        """It is here, or nobody wants it; what goes wrong with that is no fault of the take."""
        try:
            self._api.delete(track_id, LET_GO_S)
        except StudioError as error:
            log.warning("%s is left on %s: %s", track_id, self._server.host, error)
