"""The tempo contract: how a take is to be handed over, and what to do where its tempo is not the one asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

EXACT = 0.0005  # of the tempo
EXACT_S = 0.005  # that the last beat may be off by: over 30 s that asks for more than EXACT does
MOST_STRETCH = 0.06  # beyond it, stretching is heard
SPARE = 0.03  # of a take, made beside it: one that is stretched to less time still lasts as long as was asked
SEAM_S = 0.1  # more, for what follows a loop to fade into its beginning
MAX_ROLLS = 3  # of one take, where a tempo far off is rolled again
LITTLE_WANDER_S = 0.06  # a beat that strays by less is brought to a tempo by its mean; more, and it has none
LITTLE_DRIFT = 0.01  # of the tempo, from beginning to end


class TempoStep(StrEnum):
    """What is to be done."""

    KEEP = "keep"  # the tempo is the one asked for, or none was
    STRETCH = "stretch"  # a little off: `stretch` makes it exact
    ASK = "ask"  # far off: the person decides between stretching and another take
    DRIFTS = "drifts"  # no steady tempo: one stretch brings its mean, not each beat
    BEATLESS = "beatless"  # nothing to hold to a tempo


class FarOff(StrEnum):
    """What becomes of a take whose tempo is so far off that stretching it would be heard."""

    ASK = "ask"  # it is left as it is until the person says otherwise
    STRETCH = "stretch"
    REROLL = "reroll"  # made again with another seed, some times at most
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class TempoPlan:
    """`ratio` is how many times longer the take gets to be in the asked tempo, 1 where that is not known.

    `measured` is in the octave that was asked for: what is heard as 60 where 120 was asked is a beat of 120.
    """

    step: TempoStep
    asked: float | None
    measured: float | None
    ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Contract:
    """How one take is to be handed over: `duration_s` long, to the frame.

    `tempo` is what it is brought to (None: none was asked for, so it keeps its own); `bar_one` has its first bar begin
    at frame 0; `loop_bars` makes a loop of so many bars of it (0: it has an end). `exact`: its engine keeps to the
    tempo by construction, so nothing is measured, moved or stretched. `master` brings it to −14 LUFS.
    """

    duration_s: float
    tempo: int | None
    beats_per_bar: int = 4
    far_off: FarOff = FarOff.ASK
    bar_one: bool = False
    loop_bars: int = 0
    exact: bool = False
    master: bool = True

    @property
    def spare_s(self) -> float:
        """How much more than `duration_s` is to be made, to be cut off in the end."""
        if self.tempo is None or self.exact:
            return 0.0
        bar_s = self.beats_per_bar * 60.0 / self.tempo
        return SPARE * self.duration_s + (bar_s if self.bar_one else 0.0) + (SEAM_S if self.loop_bars else 0.0)


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


def rolled_seed(seed: int, roll: int) -> int:
    """The seed of a take's roll: its own for the first, else one that follows from both numbers alone."""
    if roll == 0:
        return seed
    return int.from_bytes(hashlib.blake2b(f"tempo/{seed}/{roll}".encode(), digest_size=4).digest())
