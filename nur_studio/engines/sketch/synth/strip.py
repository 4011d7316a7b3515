"""A channel strip: what effects and a part's settings do to its sound. Works in place, in pieces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from nur_studio.core.progress import Cancel
from nur_studio.engines.sketch.synth.tone import RATE, Wave, f32, sections

_PIECE = 1 << 18
_FRAME = 2048


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


def _responses(levels: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Minimum-phase responses of the tone control at `levels` 0 to 1: low-pass below 0.5, treble above."""
    frequency = np.fft.rfftfreq(2 * _FRAME, 1.0 / RATE)[None, :]
    level = levels[:, None]
    cutoff = 19000.0 * 2.0 ** (-5.6 * np.clip((0.5 - level) / 0.5, 0.0, 1.0))
    gain = np.where(level < 0.4999, 1.0 / np.sqrt(1.0 + (frequency / cutoff) ** 4), 1.0)
    lift = 10.0 ** (np.clip(level - 0.5, 0.0, 0.5) * 14.0 / 20.0)
    gain = gain * np.sqrt((1.0 + (lift * frequency / 3200.0) ** 2) / (1.0 + (frequency / 3200.0) ** 2))
    # The cepstrum folded onto its causal half gives the phase that makes the filter act only after its input.
    cepstrum = np.fft.irfft(np.log(np.maximum(gain, 1e-5)), axis=-1)
    fold = np.zeros(2 * _FRAME)
    fold[0] = fold[_FRAME] = 1.0
    fold[1:_FRAME] = 2.0
    return np.exp(np.fft.rfft(cepstrum * fold, axis=-1)).astype(np.complex64)


def brightened(wave: Wave, curve: Callable[[NDArray[np.float64]], NDArray[np.float64]], cancel: Cancel) -> None:
    """The moving tone control, in place: `curve` gives the brightness (0 to 1) at frames.

    Hann-windowed frames are filtered each at its own setting and added up: exact crossfades of static filters.
    """
    hop = _FRAME // 2
    count = wave.shape[1]
    number = count // hop + 2
    grid = np.linspace(0.0, 1.0, 129)
    levels = np.clip(curve(np.arange(number, dtype=np.float64) * hop), 0.0, 1.0)
    if np.all(np.abs(levels - 0.5) < 0.004):
        return
    bank = _responses(grid)
    window = f32(signal.get_window("hann", _FRAME))
    batch = 64
    for channel in range(wave.shape[0]):
        source = np.zeros((number + 1) * hop + _FRAME, dtype=np.float32)
        source[hop : hop + count] = wave[channel]
        target = np.zeros(source.size + 2 * _FRAME, dtype=np.float32)
        view = np.lib.stride_tricks.sliding_window_view(source, _FRAME)[::hop]
        for first in range(0, number, batch):
            cancel.check()
            pieces = view[first : min(first + batch, number)]
            if not pieces.any():
                continue
            spectra = fft.rfft(pieces * window, 2 * _FRAME, axis=-1)
            spectra *= bank[np.rint(levels[first : first + len(pieces)] * 128).astype(np.int64)]
            sound = fft.irfft(spectra, 2 * _FRAME, axis=-1)
            for offset in range(4):  # frames four apart do not overlap: add them as rows
                rows = sound[offset::4]
                if len(rows):
                    begin = (first + offset) * hop
                    target[begin : begin + rows.size] += rows.reshape(-1)
        wave[channel] = target[hop : hop + count]


def lfo(count: int, rate_hz: float, turn: float = 0.0) -> Wave:
    """A slow sine; `turn` in cycles."""
    place = np.arange(count, dtype=np.float64) * (rate_hz / RATE) + turn
    place -= np.floor(place)
    return f32(np.sin(place.astype(np.float32) * np.float32(2 * np.pi)))


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
    for channel in range(2):
        copy = wave[channel].copy()
        for first in range(0, copy.size, _PIECE):
            cancel.check()
            count = min(_PIECE, copy.size - first)
            lag = lfo(count, 0.53, first * 0.53 / RATE) * np.float32(26.0 * amount)
            lag += lfo(count, 1.31, 0.3 + first * 1.31 / RATE) * np.float32(6.0 * amount)
            lag += lfo(count, 6.7, first * 6.7 / RATE) * np.float32(0.7 * amount)
            wave[channel, first : first + count] = read_at(copy, lag, first, count)


def oversampled(channel: Wave, shape: Callable[[Wave], Wave], taps: Wave, cancel: Cancel) -> None:
    """A waveshaper at twice the rate, in place, in pieces with enough overlap for the resampling filter `taps`."""
    overlap = 256
    copy = np.concatenate([np.zeros(overlap, np.float32), channel, np.zeros(overlap, np.float32)])
    for first in range(0, channel.size, _PIECE):
        cancel.check()
        count = min(_PIECE, channel.size - first)
        piece = copy[first : first + count + 2 * overlap]
        if not piece.any():
            continue
        fine = signal.upfirdn(taps * np.float32(2.0), piece, up=2)
        coarse = signal.upfirdn(taps, shape(f32(fine)), down=2)
        late = (taps.size - 1) // 2  # both filters' delay, back at the lower rate
        channel[first : first + count] = coarse[late + overlap : late + overlap + count]


_FULL_BAND = f32(signal.firwin(39, 0.47, window=("kaiser", 6.0)))
# A speaker passes nothing above 6 kHz: only what would fold into that band has to go.
_SPEAKER_BAND = f32(signal.firwin(15, 0.3, window=("kaiser", 5.0)))
_AMP_IN = f32(np.concatenate([sections("highpass", (115.0,), 2), bell(850.0, 5.0, 1.8)]))
_CABINET = f32(
    np.concatenate(
        [
            sections("highpass", (85.0,), 2),
            bell(400.0, -3.0, 1.2),
            bell(2600.0, 5.0, 1.2),
            sections("lowpass", (4900.0,), 4),
        ]
    )
)


def amplifier(wave: Wave, gain: float, cancel: Cancel) -> None:
    """A driven guitar amplifier and its speaker, a separate one for each side."""
    filtered(wave, _AMP_IN, cancel)
    bias = np.float32(0.18)
    rest = np.tanh(bias)

    def valve(x: Wave) -> Wave:
        return f32((np.tanh(x * np.float32(gain) + bias) - rest) * np.float32(0.8))

    for channel in range(2):
        oversampled(wave[channel], valve, _SPEAKER_BAND, cancel)
    filtered(wave, _CABINET, cancel)


def driven(wave: Wave, drive: float, cancel: Cancel) -> None:
    """Saturation that grows with `drive`, the loudness of the loud kept."""
    level = float(np.sqrt(np.mean(np.square(wave[:, :: max(1, wave.shape[1] // 200000)]))) * 4.0)
    if level < 1e-6:
        return
    gain = np.float32((0.6 + 3.4 * drive) / level)
    back = np.float32(level / np.tanh(0.6 + 3.4 * drive) * (1.0 - 0.25 * drive))

    def curve(x: Wave) -> Wave:
        return f32(np.tanh(x * gain) * back)

    for channel in range(2):
        oversampled(wave[channel], curve, _FULL_BAND, cancel)


def placed(wave: Wave, pan: float, width: float) -> None:
    """Width (0 mono, 0.5 as played, 1 wider) and pan, in place."""
    if abs(width - 0.5) > 0.01:
        middle = (wave[0] + wave[1]) * np.float32(0.5)
        side = (wave[0] - wave[1]) * np.float32(width if width < 0.5 else 0.5 + (width - 0.5) * 0.7)
        wave[0] = middle + side
        wave[1] = middle - side
    if abs(pan) > 0.01:
        angle = (np.clip(pan, -1.0, 1.0) + 1.0) * np.pi / 4.0
        wave[0] *= np.float32(np.cos(angle) * np.sqrt(2.0))
        wave[1] *= np.float32(np.sin(angle) * np.sqrt(2.0))
