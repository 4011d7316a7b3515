"""The rooms music sounds in: impulse responses, block convolution, echo."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from nur_studio.core.progress import Cancel
from nur_studio.engines.sketch.synth.strip import bell
from nur_studio.engines.sketch.synth.tone import (
    RATE,
    Wave,
    band_pass,
    chance,
    f32,
    frames,
    high_pass,
    low_pass,
    noise,
    sections,
)

_MOST = 5 << 17  # frames of the longest transform
_SIDES = 0.72  # of a reverb: two ears' tails have something in common, so that mono keeps it
Spectra = NDArray[np.complex64]


@lru_cache(maxsize=24)
def impulse(kind: str, seconds: float) -> Wave:
    """A stereo impulse response whose RT60 is `seconds` in the middle, of energy 1 per channel.

    Early reflections come first, each from its own side and darker than the last; the tail is noise whose bands die
    at their own pace: air and curtains take the treble first.
    """
    hall = kind == "hall"
    pre_s = 0.024 if hall else 0.006
    length = frames(min(6.0, seconds * 1.15) + pre_s)
    random = chance("space", kind)
    tail = np.zeros((2, length), dtype=np.float32)
    bands = (
        (90.0, 300.0, 1.1),
        (300.0, 900.0, 1.05),
        (900.0, 2500.0, 0.95),
        (2500.0, 5500.0, 0.7),
        (5500.0, 11000.0, 0.42),
    )
    clock = np.arange(length, dtype=np.float32) / np.float32(RATE)
    for place, (lowest, highest, share) in enumerate(bands):
        band = band_pass(noise(random, 2 * length).reshape(2, -1), lowest, highest, 2)
        band /= np.sqrt(np.mean(band * band))
        weight = (0.55, 0.9, 1.0, 0.75, 0.45)[place] if hall else (0.5, 0.9, 1.0, 0.9, 0.7)[place]
        tail += band * np.exp(clock * np.float32(-6.9 / (seconds * share))) * np.float32(weight)
    # The tail grows dense before it falls.
    rise = frames(0.045 if hall else 0.012)
    tail[:, :rise] *= np.linspace(0.1, 1.0, rise, dtype=np.float32) ** 1.2
    start = frames(pre_s)
    wave = np.zeros_like(tail)
    wave[:, start:] = tail[:, : length - start]
    wave /= np.sqrt(np.sum(wave.astype(np.float64) ** 2) / 2.0)
    taps = np.zeros_like(wave)
    for _ in range(14 if hall else 11):
        late = float(random.uniform(0.009, 0.09) if hall else random.uniform(0.003, 0.035))
        side = float(random.uniform(-0.85, 0.85))
        gain = 0.5 * np.exp(-late / (0.05 if hall else 0.02)) * random.choice((-1.0, 1.0))
        taps[0, frames(late)] += gain * (1.0 - side)
        taps[1, frames(late)] += gain * (1.0 + side)
    taps = low_pass(taps, 6500.0, 1)
    taps *= np.float32(0.55 / (np.sqrt(np.sum(taps.astype(np.float64) ** 2) / 2.0) + 1e-9))
    wave = high_pass(wave + taps, 190.0 if hall else 160.0, 2)
    wave *= (1.0 - (np.arange(length, dtype=np.float32) / length) ** 8) / np.sqrt(
        np.sum(wave.astype(np.float64) ** 2) / 2.0
    )
    return f32(wave)


@lru_cache(maxsize=8)
def _space_spectra(kind: str, seconds: float, size: int) -> Spectra:
    """Middle and side of the impulse response, in the frequencies of a block."""
    response = impulse(kind, seconds)
    both = np.stack([response[0] + response[1], response[0] - response[1]]) * np.float32(0.5)
    both[1] *= np.float32(_SIDES)
    return np.asarray(fft.rfft(both, size, axis=-1), dtype=np.complex64)


@lru_cache(maxsize=12)
def _desk_spectra(floor_hz: float, lift_db: float, bass_db: float, air_db: float, top_hz: float, size: int) -> Spectra:
    """A stem's equaliser for middle and side: high-pass, mono below 120 Hz, the bus's low-pass where there is one.

    `lift_db` raises what lies above 2.5 kHz, `bass_db` what lies around 55 Hz, `air_db` what lies above 8 kHz.
    """
    angle = np.linspace(0.0, np.pi, size // 2 + 1)
    _, middle = signal.freqz_sos(sections("highpass", (floor_hz,), 2), angle)
    for shelf_hz, shelf_db in ((2500.0, lift_db), (8000.0, air_db)):
        root = 10.0 ** (shelf_db / 40.0)
        s = 1j * np.tan(np.minimum(angle, np.pi * 0.9999) / 2.0) / np.tan(np.pi * shelf_hz / RATE)
        middle = middle * (1.0 + s * root) / (1.0 + s / root)  # a first-order shelf: plus shelf_db at the top
    _, bump = signal.freqz_sos(bell(55.0, bass_db, 1.6), angle)
    middle = middle * bump
    if top_hz:
        _, roof = signal.freqz_sos(sections("lowpass", (top_hz,), 2), angle)
        middle = middle * roof
    _, wide = signal.freqz_sos(sections("highpass", (135.0,), 4), angle)
    return np.stack([middle, middle * wide]).astype(np.complex64)


def finish_stem(
    dry: Wave,
    room: Wave | None,
    hall: Wave | None,
    room_s: float,
    hall_s: float,
    tone: tuple[float, float, float, float],
    top_hz: float,
    cancel: Cancel,
) -> Wave:
    """A stem with its reverb returns and its clean-up in one pass of block convolution; `dry` is overwritten.

    `tone` is the stem's high-pass in Hz and its lifts in dB above 2.5 kHz, around 55 Hz and above 8 kHz. Everything
    linear a stem needs is one multiplication per block in the frequency domain.
    """
    count = dry.shape[1]
    longest = frames(0.4)
    if room is not None:
        longest = max(longest, impulse("room", room_s).shape[1])
    if hall is not None:
        longest = max(longest, impulse("hall", hall_s).shape[1])
    pieces = -(-count // (_MOST - longest))
    hop = -(-count // pieces)
    size = int(fft.next_fast_len(hop + longest, real=True))
    desk = _desk_spectra(*tone, top_hz, size)
    mono = np.array_equal(dry[0], dry[1])
    flat = mono and room is None and hall is None
    out = np.zeros_like(dry)
    for start in range(0, count, hop):
        cancel.check()
        stop = min(count, start + hop)
        if mono:
            middle = fft.rfft(dry[0, start:stop], size)
            side = np.zeros_like(middle)
        else:
            left, right = fft.rfft(dry[:, start:stop], size, axis=-1)
            middle = left + right
            middle *= np.float32(0.5)
            side = left
            side -= right
            side *= np.float32(0.5)
        for send, kind, seconds in ((room, "room", room_s), (hall, "hall", hall_s)):
            if send is not None:
                cancel.check()
                spectrum = fft.rfft(send[start:stop], size)
                response = _space_spectra(kind, seconds, size)
                middle += spectrum * response[0]
                spectrum *= response[1]
                side += spectrum
        middle *= desk[0]
        end = min(count, start + size)
        if flat:
            out[:, start:end] += fft.irfft(middle, size, overwrite_x=True)[: end - start]
            continue
        side *= desk[1]
        both = np.stack([middle, middle])
        both[0] += side
        both[1] -= side
        wave = fft.irfft(both, size, axis=-1, overwrite_x=True)
        out[:, start:end] += wave[:, : end - start]
    return out


def echo(send: Wave, delay_frames: int, feedback: float = 0.48, repeats: int = 7) -> Wave:
    """A ping-pong delay of the mono `send`: repeats in turn left and right, without lows and without glare."""
    filtered = high_pass(low_pass(send, 4200.0, 1), 260.0, 1)
    out = np.zeros((2, send.size), dtype=np.float32)
    for repeat in range(1, repeats + 1):
        late = repeat * delay_frames
        if late >= send.size:
            break
        near, far = (0, 1) if repeat % 2 else (1, 0)
        gain = feedback ** (repeat - 1)
        out[near, late:] += filtered[: send.size - late] * np.float32(0.9 * gain)
        out[far, late:] += filtered[: send.size - late] * np.float32(0.25 * gain)
    return out
