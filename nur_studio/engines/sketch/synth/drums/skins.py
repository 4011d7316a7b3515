"""Drums with skins, and hands: kick, snare, toms, taiko, congas, claps."""

from __future__ import annotations

import numpy as np

from nur_studio.engines.sketch.synth.drums.kits import Kit, Snare
from nur_studio.engines.sketch.synth.tone import (
    Wave,
    band_pass,
    cycles,
    f32,
    fall,
    frames,
    high_pass,
    layered,
    low_pass,
    modes,
    noise,
    shaped,
    sine,
    soft_end,
    soft_start,
)

Chance = np.random.Generator


def _sweep(start_hz: float, end_hz: float, sweep_s: float, decay_s: float, count: int) -> Wave:
    curve = np.float32(end_hz) + np.float32(start_hz - end_hz) * fall(count, sweep_s)
    # A second, much faster drop is the beater's push into the skin.
    curve += np.float32(start_hz * 1.6) * fall(count, 0.0022)
    return sine(cycles(f32(curve), count)) * fall(count, decay_s)


def kick(kit: Kit, velocity: float, random: Chance) -> Wave:
    voice = kit.kick
    count = frames(min(1.6, 0.08 + voice.decay_s * 5.0))
    tune = float(random.uniform(0.985, 1.015))
    body = _sweep(voice.start_hz * (0.7 + 0.3 * velocity), voice.end_hz * tune, voice.sweep_s, voice.decay_s, count)
    # The level holds for a moment before it falls: that is what makes a kick feel heavy.
    body = shaped(body * np.float32(1.3), voice.drive)
    click_count = frames(0.03)
    click = band_pass(noise(random, click_count), voice.click_hz * 0.5, voice.click_hz * 1.7) * fall(
        click_count, 0.0022
    )
    tick = modes([voice.click_hz * 0.45], [0.6], [0.003], click_count)
    wave = layered(body, (click + tick) * np.float32(voice.click * (0.25 + 0.75 * velocity)))
    if voice.skin:
        skin_count = frames(0.12)
        skin = band_pass(noise(random, skin_count), 200.0, 1800.0) * fall(skin_count, 0.016)
        wave = layered(wave, skin * np.float32(voice.skin * 0.5))
    if voice.body:
        shell = modes(
            [voice.end_hz * 1.62, voice.end_hz * 2.3, voice.end_hz * 3.4], [0.5, 0.35, 0.2],
            np.array([0.09, 0.06, 0.04]) * (1 + voice.decay_s), count,
        )  # fmt: skip
        wave = layered(wave, shell * np.float32(voice.body))
    return soft_end(soft_start(wave, 0.0006), 0.04)


def _wires(voice: Snare, velocity: float, random: Chance, count: int) -> Wave:
    hiss = noise(random, count)
    bright = min(16000.0, voice.wires_high * (0.6 + 0.6 * velocity))
    wires = band_pass(hiss, voice.wires_low, bright)
    # Wires rattle against the skin: a first slap, then a slower hiss.
    return f32(
        wires * (np.float32(0.65) * fall(count, voice.wires_s * 0.35) + np.float32(0.5) * fall(count, voice.wires_s))
    )


def snare(kit: Kit, velocity: float, random: Chance) -> Wave:
    voice = kit.snare
    count = frames(0.12 + voice.wires_s * 4.5)
    bend = float(random.uniform(0.99, 1.012))
    wires = _wires(voice, velocity, random, count)
    if voice.brushed:
        tap = modes([voice.low_hz, voice.high_hz], [0.5, 0.3], [0.05, 0.03], count)
        rise = soft_start(wires.copy(), 0.012)
        return soft_end(rise * np.float32(0.9) + tap * np.float32(voice.tone * velocity), 0.03)
    drop = np.float32(1.0) + np.float32(0.25) * fall(count, 0.008)
    low_mode = sine(cycles(f32(drop * np.float32(voice.low_hz * bend)), count)) * fall(count, voice.tone_s)
    high_mode = sine(cycles(f32(drop * np.float32(voice.high_hz * bend)), count)) * fall(count, voice.tone_s * 0.6)
    ring = modes(np.array([2.9, 4.25, 6.1]) * voice.low_hz * bend, [0.16, 0.1, 0.07], [0.05, 0.035, 0.025], count)
    crack_count = frames(0.02)
    crack = high_pass(noise(random, crack_count), 2500.0) * fall(crack_count, 0.0016)
    wave = (low_mode + high_mode * np.float32(0.6) + ring) * np.float32(voice.tone) + wires * np.float32(
        voice.wires * (0.5 + 0.5 * velocity)
    )
    wave = layered(f32(wave), crack * np.float32(voice.crack * velocity))
    wave = shaped(wave, voice.drive)
    if voice.gate_s:
        room_count = frames(voice.gate_s + 0.05)
        room = band_pass(noise(random, 2 * room_count).reshape(2, -1), 300.0, 6500.0) * np.float32(0.34)
        room *= fall(room_count, voice.gate_s * 1.6)
        shut = frames(voice.gate_s)
        room[:, shut:] *= fall(room_count - shut, 0.008)
        wave = layered(wave, soft_start(soft_end(room, 0.02), 0.012))
    return soft_end(soft_start(wave, 0.0005), 0.03)


def rim(kit: Kit, velocity: float, random: Chance) -> Wave:
    count = frames(0.16)
    tune = float(random.uniform(0.985, 1.015)) * (1.12 if kit.electronic else 1.0)
    wood = modes(
        np.array([490.0, 815.0, 1710.0, 2640.0]) * tune, [0.5, 0.8, 0.8, 0.35], [0.016, 0.02, 0.013, 0.007], count
    )
    knock = band_pass(noise(random, count), 1200.0, 5200.0) * fall(count, 0.004)
    return soft_end(soft_start(wood + knock * np.float32(0.25 * velocity), 0.0004), 0.02)


def clap(kit: Kit, velocity: float, random: Chance) -> Wave:
    """Four hands not quite together, then the room they stand in."""
    count = frames(0.1 + kit.clap_s * 4.0)
    wave = np.zeros((2, count), dtype=np.float32)
    at = 0.0
    for burst in range(4):
        start = frames(at) if at else 0
        length = count - start
        hands = band_pass(noise(random, length), kit.clap_hz * 0.62, kit.clap_hz * 2.4)
        level = hands * (fall(length, 0.0032) if burst < 3 else fall(length, kit.clap_s * 0.42))
        side = float(random.uniform(-0.35, 0.35))
        soft_start(level, 0.0004)
        wave[0, start:] += level * np.float32(0.7 - side * 0.5)
        wave[1, start:] += level * np.float32(0.7 + side * 0.5)
        at += float(random.uniform(0.008, 0.012))
    air = band_pass(noise(random, 2 * count).reshape(2, -1), 1000.0, 7000.0) * fall(count, kit.clap_s * 0.7)
    wave += soft_start(air, 0.02) * np.float32(0.12)
    return soft_end(high_pass(wave, 350.0), 0.03)


def snap(kit: Kit, velocity: float, random: Chance) -> Wave:
    count = frames(0.18)
    flick = band_pass(noise(random, count), 1700.0, 4200.0, 2) * (
        np.float32(1.0) * fall(count, 0.006) + np.float32(0.25) * fall(count, 0.03)
    )
    pop = modes([2250.0, 1480.0], [0.5, 0.3], [0.008, 0.006], count)
    return soft_end(soft_start(f32(flick + pop), 0.0005), 0.03)


def tom(kit: Kit, velocity: float, random: Chance, ratio: float) -> Wave:
    pitch = kit.tom_hz * ratio * float(random.uniform(0.99, 1.01))
    ring = kit.tom_s / ratio**0.4
    count = frames(0.1 + ring * 4.5)
    curve = np.float32(pitch) * (np.float32(1.0) + np.float32(kit.tom_sweep * velocity) * fall(count, 0.045))
    wave = sine(cycles(f32(curve), count)) * fall(count, ring)
    if not kit.electronic:
        skin = modes(
            np.array([1.59, 2.14, 2.65, 3.5]) * pitch,
            [0.35, 0.22, 0.12, 0.08],
            np.array([0.5, 0.35, 0.25, 0.2]) * ring,
            count,
        )
        wave = wave + skin
    stick_count = frames(0.05)
    stick = band_pass(noise(random, stick_count), 700.0, 4500.0) * fall(stick_count, 0.006)
    wave = layered(f32(wave), stick * np.float32(0.3 * velocity))
    return soft_end(soft_start(shaped(wave, 1.4), 0.0006), 0.05)


def hand_drum(velocity: float, random: Chance, pitch: float, ring: float, slap: float) -> Wave:
    """Conga and bongo: a skin's modes and the flat of a hand."""
    count = frames(0.08 + ring * 5.0)
    tune = pitch * float(random.uniform(0.992, 1.008))
    curve = np.float32(tune) * (np.float32(1.0) + np.float32(0.06) * fall(count, 0.02))
    wave = sine(cycles(f32(curve), count)) * fall(count, ring)
    wave = wave + modes(
        np.array([1.52, 2.03, 2.71, 4.1]) * tune,
        [0.3, 0.3, 0.2, 0.15],
        np.array([0.45, 0.35, 0.22, 0.12]) * ring,
        count,
    )
    palm = band_pass(noise(random, count), 600.0, 5500.0) * fall(count, 0.007)
    return soft_end(soft_start(f32(wave + palm * np.float32(slap * (0.4 + velocity))), 0.0006), 0.03)


def taiko(kit: Kit, velocity: float, random: Chance) -> Wave:
    """A great drum: a deep skin with its body's modes, a heavy stick, wood."""
    count = frames(2.2)
    tune = float(random.uniform(0.985, 1.015))
    base = 58.0 * tune
    curve = np.float32(base) * (np.float32(1.0) + np.float32(0.5 * velocity) * fall(count, 0.03))
    wave = sine(cycles(f32(curve), count)) * fall(count, 0.38)
    body = modes(
        np.array([1.55, 2.05, 2.55, 3.1, 3.9, 5.2]) * base, np.array([0.55, 0.4, 0.3, 0.22, 0.15, 0.1]),
        [0.26, 0.2, 0.16, 0.11, 0.08, 0.05], count,
    )  # fmt: skip
    stick = low_pass(noise(random, count), 700.0 + 2200.0 * velocity) * fall(count, 0.012)
    sides = high_pass(noise(random, 2 * count).reshape(2, -1), 200.0) * fall(count, 0.05) * np.float32(0.03)
    # The sticks' crack carries the beat through an orchestra that the skin alone would drown in.
    crack_count = frames(0.08)
    crack = band_pass(noise(random, crack_count), 1400.0, 7500.0) * fall(crack_count, 0.009)
    struck = layered(
        shaped(f32(wave + body * np.float32(0.8) + stick * np.float32(0.5)), 1.5), sides,
        crack * np.float32(0.55 * velocity),
    )  # fmt: skip
    return soft_end(soft_start(struck, 0.0008), 0.2)


def boom(velocity: float, random: Chance) -> Wave:
    """A low cinematic hit that hangs in the air."""
    count = frames(3.2)
    curve = np.float32(34.0) + np.float32(46.0) * fall(count, 0.09)
    wave = shaped(sine(cycles(f32(curve), count)) * fall(count, 0.75) * np.float32(1.3), 1.8)
    thud = low_pass(noise(random, count), 260.0) * fall(count, 0.12)
    sides = low_pass(noise(random, 2 * count).reshape(2, -1), 700.0) * fall(count, 0.6) * np.float32(0.07)
    return soft_end(soft_start(layered(f32(wave + thud * np.float32(0.8)), sides), 0.002), 0.4)


def rumble(seconds: float, random: Chance) -> Wave:
    """Techno's low tail: a kick's reverb, mono and dark, that swells between the kicks."""
    count = max(frames(seconds), 2205)
    low_noise = low_pass(noise(random, count), 110.0, 4)
    low_noise /= np.float32(np.sqrt(np.mean(low_noise**2)) + 1e-6)
    hum = sine(cycles(48.5, count))
    wave = high_pass(shaped(f32(low_noise * np.float32(0.35) + hum * np.float32(0.55)), 1.4), 30.0)
    swell = np.maximum(np.sin(np.linspace(0.0, np.pi, count, dtype=np.float32)), 0.0) ** np.float32(0.8)
    return soft_end(soft_start(f32(wave * swell), 0.012), 0.03)
