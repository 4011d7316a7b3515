"""Soloists bowed and blown, brass, organ, the guitar that sustains: a cycle between dark and bright, with vibrato."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nur_studio.engines.sketch.synth.tone import (
    Shape,
    Wave,
    adsr,
    chance,
    f32,
    fall,
    harmonics,
    low,
    peaks,
    play,
    saw,
    shaped,
    table,
    times,
)
from nur_studio.engines.sketch.synth.voices.note import Tone, Voice
from nur_studio.engines.sketch.synth.voices.strings_plucked import guitar_string
from nur_studio.engines.sketch.synth.voices.synths import breath, glided, phase_of, unison


@dataclass(frozen=True, slots=True)
class Soloist:
    """One player: the body's resonances, how the tone opens with force, the attack, vibrato and air.

    `dark_hz` and `bright_hz` are where the spectrum falls when soft and when loud.
    """

    body: Shape
    dark_hz: float
    bright_hz: float
    attack_s: float = 0.05
    release_s: float = 0.09
    sustain: float = 0.85
    vibrato_cents: float = 14.0
    vibrato_hz: float = 5.4
    vibrato_delay_s: float = 0.3
    air: float = 0.02
    air_hz: tuple[float, float] = (1500.0, 6000.0)
    even: float = 1.0
    tilt: float = 1.0
    scoop_cents: float = 0.0
    tremor: float = 0.04
    reed_cents: float = 0.0
    buzz: float = 0.0

    def __call__(self, tone: Tone) -> Wave:
        hard = min(1.0, tone.velocity * (1.2 if tone.accent else 1.0))
        level = adsr(tone.frames, self.attack_s * (1.7 - 1.1 * hard), 0.35, self.sustain, self.release_s)
        random = chance("solo", self.dark_hz, tone.pitch, tone.variant)
        pitch = glided(
            tone, 0.06, max(0.1, self.vibrato_cents), self.vibrato_hz * random.uniform(0.95, 1.05), self.vibrato_delay_s
        )
        assert isinstance(pitch, np.ndarray)
        pitch = pitch[: level.size]
        if self.scoop_cents:
            pitch = f32(pitch * np.exp2(np.float32(-self.scoop_cents / 1200.0) * fall(level.size, 0.03)))
        number = harmonics(tone.hz, 120)
        amplitudes = self.body(number * tone.hz) / number**self.tilt
        amplitudes = np.where(number % 2 == 0, amplitudes * self.even, amplitudes)
        loud = self.bright_hz * (0.25 + 0.95 * hard) + tone.hz
        dark = amplitudes * low(number * tone.hz, self.dark_hz + tone.hz, 2.6)
        bright = amplitudes * low(number * tone.hz, loud, 2.6)
        size = np.sqrt(np.sum(bright**2))
        # A flat phase makes one spike a cycle; spread phases are kinder to the peaks and the ear hears no difference.
        turn = 0.35 * number + random.uniform(0.0, 0.7, number.size)
        phase = phase_of(pitch, level.size)
        soft_wave, loud_wave = play(table(dark / size, turn), phase), play(table(bright / size, turn), phase)
        drift = np.float32(self.tremor) * np.sin(
            times(level.size) * np.float32(2 * np.pi * self.vibrato_hz) + np.float32(0.4)
        )
        open_ = level * level * (np.float32(0.92) + drift) * np.float32(0.25 + 0.75 * hard)
        wave = soft_wave + (loud_wave - soft_wave) * np.clip(open_, 0.0, 1.0)
        if self.reed_cents:
            other = phase_of(pitch, level.size, 0.3, 2.0 ** (self.reed_cents / 1200.0))
            wave = np.float32(0.6) * wave + np.float32(0.5) * play(table(bright / size, turn), other)
        if self.buzz:
            wave = shaped(f32(wave), 1.0 + self.buzz)
        if self.air:
            wind = breath(level.size, *self.air_hz, (self.dark_hz, tone.pitch, tone.variant))
            puff = np.float32(1.0) + np.float32(2.0) * fall(level.size, 0.04)
            wave = wave + wind * puff * np.float32(self.air * (0.5 + 0.7 * hard))
        return f32(wave * level * (np.float32(1.0) + drift))


_VIOLIN = peaks((290, 80, 0.8), (460, 120, 1.0), (700, 200, 0.6), (1200, 500, 0.5), (2600, 1400, 0.75), floor=0.3)
_VIOLA = peaks((230, 80, 0.9), (380, 120, 0.9), (650, 250, 0.6), (1600, 900, 0.5), floor=0.3)
_CELLO = peaks((105, 50, 0.6), (190, 80, 0.9), (320, 130, 0.7), (600, 300, 0.5), (1500, 1000, 0.4), floor=0.3)
_BASS = peaks((70, 40, 0.8), (120, 60, 0.9), (240, 140, 0.6), (700, 500, 0.3), floor=0.3)
_TRUMPET = peaks((1200, 900, 1.0), (2600, 1600, 0.5), floor=0.4)
_MUTE = peaks((1650, 500, 1.3), (2900, 1100, 0.8), floor=0.08)
_HORN = peaks((420, 350, 1.0), (900, 500, 0.3), floor=0.25)
_SAX = peaks((520, 260, 1.0), (1150, 450, 0.8), (2400, 1200, 0.5), floor=0.2)
_OBOE = peaks((1050, 350, 1.3), (2900, 900, 0.8), floor=0.18)
_CLARINET = peaks((900, 900, 0.5), (3000, 1600, 0.3), floor=0.5)
_FLUTE = peaks((800, 900, 0.6), floor=0.4)
_HARP = peaks((1100, 600, 0.9), (2500, 1200, 0.7), floor=0.25)


def _brass(tone: Tone) -> Wave:
    """A section of three: saws whose filter is opened by loudness, falling back into a warm sustain."""
    hard = min(1.0, tone.velocity * (1.2 if tone.accent else 1.0))
    level = adsr(tone.frames, 0.055 - 0.03 * hard, 0.3, 0.78, 0.12)
    cutoff = f32(np.float32(350.0 + tone.hz) + np.float32(600.0 + 4200.0 * hard**1.3) * level**1.5)
    pitch = glided(tone, 0.05, 5.0, 5.0, 0.3)
    assert isinstance(pitch, np.ndarray)
    number = harmonics(tone.hz, 120)
    amplitudes = peaks((600, 500, 0.6), (1300, 900, 0.7), floor=0.5)(number * tone.hz) * saw(number)
    pitch = f32(pitch[: level.size] * np.exp2(np.float32(-0.025) * fall(level.size, 0.035)))
    return unison(tone, level, cutoff, amplitudes, (-6.0, 0.0, 6.0), 0.15, pitch, 0.7)


def _lead_guitar(tone: Tone) -> Wave:
    """A string that the amplifier's feedback keeps alive."""
    level = adsr(tone.frames, 0.004, 2.0, 0.7, 0.1)
    pitch = glided(tone, 0.09, 20.0, 5.6, 0.3)
    number = harmonics(tone.hz, 60)
    amplitudes = np.sin(np.pi * number * 0.13) / number * low(number * tone.hz, 3200.0, 4.0)
    wave = play(table(amplitudes / np.sqrt(np.sum(amplitudes**2))), phase_of(pitch, level.size)) * level
    pick = guitar_string(Tone(tone.pitch, min(level.size, 13230), tone.velocity, tone.variant))
    wave[: pick.size] += pick * fall(pick.size, 0.05) * np.float32(0.8)
    return wave


def _organ(tone: Tone) -> Wave:
    """Drawbars 16' to 1', a key's click, and a touch of second percussion."""
    level = adsr(tone.frames, 0.004, 1.0, 1.0, 0.03)
    bars = {1: 0.22, 3: 0.35, 2: 1.0, 4: 0.62, 6: 0.34, 8: 0.36, 10: 0.1, 12: 0.12, 16: 0.2}
    amplitudes = np.zeros(16)
    for number, drawn in bars.items():
        if tone.hz * number / 2.0 < 12000.0:
            amplitudes[number - 1] = drawn
    turn = chance("organ").uniform(0.0, 2 * np.pi, 16)
    wave = play(table(amplitudes * 0.55, turn), phase_of(tone.hz / 2.0, level.size)) * level
    ping = play(table([0.0, 0.0, 0.0, 1.0], turn[:4]), phase_of(tone.hz / 2.0, level.size)) * fall(level.size, 0.12)
    click = breath(level.size, 1200.0, 5000.0, ("organ", tone.pitch, tone.variant)) * fall(level.size, 0.003)
    start = adsr(tone.frames, 0.002, 1.0, 1.0, 0.03)
    return f32(shaped(wave, 1.1) + (ping * np.float32(0.3 * tone.velocity) + click * np.float32(0.05)) * start)


VOICES: dict[str, Voice] = {
    "violin": Voice(
        Soloist(_VIOLIN, 1500.0, 7500.0, 0.07, 0.14, air=0.035, air_hz=(3000, 12000), vibrato_cents=20.0), glides=True
    ),
    "viola": Voice(
        Soloist(_VIOLA, 1200.0, 5500.0, 0.08, 0.14, air=0.03, air_hz=(2500, 11000), vibrato_cents=18.0), glides=True
    ),
    "cello": Voice(
        Soloist(_CELLO, 800.0, 4000.0, 0.08, 0.16, air=0.025, air_hz=(1500, 8000), vibrato_cents=16.0), glides=True
    ),
    "contrabass": Voice(
        Soloist(_BASS, 420.0, 1700.0, 0.1, 0.16, air=0.02, air_hz=(500, 2500), vibrato_cents=9.0), glides=True
    ),
    "brass": Voice(_brass, variants=2),
    "french_horn": Voice(
        Soloist(_HORN, 480.0, 1900.0, 0.07, 0.16, vibrato_cents=4.0, air=0.008, scoop_cents=20.0), glides=True
    ),
    "trumpet": Voice(
        Soloist(_TRUMPET, 900.0, 5600.0, 0.035, 0.09, vibrato_cents=10.0, air=0.01, scoop_cents=25.0, buzz=0.4),
        glides=True,
    ),
    "muted_trumpet": Voice(
        Soloist(_MUTE, 2200.0, 6000.0, 0.035, 0.09, vibrato_cents=14.0, air=0.02, tilt=0.7, scoop_cents=20.0),
        glides=True,
    ),
    "saxophone": Voice(
        Soloist(
            _SAX, 800.0, 4200.0, 0.05, 0.1, vibrato_cents=18.0, vibrato_hz=5.0, air=0.05, scoop_cents=45.0, buzz=0.7
        ),
        glides=True,
    ),
    "flute": Voice(
        Soloist(
            _FLUTE, 700.0, 1900.0, 0.06, 0.1, vibrato_cents=12.0, air=0.055, air_hz=(1200, 9000), tilt=1.5, tremor=0.1
        ),
        glides=True,
    ),
    "clarinet": Voice(
        Soloist(_CLARINET, 700.0, 3000.0, 0.05, 0.09, vibrato_cents=4.0, air=0.015, even=0.12), glides=True
    ),
    "oboe": Voice(Soloist(_OBOE, 1500.0, 4500.0, 0.045, 0.09, vibrato_cents=11.0, air=0.012, tilt=0.8), glides=True),
    "harmonica": Voice(
        Soloist(
            _HARP,
            1100.0,
            4200.0,
            0.05,
            0.08,
            vibrato_cents=8.0,
            air=0.04,
            tilt=0.7,
            scoop_cents=40.0,
            reed_cents=6.0,
            tremor=0.12,
        ),
        glides=True,
    ),
    "lead_guitar": Voice(_lead_guitar, glides=True),
    "drive_guitar": Voice(guitar_string, True, 0.06, 6.0, 3, 4),
    "organ": Voice(_organ, variants=1, layers=2),
}

__all__ = ["VOICES", "Soloist"]
