"""Music as notes: what an engine wrote, or what was heard in a recording, without the sound of it."""

from __future__ import annotations

from dataclasses import dataclass

from nur_studio.core.timing import Section


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note where it sounds, swing and hand included: `beat` and `duration` in quarter notes from bar 1.

    `pitch` is MIDI's (60 = middle C), or a General MIDI drum's in a line of drums; `velocity` 0 to 1.
    """

    beat: float
    duration: float
    pitch: int
    velocity: float


@dataclass(frozen=True, slots=True)
class NoteLine:
    """One player's notes. `program` is General MIDI's, 0 to 127 (of a drum line: its kit in General MIDI 2)."""

    name: str
    stem: str
    program: int
    notes: tuple[PlayedNote, ...]
    drums: bool = False


@dataclass(frozen=True, slots=True)
class NoteSheet:
    """A whole piece as notes. `beats` is its length; `key` in the studio's spelling, "" where it is not known.

    `remark` says where the notes come from where that matters: that they were transcribed, say.
    """

    title: str
    tempo: float
    beats_per_bar: int
    beats: float
    lines: tuple[NoteLine, ...]
    key: str = ""
    sections: tuple[Section, ...] = ()
    remark: str = ""
