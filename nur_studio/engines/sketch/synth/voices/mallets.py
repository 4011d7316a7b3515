"""Struck bars, tines, bells and skins, and the electric piano: modal and FM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nur_studio.engines.sketch.synth.tone import (
    Wave,
    band_pass,
    chance,
    cycles,
    f32,
    fall,
    frames,
    modes,
    noise,
    sine,
    soft_start,
    times,
)
from nur_studio.engines.sketch.synth.voices.note import Tone, Voice


@dataclass(frozen=True, slots=True)
class Bar:
    """A struck body: mode ratios, their levels at full velocity, time constants in seconds at middle C.

    `soft` is how much a light stroke loses of the upper modes; `click` the stick's noise at `click_hz`.
    """

    ratios: tuple[float, ...]
    levels: tuple[float, ...]
    taus: tuple[float, ...]
    soft: float = 1.2
    click: float = 0.1
    click_hz: float = 3000.0
    click_s: float = 0.004
    keyed: float = 0.5  # how much shorter higher notes ring
    pair_cents: float = 0.0  # a second, slightly apart set of modes: slow beating

    def __call__(self, tone: Tone) -> Wave:
        random = chance("bar", self.ratios, tone.pitch, tone.variant)
        ratio = np.asarray(self.ratios)
        level = np.asarray(self.levels) * np.where(ratio > 1.01, (0.25 + 0.75 * tone.velocity) ** self.soft, 1.0)
        level = level * random.uniform(0.85, 1.15, ratio.size)
        tau = np.asarray(self.taus) * (261.6 / tone.hz) ** self.keyed
        pitch = ratio * tone.hz
        sides = np.stack([random.uniform(0.8, 1.2, ratio.size), random.uniform(0.8, 1.2, ratio.size)])
        sides[:, 0] = 1.0
        if self.pair_cents:
            apart = 2.0 ** (self.pair_cents / 1200.0)
            pitch = np.concatenate([pitch, pitch * apart])
            level = np.concatenate([level * 0.7, level * 0.4])
            tau, sides = np.concatenate([tau, tau]), np.concatenate([sides, sides[::-1]], axis=1)
        wave = modes(pitch, level * sides, tau, tone.frames)
        wave *= np.float32(1.0 / np.sqrt(np.sum(np.square(self.levels))))
        soft_start(wave, 0.0008)
        burst = min(frames(0.06), tone.frames)
        stick = band_pass(noise(random, burst), self.click_hz * 0.5, self.click_hz * 1.6) * fall(burst, self.click_s)
        wave[:, :burst] += soft_start(stick, 0.0004) * np.float32(self.click * tone.velocity)
        return wave


def _rhodes(tone: Tone) -> Wave:
    """Tine and tone bar: FM whose index follows the stroke and falls quickly, and a bell-like tine above."""
    count, strike = tone.frames, tone.velocity
    keyed = (261.6 / tone.hz) ** 0.5
    body = np.float32(0.55) * fall(count, 0.35 * keyed) + np.float32(0.45) * fall(count, 1.9 * keyed)
    phase = cycles(tone.hz, count)
    index = np.float32((0.25 + 1.5 * strike**1.6) * min(1.3, keyed)) * (
        np.float32(0.35) + np.float32(0.65) * fall(count, 0.22 * keyed)
    )
    # The tine swings past an off-centre pickup: even harmonics that grow with level.
    wave = np.sin(np.float32(2 * np.pi) * phase + index * np.sin(np.float32(2 * np.pi) * phase) * np.float32(0.9))
    wave += np.float32(0.18 + 0.2 * strike) * body * (np.cos(np.float32(4 * np.pi) * phase) - np.float32(0.0))
    wave *= body
    ratio = 14.0 if tone.pitch < 60 else (11.0 if tone.pitch < 72 else 7.0)
    tine = modes([tone.hz * ratio * 0.997, tone.hz * 4.02], [0.16 * strike**1.8, 0.1 * strike], [0.06, 0.25], count)
    wave = f32(wave) + tine
    soft_start(wave, 0.0022)
    burst = min(frames(0.04), count)
    knock = band_pass(noise(chance("rhodes", tone.pitch, tone.variant), burst), 150.0, 900.0) * fall(burst, 0.008)
    wave[:burst] += soft_start(knock, 0.001) * np.float32(0.07 * strike)
    return wave * np.float32(0.75)


def _bell(tone: Tone) -> Wave:
    """FM bell: a carrier and a partner at an irrational ratio, each falling at its own pace."""
    count = tone.frames
    keyed = (261.6 / tone.hz) ** 0.4
    clock = np.float32(2 * np.pi)
    index = np.float32(0.5 + 2.4 * tone.velocity) * fall(count, 0.55 * keyed)
    wave = np.sin(clock * cycles(tone.hz, count) + index * sine(cycles(tone.hz * 3.5, count))) * fall(
        count, 1.5 * keyed
    )
    shine = np.sin(
        clock * cycles(tone.hz * 1.0017, count) + index * np.float32(0.6) * sine(cycles(tone.hz * 5.4, count))
    )
    wave = f32(wave) + f32(shine) * fall(count, 0.9 * keyed) * np.float32(0.45)
    sway = np.float32(0.12) * np.sin(times(count) * np.float32(2 * np.pi * 3.1))
    return soft_start(np.stack([wave * (1 + sway), wave * (1 - sway)]) * np.float32(0.6), 0.0012)


_GLOCK = Bar((1.0, 2.756, 5.404, 8.93), (1.0, 0.45, 0.28, 0.12), (1.8, 0.7, 0.3, 0.12), click=0.12, click_hz=6500.0)
_CELESTA = Bar((1.0, 2.0, 4.1, 6.8), (1.0, 0.16, 0.28, 0.08), (1.1, 0.6, 0.25, 0.1), click=0.05, click_hz=2500.0)
_BOX = Bar(
    (1.0, 2.99, 6.2, 11.2), (1.0, 0.3, 0.3, 0.1), (1.3, 0.6, 0.22, 0.1), click=0.1, click_hz=5200.0, pair_cents=3.0
)
_MARIMBA = Bar(
    (1.0, 3.93, 9.2), (1.0, 0.35, 0.12), (0.38, 0.11, 0.04), click=0.1, click_hz=1200.0, click_s=0.006, keyed=0.7
)
_VIBES = Bar((1.0, 3.98, 9.9), (1.0, 0.22, 0.1), (2.6, 0.8, 0.2), click=0.05, click_hz=1800.0)
_KALIMBA = Bar((1.0, 2.02, 5.6, 6.3), (1.0, 0.12, 0.3, 0.16), (0.75, 0.4, 0.1, 0.07), click=0.14, click_hz=2600.0)
_TIMPANI = Bar(
    (1.0, 1.504, 1.742, 2.0, 2.245, 2.49, 2.8, 3.2),
    (1.0, 0.75, 0.35, 0.5, 0.3, 0.3, 0.2, 0.15),
    (1.0, 0.8, 0.25, 0.55, 0.25, 0.35, 0.2, 0.15),
    click=0.25, click_hz=500.0, click_s=0.012, keyed=0.3,
)  # fmt: skip

VOICES: dict[str, Voice] = {
    "rhodes": Voice(_rhodes, True, 0.14, 7.0, 6, 2, spread=0.25),
    "bell": Voice(_bell, True, 0.8, 6.0, 4, 1),
    "celesta": Voice(_CELESTA, True, 0.35, 3.5, 4, 2),
    "glockenspiel": Voice(_GLOCK, True, 0.9, 4.0, 4, 2),
    "music_box": Voice(_BOX, True, 0.8, 4.0, 3, 2),
    "marimba": Voice(_MARIMBA, True, 0.3, 2.2, 5, 2, spread=0.3),
    "vibraphone": Voice(_VIBES, True, 0.35, 6.0, 5, 2, spread=0.3),
    "kalimba": Voice(_KALIMBA, True, 0.4, 2.5, 4, 2),
    "timpani": Voice(_TIMPANI, True, 0.5, 4.0, 5, 2),
}
