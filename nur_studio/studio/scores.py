"""The notes of takes as MIDI files: the score where the engine wrote one, else what is heard in a recording of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nur_studio.core.errors import InvalidRequest, StudioError
from nur_studio.core.names import file_name
from nur_studio.core.notes import NoteSheet
from nur_studio.core.progress import Cancel, OnProgress, ignore_progress
from nur_studio.core.track import Status, Track
from nur_studio.studio.exporting import free_paths, is_folder, make_folder, write_together
from nur_studio.studio.parts import MIX_PART, PARTS, lanes_of, master

if TYPE_CHECKING:
    from nur_studio.engines.transcribing import HeardNote

_STEPS_PER_BEAT = 4  # sixteenths
_DRUMS = "drums"


def has_score(track: Track) -> bool:
    """Whether its engine wrote the notes down: they are what was played, no transcription."""
    from nur_studio.audio.masters import score_path

    return track.status is Status.COMPLETED and score_path(track.folder).is_file()


def why_no_midi(track: Track, part: str) -> str:
    """Why there can be no MIDI file of this part, in a sentence; "" where it can be tried."""
    from nur_studio.engines.transcribing import why_not

    if has_score(track):
        return ""
    if part == _DRUMS:
        return "Drums cannot be transcribed: only sounds that have a pitch can."
    return why_not()


def why_no_notes(track: Track) -> dict[str, str]:
    """`why_no_midi` of the mix and of every lane. Reads the score: that takes a moment."""
    parts = (MIX_PART, *track.lanes)
    if not has_score(track):
        return {part: why_no_midi(track, part) for part in parts}
    written = {line.stem for line in score_sheet(track).lines}
    why = "Its score has no notes for this."
    return {part: "" if part == MIX_PART or part in written else why for part in parts}


def score_sheet(track: Track, part: str = MIX_PART) -> NoteSheet:
    """The score of a take that has one, or the lines of one part of it. Raises `StudioError` where that has none."""
    from nur_studio.audio.masters import score_path
    from nur_studio.audio.midi import read_midi

    if part not in PARTS:
        raise InvalidRequest("part", part, f"one of {', '.join(PARTS)}")
    sheet = read_midi(score_path(track.folder))
    # The tempo is the take's own: the file counts in whole microseconds. So are title and key, which can be changed.
    sheet = replace(sheet, title=track.title, key=track.key, tempo=track.exact_tempo or sheet.tempo)
    if part == MIX_PART:
        return sheet
    lines = sheet.only(part)
    if not lines.lines:
        written = ", ".join(dict.fromkeys(line.stem for line in sheet.lines if line.stem))
        for_whom = f"it is written for {written}" if written else "it does not say which stems its lines are of"
        raise StudioError(f"The score of {track.title!r} has no {part}: {for_whom}.", hint="It can be had whole.")
    return lines


def score_name(track: Track, part: str = MIX_PART) -> str:
    """`Rainy night tape_85bpm_Am_bass.mid`."""
    return file_name(track.title, track.tempo, track.key, part, "mid")


def write_score(track: Track, path: Path, part: str = MIX_PART) -> None:
    """Write the score, or one part of it, replaced in one step."""
    from nur_studio.audio.midi import write_midi

    write_midi(path, score_sheet(track, part))


def midi_name(track: Track, part: str = MIX_PART) -> str:
    """The name of the notes of a part: it says so where they are a transcription."""
    if has_score(track):
        return score_name(track, part)
    return score_name(track, "transcribed" if part == MIX_PART else f"{part} transcribed")


def export_midi(
    track: Track, target: Path, parts: Sequence[str], quantise: bool, on_progress: OnProgress, cancel: Cancel
) -> list[Path]:
    """Write the notes of each of `parts`, with "mix" of all of them, to a file, or under a name for people to a folder.

    Several need a folder, made where missing, in which no file is replaced; all of them are there at the end, or none.
    Without a score they are transcribed in a process of their own, which file and tracks then say. `quantise` puts
    every note on the nearest sixteenth. Raises `EngineUnavailable` with what to install, `StudioError`, `Cancelled`.
    """
    from nur_studio.audio.midi import write_midi

    for part in parts:
        if part not in PARTS:
            raise InvalidRequest("part", part, f"one of {', '.join(PARTS)}")
    if not parts:
        raise InvalidRequest("parts", parts, "one or more parts of the take")
    master(track, MIX_PART)
    if quantise and not track.has_tempo:
        raise StudioError(
            f"{track.title!r} has no steady tempo: there are no beats to put its notes on.",
            hint="Leave them where they are heard.",
        )
    parts = tuple(dict.fromkeys(parts))
    if has_score(track):
        sheets = [score_sheet(track, part) for part in parts]
        sheets = [sheet.quantised(_STEPS_PER_BEAT) for sheet in sheets] if quantise else sheets
    else:
        sheets = _transcribed(track, parts, quantise, on_progress, cancel)
    cancel.check()
    if len(parts) > 1:
        make_folder(target)
    if len(parts) > 1 or is_folder(target):
        targets = free_paths(target, [midi_name(track, part) for part in parts])
    else:
        targets = [target]
    write_together(targets, lambda index, path, _: write_midi(path, sheets[index]), ignore_progress, cancel)
    return targets


def _transcribed(
    track: Track, parts: Sequence[str], quantise: bool, on_progress: OnProgress, cancel: Cancel
) -> list[NoteSheet]:
    """A sheet for each of `parts`; no file is listened to twice."""
    from nur_studio.engines.hearing import hear

    if _DRUMS in parts:
        lanes_of(track, _DRUMS)
        raise StudioError(why_no_midi(track, _DRUMS))
    sources = [_sources(track, part) for part in parts]
    heard = hear({name: path for files in sources for name, path in files.items()}, on_progress, cancel)
    return [
        _sheet_of(track, part, {name: heard[name] for name in files if heard[name]}, quantise)
        for part, files in zip(parts, sources, strict=True)
    ]


def _sheet_of(track: Track, part: str, heard: Mapping[str, Sequence[HeardNote]], quantise: bool) -> NoteSheet:
    from nur_studio.engines.transcribing import transcription

    if not heard:
        what = "it" if part == MIX_PART else f"its {part}"
        raise StudioError(f"No notes are heard in {track.title!r}: there is nothing with a pitch in {what}.")
    sheet = transcription(
        track.title,
        heard,
        track.grid,
        track.duration_s,
        steps_per_beat=_STEPS_PER_BEAT if quantise else None,
        key=track.key,
        sections=track.sections if track.has_tempo else (),
    )
    if not track.has_tempo:
        sheet = replace(sheet, remark=f"{sheet.remark} No steady tempo is heard: {sheet.tempo:g} BPM only keep time.")
    return sheet


def _sources(track: Track, part: str) -> Mapping[str, Path]:
    """The files to listen to, by stem: of the mix its lanes, which are heard more clearly apart, but for the drums."""
    if part != MIX_PART:
        return {part: master(track, part)}
    lanes = [lane for lane in track.lanes if lane != _DRUMS] or [MIX_PART]
    return {lane: master(track, lane) for lane in lanes}
