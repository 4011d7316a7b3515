"""Ensembles that hold: string sections, pads, drones, choir, a voice. Endless loops of narrow bands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nur_studio.engines.sketch.synth.tone import (
    Shape,
    Wave,
    adsr,
    band_pass,
    chance,
    ensemble,
    f32,
    harmonics,
    loop_read,
    low,
    peaks,
    saw,
    soft_start,
    times,
)
from nur_studio.engines.sketch.synth.voices.note import Tone, Voice
from nur_studio.engines.sketch.synth.voices.orchestra import Soloist

Spectrum = Callable[[np.ndarray], np.ndarray]

VOWELS: dict[str, Shape] = {
    "a": peaks((700, 130, 1.0), (1150, 130, 0.6), (2700, 250, 0.22), (3500, 350, 0.16), floor=0.03),
    "o": peaks((450, 110, 1.0), (820, 110, 0.5), (2600, 250, 0.12), (3300, 350, 0.1), floor=0.03),
    "u": peaks((340, 90, 1.0), (680, 110, 0.25), (2400, 250, 0.07), floor=0.025),
    "e": peaks((420, 100, 1.0), (1750, 180, 0.5), (2600, 250, 0.25), (3500, 350, 0.14), floor=0.02),
}


@dataclass(frozen=True, slots=True)
class Ensemble:
    """A held sound of many: its spectrum, how blurred each harmonic is, how its tone opens.

    Two loops of the same players, dark and bright, are crossfaded by the envelope and a slow wave.
    """

    name: str
    spectrum: Spectrum
    spread_cents: float
    dark_hz: float
    bright_hz: float
    attack_s: float
    release_s: float
    body: Shape | None = None
    sustain: float = 1.0
    decay_s: float = 1.0
    sway_hz: float = 0.16
    air: float = 0.0
    octave: float = 0.0  # share of the octave above
    fifth: float = 0.0  # share of the fifth above that
    open_s: float = 0.0  # how slowly the tone opens; 0 follows the loudness
    wide: float = 0.72  # less than 1 keeps the two ears alike enough for one loudspeaker

    def loops(self, tone: Tone) -> tuple[Wave, Wave]:
        return _loops(self, tone.pitch, round(tone.velocity, 2))

    def __call__(self, tone: Tone) -> Wave:
        hard = tone.velocity
        level = adsr(tone.frames, self.attack_s * (1.5 - hard), self.decay_s, self.sustain, self.release_s)
        dark, bright = self.loops(tone)
        random = chance(self.name, tone.pitch, tone.variant)
        start = int(random.integers(0, dark.size))
        count = level.size
        clock = times(count)
        sway = np.float32(0.18) * np.sin(
            clock * np.float32(2 * np.pi * self.sway_hz) + np.float32(random.uniform(0, 6.28))
        )
        if self.open_s:
            open_ = np.float32(1.0) - np.exp(clock * np.float32(-1.0 / self.open_s))
            open_ = f32(open_) * np.float32(0.8)
        else:
            open_ = level * level * np.float32(0.8)
        blend = np.clip(open_ + sway, 0.0, 1.0)
        wave = np.empty((2, count), dtype=np.float32)
        for channel, place in ((0, start), (1, start + dark.size // 2)):
            soft = loop_read(dark, count, place)
            wave[channel] = soft + (loop_read(bright, count, place) - soft) * blend
        if self.wide < 1.0:
            middle = wave.mean(axis=0)
            wave = middle + (wave - middle) * np.float32(self.wide)
        return f32(wave * level * np.float32(0.33))


@lru_cache(maxsize=112)
def _loops(section: Ensemble, pitch: int, velocity: float) -> tuple[Wave, Wave]:
    frequency = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    number = harmonics(frequency, 160)
    amplitudes = section.spectrum(number)
    if section.octave:
        amplitudes = amplitudes + np.where(
            number % 2 == 0, section.octave * section.spectrum(np.maximum(1.0, number / 2)), 0.0
        )
    if section.fifth:
        amplitudes = amplitudes + np.where(
            number % 3 == 0, section.fifth * section.spectrum(np.maximum(1.0, number / 3)), 0.0
        )
    if section.body is not None:
        amplitudes = amplitudes * section.body(number * frequency)
    at = number * frequency
    bright_hz = section.bright_hz * (0.4 + velocity) + frequency
    key = (section.name, pitch)
    tones = np.stack([low(at, section.dark_hz + frequency, 3.0), low(at, bright_hz, 3.0)])
    dark, bright = ensemble(frequency, amplitudes * tones, section.spread_cents, key)
    if section.air:
        wind = chance(section.name, "air", pitch).random(bright.size, dtype=np.float32) - np.float32(0.5)
        wind = band_pass(wind, 3000.0, 13000.0)
        # The loop must close without a step: fade the last part of the noise into what comes before its start.
        seam = 4096
        rise = np.linspace(0.0, 1.0, seam, dtype=np.float32)
        wind = np.concatenate(
            [wind[:seam] * rise + wind[-seam:] * (1 - rise), wind[seam:-seam], np.zeros(seam, np.float32)]
        )
        wind = np.concatenate([wind[: bright.size - seam], wind[:seam]])
        bright = bright + f32(wind) * np.float32(section.air * 12.0)
    return dark, f32(bright)


def _thin(number: np.ndarray) -> np.ndarray:
    return np.where(np.isin(number, (1.0, 2.0, 4.0, 6.0, 8.0, 12.0)), 1.0 / number**0.8, 0.0)


def _soft_saw(number: np.ndarray) -> np.ndarray:
    return 1.0 / number**1.15


def _octaves(number: np.ndarray) -> np.ndarray:
    return np.where(np.isin(number, (1.0, 2.0, 4.0, 8.0, 16.0)), number**-0.6, 0.0) + 0.12 / number**1.5


_SECTION_BODY = peaks((270, 150, 0.5), (480, 200, 0.7), (1100, 700, 0.45), (2700, 1800, 0.55), floor=0.4)


def _choir(tone: Tone) -> Wave:
    vowel = "ao"[tone.variant % 2] if tone.velocity < 0.75 else "a"
    section = Ensemble(
        "choir" + vowel, saw, 26.0, 900.0, 5000.0, 0.16, 0.5, VOWELS[vowel], air=0.02, sway_hz=0.25, wide=0.6
    )
    return section(tone) * np.float32(1.2)


_SINGERS = {
    vowel: Soloist(
        shape, 1100.0, 4200.0, 0.06, 0.16, vibrato_cents=28.0, vibrato_hz=5.2, vibrato_delay_s=0.28, air=0.012,
        air_hz=(3000.0, 9000.0), tilt=0.85, scoop_cents=60.0, tremor=0.06,
    )
    for vowel, shape in VOWELS.items()
}  # fmt: skip


def _voice(tone: Tone) -> Wave:
    return _SINGERS["aoue"[tone.variant % 4]](tone)


_STRINGS = Ensemble("strings", saw, 20.0, 1400.0, 7000.0, 0.16, 0.35, _SECTION_BODY, air=0.02, sway_hz=0.3)
_SHORT = Ensemble("strings", saw, 18.0, 1600.0, 8000.0, 0.022, 0.16, _SECTION_BODY, 0.55, 0.12, 0.3, 0.03)


def _staccato(tone: Tone) -> Wave:
    wave = _SHORT(tone)
    bite = band_pass(
        chance("bow", tone.pitch, tone.variant).random(min(4410, wave.shape[1]), dtype=np.float32) - np.float32(0.5),
        1800.0,
        10000.0,
    )
    wave[:, : bite.size] += soft_start(
        bite * np.exp(np.arange(bite.size, dtype=np.float32) / np.float32(-500.0)), 0.002
    ) * np.float32(0.25 * tone.velocity)
    return wave


VOICES: dict[str, Voice] = {
    "strings": Voice(_STRINGS, layers=2),
    "staccato_strings": Voice(_staccato, layers=3, variants=3),
    "warm_pad": Voice(Ensemble("warm", _soft_saw, 16.0, 450.0, 2400.0, 0.35, 0.9, sway_hz=0.11, open_s=1.4), layers=2),
    "saw_pad": Voice(
        Ensemble("saws", saw, 22.0, 900.0, 5200.0, 0.18, 0.7, sway_hz=0.13, open_s=1.0, octave=0.25), layers=2
    ),
    "air_pad": Voice(
        Ensemble("air", _octaves, 40.0, 1200.0, 8000.0, 0.6, 1.2, sway_hz=0.09, open_s=1.6, air=0.09), layers=2
    ),
    "glass_pad": Voice(
        Ensemble("glass", _thin, 9.0, 1200.0, 6500.0, 0.3, 1.1, sway_hz=0.2, open_s=0.9, fifth=0.1), layers=2
    ),
    "drone": Voice(
        Ensemble("drone", _soft_saw, 11.0, 260.0, 900.0, 0.9, 1.6, sway_hz=0.06, open_s=3.0, wide=0.6), layers=2
    ),
    "shimmer": Voice(
        Ensemble(
            "shimmer",
            _octaves,
            26.0,
            2200.0,
            9500.0,
            0.9,
            1.8,
            sway_hz=0.12,
            open_s=2.2,
            octave=0.6,
            fifth=0.25,
            air=0.06,
        ),
        layers=2,
    ),
    "choir": Voice(_choir, layers=2, variants=2),
    "voice": Voice(_voice, glides=True, layers=4, variants=4),
}
