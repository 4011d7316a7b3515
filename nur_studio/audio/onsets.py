"""Where sound begins: how much louder the bands of a recording get, moment by moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nur_studio.audio.listening import LISTENING_RATE

_WINDOW, _HOP = 512, 128  # frames: 23 and 5.8 ms
_BANDS = 40
_LOW_HZ = 160.0  # where kick and bass live
_CHUNK = 4096  # windows transformed at once: memory stays bounded for any length
_FLOOR = 1e-4  # of the loudest band: what lies 40 dB below it is no onset
# A rise is steepest when an attack has just come into the window, which is before it reaches the window's middle.
_LEAD_S = 0.0048

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Onsets:
    """`envelope` holds nepers that the bands rose by on average, `low` those of the lowest bands alone.

    Value i belongs to the time `first_s` + i / `rate`.
    """

    envelope: Vector
    low: Vector
    rate: float
    first_s: float

    def index(self, time_s: Vector | float) -> Vector:
        """The fractional place in the envelope of what sounds at `time_s`."""
        return (np.asarray(time_s, np.float64) - self.first_s) * self.rate

    def time(self, index: Vector | NDArray[np.intp] | float) -> Vector:
        return np.asarray(index, np.float64) / self.rate + self.first_s


def find_onsets(mono: NDArray[np.float32]) -> Onsets:
    """The onsets in one channel at `LISTENING_RATE`. Sound that starts at once starts with an onset."""
    from scipy.fft import rfft

    # A window of silence before and after: what begins at frame 0 rises out of it.
    padded = np.concatenate((np.zeros(_WINDOW, np.float32), mono, np.zeros(_WINDOW, np.float32)))
    window = np.hanning(_WINDOW).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    borders = np.unique(np.geomspace(1, _WINDOW // 2, _BANDS + 1).astype(np.intp))
    energies = np.empty((len(windows), len(borders)), np.float32)
    for first in range(0, len(windows), _CHUNK):
        spectra = rfft(windows[first : first + _CHUNK] * window, axis=1)
        power = spectra.real**2 + spectra.imag**2
        energies[first : first + _CHUNK] = np.add.reduceat(power, borders, axis=1)
    rate = LISTENING_RATE / _HOP
    first_s = (_HOP + _WINDOW / 2 - _WINDOW) / LISTENING_RATE + _LEAD_S
    loudest = float(energies.max())
    if loudest <= 0.0:
        silence = np.zeros(len(windows) - 2)
        return Onsets(silence, silence, rate, first_s)
    levels = np.log(energies + np.float32(_FLOOR * loudest))
    rises = np.maximum(levels[2:] - levels[:-2], 0.0)
    low = borders * (LISTENING_RATE / _WINDOW) < _LOW_HZ
    return Onsets(rises.mean(axis=1, dtype=np.float64), rises[:, low].mean(axis=1, dtype=np.float64), rate, first_s)
