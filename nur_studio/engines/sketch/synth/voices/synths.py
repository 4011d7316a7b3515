"""Synthesizer voices: basses, leads, plucks, stabs. Band-limited cycles behind a filter that moves."""

from __future__ import annotations

import numpy as np

from nur_studio.engines.sketch.synth.tone import (
    RATE,
    Sweep,
    Wave,
    adsr,
    band_pass,
    chance,
    cycles,
    f32,
    fall,
    frames,
    harmonics,
    hz,
    noise,
    play,
    pulse,
    saw,
    shaped,
    sine,
    soft_start,
    square,
    table,
    times,
)
from nur_studio.engines.sketch.synth.voices.note import Tone, Voice


def glided(
    tone: Tone, seconds: float, vibrato_cents: float = 0.0, rate_hz: float = 5.3, delay_s: float = 0.35
) -> Wave | float:
    """The note's frequency: a constant where it may be, else a curve with its slide and its late vibrato.

    Only the sustained part knows `tone.frames`; the curve is long enough for any release up to half a second.
    """
    if tone.glide_from is None and not vibrato_cents:
        return tone.hz
    count = tone.frames + RATE // 2
    cents = np.zeros(count, dtype=np.float32)
    if tone.glide_from is not None:
        cents += np.float32(100.0 * (tone.glide_from - tone.pitch)) * fall(count, seconds / 3.0)
        cents[frames(2.5 * seconds) :] = 0.0 if seconds < 0.5 else cents[frames(2.5 * seconds) :]
    if vibrato_cents:
        clock = times(count)
        depth = np.clip((clock - delay_s) * np.float32(2.5), 0.0, 1.0)
        start = chance("vibrato", tone.pitch, tone.variant).uniform(0.0, 0.1)
        cents += (
            np.float32(vibrato_cents)
            * depth
            * np.sin((clock - delay_s) * np.float32(2 * np.pi * rate_hz) + np.float32(start))
        )
    return f32(np.float32(tone.hz) * np.exp2(cents * np.float32(1.0 / 1200.0)))


def phase_of(frequency: Wave | float, count: int, start: float = 0.0, ratio: float = 1.0) -> Wave:
    if isinstance(frequency, np.ndarray):
        return cycles(frequency[:count] * np.float32(ratio), count, start)
    return cycles(frequency * ratio, count, start)


def _sine_bass(tone: Tone) -> Wave:
    level = adsr(tone.frames, 0.006, 0.35, 0.75, 0.07)
    phase = phase_of(glided(tone, 0.09), level.size)
    warm = 0.10 + 0.22 * tone.velocity
    wave = play(table([1.0, warm, warm * 0.4, warm * 0.12]), phase)
    return shaped(wave * level, 1.2)


def _sub_bass(tone: Tone) -> Wave:
    level = adsr(tone.frames, 0.008, 0.5, 0.85, 0.06)
    phase = phase_of(glided(tone, 0.12), level.size)
    number = harmonics(tone.hz, 9)
    wave = play(table(np.where(number % 2 == 1, 1.0 / number**2, 0.05 / number)), phase)
    return shaped(wave * level, 1.5 + 0.6 * tone.velocity)


def _bass_808(tone: Tone) -> Wave:
    hold = tone.frames
    level = adsr(hold, 0.003, 1.1, 0.0, 0.09)
    curve = glided(tone, 0.14)
    if not isinstance(curve, np.ndarray):
        curve = np.full(level.size, tone.hz, dtype=np.float32)
    curve = curve[: level.size] * (
        np.float32(1.0) + np.float32(1.6 if tone.glide_from is None else 0.0) * fall(level.size, 0.012)
    )
    wave = sine(cycles(f32(curve), level.size)) * level
    driven = np.tanh(wave * np.float32(3.0 + 2.0 * tone.velocity)) * np.float32(0.8)
    return f32(driven + np.float32(0.25) * wave)


def _filter_bass(
    tone: Tone,
    base_hz: float,
    peak_hz: float,
    tau: float,
    resonance: float,
    shape: str = "saw",
    sub: float = 0.3,
    apart: float = 4.0,
) -> Wave:
    level = adsr(tone.frames, 0.003, 0.5, 0.7, 0.05)
    pitch = glided(tone, 0.08)
    number = harmonics(tone.hz)
    amplitudes = saw(number) if shape == "saw" else square(number)
    hit = tone.velocity * (1.5 if tone.accent else 1.0)
    cutoff = np.float32(base_hz * (0.7 + 0.6 * tone.velocity)) + np.float32(peak_hz * hit) * fall(level.size, tau)
    cutoff = f32(np.maximum(cutoff, np.float32(tone.hz * 1.1)))
    bend = 2.0 ** (apart / 2400.0)
    sweep = Sweep(tone.hz, amplitudes, cutoff, resonance)
    wave = sweep(phase_of(pitch, level.size, 0.0, bend))
    if apart:
        wave += sweep(phase_of(pitch, level.size, 0.0, 1.0 / bend))
        wave *= np.float32(0.5)
    wave = wave + np.float32(sub) * sine(phase_of(pitch, level.size, 0.0, 0.5 if tone.pitch > 43 else 1.0))
    return shaped(wave * level, 1.3)


def _acid(tone: Tone) -> Wave:
    level = adsr(tone.frames, 0.002, 0.35, 0.45, 0.03)
    number = harmonics(tone.hz)
    push = 1.0 if tone.accent else 0.45
    tau = 0.09 if tone.accent else 0.16
    cutoff = f32(
        np.float32(140.0 + 300.0 * tone.velocity)
        + np.float32((400.0 + 4200.0 * tone.velocity) * push) * fall(level.size, tau)
    )
    wave = Sweep(tone.hz, saw(number), cutoff, 2.6 + 1.6 * push)(phase_of(glided(tone, 0.06), level.size))
    return shaped(wave * level, 2.0)


def _reese(tone: Tone) -> Wave:
    """Saws apart by tens of cents, beating against each other under a slowly breathing filter; mono below."""
    level = adsr(tone.frames, 0.01, 1.0, 0.9, 0.08)
    pitch = glided(tone, 0.1)
    amplitudes = saw(harmonics(tone.hz))
    random = chance("reese", tone.pitch, tone.variant)
    breath = np.sin(times(level.size) * np.float32(2 * np.pi * 0.7) + np.float32(random.uniform(0, 6)))
    cutoff = f32(np.float32(480.0 + 700.0 * tone.velocity) * np.exp2(breath * np.float32(0.6)))
    sweep = Sweep(tone.hz, amplitudes, cutoff, 0.7)
    wave = np.zeros((2, level.size), dtype=np.float32)
    for cents, left, right in ((-20.0, 0.7, 0.35), (0.0, 0.5, 0.5), (20.0, 0.35, 0.7)):
        one = sweep(phase_of(pitch, level.size, float(random.random()), 2.0 ** (cents / 1200.0)))
        wave[0] += one * np.float32(left)
        wave[1] += one * np.float32(right)
    wave += np.float32(0.5) * sine(phase_of(pitch, level.size))
    return shaped(wave * level, 1.6)


def unison(
    tone: Tone,
    level: Wave,
    cutoff: Wave,
    amplitudes: np.ndarray,
    cents: tuple[float, ...],
    resonance: float = 0.3,
    pitch: Wave | float | None = None,
    wide: float = 0.8,
) -> Wave:
    """Several detuned oscillators spread over the stereo field behind one filter."""
    frequency = tone.hz if pitch is None else pitch
    random = chance("unison", tone.pitch, tone.variant, len(cents))
    sweep = Sweep(tone.hz, amplitudes, cutoff, resonance)
    wave = np.zeros((2, level.size), dtype=np.float32)
    for place, apart in enumerate(cents):
        one = sweep(phase_of(frequency, level.size, float(random.random()), 2.0 ** (apart / 1200.0)))
        side = 0.0 if len(cents) == 1 else wide * (2.0 * ((place * 2) % len(cents)) / (len(cents) - 1 + 1e-9) - 1.0)
        side = float(np.clip(side, -wide, wide))
        wave[0] += one * np.float32(np.sqrt(0.5 * (1.0 - side)))
        wave[1] += one * np.float32(np.sqrt(0.5 * (1.0 + side)))
    wave *= level * np.float32(1.2 / np.sqrt(len(cents)))
    return wave


def _lead(tone: Tone, shape: str) -> Wave:
    level = adsr(tone.frames, 0.012, 0.4, 0.8, 0.16)
    pitch = glided(tone, 0.07, 16.0)
    number = harmonics(tone.hz)
    amplitudes = saw(number) if shape == "saw" else pulse(number, 0.38)
    cutoff = f32(
        np.float32(1400.0 + 3800.0 * tone.velocity + tone.hz)
        * (np.float32(0.65) + np.float32(0.6) * fall(level.size, 0.3))
    )
    return unison(tone, level, cutoff, amplitudes, (-7.0, 0.0, 7.0), 0.5, pitch, 0.45)


def _sine_lead(tone: Tone) -> Wave:
    level = adsr(tone.frames, 0.02, 0.5, 0.85, 0.18)
    phase = phase_of(glided(tone, 0.09, 18.0), level.size)
    warm = 0.08 + 0.2 * tone.velocity
    return play(table([1.0, warm, warm * 0.6, 0.1 * warm, 0.08 * warm]), phase) * level


def _pluck(tone: Tone) -> Wave:
    level = adsr(tone.frames, 0.002, 0.28, 0.12, 0.22)
    cutoff = f32(np.float32(350.0 + tone.hz) + np.float32(1200.0 + 6500.0 * tone.velocity) * fall(level.size, 0.085))
    amplitudes = 0.6 * saw(harmonics(tone.hz)) + 0.4 * square(harmonics(tone.hz))
    return unison(tone, level, cutoff, amplitudes, (-6.0, 0.0, 6.0), 0.6, None, 0.7)


def _arp(tone: Tone) -> Wave:
    level = adsr(tone.frames, 0.002, 0.22, 0.3, 0.12)
    cutoff = f32(np.float32(500.0 + tone.hz) + np.float32(900.0 + 3800.0 * tone.velocity) * fall(level.size, 0.11))
    return unison(tone, level, cutoff, pulse(harmonics(tone.hz), 0.33), (-5.0, 5.0), 0.9, None, 0.5)


def _stab(tone: Tone) -> Wave:
    level = adsr(tone.frames, 0.002, 0.3, 0.25, 0.12)
    cutoff = f32(np.float32(400.0) + np.float32(1500.0 + 5200.0 * tone.velocity) * fall(level.size, 0.14))
    return unison(tone, level, cutoff, saw(harmonics(tone.hz)), (-13.0, -4.0, 4.0, 13.0), 0.8, None, 0.9)


def _hoover(tone: Tone) -> Wave:
    level = adsr(tone.frames, 0.02, 1.0, 0.85, 0.2)
    pitch = glided(tone, 0.2)
    if not isinstance(pitch, np.ndarray):
        pitch = np.full(level.size, tone.hz, dtype=np.float32)
    pitch = f32(pitch[: level.size] * np.exp2(np.float32(-0.6) * fall(level.size, 0.05)))
    cutoff = f32(np.full(level.size, 2600.0 + 4200.0 * tone.velocity, dtype=np.float32))
    amplitudes = saw(harmonics(tone.hz)) * 0.7 + pulse(harmonics(tone.hz), 0.2) * 0.6
    return unison(tone, level, cutoff, amplitudes, (-24.0, -11.0, 0.0, 11.0, 24.0), 0.4, pitch, 1.0)


def _chip(tone: Tone) -> Wave:
    level = adsr(tone.frames, 0.001, 0.3, 0.55, 0.03)
    amplitudes = pulse(harmonics(tone.hz), 0.25 if tone.velocity > 0.5 else 0.5)
    return play(table(amplitudes * 0.8), phase_of(glided(tone, 0.05, 8.0, 6.0, 0.2), level.size)) * level


def breath(count: int, lowest: float, highest: float, key: tuple[object, ...]) -> Wave:
    """Band-passed noise of RMS about 1: what a player's air or bow adds."""
    wave = band_pass(noise(chance("breath", *key), count), lowest, highest)
    return soft_start(f32(wave / (np.sqrt(np.mean(wave * wave)) + 1e-6)), 0.005)


VOICES: dict[str, Voice] = {
    "sine_bass": Voice(_sine_bass, glides=True, variants=1, layers=4),
    "sub_bass": Voice(_sub_bass, glides=True, variants=1, layers=4),
    "bass_808": Voice(_bass_808, glides=True, variants=1, layers=4),
    "saw_bass": Voice(lambda t: _filter_bass(t, 420.0, 1500.0, 0.14, 0.5), glides=True, variants=1),
    "octave_bass": Voice(
        lambda t: _filter_bass(t, 520.0, 2300.0, 0.09, 0.7, "saw", 0.35, 7.0), glides=True, variants=1
    ),
    "acid_bass": Voice(_acid, glides=True, variants=1, layers=6),
    "reese_bass": Voice(_reese, glides=True, variants=2, layers=4),
    "saw_lead": Voice(lambda t: _lead(t, "saw"), glides=True),
    "square_lead": Voice(lambda t: _lead(t, "square"), glides=True),
    "sine_lead": Voice(_sine_lead, glides=True),
    "pluck": Voice(_pluck),
    "arp": Voice(_arp, variants=1),
    "stab": Voice(_stab),
    "hoover": Voice(_hoover, glides=True),
    "chip": Voice(_chip, glides=True, variants=1, layers=4),
}

__all__ = ["VOICES", "breath", "glided", "hz", "phase_of", "unison"]
