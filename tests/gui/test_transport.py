"""The transport row: what it says, what it asks for, and that it never cuts anything off."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from nur_studio.core.mix import MIN_GAIN_DB
from nur_studio.core.timing import Grid
from nur_studio.gui.transport import Transport


@pytest.fixture
def transport(qtbot: QtBot, themed: QApplication) -> Transport:
    row = Transport()
    qtbot.addWidget(row)
    row.resize(1080, 40)
    row.set_track(Grid(120.0), 300.0)
    row.set_ready(playable=True, files=True, stems=True)
    row.show()
    return row


@pytest.mark.parametrize(
    ("button", "signal"),
    [
        ("to_start", "start_requested"),
        ("play", "play_requested"),
        ("stop", "stop_requested"),
        ("loop", "loop_toggled"),
        ("export", "export_requested"),
    ],
)
def test_buttons_ask(qtbot: QtBot, transport: Transport, button: str, signal: str) -> None:
    with qtbot.waitSignal(getattr(transport, signal)):
        qtbot.mouseClick(getattr(transport, button), Qt.MouseButton.LeftButton)


def test_time_and_bars(transport: Transport) -> None:
    transport.set_position(12.345)
    assert (transport.time.text, transport.total.text) == ("0:12.34", "/ 5:00.00")
    assert transport.bar.text == "7.1.3"


def test_play_becomes_pause(transport: Transport) -> None:
    transport.set_playing(True)
    assert transport.play.accessibleName() == "Pause"
    transport.set_playing(False)
    assert transport.play.accessibleName() == "Play"


def test_loop_is_shown_without_being_asked_for(qtbot: QtBot, transport: Transport) -> None:
    with qtbot.assertNotEmitted(transport.loop_toggled):
        transport.set_loop(True)
    assert transport.loop.isChecked()


@pytest.mark.parametrize(("score", "word"), [(1.0, "good"), (0.8, "good"), (0.6, "fair"), (0.2, "rough")])
def test_a_loop_is_judged_in_a_word(qtbot: QtBot, transport: Transport, score: float, word: str) -> None:
    note = transport.loop_note
    assert not note.there
    note.show_bars(1)
    transport.resize(1600, 40)
    assert note.text() == "1 bar"
    note.show_score(score)
    assert note.text() == f"1 bar · seam {score:.2f} · {word}"
    with qtbot.waitSignal(note.hear_toggled) as told:
        qtbot.mouseClick(note, Qt.MouseButton.LeftButton)
    assert told.args == [True]
    note.show_fault("There are no 3 whole bars.")
    assert not note.isChecked() and not note.isEnabled() and note.toolTip() == "There are no 3 whole bars."
    note.clear()
    assert note.isHidden()


def test_volume_and_silence(qtbot: QtBot, transport: Transport) -> None:
    with qtbot.assertNotEmitted(transport.volume_changed):
        transport.set_volume(-12.0)
    assert transport.volume_db == -12.0
    with qtbot.waitSignal(transport.volume_changed) as told:
        qtbot.mouseClick(transport.speaker, Qt.MouseButton.LeftButton)
    assert told.args == [MIN_GAIN_DB]
    with qtbot.waitSignal(transport.volume_changed) as told:
        qtbot.mouseClick(transport.speaker, Qt.MouseButton.LeftButton)
    assert told.args == [-12.0]
    qtbot.mouseClick(transport.speaker, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(transport.volume_changed) as told:
        qtbot.keyClick(transport.volume, Qt.Key.Key_Right)
    assert told.args == [-11.5]  # touching the fader ends the silence
    assert not transport.speaker.isChecked()


@pytest.mark.parametrize(("name", "part"), [("drag_mix", "mix"), ("drag_stems", "stems")])
def test_drag_buttons(qtbot: QtBot, transport: Transport, name: str, part: str) -> None:
    button = getattr(transport, name)
    with qtbot.waitSignal(transport.drag_pressed) as told:
        qtbot.mousePress(button, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert told.args == [part]
    with qtbot.waitSignal(transport.drag_requested) as told:
        QTest.mouseMove(button, QPoint(10, 60))
    assert told.args == [part]
    assert not button.isDown()


def test_nothing_to_take_out(transport: Transport) -> None:
    transport.set_ready(playable=True, files=True, stems=False)
    assert transport.drag_mix.isEnabled()
    assert not transport.drag_stems.isEnabled()
    transport.set_ready(playable=False, files=False, stems=False)
    assert not transport.play.isEnabled()
    assert not transport.export.isEnabled()


@pytest.mark.parametrize("score", [None, 0.93])
@pytest.mark.parametrize("width", [560, 640, 684, 700, 800, 1080, 1600])
def test_no_width_cuts_anything_off(qtbot: QtBot, themed: QApplication, width: int, score: float | None) -> None:
    window = QWidget()  # in which the row may be narrower than it would like
    qtbot.addWidget(window)
    transport = Transport(window)
    transport.set_track(Grid(120.0), 300.0)
    window.show()
    transport.setGeometry(0, 0, width, 40)
    if score is not None:
        transport.loop_note.show_bars(16)
        transport.loop_note.show_score(score)
    QApplication.processEvents()
    if width >= 684:
        assert transport.metronome.isVisible()
        assert transport.bar.isVisible() == (score is None or width >= 800)
        assert transport.loop_note.isVisible() == (score is not None)
        assert score is None or str(score) in transport.loop_note.text()
    shown = [w for w in transport.findChildren(QWidget) if w.parent() is transport and not w.isHidden()]
    for widget in shown:
        assert widget.width() >= min(widget.minimumSizeHint().width(), widget.maximumWidth()), widget.accessibleName()
        assert widget.x() >= 0
        assert widget.geometry().right() < width
    for one, other in pairwise(sorted(shown, key=lambda w: w.x())):
        assert one.geometry().right() < other.x()


def test_every_control_is_named(transport: Transport) -> None:
    for control in (
        transport.to_start, transport.play, transport.stop, transport.loop, transport.metronome,
        transport.metronome.level, transport.speaker, transport.volume,
        transport.drag_mix, transport.drag_stems, transport.export,
    ):  # fmt: skip
        assert control.toolTip()
        assert control.accessibleName() or control.text()  # type: ignore[union-attr]
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
