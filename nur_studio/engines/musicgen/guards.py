"""Watches a long piece for the ways in which models lose the thread: silence, creeping level, a lost beat, a loop.

Judged is each window's new part, against the windows before it. The thresholds are wide: a breakdown, a fade within the
music or a refrain must pass; what is caught is what nobody would keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from nur_studio.core.sound import Audio
from nur_studio.engines.base import Codes

SILENCE_DBFS = -55.0
SILENT_SHARE = 0.5  # of a window's tenths of a second
LEVEL_DB = 9.0  # above the piece so far; −14 LUFS of one section to the next is seldom over 6
LOST_ONSETS = 0.12  # of the onsets a second there were
FEWEST_ONSETS = 1.0  # a second: with fewer there was no beat to lose
REPEATED = 0.9  # of the tokens equal to those one period before, for most of the window
SHORTEST_S = 2.0  # shorter parts say too little

_BLOCK_S = 0.1
_SHORTEST_PERIOD = 25  # frames: half a second
_LONGEST_PERIOD = 1000

_Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`faults` in words, none where the window is to be kept; `measures` are what was found."""

    faults: tuple[str, ...]
    measures: Mapping[str, float]

    @property
    def badness(self) -> float:
        """For choosing the least bad of several."""
        return float(len(self.faults))


@dataclass(slots=True)
class History:
    """What the windows kept so far were like."""

    levels_db: list[float] = field(default_factory=list)
    onsets: list[float] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        """Remember a window that was kept."""
        if "level_db" in verdict.measures:
            self.levels_db.append(verdict.measures["level_db"])
            self.onsets.append(verdict.measures["onsets_per_s"])


def judge(audio: Audio, sample_rate: int, codes: Codes, history: History) -> Verdict:
    """Judge the new part of a window: its sound (samples, channels) and its tokens (codebooks, frames)."""
    if len(audio) < SHORTEST_S * sample_rate:
        return Verdict((), {})
    mono = audio.mean(axis=1, dtype=np.float64)
    blocks = _block_levels(mono, sample_rate)
    loud = blocks[blocks > SILENCE_DBFS]
    measures = {
        "silent_share": float(np.mean(blocks <= SILENCE_DBFS)),
        "level_db": float(10.0 * np.log10(np.mean(10.0 ** (loud / 10.0)))) if len(loud) else -120.0,
        "onsets_per_s": onsets_per_s(mono, sample_rate),
        "repeated_share": repeated_share(codes),
    }
    return Verdict(tuple(_faults(measures, history)), {name: round(value, 3) for name, value in measures.items()})


def _faults(measures: Mapping[str, float], history: History) -> list[str]:
    faults = []
    if measures["silent_share"] > SILENT_SHARE:
        faults.append("silence")
    if history.levels_db and measures["level_db"] > float(np.median(history.levels_db)) + LEVEL_DB:
        faults.append("level creep")
    if history.onsets:
        usual = float(np.median(history.onsets))
        if usual >= FEWEST_ONSETS and measures["onsets_per_s"] < LOST_ONSETS * usual:
            faults.append("lost onsets")
    if measures["repeated_share"] > REPEATED:
        faults.append("verbatim repetition")
    return faults


def _block_levels(mono: _Vector, sample_rate: int) -> _Vector:
    """RMS of every tenth of a second, in dBFS."""
    size = round(_BLOCK_S * sample_rate)
    blocks = mono[: len(mono) // size * size].reshape(-1, size)
    levels: _Vector = 10.0 * np.log10(np.mean(blocks**2, axis=1) + 1e-12)
    return levels


def onsets_per_s(mono: _Vector, sample_rate: int) -> float:
    """How often energy rises by more than 3 dB within 30 ms in some third of the spectrum's bands."""
    hop = max(1, round(0.01 * sample_rate))
    size = 4 * hop
    count = (len(mono) - size) // hop
    if count < 8:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(mono, size)[::hop][:count] * np.hanning(size)
    spectrum = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    edges = np.unique(np.geomspace(1, spectrum.shape[1], 17).astype(int))
    bands = 10.0 * np.log10(np.add.reduceat(spectrum, edges[:-1], axis=1) + 1e-6)
    rise = np.maximum(0.0, bands[3:] - bands[:-3])
    strength = np.mean(np.minimum(rise, 12.0), axis=1)
    peaks, _ = find_peaks(strength, height=2.0, distance=7)
    return len(peaks) / (len(mono) / sample_rate)


def repeated_share(codes: Codes) -> float:
    """The largest share of tokens that equal the token one period earlier, over all periods of 0.5 to 20 s.

    Music repeats phrases, but sampled tokens never twice alike: only a model that is stuck gives the same tokens again.
    """
    first = codes[0]
    frames = len(first)
    best = 0.0
    for period in range(_SHORTEST_PERIOD, min(_LONGEST_PERIOD, frames // 2) + 1):
        same = first[period:] == first[:-period]
        if same.mean() > best:
            best = float((codes[:, period:] == codes[:, :-period]).mean())
    return best
