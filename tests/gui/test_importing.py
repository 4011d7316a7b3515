"""Audio files that are dropped on the window or chosen: into the library, one after the other, with words for each."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from planted_tracks import tone
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.track import IMPORTED, Track
from nur_studio.gui.arrival_strip import ArrivalStrip
from nur_studio.gui.drag import Held, Wanted, mime_data
from nur_studio.gui.main_window import MainWindow
from nur_studio.gui.recipe_card import recipe_lines
from nur_studio.studio import Studio

OpenWindow = Callable[..., MainWindow]
LONG = 30_000
RATE = 22_050


def song(path: Path, frequency: float = 220.0, seconds: float = 1.0) -> Path:
    soundfile.write(path, tone(frequency, seconds, RATE), RATE)
    return path


def enter(widget: QWidget, data: QMimeData) -> bool:
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    event = QDragEnterEvent(QPoint(5, 5), copy, data, left, Qt.KeyboardModifier.NoModifier)
    event.ignore()
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def drop(widget: QWidget, data: QMimeData) -> bool:
    if not enter(widget, data):
        return False
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
    return True


def test_a_dropped_file_comes_into_the_library_and_opens(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window(studio)
    with qtbot.waitSignal(window.stage.opened, timeout=LONG):
        assert drop(window, mime_data([song(tmp_path / "My song.wav")]))
        assert window.library.strip.isVisible()
        assert "My song.wav" in window.library.strip.words.whole_text
    track = window.stage.track
    assert track is not None
    assert (track.title, track.engine) == ("My song", IMPORTED)
    qtbot.waitUntil(lambda: window.library.model.row_of(track.id) is not None, timeout=LONG)
    assert not window.library.strip.isVisible()
    assert not window.toast.isVisible(), "there is nothing to be said"
    assert window.view.stems_offer.isVisible(), "it can be taken apart"
    lines = dict(recipe_lines(track))
    assert lines["File"] == "My song.wav"
    assert "WAV" in lines["It held"] and "22,050 Hz · stereo" in lines["It held"]
    assert len(lines["SHA-256"]) == 17
    assert "Prompt" not in lines
    corner = window.view.lanes.mix_lane.corner
    assert (corner.text(), corner.isEnabled()) == ("Time", False), "without a tempo there are no bars"
    assert "no bars" in corner.toolTip()
    assert not window.view.header.more.isEnabled()
    assert "seed" not in window.view.header.facts.text
    menu = window.library.menu_for([track])
    off = {action.text(): action.toolTip() for action in menu.actions() if not action.isEnabled() and action.text()}
    assert set(off) == {"Use this prompt", "Make again with the same seed"}
    assert all("imported" in why for why in off.values())


def test_some_cannot_be_taken_in_and_the_others_go_on(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window(studio)
    (tmp_path / "letter.txt").write_text("Dear friend, this is no music at all.")
    (tmp_path / "empty.mp3").touch()
    files = [tmp_path / "letter.txt", song(tmp_path / "a.wav"), tmp_path / "empty.mp3", song(tmp_path / "b.flac", 330)]
    arrived: list[Track] = []
    window.arrivals.arrived.connect(arrived.append)
    assert drop(window, mime_data(files))
    qtbot.waitUntil(lambda: len(arrived) == 2 and not window.arrivals.busy, timeout=LONG)
    assert [track.title for track in arrived] == ["a", "b"]
    lines = window.library.strip.fault.sentence.splitlines()
    assert len(lines) == 2
    assert "letter.txt" in lines[0]
    assert "empty.mp3" in lines[1]
    qtbot.waitUntil(lambda: window.stage.track is not None and window.stage.track.title == "a", timeout=LONG)
    assert "“b” is imported." in window.toast.text, "only the first is opened by itself"
    window.library.strip.close_button.click()
    assert not window.library.strip.isVisible()


def test_what_is_to_be_known_of_a_file_is_said(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window = open_window(studio)
    soundfile.write(tmp_path / "nothing.wav", np.zeros((RATE, 2)), RATE)
    window.importing.take([tmp_path / "nothing.wav"])
    qtbot.waitUntil(lambda: "nothing but silence" in window.toast.text, timeout=LONG)


def test_while_music_plays_it_is_offered_not_opened(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(studio)
    monkeypatch.setattr(type(window.playback), "playing", True)
    window.importing.take([song(tmp_path / "later.wav")])
    qtbot.waitUntil(lambda: "“later” is imported." in window.toast.text, timeout=LONG)
    assert window.stage.track is None
    with qtbot.waitSignal(window.stage.opened, timeout=LONG):
        window.toast.button.click()


def test_cancel_stops_it_and_those_that_wait(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(studio)

    def endless(path: Path, on_progress: Callable[[Progress], None], cancel: CancelToken) -> Track:
        while True:
            cancel.check()
            on_progress(Progress("decoding", 0.25, 8.0))
            time.sleep(0.01)

    monkeypatch.setattr(studio, "import_audio", endless)
    window.importing.take([tmp_path / "one.wav", tmp_path / "two.wav"])
    strip = window.library.strip
    qtbot.waitUntil(lambda: strip.progress.value() == 250, timeout=LONG)
    assert "1 of 2" in strip.words.whole_text
    assert strip.rate.text() == "25 % · 0:08 left"
    strip.cancel.click()
    qtbot.waitUntil(lambda: not window.arrivals.busy and not strip.isVisible(), timeout=LONG)
    assert studio.library.count() == 0


def test_many_failures_do_not_fill_the_window(themed: object, qtbot: QtBot) -> None:
    strip = ArrivalStrip()
    qtbot.addWidget(strip)
    assert strip.isHidden()
    strip.show_work("Importing", None)
    strip.show_faults([f"“{number}” is empty." for number in range(5)])
    assert not strip.fault.isVisibleTo(strip), "said when all is over"
    strip.rest()
    assert strip.fault.isVisibleTo(strip)
    assert strip.fault.sentence.splitlines()[2:] == ["And 3 more could not be taken in."]
    strip.close_button.click()
    assert strip.isHidden()


def test_the_button_asks_for_files(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_window(studio)
    files = [song(tmp_path / "x.wav"), song(tmp_path / "y.wav", 440)]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path) for path in files], ""))
    arrived: list[Track] = []
    window.arrivals.arrived.connect(arrived.append)
    window.library.bring.click()
    qtbot.waitUntil(lambda: len(arrived) == 2, timeout=LONG)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([], ""))
    qtbot.keyClick(window.view, Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
    assert not window.arrivals.busy


def test_what_is_dragged_out_of_the_window_does_not_come_back_in(
    studio: Studio, open_window: OpenWindow, tmp_path: Path
) -> None:
    window = open_window(studio, begin=False)
    strip = window.library.strip
    assert not enter(window, mime_data([tmp_path / "x.wav"], Wanted(("trk_aaaaaaaaaaaa",), Held(("mix",)))))
    assert not enter(window, QMimeData())
    assert enter(window, mime_data([tmp_path / "x.wav"]))
    assert strip.invitation.isVisible()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not strip.isVisible()
    assert not window.library.search.acceptDrops(), "a file is not dropped there as words"
