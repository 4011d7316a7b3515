"""Long pieces as a chain of windows: where each begins, how much of the music before it the model hears again.

A model knows only its own window (30 s). Each further window begins with the tokens of the music before it, never with
sound encoded again, and adds what is left of the window. Audiocraft carries 12 s of 30 (a stride of 18): less, and the
style is lost from window to window; more, and every second of music costs more steps and the same phrase is heard, and
repeated, for longer. Here the carry is the whole number of bars nearest to that share, and windows end on a bar, so
that what goes wrong between two windows goes wrong where music changes anyway. Where memory is short a person may have
shorter windows; the share stays.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

CARRY_SHARE = 12 / 30
_CARRY_RANGE = (8 / 30, 20 / 30)


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """Frames `start` to `end` of the music are new, `carry` frames before `start` are heard again; all follow the
    description number `section`.
    """

    start: int
    end: int
    carry: int
    section: int


def carry_frames(frame_rate: float, bar_s: float, window_s: float) -> int:
    """How many frames of the past a window hears: the whole bars nearest to 12 s of 30, if 8 to 20 s hold any."""
    low, high = (share * window_s for share in _CARRY_RANGE)
    wanted = CARRY_SHARE * window_s
    seconds = max(1, round(wanted / bar_s)) * bar_s
    return round((seconds if low <= seconds <= high else wanted) * frame_rate)


def plan(
    first: int, total: int, window: int, carry: int, bars: Sequence[int], changes: Sequence[int]
) -> list[WindowPlan]:
    """The windows that take music of `first` known frames to `total`.

    `window` is the longest, `carry` that of `carry_frames`; `bars` are the frames on which bars begin, `changes` those
    on which the second description begins, the third … (increasing). A window never crosses a change.
    """
    windows = []
    position = first
    while position < total:
        section = bisect.bisect_right(changes, position)
        heard = min(position, carry, window - 1)
        end = min(total, position - heard + window)
        if section < len(changes):
            end = min(end, changes[section])
        if end < total and end not in changes:
            end = _bar_before(bars, position, end)
        windows.append(WindowPlan(position, end, heard, section))
        position = end
    return windows


def _bar_before(bars: Sequence[int], position: int, end: int) -> int:
    """The last bar line in (position, end], or `end` where there is none."""
    index = bisect.bisect_right(bars, end) - 1
    return bars[index] if index >= 0 and bars[index] > position else end
