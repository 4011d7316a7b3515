"""Where every beat falls: on a steady grid fitted over the whole length, or followed one by one where tempo drifts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nur_studio.audio.onsets import Onsets, Vector

_REACH_S, _REACH = 0.05, 0.12  # how far from its place an onset may lie and still be the beat's: seconds, of a beat
_PLACES = np.array([0.0, 0.5])  # of a beat: the grid is fitted to all eighths that sound
EARLY_S = 0.025  # a beat that falls so little before frame 0 is the one that frame 0 begins with
_TIGHTNESS = 100.0  # how much a beat that comes early or late is distrusted (Ellis's alpha)
_ROUNDS = 4  # of fitting the grid
_SMOOTH_BEATS = 8  # a hand's own unevenness averages out over so many
_WANDER_S = 0.02  # a grid that the music strays from by more is not its grid
_GRID_SHARE = 0.8  # of the onsets that following finds: a grid that meets fewer is not the music's grid


@dataclass(frozen=True, slots=True)
class Pulse:
    """Beats at `times` (seconds, ascending, within the recording), or the off-beats: only the harmony can tell.

    `tempo` is BPM, exact over the whole length; where not `steady`, its mean. `drift` is how much faster the end is
    than the beginning (0.05: five per cent); `wander_s` how far the music strays from the grid, at most.
    """

    times: Vector
    tempo: float
    steady: bool
    drift: float
    wander_s: float


def find_pulse(onsets: Onsets, tempo: float, duration_s: float) -> Pulse:
    """The pulse of onsets whose tempo is about `tempo`."""
    strength = onsets.envelope / (onsets.envelope.std() + 1e-12) + 0.5 * onsets.low / (onsets.low.std() + 1e-12)
    beat_s = 60.0 / tempo
    first, period, wander = _fitted(onsets, strength, beat_s)
    times = _grid(first, period, duration_s)
    followed = _followed(onsets, strength, np.full(len(strength), beat_s))
    met, there = (float(_nearby(onsets, strength, beats)[0].mean()) for beats in (times, followed))
    if len(followed) < 4 or (wander <= _WANDER_S and met >= _GRID_SHARE * there):
        return Pulse(times, 60.0 / period, True, 0.0, wander)
    # Followed once more, now that it is known roughly how the tempo moves: silent stretches are crossed at that tempo.
    tempi = _trend(onsets, strength, followed)
    followed = _followed(onsets, strength, 60.0 / tempi)
    mean = 60.0 * (len(followed) - 1) / float(followed[-1] - followed[0])
    return Pulse(followed, mean, False, float(tempi[-1] / tempi[0]) - 1.0, wander)


def _grid(first: float, period: float, duration_s: float) -> Vector:
    """All beats of the grid through `first` from the recording's beginning to its end."""
    start = first - np.floor((first + EARLY_S) / period) * period
    grid: Vector = np.maximum(np.arange(start, duration_s, period), 0.0)
    return grid


def _fitted(onsets: Onsets, strength: Vector, beat_s: float) -> tuple[float, float, float]:
    """The first beat and the period that fit best, and how far the onsets stray from that, all in seconds.

    The phase is that at which the folded envelope is strongest. Then straight lines are drawn through the onsets of
    all beats, and of the eighths between them, each trusting less what lay far from the one before (Tukey's biweight).
    Off-beats share the beats' slope but not their place, so that swing bends nothing.
    """
    phases = np.arange(0.0, beat_s, 0.001)
    count = max(2, int((len(strength) / onsets.rate) / beat_s))
    folded = np.interp(onsets.index(np.arange(count)[:, None] * beat_s + phases), np.arange(len(strength)), strength)
    first, period = float(phases[int(np.argmax(folded.mean(axis=0)))]), beat_s
    number = np.arange(count)[:, None] + _PLACES
    wander = 0.0
    for _ in range(_ROUNDS):
        expected = (first + number * period).reshape(-1)
        height, off = (
            found.reshape(number.shape) for found in _nearby(onsets, strength, expected, min(_REACH_S, _REACH * beat_s))
        )
        off_middle = off - np.median(off, axis=0)
        spread = np.maximum(0.004, 1.5 * np.median(np.abs(off_middle), axis=0))
        weight = height * np.maximum(0.0, 1.0 - (off_middle / (4.0 * spread)) ** 2) ** 2 / spread**2
        mass = weight.sum(axis=0) + 1e-12
        middle, level = (weight * number).sum(axis=0) / mass, (weight * off).sum(axis=0) / mass
        leverage = weight * (number - middle)
        slope = float((leverage * (off - level)).sum() / ((leverage * (number - middle)).sum() + 1e-12))
        shift = float(level[0] - slope * middle[0])
        first, period = first + shift, period + slope
        wander = _wander((off - level - slope * (number - middle))[:, 0], weight[:, 0])
    return first, period, wander


def _nearby(onsets: Onsets, strength: Vector, times: Vector, reach_s: float = 0.02) -> tuple[Vector, Vector]:
    """How strong the onset at each time is, and how many seconds later than that time it comes."""
    reach = max(2, round(reach_s * onsets.rate))
    place = np.rint(onsets.index(times)).astype(np.intp)
    steps = np.arange(-reach, reach + 1)
    at = np.clip(place[:, None] + steps, 1, len(strength) - 2)
    # Nearer is likelier: a bell that is down to a third at the edge.
    likely = strength[at] * np.exp(-1.1 * (steps / reach) ** 2)
    best = at[np.arange(len(at)), np.argmax(likely, axis=1)]
    before, peak, after = strength[best - 1], strength[best], strength[best + 1]
    bend = before - 2.0 * peak + after
    top = np.where(bend < 0.0, np.clip(0.5 * (before - after) / np.minimum(bend, -1e-12), -0.5, 0.5), 0.0)
    return np.maximum(peak, 0.0), onsets.time(best + top) - times


def _wander(off: Vector, weight: Vector) -> float:
    """How far onsets stray from the grid for some beats on end, in seconds."""
    if not len(off):
        return 0.0
    kernel = np.ones(min(_SMOOTH_BEATS, len(off)))
    mass = np.convolve(weight, kernel, "valid")
    sure = mass > 0.25 * mass.max()
    if not sure.any():
        return 0.0
    return float(np.abs(np.convolve(weight * off, kernel, "valid")[sure] / mass[sure]).max())


def _followed(onsets: Onsets, strength: Vector, beat_s: Vector) -> Vector:
    """Beats by dynamic programming: strong onsets, each about `beat_s` after the last (D. Ellis, 2007).

    `beat_s` says for every moment of the envelope how long a beat is. All moments of one shortest step are scored at
    once, since none of them follows another.
    """
    from scipy.ndimage import gaussian_filter1d

    periods = beat_s * onsets.rate
    local = gaussian_filter1d(strength, float(periods.mean()) / 32.0)
    steps = np.arange(round(float(periods.min()) / 2.0), round(float(periods.max()) * 2.0) + 1)
    block, lead = int(steps[0]), int(steps[-1])
    score = np.zeros(len(local) + lead)
    back = np.full(len(local), -1, np.intp)
    for start in range(0, len(local), block):
        here = np.arange(start, min(start + block, len(local)))
        cost = _TIGHTNESS * np.log(steps / periods[here, None]) ** 2
        candidates = score[here[:, None] - steps + lead] - cost
        best = np.argmax(candidates, axis=1)
        gained = candidates[np.arange(len(here)), best]
        score[here + lead] = local[here] + np.maximum(gained, 0.0)
        back[here] = np.where(gained > 0.0, here - steps[best], -1)
    place = len(local) - 1 - int(np.argmax(score[::-1][: lead + 1]))
    beats = []
    while place >= 0:
        beats.append(place)
        place = int(back[place])
    times = onsets.time(np.array(beats[::-1], np.intp))
    return np.maximum(times + _nearby(onsets, strength, times, 0.01)[1], 0.0)


def _trend(onsets: Onsets, strength: Vector, times: Vector) -> Vector:
    """The tempo at every moment of the envelope: a straight line through the times between beats that are heard."""
    height = _nearby(onsets, strength, times)[0]
    heard = np.minimum(height[1:], height[:-1])
    tempi, middles = 60.0 / np.maximum(np.diff(times), 1e-3), (times[1:] + times[:-1]) / 2.0
    weight = heard.copy()
    slope, level = 0.0, float(np.median(tempi))
    for _ in range(_ROUNDS):
        off = tempi - (level + slope * middles)
        spread = max(0.01 * level, 1.5 * float(np.median(np.abs(off))))
        weight = heard * np.maximum(0.0, 1.0 - (off / (4.0 * spread)) ** 2) ** 2 + 1e-9
        slope, level = (float(value) for value in np.polyfit(middles, tempi, 1, w=np.sqrt(weight)))
    line: Vector = level + slope * onsets.time(np.arange(len(strength)))
    return np.clip(line, 0.7 * float(np.median(tempi)), 1.4 * float(np.median(tempi)))
