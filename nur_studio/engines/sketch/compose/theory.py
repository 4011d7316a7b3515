"""Scales, keys and chords: pitch classes and intervals, no time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
}
MINOR_MODES = ("minor", "dorian", "phrygian", "locrian")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
# Spelled as players read them: minor keys on the sharp side from G#, major keys on the flat side.
_MINOR_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
_MAJOR_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_NUMERALS = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_ROMAN = re.compile(r"(?P<sign>[b#]?)(?P<numeral>[iv]+|[IV]+)(?P<suffix>[^/]*)(?:/(?P<bass>\d+))?")

_QUALITIES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    # suffix: over a capital numeral, over a small one
    "": ((0, 4, 7), (0, 3, 7)),
    "5": ((0, 7), (0, 7)),
    "6": ((0, 4, 7, 9), (0, 3, 7, 9)),
    "69": ((0, 4, 7, 9, 14), (0, 3, 7, 9, 14)),
    "7": ((0, 4, 7, 10), (0, 3, 7, 10)),
    "maj7": ((0, 4, 7, 11), (0, 3, 7, 11)),
    "9": ((0, 4, 7, 10, 14), (0, 3, 7, 10, 14)),
    "maj9": ((0, 4, 7, 11, 14), (0, 3, 7, 11, 14)),
    "11": ((0, 7, 10, 14, 17), (0, 3, 7, 10, 14, 17)),
    "13": ((0, 4, 10, 14, 21), (0, 3, 10, 14, 21)),
    "7b9": ((0, 4, 7, 10, 13), (0, 3, 7, 10, 13)),
    "7#9": ((0, 4, 7, 10, 15), (0, 4, 7, 10, 15)),
    "add9": ((0, 4, 7, 14), (0, 3, 7, 14)),
    "sus2": ((0, 2, 7), (0, 2, 7)),
    "sus4": ((0, 5, 7), (0, 5, 7)),
    "7sus4": ((0, 5, 7, 10), (0, 5, 7, 10)),
    "9sus4": ((0, 5, 7, 10, 14), (0, 5, 7, 10, 14)),
    "dim": ((0, 3, 6), (0, 3, 6)),
    "dim7": ((0, 3, 6, 9), (0, 3, 6, 9)),
    "m7b5": ((0, 3, 6, 10), (0, 3, 6, 10)),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic as pitch class (0 is C) and a mode of `SCALES`."""

    tonic: int
    mode: str

    @property
    def minor(self) -> bool:
        return self.mode in MINOR_MODES

    @property
    def name(self) -> str:
        names = _MINOR_NAMES if self.minor else _MAJOR_NAMES
        return f"{names[self.tonic]} {self.mode}"

    def scale(self) -> tuple[int, ...]:
        """The pitch classes of the scale, from the tonic up."""
        return tuple((self.tonic + step) % 12 for step in SCALES[self.mode])


@dataclass(frozen=True, slots=True)
class Chord:
    """A root (pitch class), the semitones above it, and the pitch class in the bass."""

    root: int
    intervals: tuple[int, ...]
    bass: int

    @property
    def tones(self) -> tuple[int, ...]:
        """Pitch classes, root first, in the order of the stack."""
        return tuple((self.root + interval) % 12 for interval in self.intervals)

    @property
    def third(self) -> int:
        """The pitch class that gives the chord its colour: third, or what stands in for it."""
        for interval in self.intervals:
            if interval in (2, 3, 4, 5):
                return (self.root + interval) % 12
        return (self.root + 7) % 12

    @property
    def fifth(self) -> int:
        for interval in self.intervals:
            if interval in (6, 7, 8):
                return (self.root + interval) % 12
        return (self.root + 7) % 12

    def moved(self, semitones: int) -> Chord:
        return Chord((self.root + semitones) % 12, self.intervals, (self.bass + semitones) % 12)


def parse_key(name: str) -> Key | None:
    """`F# minor` as a Key; None for "" or what is no key."""
    tonic, _, mode = name.partition(" ")
    if not tonic or tonic[0] not in _LETTERS or mode not in SCALES:
        return None
    return Key((_LETTERS[tonic[0]] + tonic.count("#") - tonic[1:].count("b")) % 12, mode)


@cache
def roman(symbol: str, tonic: int) -> Chord:
    """`bVImaj7` over a tonic. Numerals count from the major scale, whatever the mode: minor's sixth is `bVI`.

    `/4` puts the tone four semitones above the root into the bass.
    """
    match = _ROMAN.fullmatch(symbol)
    if match is None or match["suffix"] not in _QUALITIES or match["numeral"].lower() not in _NUMERALS:
        raise ValueError(f"no chord is written {symbol!r}")
    small = match["numeral"].islower()
    root = (tonic + _NUMERALS[match["numeral"].lower()] + {"b": -1, "#": 1, "": 0}[match["sign"]]) % 12
    intervals = _QUALITIES[match["suffix"]][small]
    return Chord(root, intervals, (root + int(match["bass"] or 0)) % 12)


@cache
def ladder(tonic: int, scale: str, low: int, high: int) -> tuple[int, ...]:
    """Every pitch of a scale from `low` to `high`."""
    classes = {(tonic + step) % 12 for step in SCALES[scale]}
    return tuple(pitch for pitch in range(low, high + 1) if pitch % 12 in classes)


def nearest(pitch_class: int, around: int) -> int:
    """The pitch of a class that lies nearest to `around`."""
    return around + (pitch_class - around + 6) % 12 - 6


def voicing_tones(chord: Chord, voices: int, rootless: bool = False) -> tuple[int, ...]:
    """The pitch classes to play with so many voices: colour first, then the fifth, then the root."""
    stack = list(chord.intervals)
    if rootless and len(stack) >= 4:
        stack.remove(0)
    while len(stack) > voices:
        # The fifth says least; the root next, since the bass has it.
        for least in (7, 0, 17, 14, 21):
            if least in stack:
                stack.remove(least)
                break
        else:
            stack.pop()
    return tuple((chord.root + interval) % 12 for interval in stack)


@cache
def _voicings(tones: tuple[int, ...], low: int, high: int) -> tuple[tuple[int, ...], ...]:
    """Close and opened-out placements of the tones between two pitches."""
    found: set[tuple[int, ...]] = set()
    for start in range(low, high + 1):
        if start % 12 not in tones:
            continue
        rest = sorted((tone - start) % 12 for tone in tones if tone != start % 12)
        close = (start, *(start + step for step in rest))
        if close[-1] <= high:
            found.add(close)
        if len(close) >= 4 and close[-2] - 12 >= low:
            # Drop 2: the second voice from above an octave down.
            found.add(tuple(sorted((*close[:-2], close[-2] - 12, close[-1]))))
    return tuple(sorted(found))


def lead_voices(tones: tuple[int, ...], before: tuple[int, ...], centre: int, low: int, high: int) -> tuple[int, ...]:
    """The placement that moves least from `before` and stays around `centre`; never beyond `low` and `high`."""
    choices = _voicings(tuple(sorted(set(tones))), low, high)
    if not choices:
        return tuple(sorted(min(max(nearest(tone, centre), low), high) for tone in set(tones)))

    def cost(voices: tuple[int, ...]) -> float:
        drift = abs(sum(voices) / len(voices) - centre)
        crowd = 1.5 if len(voices) > 1 and voices[0] < 52 and voices[1] - voices[0] < 4 else 0.0
        return motion(before, voices) + (0.35 if before else 2.0) * drift + crowd

    return min(choices, key=cost)


def motion(before: tuple[int, ...], after: tuple[int, ...]) -> float:
    """How far the voices move in semitones, each the nearest way."""
    if not before:
        return 0.0
    if len(before) == len(after):
        return float(sum(abs(a - b) for a, b in zip(before, after, strict=True)))
    return float(sum(min(abs(a - b) for b in before) for a in after))
