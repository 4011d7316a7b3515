"""A stem of another take in the one on show: from the menu of a lane, and dropped on it; over a real library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from planted_tracks import plant, tone
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from nur_studio.core.licences import joint_licence
from nur_studio.core.mix import SIX_LANES, STEMS
from nur_studio.core.sound import Audio
from nur_studio.core.track import COMBINED, Track
from nur_studio.gui.combine_dialog import CombineDialog
from nur_studio.gui.drag import Held, Wanted, mime_data
from nur_studio.gui.lane import Lane
from nur_studio.gui.lane_menu import LaneMenu
from nur_studio.gui.main_window import MainWindow
from nur_studio.gui.recipe_card import recipe_lines
from nur_studio.studio import Studio

MakeTrack = Callable[..., Track]
OpenWindow = Callable[..., MainWindow]
LONG = 30_000
RATE = 8000
NONCOMMERCIAL = "weights CC BY-NC 4.0: what is made with them is not for sale"


@pytest.fixture(autouse=True)
def _no_popups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen of nothing has no keyboard to grab."""
    monkeypatch.setattr(QMenu, "popup", lambda *_: None)


def lanes(seconds: float = 2.0, names: tuple[str, ...] = STEMS) -> dict[str, Audio]:
    return {name: tone(110 * (number + 1), seconds, RATE, 0.05) for number, name in enumerate(names)}


def planted(studio: Studio, title: str, seconds: float = 2.0, **facts: object) -> Track:
    names = facts.pop("names", STEMS)
    assert isinstance(names, tuple)
    return plant(studio.library, lanes(seconds, names), title=title, sample_rate=RATE, **facts)


def shown(window: MainWindow, track: Track, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.stage.opened, timeout=LONG):
        window.stage.open(track.id)


def menu_of(window: MainWindow, lane: str) -> LaneMenu:
    """As the right button or the menu key brings it."""
    widget = window.view.lanes.lanes[lane]
    at = widget.wave.viewport() if lane != "mix" else widget
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(9, 9), at.mapToGlobal(QPoint(9, 9)))
    QApplication.sendEvent(at, event)
    menu = window.combining.menu
    assert menu is not None
    return menu


def pick(menu: LaneMenu, text: str) -> None:
    (action,) = [action for action in menu.actions() if action.text() == text]
    action.trigger()
    menu.deleteLater()


def drop(window: MainWindow, lane: Lane, data: QMimeData, *, only_enter: bool = False) -> bool:
    whole = window.view.lanes
    at = lane.geometry().center()
    copy, left, bare = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDragEnterEvent(at, copy, data, left, bare)
    event.ignore()
    QApplication.sendEvent(whole, event)
    if event.isAccepted() and not only_enter:
        QApplication.sendEvent(whole, QDropEvent(QPointF(at), copy, data, left, bare))
    return event.isAccepted()


def stem_of(track: Track, part: str) -> QMimeData:
    return mime_data([], Wanted((track.id,), Held((part,))))


def test_a_stem_that_is_dropped_on_a_lane_becomes_part_of_a_new_track(
    studio: Studio, open_window: OpenWindow, qtbot: QtBot
) -> None:
    first, second = planted(studio, "A"), planted(studio, "B", licence=NONCOMMERCIAL)
    window = open_window(studio)
    shown(window, first, qtbot)
    lane = window.view.lanes.lanes["drums"]
    assert drop(window, lane, stem_of(second, "drums"))
    qtbot.waitUntil(lambda: window.combining.dialog is not None, timeout=LONG)
    dialog = window.combining.dialog
    assert dialog is not None
    assert dialog.from_take.whole_text.startswith("B")
    assert not dialog.search.isVisible()
    assert dialog.stem.currentData() == "drums"
    assert [dialog.how.button(on).text() for on in (False, True)] == ["Replace drums", "Layer on drums"]
    assert not dialog.repeat.isVisible(), "it is no shorter"
    assert "not for sale" in dialog.licence.text()
    with qtbot.waitSignal(window.arrivals.arrived, timeout=LONG) as arrived:
        dialog.go.click()
    track = arrived.args[0]
    assert (track.title, track.engine, track.lanes) == ("A + drums of B", COMBINED, STEMS)
    qtbot.waitUntil(lambda: window.stage.track is not None and window.stage.track.id == track.id, timeout=LONG)
    lines = dict(recipe_lines(track))
    assert lines["Combined"] == "“A” with the drums of “B” in place of its drums"
    assert lines["Fitted"] == "downbeat on downbeat"
    assert lines["Made with"].splitlines()[1] == f"“B”: fake · {NONCOMMERCIAL}"
    assert lines["Licence"] == joint_licence(first.licence, NONCOMMERCIAL)
    (again,) = [a for a in window.library.menu_for([track]).actions() if a.text().startswith("Make again")]
    assert not again.isEnabled()
    assert "combined" in again.toolTip()


def test_the_menu_of_a_lane_offers_takes_that_fit_first(studio: Studio, open_window: OpenWindow, qtbot: QtBot) -> None:
    short, _, other = planted(studio, "Short", 1.0), planted(studio, "Faster", tempo=140), planted(studio, "On show")
    window = open_window(studio)
    shown(window, other, qtbot)
    pick(menu_of(window, "bass"), "Use a stem of another take here…")
    dialog = window.combining.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.takes.count() == 2, timeout=LONG)
    choice = dialog.choice()
    assert choice is not None
    assert (choice.other.id, choice.stem, choice.into, choice.layer) == (short.id, "bass", "bass", False)
    assert dialog.repeat.isVisible()
    dialog.repeat.click()
    dialog.takes.setCurrentRow(next(r for r in range(2) if "Faster" in dialog.takes.item(r).text()))
    assert dialog.stretch.text() == "It is brought from 140 to 120 BPM, which may be heard."
    assert dialog.go.isEnabled()
    dialog.search.setText("short")
    qtbot.waitUntil(lambda: dialog.takes.count() == 1, timeout=LONG)
    assert dialog.go.isEnabled()
    dialog.search.setText("nothing like that")
    qtbot.waitUntil(lambda: dialog.nothing.isVisible(), timeout=LONG)
    assert not dialog.go.isEnabled()
    dialog.close()


def test_only_single_takes_of_others_are_taken_by_lanes(studio: Studio, open_window: OpenWindow, qtbot: QtBot) -> None:
    first, second = planted(studio, "A"), planted(studio, "B")
    window = open_window(studio, begin=False)
    lane = window.view.lanes.lanes["bass"]
    assert not drop(window, lane, stem_of(second, "bass")), "nothing is on show"
    shown(window, first, qtbot)
    assert not drop(window, lane, stem_of(first, "drums")), "its own stems are on their way elsewhere"
    assert not drop(window, lane, mime_data([], Wanted((first.id, second.id), Held(("mix",)))))
    assert not drop(window, lane, QMimeData())
    assert not lane.wave.acceptDrops(), "the view of a scene takes everything"
    ground = lane.grab().toImage().pixelColor(40, 6)
    assert drop(window, lane, stem_of(second, "bass"), only_enter=True)
    assert lane.grab().toImage().pixelColor(40, 6) != ground, "one sees where it would go"
    QApplication.sendEvent(window.view.lanes, QDragLeaveEvent())
    assert lane.grab().toImage().pixelColor(40, 6) == ground


@pytest.fixture
def dialog_for(qtbot: QtBot, themed: object) -> Callable[..., CombineDialog]:
    def make(track: Track, other: Track, into: str = "", stem: str = "") -> CombineDialog:
        dialog = CombineDialog(track, into, stem)
        qtbot.addWidget(dialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        dialog.set_other(other)
        dialog.show()
        return dialog

    return make


def test_what_has_no_stems_can_only_be_laid_upon(
    make_track: MakeTrack, dialog_for: Callable[..., CombineDialog]
) -> None:
    whole, other = make_track(lanes=()), make_track(id="trk_bbbbbbbbbbbb", lanes=SIX_LANES)
    dialog = dialog_for(whole, other, stem="piano")
    assert not dialog.how.button(False).isEnabled()
    assert dialog.how.button(True).text() == "Layer on mix"
    choice = dialog.choice()
    assert choice is not None
    assert (choice.stem, choice.layer, choice.into) == ("piano", True, "")
    backwards = dialog_for(make_track(), whole, into="vocals")
    assert backwards.stem.currentData() == "mix", "it has no vocals of its own"
    assert backwards.how.button(False).text() == "Replace vocals"
    assert backwards.go.isEnabled()


def test_six_lanes_take_the_other_of_four(make_track: MakeTrack, dialog_for: Callable[..., CombineDialog]) -> None:
    six, four = make_track(lanes=SIX_LANES), make_track(id="trk_bbbbbbbbbbbb", lanes=STEMS)
    dialog = dialog_for(six, four, stem="other")
    assert dialog.how.button(False).text() == "Replace other"
    assert dialog.go.isEnabled()
    into_four = dialog_for(four, six, stem="guitar")
    assert not into_four.how.button(False).isEnabled(), "guitar is a part of the other there"
    assert into_four.go.isEnabled()


def test_without_a_beat_nothing_is_repeated(make_track: MakeTrack, dialog_for: Callable[..., CombineDialog]) -> None:
    other = make_track(id="trk_bbbbbbbbbbbb", tempo=0, duration_s=4.0, frames=4 * 44100)
    dialog = dialog_for(make_track(), other, into="drums")
    assert dialog.repeat.isHidden()
    assert dialog.go.isEnabled()
    assert dialog_for(make_track(), replace(other, tempo=120), into="drums").repeat.isVisible()


def test_a_lane_is_exported_alone_or_left_out(studio: Studio, open_window: OpenWindow, qtbot: QtBot) -> None:
    track = planted(studio, "Six", names=SIX_LANES)
    window = open_window(studio, begin=False)
    shown(window, track, qtbot)
    for text, names in (
        ("Export guitar…", ["Six_120bpm_Am_guitar.wav"]),
        ("Export without guitar…", ["Six_120bpm_Am_minus guitar.wav"]),
    ):
        pick(menu_of(window, "guitar"), text)
        dialog = window.exporter.dialog
        assert dialog is not None
        assert dialog.names.text().splitlines() == names
    (marked,) = [a for a in menu_of(window, "guitar").actions() if a.text() == "Export the marked part…"]
    assert not marked.isEnabled()
    window.view.timeline.set_loop((0, 44100))
    for lane, text, kind, lanes in (
        ("guitar", "Export the marked part…", "clip", ("guitar",)),
        ("mix", "Export the marked part…", "clip", ()),
        ("guitar", "Export guitar as MIDI…", "midi", ("guitar",)),
        ("mix", "Export MIDI…", "midi", ()),
        ("mix", "Export a session…", "session", ()),
    ):
        pick(menu_of(window, lane), text)
        dialog = window.exporter.dialog
        assert dialog is not None
        choice = dialog.choice()
        assert (choice.what, choice.lanes) == (kind, lanes)
    window.view.lanes.lanes["piano"].setFocus()
    qtbot.keyClick(window.view.lanes.lanes["piano"], Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu = window.combining.menu
    assert menu is not None
    assert menu.actions()[0].text() == "Export piano…"
    pick(menu_of(window, "mix"), "Export minus-one mixes, each in turn…")
    dialog = window.exporter.dialog
    assert dialog is not None
    assert len(dialog.names.text().splitlines()) == 6
    dialog.close()
    window.library.minus_requested.emit(track.id, ("bass",))
    qtbot.waitUntil(lambda: window.exporter.dialog is not None, timeout=LONG)
    dialog = window.exporter.dialog
    assert dialog is not None
    assert dialog.names.text() == "Six_120bpm_Am_minus bass.wav"
    dialog.close()
