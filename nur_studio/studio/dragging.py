"""Files for other programs: whole before they are handed over, made once, kept until the take is purged."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from nur_studio.audio.files import Encoding, transcode
from nur_studio.core.errors import FileProblem
from nur_studio.core.progress import Cancel, OnProgress, ranged
from nur_studio.core.track import Track
from nur_studio.studio.exporting import make_folder, person_name, tags_of
from nur_studio.studio.parts import MIX_PART, master
from nur_studio.studio.scores import has_score, score_name, write_score
from nur_studio.studio.separating import separation_of

MIDI = "midi"
"""The part that is the take's score."""


def encoding_key(encoding: Encoding) -> str:
    """A folder name per encoding: `wav PCM_24`, `mp3 320k`."""
    if encoding.format == "mp3":
        return f"mp3 {encoding.mp3_kbps}k"
    if encoding.format == "ogg":
        return f"ogg {encoding.ogg_quality:g}"
    return f"{encoding.format} {encoding.subtype or 'default'}"


def paths_of(drags: Path, track: Track, parts: Sequence[str], encoding: Encoding) -> list[Path]:
    """Where the files of these parts are once made. A new title is a new name: a DAW may still read the old one."""
    folder = drags / track.id / encoding_key(encoding)
    return [
        drags / track.id / MIDI / score_name(track)
        if part == MIDI
        else _home(folder, track, part) / person_name(track, part, encoding)
        for part in parts
    ]


def _home(folder: Path, track: Track, part: str) -> Path:
    """Stems that were separated anew are other files: a DAW may still read those of before."""
    told = separation_of(track) if part != MIX_PART else None
    return folder if told is None else folder / str(told.get("id", ""))


def ready(drags: Path, track: Track, parts: Sequence[str], encoding: Encoding) -> list[Path] | None:
    """The files, if all of them are there; no work is done."""
    paths = paths_of(drags, track, parts, encoding)
    return paths if paths and all(path.exists() for path in paths) else None


def make(
    drags: Path, track: Track, parts: Sequence[str], encoding: Encoding, on_progress: OnProgress, cancel: Cancel
) -> list[Path]:
    """The files, the missing ones made now. `transcode` replaces in one step, so what has a name is whole."""
    sources = [_source(track, part) for part in parts]
    paths = paths_of(drags, track, parts, encoding)
    for index, (part, source, path) in enumerate(zip(parts, sources, paths, strict=True)):
        cancel.check()
        if path.exists():
            continue
        make_folder(path.parent)
        if part == MIDI:
            write_score(track, path)
            continue
        share = ranged(on_progress, index / len(paths), (index + 1) / len(paths))
        transcode(source, path, encoding, on_progress=share, cancel=cancel, tags=tags_of(track, part))
    return paths


def _source(track: Track, part: str) -> Path:
    if part != MIDI:
        return master(track, part)
    mix = master(track, MIX_PART)
    if not has_score(track):
        raise FileProblem(
            f"{track.title!r} has no score: only what Sketch makes is written in notes.",
            hint=f"`nur-studio export {track.id} --midi` transcribes it, as far as it can be heard.",
        )
    return mix


def forget(drags: Path, track_ids: Iterable[str]) -> None:
    """Remove what was made for takes that are gone for good."""
    for track_id in track_ids:
        shutil.rmtree(drags / track_id, ignore_errors=True)
