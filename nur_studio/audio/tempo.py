"""Tempo measured in the sound: where the onsets' own spectrum stands out at a beat and its divisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nur_studio.audio.listening import listened
from nur_studio.audio.onsets import Onsets, Vector, find_onsets
from nur_studio.core.sound import Audio

_MULTIPLES = (1.0, 2.0, 4.0)  # beat, half beat, quarter beat
_NEAR = 0.08  # how far from a known request to look
_SHORTEST_S = 3.0
_LOW, _HIGH = 40.0, 220.0  # BPM looked through where nothing was asked

_CLEAR = 3.5  # times the ordinary salience: noise and free playing stay under 3, however long
_AUDIBLE = 0.048  # nepers that a band rises at each beat, on average: vibrato and detuned drones stay under it
_USUAL_BPM, _USUAL_OCTAVES = 105.0, 0.6
_OUTSIDE_OCTAVES = 0.2  # how fast belief falls beyond a range of tempos
_PARTIAL = 0.6  # of the best salience anywhere: what is near a request and weaker is part of another tempo
_TRIPLET = 1.5  # times as strong at two thirds of a tempo: then its beats are every second triplet of a slower beat
_TRIPLET_SHARE = 0.3  # of the triplets' own strength that such a beat has
_PADDING = 8


@dataclass(frozen=True, slots=True)
class TempoReading:
    """`tempo` in BPM; `confidence` from 0 to 1, over 0.5 for anything with a clear steady beat."""

    tempo: float
    confidence: float


def measure_tempo(
    audio: Audio, sample_rate: int, near: float | None = None, tempo_range: tuple[float, float] | None = None
) -> TempoReading | None:
    """The steady tempo of `audio`, or None where nothing beats steadily (silence, noise, drones, under 3 s).

    With `near`, the tempo that was asked for, the reading is the best within ±8 % of it: exact to some hundredths of
    a BPM over 30 s. Where the music plainly moves at another tempo than that, it is this other one. Without, it is
    the best from 40 to 220 BPM; a beat and its half or double are told apart by `tempo_range`, the usual tempos of
    the genre, or by how usual they are in music altogether.
    """
    return find_tempo(find_onsets(listened(audio, sample_rate)), near, tempo_range)


def find_tempo(
    onsets: Onsets, near: float | None = None, tempo_range: tuple[float, float] | None = None
) -> TempoReading | None:
    """As `measure_tempo`, in onsets found already."""
    envelope = onsets.envelope
    if len(envelope) < _SHORTEST_S * onsets.rate or not envelope.any():
        return None
    spectrum = _Spectrum(envelope, onsets.rate)
    # A lobe of the fastest multiple is 60·rate/(4·n) BPM wide: eight points on each cannot miss one.
    step = 60.0 * onsets.rate / len(envelope) / max(_MULTIPLES) / 8.0
    low, high = (_LOW, _HIGH) if near is None else (min(_LOW, near * (1 - _NEAR)), max(_HIGH, near * (1 + _NEAR)))
    candidates = np.arange(low, high + step, step)
    salience = spectrum.salience(candidates)
    if near is not None:
        usual = _within(candidates, near / np.sqrt(2.0), near * np.sqrt(2.0))
    else:
        usual = _usual(candidates) if tempo_range is None else _within(candidates, *tempo_range)
    best = int(np.argmax(salience * usual))
    if near is not None:
        close = np.flatnonzero(np.abs(candidates / near - 1.0) <= _NEAR)
        nearest = int(close[np.argmax(salience[close])])
        if salience[nearest] >= _PARTIAL * salience[best]:
            best = nearest
    elif (tempo := float(candidates[best])) >= 1.5 * (tempo_range or (_LOW,))[0] and spectrum.triplets(tempo):
        around = np.flatnonzero(np.abs(candidates * 1.5 / tempo - 1.0) < 0.01)
        best = int(around[np.argmax(salience[around])])
    clarity = float(salience[best]) / spectrum.noise
    if clarity < _CLEAR or float(salience[best]) * spectrum.scale < _AUDIBLE:
        return None
    tempo = spectrum.refined(float(candidates[best]), step)
    return TempoReading(tempo, round(1.0 - _CLEAR / clarity / 2.0, 3))


class _Spectrum:
    """The Fourier magnitude of an onset envelope at any beat rate."""

    def __init__(self, envelope: Vector, rate: float) -> None:
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

    def salience(self, tempi: Vector) -> Vector:
        """Magnitudes at one, two and four times each tempo, summed."""
        total = np.zeros(len(tempi))
        for multiple in _MULTIPLES:
            total += self._at(tempi * multiple)
        return total

    def _at(self, tempi: Vector) -> Vector:
        magnitudes: Vector = np.interp(
            tempi * self._bins_per_bpm, np.arange(len(self._magnitudes)), self._magnitudes, right=0.0
        )
        return magnitudes

    def triplets(self, tempo: float) -> bool:
        """Whether a shuffle's every second triplet was read as the beat: then two thirds of `tempo` beats more."""
        nearby = np.linspace(0.99, 1.01, 41)
        slower, beat, double = (float(self._at(tempo * times * nearby).max()) for times in (2.0 / 3.0, 1.0, 2.0))
        return slower > max(_TRIPLET * beat, _TRIPLET_SHARE * double)

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


def _usual(tempi: Vector) -> Vector:
    """How usual tempi are: a bell over octaves around 105 BPM."""
    weights: Vector = np.exp(-0.5 * (np.log2(tempi / _USUAL_BPM) / _USUAL_OCTAVES) ** 2)
    return weights


def _within(tempi: Vector, low: float, high: float) -> Vector:
    """Belief in tempi where those from `low` to `high` are usual: all alike within, ever less beyond."""
    outside = np.maximum(np.log2(np.maximum(low / tempi, tempi / high)), 0.0)
    weights: Vector = np.exp(-0.5 * (outside / _OUTSIDE_OCTAVES) ** 2)
    return weights
