"""Loudness (ITU-R BS.1770-4), true peak, and the mastering that brings a track to both.

Everything works on a grid of 16-frame cells: energies, peaks and limiter gains are computed once per cell, so that the
search for the right gain costs milliseconds. Memory beside the input stays at some bytes per frame: the heavy
intermediate signals exist for a few seconds of sound at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.sound import Audio

_CELL = 16  # frames
_TAPS = 24  # of each phase of the 4× interpolator
_CHUNK_CELLS = 8192  # 3 s at 44.1 kHz: the largest piece held in float64 or oversampled
ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
OFFSET_LUFS = -0.691  # makes a 997 Hz sine read its own level

_LOOK_AHEAD_S = 0.005
_RELEASE_DB_S = 30.0
_MARGIN_DB = 0.02  # the product of sound and gain peaks a little elsewhere than the sound; also covers 24-bit rounding
_MOST_LIMITING_DB = 6.0

_Vector = NDArray[np.float32]
_Exact = NDArray[np.float64]


def _linear(level_db: float) -> float:
    return float(10.0 ** (level_db / 20.0))


_FULL_SCALE = _linear(-_MARGIN_DB)


def integrated_lufs(audio: Audio, sample_rate: int) -> float:
    """Integrated loudness of mono or stereo in LUFS, gated as BS.1770-4 says; −inf for silence.

    The standard's blocks are 400 ms: anything shorter is measured whole, as one block, and only the absolute gate
    applies.
    """
    hop = round(sample_rate / 10)
    if len(audio) < 4 * hop:
        energies = _cell_energies(audio, sample_rate, max(1, len(audio)))
        return _gated([energies.sum() / max(1, len(audio))])
    return _lufs_of_hops(_cell_energies(audio, sample_rate, hop), hop)


def true_peak_dbtp(audio: Audio) -> float:
    """The highest level between and on the samples in dBTP, by fourfold oversampling; −inf for silence."""
    peak = _true_peak(audio)
    return 20.0 * math.log10(peak) if peak > 0.0 else -math.inf


def limiter_gain(audio: Audio, sample_rate: int, ceiling_dbtp: float = -1.0) -> _Vector:
    """A factor per frame that keeps `audio` at or under `ceiling_dbtp`, measured by `true_peak_dbtp`.

    The gain falls smoothly during the 2.5 ms before a peak, and comes back at 30 dB a second. It is 1 where nothing
    needs limiting, and one curve serves all channels, so the image does not move.
    """
    ceiling = _linear(ceiling_dbtp)
    peaks = _cell_peaks(audio, ceiling / _overshoot())
    aim = ceiling * _linear(-_MARGIN_DB)
    if not math.isfinite(float(peaks.sum(dtype=np.float64))):
        raise ValueError("audio holds values that are not numbers")
    while True:
        gain = _per_frame(_limiter_cells(peaks / np.float32(aim), sample_rate), len(audio))
        reached = _true_peak(scaled(audio, gain))
        if reached <= ceiling:
            return gain
        aim *= ceiling / reached * _linear(-_MARGIN_DB)


def master(
    stems: Mapping[str, Audio], sample_rate: int, target_lufs: float = -14.0, ceiling_dbtp: float = -1.0
) -> dict[str, Audio]:
    """The stems, brought together to `target_lufs` (±0.3) with the mix's true peak at or under `ceiling_dbtp`.

    One gain and one limiter curve act on all stems alike, so they still sum to the mix, and their balance stays.
    The limiter never takes off more than 6 dB: a mix so spiky that more were needed stays quieter than the target.
    Where stems cancel each other, one of them may be louder than their sum: then the shared curve dips until that stem
    too stays at or under 0 dBTP, as every stem is a file of its own that must not clip. Silence stays silence.
    """
    curve = mastering_gain(stems, sample_rate, target_lufs, ceiling_dbtp)
    return {name: scaled(stem, curve) for name, stem in stems.items()}


def scaled(audio: Audio, gain: _Vector) -> Audio:
    """`audio` with a gain per frame. A channel at a time: broadcasting over two columns takes four times as long."""
    out = np.empty(audio.shape, np.float32)
    for channel in range(audio.shape[1]):
        np.multiply(audio[:, channel], gain, out=out[:, channel], casting="same_kind")
    return out


def mastering_gain(
    stems: Mapping[str, Audio],
    sample_rate: int,
    target_lufs: float = -14.0,
    ceiling_dbtp: float = -1.0,
    on_share: Callable[[float], None] = lambda _share: None,
) -> _Vector:
    """The factor per frame that `master` applies to every stem. `on_share` hears how much of the work is done."""
    if not stems:
        return np.ones(0, np.float32)
    mix = _total(stems.values())
    energies = _cell_energies(mix, sample_rate, _CELL)
    if not math.isfinite(float(energies.sum())):
        raise ValueError("stems hold values that are not numbers")
    measured = _lufs_of_cells(energies, sample_rate)
    if measured == -math.inf:
        return np.ones(len(mix), np.float32)
    on_share(0.35)

    ceiling = _linear(ceiling_dbtp)
    aim = ceiling * _linear(-_MARGIN_DB)
    gain = _linear(target_lufs - measured)
    # Limiting costs loudness, which more gain makes up for: at most twice what the limiter may take off.
    loudest = gain * _linear(2 * _MOST_LIMITING_DB)
    excess = _cell_peaks(mix, ceiling / (loudest * _overshoot())) / np.float32(aim)
    most_gain = min(loudest, _linear(_MOST_LIMITING_DB) / float(excess.max()))
    on_share(0.5)
    gain, cells = _search(energies, excess, gain, most_gain, sample_rate, target_lufs)
    on_share(0.6)
    unchecked = dict(stems)
    while clashing := [name for name, stem in unchecked.items() if _clips(stem, gain, cells)]:
        for name in clashing:
            peaks = _cell_peaks(unchecked.pop(name), _FULL_SCALE / (loudest * _overshoot()))
            np.maximum(excess, peaks / np.float32(_FULL_SCALE), out=excess)
        gain, cells = _search(energies, excess, gain, most_gain, sample_rate, target_lufs)
    on_share(0.85)
    curve = _per_frame(cells, len(mix))
    curve *= np.float32(gain)
    for channel in range(mix.shape[1]):  # the mix is this function's own copy
        mix[:, channel] *= curve
    reached = _true_peak(mix)
    if reached > ceiling:
        curve *= np.float32(ceiling / reached * _linear(-_MARGIN_DB))
    on_share(1.0)
    return curve


def _clips(stem: Audio, gain: float, cells: _Vector) -> bool:
    """Whether a stem, brought to level, would rise above full scale somewhere."""
    if float(np.abs(_extremes(stem)).max()) * gain * _overshoot() <= _FULL_SCALE:
        return False
    peaks = _cell_peaks(stem, _FULL_SCALE / (gain * _overshoot()))
    return float((peaks * cells).max()) * gain > _FULL_SCALE


def _search(
    energies: _Exact, excess: _Vector, gain: float, most_gain: float, sample_rate: int, target_lufs: float
) -> tuple[float, _Vector]:
    """The gain up to `most_gain`, and the limiter cells under it, that reach the target."""
    gain = min(gain, most_gain)
    cells = _limiter_cells(excess * np.float32(gain), sample_rate)
    for _ in range(12):
        # K-weighting and a gain this slow commute: limited energy is energy times gain squared (within 0.05 LU).
        limited = energies * (gain * cells[: len(energies)].astype(np.float64)) ** 2
        missing = target_lufs - _lufs_of_cells(limited, sample_rate)
        better = min(gain * _linear(missing), most_gain)
        if abs(missing) < 0.01 or better == gain or not math.isfinite(missing):
            break
        gain = better
        cells = _limiter_cells(excess * np.float32(gain), sample_rate)
    return gain, cells


def _total(stems: Iterable[Audio]) -> Audio:
    first, *others = stems
    total = first.astype(np.float32, copy=True)
    for stem in others:
        total += stem
    return total


def _extremes(audio: Audio) -> _Vector:
    if audio.size == 0:
        return np.zeros(2, np.float32)
    return np.array([audio.min(), audio.max()], np.float32)


# --- loudness -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def k_weighting(sample_rate: int) -> _Exact:
    """The two filters of BS.1770 as second-order sections, at any rate.

    The standard tabulates them for 48 kHz; these are the analogue prototypes that the bilinear transform turns into
    that table (to seven digits) and into its equivalent elsewhere.
    """
    k = math.tan(math.pi * 1681.974450955533 / sample_rate)
    q = 0.7071752369554196
    high = 10.0 ** (3.999843853973347 / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    shelf = [
        (high + band * k / q + k * k) / a0,
        2.0 * (k * k - high) / a0,
        (high - band * k / q + k * k) / a0,
        1.0,
        2.0 * (k * k - 1.0) / a0,
        (1.0 - k / q + k * k) / a0,
    ]
    k = math.tan(math.pi * 38.13547087602444 / sample_rate)
    q = 0.5003270373238773
    a0 = 1.0 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0]
    return np.array([shelf, high_pass])


def _cell_energies(audio: Audio, sample_rate: int, cell: int) -> _Exact:
    """The K-weighted energy, channels summed, of every `cell` frames; the last cell may be a partial one."""
    from scipy.signal import sosfilt

    sections = k_weighting(sample_rate)
    state = np.zeros((len(sections), audio.shape[1], 2))
    energies = np.zeros(-(-len(audio) // cell))
    step = cell * max(1, _CHUNK_CELLS * _CELL // cell)
    for start in range(0, len(audio), step):
        piece = np.ascontiguousarray(audio[start : start + step].T, dtype=np.float64)
        weighted, state = sosfilt(sections, piece, axis=-1, zi=state)
        if weighted.shape[1] % cell:
            weighted = np.pad(weighted, ((0, 0), (0, -weighted.shape[1] % cell)))
        cells = weighted.reshape(audio.shape[1], -1, cell)
        first = start // cell
        energies[first : first + cells.shape[1]] = np.einsum("cni,cni->n", cells, cells)
    return energies


def _lufs_of_cells(energies: _Exact, sample_rate: int) -> float:
    """Integrated loudness from 16-frame energies: the 100 ms borders fall on the nearest cell."""
    hop = sample_rate / 10 / _CELL
    hops = int(len(energies) / hop + 1e-9)
    if hops < 4:
        return _gated([energies.sum() / max(1, len(energies) * _CELL)])
    borders = np.rint(np.arange(hops + 1) * hop).astype(np.intp)
    running = np.concatenate(([0.0], np.cumsum(energies)))
    return _lufs_of_hops(np.diff(running[borders]), sample_rate / 10)


def _lufs_of_hops(energies: _Exact, hop_frames: float) -> float:
    """Integrated loudness from the energies of 100 ms hops: blocks are four of them, a hop apart."""
    running = np.concatenate(([0.0], np.cumsum(energies)))
    return _gated((running[4:] - running[:-4]) / (4 * hop_frames))


def _gated(blocks: Iterable[float]) -> float:
    """The loudness of block powers behind both gates."""
    powers = np.asarray(blocks, dtype=np.float64)
    powers = powers[powers > 10.0 ** ((ABSOLUTE_GATE_LUFS - OFFSET_LUFS) / 10.0)]
    if powers.size == 0:
        return -math.inf
    kept = powers[powers > powers.mean() * 10.0 ** (_RELATIVE_GATE_LU / 10.0)]
    return OFFSET_LUFS + 10.0 * math.log10(float(kept.mean()))


# --- true peak ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _interpolator() -> tuple[_Vector, float]:
    """A matrix that takes a cell with its neighbourhood to the three points after each of its samples, and a bound.

    Each point is a Kaiser-windowed sinc over 24 samples. The bound is how far a point can rise above the samples.
    As a matrix product over cells this runs several times faster than a polyphase filter.
    """
    matrix = np.zeros((_CELL + _TAPS - 1, _CELL * 3))
    half = _TAPS // 2
    bound = 1.0
    for phase in (1, 2, 3):
        distance = np.arange(1 - half, half + 1) - phase / 4
        window = np.i0(7.0 * np.sqrt(np.clip(1.0 - (distance / half) ** 2, 0.0, None)))
        taps = np.sinc(distance) * window
        taps /= taps.sum()
        bound = max(bound, float(np.abs(taps).sum()))
        for sample in range(_CELL):
            matrix[sample : sample + _TAPS, 3 * sample + phase - 1] = taps
    return matrix.astype(np.float32), bound


def _overshoot() -> float:
    return _interpolator()[1]


def _cell_peaks(audio: Audio, floor: float) -> _Vector:
    """The true peak of every 16 frames over all channels.

    Cells that cannot rise above `floor` keep their sample peak: that is what makes this fast.
    """
    peaks = np.zeros(-(-len(audio) // _CELL), np.float32)
    for start in range(0, len(peaks), _CHUNK_CELLS):
        for channel in range(audio.shape[1]):
            part = peaks[start : start + _CHUNK_CELLS]
            np.maximum(part, _channel_peaks(audio[:, channel], start, len(part), floor), out=part)
    return peaks


def _true_peak(audio: Audio) -> float:
    """The largest true peak as a factor; only cells that could hold it are oversampled."""
    peak = float(np.abs(_extremes(audio)).max())
    for start in range(0, len(audio), _CHUNK_CELLS * _CELL):
        count = min(_CHUNK_CELLS, -(-(len(audio) - start) // _CELL))
        for channel in range(audio.shape[1]):
            peak = max(peak, float(_channel_peaks(audio[:, channel], start // _CELL, count, peak).max()))
    return peak


def _channel_peaks(channel: _Vector, first_cell: int, count: int, floor: float) -> _Vector:
    before, after = _TAPS // 2 - 1, _TAPS // 2
    padded = np.zeros(count * _CELL + _TAPS - 1, np.float32)
    start = first_cell * _CELL - before
    stop = min(len(channel), first_cell * _CELL + count * _CELL + after)
    padded[max(0, -start) : stop - start] = channel[max(0, start) : stop]

    size = np.abs(padded)
    # reduceat runs twice as fast as max() over a short axis.
    peaks: _Vector = np.maximum.reduceat(size[before : before + count * _CELL], np.arange(0, count * _CELL, _CELL))
    # Two cells hold more than the 12 samples that a point can draw on beyond its own.
    near = peaks.copy()
    np.maximum(near[1:], peaks[:-1], out=near[1:])
    np.maximum(near[:-1], peaks[1:], out=near[:-1])
    near[0] = max(near[0], size[:before].max())
    near[-1] = max(near[-1], size[-after:].max())
    matrix, bound = _interpolator()
    hot = np.flatnonzero(near * bound > floor)
    if hot.size:
        windows = np.lib.stride_tricks.sliding_window_view(padded, _CELL + _TAPS - 1)[::_CELL]
        points = windows[hot] @ matrix
        np.abs(points, out=points)
        peaks[hot] = np.maximum(peaks[hot], points.max(axis=1))
    return peaks


# --- limiter --------------------------------------------------------------------------------------------------------


def _limiter_cells(excess: _Vector, sample_rate: int) -> _Vector:
    """The limiter's gain for every cell; `excess` is the cell's peak as a multiple of the ceiling.

    A minimum over the look-ahead makes the gain low early enough, a release lets it back at a steady rate in dB, and a
    Hann window narrower than the look-ahead rounds it: an average of gains that are all low enough is low enough.
    """
    from scipy.ndimage import convolve1d, minimum_filter1d

    if excess.size == 0 or float(excess.max()) <= 1.0:
        return np.ones(len(excess), np.float32)
    reach = max(2, round(_LOOK_AHEAD_S / 2 * sample_rate / _CELL))
    needed = -20.0 * np.log10(np.maximum(excess, 1.0).astype(np.float64))
    needed = minimum_filter1d(needed, 2 * reach + 1, mode="nearest")
    slope = _RELEASE_DB_S * _CELL / sample_rate
    climb = np.arange(len(needed)) * slope
    released = np.minimum(np.minimum.accumulate(needed - climb) + climb, 0.0)
    # One cell narrower than the minimum on each side: frames take their gain between neighbouring cells.
    window = np.hanning(2 * reach + 1)[1:-1]
    factors = convolve1d(10.0 ** (released / 20.0), window / window.sum(), mode="nearest")
    return np.minimum(factors, 1.0).astype(np.float32)


def _per_frame(cells: _Vector, frames: int) -> _Vector:
    """The gains of cells, joined by straight lines, for every frame."""
    if len(cells) == 0:
        return np.ones(0, np.float32)
    # Lines between the cells' edges, not their middles: one broadcast, and still a mean of neighbours.
    edges: _Vector = np.concatenate((cells[:1], (cells[1:] + cells[:-1]) / 2, cells[-1:]))
    steps = (np.arange(_CELL, dtype=np.float32) + 0.5) / _CELL
    lines = edges[:-1, None] + (edges[1:] - edges[:-1])[:, None] * steps
    return np.ascontiguousarray(lines.reshape(-1)[:frames])
