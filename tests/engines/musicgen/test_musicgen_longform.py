"""Windows cover the piece once, end on bars, and change where the words change."""

from __future__ import annotations

import itertools

import pytest

from nur_studio.engines.musicgen.longform import carry_frames, plan

RATE, WINDOW = 50.0, 1500


def bars(tempo: int, seconds: float, beats: int = 4) -> list[int]:
    bar_s = beats * 60 / tempo
    return [round(bar * bar_s * RATE) for bar in range(int(seconds / bar_s) + 2)]


@pytest.mark.parametrize("tempo", [40, 67, 90, 120, 174, 220])
@pytest.mark.parametrize("seconds", [5, 30, 31, 120, 300])
@pytest.mark.parametrize("first", [0, 200])
@pytest.mark.parametrize("window_s", [10, 30])
def test_every_frame_is_made_once(tempo: int, seconds: int, first: int, window_s: int) -> None:
    lines = bars(tempo, seconds)
    changes = [line for line in lines[3::7] if first < line < seconds * 50]
    carry = carry_frames(RATE, 240 / tempo, window_s)
    windows = plan(first, seconds * 50, window_s * 50, carry, lines, changes)
    assert windows[0].start == first
    assert windows[-1].end == seconds * 50
    for before, after in itertools.pairwise(windows):
        assert before.end == after.start
        reached = before.end - min(before.end, carry) + window_s * 50  # bars are longer than what is new at 40 BPM
        assert after.end in lines or after.end in (seconds * 50, reached)
        assert window_s == 10 or after.end in lines or after.end == seconds * 50
    for window in windows:
        assert window.carry + window.end - window.start <= window_s * 50
        assert window.carry == min(window.start, carry)
        assert not any(window.start < change < window.end for change in changes)
        assert window.section == sum(change <= window.start for change in changes)


@pytest.mark.parametrize("tempo", [40, 60, 90, 120, 174, 220])
@pytest.mark.parametrize("beats", [2, 3, 4, 7])
def test_the_carry_is_whole_bars_near_twelve_seconds(tempo: int, beats: int) -> None:
    bar_s = beats * 60 / tempo
    carry_s = carry_frames(RATE, bar_s, 30.0) / RATE
    assert 8.0 <= carry_s <= 20.0
    if bar_s <= 8.0:
        assert carry_s / bar_s == pytest.approx(round(carry_s / bar_s), abs=0.02 / bar_s)


@pytest.mark.parametrize("window_s", [10, 15, 20, 30])
def test_shorter_windows_carry_less(window_s: int) -> None:
    carry_s = carry_frames(RATE, 60 / 120, window_s) / RATE
    assert carry_s == pytest.approx(0.4 * window_s, abs=0.3)
    assert carry_frames(RATE, 25.0, window_s) / RATE == pytest.approx(0.4 * window_s, abs=0.02), "no bar is so short"


def test_without_a_bar_in_reach_a_window_takes_all_it_can() -> None:
    (first, *_) = plan(0, 3000, WINDOW, 600, [0, 2900], [])
    assert (first.start, first.end) == (0, WINDOW)


def test_a_change_beyond_the_end_changes_nothing() -> None:
    assert plan(0, 500, WINDOW, 600, [0, 100], [600]) == plan(0, 500, WINDOW, 600, [0, 100], [])
