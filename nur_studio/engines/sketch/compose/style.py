"""What a genre is made of: harmony, groove, bass, layers, sound. The tables live in `styles`."""

from __future__ import annotations

from dataclasses import dataclass, field

from nur_studio.engines.sketch.score import Finish


@dataclass(frozen=True, slots=True)
class Layer:
    """A line of the arrangement beside drums and bass.

    `how` names what it plays (see `lines`), `rhythms` its patterns in sixteenths of four-four. It plays in sections
    whose energy is from `enter` to `leave`. `instruments` are alternatives; the strip's numbers are those of `Part`.
    """

    name: str
    how: str
    instruments: tuple[str, ...]
    rhythms: tuple[str, ...] = ("X---------------",)
    enter: float = 0.0
    leave: float = 2.0
    centre: int = 60
    voices: int = 4
    velocity: float = 0.7
    pan: float = 0.0
    width: float = 0.5
    room: float = 0.15
    hall: float = 0.1
    delay: float = 0.0
    duck: float = 0.0
    drive: float = 0.0
    wobble: float = 0.0
    level_db: float = 0.0
    tone: float = 0.5


@dataclass(frozen=True, slots=True)
class Style:
    """A genre in numbers and patterns. Progressions are lists of chords in roman numerals counted from major."""

    genre: str
    naming: str
    modes: tuple[tuple[str, float], ...]
    minor: tuple[str, ...]
    major: tuple[str, ...]
    groove: str
    kit: str
    bass: tuple[str, ...]
    bass_rhythms: tuple[str, ...]
    layers: tuple[Layer, ...]
    chord_bars: float = 1.0
    cadence: tuple[str, str] = ("V", "V")  # before the last chord, in minor and in major
    final: tuple[str, str] = ("i", "I")
    swing: tuple[float, float] = (0.5, 0.5)
    swing_unit: float = 0.25
    late_ms: float = 0.0  # how far snare and clap lay back
    hand_ms: float = 3.5  # deviation of a player's timing
    scale: str = ""  # for melodies; the mode's own where empty
    cells: str = "song"  # vocabulary of melodic rhythm
    bass_how: str = "pattern"
    bass_enter: float = 0.4
    bass_duck: float = 0.0
    lift: int = 0
    ring_s: float = 2.4
    drums_room: float = 0.12
    textures: tuple[str, ...] = ()
    risers: bool = False
    finish: Finish = field(default_factory=Finish)
