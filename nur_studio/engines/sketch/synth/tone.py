"""What every instrument is built from: oscillators that cannot alias, decaying modes, envelopes, noise, filters."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, signal

RATE = 44100
"""Sketch's only sample rate, Hz."""

Wave = NDArray[np.float32]
"""Sound in here: (frames,) mono or (2, frames) stereo; channels first, so that a channel is contiguous."""

Shape = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Amplitude by frequency in Hz."""

TOP_HZ = 18500.0
_BLOCK = 512
_TAU = 2.0 * np.pi


def hz(pitch: float) -> float:
    """The frequency of a MIDI pitch, equal temperament at A = 440."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def frames(seconds: float) -> int:
    return max(1, round(seconds * RATE))


def f32(values: ArrayLike) -> Wave:
    return np.asarray(values, dtype=np.float32)


def chance(*key: object) -> np.random.Generator:
    """A generator that depends on nothing but `key`, on any machine and in any thread."""
    return np.random.Generator(np.random.SFC64(zlib.crc32(repr(key).encode())))


def times(count: int) -> Wave:
    """Seconds from the start of a note, a value per frame."""
    return f32(np.arange(count, dtype=np.float32) / np.float32(RATE))


def fall(count: int, tau: float) -> Wave:
    """Exponential decay from 1 with time constant `tau` in seconds."""
    return f32(np.exp(times(count) * np.float32(-1.0 / tau)))


def cycles(frequency: float | Wave, count: int, start: float = 0.0) -> Wave:
    """The phase in cycles, wrapped to 0..1, of an oscillator at `frequency` (Hz, or a value per frame)."""
    if isinstance(frequency, np.ndarray):
        phase = np.cumsum(frequency, dtype=np.float64)
        phase *= 1.0 / RATE
        phase += start - float(frequency[0]) / RATE
    else:
        phase = np.arange(count, dtype=np.float64)
        phase *= frequency / RATE
        phase += start
    phase -= np.floor(phase)
    return phase.astype(np.float32)


def sine(phase: Wave) -> Wave:
    return f32(np.sin(phase * np.float32(_TAU)))


def modes(
    frequencies: ArrayLike,
    amplitudes: ArrayLike,
    taus: ArrayLike,
    count: int,
    phases: ArrayLike = 0.0,
) -> Wave:
    """A bank of decaying sines: the voice of strings, bars, bells, skins and plates.

    `amplitudes` (modes,) gives mono, (2, modes) stereo. Every mode starts at zero unless `phases` (radians) says else.
    A mode is a power series, so block starts and block insides are computed once each and multiplied as matrices:
    hundreds of modes cost a few milliseconds.
    """
    pitch = np.atleast_1d(np.asarray(frequencies, dtype=np.float64))
    level = np.atleast_2d(np.asarray(amplitudes, dtype=np.float64))
    tau = np.broadcast_to(np.asarray(taus, dtype=np.float64), pitch.shape)
    phase = np.broadcast_to(np.asarray(phases, dtype=np.float64), pitch.shape)
    heard = (pitch < TOP_HZ) & (pitch > 15.0)
    pitch, tau, phase = pitch[heard], tau[heard], phase[heard]
    level = np.broadcast_to(level, (level.shape[0], heard.size))[:, heard]
    channels = level.shape[0]
    blocks = -(-count // _BLOCK)
    start = np.arange(blocks)[:, None] * (_BLOCK / RATE)
    inner = np.arange(_BLOCK)[None, :] * (1.0 / RATE)
    turn = start * pitch
    angle = f32((turn - np.floor(turn)) * _TAU + phase)
    size = f32(np.exp(-np.minimum(start / tau, 80.0)))
    left = np.concatenate([np.sin(angle) * size, np.cos(angle) * size], axis=1)
    spin = f32(inner * pitch[:, None] * _TAU)
    shrink = f32(np.exp(-np.minimum(inner / tau[:, None], 80.0)))
    right = np.concatenate([np.cos(spin) * shrink, np.sin(spin) * shrink], axis=0)
    doubled = f32(np.concatenate([level, level], axis=1))
    if channels == 1:
        return f32(((left * doubled[0]) @ right).reshape(-1)[:count])
    stacked = np.concatenate([left * row for row in doubled], axis=0) @ right
    return f32(stacked.reshape(channels, -1)[:, :count])


def harmonics(frequency: float, most: int = 400) -> NDArray[np.float64]:
    """The harmonic numbers that fit under the top of hearing at `frequency`."""
    return np.arange(1, max(2, min(most, int(TOP_HZ / frequency)) + 1), dtype=np.float64)


def saw(number: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / number


def square(number: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(number % 2 == 1, 1.0 / number, 0.0)


def pulse(number: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    return np.sin(np.pi * number * width) / number


def peaks(*resonances: tuple[float, float, float], floor: float = 0.0) -> Shape:
    """A spectral envelope of resonances (centre Hz, bandwidth Hz, gain) over a floor."""

    def shape(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.full(frequency.shape, floor)
        for centre, width, gain in resonances:
            total = total + gain / (1.0 + ((frequency - centre) / (0.5 * width)) ** 2)
        return total

    return shape


def low(
    frequency: NDArray[np.float64], cutoff: float | NDArray[np.float64], order: float = 4.0, resonance: float = 0.0
) -> NDArray[np.float64]:
    """The gain of a low-pass at `frequency`, with a bump of `resonance` (0 to ~6) at its cutoff."""
    ratio = frequency / cutoff
    gain = 1.0 / np.sqrt(1.0 + ratio ** (2.0 * order) * 1.0) if order < 3 else 1.0 / (1.0 + ratio**order)
    if resonance:
        gain = gain + resonance * np.exp(-((np.log2(ratio + 1e-9) / 0.22) ** 2)) / (1.0 + ratio)
    return np.asarray(gain, dtype=np.float64)


def table(amplitudes: ArrayLike, phases: ArrayLike = 0.0) -> Wave:
    """One cycle of a wave with these harmonics (1st, 2nd …), with a guard point for interpolation."""
    level = np.asarray(amplitudes, dtype=np.float64)
    size = 2048 if level.shape[-1] < 64 else 8192
    spectrum = np.zeros((*level.shape[:-1], size // 2 + 1), dtype=np.complex128)
    turned = np.exp(1j * (np.broadcast_to(np.asarray(phases), level.shape[-1:]) - np.pi / 2))
    spectrum[..., 1 : level.shape[-1] + 1] = level * turned * (size / 2)
    wave = fft.irfft(spectrum, size)
    return f32(np.concatenate([wave, wave[..., :1]], axis=-1))


def play(wave: Wave, phase: Wave) -> Wave:
    """The table `wave` read at `phase`."""
    place = phase * np.float32(wave.size - 1)
    index = place.astype(np.int32)
    place -= index
    first = wave.take(index)
    index += 1
    return f32(first + (wave.take(index) - first) * place)


@lru_cache(maxsize=48)
def _ladder(frequency: float, amplitudes: bytes, lowest: int, rungs: int, resonance: float, order: float) -> Wave:
    """The filtered cycles at cutoffs a third of an octave apart from rung `lowest` on, one after the other."""
    level = np.frombuffer(amplitudes)
    at = np.arange(1, level.size + 1, dtype=np.float64)[None, :] * frequency
    cutoffs = _RUNG_HZ * 2.0 ** ((lowest + np.arange(rungs))[:, None] / 3.0)
    return table(level * low(at, cutoffs, order, resonance))


_RUNG_HZ = 40.0


class Sweep:
    """A low-pass whose `cutoff` (Hz, a value per frame) moves over an oscillator: no aliasing, no filter state.

    The filtered cycle is made for a ladder of cutoffs and read between its rungs; detuned oscillators share one.
    """

    def __init__(
        self,
        frequency: float,
        amplitudes: NDArray[np.float64],
        cutoff: Wave,
        resonance: float = 0.0,
        order: float = 4.0,
    ) -> None:
        height = np.log2(np.clip(cutoff, _RUNG_HZ, 20000.0) * np.float32(1.0 / _RUNG_HZ))
        height *= np.float32(3.0)
        lowest = int(height.min())
        rungs = int(height.max()) - lowest + 2
        height -= np.float32(lowest)
        rung = height.astype(np.int32)
        height -= rung
        tables = _ladder(frequency, amplitudes.astype(np.float64).tobytes(), lowest, rungs, resonance, order)
        self._width = tables.shape[1]
        self._flat = tables.reshape(-1)
        self._between = height
        rung *= np.int32(self._width)
        self._base = rung

    def __call__(self, phase: Wave) -> Wave:
        """The sound at `phase` (cycles, 0 to 1)."""
        place = phase * np.float32(self._width - 1)
        index = place.astype(np.int32)
        place -= index
        index += self._base
        flat = self._flat
        near = flat.take(index)
        index += 1
        near += (flat.take(index) - near) * place
        index += np.int32(self._width - 1)
        far = flat.take(index)
        index += 1
        far += (flat.take(index) - far) * place
        far -= near
        far *= self._between
        far += near
        return far


def ensemble(
    frequency: float,
    spectra: NDArray[np.float64],
    spread_cents: float,
    key: tuple[object, ...],
    size: int = 1 << 17,
) -> Wave:
    """Many players on one note: endless loops whose harmonics are narrow bands of chance (the PADsynth idea).

    `spectra` (loops, harmonics) are played by the same players at the same time. Read the same loop from two places
    for two ears. RMS about 1 for any spectrum.
    """
    sized = np.zeros((len(spectra), size // 2 + 1), dtype=np.float32)
    bin_hz = RATE / size
    wide = (2.0 ** (spread_cents / 1200.0) - 1.0) * 0.5
    for number in range(1, spectra.shape[1] + 1):
        middle = frequency * number / bin_hz
        levels = spectra[:, number - 1]
        if levels.max() <= 1e-5 or middle * bin_hz > TOP_HZ:
            continue
        deviation = max(0.35, wide * middle)
        first, last = max(1, int(middle - 3.2 * deviation)), int(middle + 3.2 * deviation) + 2
        offset = (np.arange(first, min(last, sized.shape[1])) - middle) / deviation
        bell = np.exp(-0.5 * offset * offset)
        bell /= np.sqrt(np.dot(bell, bell))
        sized[:, first : first + bell.size] += levels[:, None] * bell
    turn = chance("ensemble", *key).random(sized.shape[1], dtype=np.float32) * np.float32(_TAU)
    turned = np.empty(turn.size, dtype=np.complex64)
    turned.real, turned.imag = np.cos(turn), np.sin(turn)
    scale = size / np.sqrt(2.0 * np.maximum(np.square(sized, dtype=np.float64).sum(axis=1), 1e-18))
    return f32(fft.irfft(sized * f32(scale)[:, None] * turned, size, axis=-1))


def loop_read(wave: Wave, count: int, start: int) -> Wave:
    """`count` frames of the endless loop `wave` from frame `start`."""
    start %= wave.size
    if start + count <= wave.size:
        return wave[start : start + count]
    out = np.empty(count, dtype=np.float32)
    done = 0
    while done < count:
        piece = wave[start : start + count - done]
        out[done : done + piece.size] = piece
        done += piece.size
        start = 0
    return out


def envelope(points: Sequence[tuple[float, float]], count: int) -> Wave:
    """Straight lines through (seconds, value); the last value holds."""
    return f32(
        np.interp(np.arange(count), [round(t * RATE) for t, _ in points], [v for _, v in points]).astype(np.float32)
    )


def ramped(values: Wave, count: int) -> Wave:
    """`count` frames of straight lines through `values`, evenly spread from the first frame to the last."""
    if values.size < 2:
        return np.full(count, values[0], dtype=np.float32)
    step = -(-count // (values.size - 1))
    climb = np.arange(step, dtype=np.float32) * np.float32(1.0 / step)
    lines = values[:-1, None] + np.diff(values)[:, None] * climb
    return f32(lines.reshape(-1)[:count])


def adsr(hold: int, attack: float, decay: float, sustain: float, release: float) -> Wave:
    """A key's loudness: smooth attack, exponential fall to `sustain`, and after `hold` frames an exponential release.

    The release ends in exact silence. The attack is cut short by a key let go early.
    """
    tail = frames(release)
    count = hold + tail
    rise = min(frames(attack), max(hold, 32))
    level = np.full(count, 1.0, dtype=np.float32)
    if sustain < 1.0 and hold > rise:
        level[rise:] = sustain + (1.0 - sustain) * fall(count - rise, decay)
    level[:rise] = 0.5 - 0.5 * np.cos(np.arange(rise, dtype=np.float32) * np.float32(np.pi / rise))
    level[hold:] *= let_go(tail)
    return level


@lru_cache(maxsize=256)
def let_go(count: int) -> Wave:
    """The fall of a released note: exponential in the ear, exactly zero at its end."""
    place = np.arange(count, dtype=np.float32) / np.float32(max(1, count - 1))
    curve = np.exp(place * np.float32(-5.0)) * (np.float32(0.5) + np.float32(0.5) * np.cos(place * np.float32(np.pi)))
    curve.flags.writeable = False
    return f32(curve)


def soft_start(wave: Wave, seconds: float) -> Wave:
    """`wave` with a raised-cosine attack, in place."""
    rise = min(frames(seconds), wave.shape[-1])
    wave[..., :rise] *= 0.5 - 0.5 * np.cos(np.arange(rise, dtype=np.float32) * np.float32(np.pi / rise))
    return wave


def soft_end(wave: Wave, seconds: float) -> Wave:
    """`wave` ending in silence, in place."""
    tail = min(frames(seconds), wave.shape[-1])
    wave[..., -tail:] *= 0.5 + 0.5 * np.cos(np.arange(1, tail + 1, dtype=np.float32) * np.float32(np.pi / tail))
    return wave


def noise(random: np.random.Generator, count: int) -> Wave:
    """White noise of RMS 1."""
    wave = random.random(count, dtype=np.float32)
    wave -= np.float32(0.5)
    wave *= np.float32(3.4641)
    return wave


@lru_cache(maxsize=1024)
def sections(
    kind: Literal["lowpass", "highpass", "bandpass"], cutoff: tuple[float, ...], order: int
) -> NDArray[np.float64]:
    """Second-order sections of a Butterworth filter."""
    edges = [min(max(edge, 10.0), 21000.0) for edge in cutoff]
    return np.asarray(signal.butter(order, edges if len(edges) > 1 else edges[0], kind, fs=RATE, output="sos"))


def high_pass(wave: Wave, cutoff: float, order: int = 2) -> Wave:
    return f32(signal.sosfilt(sections("highpass", (cutoff,), order), wave, axis=-1))


def low_pass(wave: Wave, cutoff: float, order: int = 2) -> Wave:
    return f32(signal.sosfilt(sections("lowpass", (cutoff,), order), wave, axis=-1))


def band_pass(wave: Wave, lowest: float, highest: float, order: int = 1) -> Wave:
    return f32(signal.sosfilt(sections("bandpass", (lowest, highest), order), wave, axis=-1))


def to_peak(wave: Wave, peak: float = 1.0) -> Wave:
    """`wave` scaled so that its largest sample is `peak`."""
    largest = float(np.abs(wave).max())
    return wave if largest < 1e-9 else f32(wave * np.float32(peak / largest))


def shaped(wave: Wave, drive: float) -> Wave:
    """Gentle saturation: tanh with `drive` as gain before it, level kept."""
    return f32(np.tanh(wave * np.float32(drive)) * np.float32(1.0 / np.tanh(drive)))


def padded(wave: Wave, count: int) -> Wave:
    """`wave` cut or lengthened with silence to `count` frames."""
    if wave.shape[-1] >= count:
        return wave[..., :count]
    room = [(0, 0)] * (wave.ndim - 1) + [(0, count - wave.shape[-1])]
    return f32(np.pad(wave, room))


def layered(*waves: Wave) -> Wave:
    """The sum of waves of unequal length; mono ones play in both channels of a stereo sum."""
    count = max(wave.shape[-1] for wave in waves)
    stereo = any(wave.ndim == 2 for wave in waves)
    total = np.zeros((2, count) if stereo else count, dtype=np.float32)
    for wave in waves:
        total[..., : wave.shape[-1]] += wave
    return total
