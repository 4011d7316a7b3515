"""The notes of takes as MIDI files: the score where the engine wrote one, else what is heard in a recording of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nur_studio.core.errors import InvalidRequest, StudioError
from nur_studio.core.names import file_name
from nur_studio.core.notes import NoteSheet
from nur_studio.core.progress import Cancel, OnProgress
from nur_studio.core.track import Status, Track
from nur_studio.studio.exporting import free_paths, is_folder
from nur_studio.studio.parts import MIX_PART, PARTS, lanes_of, master

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


def export_midi(track: Track, target: Path, part: str, quantise: bool, on_progress: OnProgress, cancel: Cancel) -> Path:
    """Write the notes of a part, or with "mix" of all of them, to a file, or under a name for people into a folder.

    Without a score they are transcribed in a process of their own, which file and tracks then say. `quantise` puts
    every note on the nearest sixteenth. Raises `EngineUnavailable` with what to install, `StudioError`, `Cancelled`.
    """
    from nur_studio.audio.midi import write_midi

    if part not in PARTS:
        raise InvalidRequest("part", part, f"one of {', '.join(PARTS)}")
    master(track, MIX_PART)
    if quantise and not track.has_tempo:
        raise StudioError(
            f"{track.title!r} has no steady tempo: there are no beats to put its notes on.",
            hint="Leave them where they are heard.",
        )
    if has_score(track):
        sheet, name = score_sheet(track, part), score_name(track, part)
        sheet = sheet.quantised(_STEPS_PER_BEAT) if quantise else sheet
    else:
        sheet = _transcribed(track, part, quantise, on_progress, cancel)
        label = "transcribed" if part == MIX_PART else f"{part} transcribed"
        name = score_name(track, label)
    cancel.check()
    if is_folder(target):
        (target,) = free_paths(target, [name])
    write_midi(target, sheet)
    return target


def _transcribed(track: Track, part: str, quantise: bool, on_progress: OnProgress, cancel: Cancel) -> NoteSheet:
    from nur_studio.engines.hearing import hear
    from nur_studio.engines.transcribing import transcription

    if part == _DRUMS:
        lanes_of(track, part)
        raise StudioError(why_no_midi(track, part))
    sources = _sources(track, part)
    heard = {stem: notes for stem, notes in hear(sources, on_progress, cancel).items() if notes}
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
