"""The time axis: zoom keeps what is under the pointer, snapping meets beats, ticks fall on bars."""

from __future__ import annotations

from itertools import pairwise

import pytest
from pytestqt.qtbot import QtBot

from nur_studio.core.timing import Grid
from nur_studio.gui.timeline import Timeline

RATE = 44100
BEAT = 22050  # 120 BPM


@pytest.fixture
def timeline(qapp: object) -> Timeline:
    axis = Timeline()
    axis.set_track(16 * RATE, RATE, Grid(120.0))
    axis.set_width(800.0, 1.0)
    return axis


def test_fit_shows_all(timeline: Timeline) -> None:
    assert timeline.x_of(0) == 0.0
    assert timeline.x_of(16 * RATE) == pytest.approx(800.0)
    assert timeline.frame_at(400.0) == 8 * RATE


@pytest.mark.parametrize("x", [100.0, 400.0, 700.0])
@pytest.mark.parametrize("factor", [1.25, 4.0, 16.0])
def test_zoom_keeps_the_frame_under_the_pointer(timeline: Timeline, x: float, factor: float) -> None:
    before = timeline.frame_at(x)
    timeline.zoom(factor, x)
    assert timeline.visible == pytest.approx(16 * RATE / factor)
    assert timeline.frame_at(x) == pytest.approx(before, abs=1)
    timeline.zoom(1 / factor, x)
    assert timeline.frame_at(x) == pytest.approx(before, abs=1)


def test_zoom_and_pan_stay_inside_the_track(timeline: Timeline) -> None:
    timeline.zoom(0.1)
    assert (timeline.start, timeline.visible) == (0.0, 16.0 * RATE)
    timeline.zoom(1e9, 0.0)
    assert timeline.visible == pytest.approx(0.25 * RATE)
    timeline.pan(1e9)
    assert timeline.end == pytest.approx(16 * RATE)
    timeline.pan(-1e12)
    assert timeline.start == 0.0
    assert timeline.frame_at(-50.0) == 0


def test_pan_moves_by_pixels(timeline: Timeline) -> None:
    timeline.zoom(4.0, 0.0)
    frame = timeline.frame_at(300.0)
    timeline.pan(100.0)
    assert timeline.frame_at(200.0) == pytest.approx(frame, abs=1)


def test_reveal_turns_the_page_only_when_needed(timeline: Timeline, qtbot: QtBot) -> None:
    timeline.zoom(4.0, 0.0)
    with qtbot.assertNotEmitted(timeline.range_changed):
        timeline.reveal(2 * RATE)
    timeline.reveal(9 * RATE)
    assert timeline.start < 9 * RATE < timeline.end


def test_snap_meets_beats_and_the_end(timeline: Timeline) -> None:
    timeline.set_snapping("beat")
    assert timeline.snap(BEAT * 3 + 4000) == BEAT * 3
    assert timeline.snap(BEAT * 3 - 4000) == BEAT * 3
    timeline.set_track(RATE * 16 - 7000, RATE, Grid(120.0))
    assert timeline.snap(RATE * 16 - 8000) == RATE * 16 - 7000


def test_snap_knows_the_offset_of_beat_one(qapp: object) -> None:
    axis = Timeline()
    axis.set_track(16 * RATE, RATE, Grid(120.0, 4, 0.1))
    axis.set_snapping("beat")
    assert axis.snap(BEAT) == round((0.1 + 0.5) * RATE)
    assert axis.snap(0) == 0 or axis.snap(0) == 4410


@pytest.mark.parametrize("bars", [True, False])
def test_snap_falls_on_lines_in_sight(timeline: Timeline, bars: bool) -> None:
    timeline.set_track(300 * RATE, RATE, Grid(120.0))
    timeline.set_bars(bars)
    for zoom in (1.0, 3.0, 8.0, 9.0):
        timeline.zoom(zoom, 0.0)
        lines = {round(tick.frame) for tick in timeline.ticks()} | {timeline.frames}
        frames = [timeline.frame_at(x) for x in range(0, 780, 7)]
        assert {timeline.snap(frame) for frame in frames} <= lines
        for frame in frames:
            assert abs(timeline.snap(frame) - frame) == min(abs(line - frame) for line in lines)
    assert timeline.snap(BEAT * 0.6) == (BEAT // 2 if bars else 13230), "close up, on parts of beats"


def test_snap_falls_on_bars_or_on_nothing(timeline: Timeline, qtbot: QtBot) -> None:
    timeline.set_track(300 * RATE, RATE, Grid(120.0))
    timeline.set_snapping("bar")
    assert timeline.snap(BEAT * 5.9) == BEAT * 4
    with qtbot.waitSignal(timeline.snapping_changed):
        timeline.toggle_snapping()
    assert (timeline.snapping, timeline.snap(12345.6)) == ("off", 12346)
    timeline.toggle_snapping()
    assert timeline.snapping == "bar"
    timeline.set_snapping("third")
    assert timeline.snapping == "bar"
    timeline.has_beats = False
    assert timeline.snap(12345) == 12345


def test_whole_bars_are_told_to_the_frame(qapp: object) -> None:
    axis, grid = Timeline(), Grid(97.3, 3, 0.7)
    axis.set_track(20 * RATE, RATE, grid)
    line = [grid.frame_of(3 * bar, RATE) for bar in range(12)]
    assert axis.bars_of((line[2], line[5])) == (2, 3)
    assert axis.bars_of((line[2] + 1, line[5])) is None
    assert axis.bars_of((line[2], line[5] - 1)) is None
    assert axis.bars_of((grid.frame_of(-1, RATE), line[2])) is None, "from a pickup"
    for lacks, there in ((1000, (8, 2)), (3000, None)):
        axis.set_track(line[10] - lacks, RATE, grid)
        assert axis.bars_of((line[8], axis.frames)) == there, "a take may lack the end of its last bar"
    axis.has_beats = False
    assert axis.bars_of((line[2], line[5])) is None


def test_steps_by_beat_and_bar_never_stick(timeline: Timeline) -> None:
    frame, seen = 0, []
    for _ in range(6):
        frame = timeline.step(frame, 1)
        seen.append(frame)
    assert seen == [BEAT * n for n in range(1, 7)]
    assert timeline.step(BEAT * 2 + 500, -1) == BEAT * 2
    assert timeline.step(BEAT * 2, -1) == BEAT
    assert timeline.step_bar(BEAT * 5, 1) == BEAT * 8
    assert timeline.step_bar(BEAT * 5, -1) == BEAT * 4
    assert timeline.step_bar(BEAT * 4, -1) == 0
    assert timeline.step(0, -1) == 0
    assert timeline.step(16 * RATE, 1) == 16 * RATE


def test_bar_ticks_are_bars_and_keep_their_distance(timeline: Timeline) -> None:
    labelled = [tick for tick in timeline.ticks() if tick.label]
    assert [tick.label for tick in labelled] == ["1", "2", "3", "4", "5", "6", "7", "8", "9"]
    assert [tick.frame for tick in labelled] == [BEAT * 4 * n for n in range(9)]
    timeline.set_track(300 * RATE, RATE, Grid(120.0))
    xs = [timeline.x_of(tick.frame) for tick in timeline.ticks() if tick.label]
    assert min(b - a for a, b in pairwise(xs)) >= 56
    assert len(timeline.ticks()) < 150
    timeline.zoom(80.0, 0.0)
    assert any("." in tick.label for tick in timeline.ticks())


def test_three_four_time_has_three_beats(qapp: object) -> None:
    axis = Timeline()
    axis.set_track(12 * RATE, RATE, Grid(120.0, 3))
    axis.set_width(1200.0, 1.0)
    ticks = axis.ticks()
    assert [tick.frame for tick in ticks if tick.weight] == [BEAT * 3 * n for n in range(9)]
    assert sum(tick.weight == 0 for tick in ticks) == 16


def test_seconds_are_labelled_in_minutes(timeline: Timeline) -> None:
    timeline.set_bars(False)
    assert [tick.label for tick in timeline.ticks() if tick.label][:3] == ["0:00", "0:02", "0:04"]
    timeline.zoom(32.0, 0.0)
    assert "0:00.05" in [tick.label for tick in timeline.ticks()]


def test_loop_is_ordered_clamped_and_at_least_audible(timeline: Timeline, qtbot: QtBot) -> None:
    with qtbot.waitSignal(timeline.loop_changed):
        timeline.set_loop((BEAT * 8, BEAT * 4), on=True)
    assert timeline.loop == timeline.effective_loop == (BEAT * 4, BEAT * 8)
    timeline.set_loop((-500, 10**9))
    assert timeline.loop == (0, 16 * RATE)
    timeline.set_loop((100, 200))
    assert timeline.loop is None
    assert timeline.effective_loop == (0, 16 * RATE)
    timeline.set_loop(None, on=False)
    assert timeline.effective_loop is None


def test_an_empty_track_breaks_nothing(qapp: object) -> None:
    axis = Timeline()
    axis.set_track(0, RATE, Grid(120.0))
    axis.zoom(2.0)
    axis.pan(10.0)
    axis.fit()
    assert axis.frame_at(100.0) == 0
    assert axis.ticks() is not None
