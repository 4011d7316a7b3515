"""Rhythm patterns as strings of sixteenths, fitted to any metre, and the warp that makes them swing."""

from __future__ import annotations

from functools import cache

VELOCITY = {"X": 1.0, "x": 0.82, "o": 0.62, "g": 0.32}
"""Drum letters: accent, stroke, soft stroke, ghost."""
_GROUPS = {1: (1,), 2: (2,), 3: (3,), 4: (4,), 5: (3, 2), 6: (3, 3), 7: (4, 3)}


@cache
def fit(pattern: str, beats: int) -> str:
    """A bar of `beats` quarter notes from a pattern of four: its beginning, twice where the bar is longer."""
    if len(pattern) == 4 * beats:
        return pattern
    groups = _GROUPS.get(beats, (4,) * (beats // 4) + ((beats % 4,) if beats % 4 else ()))
    return "".join((pattern * 2)[: 4 * group] for group in groups)


@cache
def strokes(pattern: str) -> tuple[tuple[float, float, str], ...]:
    """(beat in bar, length in beats, letter) of each letter; `-` holds the letter before, `.` rests."""
    found: list[tuple[float, float, str]] = []
    for step, letter in enumerate(pattern):
        if letter in ".-":
            continue
        end = step + 1
        while end < len(pattern) and pattern[end] == "-":
            end += 1
        found.append((step / 4, (end - step) / 4, letter))
    return tuple(found)


def swing_shift(beat: float, unit: float, ratio: float) -> float:
    """How many beats later a swung event falls. `unit` 0.5 swings eighths, 0.25 sixteenths; ratio 0.5 is straight,
    0.667 triplets."""
    pair = 2.0 * unit
    phase = (beat % pair) / pair
    warped = phase * 2.0 * ratio if phase < 0.5 else ratio + (phase - 0.5) * 2.0 * (1.0 - ratio)
    return (warped - phase) * pair
