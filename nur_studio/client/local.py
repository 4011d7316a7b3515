"""A client over the studio on this machine."""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nur_studio.audio.files import Encoding
from nur_studio.client.tracks import Facts
from nur_studio.core.errors import Cancelled, StudioError, TrackNotFound
from nur_studio.core.fields import request_from
from nur_studio.core.paths import Directories
from nur_studio.core.progress import OnProgress
from nur_studio.core.track import Status
from nur_studio.reference import music_track
from nur_studio.studio.desk import Desk
from nur_studio.studio.jobs import Job
from nur_studio.studio.studio import Studio

_CLOSED = "The program that asked for this take ended before it was finished."
_LOOK_EVERY_S = 0.1
_SETTLE_EVERY_S = 5.0


class Local:
    """`studio` stays its owner's; without one this person's is opened, and closed at the end."""

    lists_deliver = False

    def __init__(self, studio: Studio | None = None) -> None:
        self._studio = studio if studio is not None else Studio(Directories.of_person())
        self._desk = Desk(self._studio)
        # Where nobody closes: as soon as nothing refers to the desk any more (its work does), at the latest at exit.
        self._let_go = weakref.finalize(self._desk, self._studio.close if studio is None else _nothing)

    def generate(self, values: Mapping[str, Any]) -> list[Facts]:
        tracks = self._desk.generate(request_from(values))
        return [music_track(track, self._studio, deliver=False) for track in tracks]

    def get(self, track_id: str) -> Facts:
        return music_track(self._desk.shown(self._studio.library.get(track_id)), self._studio)

    def list(
        self, *, text: str, genre: str, engine: str, starred: bool, limit: int, after: str
    ) -> list[Facts]:  # fmt: skip
        found = self._studio.library.list(
            text, starred=starred, genre=genre, engine=engine, limit=limit, after=after
        )  # fmt: skip
        return [music_track(self._desk.shown(track), self._studio, deliver=False) for track in found]

    def follow(self, track_id: str, on_progress: OnProgress, timeout_s: float | None) -> None:
        job = self._desk.job(track_id)
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        if job is None:
            self._watch(track_id, deadline)
            return
        while not job.wait(_LOOK_EVERY_S if deadline is None else min(_LOOK_EVERY_S, deadline - time.monotonic())):
            on_progress(job.progress)
            _check(track_id, deadline)
        _raise_end(job)

    def _watch(self, track_id: str, deadline: float | None) -> None:
        """A take that another program makes: there is only the library to look at."""
        settled = time.monotonic()
        while self._studio.library.get(track_id).status in (Status.PENDING, Status.PROCESSING):
            _check(track_id, deadline)
            now = time.monotonic()
            if now - settled > _SETTLE_EVERY_S:
                self._studio.library.settle()  # or a program that died would be waited for in vain
                settled = now
            time.sleep(_LOOK_EVERY_S)

    def cancel(self, track_id: str) -> None:
        self._desk.cancel(track_id)

    def delete(self, track_id: str) -> None:
        self._desk.delete(track_id)

    def separate(self, track_id: str, model: str | None, *, force: bool) -> None:
        self._desk.separate(track_id, model, force=force)

    def export(self, track_id: str, target: Path, part: str, kind: str | None) -> Path:
        encoding = None if kind is None else Encoding(kind)
        return self._studio.export(track_id, target, part=part, encoding=encoding)

    def close(self, *, wait: bool) -> None:
        if wait:
            self._desk.finish()
        self._desk.close(_CLOSED)
        self._let_go()


def _raise_end(job: Job) -> None:
    if isinstance(job.outcome, Cancelled):
        raise TrackNotFound(job.track_id)
    if job.kind == "separate" and isinstance(job.outcome, StudioError):
        raise job.outcome


def _check(track_id: str, deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise TimeoutError(f"{track_id} was not finished in time.")


def _nothing() -> None:
    """What is left to do for a studio that is somebody else's."""
