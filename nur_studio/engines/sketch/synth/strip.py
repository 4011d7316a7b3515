"""A channel strip: what effects and a part's settings do to its sound. Works in place, in pieces."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from nur_studio.core.progress import Cancel
from nur_studio.engines.sketch.synth.tone import RATE, Wave, f32, sections

_PIECE = 1 << 18
_FRAME = 4096
_FADE = 1024
_REACH = 512  # frames that a setting of the tone control rings
_SETTINGS = 129


def filtered(wave: Wave, sos: NDArray[np.float32], cancel: Cancel) -> None:
    """Filter `wave` (2, frames) in place, piece by piece, so that memory stays small. Not for cutoffs under 80 Hz."""
    state = np.zeros((sos.shape[0], wave.shape[0], 2), dtype=np.float32)
    for start in range(0, wave.shape[1], _PIECE):
        cancel.check()
        piece = wave[:, start : start + _PIECE]
        piece[:], state = signal.sosfilt(sos, piece, axis=-1, zi=state)


def bell(centre_hz: float, gain_db: float, octaves: float) -> NDArray[np.float64]:
    """A peaking equaliser as one second-order section."""
    gain = 10.0 ** (gain_db / 40.0)
    angle = 2.0 * np.pi * centre_hz / RATE
    alpha = np.sin(angle) * np.sinh(np.log(2.0) / 2.0 * octaves * angle / np.sin(angle))
    a0 = 1.0 + alpha / gain
    return np.array(
        [
            [
                (1 + alpha * gain) / a0,
                -2 * np.cos(angle) / a0,
                (1 - alpha * gain) / a0,
                1.0,
                -2 * np.cos(angle) / a0,
                (1 - alpha / gain) / a0,
            ]
        ]
    )


@lru_cache(maxsize=4)
def _responses(extra: bytes) -> NDArray[np.complex64]:
    """Minimum-phase responses of the tone control at 0 to 1: low-pass below 0.5, treble above.

    `extra` are second-order sections, as bytes, that every setting has on top of it.
    """
    fine = 4096
    frequency = np.fft.rfftfreq(fine, 1.0 / RATE)[None, :]
    level = np.linspace(0.0, 1.0, _SETTINGS)[:, None]
    cutoff = 19000.0 * 2.0 ** (-5.6 * np.clip((0.5 - level) / 0.5, 0.0, 1.0))
    gain = np.where(level < 0.4999, 1.0 / np.sqrt(1.0 + (frequency / cutoff) ** 4), 1.0)
    lift = 10.0 ** (np.clip(level - 0.5, 0.0, 0.5) * 14.0 / 20.0)
    gain = gain * np.sqrt((1.0 + (lift * frequency / 3200.0) ** 2) / (1.0 + (frequency / 3200.0) ** 2))
    if extra:
        _, response = signal.freqz_sos(np.frombuffer(extra).reshape(-1, 6), np.linspace(0.0, np.pi, fine // 2 + 1))
        gain = gain * np.abs(response)
    # The cepstrum folded onto its causal half gives the phase that makes the filter act only after its input.
    cepstrum = np.fft.irfft(np.log(np.maximum(gain, 1e-5)), axis=-1)
    fold = np.zeros(fine)
    fold[0] = fold[fine // 2] = 1.0
    fold[1 : fine // 2] = 2.0
    short = np.fft.irfft(np.exp(np.fft.rfft(cepstrum * fold, axis=-1)), axis=-1)[:, :_REACH]
    short[:, _REACH // 2 :] *= 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, _REACH // 2))
    return np.asarray(fft.rfft(short.astype(np.float32), _FRAME + _REACH, axis=-1), dtype=np.complex64)


def brightened(
    wave: Wave,
    curve: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    cancel: Cancel,
    extra: NDArray[np.float64] | None = None,
) -> None:
    """The moving tone control, in place: `curve` gives the brightness (0 to 1) at frames; `extra` is filtered too.

    Frames that fade into each other are filtered each at its own setting and added up: crossfades of static filters.
    """
    hop = _FRAME - _FADE
    count = wave.shape[1]
    number = -(-(count + _FADE) // hop)
    levels = np.clip(curve((np.arange(number, dtype=np.float64) + 0.5) * hop - _FADE / 2), 0.0, 1.0)
    if extra is None and np.all(np.abs(levels - 0.5) < 0.004):
        return
    bank = _responses(b"" if extra is None else extra.astype(np.float64).tobytes())
    setting = np.rint(levels * (_SETTINGS - 1)).astype(np.int64)
    rise = f32(0.5 - 0.5 * np.cos((np.arange(_FADE) + 0.5) * (np.pi / _FADE)))
    batch = 24
    mono = np.array_equal(wave[0], wave[1])
    for channel in wave[:1] if mono else wave:
        carry = np.zeros(2 * hop, dtype=np.float32)
        for first in range(0, number, batch):
            cancel.check()
            many = min(batch, number - first)
            begin = first * hop - _FADE
            # What is read here was not yet written to: frames end where the next batch begins to fade in.
            source = np.zeros(many * hop + _FADE, dtype=np.float32)
            piece = channel[max(0, begin) : begin + source.size]
            source[max(0, -begin) : max(0, -begin) + piece.size] = piece
            sound = np.zeros((many + 3) * hop, dtype=np.float32)
            sound[: carry.size] = carry
            if source.any():
                frames = np.lib.stride_tricks.sliding_window_view(source, _FRAME)[::hop].copy()
                frames[:, :_FADE] *= rise
                frames[:, -_FADE:] *= rise[::-1]
                spectra = fft.rfft(frames, _FRAME + _REACH, axis=-1, overwrite_x=True)
                spectra *= bank[setting[first : first + many]]
                filtered_ = fft.irfft(spectra, _FRAME + _REACH, axis=-1, overwrite_x=True)
                for offset in range(2):  # every second frame's sound ends before the next begins: add them as rows
                    rows = filtered_[offset::2]
                    place = sound[offset * hop : (offset + 2 * len(rows)) * hop].reshape(len(rows), 2 * hop)
                    place[:, : _FRAME + _REACH] += rows
            done = sound[max(0, -begin) : many * hop]
            target = channel[max(0, begin) : begin + many * hop]
            target[:] = done[: target.size]
            carry = sound[many * hop : (many + 2) * hop]
    if mono:
        wave[1] = wave[0]


def lfo(count: int, rate_hz: float, turn: float = 0.0) -> Wave:
    """A slow sine; `turn` in cycles. Drawn as straight lines of 64 frames."""
    knots = np.sin((np.arange(count // 64 + 2) * (64.0 * rate_hz / RATE) + turn) * (2.0 * np.pi)).astype(np.float32)
    climb = np.arange(64, dtype=np.float32) * np.float32(1.0 / 64.0)
    return f32((knots[:-1, None] + np.diff(knots)[:, None] * climb).reshape(-1)[:count])


def read_at(channel: Wave, lag: Wave, first: int, count: int) -> Wave:
    """`count` frames of `channel` from frame `first`, each read `lag` frames earlier, between samples where need be."""
    place = np.arange(count, dtype=np.float32) - lag
    floor = np.floor(place)
    part = place - floor
    index = floor.astype(np.int64)
    index += first
    np.clip(index, 0, channel.size - 2, out=index)
    near = channel.take(index)
    index += 1
    return f32(near + (channel.take(index) - near) * part)


def tremolo(wave: Wave, rate_hz: float, depth: float) -> None:
    """Stereo tremolo: what leaves one side arrives at the other."""
    sway = lfo(wave.shape[1], rate_hz) * np.float32(depth)
    wave[0] *= np.float32(1.0) + sway
    wave[1] *= np.float32(1.0) - sway


def chorus(wave: Wave, depth_ms: float, rate_hz: float, amount: float, cancel: Cancel) -> None:
    """Two slowly wandering copies, one per side."""
    for channel in range(2):
        copy = wave[channel].copy()
        for first in range(0, copy.size, _PIECE):
            cancel.check()
            count = min(_PIECE, copy.size - first)
            sway = lfo(count, rate_hz, 0.25 * channel + first * rate_hz / RATE)
            lag = f32((np.float32(9.0 + depth_ms) + np.float32(depth_ms) * sway) * np.float32(RATE / 1000.0))
            wave[channel, first : first + count] += read_at(copy, lag, first, count) * np.float32(amount)
    wave *= np.float32(1.0 / np.sqrt(1.0 + amount * amount))


def rotary(wave: Wave, rate_hz: float, cancel: Cancel) -> None:
    """A turning horn: louder and sharper coming, softer and flatter going, left and right in opposition."""
    for channel in range(2):
        copy = wave[channel].copy()
        for first in range(0, copy.size, _PIECE):
            cancel.check()
            count = min(_PIECE, copy.size - first)
            sway = lfo(count, rate_hz, 0.5 * channel + first * rate_hz / RATE)
            lag = f32((np.float32(1.0) + sway) * np.float32(11.0))
            piece = read_at(copy, lag, first, count)
            wave[channel, first : first + count] = piece * (np.float32(1.0) + np.float32(0.22) * sway)


def wobbled(wave: Wave, amount: float, cancel: Cancel) -> None:
    """Tape that does not run evenly: wow at half a cycle a second and a little flutter; never over 0.8 ms off."""
    back = 64  # frames before a piece that it still reads
    before = np.zeros((2, back), dtype=np.float32)
    for first in range(0, wave.shape[1], _PIECE):
        cancel.check()
        piece = wave[:, first : first + _PIECE]
        count = piece.shape[1]
        source = np.concatenate([before, piece, np.zeros((2, 2), np.float32)], axis=1)
        before = source[:, count : count + back]
        lag = lfo(count, 0.53, first * 0.53 / RATE) * np.float32(26.0 * amount)
        lag += lfo(count, 1.31, 0.3 + first * 1.31 / RATE) * np.float32(6.0 * amount)
        lag += lfo(count, 6.7, first * 6.7 / RATE) * np.float32(0.7 * amount)
        # The tape runs late as often as early: half the reach is there from the start.
        lag += np.float32(33.0 * amount)
        for channel in range(2):
            piece[channel] = read_at(source[channel], lag, back, count)


def _half_band(taps: int) -> Wave:
    """The odd phase of a half-band filter: what a point between two samples is made of."""
    distance = np.arange(taps) - taps / 2 + 0.5
    weights = np.sinc(distance) * np.kaiser(taps + 2, 5.0)[1:-1]
    return f32(weights / weights.sum())


_BETWEEN = _half_band(10)


def oversampled(channel: Wave, shape: Callable[[Wave], Wave], cancel: Cancel) -> None:
    """A waveshaper at twice the rate, in place: the samples and the points between them are bent, then averaged.

    Both ways through the same half-band filter, whose even phase is the samples themselves.
    """
    half = _BETWEEN.size // 2
    overlap = 2 * half
    copy = np.concatenate([np.zeros(overlap, np.float32), channel, np.zeros(overlap, np.float32)])
    for first in range(0, channel.size, _PIECE):
        cancel.check()
        count = min(_PIECE, channel.size - first)
        piece = copy[first : first + count + 2 * overlap]
        if not piece.any():
            continue
        between = shape(f32(np.convolve(piece, _BETWEEN, "valid")))  # between[k] lies after piece[k + half - 1]
        back = np.convolve(between, _BETWEEN, "valid")  # back[k] is at piece[k + overlap - 1]
        samples = shape(piece[overlap : overlap + count])
        samples += back[1 : 1 + count]
        samples *= np.float32(0.5)
        channel[first : first + count] = samples


_AMP_IN = f32(np.concatenate([sections("highpass", (115.0,), 2), bell(850.0, 5.0, 1.8)]))
CABINET = np.concatenate(
    [
        sections("highpass", (85.0,), 2),
        bell(400.0, -3.0, 1.2),
        bell(2600.0, 2.5, 1.2),
        sections("lowpass", (4900.0,), 4),
    ]
)
"""A guitar speaker."""


def amplifier(wave: Wave, gain: float, cancel: Cancel) -> None:
    """A driven guitar amplifier, without its speaker (`CABINET`), a separate one for each side that differs."""
    mono = np.array_equal(wave[0], wave[1])
    sides = wave[:1] if mono else wave
    filtered(sides, _AMP_IN, cancel)
    bias = np.float32(0.18)
    rest = np.tanh(bias)

    def valve(x: Wave) -> Wave:
        bent = x * np.float32(gain)
        bent += bias
        np.tanh(bent, out=bent)
        bent -= rest
        bent *= np.float32(0.8)
        return bent

    for side in sides:
        oversampled(side, valve, cancel)
    if mono:
        wave[1] = wave[0]


def driven(wave: Wave, drive: float, cancel: Cancel) -> None:
    """Saturation that grows with `drive`, the loudness of the loud kept."""
    level = float(np.sqrt(np.mean(np.square(wave[:, :: max(1, wave.shape[1] // 200000)]))) * 4.0)
    if level < 1e-6:
        return
    gain = np.float32((0.6 + 3.4 * drive) / level)
    back = np.float32(level / np.tanh(0.6 + 3.4 * drive) * (1.0 - 0.25 * drive))

    def curve(x: Wave) -> Wave:
        bent = x * gain
        np.tanh(bent, out=bent)
        bent *= back
        return bent

    for channel in range(2):
        oversampled(wave[channel], curve, cancel)


def placed(wave: Wave, pan: float, width: float) -> None:
    """Width (0 mono, 0.5 as played, 1 wider) and pan, in place."""
    if abs(width - 0.5) > 0.01:
        middle = (wave[0] + wave[1]) * np.float32(0.5)
        side = (wave[0] - wave[1]) * np.float32(width if width < 0.5 else 0.5 + (width - 0.5) * 0.3)
        wave[0] = middle + side
        wave[1] = middle - side
    if abs(pan) > 0.01:
        angle = (np.clip(pan, -1.0, 1.0) + 1.0) * np.pi / 4.0
        wave[0] *= np.float32(np.cos(angle) * np.sqrt(2.0))
        wave[1] *= np.float32(np.sin(angle) * np.sqrt(2.0))
