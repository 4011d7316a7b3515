"""The MusicTrack of the Python client: the reference's fields, and what one does with a track on its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from nur_studio.core.errors import GenerationFailed
from nur_studio.core.progress import OnProgress

Facts = dict[str, Any]
_LAZY = ("audio_url", "download_url")


class Source(Protocol):
    """Where a track comes from: the studio here, or a server."""

    def get(self, track_id: str) -> Facts:
        """All about a track, its file made. Raises `TrackNotFound`."""

    def follow(self, track_id: str, on_progress: OnProgress, timeout_s: float | None) -> None:
        """Block until nothing is being done about a track. Raises `TimeoutError`, `TrackNotFound` where it is gone,
        and the error of a separation that did not work out.
        """


@dataclass(frozen=True, slots=True)
class Stems:
    """A URL for each stem; None where the track has none, or not yet. The last three: of six-part separations."""

    vocals: str | None = None
    drums: str | None = None
    bass: str | None = None
    other: str | None = None
    guitar: str | None = None
    piano: str | None = None
    rest: str | None = None


class MusicTrack:
    """One take. `status` is "pending", "processing", "completed" or "failed" as of the last `refresh`.

    URLs are None until there is something behind them. `tempo` is None where no steady beat is claimed.
    """

    id: str
    status: str
    duration: float
    genre: str
    tempo: int | None
    prompt: str
    created_at: str
    waveform_url: str | None
    stems: Stems
    title: str
    output_format: str
    engine: str
    model: str
    licence: str
    seed: int
    take: int
    key: str
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    starred: bool
    error: str

    def __init__(self, facts: Mapping[str, Any], source: Source, *, delivered: bool = True) -> None:
        self._source = source
        self._take_in(facts, delivered)

    def _take_in(self, facts: Mapping[str, Any], delivered: bool) -> None:
        self._facts, self._delivered = dict(facts), delivered
        for name in MusicTrack.__annotations__:
            setattr(self, name, facts.get(name))
        known = Stems.__dataclass_fields__
        self.stems = Stems(**{part: url for part, url in (facts.get("stems") or {}).items() if part in known})

    @property
    def audio_url(self) -> str | None:
        """Where the audio can be streamed from."""
        return self._url("audio_url")

    @property
    def download_url(self) -> str | None:
        """The file in the format it was asked for; of a listed track it is made at the first look."""
        return self._url("download_url")

    def as_dict(self) -> dict[str, Any]:
        """The reference's JSON."""
        for name in _LAZY:
            self._url(name)
        return dict(self._facts)

    def refresh(self) -> MusicTrack:
        """Ask again how it is; this same track. Raises `TrackNotFound` where it was deleted."""
        self._take_in(self._source.get(self.id), delivered=True)
        return self

    def wait(self, timeout: float | None = None) -> MusicTrack:
        """Block until it is made; this same track. Raises `GenerationFailed` with the reason where it could not be,
        `TrackNotFound` where it was cancelled, and `TimeoutError` after `timeout` seconds (it is made all the same).
        """
        from nur_studio.console import progress_bar

        with progress_bar(False) as on_progress:
            self._source.follow(self.id, on_progress, timeout)
        return self.refresh().check()

    def check(self) -> MusicTrack:
        """This track. Raises `GenerationFailed` where it could not be made."""
        if self.status == "failed":
            raise GenerationFailed(self.error or "The track could not be made.")
        return self

    def _url(self, name: str) -> str | None:
        if not self._delivered and self.status == "completed":
            facts = self._source.get(self.id)
            self._facts.update((each, facts[each]) for each in _LAZY)
            self._delivered = True
        url: str | None = self._facts.get(name)
        return url

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MusicTrack) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<MusicTrack {self.id} {self.status}: {self.title!r}, {self.duration:g} s, {self.tempo or '–'} BPM>"
