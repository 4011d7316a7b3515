"""How long a take becomes: the seconds that were asked for, or bars of the tempo it is made in."""

from __future__ import annotations

import math

from nur_studio.core.errors import InvalidRequest
from nur_studio.core.request import MAX_BARS, MAX_DURATION, MIN_DURATION, GenerationRequest
from nur_studio.core.timing import Grid


def length_s(request: GenerationRequest, tempo: int, beats_per_bar: int) -> float:
    """The exact length in seconds of what `request` asks for, at `tempo` BPM.

    Raises `InvalidRequest` for bars that make less or more than music may last at that tempo.
    """
    bars = bars_of(request, tempo, beats_per_bar)
    return float(request.duration) if bars is None else bars * beats_per_bar * 60.0 / tempo


def bars_of(request: GenerationRequest, tempo: int, beats_per_bar: int) -> int | None:
    """The whole bars it has: those asked for, or for a loop as many as its seconds have room for; else None.

    Raises `InvalidRequest` as `length_s` does.
    """
    bar_s = Grid(tempo, beats_per_bar).bar_s
    fewest, most = math.ceil(MIN_DURATION / bar_s - 1e-9), min(MAX_BARS, math.floor(MAX_DURATION / bar_s + 1e-9))
    where = f"at {tempo} BPM, where a bar has {beats_per_bar} beats and lasts {bar_s:.3g} s"
    if request.bars is not None:
        if not fewest <= request.bars <= most:
            raise InvalidRequest("bars", request.bars, f"{fewest} to {most} {where}")
        return request.bars
    if not request.controls.loop:
        return None
    bars = max(fewest, math.floor(request.duration / bar_s + 1e-9))
    if bars > most:
        raise InvalidRequest(
            "duration",
            request.duration,
            f"at most {math.floor(most * bar_s)} for a loop, of up to {most} bars, {where}",
        )
    return bars
