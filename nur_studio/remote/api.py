"""The studio's HTTP interface as Python calls: submit, follow, fetch. Answers are MusicTracks as JSON has them."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nur_studio.audio.whole import replacing
from nur_studio.core.errors import ServerUnavailable, TrackNotFound
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, Progress, ignore_progress
from nur_studio.core.track import is_track_id
from nur_studio.remote.http import ANSWER_S, Http
from nur_studio.remote.server import About, Server

Facts = dict[str, Any]
"""A MusicTrack: the reference's fields and the studio's own."""

_READ_BYTES = 1 << 18
_FILE_NAME = re.compile(r"filename\*=utf-8''([^;]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a track: `name` is "progress", or how it ended: "completed", "failed", "deleted",
    "error" (a separation that did not work out).
    """

    name: str
    data: Mapping[str, Any]

    @property
    def progress(self) -> Progress:
        """How far it is, of a "progress"."""
        eta = self.data.get("eta_s")
        return Progress(str(self.data.get("stage", "")), float(self.data.get("fraction", 0.0)), eta)


class StudioApi:
    """The studio behind `base_url`. Safe to use from any thread; raises `ServerUnavailable`, and the errors of the
    studio there as if it were here.
    """

    def __init__(self, base_url: str, token: str | None = None) -> None:
        self._http = Http(base_url, token)

    @classmethod
    def of(cls, server: Server) -> StudioApi:
        """The studio that `server` is."""
        return cls(server.address, server.token or None)

    def submit(self, body: Mapping[str, Any]) -> list[Facts]:
        """Ask for music (`core.fields.body_of` makes the body of a request); a pending track for each take."""
        answer = self._http.json("POST", "/v1/music/generate", body=body)
        return [_facts(each) for each in (answer if isinstance(answer, list) else [answer])]

    def get(self, track_id: str) -> Facts:
        """Everything about a track. Raises `TrackNotFound`."""
        return _facts(self._http.json("GET", _path(track_id), track_id=track_id))

    def find(self, **query: Any) -> list[Facts]:
        """A page of tracks, newest first: `limit`, `after`, `text`, `genre`, `engine`, `starred`."""
        answer = self._http.json("GET", "/v1/music", {name: value for name, value in query.items() if value})
        if not isinstance(answer, Mapping) or not isinstance(answer.get("tracks"), list):
            raise _no_studio()
        return [_facts(each) for each in answer["tracks"]]

    def recipe(self, track_id: str) -> Facts:
        """How a finished track was made, and where its bars and sections are. Raises `TrackNotFound`."""
        return _facts(self._http.json("GET", f"{_path(track_id)}/recipe", track_id=track_id))

    def delete(self, track_id: str, silent_s: float = ANSWER_S) -> None:
        """Delete a track; one on its way is cancelled. Raises `TrackNotFound`, `TrackUnfinished`."""
        self._http.json("DELETE", _path(track_id), track_id=track_id, silent_s=silent_s)

    def separate(self, track_id: str, model: str | None = None, *, force: bool = False) -> Facts:
        """Have a track separated; follow its `events` to the end."""
        query = {"model": model} if model else {}
        if force:
            query["force"] = "true"
        return _facts(self._http.json("POST", f"{_path(track_id)}/separate", query, track_id=track_id))

    def about(self, silent_s: float = ANSWER_S) -> About:
        """The studio there and what makes music there. Says, too, that it takes our token."""
        answer = self._http.json("GET", "/v1/engines", silent_s=silent_s)
        engines = answer.get("engines") if isinstance(answer, Mapping) else None
        if not isinstance(engines, list) or not all(isinstance(each, dict) for each in engines):
            raise _no_studio()
        return About(str(answer.get("version") or ""), str(answer.get("library") or ""), tuple(engines))

    def events(self, track_id: str, silent_s: float = ANSWER_S) -> Iterator[Event]:
        """What happens to a track until it has ended; the last one says how. Raises `ServerUnavailable` where the
        connection breaks before, or says nothing for `silent_s`: what is made there goes on.
        """
        name, data = "", ""
        path = f"{_path(track_id)}/events"
        with self._http.open("GET", path, track_id=track_id, silent_s=silent_s) as answer:
            while line := self._line(answer):
                field, _, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = value
                elif not field and name:
                    yield Event(name, _facts(_parsed(data), track=False))
                    name, data = "", ""

    def download(
        self,
        track_id: str,
        target: Path | Callable[[str], Path],
        part: str = "mix",
        kind: str | None = None,
        on_progress: OnProgress = ignore_progress,
        cancel: Cancel | None = None,
    ) -> Path:
        """Fetch a part of a finished track as a file in the format `kind` (its own where None); whole at the end, or
        not there. `target` may be made of the name that the server gives it.
        """
        query = {"part": part, **({"format": kind} if kind else {})}
        cancel = cancel or CancelToken()
        with self._http.open("GET", f"{_path(track_id)}/download", query, track_id=track_id) as answer:
            path = target if isinstance(target, Path) else target(_name_of(answer) or f"{track_id}.{kind or 'audio'}")
            size, done = int(answer.headers.get("Content-Length") or 0), 0
            with replacing(path) as file:
                while data := self._block(answer):
                    cancel.check()
                    file.write(data)
                    done += len(data)
                    on_progress(Progress("fetching", done / max(size, done)))
                if done != size:
                    raise self._http.unreachable(ConnectionError("it ended in the middle of a file"))
        return path

    def _line(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.readline(1 << 20)
        except (OSError, http.client.HTTPException) as error:
            raise self._http.unreachable(error) from error

    def _block(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            return answer.read(_READ_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise self._http.unreachable(error) from error


def _path(track_id: str) -> str:
    if not is_track_id(track_id):  # nothing else may become part of an address
        raise TrackNotFound(track_id)
    return f"/v1/music/{track_id}"


def _facts(answer: object, *, track: bool = True) -> Facts:
    if not isinstance(answer, dict) or (track and not is_track_id(str(answer.get("id")))):
        raise _no_studio()
    return answer


def _parsed(data: str) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _no_studio() -> ServerUnavailable:
    return ServerUnavailable("The server answers, and not as a studio would.")


def _name_of(answer: http.client.HTTPResponse) -> str:
    """The last part of the name it gives; never a path."""
    disposition = answer.headers.get("Content-Disposition") or ""
    found = _FILE_NAME.search(disposition) or re.search(r'filename="([^"]+)"', disposition)
    return re.split(r"[/\\]", unquote(found[1]))[-1].lstrip(".") if found else ""
