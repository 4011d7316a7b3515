"""`NurClient`: what scripts call. The same over the studio on this machine and over a studio's server."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

from nur_studio.client.tracks import Facts, MusicTrack, Source
from nur_studio.core.errors import InvalidRequest, TrackNotFound
from nur_studio.core.fields import MAX_PAGE
from nur_studio.core.mix import LANES
from nur_studio.core.request import FORMATS
from nur_studio.core.track import is_track_id

if TYPE_CHECKING:
    from nur_studio.studio.studio import Studio

logging.getLogger("nur_studio").addHandler(logging.NullHandler())  # a script's standard error is its own

_PARTS = ("mix", *LANES)


class Backend(Source, Protocol):
    """The studio behind a client. Ids are checked before; the rest raises the studio's own errors."""

    lists_deliver: bool  # whether listed tracks bring the URLs of their files

    def generate(self, values: Mapping[str, Any]) -> list[Facts]: ...

    def list(
        self, *, text: str, genre: str, engine: str, starred: bool, limit: int, after: str
    ) -> list[Facts]: ...  # fmt: skip

    def cancel(self, track_id: str) -> None: ...

    def delete(self, track_id: str) -> None: ...

    def separate(self, track_id: str, model: str | None, *, force: bool) -> None: ...

    def export(self, track_id: str, target: Path, part: str, kind: str | None) -> Path: ...

    def close(self, *, wait: bool) -> None: ...


class NurClient:
    """Original music from words.

    Without arguments over the studio of this person on this machine: engine and library are the window's, URLs are
    `file://`, and `close`, or the end of a `with`, waits for takes asked for with `wait=False`; so does the end of a
    script that never closes its client. With `base_url` over the server there (`nur-studio serve`), `token` being the
    one it was started with. May be used from any thread: takes are made in the order they were asked for.

    Every error is a `StudioError`: `InvalidRequest` (`field`, `value`, `allowed`), `TrackNotFound`,
    `EngineUnavailable` (also a server that cannot be reached, or is full) or `GenerationFailed`; or `TimeoutError`
    from a `wait` that was given one.
    """

    def __init__(self, base_url: str | None = None, token: str | None = None, *, studio: Studio | None = None) -> None:
        self._backend = _backend(base_url, token, studio)
        self.music = Music(self._backend)

    def close(self, *, wait: bool = True) -> None:
        """Let go of the studio. Takes still asked for are made before, or with `wait=False` failed; those of a server
        are its own affair.
        """
        self._backend.close(wait=wait)

    def __enter__(self) -> NurClient:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close(wait=kind is None)


def _backend(base_url: str | None, token: str | None, studio: Studio | None) -> Backend:
    if base_url is not None:
        if studio is not None:
            raise InvalidRequest("studio", studio, "left out where there is a base_url")
        from nur_studio.client.over_http import OverHttp

        return OverHttp(base_url, token)
    if token is not None:
        raise InvalidRequest("token", "…", "left out without a base_url: the studio here needs none")
    from nur_studio.client.local import Local

    return Local(studio)


class Music:
    """`client.music`. Where a track is meant, its id does as well."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @overload
    def generate(
        self, prompt: str | None = ..., duration: int = ..., genre: str | None = ..., tempo: int | None = ...,
        output_format: str = ..., *, takes: Literal[1] = ..., wait: bool = ..., **more: Any,
    ) -> MusicTrack: ...  # fmt: skip

    @overload
    def generate(
        self, prompt: str | None = ..., duration: int = ..., genre: str | None = ..., tempo: int | None = ...,
        output_format: str = ..., *, takes: int, wait: bool = ..., **more: Any,
    ) -> MusicTrack | list[MusicTrack]: ...  # fmt: skip

    def generate(
        self,
        prompt: str | None = None,
        duration: int = 30,
        genre: str | None = None,
        tempo: int | None = None,
        output_format: str = "mp3",
        *,
        takes: int = 1,
        wait: bool = True,
        **more: Any,
    ) -> MusicTrack | list[MusicTrack]:
        """Make music; the finished track, or with `takes` above 1 a list of them. `more` are seed, engine and the
        controls of models (`core.fields` lists them).

        Blocks, with a progress bar where standard error is a terminal; Ctrl+C cancels. With `wait=False` the tracks are
        pending: `track.wait()` waits, `track.refresh()` looks. Raises `InvalidRequest`, `EngineUnavailable`,
        `GenerationFailed`.
        """
        values = {"prompt": prompt, "duration": duration, "genre": genre, "tempo": tempo,
                  "output_format": output_format, "takes": takes, **more}  # fmt: skip
        tracks = [MusicTrack(facts, self._backend) for facts in self._backend.generate(values)]
        if wait:
            try:
                for track in tracks:
                    track.wait()
            except KeyboardInterrupt:
                for track in tracks:
                    self._backend.cancel(track.id)
                raise
        return tracks[0] if len(tracks) == 1 and takes == 1 else tracks

    def get(self, track_id: str | MusicTrack) -> MusicTrack:
        """A track of the library. Raises `TrackNotFound`."""
        return MusicTrack(self._backend.get(_id(track_id)), self._backend)

    def list(
        self,
        text: str = "",
        *,
        genre: str = "",
        engine: str = "",
        starred: bool = False,
        limit: int = 50,
        after: str | MusicTrack | None = None,
    ) -> list[MusicTrack]:
        """Tracks of the library, newest first: those in which every word of `text` is found. `after` goes on behind a
        track, for the next page.
        """
        if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_PAGE:
            raise InvalidRequest("limit", limit, f"a whole number from 1 to {MAX_PAGE}")
        for name, value in (("text", text), ("genre", genre), ("engine", engine)):
            if not isinstance(value, str):
                raise InvalidRequest(name, value, "text")
        listed = self._backend.list(
            text=text, genre=genre, engine=engine, starred=bool(starred), limit=limit,
            after="" if after is None else _id(after),
        )  # fmt: skip
        return [MusicTrack(facts, self._backend, delivered=self._backend.lists_deliver) for facts in listed]

    def delete(self, track_id: str | MusicTrack) -> None:
        """Delete a track, cancelling one on its way. The window can bring it back for a week. Raises `TrackNotFound`,
        and `StudioError` where another program is making it.
        """
        self._backend.delete(_id(track_id))

    def separate(
        self,
        track_id: str | MusicTrack,
        model: str | None = None,
        *,
        force: bool = False,
        wait: bool = True,
    ) -> MusicTrack:
        """Take a finished track apart; the track with its stems. `model` is the separator, the settings' where left
        out; stems an engine made itself are replaced only with `force`. Raises `EngineUnavailable` where none can run.
        """
        own_id = _id(track_id)
        self._backend.separate(own_id, model, force=force)
        track = self.get(own_id)
        if not wait:
            return track
        try:
            return track.wait()
        except KeyboardInterrupt:
            self._backend.cancel(own_id)
            raise

    def export(
        self, track_id: str | MusicTrack, path: str | Path, *, part: str = "mix", output_format: str | None = None
    ) -> Path:
        """Write a finished track, or a stem of it, to a file, or under a name for people into a folder; where it is.

        The format is `output_format`, or by the ending of the file, or the track's own: the same take in each.
        """
        target = Path(path).expanduser()
        if part not in _PARTS:
            raise InvalidRequest("part", part, f"one of {', '.join(_PARTS)}")
        ending = "" if target.is_dir() else target.suffix.lower().lstrip(".")
        if output_format is not None and output_format not in FORMATS:
            raise InvalidRequest("output_format", output_format, f"one of {', '.join(FORMATS)}")
        if not target.is_dir() and (ending not in FORMATS or output_format not in (None, ending)):
            endings = [output_format] if output_format else FORMATS
            allowed = ", ".join(f".{each}" for each in endings)
            raise InvalidRequest("path", str(path), f"a folder that exists, or a file ending in {allowed}")
        return self._backend.export(_id(track_id), target, part, output_format or ending or None)


def _id(track: object) -> str:
    own_id = track.id if isinstance(track, MusicTrack) else track
    if not isinstance(own_id, str):
        raise InvalidRequest("track_id", own_id, "a track or its id")
    if not is_track_id(own_id):
        raise TrackNotFound(own_id)
    return own_id
