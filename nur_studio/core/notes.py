"""Music as notes: what an engine wrote, or what was heard in a recording, without the sound of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nur_studio.core.timing import Section


def on_steps(start: float, end: float, steps_per_beat: int) -> tuple[float, float]:
    """`start` and `end`, in beats, on the nearest of so many steps a beat (4: sixteenths), one step apart at least."""
    first = round(start * steps_per_beat)
    return first / steps_per_beat, max(first + 1, round(end * steps_per_beat)) / steps_per_beat


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

    def only(self, stem: str) -> NoteSheet:
        """The lines of one stem."""
        return replace(self, lines=tuple(line for line in self.lines if line.stem == stem))

    def quantised(self, steps_per_beat: int) -> NoteSheet:
        """Every note from the nearest step to the nearest step: swing and the players' hands are gone."""
        return replace(self, lines=tuple(_quantised(line, steps_per_beat) for line in self.lines))


def _quantised(line: NoteLine, steps_per_beat: int) -> NoteLine:
    spans = [on_steps(note.beat, note.beat + note.duration, steps_per_beat) for note in line.notes]
    notes = (
        replace(note, beat=start, duration=end - start) for note, (start, end) in zip(line.notes, spans, strict=True)
    )
    return replace(line, notes=tuple(notes))
