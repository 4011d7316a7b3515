"""Which of the twelve notes sound when: spectral peaks gathered by pitch class, in tune with the recording itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nur_studio.audio.listening import LISTENING_RATE

_WINDOW, _HOP = 8192, 2048  # frames: 372 and 93 ms; a semitone at 80 Hz is two bins wide
_CHUNK = 256  # windows transformed at once
_LOW_HZ, _BASS_HZ, _HIGH_HZ = 40.0, 220.0, 2500.0
_FLOOR = 1e-3  # of a window's strongest peak: weaker ones are noise

_Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chroma:
    """`notes` and `bass` have shape (windows, 12), C first; window i is around i / `rate` seconds.

    `notes` weighs all peaks from 40 to 2500 Hz by the root of their magnitude, `bass` those below 220 Hz alone.
    `tuning` is how many semitones above 440 Hz the recording's A lies, from −0.5 to 0.5.
    """

    notes: _Matrix
    bass: _Matrix
    rate: float
    tuning: float


def find_chroma(mono: NDArray[np.float32]) -> Chroma:
    """The notes in one channel at `LISTENING_RATE`."""
    from scipy.fft import rfft

    padded = np.concatenate((np.zeros(_WINDOW // 2, np.float32), mono, np.zeros(_WINDOW // 2, np.float32)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    window = np.hanning(_WINDOW).astype(np.float32)
    first = int(_LOW_HZ * _WINDOW / LISTENING_RATE)
    last = int(_HIGH_HZ * _WINDOW / LISTENING_RATE)
    rows, pitches, weights = [], [], []
    for start in range(0, len(windows), _CHUNK):
        magnitudes = np.abs(rfft(windows[start : start + _CHUNK] * window, axis=1))[:, first - 1 : last + 2]
        row, pitch, weight = _peaks(magnitudes, first)
        rows.append(row + start)
        pitches.append(pitch)
        weights.append(weight)
    row, pitch, weight = np.concatenate(rows), np.concatenate(pitches), np.concatenate(weights)
    # The mean of angles: how far peaks lie from the nearest semitone, most of them.
    turn = complex(np.sum(weight * np.exp(2j * np.pi * pitch)))
    tuning = float(np.angle(turn) / (2.0 * np.pi))
    nearest = np.rint(pitch - tuning)
    off = np.abs(pitch - tuning - nearest)
    weight = weight * np.maximum(0.0, 1.0 - 2.0 * off)  # between two notes is neither
    place = row * 12 + np.mod(nearest, 12).astype(np.intp)
    low = pitch < 69.0 + 12.0 * np.log2(_BASS_HZ / 440.0)
    size = len(windows) * 12
    notes: _Matrix = np.bincount(place, weight, size).reshape(-1, 12).astype(np.float64)
    bass: _Matrix = np.bincount(place[low], weight[low], size).reshape(-1, 12).astype(np.float64)
    return Chroma(notes, bass, LISTENING_RATE / _HOP, tuning)


def _peaks(magnitudes: NDArray[np.float32], first: int) -> tuple[NDArray[np.intp], _Matrix, _Matrix]:
    """The window, MIDI pitch and weight of every spectral peak; column 1 of `magnitudes` is bin `first`."""
    middle = magnitudes[:, 1:-1]
    strongest = middle.max(axis=1, keepdims=True, initial=0.0)
    is_peak = (middle > magnitudes[:, :-2]) & (middle >= magnitudes[:, 2:]) & (middle > _FLOOR * strongest)
    row, column = np.nonzero(is_peak)
    below, peak, above = (np.log(magnitudes[row, column + step] + 1e-12) for step in (0, 1, 2))
    # The top of the parabola through three points in decibels: a Hann window's peak within some hundredths of a bin.
    bend = np.minimum(below - 2.0 * peak + above, -1e-9)
    shift = np.clip(0.5 * (below - above) / bend, -0.5, 0.5)
    hertz = (column + first + shift) * (LISTENING_RATE / _WINDOW)
    return row, 69.0 + 12.0 * np.log2(hertz / 440.0), np.sqrt(magnitudes[row, column + 1].astype(np.float64))
