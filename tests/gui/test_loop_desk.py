"""In the whole window: the marked loop, judged and heard as it is exported; the metronome and snapping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from planted_tracks import clicks, plant, tone
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from nur_studio.audio.files import read_audio
from nur_studio.audio.masters import stem_path
from nur_studio.core.mix import Channel, Mix
from nur_studio.core.settings import load_settings
from nur_studio.core.track import Track
from nur_studio.gui.main_window import MainWindow
from nur_studio.studio import Studio

OpenWindow = Callable[..., MainWindow]
LONG = 30_000
RATE = 8000
BAR = 2 * RATE  # 120 BPM


def show(window: MainWindow, track: Track, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.stage.opened, timeout=LONG):
        window.stage.open(track.id)


def command(window: MainWindow) -> tuple[object, ...]:
    """What the player was told to play last."""
    load = window.playback._player._load
    assert load is not None
    return load


@pytest.fixture
def take(studio: Studio) -> Track:
    """Four bars at 120, and 100 frames less."""
    seconds = 8.0 - 100 / RATE
    lanes = {"drums": clicks(120, seconds, RATE), "bass": tone(55, seconds, RATE)}
    return plant(studio.library, lanes, sample_rate=RATE)


def test_a_loop_of_whole_bars_is_judged_and_heard_as_it_is_exported(
    studio: Studio, take: Track, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window(studio, begin=False)
    window.resize(1600, 900)  # room for all its words
    view, desk, note = window.view, window.loops, window.view.transport.loop_note
    show(window, take, qtbot)
    assert note.isHidden()
    view.timeline.set_loop((BAR + 5, 3 * BAR), on=True)
    assert note.isHidden(), "no whole bars"
    view.timeline.set_loop((BAR, 3 * BAR), on=False)
    assert note.text() == "2 bars"
    qtbot.waitUntil(lambda: "seam" in note.text(), timeout=LONG)
    expected = studio.look_at_loop(take.id, 1, 2)
    assert note.text() == f"2 bars · seam {expected.score.score:.2f} · good"
    assert command(window)[0] == "load" and not desk.hearing

    qtbot.keyClick(view, Qt.Key.Key_L, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: desk.hearing, timeout=LONG)
    assert view.loop == (BAR, 3 * BAR), "it goes round"
    name, files, rate, frames, start, grid = command(window)
    assert (name, rate, frames, start, grid) == ("load_loop", RATE, take.frames, BAR, take.grid)
    assert isinstance(files, list)
    exported = studio.export_loop(take.id, tmp_path, 1, 2, parts=("stems",))
    for (lane, path), other in zip(files, exported.files, strict=True):
        assert other.stem.endswith(lane)
        np.testing.assert_array_equal(read_audio(path)[0], read_audio(other)[0])
    assert window.playback._player._loop == (BAR, BAR + expected.frames)
    qtbot.waitUntil(lambda: window.playback._player.state().position_frames == BAR)
    written = files[0][1].parent
    assert written.is_dir()

    view.change_mix(Mix({"bass": Channel(mute=True)}))
    assert desk.hearing, "the strips work on it"
    view.timeline.set_loop((0, 4 * BAR))
    assert not desk.hearing and command(window)[0] == "load", "another loop is another file"
    assert note.text() == "4 bars", "the last one lacks 100 frames, as a take cut by the clock does"
    qtbot.waitUntil(lambda: desk.hearing, timeout=LONG)
    assert not written.exists()
    assert command(window)[3] == 4 * BAR, "those 100 frames are in the loop"
    view.seek_requested.emit(3 * BAR)
    assert desk.hearing
    view.timeline.set_loop((0, 2 * BAR))
    qtbot.waitUntil(lambda: desk.hearing, timeout=LONG)
    view.seek_requested.emit(3 * BAR)
    assert not desk.hearing and not note.isChecked(), "the playhead has left it"
    assert command(window)[:2] == ("load", [(lane, stem_path(take.folder, lane)) for lane in take.lanes])

    view.timeline.set_loop((BAR, 3 * BAR))
    for end in (Qt.Key.Key_Escape, Qt.Key.Key_L):  # stop goes to the start of the take
        note.click()
        qtbot.waitUntil(lambda: desk.hearing, timeout=LONG)
        qtbot.keyClick(view, end)
        assert not desk.hearing and not note.isChecked()
    take.folder.joinpath("mix.flac").unlink()
    view.change_mix(Mix())
    qtbot.waitUntil(lambda: not note.isEnabled(), timeout=LONG)
    assert "no longer in the library" in note.toolTip()
    view.timeline.set_loop(None, on=False)
    assert note.isHidden()


def test_metronome_and_snapping_are_kept_and_need_a_beat(
    studio: Studio, take: Track, open_window: OpenWindow, qtbot: QtBot
) -> None:
    beatless = plant(studio.library, {}, mix=tone(220, 1.0, RATE), tempo=0, sample_rate=RATE)
    studio.update_settings(metronome=True, metronome_db=-6.0, snap="bar")
    window = open_window(studio, begin=False)
    view, player = window.view, window.playback._player
    button = view.transport.metronome
    gain = 10 ** (-6 / 20)
    assert player._clicks == pytest.approx((gain, gain)) and not player._count_in
    show(window, take, qtbot)
    assert button.isEnabled() and button.isChecked()
    assert view.timeline.snapping == "bar"
    qtbot.keyClick(view, Qt.Key.Key_K)
    qtbot.keyClick(view, Qt.Key.Key_K, Qt.KeyboardModifier.ShiftModifier)
    assert player._clicks == pytest.approx((0.0, gain)) and player._count_in
    qtbot.keyClick(view, Qt.Key.Key_N)
    assert view.timeline.snapping == "off" and not view.lanes.mix_lane.snap.isChecked()
    show(window, beatless, qtbot)
    assert not button.isEnabled() and "No steady beat" in button.toolTip()
    assert not view.lanes.mix_lane.snap.isEnabled()
    assert command(window)[-1] is None, "no grid to click on"
    window.close()
    kept = load_settings(studio.directories.settings_file)
    assert (kept.metronome, kept.metronome_db, kept.count_in, kept.snap) == (False, -6.0, True, "off")
