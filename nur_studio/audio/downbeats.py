"""Which beat begins a bar: where the harmony changes, the bass comes in and the kick falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nur_studio.audio.beats import EARLY_S
from nur_studio.audio.chroma import Chroma
from nur_studio.audio.onsets import Onsets, Vector

# How much each sign says, in the order of _signs: harmony above all, since drums may accent any beat.
_SIGNS = np.array([0.5, 1.0, 1.5, 1.0, 0.5, -0.25])
_SILENT = 0.5  # how much the strength of all beats together says, against that of all off-beats
_CLEAR = 0.5  # by how much the best place leads the next: less is a guess
_STILL = 0.03  # a change of harmony smaller than this is the picture's own unrest


@dataclass(frozen=True, slots=True)
class Bars:
    """`beats` in seconds; every `beats_per_bar`-th from number `first` on begins a bar. `sure`: that stood out."""

    beats: Vector
    first: int
    sure: bool


def find_bars(onsets: Onsets, chroma: Chroma, pulse: Vector, beats_per_bar: int, duration_s: float) -> Bars:
    """The beats, and which of them begin bars, given a pulse that may be the beats or the off-beats between them."""
    places = 2 * beats_per_bar
    if len(pulse) < places:
        return Bars(pulse, 0, False)
    halves = _halves(pulse, duration_s)
    score = _SIGNS @ _signs(onsets, chroma, halves)
    means = np.array([score[place::places].mean() for place in range(places)])
    # Where one half of the pulse is all but silent, it holds no beats, whatever else speaks for it.
    strength = _strongest(onsets, onsets.envelope, halves)
    loudness = np.array([strength[half::2].mean() for half in range(2)])
    means += np.tile(_SILENT * np.log(loudness / max(float(loudness.max()), 1e-12) + 1e-3), beats_per_bar)
    best = int(np.argmax(means))
    runner_up = float(np.max(np.delete(means, best)))
    beats = halves[best % 2 :: 2]
    return Bars(beats, best // 2, float(means[best]) - runner_up >= _CLEAR)


def _halves(pulse: Vector, duration_s: float) -> Vector:
    """The pulse, and what lies in the middle between its beats, before the first and after the last."""
    halves = np.empty(len(pulse) * 2 + 1)
    halves[1::2] = pulse
    halves[2:-1:2] = (pulse[1:] + pulse[:-1]) / 2.0
    halves[0] = pulse[0] - (pulse[1] - pulse[0]) / 2.0
    halves[-1] = pulse[-1] + (pulse[-1] - pulse[-2]) / 2.0
    # A beat some ms before frame 0 is the one that frame 0 begins with.
    within: Vector = np.maximum(halves[(halves > -EARLY_S) & (halves < duration_s)], 0.0)
    return within


def _signs(onsets: Onsets, chroma: Chroma, times: Vector) -> NDArray[np.float64]:
    """What speaks for a bar to begin at each time, each sign in deviations from its own mean: shape (signs, times)."""
    full = _strongest(onsets, onsets.envelope, times)
    low = _strongest(onsets, onsets.low, times)
    beat_s = float(np.median(np.diff(times))) * 2.0
    signs = [_normal(full), _normal(low)]
    for notes in (chroma.notes, chroma.bass):
        running = np.vstack((np.zeros(12), np.cumsum(notes, axis=0)))
        signs.extend(_normal(_change(running, chroma.rate, times, beat_s * span), _STILL) for span in (1.0, 2.0))
    notes_1, notes_2, bass_1, bass_2 = signs[2:]
    # Snares are all that is loud and not low.
    return np.array([signs[0], signs[1], notes_1, notes_2, (bass_1 + bass_2) / 2.0, _normal(signs[0] - signs[1])])


def _strongest(onsets: Onsets, envelope: Vector, times: Vector) -> Vector:
    steps = np.arange(-0.02, 0.021, 0.005)
    values = np.interp(onsets.index(times[:, None] + steps), np.arange(len(envelope)), envelope)
    strongest: Vector = values.max(axis=1)
    return strongest


def _change(running: NDArray[np.float64], rate: float, times: Vector, span_s: float) -> Vector:
    """How much the notes of `span_s` before each time differ from those after it: 1 − the cosine between them."""

    def sounded(until: Vector) -> NDArray[np.float64]:
        place = np.clip(until * rate + 0.5, 0.0, len(running) - 1.0)
        whole = np.minimum(place.astype(np.intp), len(running) - 2)
        part = (place - whole)[:, None]
        until_then: NDArray[np.float64] = running[whole] * (1.0 - part) + running[whole + 1] * part
        return until_then

    now = sounded(times)
    before, after = now - sounded(times - span_s), sounded(times + span_s) - now
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    change: Vector = 1.0 - np.einsum("ij,ij->i", before, after) / np.maximum(lengths, 1e-9)
    change[lengths <= 1e-6] = 0.0
    return change


def _normal(values: Vector, still: float = 0.0) -> Vector:
    normal: Vector = (values - values.mean()) / (values.std() + still + 1e-9)
    return normal
