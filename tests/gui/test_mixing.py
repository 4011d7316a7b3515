"""The mixer in the whole window: a mix outlives it, undo has one order, stems that come do not stop the music."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from nur_studio.audio.masters import write_masters
from nur_studio.core.mix import SIX_LANES, STEMS, Channel, Mix
from nur_studio.core.track import Status, Track, new_track_id
from nur_studio.gui.lane import StemLane
from nur_studio.gui.main_window import MainWindow
from nur_studio.studio import Studio

OpenWindow = Callable[..., MainWindow]
Added = Callable[..., Track]
LONG = 30_000
RATE = 8000
CTRL = Qt.KeyboardModifier.ControlModifier


def write_stems(studio: Studio, track: Track, lanes: Sequence[str]) -> Track:
    """Stems of a finished take, as a separation brings them."""
    mix = np.full((track.frames, 2), 0.3, np.float32)
    with studio.library.workspace(track.id) as workspace:
        write_masters(workspace, mix, {lane: mix / len(lanes) for lane in lanes}, RATE)
        (workspace / "mix.flac").unlink()
        return studio.library.replace_stems(track.id, workspace, lanes, {})


@pytest.fixture
def added(studio: Studio, make_track: Added) -> Added:
    """Two seconds of a take with these lanes, finished, in the library."""

    def add(lanes: Sequence[str] = STEMS, **changes: object) -> Track:
        frames = 2 * RATE
        track = make_track(
            id=new_track_id(),
            status=Status.PENDING,
            frames=frames,
            sample_rate=RATE,
            duration_s=2.0,
            lanes=(),
            **changes,
        )
        studio.library.add(track)
        staging = studio.library.staging(track.id)
        write_masters(staging, np.full((frames, 2), 0.3, np.float32), {}, RATE)
        track = studio.library.complete(track.id, staging)
        return write_stems(studio, track, lanes) if lanes else track

    return add


def show(window: MainWindow, track: Track, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.stage.opened, timeout=LONG):
        window.stage.open(track.id)


def stem(window: MainWindow, name: str) -> StemLane:
    lane = window.view.lanes.lanes[name]
    assert isinstance(lane, StemLane)
    return lane


def test_takes_keep_their_own_mixes_and_the_next_window_has_them(
    studio: Studio, open_window: OpenWindow, added: Added, qtbot: QtBot
) -> None:
    first, second = added(), added(SIX_LANES, take=2)
    window = open_window(studio, begin=False)
    show(window, first, qtbot)
    stem(window, "bass").header.mute.click()
    window.view.lanes.mix_lane.header.fader.step(-2)
    show(window, second, qtbot)
    assert window.view.mix == Mix()
    assert window.view.lanes.stems == SIX_LANES
    stem(window, "piano").header.solo.click()
    show(window, first, qtbot)  # at once: nothing waits to be saved
    assert window.view.mix == Mix({"bass": Channel(mute=True)}, master_db=-1.0)
    window.view.lanes.hear_all()
    window.close()
    assert studio.library.get(first.id).mix == Mix(master_db=-1.0)
    again = open_window(studio, begin=False)
    show(again, second, qtbot)
    assert stem(again, "piano").header.solo.isChecked()


def test_undo_has_one_order_for_the_mixer_and_the_library(
    studio: Studio, open_window: OpenWindow, added: Added, qtbot: QtBot
) -> None:
    shown, other = added(), added(group_id="another")
    window = open_window(studio, begin=False)
    show(window, shown, qtbot)
    stem(window, "drums").header.mute.click()
    with qtbot.waitSignal(window.shelf.deleted, timeout=LONG):
        window.shelf.delete([other.id])
    stem(window, "bass").header.solo.click()
    window.view.setFocus()

    def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = CTRL) -> None:
        qtbot.keyClick(window, key, modifiers)

    def ids() -> set[str]:
        return {track.id for track in studio.library.list()}

    press(Qt.Key.Key_Z)
    assert window.view.mix == Mix({"drums": Channel(mute=True)})
    press(Qt.Key.Key_Z)
    qtbot.waitUntil(lambda: ids() == {shown.id, other.id}, timeout=LONG)
    assert window.toast.text == ""
    press(Qt.Key.Key_Z)
    assert window.view.mix == Mix()
    press(Qt.Key.Key_Y)
    press(Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: ids() == {shown.id} and "is deleted" in window.toast.text, timeout=LONG)
    assert window.view.mix == Mix({"drums": Channel(mute=True)})
    window.toast.button.click()  # the message's own button brings back what it tells of
    qtbot.waitUntil(lambda: ids() == {shown.id, other.id}, timeout=LONG)
    press(Qt.Key.Key_Z)
    assert window.view.mix == Mix()


def test_stems_that_come_take_the_place_of_the_mix_without_a_stop(
    studio: Studio, open_window: OpenWindow, added: Added, qtbot: QtBot
) -> None:
    track = added(())
    window = open_window(studio, begin=False)
    show(window, track, qtbot)
    assert [lane.name for lane in window.view.lanes.shown] == ["mix"]
    player = window.playback._player
    player.seek(RATE)
    loads: list[tuple[list[str], bool]] = []
    load = player.load

    def noted(sources: Sequence[tuple[str, object]], *rest: int, grid: object, carry_on: bool = False) -> None:
        loads.append(([name for name, _ in sources], carry_on))
        load(sources, *rest, grid=grid, carry_on=carry_on)  # type: ignore[arg-type]

    player.load = noted  # type: ignore[method-assign,assignment]
    for lanes in (STEMS, SIX_LANES):
        show(window, write_stems(studio, track, lanes), qtbot)
        assert window.view.lanes.stems == lanes
        assert player.state().position_frames == RATE
    assert loads == [(list(STEMS), True), (list(SIX_LANES), True)]


def test_export_offers_the_stems_there_are_and_the_mix_that_was_kept(
    studio: Studio, open_window: OpenWindow, added: Added, qtbot: QtBot
) -> None:
    track = added(SIX_LANES)
    studio.library.set_mix(track.id, Mix({"piano": Channel(mute=True)}))
    window = open_window(studio, begin=False)
    window.actions_on_takes.export(track.id)  # from the library, not on show
    qtbot.waitUntil(lambda: window.exporter.dialog is not None, timeout=LONG)
    dialog = window.exporter.dialog
    assert dialog is not None
    dialog.sound.part.button("stems").click()
    assert len(dialog.names.text().splitlines()) == 6
    dialog.sound.part.button("heard").click()
    assert dialog.choice().mix == Mix({"piano": Channel(mute=True)})
    dialog.close()


def test_the_listening_volume_is_no_part_of_the_mix(
    studio: Studio, open_window: OpenWindow, added: Added, qtbot: QtBot
) -> None:
    window = open_window(studio, begin=False)
    show(window, added(), qtbot)
    player = window.playback._player
    window.view.lanes.mix_lane.header.fader.step(2)
    window.view.transport.speaker.click()
    assert player._volume == 0.0
    assert player._mix == window.view.mix == Mix(master_db=1.0)
    window.view.transport.speaker.click()
    assert player._volume == pytest.approx(10 ** (window.view.transport.volume_db / 20))
