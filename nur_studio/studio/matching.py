"""Where a stem of one track fits into another: which lane it takes, and how their beats meet."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nur_studio.core.errors import InvalidRequest, StudioError
from nur_studio.core.mix import LANES, SIX_LANES
from nur_studio.core.track import Track
from nur_studio.studio.parts import MIX_PART, lanes_of, no_part

_MOST_DRIFT_S = 0.01  # how far two tempi may part over the sound they share and still be one


@dataclass(frozen=True, slots=True)
class Wish:
    """What to combine: `stem` of the other track `into` a lane of this one ("": its namesake)."""

    stem: str
    into: str = ""
    layer: bool = False  # on top of what is there, not in its place
    repeat: bool = False  # loop whole bars to this track's length
    title: str = ""
    sellable_only: bool = False  # what the settings ask of engines


@dataclass(frozen=True, slots=True)
class Fit:
    """`aligned`: they meet on the downbeat; `ratio`: how many times as long the other must become, to be in `tempo`:
    this one's, or half or double of it where that is nearer.
    """

    aligned: bool
    ratio: float = 1.0
    tempo: float = 0.0


def target_lane(track: Track, wish: Wish) -> tuple[str, frozenset[str]]:
    """The lane the stem goes to, and the lanes of which nothing is kept."""
    if wish.into and wish.into not in LANES:
        raise InvalidRequest("into", wish.into, f"one of {', '.join(LANES)}")
    if not track.lanes:
        if wish.into:
            raise no_part(track, wish.into)
        if not wish.layer:
            raise StudioError(
                f"{track.title!r} has no stems, so none of them can be replaced.",
                hint="Lay the other one on top of it instead.",
            )
        return MIX_PART, frozenset()
    wanted = wish.into or wish.stem
    if wanted == MIX_PART:
        if not wish.layer:
            raise InvalidRequest("into", wish.into, f"a stem to replace, one of {', '.join(track.lanes)}")
        wanted = "other"
    if wanted in SIX_LANES[3:] and wanted not in track.lanes:  # four lanes: theirs is all of this together
        if not wish.layer:
            raise no_part(track, wanted)
        wanted = "other"
    lanes = lanes_of(track, wanted)
    return lanes[-1], frozenset() if wish.layer else frozenset(lanes)


def fit_of(track: Track, other: Track, wish: Wish, can_stretch: bool) -> Fit:
    """How the beats of two tracks meet. Raises `StudioError` where they would run apart."""
    ours, theirs = track.exact_tempo, other.exact_tempo
    if wish.repeat and not theirs:
        raise StudioError(f"{other.title!r} has no steady beat: there are no whole bars to repeat.")
    if not ours or not theirs:
        return Fit(False)
    shared_s = track.duration_s if wish.repeat else min(track.duration_s, other.duration_s)
    tempo = min((ours, ours / 2.0, ours * 2.0), key=lambda near: abs(math.log(theirs / near)))
    if abs(1.0 - theirs / tempo) * shared_s <= _MOST_DRIFT_S:
        return Fit(True, tempo=tempo)
    if not can_stretch:
        raise StudioError(
            f"{other.title!r} plays at {theirs:.6g} BPM and {track.title!r} at {ours:.6g}: they would run apart.",
            hint="Choose takes of one tempo, or make one again at the other's.",
        )
    return Fit(True, theirs / tempo, tempo)
