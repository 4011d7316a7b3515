"""Momentary and short-term loudness of a stream, against scipy's filter and pyloudnorm."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray
from scipy.signal import sosfilt

from nur_studio.audio.loudness import k_weighting
from nur_studio.audio.player_loudness import KWeighting, LoudnessMeter, Tap

RATES = [22050, 44100, 48000, 192000]


def music(seconds: float, rate: int) -> NDArray[np.float32]:
    """Noise that grows louder and duller, one side quieter."""
    chance = np.random.default_rng(5)
    frames = round(seconds * rate)
    white = chance.standard_normal((frames, 2)) * np.linspace(0.01, 0.3, frames)[:, None] * (1.0, 0.6)
    tone = 0.2 * np.sin(2 * np.pi * 80 * np.arange(frames) / rate)
    return (white + tone[:, None]).astype(np.float32)


def by_pyloudnorm(audio: NDArray[np.float32], rate: int, seconds: float) -> float:
    """The loudness of the last so many seconds, as one block."""
    window = audio[len(audio) - round(seconds * rate) :].astype(np.float64)
    return float(pyloudnorm.Meter(rate, block_size=seconds).integrated_loudness(window))


def played(meter: LoudnessMeter, tap: Tap, audio: NDArray[np.float32], rate: int) -> None:
    """In blocks, looked at now and then, as the player's process does."""
    for number, first in enumerate(range(0, len(audio), 256)):
        tap.write(audio[first : first + 256])
        if number % 5 == 0:
            meter.follow(rate)
    meter.follow(rate)


@pytest.mark.parametrize("rate", RATES)
def test_the_filter_is_scipys(rate: int) -> None:
    audio = music(0.5, rate)
    weighting = KWeighting(rate)
    pieces, at = [], 0
    for count in np.random.default_rng(1).integers(1, 129, 10_000):
        pieces.append(weighting.filtered(audio[at : at + count]))
        at += int(count)
        if at >= len(audio):
            break
    expected = sosfilt(k_weighting(rate), audio.astype(np.float64), axis=0)
    np.testing.assert_allclose(np.concatenate(pieces), expected, atol=1e-9)


@pytest.mark.parametrize("rate", RATES)
def test_both_loudnesses_are_pyloudnorms(rate: int) -> None:
    tap = Tap()
    meter = LoudnessMeter(tap)
    audio = music(3.6, rate)[: 72 * round(rate / 20)]  # whole hops, so that the windows are the same
    played(meter, tap, audio, rate)
    assert meter.momentary_lufs == pytest.approx(by_pyloudnorm(audio, rate, 0.4), abs=0.2)
    assert meter.short_term_lufs == pytest.approx(by_pyloudnorm(audio, rate, 3.0), abs=0.2)


def test_a_sine_reads_as_ebu_says() -> None:
    """EBU Tech 3341, test 1: a stereo sine of 1 kHz at −23 dBFS reads −23.0 ±0.1 LUFS on both."""
    tap = Tap()
    meter = LoudnessMeter(tap)
    wave = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * np.arange(4 * 48000) / 48000)
    played(meter, tap, np.stack([wave, wave], axis=1).astype(np.float32), 48000)
    assert meter.momentary_lufs == pytest.approx(-23.0, abs=0.1)
    assert meter.short_term_lufs == pytest.approx(-23.0, abs=0.1)


def test_silence_is_minus_infinity_and_comes_after_the_windows() -> None:
    tap = Tap()
    meter = LoudnessMeter(tap)
    meter.follow(44100)
    assert meter.momentary_lufs == meter.short_term_lufs == -math.inf
    played(meter, tap, music(1.0, 44100), 44100)
    loud = meter.short_term_lufs
    assert math.isfinite(meter.momentary_lufs) and math.isfinite(loud)
    played(meter, tap, np.zeros((22050, 2), np.float32), 44100)
    assert meter.momentary_lufs == -math.inf
    assert meter.short_term_lufs == pytest.approx(loud, abs=0.1), "still within the 3 s"
    played(meter, tap, np.zeros((3 * 44100, 2), np.float32), 44100)
    assert meter.short_term_lufs == -math.inf


def test_another_rate_or_a_reset_begins_anew_and_being_late_is_survived() -> None:
    tap = Tap()
    meter = LoudnessMeter(tap)
    played(meter, tap, music(1.0, 44100), 44100)
    meter.reset()
    assert meter.momentary_lufs == -math.inf
    meter.follow(48000)
    assert meter.momentary_lufs == -math.inf, "what was played before is no longer measured"
    tap.write(music(0.001, 48000))
    for _ in range(2**18 // 4096):
        tap.write(np.ones((4096, 2), np.float32))
    meter.follow(48000)
    audio = music(1.0, 48000)
    played(meter, tap, audio, 48000)
    assert meter.momentary_lufs == pytest.approx(by_pyloudnorm(audio, 48000, 0.4), abs=0.3)
