"""A client over a studio's server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nur_studio.client.tracks import Facts
from nur_studio.core.error_json import error_from_json
from nur_studio.core.errors import ServerUnavailable, TrackNotFound
from nur_studio.core.fields import body_of, request_from
from nur_studio.core.names import safe_file_stem
from nur_studio.core.progress import OnProgress
from nur_studio.remote.api import Event, StudioApi
from nur_studio.remote.http import ANSWER_S

_TRIES = 5
_AGAIN_S = 0.5


class OverHttp:
    """Requests are checked here as there, in the same words, before anything is sent."""

    lists_deliver = True

    def __init__(self, base_url: str, token: str | None) -> None:
        self._api = StudioApi(base_url, token)

    def generate(self, values: Mapping[str, Any]) -> list[Facts]:
        return self._api.submit(body_of(request_from(values)))

    def get(self, track_id: str) -> Facts:
        return self._api.get(track_id)

    def list(
        self, *, text: str, genre: str, engine: str, starred: bool, limit: int, after: str
    ) -> list[Facts]:  # fmt: skip
        return self._api.find(
            text=text, genre=genre, engine=engine, starred="true" if starred else "", limit=limit, after=after
        )

    def follow(self, track_id: str, on_progress: OnProgress, timeout_s: float | None) -> None:
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        broken = 0
        while True:
            try:
                if self._followed(track_id, on_progress, deadline):
                    return
                broken = 0
            except ServerUnavailable:  # what is made there goes on: come back and look
                _check(track_id, deadline)
                broken += 1
                if broken == _TRIES:
                    raise
            _check(track_id, deadline)
            time.sleep(_AGAIN_S)

    def _followed(self, track_id: str, on_progress: OnProgress, deadline: float | None) -> bool:
        """Whether its end was heard."""
        silent_s = ANSWER_S if deadline is None else min(ANSWER_S, max(0.05, deadline - time.monotonic()))
        for event in self._api.events(track_id, silent_s):
            if event.name != "progress":
                _raise_end(track_id, event)
                return True
            on_progress(event.progress)
            _check(track_id, deadline)
        return False

    def cancel(self, track_id: str) -> None:
        if self._api.get(track_id)["status"] != "completed":
            self._api.delete(track_id)

    def delete(self, track_id: str) -> None:
        self._api.delete(track_id)

    def separate(self, track_id: str, model: str | None, *, force: bool) -> None:
        self._api.separate(track_id, model, force=force)

    def export(self, track_id: str, target: Path, part: str, kind: str | None) -> Path:
        if not target.is_dir():
            return self._api.download(track_id, target, part, kind)
        from nur_studio.studio.exporting import free_paths

        def place(name: str) -> Path:
            stem, _, ending = name.rpartition(".")
            return free_paths(target, [f"{safe_file_stem(stem)}.{safe_file_stem(ending)}"])[0]

        return self._api.download(track_id, place, part, kind)

    def close(self, *, wait: bool) -> None:
        """Nothing is held open."""


def _check(track_id: str, deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise TimeoutError(f"{track_id} was not finished in time.")


def _raise_end(track_id: str, event: Event) -> None:
    if event.name == "deleted":
        raise TrackNotFound(track_id)
    if event.name == "error":
        raise error_from_json(200, event.data, {"track_id": track_id})
