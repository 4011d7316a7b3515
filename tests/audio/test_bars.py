"""Bars: starting at bar 1, and loops that are exactly as long as their bars and go round cleanly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from rhythms import RATE, loop

from nur_studio.audio.bars import Seam, at_bar_one, cut_loop, plan_loop
from nur_studio.audio.seam import score_seam
from nur_studio.core.errors import StudioError
from nur_studio.core.timing import Grid

GRID = Grid(119.4, 4, 0.013)


def drums_and_pad(seconds: float = 20.0) -> NDArray[np.float32]:
    """A beat over a chord whose phase never repeats with the bars."""
    time = np.arange(round(seconds * RATE)) / RATE
    pad = sum(np.sin(2 * np.pi * hz * time + hz) for hz in (131.3, 197.7, 262.9))
    sound = 0.5 * loop(119.4, seconds, "breakbeat")
    return (sound + 0.08 * pad[:, None]).astype(np.float32)


def ending(seconds: float, rings_s: float) -> NDArray[np.float32]:
    """Plucked notes on every beat until `seconds`, whose last ones ring on."""
    time = np.arange(round((seconds + rings_s) * RATE)) / RATE
    out = np.zeros(len(time))
    for number, start in enumerate(np.arange(0.0, seconds - 0.1, 0.5)):
        first = round(start * RATE)
        since = time[: len(time) - first]
        out[first:] += 0.3 * np.exp(-2.5 * since) * np.sin(2 * np.pi * 220.0 * (1 + number % 3) * since)
    return np.stack((out, out), axis=1).astype(np.float32)


@pytest.mark.parametrize(("start_bar", "bars"), [(0, 1), (1, 2), (2, 4), (1, 8)])
def test_a_loop_has_the_frames_of_its_bars_and_no_seam(start_bar: int, bars: int) -> None:
    mix = drums_and_pad()
    plan = plan_loop(mix, RATE, GRID, start_bar, bars)
    looped = cut_loop(mix, plan, RATE)
    assert len(looped) == round(bars * 4 * 60 / 119.4 * RATE)
    assert plan.start == round((0.013 + start_bar * 4 * 60 / 119.4) * RATE)
    assert plan.seam is (Seam.FROM_BEFORE if start_bar else Seam.INTO_AFTER)
    score = score_seam(looped, RATE, GRID)
    assert score.score >= 0.9
    plain = mix[plan.start : plan.start + plan.frames]
    middle = slice(len(looped) // 8, -len(looped) // 8)
    assert np.array_equal(looped[middle], plain[middle]), "only the seam is touched"


def test_across_the_seam_it_goes_on_as_the_recording_did() -> None:
    mix = drums_and_pad()
    before = plan_loop(mix, RATE, GRID, 2, 2)
    looped = cut_loop(mix, before, RATE)
    assert looped[0] == pytest.approx(mix[before.start])
    assert looped[-1] == pytest.approx(mix[before.start - 1], abs=0.01)
    after = plan_loop(mix, RATE, GRID, 0, 2)
    looped = cut_loop(mix, after, RATE)
    assert looped[0] == pytest.approx(mix[after.start + after.frames], abs=0.01)
    assert looped[-1] == pytest.approx(mix[after.start + after.frames - 1])


def test_a_tail_is_wrapped_to_the_beginning() -> None:
    sound = ending(8.0, 3.0)
    plan = plan_loop(sound, RATE, Grid(120.0), 0, 4)
    assert plan.seam is Seam.TAIL
    looped = cut_loop(sound, plan, RATE)
    assert len(looped) == 8 * RATE
    tail = sound[8 * RATE :]
    assert np.allclose(looped[: 2 * RATE], sound[: 2 * RATE] + tail[: 2 * RATE], rtol=0.0, atol=1e-6)
    assert np.array_equal(looped[4 * RATE :], sound[4 * RATE : 8 * RATE])
    assert score_seam(looped, RATE, Grid(120.0)).score >= 0.95


def test_a_tail_longer_than_its_loop_goes_round_again() -> None:
    sound = ending(2.0, 5.0)
    looped = cut_loop(sound, plan_loop(sound, RATE, Grid(120.0), 0, 1), RATE)
    rounds = [sound[at : at + 2 * RATE] for at in range(0, len(sound), 2 * RATE)]
    assert np.allclose(looped[: RATE // 2], sum(part[: RATE // 2] for part in rounds), rtol=0.0, atol=1e-6)


def test_stems_looped_alike_sum_to_the_looped_mix() -> None:
    stems = [0.5 * loop(119.4, 8.0, "boom bap"), drums_and_pad(8.0), ending(7.0, 1.0)]
    mix = np.sum(stems, axis=0, dtype=np.float32)
    for start_bar in (0, 1):
        plan = plan_loop(mix, RATE, GRID, start_bar, 2)
        parts = np.sum([cut_loop(stem, plan, RATE) for stem in stems], axis=0)
        assert np.allclose(parts, cut_loop(mix, plan, RATE), rtol=0.0, atol=1e-5)


def test_nothing_around_it_makes_both_ends_fade() -> None:
    frames = Grid(119.4).bar_frames(2, RATE)
    sound = drums_and_pad()[:frames]
    plan = plan_loop(sound, RATE, Grid(119.4), 0, 2)
    assert plan.seam is Seam.FADED
    looped = cut_loop(sound, plan, RATE)
    assert len(looped) == frames
    assert np.abs(looped[[0, -1]]).max() < 0.05
    some_short = cut_loop(sound[:-200], plan_loop(sound[:-200], RATE, Grid(119.4), 0, 2), RATE)
    assert len(some_short) == frames
    assert np.abs(np.diff(some_short[-300:], axis=0)).max() < 0.1


@pytest.mark.parametrize(("start_bar", "bars"), [(0, 0), (0, 65), (0, 11), (9, 2), (-1, 1)])
def test_bars_that_are_not_there_are_said_so(start_bar: int, bars: int) -> None:
    with pytest.raises(StudioError, match="bars"):
        plan_loop(drums_and_pad(), RATE, GRID, start_bar, bars)


def test_it_starts_at_the_first_downbeat() -> None:
    sound = drums_and_pad(6.0)
    trimmed = at_bar_one(sound, RATE, 0.713)
    first = round(0.713 * RATE)
    assert len(trimmed) == len(sound) - first
    assert np.array_equal(trimmed[44:], sound[first + 44 :])
    assert np.abs(trimmed[0]).max() < 0.1 * np.abs(sound).max()
    padded = at_bar_one(sound, RATE, 0.713, bar_s=GRID.bar_s)
    silence = len(padded) - len(sound)
    assert silence + first == round(GRID.bar_s * RATE)
    assert not padded[:silence].any()
    assert np.array_equal(padded[silence:], sound)
    assert np.array_equal(at_bar_one(sound, RATE, 0.0), sound)


def test_a_bad_seam_is_told_from_a_good_one() -> None:
    mix = drums_and_pad()
    good = cut_loop(mix, plan_loop(mix, RATE, GRID, 1, 4), RATE)
    clicking = good.copy()
    clicking[-1] += 0.3
    assert score_seam(clicking, RATE, GRID).seam.click_db > score_seam(good, RATE, GRID).seam.click_db + 12.0
    quieter = good.copy()
    quieter[-RATE // 10 :] *= 0.1
    assert score_seam(quieter, RATE, GRID).seam.level_db > score_seam(good, RATE, GRID).seam.level_db + 6.0
    for worse in (clicking, quieter):
        assert score_seam(worse, RATE, GRID).score < score_seam(good, RATE, GRID).score - 0.2
    assert score_seam(np.zeros((RATE * 2, 2), np.float32), RATE, Grid(120.0)).score == 1.0
