"""A piece as another program's session: what it plays, how it is mixed, and where its bars lie. Also said in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nur_studio.audio.whole import replacing
from nur_studio.core.names import one_line
from nur_studio.core.timing import Grid, Marker, format_time


@dataclass(frozen=True, slots=True)
class SessionTrack:
    """One audio file from its first frame to its last, and its strip.

    `gain_db` −60 (closed) and up; `pan` −1 to 1, a balance; `color` is `#rrggbb`, or "" for the program's own.
    """

    name: str
    file: Path
    gain_db: float = 0.0
    pan: float = 0.0
    mute: bool = False
    solo: bool = False
    color: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """Tracks of equal length (`frames` at `sample_rate`), sounding together on one grid.

    `tempo` is in BPM, `beats_per_bar` counts quarter notes, and beat 0 of bar 1 sounds `beat_offset_s` into the files;
    `markers` are in frames of theirs. `midi` is a file of the same piece whose tick 0 is that beat, or None. Without
    `has_tempo` there is no beat in the files: `tempo` is then only what the session's own ruler counts in.
    """

    title: str
    sample_rate: int
    frames: int
    tempo: float
    tracks: tuple[SessionTrack, ...]
    beats_per_bar: int = 4
    beat_offset_s: float = 0.0
    markers: tuple[Marker, ...] = ()
    master_db: float = 0.0
    key: str = ""
    genre: str = ""
    licence: str = ""
    comment: str = ""
    midi: Path | None = None
    has_tempo: bool = True

    @property
    def grid(self) -> Grid:
        """In seconds of the files."""
        return Grid(self.tempo, self.beats_per_bar, self.beat_offset_s)

    @property
    def remark(self) -> str:
        """What a program's session, which cannot be without a tempo, has to say of its own; mostly nothing."""
        if self.has_tempo:
            return ""
        return f"No steady tempo is heard in this: {self.tempo:g} BPM is only what the session counts in."

    @property
    def duration_s(self) -> float:
        return self.frames / self.sample_rate

    @property
    def duration_beats(self) -> float:
        return self.duration_s / self.grid.beat_s

    @property
    def lead_in_bars(self) -> int:
        """How many bars of the session pass before the files' bar 1, so that all before it has room too."""
        return max(0, math.ceil(self.beat_offset_s / self.grid.bar_s - 1e-6))

    @property
    def start_beat(self) -> float:
        """Where in the session the files begin, in beats: their downbeats then fall on the session's bar lines."""
        return max(0.0, self.lead_in_bars * self.beats_per_bar - self.beat_offset_s / self.grid.beat_s)

    def beat_of(self, marker: Marker) -> float:
        """Where in the session a marker stands, in beats."""
        return self.start_beat + marker.frame / self.sample_rate / self.grid.beat_s


def write_session_text(path: Path, session: Session) -> None:
    """Write `session.txt`: everything a person needs to lay the files out by hand. Raises `FileProblem`."""
    with replacing(path) as file:
        file.write("".join(f"{line}\n" for line in describe(session)).encode())


def describe(session: Session) -> list[str]:
    """The session in words, line by line."""
    key = f"  {session.key}" if session.key else ""
    tempo = f"{session.tempo:g} BPM  {session.beats_per_bar}/4" if session.has_tempo else "none is heard"
    bars = f" ({session.duration_beats / session.beats_per_bar:.2f} bars)" if session.has_tempo else ""
    lines = [
        one_line(session.title),
        "",
        f"Tempo: {tempo}{key}",
        f"Length: {format_time(session.duration_s)}{bars}, {session.frames} frames at {session.sample_rate} Hz",
        *([f"Bar 1 begins {_bar_one(session)}."] if session.has_tempo else []),
        "",
        "Put every file at the same place. The mix was heard with these faders:",
        *_table([("file", "gain", "pan", ""), *(_strip(track) for track in session.tracks)]),
        f"Master: {_gain(session.master_db)}",
    ]
    if session.midi is not None:
        lines += ["", f"MIDI: {session.midi.name}, whose first tick is beat 1 of bar 1."]
    if session.markers:
        lines += ["", "Sections:", *_table([_section(session, marker) for marker in session.markers])]
    for name, text in (("Genre", session.genre), ("Licence", session.licence), ("", session.comment)):
        if text:
            lines += ["", f"{name}: {one_line(text)}" if name else one_line(text)]
    return lines


def _bar_one(session: Session) -> str:
    frame = session.grid.frame_of(0.0, session.sample_rate)
    return f"{session.beat_offset_s:.6g} s into the files (frame {frame})" if frame else "at the files' first frame"


def _section(session: Session, marker: Marker) -> tuple[str, ...]:
    time_s = marker.frame / session.sample_rate
    # A frame is a rounded beat: half of one more, and none falls short of the beat it stands for.
    place = session.grid.position((marker.frame + 0.5) / session.sample_rate)
    return f"bar {place}", format_time(time_s), one_line(marker.name)


def _strip(track: SessionTrack) -> tuple[str, ...]:
    side = "centre" if not track.pan else f"{abs(track.pan) * 100:.0f} % {'left' if track.pan < 0 else 'right'}"
    switches = " ".join(word for word, on in (("muted", track.mute), ("solo", track.solo)) if on)
    return track.file.name, _gain(track.gain_db), side, switches


def _gain(gain_db: float) -> str:
    return "closed" if gain_db <= -60.0 else f"{gain_db:+.1f} dB"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
