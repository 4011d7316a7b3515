"""How loud one listens, apart from the mix: the player hears of it, the meters do not."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from nur_studio.audio.player_state import PlayerState
from nur_studio.core.mix import MIN_GAIN_DB, Mix, to_linear
from nur_studio.gui.meters import Level

_LAG_S = 0.2  # so long may the player's levels still be of the volume before
_MOMENTARY_S, _SHORT_TERM_S = 0.4, 3.0  # what the two loudnesses look back on


class Monitor:
    """The listening volume. What the player measures lies after it, and is shown as it would be without.

    Closed, there is nothing to measure.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.volume_db = 0.0
        self._before_db = 0.0  # the loudest it was within the lag
        self._changed_at = -math.inf

    def set_volume(self, volume_db: float) -> None:
        now = self._clock()
        self._before_db = max(self.volume_db, self._before_db if now - self._changed_at < _LAG_S else -math.inf)
        self.volume_db, self._changed_at = volume_db, now

    def heard(self, mix: Mix) -> Mix:
        """`mix` as it comes out of the loudspeakers."""
        return mix.turned(self.volume_db)

    def measured(self, state: PlayerState) -> PlayerState:
        """`state` with the levels of the mix itself; a loudness that still looks back on another volume is NaN."""
        since = self._clock() - self._changed_at
        # While it changes, the louder of both counts: no level may look higher than it was.
        volume_db = max(self.volume_db, self._before_db) if since < _LAG_S else self.volume_db
        if volume_db == 0.0 and since > _LAG_S + _SHORT_TERM_S:
            return state
        if volume_db <= MIN_GAIN_DB:
            return replace(state, momentary_lufs=math.nan, short_term_lufs=math.nan)
        factor = 1.0 / to_linear(volume_db)
        return replace(
            state,
            peaks=_scaled(state.peaks, factor),
            rms=_scaled(state.rms, factor),
            master_peaks=_times(state.master_peaks, factor),
            master_rms=_times(state.master_rms, factor),
            momentary_lufs=state.momentary_lufs - volume_db if since > _LAG_S + _MOMENTARY_S else math.nan,
            short_term_lufs=state.short_term_lufs - volume_db if since > _LAG_S + _SHORT_TERM_S else math.nan,
        )


def _scaled(levels: Mapping[str, Level], factor: float) -> dict[str, Level]:
    return {lane: _times(level, factor) for lane, level in levels.items()}


def _times(level: Level, factor: float) -> Level:
    return level[0] * factor, level[1] * factor
