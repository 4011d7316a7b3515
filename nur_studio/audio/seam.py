"""How well a loop goes round: its seam, measured against the loop's own beats."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.sound import Audio
from nur_studio.core.timing import Grid

_WINDOW_S = 0.05  # before and after a beat: what level and colour are compared over
_BANDS = 24
_FLOOR_DB = -80.0
_AROUND_S = 0.005  # what a click must stand out of
_AT = 3  # frames around a border in which a click lies
_MASKED_DB = 40.0
_TOLERATED_DB = 3.0  # beyond the loop's own beats nobody hears it
_HALF_DB = 6.0  # beyond that the score is halved


@dataclass(frozen=True, slots=True)
class Step:
    """What changes from just before a border to just after it, in dB.

    `level_db` is the step in loudness, `colour_db` the mean step of 24 bands beside that, `click_db` how far the
    sharpest edge at the border itself stands out of those around it (under 0: it does not).
    """

    level_db: float
    colour_db: float
    click_db: float


@dataclass(frozen=True, slots=True)
class SeamScore:
    """`seam` is the step from a loop's end to its beginning, `usual` the largest steps at the loop's other beats.

    `score` is 1 where the seam is no larger than those, and halves with each 6 dB that one of its steps has more.
    """

    seam: Step
    usual: Step
    score: float


def score_seam(loop: Audio, sample_rate: int, grid: Grid) -> SeamScore:
    """The seam of a loop of whole bars of `grid`, whose beat 0 is at the loop's frame 0."""
    beats = max(1, round(len(loop) / sample_rate / grid.beat_s))
    steps = [_step(loop, sample_rate, round(beat * len(loop) / beats)) for beat in range(beats)]
    seam, others = steps[0], steps[1:]
    usual = Step(
        max((step.level_db for step in others), default=0.0),
        max((step.colour_db for step in others), default=0.0),
        max((step.click_db for step in others), default=0.0),
    )
    excess = (
        seam.level_db - usual.level_db,
        seam.colour_db - usual.colour_db,
        seam.click_db - max(0.0, usual.click_db),
    )
    total = sum(max(0.0, step - _TOLERATED_DB) for step in excess)
    return SeamScore(seam, usual, round(0.5 ** (total / _HALF_DB), 3))


def _step(loop: Audio, sample_rate: int, at: int) -> Step:
    window = min(round(_WINDOW_S * sample_rate), len(loop) // 2)
    before, after = _around(loop, at - window, window), _around(loop, at, window)
    level = _decibels(after) - _decibels(before)
    colours = [_bands(part) for part in (before, after)]
    colour = float(np.abs(colours[1] - colours[0]).mean())
    return Step(abs(level), colour, _click(loop, sample_rate, at))


def _click(loop: Audio, sample_rate: int, at: int) -> float:
    """How far the sharpest bend of the wave at a border stands out of the sharpest ones around it, in dB."""
    around = round(_AROUND_S * sample_rate)
    bends = np.abs(np.diff(_around(loop, at - around - 1, 2 * around + 2).astype(np.float64), 2, axis=0)).max(axis=1)
    near = slice(around - _AT, around + _AT)
    here, rest = float(bends[near].max()), float(np.delete(bends, near).max())
    return 20.0 * math.log10((here + 1e-6) / (rest + 1e-6))


def _around(loop: Audio, start: int, frames: int) -> Audio:
    """`frames` of the loop from `start`, going round."""
    part: Audio = np.take(loop, np.arange(start, start + frames), axis=0, mode="wrap")
    return part


def _decibels(audio: Audio) -> float:
    return max(_FLOOR_DB, 10.0 * math.log10(float(np.square(audio, dtype=np.float64).mean()) + 1e-12))


def _bands(audio: Audio) -> NDArray[np.float64]:
    """The levels of 24 bands, evenly spaced in pitch, in dB below the strongest; what lies 40 dB below is not heard."""
    power = np.square(np.abs(np.fft.rfft(audio * np.hanning(len(audio))[:, None], axis=0))).sum(axis=1)
    borders = np.geomspace(1, len(power) - 1, _BANDS + 1).astype(np.intp)
    borders = borders[np.diff(borders, prepend=0) > 0]  # np.unique would load numpy.ma, in the window's process
    levels = 10.0 * np.log10(np.add.reduceat(power, borders) + 1e-12)
    heard: NDArray[np.float64] = np.maximum(levels - levels.max(), -_MASKED_DB)
    return heard
