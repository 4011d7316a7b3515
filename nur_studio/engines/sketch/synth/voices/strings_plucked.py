"""Plucked and struck strings: piano, guitars, harp, harpsichord, plucked basses. Every partial is its own mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nur_studio.engines.sketch.synth.tone import (
    Shape,
    Wave,
    band_pass,
    chance,
    f32,
    fall,
    frames,
    harmonics,
    high_pass,
    hz,
    low_pass,
    modes,
    noise,
    peaks,
    soft_start,
)
from nur_studio.engines.sketch.synth.voices.note import Tone, Voice

_GUITAR_BODY = peaks((105, 40, 0.9), (205, 70, 0.8), (390, 140, 0.4), (900, 700, 0.35), (2600, 2200, 0.3), floor=0.35)
_BASS_BODY = peaks((95, 60, 0.8), (190, 120, 0.5), (650, 500, 0.35), floor=0.45)
_BANJO_BODY = peaks((480, 260, 0.9), (950, 500, 1.0), (2200, 1500, 0.8), floor=0.15)
_FLAT = peaks(floor=1.0)


@dataclass(frozen=True, slots=True)
class String:
    """A plucked string: where and how hard it is plucked, how it rings, what it is mounted on.

    `cutoff_hz` is where the pluck's spectrum falls at velocity 0.6; `ring_s` the time constant at middle C;
    `damping` how much faster high partials die; `stiffness` the inharmonicity at middle C.
    """

    pick: float
    cutoff_hz: float
    ring_s: float
    damping: float
    stiffness: float = 2e-5
    body: Shape = _FLAT
    click: float = 0.05
    click_hz: float = 2500.0
    thump: float = 0.0
    pickup: float = 0.0
    touch: float = 1.6  # how much velocity opens the tone, in octaves from 0 to 1
    steep: float = 1.0

    def partials(self, tone: Tone) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        number = harmonics(tone.hz, 90)
        stiff = self.stiffness * 2.0 ** ((tone.pitch - 60) / 9.0)
        pitch = number * tone.hz * np.sqrt((1.0 + stiff * number**2) / (1.0 + stiff))
        cutoff = self.cutoff_hz * 2.0 ** (self.touch * (tone.velocity - 0.6)) * (tone.hz / 261.6) ** 0.3
        level = np.sin(np.pi * number * self.pick) / number**self.steep
        if self.pickup:
            level = level * np.sin(np.pi * number * self.pickup)
        level = level * self.body(pitch) / np.sqrt(1.0 + (pitch / cutoff) ** 4)
        ring = self.ring_s * (261.6 / tone.hz) ** 0.45
        tau = ring / (1.0 + self.damping * ((pitch - tone.hz) / 1000.0 + (pitch / 4000.0) ** 2))
        return pitch, level, tau

    def __call__(self, tone: Tone) -> Wave:
        random = chance("string", self.pick, tone.pitch, tone.variant)
        pitch, level, tau = self.partials(tone)
        level = level * random.uniform(0.9, 1.1, level.size)
        # A string moves in two planes: one couples to the bridge and dies sooner, the other rings on, a hair apart.
        pitches = np.concatenate([pitch, pitch * 1.0002])
        levels = np.concatenate([level * 0.7, level * 0.3])
        wave = modes(pitches, levels, np.concatenate([tau * 0.6, tau * 1.6]), tone.frames)
        wave *= np.float32(1.0 / np.sqrt(np.sum(level**2)))
        soft_start(wave, 0.0012)
        burst = min(frames(0.03), tone.frames)
        if self.click:
            click = band_pass(noise(random, burst), self.click_hz * 0.6, self.click_hz * 1.8) * fall(burst, 0.003)
            wave[:burst] += soft_start(click, 0.0005) * np.float32(self.click * (0.3 + tone.velocity))
        if self.thump:
            knock = modes([78.0, 140.0, 230.0], [1.0, 0.6, 0.3], [0.03, 0.022, 0.015], tone.frames)
            wave += knock * np.float32(self.thump * (0.4 + tone.velocity))
        return wave


def _piano(tone: Tone, hardness: float = 1.0, felt: float = 0.0, decay: float = 1.0, apart_cents: float = 0.6) -> Wave:
    """Three strings a hair apart, stiff, with a fast fall and a slow one, and the hammer's knock."""
    random = chance("piano", tone.pitch, hardness, felt)
    number = harmonics(tone.hz, 46 if tone.pitch < 60 else 32)
    stiff = 7e-5 * 2.0 ** (max(-20, tone.pitch - 50) / 8.0)
    pitch = number * tone.hz * np.sqrt((1.0 + stiff * number**2) / (1.0 + stiff))
    cutoff = hardness * (1300.0 + 4600.0 * tone.velocity**1.3) * (tone.hz / 261.6) ** 0.35
    strike = np.abs(np.sin(np.pi * number / 7.6)) + 0.12
    level = strike / number**0.75 / (1.0 + (pitch / cutoff) ** 1.6) ** 1.5
    if tone.pitch < 48:
        level = level * (0.25 + 0.75 * np.minimum(1.0, pitch / 110.0))
    level = level * random.uniform(0.75, 1.25, number.size)
    slow = decay * 4.2 * (261.6 / tone.hz) ** 0.55 / (1.0 + 0.35 * (pitch / 1000.0) ** 1.3)
    apart = 2.0 ** (apart_cents / 1200.0)
    pitches = np.concatenate([pitch, pitch * apart, pitch / apart**0.7])
    left, right = random.uniform(0.75, 1.25, (2, number.size))
    shares = np.concatenate([level * 0.62, level * 0.22, level * 0.16])
    sides = np.stack([np.concatenate([left, right, left]), np.concatenate([right, left, right])])
    taus = np.concatenate([slow * 0.28, slow, slow * 0.8])
    wave = modes(pitches, shares * sides, taus, tone.frames)
    wave *= np.float32(0.8 / np.sqrt(np.sum(level**2)))
    soft_start(wave, 0.0015 + 0.002 * felt + 0.001 * (1.0 - tone.velocity))
    burst = min(frames(0.09), tone.frames)
    knock = low_pass(noise(random, burst), 500.0 + 2200.0 * hardness * tone.velocity, 2) * fall(burst, 0.012)
    wave[:, :burst] += soft_start(knock, 0.001) * np.float32(0.05 + 0.05 * tone.velocity)
    if felt:
        action = band_pass(noise(random, burst), 180.0, 900.0) * fall(burst, 0.03)
        wave[:, :burst] += soft_start(action, 0.004) * np.float32(0.035 * felt)
    return wave


def _harpsichord(tone: Tone) -> Wave:
    eight = String(
        0.11, 7000.0, 1.1, 0.5, 1e-5, peaks((400, 500, 0.3), (2500, 3000, 0.4), floor=0.5), 0.12, 3500.0, touch=0.2
    )
    upper = Tone(tone.pitch + 12, tone.frames, tone.velocity, tone.variant)
    return eight(tone) + eight(upper) * np.float32(0.35)


def _pizzicato(tone: Tone) -> Wave:
    """A section's pluck: four players not quite together."""
    pluck = String(
        0.22, 1500.0, 0.28, 1.4, 1e-5, peaks((280, 160, 0.8), (480, 200, 0.7), (1300, 900, 0.3), floor=0.3), 0.03
    )
    random = chance("pizzicato", tone.pitch, tone.variant)
    wave = np.zeros((2, tone.frames), dtype=np.float32)
    for player in range(4):
        late = int(random.integers(0, 350)) if player else 0
        one = pluck(Tone(tone.pitch, tone.frames, tone.velocity, tone.variant * 4 + player))
        side = 0.3 + 0.4 * player / 3.0
        for channel, gain in ((0, 1.0 - side), (1, side)):
            wave[channel, late:] += one[: tone.frames - late] * np.float32(gain)
    return wave


def _slap(tone: Tone) -> Wave:
    string = String(0.09, 3800.0, 1.0, 0.5, 3e-5, _BASS_BODY, 0.35, 2600.0, 0.35, 0.13, 2.0)
    wave = string(tone)
    rattle = high_pass(wave, 900.0) * fall(wave.size, 0.06)
    return f32(wave + np.tanh(rattle * np.float32(3.0)) * np.float32(0.25 if tone.accent else 0.14))


def _electric(pick: float, cutoff: float, ring: float, damping: float) -> String:
    return String(pick, cutoff, ring, damping, 2e-5, peaks((2600, 2400, 0.5), floor=0.7), 0.06, 2800.0, 0.0, 0.21, 1.2)


VOICES: dict[str, Voice] = {
    "piano": Voice(_piano, True, 0.16, 8.0, 6, 1, spread=0.5),
    "felt_piano": Voice(lambda t: _piano(t, 0.34, 1.0, 0.75, 0.9), True, 0.22, 7.0, 5, 1, spread=0.35),
    "house_piano": Voice(lambda t: _piano(t, 1.9, 0.0, 0.6, 1.6), True, 0.08, 5.0, 4, 1, spread=0.35),
    "harpsichord": Voice(_harpsichord, True, 0.08, 5.0, 2, 2, spread=0.3),
    "clavinet": Voice(
        String(
            0.07,
            5200.0,
            0.55,
            0.7,
            6e-5,
            peaks((900, 700, 0.5), (2400, 1600, 0.8), floor=0.45),
            0.16,
            3200.0,
            0.0,
            0.16,
        ),
        True,
        0.03,
        3.0,
    ),
    "nylon_guitar": Voice(
        String(0.19, 1900.0, 0.75, 1.1, 8e-6, _GUITAR_BODY, 0.05, 1800.0, 0.05), True, 0.12, 6.0, variants=3
    ),
    "steel_guitar": Voice(
        String(0.13, 4600.0, 1.25, 0.55, 2e-5, _GUITAR_BODY, 0.12, 4200.0, 0.03), True, 0.12, 6.0, variants=3
    ),
    "clean_guitar": Voice(_electric(0.15, 3600.0, 1.5, 0.5), True, 0.12, 6.0, variants=3),
    "muted_guitar": Voice(_electric(0.12, 2600.0, 0.09, 0.5), True, 0.04, 0.8, variants=4),
    "banjo": Voice(String(0.08, 5200.0, 0.28, 0.45, 1e-5, _BANJO_BODY, 0.2, 3600.0, 0.05), True, 0.06, 2.5, variants=3),
    "harp": Voice(
        String(0.3, 2300.0, 1.3, 0.8, 4e-6, peaks((220, 200, 0.4), (700, 800, 0.3), floor=0.6), 0.02, 1500.0),
        True,
        0.6,
        5.0,
        spread=0.6,
    ),
    "pizzicato": Voice(_pizzicato, True, 0.1, 1.6, 4, 2),
    "upright_bass": Voice(
        String(0.28, 620.0, 0.62, 1.6, 1e-5, _BASS_BODY, 0.09, 900.0, 0.22, touch=2.0), True, 0.09, 3.5, variants=3
    ),
    "finger_bass": Voice(
        String(0.2, 950.0, 0.95, 1.1, 2e-5, _BASS_BODY, 0.07, 1100.0, 0.14, 0.22, 2.0, steep=1.1),
        True,
        0.07,
        4.0,
        variants=3,
    ),
    "picked_bass": Voice(
        String(0.12, 2300.0, 1.1, 0.7, 3e-5, _BASS_BODY, 0.3, 2800.0, 0.12, 0.17, 1.4), True, 0.06, 4.0, variants=3
    ),
    "slap_bass": Voice(_slap, True, 0.05, 3.0, variants=3),
}


def guitar_string(tone: Tone) -> Wave:
    """What a distorted guitar's amplifier hears: a bright string on a humbucker, near the bridge, ringing long."""
    string = String(0.11, 5200.0, 2.6, 0.28, 2e-5, _FLAT, 0.12, 3000.0, 0.0, 0.18, 0.8)
    wave = string(tone)
    bend = 2.0 ** (chance("bend", tone.pitch, tone.variant).uniform(-4.0, 4.0) / 1200.0)
    partner = modes([hz(tone.pitch) * bend], [0.05], [2.0], tone.frames)
    return wave + partner
