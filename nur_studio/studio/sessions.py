"""Takes as sessions of other programs: stems, mixer, tempo, sections and score in one file or one folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from nur_studio.audio.dawproject import write_dawproject
from nur_studio.audio.files import Encoding
from nur_studio.audio.reaper import write_reaper
from nur_studio.audio.session import Session, SessionTrack, write_session_text
from nur_studio.audio.whole import system_fault, workspace_beside
from nur_studio.core.errors import FileProblem, InvalidRequest
from nur_studio.core.mix import LANE_COLORS, STEMS
from nur_studio.core.names import file_name, safe_file_stem
from nur_studio.core.progress import Cancel, OnProgress, ranged
from nur_studio.core.track import Track
from nur_studio.studio.clicks import Clicks, Lead
from nur_studio.studio.exporting import free_paths, is_folder, part, person_name
from nur_studio.studio.mixing import heard, lanes
from nur_studio.studio.parts import MIX_PART, master
from nur_studio.studio.scores import has_score, score_name, write_score

DAWPROJECT, REAPER, FOLDER = KINDS = ("dawproject", "reaper", "folder")
"""One file that Bitwig, Studio One and Cubase open; a folder with a REAPER project; a folder with `session.txt`."""

_WAV = Encoding("wav", "PCM_24")
_WRITING_SHARE = 0.8  # of the progress; the rest is packing


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a session is made, under the names it will have."""

    folder: Path
    audio: Path
    midi: Path


def export_session(
    track: Track, target: Path, kind: str, clicks: Clicks, on_progress: OnProgress, cancel: Cancel
) -> Path:
    """Write a take as a session of `kind`; the file or, for "folder", the folder to open.

    A track per lane with its gain, pan, mute and solo; sections as markers; all audio as 24-bit wav of the take's
    exact length, and the score as MIDI where there is one (beside a DAWproject, under its name). Of a DAWproject
    `target` is a file, replaced in one step, or a folder; else a folder, in which a new one is made, or the new folder
    itself. Whole at the end, or not there. What has no steady tempo lies in the session by its time, beside a tempo
    that means nothing and says so. Raises `StudioError` where there shall be clicks in such a one, and `Cancelled`.
    """
    if kind not in KINDS:
        raise InvalidRequest("session", kind, f"one of {', '.join(KINDS)}")
    for lane in lanes(track):
        master(track, lane)
    lead = Lead(track, clicks)
    write = _write_dawproject if kind == DAWPROJECT else _write_folder(kind)
    return write(lead, target, on_progress, cancel)


def _write_dawproject(lead: Lead, target: Path, on_progress: OnProgress, cancel: Cancel) -> Path:
    if is_folder(target):
        project, *beside = session_paths(target, lead.track, DAWPROJECT)
    else:
        project = target
        beside = free_paths(target.parent, [f"{target.stem}.mid"]) if has_score(lead.track) else []
    with workspace_beside(project) as workspace:
        place = _Place(workspace, workspace / "audio", workspace / score_name(lead.track))
        session = _written(lead, place, ranged(on_progress, 0.0, _WRITING_SHARE), cancel)
        packed = workspace / project.name
        write_dawproject(packed, session, ranged(on_progress, _WRITING_SHARE, 1.0), cancel)
        cancel.check()
        for midi in beside:
            _rename(place.midi, midi)
        _rename(packed, project)
    return project


def _write_folder(kind: str) -> Callable[[Lead, Path, OnProgress, Cancel], Path]:
    def write(lead: Lead, target: Path, on_progress: OnProgress, cancel: Cancel) -> Path:
        title = safe_file_stem(lead.track.title)
        if is_folder(target):
            (target,) = session_paths(target, lead.track, kind)
        elif target.exists():
            raise FileProblem(f"“{target.name}” is a file: this session is a folder.", hint="Choose another name.")
        with workspace_beside(target) as workspace:
            made = workspace / "made"
            _make(made)
            place = _Place(made, made / "audio" if kind == REAPER else made, made / score_name(lead.track))
            session = _written(lead, place, on_progress, cancel)
            if kind == REAPER:
                write_reaper(made / f"{title}.rpp", session)
            else:
                write_session_text(made / "session.txt", session)
            cancel.check()
            _rename(made, target)
        return target / f"{title}.rpp" if kind == REAPER else target

    return write


def session_paths(folder: Path, track: Track, kind: str) -> list[Path]:
    """Where in `folder` a session comes to lie, and the score beside it, where nothing is yet:
    `Rainy night tape_85bpm_Am.dawproject`; of the others the folder, `Rainy night tape_85bpm_Am_reaper`.
    """
    if kind == DAWPROJECT:
        name = file_name(track.title, track.tempo, track.key, MIX_PART, DAWPROJECT)
        return free_paths(folder, [name, *([score_name(track)] if has_score(track) else [])])
    label = "session" if kind == FOLDER else kind
    name = file_name(track.title, track.tempo, track.key, label, "").rstrip(".")
    numbers = (folder / (name if number == 1 else f"{name} ({number})") for number in count(1))
    return [next(path for path in numbers if not path.exists())]


def _written(lead: Lead, place: _Place, on_progress: OnProgress, cancel: Cancel) -> Session:
    """The session, its files written to where they are whole but not yet in their place."""
    track = lead.track
    mix = heard(track, track.mix)
    click = lead.click_label([part(lane) for lane in STEMS])  # a track of its own, beside a mix too
    labels = [*lanes(track), *([click] if click else [])]
    _make(place.audio)
    tracks = []
    for index, label in enumerate(labels):
        cancel.check()
        share = ranged(on_progress, index / len(labels), (index + 1) / len(labels))
        file = place.audio / person_name(track, label, _WAV)
        if label == click:
            lead.write_clicks(file, _WAV, share, cancel)
            tracks.append(SessionTrack(label.capitalize(), file))
            continue
        lead.write(part(label), file, _WAV, share, cancel, counted=False)
        strip = mix.channel(label)
        tracks.append(
            SessionTrack(label.capitalize(), file, strip.gain_db, strip.pan, strip.mute, strip.solo, LANE_COLORS[label])
        )
    if has_score(track):
        write_score(track, place.midi)
    tags = lead.tags(MIX_PART)
    return Session(
        title=track.title,
        sample_rate=track.sample_rate,
        frames=track.frames,
        tempo=track.grid.tempo,
        tracks=tuple(tracks),
        beats_per_bar=track.beats_per_bar,
        beat_offset_s=track.beat_offset_s if track.has_tempo else 0.0,
        markers=tags.markers,
        master_db=mix.master_db,
        key=track.key,
        genre=track.genre,
        licence=track.licence,
        comment=replace(tags, licence="").comment,  # which has a place of its own
        midi=place.midi if has_score(track) else None,
        has_tempo=track.has_tempo,
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise system_fault(error, "written", folder) from error


def _rename(made: Path, target: Path) -> None:
    try:
        made.replace(target)
    except OSError as error:
        raise system_fault(error, "written", target) from error
