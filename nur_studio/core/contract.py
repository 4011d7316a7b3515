"""The tempo contract: what to do about a take whose measured tempo is not the one that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

EXACT = 0.0005  # of the tempo
EXACT_S = 0.005  # that the last beat may be off by: over 30 s that asks for more than EXACT does
MOST_STRETCH = 0.06  # beyond it, stretching is heard


class TempoStep(StrEnum):
    """What is to be done."""

    KEEP = "keep"  # the tempo is the one asked for, or none was
    STRETCH = "stretch"  # a little off: `stretch` makes it exact
    ASK = "ask"  # far off: the person decides between stretching and another take
    DRIFTS = "drifts"  # no steady tempo: one stretch brings its mean, not each beat
    BEATLESS = "beatless"  # nothing to hold to a tempo


@dataclass(frozen=True, slots=True)
class TempoPlan:
    """`ratio` is how many times longer the take gets to be in the asked tempo, 1 where that is not known.

    `measured` is in the octave that was asked for: what is heard as 60 where 120 was asked is a beat of 120.
    """

    step: TempoStep
    asked: float | None
    measured: float | None
    ratio: float = 1.0


def plan_tempo(asked: float | None, measured: float | None, steady: bool, duration_s: float) -> TempoPlan:
    """What to do about a take of `duration_s` in which `measured` BPM were heard where `asked` were wanted."""
    if asked is None:
        return TempoPlan(TempoStep.KEEP, asked, measured)
    if measured is None:
        return TempoPlan(TempoStep.BEATLESS, asked, measured)
    measured *= min((0.5, 1.0, 2.0), key=lambda octave: abs(measured * octave / asked - 1.0))
    ratio = measured / asked
    off = abs(ratio - 1.0)
    if not steady:
        step = TempoStep.DRIFTS
    elif off <= EXACT and off * duration_s <= EXACT_S:
        step = TempoStep.KEEP
    else:
        step = TempoStep.STRETCH if off <= MOST_STRETCH else TempoStep.ASK
    return TempoPlan(step, asked, measured, ratio)
