"""Tap tempo: beats tapped by hand become BPM."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from nur_studio.core.request import MAX_TEMPO, MIN_TEMPO

_FORGET_S = 2.2  # longer than a beat at the slowest tempo: a new beginning
_KEPT = 9


class TapTempo:
    """Takes taps; from the third on says the tempo, by the median gap, so that one late tap does no harm."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taps: list[float] = []

    def tap(self) -> int | None:
        """One tap now. Whole BPM within the allowed range, or None while there are too few taps."""
        now = self._clock()
        if self._taps and now - self._taps[-1] > _FORGET_S:
            self._taps.clear()
        self._taps = [*self._taps, now][-_KEPT:]
        if len(self._taps) < 3:
            return None
        gaps = [later - earlier for earlier, later in zip(self._taps, self._taps[1:], strict=False)]
        middle = max(median(gaps), 1e-3)
        return min(MAX_TEMPO, max(MIN_TEMPO, round(60.0 / middle)))
