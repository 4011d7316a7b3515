"""Files for other programs: whole before they are handed over, made once, kept until the take is purged."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path

from nur_studio.audio.files import Encoding, transcode
from nur_studio.audio.whole import system_fault
from nur_studio.core.errors import InvalidRequest
from nur_studio.core.names import file_name
from nur_studio.core.progress import Cancel, OnProgress, ranged
from nur_studio.core.story import CONTRACT
from nur_studio.core.track import Track
from nur_studio.studio import exporting
from nur_studio.studio.clips import check_span, clip_label, write_clip
from nur_studio.studio.exporting import STEMS_PART, make_folder, numbered, person_name, tags_of
from nur_studio.studio.parts import MIX_PART, master
from nur_studio.studio.scores import export_midi, has_score, midi_name
from nur_studio.studio.separating import separation_of

MIDI = "midi"
"""The part that is the notes of the take."""

_NAMES = "names"
_naming = threading.Lock()

Span = tuple[int, int]
"""From this frame of the take to just before that one."""


def midi_of(part: str) -> str:
    """The part that is the notes of a part: "midi" of the mix, else "midi bass"."""
    return MIDI if part == MIX_PART else f"{MIDI} {part}"


def encoding_key(encoding: Encoding) -> str:
    """A folder name per encoding: `wav PCM_24`, `mp3 320k`."""
    if encoding.format == "mp3":
        return f"mp3 {encoding.mp3_kbps}k"
    if encoding.format == "ogg":
        return f"ogg {encoding.ogg_quality:g}"
    return f"{encoding.format} {encoding.subtype or 'default'}"


def ready(drags: Path, track: Track, parts: Sequence[str], encoding: Encoding, span: Span | None) -> list[Path] | None:
    """The files, if all of them are there; no work is done."""
    number = _number(drags, track, claim=False)
    if number is None:
        return None
    paths = _paths(drags, track, _each(track, parts), encoding, span, number)
    return paths if paths and all(path.exists() for path in paths) else None


def make(
    drags: Path,
    track: Track,
    parts: Sequence[str],
    encoding: Encoding,
    span: Span | None,
    on_progress: OnProgress,
    cancel: Cancel,
) -> list[Path]:
    """The files, the missing ones made now; what has a name is whole. With `span` only that of each part, which notes
    cannot be cut to.
    """
    parts = _each(track, parts)
    for part in parts:
        source = _notes_of(part) or part
        master(track, source)
        if span is not None:
            if source != part:
                raise InvalidRequest("part", part, "sound where a span is asked for")
            check_span(track, exporting.part(part), *span)
    number = _number(drags, track, claim=True)
    assert number is not None
    paths = _paths(drags, track, parts, encoding, span, number)
    for index, (part, path) in enumerate(zip(parts, paths, strict=True)):
        cancel.check()
        if path.exists():
            continue
        make_folder(path.parent)
        share = ranged(on_progress, index / len(paths), (index + 1) / len(paths))
        if (notes := _notes_of(part)) is not None:
            export_midi(track, path, (notes,), False, share, cancel)
        elif span is not None:
            write_clip(track, path, *span, exporting.part(part), encoding, share, cancel)
        else:
            transcode(master(track, part), path, encoding, on_progress=share, cancel=cancel, tags=tags_of(track, part))
    return paths


def _each(track: Track, parts: Sequence[str]) -> tuple[str, ...]:
    """`parts`, "stems" as the lanes; as the mix where there are none."""
    lanes = track.lanes or (MIX_PART,)
    return tuple(dict.fromkeys(each for part in parts for each in (lanes if part == STEMS_PART else (part,))))


def _notes_of(part: str) -> str | None:
    """The part whose notes are meant; None where it is sound that is."""
    word, _, rest = part.partition(" ")
    return (rest or MIX_PART) if word == MIDI else None


def _paths(
    drags: Path, track: Track, parts: Sequence[str], encoding: Encoding, span: Span | None, number: int
) -> list[Path]:
    """Where the files of these parts are once made. A new title is a new name: a DAW may still read the old one."""
    paths = []
    for part in parts:
        source = _notes_of(part)
        folder = drags / track.id / (encoding_key(encoding) if source is None else MIDI)
        if source is not None:
            if not has_score(track):
                folder = _home(folder, track, source)
            name = midi_name(track, source)
        elif span is not None:
            folder = _home(folder / f"{span[0]}-{span[1]}", track, part)
            name = person_name(track, clip_label(track, *span, exporting.part(part)), encoding)
        else:
            folder = _home(folder, track, part)
            name = person_name(track, part, encoding)
        paths.append(folder / numbered(name, number))
    return paths


def _home(folder: Path, track: Track, part: str) -> Path:
    """Stems that were separated anew, and a take handed over anew, are other files: a DAW may still read those of
    before.
    """
    contract = track.recipe.get(CONTRACT)
    handed = str(contract.get("id", "")) if isinstance(contract, Mapping) else ""
    told = separation_of(track) if part != MIX_PART else None
    return folder / handed if told is None else folder / handed / str(told.get("id", ""))


def _number(drags: Path, track: Track, *, claim: bool) -> int | None:
    """Which of the takes that are called the same this is, from 1: its files carry it, so that those of two takes can
    lie in one folder. None where it has no number yet; with `claim` it is given one, for good.
    """
    stem = file_name(track.title, track.tempo, track.key, MIX_PART, "").rstrip(".").casefold()
    folder = drags / _NAMES / stem
    with _naming:
        for number in count(1):
            note = folder / str(number)
            try:
                if note.read_text("ascii") == track.id:
                    return number
            except FileNotFoundError:
                break
            except (OSError, UnicodeDecodeError):
                continue  # somebody's, whoever that was
        if not claim:
            return None
        make_folder(folder)
        try:
            note.write_text(track.id, "ascii")
        except OSError as error:
            raise system_fault(error, "written", note) from error
        return number


def forget(drags: Path, track_ids: Iterable[str]) -> None:
    """Remove what was made for takes that are gone for good. Their numbers are not given again: a DAW may know them."""
    for track_id in track_ids:
        shutil.rmtree(drags / track_id, ignore_errors=True)
