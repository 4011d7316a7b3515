"""Cymbals, hats, shakers, wood and bells: plates of dense inharmonic modes, noise, squares."""

from __future__ import annotations

import numpy as np

from nur_studio.engines.sketch.synth.drums.kits import Kit
from nur_studio.engines.sketch.synth.tone import (
    TOP_HZ,
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
    soft_end,
    soft_start,
)

Chance = np.random.Generator
_SQUARES_HZ = (205.3, 304.4, 369.6, 522.7, 540.0, 800.0)


def plate(
    lowest: float, highest: float, count: int, number: int, tau_s: float, tilt: float, key: str, random: Chance
) -> Wave:
    """A cymbal's modes: dense and inharmonic, the same plate every time, struck elsewhere each time. Stereo."""
    built = chance("plate", key)
    frequency = lowest * (highest / lowest) ** np.sort(built.random(number))
    level = (frequency / lowest) ** -tilt * built.uniform(0.3, 1.0, number)
    tau = tau_s * (1800.0 / frequency) ** 0.4 * built.uniform(0.6, 1.3, number)
    struck = random.uniform(0.5, 1.2, (2, number)) * level
    wave = modes(frequency, struck, tau, count, random.uniform(0.0, 2 * np.pi, number))
    return f32(wave / np.float32(np.sqrt(np.sum(level**2)) + 1e-9))


def _squares(count: int, tau_s: float, lowest: float) -> Wave:
    """Six square waves of a drum machine, made of their harmonics: nothing folds back."""
    frequency = np.concatenate([np.arange(1, int(TOP_HZ / f) + 1, 2) * f for f in _SQUARES_HZ])
    level = np.concatenate([1.0 / np.arange(1, int(TOP_HZ / f) + 1, 2) for f in _SQUARES_HZ])
    level = level / np.sqrt(1.0 + (lowest / frequency) ** 8)
    wave = modes(frequency, level, tau_s, count, chance("squares").uniform(0, 2 * np.pi, frequency.size))
    return f32(wave / np.float32(np.sqrt(np.sum(level**2))))


def hat(kit: Kit, velocity: float, random: Chance, tau_s: float, pedal: bool = False) -> Wave:
    count = frames(0.03 + tau_s * 6.0)
    low = kit.hat_low * float(random.uniform(0.97, 1.03))
    hiss = noise(random, count)
    high = min(17000.0, 11000.0 + 5000.0 * velocity)
    air = band_pass(hiss, low, high, 2) * (
        np.float32(0.6) * fall(count, tau_s * 0.4) + np.float32(0.5) * fall(count, tau_s)
    )
    if kit.metal:
        ring = plate(low * 0.55, 15500.0, count, 90, 1.0, 0.1, kit.name + "hat", random)
        metal = ring * fall(count, tau_s) * np.float32(0.55)
        wave = high_pass(f32(metal + air * np.float32(0.5)), low * 0.6, 2)
    else:
        wave = _squares(count, tau_s, low) * np.float32(0.9) + air * np.float32(0.35)
        wave = np.stack([wave, wave])
    if pedal:
        wave = low_pass(wave, 9000.0) * np.float32(0.8)
    return soft_end(soft_start(f32(wave), 0.0006 if not pedal else 0.002), 0.012)


def ride(kit: Kit, velocity: float, random: Chance, bell: bool) -> Wave:
    count = frames(2.4 * min(1.3, kit.cymbal_s))
    wash = plate(380.0, 14500.0 * kit.cymbal_dark, count, 260, 0.9 * kit.cymbal_s, -0.15, kit.name + "ride", random)
    stick = band_pass(noise(random, count), 3000.0, 12000.0) * fall(count, 0.004)
    ping = modes(
        np.array([1.0, 1.51, 2.27, 3.04, 4.43]) * 820.0,
        np.array([0.5, 0.35, 0.35, 0.25, 0.2]),
        [0.5, 0.4, 0.3, 0.25, 0.2],
        count,
    )
    level = 1.1 if bell else 0.16
    wave = wash * np.float32(0.4 + 0.5 * velocity) * (np.float32(0.55) + np.float32(0.9) * fall(count, 0.035))
    wave += ping * np.float32(level) + stick * np.float32(0.55 * velocity)
    return soft_end(soft_start(high_pass(f32(wave), 320.0), 0.0006), 0.25)


def crash(kit: Kit, velocity: float, random: Chance, splash: bool = False) -> Wave:
    tau = (0.42 if splash else 1.25) * kit.cymbal_s
    count = frames(min(5.0, tau * 3.4))
    wash = plate(
        700.0 if splash else 420.0,
        16500.0 * min(1.0, kit.cymbal_dark),
        count,
        380,
        tau,
        -0.3,
        kit.name + "crash" + str(splash),
        random,
    )
    hiss = band_pass(noise(random, 2 * count).reshape(2, -1), 4200.0, 15000.0 * min(1.0, kit.cymbal_dark))
    # Energy climbs from the low modes to the high ones in the first tens of milliseconds.
    bloom = np.float32(1.0) - np.float32(0.45) * fall(count, 0.03)
    wave = wash * bloom + hiss * np.float32(0.32) * (
        fall(count, tau * 0.25) + np.float32(0.25) * fall(count, tau * 0.7)
    )
    stick = high_pass(noise(random, count), 2500.0) * fall(count, 0.003) * np.float32(0.25 * velocity)
    return soft_end(soft_start(high_pass(f32(wave + stick), 260.0), 0.0007), 0.4)


def shaker(kit: Kit, velocity: float, random: Chance) -> Wave:
    """Grains pushed forward, then landing: a rise and a fall, softer than any drum."""
    count = frames(0.13)
    grains = band_pass(noise(random, count), 5200.0, 12500.0)
    rise = frames(0.022)
    shape = np.concatenate([np.linspace(0.0, 1.0, rise, dtype=np.float32) ** 2, fall(count - rise, 0.024)])
    return soft_end(f32(grains * shape), 0.02)


def tambourine(kit: Kit, velocity: float, random: Chance) -> Wave:
    count = frames(0.36)
    jingles = plate(3600.0, 16000.0, count, 90, 0.5, 0.0, "jingles", random)
    shake = np.float32(0.0) + fall(count, 0.05)
    for late in (0.021, 0.043):
        start = frames(late)
        shake[start:] += fall(count - start, 0.04) * np.float32(0.35)
    hiss = band_pass(noise(random, count), 6000.0, 14000.0) * fall(count, 0.012)
    return soft_end(soft_start(f32(jingles * shake + hiss * np.float32(0.4)), 0.0008), 0.06)


def wood(random: Chance, frequency: float, ratios: tuple[float, ...], tau_s: float, click: float) -> Wave:
    """Clave and woodblock: a bar of wood with few, quick modes."""
    count = frames(0.05 + tau_s * 6.0)
    tune = frequency * float(random.uniform(0.995, 1.005))
    number = np.arange(len(ratios))
    wave = modes(np.array(ratios) * tune, 1.0 / (1.0 + 1.2 * number), tau_s / (1.0 + 0.8 * number), count)
    knock = band_pass(noise(random, count), frequency, frequency * 3.0) * fall(count, 0.0025)
    return soft_end(soft_start(f32(wave + knock * np.float32(click)), 0.0005), 0.02)


def cowbell(kit: Kit, velocity: float, random: Chance) -> Wave:
    count = frames(0.5)
    ratios = (540.0, 800.0) if kit.electronic else (562.0, 845.0)
    frequency = np.concatenate([np.arange(1, 18, 2) * f for f in ratios])
    level = np.concatenate([1.0 / np.arange(1, 18, 2) for _ in ratios])
    level = level * (1.0 / np.sqrt(1.0 + (frequency / 4200.0) ** 4))
    wave = modes(frequency, level, np.where(frequency < 1000.0, 0.1, 0.045), count)
    return soft_end(soft_start(high_pass(wave, 400.0), 0.0005), 0.06)


def tick(random: Chance) -> Wave:
    count = frames(0.06)
    wave = modes([3300.0, 5100.0, 7900.0], [0.6, 0.5, 0.3], [0.004, 0.003, 0.002], count)
    return soft_end(
        soft_start(
            wave + band_pass(noise(random, count), 3500.0, 9000.0) * fall(count, 0.0018) * np.float32(0.4), 0.0003
        ),
        0.01,
    )
