"""The meters as the window reads them: peaks since the last look, RMS over the last 300 ms, loudness."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nur_studio.audio.player_state import BLOCKS, CLOCK, LANES_SEQ, MAX_LANES, OUT_RATE, POLLS, Block

Pair = tuple[float, float]

RMS_S = 0.3
"""Window of the RMS meters: the VU meter's integration time."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Linear levels (left, right) after the fader, of the lanes in their order and of their sum."""

    peaks: tuple[Pair, ...]
    rms: tuple[Pair, ...]
    master_peaks: Pair
    master_rms: Pair


class MeterReader:
    """Reads one block. The player only adds up energies, so the window lies between two looks of the reader."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._seen_blocks = 0
        self._seen_at = 0.0
        self._lanes_seq = 0
        # Looks so far, the oldest just outside the window: frames played, energies by then.
        self._looks: deque[tuple[float, NDArray[np.float64]]] = deque([block.read_energies()])

    def read(self, lanes: int, load_seq: int) -> Levels:
        """Of the `lanes` that command `load_seq` loaded; zeros as long as they are not what sounds."""
        block = self._block
        blocks, lanes_seq = int(block.integers[BLOCKS]), int(block.integers[LANES_SEQ])
        peaks = block.peaks.copy() if blocks != self._seen_blocks else np.zeros((MAX_LANES + 1, 2))
        block.integers[POLLS] += 1
        rms = self._rms(blocks, lanes_seq)
        if lanes_seq != load_seq:
            peaks[:MAX_LANES] = rms[:MAX_LANES] = 0.0
        return Levels(_pairs(peaks[:lanes]), _pairs(rms[:lanes]), *_pairs(peaks[MAX_LANES:]), *_pairs(rms[MAX_LANES:]))

    def _rms(self, blocks: int, lanes_seq: int) -> NDArray[np.float64]:
        now = CLOCK()
        if blocks != self._seen_blocks:
            self._seen_blocks, self._seen_at = blocks, now
            if lanes_seq != self._lanes_seq:  # the rows are other lanes now
                if self._lanes_seq:
                    self._looks.clear()
                self._lanes_seq = lanes_seq
            self._looks.append(self._block.read_energies())
        elif now - self._seen_at > RMS_S:  # no stream
            self._looks.clear()
        if len(self._looks) < 2:
            return np.zeros((MAX_LANES + 1, 2))
        frames, energies = self._looks[-1]
        window = RMS_S * self._rate
        while len(self._looks) > 2 and frames - self._looks[1][0] >= window:
            self._looks.popleft()
        first, before = self._looks[0]
        result: NDArray[np.float64] = np.sqrt(np.maximum(energies - before, 0.0) / max(frames - first, 1.0))
        return result

    @property
    def _rate(self) -> float:
        anchor = self._block.read_anchor()
        return 1.0 if anchor is None else float(anchor[OUT_RATE])


def _pairs(rows: NDArray[np.float64]) -> tuple[Pair, ...]:
    values: Sequence[Sequence[float]] = rows.tolist()
    return tuple((left, right) for left, right in values)
