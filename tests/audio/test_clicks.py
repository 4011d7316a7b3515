"""The metronome: on the exact frame, accented on the one."""

from __future__ import annotations

import numpy as np
import pytest
from rhythms import RATE, loop

from nur_studio.audio.analysis import analyse
from nur_studio.audio.clicks import click_track, with_count_in
from nur_studio.core.timing import Grid


@pytest.mark.parametrize("grid", [Grid(119.4), Grid(97.3, 3, 0.7), Grid(180.0, 4, 5.01)])
def test_every_beat_clicks_on_its_frame(grid: Grid) -> None:
    clicks = click_track(20 * RATE, RATE, grid)
    assert clicks.shape == (20 * RATE, 2)
    sounding = np.flatnonzero(clicks[:, 0])
    starts = sounding[np.flatnonzero(np.diff(sounding, prepend=-RATE) > RATE // 20)]
    first = -int(grid.offset_s / grid.beat_s)
    expected = [round((grid.offset_s + (first + beat) * grid.beat_s) * RATE) for beat in range(len(starts))]
    assert starts.tolist() == expected
    assert expected[-1] + grid.beat_s * RATE >= 20 * RATE, "to the end"
    loudness = np.abs(clicks[starts, 0])
    accents = [(first + beat) % grid.beats_per_bar == 0 for beat in range(len(starts))]
    assert loudness == pytest.approx(np.where(accents, 0.5, 0.25))


def test_it_is_heard_as_its_own_tempo_and_bar() -> None:
    heard = analyse(click_track(20 * RATE, RATE, Grid(133.7, 4, 0.4)), RATE, near=130)
    assert heard.tempo == pytest.approx(133.7, abs=0.01)
    assert heard.beats[0] == pytest.approx(0.4 % (60 / 133.7), abs=0.005)


@pytest.mark.parametrize("offset_s", [0.0, 0.5, 3.0])
def test_a_bar_is_counted_in(offset_s: float) -> None:
    music = 0.1 * loop(120.0, 6.0, "boom bap", start_s=offset_s)
    counted, grid = with_count_in(music, RATE, Grid(120.0, 4, offset_s))
    added = len(counted) - len(music)
    assert added == max(0, round((2.0 - offset_s) * RATE))
    assert grid.offset_s == pytest.approx(max(2.0, offset_s))
    downbeat = grid.frame_of(0, RATE)
    assert np.array_equal(counted[downbeat:], music[downbeat - added :]), "the music is as it was"
    clicks = counted.copy()
    clicks[added:] -= music
    hits = [
        float(np.abs(clicks[downbeat - beat * RATE // 2 : downbeat - beat * RATE // 2 + 100]).max())
        for beat in (4, 3, 2, 1)
    ]
    assert hits == pytest.approx([0.5, 0.25, 0.25, 0.25], abs=0.01)
