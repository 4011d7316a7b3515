"""Loudness, true peak, limiter and mastering against the standard's own references."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray
from scipy.signal import resample_poly

from nur_studio.audio.loudness import integrated_lufs, limiter_gain, master, mastering_gain, true_peak_dbtp

RATE = 44100


def sine(hz: float, level_dbfs: float, seconds: float, rate: int = RATE, channels: int = 2) -> NDArray[np.float32]:
    wave = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def drums(seconds: float, level: float = 1.0) -> NDArray[np.float32]:
    out = np.zeros((round(seconds * RATE), 2), np.float32)
    time = np.arange(9000) / RATE
    hit = (level * np.exp(-time * 30) * np.sin(2 * np.pi * (55 + 90 * np.exp(-time * 60)) * time)).astype(np.float32)
    for start in range(0, len(out) - len(hit), RATE // 2):
        out[start : start + len(hit)] += hit[:, None]
    return out


def band() -> dict[str, NDArray[np.float32]]:
    """Eight seconds with kicks well above the rest, uneven channels and a silent stem."""
    random = np.random.default_rng(5)
    other = (0.06 * random.standard_normal((8 * RATE, 2))).astype(np.float32)
    other[:, 1] *= 0.5
    return {
        "drums": drums(8),
        "bass": sine(55, -12, 8),
        "vocals": np.zeros((8 * RATE, 2), np.float32),
        "other": other,
    }


def total(stems: dict[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    return np.sum([stem.astype(np.float64) for stem in stems.values()], axis=0)


@pytest.mark.parametrize("rate", [22050, 44100, 48000, 96000])
def test_sine_reads_its_own_level_at_every_rate(rate: int) -> None:
    # BS.1770: a 997 Hz sine in one channel reads 3.01 below its peak level; in both, its peak level.
    assert integrated_lufs(sine(997, -20, 5, rate), rate) == pytest.approx(-20.0, abs=0.05)
    assert integrated_lufs(sine(997, -20, 5, rate, channels=1), rate) == pytest.approx(-23.01, abs=0.05)


@pytest.mark.parametrize(("levels", "expected"), [((-36, -23, -36), -23.0), ((-72, -36, -23, -36, -72), -23.0)])
def test_gates_leave_out_what_is_quiet(levels: tuple[int, ...], expected: float) -> None:
    # EBU Tech 3341, cases 3 and 4: 10 s quiet (or 10 s of near silence), 60 s loud, 10 s quiet.
    pieces = [sine(1000, level, 60 if level == -23 else 10) for level in levels]
    assert integrated_lufs(np.concatenate(pieces), RATE) == pytest.approx(expected, abs=0.1)


def test_agrees_with_pyloudnorm_on_coloured_noise() -> None:
    random = np.random.default_rng(1)
    noise = np.cumsum(random.standard_normal((12 * RATE, 2)), axis=0)
    noise -= np.linspace(0, 1, len(noise))[:, None] * noise[-1]
    noise = (noise / np.abs(noise).max() + 0.01 * random.standard_normal(noise.shape)).astype(np.float32)
    noise[4 * RATE : 7 * RATE] *= 0.05
    expected = pyloudnorm.Meter(RATE, filter_class="DeMan").integrated_loudness(noise.astype(np.float64))
    assert integrated_lufs(noise, RATE) == pytest.approx(expected, abs=0.05)


def test_silence_and_moments() -> None:
    assert integrated_lufs(np.zeros((RATE, 2), np.float32), RATE) == -math.inf
    assert integrated_lufs(np.zeros((0, 2), np.float32), RATE) == -math.inf
    assert true_peak_dbtp(np.zeros((RATE, 2), np.float32)) == -math.inf
    assert true_peak_dbtp(np.zeros((0, 2), np.float32)) == -math.inf
    # 100 ms is under one gating block: measured whole.
    assert integrated_lufs(sine(997, -20, 0.1), RATE) == pytest.approx(-20.0, abs=0.3)


def test_true_peak_finds_what_lies_between_samples() -> None:
    # A quarter of the rate, an eighth of a turn late: every sample is 3.01 dB under the crest.
    wave = np.sin(2 * np.pi * (np.arange(RATE) / 4 + 1 / 8))[:, None].astype(np.float32) * 0.5
    wave *= np.hanning(RATE)[:, None].astype(np.float32) ** 0.1
    assert 20 * math.log10(np.abs(wave).max()) == pytest.approx(-9.03, abs=0.01)
    assert true_peak_dbtp(wave) == pytest.approx(-6.02, abs=0.05)


def test_true_peak_sees_every_place_and_channel() -> None:
    random = np.random.default_rng(2)
    for frames in (1, 15, 16, 17, 4097, 140_001):
        sound = (0.3 * random.standard_normal((frames, 2))).astype(np.float32)
        reference = np.abs(resample_poly(np.pad(sound, ((40, 40), (0, 0))), 4, 1, window=("kaiser", 7.0))).max()
        assert true_peak_dbtp(sound) == pytest.approx(20 * math.log10(reference), abs=0.3)
    for place in (0, 7, 131_071, 131_072, 139_999):
        sound = np.zeros((140_000, 2), np.float32)
        sound[place, 1] = 0.5
        assert true_peak_dbtp(sound) == pytest.approx(-6.02, abs=0.01)


def test_limiter_holds_the_ceiling_and_leaves_the_rest_alone() -> None:
    loud = total(band()).astype(np.float32) * 1.5
    gain = limiter_gain(loud, RATE, -1.0)
    assert gain.shape == (len(loud),)
    assert gain.dtype == np.float32
    assert true_peak_dbtp(loud * gain[:, None]) <= -1.0
    assert gain.max() <= 1.0
    assert 0.2 < gain.min() < 0.8
    # No more than needed: the loudest place ends just under the ceiling.
    assert true_peak_dbtp(loud * gain[:, None]) > -1.1
    quiet = loud * np.float32(0.1)
    assert (limiter_gain(quiet, RATE) == 1.0).all()


def test_limiter_looks_ahead_and_moves_smoothly() -> None:
    sound = sine(200, -20, 2)
    sound[RATE, :] = 2.0
    gain = 20 * np.log10(limiter_gain(sound, RATE).astype(np.float64))
    assert gain[RATE] < -6.9
    assert gain[RATE - 20] < -3.0, "the gain must be on its way down before the peak"
    assert gain[RATE - 300] == 0.0, "and not earlier than the look-ahead"
    # 7 dB at 30 dB a second take 0.23 s to come back.
    assert gain[RATE + round(0.1 * RATE)] == pytest.approx(-4.1, abs=0.5)
    assert gain[RATE + round(0.3 * RATE)] == 0.0
    assert np.abs(np.diff(gain)).max() < 0.15, "a step in the gain is a click"


def test_master_reaches_loudness_and_ceiling_and_stems_still_sum() -> None:
    stems = band()
    mastered = master(stems, RATE)
    mix = total(mastered).astype(np.float32)
    assert list(mastered) == list(stems)
    assert all(stem.dtype == np.float32 and stem.shape == stems[name].shape for name, stem in mastered.items())
    assert integrated_lufs(mix, RATE) == pytest.approx(-14.0, abs=0.1)
    assert true_peak_dbtp(mix) <= -1.0
    # One curve for all: the sum of what comes out is the sum of what went in, times it.
    before = total(stems)
    curve = mix[:, 0] / np.where(np.abs(before[:, 0]) > 0.01, before[:, 0], np.nan)
    bass_curve = mastered["bass"][:, 0] / np.where(np.abs(stems["bass"][:, 0]) > 0.01, stems["bass"][:, 0], np.nan)
    assert np.nanmax(np.abs(curve - bass_curve)) < 1e-4
    assert curve[np.isfinite(curve)].min() < 0.97 * np.nanmax(curve), "this band needs the limiter"
    assert not mastered["vocals"].any()


@pytest.mark.parametrize("level_db", [-50.0, 12.0])
def test_master_from_any_level(level_db: float) -> None:
    stems = {name: stem * np.float32(10 ** (level_db / 20)) for name, stem in band().items()}
    mix = total(master(stems, RATE, target_lufs=-16.0, ceiling_dbtp=-2.0)).astype(np.float32)
    assert integrated_lufs(mix, RATE) == pytest.approx(-16.0, abs=0.1)
    assert true_peak_dbtp(mix) <= -2.0


def test_master_limits_by_six_decibels_and_no_more() -> None:
    spiky = sine(300, -40, 6)
    spiky[::RATE] = 1.0
    mastered = master({"drums": spiky}, RATE)["drums"]
    steady = np.abs(mastered[20000:30000]).max() / np.abs(spiky[20000:30000]).max()
    at_spike = np.abs(mastered[RATE]).max() / 1.0
    assert 20 * math.log10(at_spike / steady) == pytest.approx(-6.0, abs=0.1)
    assert integrated_lufs(mastered, RATE) < -20
    assert true_peak_dbtp(mastered) <= -1.0


def test_what_is_not_a_number_is_refused() -> None:
    broken = sine(300, -10, 1)
    broken[777, 1] = np.nan
    with pytest.raises(ValueError, match="not numbers"):
        master({"drums": broken}, RATE)
    with pytest.raises(ValueError, match="not numbers"):
        limiter_gain(broken, RATE)


def test_stems_that_cancel_each_other_do_not_clip() -> None:
    huge = sine(110, 0, 4)
    quiet = (0.1 * np.random.default_rng(3).standard_normal((4 * RATE, 2))).astype(np.float32)
    mastered = master({"bass": huge, "other": quiet - huge}, RATE)
    for stem in mastered.values():
        assert true_peak_dbtp(stem) <= 0.0
    assert true_peak_dbtp(total(mastered).astype(np.float32)) <= -1.0


def test_silence_stays_silence_and_inputs_stay_theirs() -> None:
    silent = {"drums": np.zeros((RATE, 2), np.float32)}
    mastered = master(silent, RATE)
    assert not mastered["drums"].any()
    assert mastered["drums"] is not silent["drums"]
    assert master({}, RATE) == {}
    stems = band()
    kept = {name: stem.copy() for name, stem in stems.items()}
    master(stems, RATE)
    assert all((stems[name] == kept[name]).all() for name in stems)


def test_the_gain_of_a_master_can_be_had_alone() -> None:
    stems = {"drums": drums(3.0), "bass": sine(80.0, -12.0, 3.0)}
    kept = {name: stem.copy() for name, stem in stems.items()}
    shares: list[float] = []
    gain = mastering_gain(stems, RATE, on_share=shares.append)
    assert gain.shape == (3 * RATE,)
    assert shares == sorted(shares) and shares[-1] == 1.0
    for name, stem in master(stems, RATE).items():
        assert np.array_equal(kept[name], stems[name])
        assert np.array_equal(stem, stems[name] * gain[:, None])
