"""Sounds that lead somewhere: risers, reversed crashes, impacts, brush sweeps."""

from __future__ import annotations

import numpy as np

from nur_studio.engines.sketch.synth.drums.kits import Kit
from nur_studio.engines.sketch.synth.drums.metals import crash
from nur_studio.engines.sketch.synth.drums.skins import boom
from nur_studio.engines.sketch.synth.tone import (
    Sweep,
    Wave,
    band_pass,
    cycles,
    f32,
    fall,
    frames,
    harmonics,
    layered,
    low_pass,
    noise,
    saw,
    soft_end,
    soft_start,
)

Chance = np.random.Generator


def riser(seconds: float, random: Chance) -> Wave:
    """Noise whose window climbs, and a siren under it, loudest at the end."""
    count = max(frames(seconds), 2205)
    place = np.linspace(0.0, 1.0, count, dtype=np.float32)
    hiss = noise(random, 2 * count).reshape(2, -1)
    wave = np.zeros((2, count), dtype=np.float32)
    bands = (500.0, 1100.0, 2400.0, 5000.0, 9000.0)
    for step, centre in enumerate(bands):
        peak = step / (len(bands) - 1)
        open_ = np.exp(-(((place - np.float32(peak)) / np.float32(0.24)) ** 2))
        wave += band_pass(hiss, centre * 0.6, centre * 1.6) * open_
    climb = f32(np.float32(110.0) * np.exp2(place * np.float32(2.0)))
    cutoff = f32(np.float32(300.0) * np.exp2(place * np.float32(4.2)))
    sweep = Sweep(440.0, saw(harmonics(440.0)), cutoff, 0.8)
    siren = sweep(cycles(climb, count))
    other = sweep(cycles(f32(climb * np.float32(1.008)), count, 0.3))
    wave += np.stack([siren, other]) * np.float32(0.28)
    wave *= place ** np.float32(1.7)
    return soft_end(f32(wave), 0.012)


def reverse_crash(kit: Kit, seconds: float, random: Chance) -> Wave:
    count = max(frames(seconds), 2205)
    wave = crash(kit, 0.8, random)
    wave = wave[:, :count][:, ::-1].copy()
    if wave.shape[1] < count:
        wave = np.concatenate([np.zeros((2, count - wave.shape[1]), np.float32), wave], axis=1)
    return soft_end(soft_start(wave, min(0.5 * seconds, 0.3)), 0.01)


def impact(kit: Kit, random: Chance) -> Wave:
    low = boom(1.0, random)
    wash = crash(kit, 1.0, random) * np.float32(0.35)
    count = frames(0.5)
    slam = low_pass(noise(random, 2 * count).reshape(2, -1), 2600.0) * fall(count, 0.05) * np.float32(0.6)
    return layered(low, wash, soft_start(slam, 0.001))


def brush_sweep(seconds: float, random: Chance) -> Wave:
    """A wire brush drawn over the skin in a half circle."""
    count = max(frames(seconds), 4410)
    hiss = noise(random, 2 * count).reshape(2, -1)
    place = np.linspace(0.0, 1.0, count, dtype=np.float32)
    dark, bright = band_pass(hiss, 1200.0, 4200.0), band_pass(hiss, 2600.0, 8500.0)
    stroke = np.maximum(np.sin(place * np.float32(np.pi)), 0.0) ** np.float32(0.7)
    wave = (dark * (np.float32(1.0) - place * np.float32(0.6)) + bright * place * np.float32(0.8)) * stroke
    side = (place - np.float32(0.5)) * np.float32(0.5)
    wave[0] *= np.float32(1.0) - side
    wave[1] *= np.float32(1.0) + side
    return soft_end(soft_start(f32(wave), 0.02), 0.04)
