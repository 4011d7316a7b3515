"""A track as the product's reference writes it: the MusicTrack, in its names, with the studio's own facts after."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from nur_studio.audio.masters import mix_path, stem_path, waveform_path
from nur_studio.core.mix import LANES, STEMS
from nur_studio.core.track import Status, Track
from nur_studio.studio.studio import Studio


class Links(Protocol):
    """Where what belongs to a finished track can be had; None where there is nothing."""

    def audio(self, track: Track) -> str | None: ...

    def download(self, track: Track) -> str | None: ...

    def waveform(self, track: Track) -> str | None: ...

    def stem(self, track: Track, part: str) -> str | None: ...


class FileLinks:
    """Files of this machine. `deliver`: the take is made in the format it was asked for where it is not there yet."""

    def __init__(self, studio: Studio, *, deliver: bool) -> None:
        self._studio, self._deliver = studio, deliver

    def audio(self, track: Track) -> str | None:
        return _url(self._delivered(track) or mix_path(track.folder))

    def download(self, track: Track) -> str | None:
        return _url(self._delivered(track))

    def waveform(self, track: Track) -> str | None:
        return _url(waveform_path(track.folder))

    def stem(self, track: Track, part: str) -> str | None:
        return _url(stem_path(track.folder, part))

    def _delivered(self, track: Track) -> Path | None:
        return self._studio.delivery(track.id) if self._deliver else self._studio.ready_delivery(track.id)


def music_track(track: Track, studio: Studio, *, deliver: bool = True) -> dict[str, Any]:
    """`track` as JSON-ready values, its URLs those of files.

    `download_url` is the take in the format it was asked for, made now unless `deliver` is false; `audio_url` is the
    same file, or the lossless mix as long as it was not made.
    """
    return facts_of(track, FileLinks(studio, deliver=deliver))


def facts_of(track: Track, links: Links) -> dict[str, Any]:
    """`track` as JSON-ready values.

    URLs are null until there is something behind them, and so is `stems` of a finished take that has none; of one
    divided more finely it has guitar, piano and rest as well. `tempo` is null where no steady beat is claimed.
    `genre` … `created_at` and the URLs are the reference's; `title` and what follows are the studio's own.
    """
    done = track.status is Status.COMPLETED
    return {
        "id": track.id,
        "status": track.status.value,
        "audio_url": links.audio(track) if done else None,
        "duration": _number(track.duration_s),
        "genre": track.genre,
        "tempo": track.tempo if track.has_tempo else None,
        "prompt": track.prompt,
        "created_at": track.created_iso,
        "download_url": links.download(track) if done else None,
        "waveform_url": links.waveform(track) if done else None,
        "stems": _stems(track, links, done),
        "title": track.title,
        "output_format": track.output_format,
        "engine": track.engine,
        "model": track.model,
        "licence": track.licence,
        "seed": track.seed,
        "take": track.take,
        "key": track.key,
        "loudness_lufs": track.loudness_lufs,
        "true_peak_dbtp": track.true_peak_dbtp,
        "starred": track.starred,
        "error": track.error,
    }


def _stems(track: Track, links: Links, done: bool) -> dict[str, str | None] | None:
    if not done:  # they may be to come
        return dict.fromkeys(STEMS)
    if not track.lanes:
        return None
    parts = dict.fromkeys((*STEMS, *(lane for lane in LANES if lane in track.lanes)))
    return {part: links.stem(track, part) for part in parts}


def _url(path: Path | None) -> str | None:
    return path.absolute().as_uri() if path is not None and path.exists() else None


def _number(seconds: float) -> int | float:
    """30 rather than 30.0."""
    return int(seconds) if seconds == int(seconds) else round(seconds, 6)
