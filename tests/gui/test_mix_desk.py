"""A mix stays with its take and can be undone: real strips, a real library, a real queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nur_studio.audio.peaks import GrowingPeaks
from nur_studio.core.mix import SIX_LANES, Channel, Mix
from nur_studio.core.track import Status, Track, new_track_id
from nur_studio.gui.history import History
from nur_studio.gui.jobs import JobQueue
from nur_studio.gui.lane import StemLane
from nur_studio.gui.mix_desk import MixDesk
from nur_studio.gui.track_view import TrackView
from nur_studio.library.library import Library

MUTED = Mix({"drums": Channel(mute=True)})
AddTrack = Callable[..., Track]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(tmp_path / "library")
    yield library
    library.close()


@pytest.fixture
def add(library: Library, make_track: AddTrack) -> AddTrack:
    """A finished take in the library; its masters are nobody's business here."""

    def add(**changes: object) -> Track:
        track = make_track(id=new_track_id(), status=Status.PENDING, **changes)
        library.add(track)
        return library.complete(track.id, library.staging(track.id))

    return add


@pytest.fixture
def queue(qapp: QApplication) -> Iterator[JobQueue]:
    queue = JobQueue(name="mixes")
    yield queue
    assert queue.close()


class Desk:
    def __init__(self, library: Library, queue: JobQueue) -> None:
        self.view = TrackView()
        self.history = History(lambda: "" if self.view.track is None else self.view.track.id, self.view)
        self.desk = MixDesk(self.view, library, queue, self.history, self.view)

    def show(self, track: Track) -> None:
        self.view.show_track(track, (track,), {})
        for lane in self.view.lanes.shown:
            lane.set_ready(True)

    def stem(self, name: str) -> StemLane:
        lane = self.view.lanes.lanes[name]
        assert isinstance(lane, StemLane)
        return lane


@pytest.fixture
def desk(qtbot: QtBot, themed: QApplication, library: Library, queue: JobQueue) -> Desk:
    desk = Desk(library, queue)
    qtbot.addWidget(desk.view)
    desk.view.resize(1120, 580)
    desk.view.show()
    return desk


def test_a_mix_is_saved_after_a_moment_and_comes_back(
    desk: Desk, library: Library, add: AddTrack, qtbot: QtBot
) -> None:
    track = add()
    desk.show(track)
    desk.stem("drums").header.mute.click()
    assert library.get(track.id).mix == Mix(), "not at every touch"
    qtbot.waitUntil(lambda: library.get(track.id).mix == MUTED)
    desk.show(add())
    assert desk.view.mix == Mix()
    desk.show(library.get(track.id))
    assert desk.stem("drums").header.mute.isChecked()


def test_saved_before_another_is_read(
    desk: Desk, library: Library, add: AddTrack, qtbot: QtBot, queue: JobQueue
) -> None:
    track = add()
    desk.show(track)
    desk.stem("drums").header.mute.click()
    assert desk.desk.mix_of(library.get(track.id)) == MUTED, "what is not saved yet is newer"
    desk.desk.save()
    qtbot.waitUntil(lambda: queue.current is None)
    assert library.get(track.id).mix == MUTED
    library.set_mix(track.id, Mix(master_db=-2.0))
    assert desk.desk.mix_of(library.get(track.id)) == Mix(master_db=-2.0)


def test_at_the_end_it_is_saved_here_and_now(desk: Desk, library: Library, add: AddTrack, queue: JobQueue) -> None:
    track = add()
    desk.show(track)
    desk.stem("drums").header.mute.click()
    queue.close()
    desk.desk.close()
    assert library.get(track.id).mix == MUTED


def test_undo_and_redo_change_strips_sound_and_library(
    desk: Desk, library: Library, add: AddTrack, qtbot: QtBot
) -> None:
    track = add()
    desk.show(track)
    heard: list[Mix] = []
    desk.view.mix_changed.connect(heard.append)
    desk.stem("drums").header.mute.click()
    desk.stem("bass").header.solo.click()
    both = Mix({"drums": Channel(mute=True), "bass": Channel(solo=True)})
    desk.history.undo()
    assert not desk.stem("bass").header.solo.isChecked()
    desk.history.undo()
    assert heard == [MUTED, both, MUTED, Mix()]
    desk.history.redo()
    desk.history.redo()
    assert heard[4:] == [MUTED, both]
    qtbot.waitUntil(lambda: library.get(track.id).mix == both)


def test_a_drag_of_a_fader_is_one_step(desk: Desk, add: AddTrack, qtbot: QtBot) -> None:
    desk.show(add(mix=Mix({"drums": Channel(gain_db=-12.0)})))
    fader = desk.stem("drums").header.fader
    edits: list[object] = []
    desk.view.mix_edited.connect(edits.append)
    qtbot.mousePress(fader, Qt.MouseButton.LeftButton, pos=QPoint(20, 10))
    for x in (30, 40, 60):
        QTest.mouseMove(fader, QPoint(x, 10))
    qtbot.mouseRelease(fader, Qt.MouseButton.LeftButton, pos=QPoint(60, 10))
    assert len(edits) >= 3
    assert desk.view.mix.channel("drums").gain_db != -12.0
    desk.history.undo()
    assert desk.view.mix.channel("drums").gain_db == -12.0
    desk.history.undo()
    assert desk.view.mix.channel("drums").gain_db == -12.0


def test_reset_is_one_step_that_can_be_undone(desk: Desk, add: AddTrack, qtbot: QtBot) -> None:
    mixed = Mix({"drums": Channel(-3.0, 0.5, solo=True), "bass": Channel(mute=True)}, master_db=-2.0)
    desk.show(add(mix=mixed))
    reset = desk.view.lanes.mix_lane.header.reset
    assert reset.isVisible()
    qtbot.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert desk.view.mix == Mix()
    assert not reset.isVisible()
    desk.history.undo()
    assert desk.view.mix == mixed


def test_other_stems_forget_what_was_done_to_the_old_ones(
    desk: Desk, library: Library, add: AddTrack, tmp_path: Path
) -> None:
    track = add()
    desk.show(track)
    desk.stem("other").header.solo.click()
    with library.workspace(track.id) as workspace:
        (workspace / "stems").mkdir()
        (workspace / "peaks.npz").touch()
        separated = library.replace_stems(track.id, workspace, SIX_LANES, {})
    assert desk.desk.mix_of(separated) == Mix()
    desk.show(separated)
    desk.history.undo()
    assert desk.view.mix == Mix()
    assert desk.view.lanes.stems == SIX_LANES


def test_a_take_that_grows_has_no_mix(desk: Desk, add: AddTrack, make_track: AddTrack) -> None:
    desk.show(add(mix=MUTED))
    growing = make_track(id="trk_dddddddddddd", status=Status.PROCESSING, frames=0, lanes=())
    desk.view.show_growing(growing, GrowingPeaks(16 * 44100))
    assert desk.view.mix == Mix()
    assert not desk.view.lanes.mix_lane.header.fader.isEnabled()
    assert desk.view.lanes.focused_stem() is None


def test_a_take_that_is_gone_is_no_fault_and_a_full_disk_is_told(
    desk: Desk, library: Library, add: AddTrack, make_track: AddTrack, qtbot: QtBot, queue: JobQueue
) -> None:
    gone = make_track(id="trk_zzzzzzzzzzzz")
    desk.show(gone)
    desk.stem("drums").header.mute.click()
    with qtbot.assertNotEmitted(desk.desk.failed):
        desk.desk.save()
        qtbot.waitUntil(lambda: queue.current is None)
    desk.show(add())
    desk.stem("drums").header.mute.click()
    library.close()
    with qtbot.waitSignal(desk.desk.failed) as told:
        desk.desk.save()
    assert "closed" in str(told.args[0])
