"""Noise that is part of the sound: a record's surface, tape, rain, wind, waves, fire, a night outside."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import fft, signal

from nur_studio.engines.sketch.synth.tone import (
    RATE,
    Wave,
    band_pass,
    chance,
    f32,
    fall,
    frames,
    high_pass,
    low_pass,
    modes,
    noise,
    ramped,
    sections,
    soft_end,
    soft_start,
    to_peak,
)

Chance = np.random.Generator


def slow(random: Chance, count: int, period_s: float, low: float, high: float) -> Wave:
    """A smooth random curve between `low` and `high` that changes about every `period_s`."""
    points = max(4, int(count / RATE / period_s) + 4)
    knots = random.uniform(low, high, points)
    knot = np.linspace(0.0, points - 1.001, max(8, count // 256))
    index = knot.astype(int)
    part = 0.5 - 0.5 * np.cos((knot - index) * np.pi)
    coarse = knots[index] * (1 - part) + knots[np.minimum(index + 1, points - 1)] * part
    return ramped(f32(coarse), count)


def _sprinkle(
    wave: Wave, grains: list[Wave], at: np.ndarray, sizes: np.ndarray, sides: np.ndarray, random: Chance
) -> None:
    """Add one of `grains` at each frame of `at`."""
    choice = random.integers(0, len(grains), at.size)
    for place, size, side, which in zip(at.tolist(), sizes.tolist(), sides.tolist(), choice.tolist(), strict=True):
        grain = grains[which][: wave.shape[1] - place]
        wave[0, place : place + grain.size] += grain * np.float32(size * (1.0 - side))
        wave[1, place : place + grain.size] += grain * np.float32(size * (1.0 + side))


@lru_cache(maxsize=8)
def wash(name: str, lowest: float, highest: float, order: int = 1, seconds: float = 12.0) -> Wave:
    """An endless stereo loop of white noise (RMS 1) through a band-pass; for long beds of it."""
    count = frames(seconds) // 2048 * 2048
    spectrum = fft.rfft(noise(chance("wash", name), 2 * count).reshape(2, -1), axis=-1)
    angle = np.linspace(0.0, np.pi, count // 2 + 1)
    _, response = signal.freqz_sos(sections("bandpass", (lowest, highest), order), angle)
    wave = f32(fft.irfft(spectrum * response.astype(np.complex64), count, axis=-1))
    wave.flags.writeable = False
    return wave


def washed(random: np.random.Generator, name: str, count: int, lowest: float, highest: float, order: int = 1) -> Wave:
    """`count` frames of a wash, from somewhere in it, (2, count)."""
    loop = wash(name, lowest, highest, order)
    out = np.empty((2, count), dtype=np.float32)
    for channel, start in enumerate(random.integers(0, loop.shape[1], 2).tolist()):
        done = 0
        while done < count:
            piece = loop[channel, start : start + count - done]
            out[channel, done : done + piece.size] = piece
            done, start = done + piece.size, 0
    return out


def _moments(random: Chance, count: int, per_second: float) -> np.ndarray:
    return np.sort(random.integers(0, max(1, count - 64), max(1, int(count / RATE * per_second))))


def _crackle(count: int, random: Chance) -> Wave:
    """Dust ticks, rarer pops with their own ring, and the groove's soft rumble turning at 33⅓."""
    wave = np.zeros((2, count), dtype=np.float32)
    ticks = []
    for _ in range(24):
        length = frames(float(random.uniform(0.0006, 0.0035)) + 0.002)
        centre = float(random.uniform(1200.0, 7000.0))
        grain = band_pass(noise(random, length), centre * 0.6, centre * 1.7) * fall(length, 0.0006)
        ticks.append(to_peak(soft_end(grain, 0.001)))
    pops = []
    for _ in range(10):
        length = frames(0.02)
        centre = float(random.uniform(350.0, 1800.0))
        grain = modes([centre, centre * 2.3], [1.0, 0.5], [0.0028, 0.0012], length) + high_pass(
            noise(random, length), 2000.0
        ) * fall(length, 0.0005)
        pops.append(to_peak(soft_end(grain, 0.004)))
    at = _moments(random, count, 26.0)
    _sprinkle(
        wave, ticks, at, 0.09 * random.pareto(2.6, at.size).clip(0.05, 5.0), random.uniform(-0.6, 0.6, at.size), random
    )
    at = _moments(random, count, 1.7)
    _sprinkle(wave, pops, at, random.uniform(0.1, 0.55, at.size), random.uniform(-0.4, 0.4, at.size), random)
    # A scratch comes round with every turn of the record.
    turns = np.arange(float(random.uniform(0.0, 1.8)), count / RATE - 0.05, 1.8)
    at = (turns * RATE).astype(int)
    _sprinkle(wave, pops[:1], at, random.uniform(0.15, 0.3, at.size), np.full(at.size, 0.2), random)
    hiss = washed(random, "groove", count, 500.0, 5200.0)
    hiss *= slow(random, count, 0.9, 0.7, 1.2) * np.float32(0.012)
    wave += hiss
    return wave


def _hiss(count: int, random: Chance) -> Wave:
    return f32(washed(random, "tape", count, 900.0, 11000.0) * np.float32(0.055))


def _rain(count: int, random: Chance) -> Wave:
    """The wash of far drops and the near ones, each a tiny ringing bubble."""
    wave = washed(random, "rain", count, 900.0, 9000.0)
    wave *= slow(random, count, 2.5, 0.7, 1.1) * np.float32(0.13)
    heavy = washed(random, "downpour", count, 60.0, 500.0)
    heavy *= np.float32(0.05)
    wave += heavy
    drops = []
    for _ in range(40):
        length = frames(0.03)
        centre = float(np.exp(random.uniform(np.log(900.0), np.log(6500.0))))
        grain = modes([centre, centre * 1.4], [1.0, 0.4], [0.0035 * (2500 / centre) ** 0.5, 0.002], length)
        drops.append(
            to_peak(
                soft_end(
                    soft_start(grain + band_pass(noise(random, length), 2000, 9000) * fall(length, 0.0015), 0.0006),
                    0.006,
                )
            )
        )
    at = _moments(random, count, 110.0)
    _sprinkle(
        wave, drops, at, 0.1 * random.pareto(2.2, at.size).clip(0.05, 4.0), random.uniform(-0.95, 0.95, at.size), random
    )
    return f32(wave)


def _wind(count: int, random: Chance) -> Wave:
    source = noise(random, 2 * count).reshape(2, -1)
    wave = low_pass(source, 320.0) * slow(random, count, 3.1, 0.3, 1.0)
    wave += band_pass(source, 380.0, 700.0) * slow(random, count, 2.3, 0.0, 0.75)
    wave += band_pass(source, 800.0, 1300.0, 2) * slow(random, count, 1.9, 0.0, 0.35)
    return f32(high_pass(wave, 90.0) * np.float32(0.5))


def _waves(count: int, random: Chance) -> Wave:
    """Breakers every eight seconds or so: a swell, a fall with foam, the draw back."""
    source = noise(random, 2 * count).reshape(2, -1)
    body, foam = low_pass(source, 900.0, 1), high_pass(source, 2500.0, 1)
    swell = np.zeros(count, dtype=np.float32)
    spray = np.zeros(count, dtype=np.float32)
    at = -float(random.uniform(0.0, 4.0))
    clock = np.arange(count, dtype=np.float32) / np.float32(RATE)
    while at < count / RATE:
        peak = at + 3.2
        size = float(random.uniform(0.6, 1.0))
        rise = np.clip((clock - np.float32(at)) / np.float32(3.2), 0.0, 1.0) ** 2
        wane = np.exp(-np.clip(clock - np.float32(peak), 0.0, None) / np.float32(2.1))
        swell += rise * wane * np.float32(size)
        spray += (
            np.clip((clock - np.float32(peak - 0.7)) / np.float32(0.7), 0.0, 1.0)
            * np.exp(-np.clip(clock - np.float32(peak), 0.0, None) / np.float32(1.5))
            * np.float32(size * 0.5)
        )
        at += float(random.uniform(6.5, 9.5))
    return f32(
        (body * (swell + np.float32(0.1)) + foam * (spray + np.float32(0.03)) * np.float32(0.6)) * np.float32(0.4)
    )


def _fire(count: int, random: Chance) -> Wave:
    source = noise(random, 2 * count).reshape(2, -1)
    wave = low_pass(source, 240.0) * slow(random, count, 0.5, 0.25, 0.8) * np.float32(0.5)
    wave += band_pass(source, 600.0, 3000.0) * slow(random, count, 0.3, 0.02, 0.1)
    cracks = []
    for _ in range(24):
        length = frames(0.012)
        centre = float(random.uniform(900.0, 5000.0))
        cracks.append(
            to_peak(
                soft_end(band_pass(noise(random, length), centre * 0.5, centre * 1.9) * fall(length, 0.0014), 0.003)
            )
        )
    at = _moments(random, count, 14.0)
    _sprinkle(
        wave, cracks, at, 0.25 * random.pareto(2.0, at.size).clip(0.05, 4.0), random.uniform(-0.5, 0.5, at.size), random
    )
    return f32(high_pass(wave, 60.0))


def _night(count: int, random: Chance) -> Wave:
    """Crickets, each with its own pitch, pulse and place, over still air."""
    wave = low_pass(noise(random, 2 * count).reshape(2, -1), 700.0, 1) * np.float32(0.035)
    for _ in range(5):
        pitch, pulse = float(random.uniform(3600.0, 5200.0)), float(random.uniform(17.0, 31.0))
        chirp_s, gap_s = float(random.uniform(0.18, 0.6)), float(random.uniform(0.35, 1.6))
        length = frames(chirp_s)
        clock = np.arange(length, dtype=np.float32) / np.float32(RATE)
        gate = np.maximum(np.sin(clock * np.float32(2 * np.pi * pulse)), 0.0) ** 2
        grain = soft_end(soft_start(f32(modes([pitch, pitch * 2.0], [1.0, 0.12], 60.0, length) * gate), 0.03), 0.05)
        times = np.arange(float(random.uniform(0.0, 1.0)), max(0.01, count / RATE - chirp_s), chirp_s + gap_s)
        at = ((times + random.uniform(0.0, 0.12, times.size)) * RATE).astype(int).clip(0, max(0, count - 2))
        side = float(random.uniform(-0.9, 0.9))
        _sprinkle(
            wave, [grain], at, np.full(at.size, float(random.uniform(0.05, 0.16))), np.full(at.size, side), random
        )
    return f32(wave)


_KINDS: dict[str, Callable[[int, Chance], Wave]] = {
    "vinyl_crackle": _crackle,
    "tape_hiss": _hiss,
    "rain": _rain,
    "wind": _wind,
    "waves": _waves,
    "fire": _fire,
    "night": _night,
}

LEVELS_DB = {
    "vinyl_crackle": -9.0,
    "tape_hiss": -20.0,
    "rain": -14.0,
    "wind": -10.0,
    "waves": -9.0,
    "fire": -11.0,
    "night": -11.0,
}
"""What makes each sit behind music at `level_db` 0."""


def texture(kind: str, count: int, seed: int, loop: bool) -> Wave:
    """`count` frames of the texture, stereo, faded at both ends; with `loop` its end runs into its start instead."""
    random = chance("texture", kind, seed)
    gain = np.float32(10.0 ** (LEVELS_DB[kind] / 20.0))
    if loop:
        seam = min(frames(0.5), count // 4)
        wave = _KINDS[kind](count + seam, random)
        place = np.linspace(0.0, 1.0, seam, dtype=np.float32)
        wave[:, :seam] = wave[:, :seam] * np.sqrt(place) + wave[:, count:] * np.sqrt(1.0 - place)
        return f32(wave[:, :count] * gain)
    wave = _KINDS[kind](count, random)
    edge = min(1.5, count / RATE / 6.0)
    return soft_end(soft_start(f32(wave * gain), edge), edge)
