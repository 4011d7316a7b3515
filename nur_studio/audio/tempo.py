"""Tempo measured in the sound: where the onsets' own spectrum stands out at a beat and its divisions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.sound import Audio

_WINDOW_S = 0.023
_HOP_S = 0.0058
_BANDS = 40
_CHUNK = 4096  # windows transformed at once: memory stays bounded for any length
_MULTIPLES = (1.0, 2.0, 4.0)  # beat, half beat, quarter beat
_NEAR = 0.08  # how far from a known request to look
_SHORTEST_S = 3.0
_FLOOR = 1e-4  # of the loudest band: what lies 40 dB below it is no onset

_CLEAR = 3.5  # times the ordinary salience: noise and free playing stay under 3, however long
_AUDIBLE = 0.048  # nepers that a band rises at each beat, on average: vibrato and detuned drones stay under it
_USUAL_BPM, _USUAL_OCTAVES = 105.0, 0.6
_PADDING = 8

_Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TempoReading:
    """`tempo` in BPM; `confidence` from 0 to 1, over 0.5 for anything with a clear steady beat."""

    tempo: float
    confidence: float


def measure_tempo(
    audio: Audio, sample_rate: int, near: float | None = None, tempo_range: tuple[float, float] = (40.0, 220.0)
) -> TempoReading | None:
    """The steady tempo of `audio`, or None where nothing beats steadily (silence, noise, drones, under 3 s).

    With `near`, the tempo that was asked for, the reading is the best within ±8 % of it: exact to some hundredths of
    a BPM over 30 s. Without, it is the best of `tempo_range`, where a beat and its half or double are told apart only
    by how usual they are.
    """
    if len(audio) < _SHORTEST_S * sample_rate:
        return None
    envelope, rate = _onsets(audio, sample_rate)
    if not envelope.any():
        return None
    spectrum = _Spectrum(envelope, rate)
    if near is not None:
        low, high = near * (1.0 - _NEAR), near * (1.0 + _NEAR)
    else:
        low, high = tempo_range
    # A lobe of the fastest multiple is 60·rate/(4·n) BPM wide: eight points on each cannot miss one.
    step = 60.0 * rate / len(envelope) / max(_MULTIPLES) / 8.0
    candidates = np.arange(low, high + step, step)
    salience = spectrum.salience(candidates)
    weighted = salience if near is not None else salience * _usual(candidates)
    best = int(np.argmax(weighted))
    clarity = float(salience[best]) / spectrum.noise
    if clarity < _CLEAR or float(salience[best]) * spectrum.scale < _AUDIBLE:
        return None
    tempo = spectrum.refined(float(candidates[best]), step)
    return TempoReading(tempo, round(1.0 - _CLEAR / clarity / 2.0, 3))


class _Spectrum:
    """The Fourier magnitude of an onset envelope at any beat rate."""

    def __init__(self, envelope: _Vector, rate: float) -> None:
        from scipy.fft import next_fast_len, rfft

        window = np.hanning(len(envelope))
        self.scale = 2.0 / float(window.sum())  # from a magnitude to the amplitude of a swing
        # A window that falls to zero: else every strong line leaks into its neighbours and shifts them.
        self._envelope = (envelope - envelope.mean()) * window
        self._times = (np.arange(len(envelope)) - len(envelope) / 2) / rate
        size = next_fast_len(len(envelope) * _PADDING, real=True)
        self._magnitudes = np.abs(rfft(self._envelope, size))
        self._bins_per_bpm = size / rate / 60.0
        self.noise = max(float(np.median(self.salience(np.arange(40.0, 220.0, 0.05)))), 1e-12)

    def salience(self, tempi: _Vector) -> _Vector:
        """Magnitudes at one, two and four times each tempo, summed."""
        bins = tempi * self._bins_per_bpm
        grid = np.arange(len(self._magnitudes))
        total = np.zeros(len(tempi))
        for multiple in _MULTIPLES:
            total += np.interp(bins * multiple, grid, self._magnitudes, right=0.0)
        return total

    def refined(self, tempo: float, step: float) -> float:
        """The top of the lobe at `tempo`, from the transform itself, narrowed twice."""
        for _ in range(2):
            tempi = tempo + step * np.linspace(-1.5, 1.5, 13)
            values = np.zeros(len(tempi))
            for multiple in _MULTIPLES:
                turns = np.outer(tempi * (multiple / 60.0), self._times)
                values += np.abs(np.exp(-2j * np.pi * turns) @ self._envelope)
            tempo = float(tempi[int(np.argmax(values))])
            step /= 4.0
        return tempo


def _onsets(audio: Audio, sample_rate: int) -> tuple[_Vector, float]:
    """How much louder the bands of the sound get, window by window, and the windows per second."""
    from scipy.fft import rfft

    size = 1 << round(math.log2(_WINDOW_S * sample_rate))
    hop = max(1, size // 4)
    window = np.hanning(size).astype(np.float32)
    count = 1 + (len(audio) - size) // hop
    borders = np.unique(np.geomspace(1, size // 2, _BANDS + 1).astype(np.intp))
    energies = np.empty((count, len(borders)), np.float32)
    for first in range(0, count, _CHUNK):
        last = min(count, first + _CHUNK)
        mono = audio[first * hop : (last - 1) * hop + size].mean(axis=1, dtype=np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(mono, size)[::hop] * window
        spectra = rfft(windows, axis=1)
        energies[first:last] = np.add.reduceat(spectra.real**2 + spectra.imag**2, borders, axis=1)
    loudest = float(energies.max())
    if loudest <= 0.0:
        return np.zeros(count), sample_rate / hop
    levels = np.log(energies + np.float32(_FLOOR * loudest))
    rises = np.maximum(levels[2:] - levels[:-2], 0.0).mean(axis=1, dtype=np.float64)
    return rises, sample_rate / hop


def _usual(tempi: _Vector) -> _Vector:
    """How usual tempi are: a bell over octaves around 105 BPM."""
    weights: _Vector = np.exp(-0.5 * (np.log2(tempi / _USUAL_BPM) / _USUAL_OCTAVES) ** 2)
    return weights
