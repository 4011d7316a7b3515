"""Beats, bars and clocks."""

import pytest

from nur_studio.core.timing import Grid, format_time


def test_beats_fall_on_frames_without_drift() -> None:
    grid = Grid(93.0)
    exact = [beat * 60 / 93 * 44100 for beat in range(2000)]
    assert all(abs(grid.frame_of(beat, 44100) - exact[beat]) <= 0.5 for beat in range(2000))


def test_offset_and_metre() -> None:
    grid = Grid(120.0, 3, 0.25)
    assert (grid.beat_s, grid.bar_s) == (0.5, 1.5)
    assert grid.frame_of(0, 48000) == 12000
    assert grid.beat_at(0.25 + 1.75) == pytest.approx(3.5)


def test_bars_last_so_many_frames() -> None:
    assert Grid(120.0).bar_frames(4, 44100) == 352800
    assert Grid(119.4, 3).bar_frames(7, 48000) == round(7 * 3 * 60 / 119.4 * 48000)
    assert Grid(90.0, 4, 12.3).bar_frames(1, 44100) == 117600, "wherever bar 1 is"


@pytest.mark.parametrize(
    ("time_s", "position"),
    [(0.0, "1.1.1"), (0.125, "1.1.2"), (0.5, "1.2.1"), (2.0, "2.1.1"), (8.625, "5.2.2"), (-1.0, "1.1.1")],
)
def test_positions_are_as_daws_show_them(time_s: float, position: str) -> None:
    assert Grid(120.0).position(time_s) == position


def test_a_position_on_a_beat_is_not_shown_a_sixteenth_early() -> None:
    for tempo in range(40, 221):
        grid = Grid(float(tempo))
        for beat in range(64):
            bar, rest = divmod(beat, 4)
            assert grid.position(beat * grid.beat_s) == f"{bar + 1}.{rest + 1}.1"


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (0.0, "0:00.00"),
        (12.34, "0:12.34"),
        (59.999, "0:59.99"),
        (60.0, "1:00.00"),
        (300.0, "5:00.00"),
        (-3.0, "0:00.00"),
    ],
)
def test_times_are_cut_not_rounded(time_s: float, text: str) -> None:
    assert format_time(time_s) == text
