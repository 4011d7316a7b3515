"""The lanes as one mixer: as many as the take has stems, what acts on all of them, and that all of it has room."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from nur_studio.audio.peaks import PeakPyramid
from nur_studio.audio.player_state import PlayerState
from nur_studio.core.mix import SIX_LANES, Channel, Mix
from nur_studio.core.track import Track
from nur_studio.gui.lane import StemLane
from nur_studio.gui.track_view import TrackView
from nur_studio.gui.waveform import Look

LEFT, CTRL, ALT, SHIFT = (
    Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)  # fmt: skip


@pytest.fixture
def view(
    qtbot: QtBot, themed: QApplication, make_track: Callable[..., Track], peaks: dict[str, PeakPyramid]
) -> TrackView:
    """A take of six stems."""
    widget = TrackView()
    qtbot.addWidget(widget)
    widget.resize(1120, 620)
    widget.show()
    track = make_track(lanes=SIX_LANES)
    lanes = peaks | {"guitar": peaks["drums"], "piano": peaks["bass"], "rest": peaks["other"]}
    widget.show_track(track, (track,), lanes)
    QApplication.processEvents()
    widget.activateWindow()
    widget.setFocus()
    return widget


def stem(view: TrackView, name: str) -> StemLane:
    lane = view.lanes.lanes[name]
    assert isinstance(lane, StemLane)
    return lane


def titles(view: TrackView) -> list[str]:
    return [lane.header.name.text() for lane in sorted(view.lanes.shown, key=lambda lane: lane.y()) if lane.isVisible()]


def test_a_lane_for_each_stem_in_one_order(
    view: TrackView, make_track: Callable[..., Track], peaks: dict[str, PeakPyramid]
) -> None:
    assert titles(view) == ["Mix", "Drums", "Bass", "Vocals", "Guitar", "Piano", "Rest"]
    assert not view.lanes.lanes["other"].isVisible(), "its file is there, its parts are the lanes"
    four = make_track(id="trk_bbbbbbbbbbbb")
    view.show_track(four, (four,), peaks)
    QApplication.processEvents()
    assert titles(view) == ["Mix", "Drums", "Bass", "Vocals", "Other"]
    mix_only = make_track(id="trk_cccccccccccc", lanes=())
    view.show_track(mix_only, (mix_only,), peaks)
    QApplication.processEvents()
    assert titles(view) == ["Mix"]
    assert not view.transport.drag_stems.isEnabled()


def test_numbers_pick_what_is_on_show(qtbot: QtBot, view: TrackView) -> None:
    qtbot.keyClick(view, Qt.Key.Key_7)
    qtbot.waitUntil(stem(view, "rest").hasFocus)
    assert "7" in stem(view, "rest").header.name.toolTip()
    assert not view.lanes.pick(8)


def test_all_stems_are_dragged_as_the_take_has_them(qtbot: QtBot, view: TrackView) -> None:
    with qtbot.waitSignal(view.transport.drag_pressed) as told:
        qtbot.mousePress(view.transport.drag_stems, LEFT)
    assert told.args == ["stems"]


def test_solo_adds_and_with_ctrl_excludes(qtbot: QtBot, view: TrackView) -> None:
    edits: list[object] = []
    view.mix_edited.connect(edits.append)
    qtbot.mouseClick(stem(view, "bass").header.solo, LEFT)
    qtbot.mouseClick(stem(view, "piano").header.solo, LEFT)
    assert {name for name in SIX_LANES if view.mix.audible(name)} == {"bass", "piano"}
    qtbot.mouseClick(stem(view, "guitar").header.solo, LEFT, CTRL)
    assert [name for name in SIX_LANES if stem(view, name).header.solo.isChecked()] == ["guitar"]
    assert stem(view, "bass").wave.item.look is Look.DIMMED
    qtbot.mouseClick(stem(view, "guitar").header.solo, LEFT, CTRL)
    assert view.mix == Mix()
    assert len(edits) == 4, "each is one step"


def test_alt_clears_the_row_of_buttons_and_u_both(qtbot: QtBot, view: TrackView) -> None:
    mixed = Mix({"bass": Channel(mute=True), "drums": Channel(solo=True, gain_db=-3.0), "piano": Channel(mute=True)})
    view.change_mix(mixed)
    qtbot.mouseClick(stem(view, "vocals").header.mute, LEFT, ALT)
    assert view.mix == Mix({"drums": Channel(solo=True, gain_db=-3.0)})
    qtbot.mouseClick(stem(view, "vocals").header.solo, LEFT, ALT)
    assert view.mix == Mix({"drums": Channel(gain_db=-3.0)})
    view.change_mix(mixed)
    qtbot.keyClick(view, Qt.Key.Key_U)
    assert view.mix == Mix({"drums": Channel(gain_db=-3.0)})


def test_the_focused_lane_from_the_keyboard(qtbot: QtBot, view: TrackView) -> None:
    qtbot.keyClick(view, Qt.Key.Key_5)
    guitar = stem(view, "guitar")
    qtbot.waitUntil(guitar.hasFocus)
    qtbot.keyClick(guitar, Qt.Key.Key_S)
    qtbot.keyClick(view, Qt.Key.Key_6)
    qtbot.keyClick(stem(view, "piano"), Qt.Key.Key_S, SHIFT)
    assert view.mix == Mix({"piano": Channel(solo=True)})
    qtbot.keyClick(stem(view, "piano"), Qt.Key.Key_Down)
    qtbot.keyClick(stem(view, "piano"), Qt.Key.Key_Up, SHIFT)
    assert view.mix.channel("piano").gain_db == pytest.approx(-0.4)
    qtbot.keyClick(view, Qt.Key.Key_1)
    qtbot.keyClick(view.lanes.mix_lane, Qt.Key.Key_Down)
    assert view.mix.master_db == -0.5
    assert view.lanes.mix_lane.header.gain_label.text == "−0.5"
    with qtbot.assertNotEmitted(view.mix_edited):
        qtbot.keyClick(view.lanes.mix_lane, Qt.Key.Key_M)


def test_a_strip_of_a_stem_that_is_not_there_is_dropped(view: TrackView) -> None:
    view.change_mix(Mix({"other": Channel(solo=True), "bass": Channel(mute=True)}))
    assert view.mix == Mix({"bass": Channel(mute=True)})
    assert stem(view, "drums").wave.item.look is Look.LIT


def test_levels_reach_their_meters_and_c_clears_the_clip_lights(qtbot: QtBot, view: TrackView) -> None:
    levels = dict.fromkeys(SIX_LANES, (0.5, 0.5))
    rms = dict.fromkeys(SIX_LANES, (0.2, 0.2))
    view.set_player_state(
        PlayerState(playing=True, peaks=levels | {"piano": (1.5, 0.2)}, rms=rms, master_peaks=(1.3, 1.1))
    )
    for name in SIX_LANES:
        shown = stem(view, name).header.meter.shown
        assert shown[0] > shown[4] > 0
    lit = [lane.name for lane in view.lanes.shown if lane.header.meter.clipped]
    assert lit == ["mix", "piano"]
    qtbot.keyClick(view, Qt.Key.Key_C)
    assert not any(lane.header.meter.clipped for lane in view.lanes.shown)


def test_loudness_of_the_moment_while_it_plays_and_of_the_file_at_rest(view: TrackView) -> None:
    header = view.lanes.mix_lane.header
    now = [0.0]
    header._clock = lambda: now[0]
    assert header.loudness.text == "−14.0 LUFS · −1.2 dBTP"
    view.set_player_state(PlayerState(playing=True, momentary_lufs=-13.24, short_term_lufs=float("-inf")))
    assert header.loudness.text == "M −13.2 · S −∞ LUFS"
    now[0] = 0.05
    view.set_player_state(PlayerState(playing=True, momentary_lufs=-20.0, short_term_lufs=-20.5))
    assert header.loudness.text == "M −13.2 · S −∞ LUFS", "too soon to be read"
    now[0] = 0.2
    view.set_player_state(PlayerState(playing=True, momentary_lufs=-20.0, short_term_lufs=-20.5))
    assert header.loudness.text == "M −20.0 · S −20.5 LUFS"
    view.set_player_state(PlayerState())
    assert header.loudness.text == "−14.0 LUFS · −1.2 dBTP"


@pytest.mark.parametrize("size", [(723, 470), (1139, 520), (1619, 706)])
def test_six_lanes_have_room(view: TrackView, size: tuple[int, int]) -> None:
    """723 × 470 is what the window leaves at 1024 × 640."""
    for _ in range(2):  # once it is low it gives up air, and may then be lower still
        view.resize(*size)
        QApplication.processEvents()
    assert (view.width(), view.height()) == size
    for upper, lower in pairwise(view.lanes.shown):
        assert upper.geometry().bottom() < lower.geometry().top()
    assert view.lanes.shown[-1].geometry().bottom() < view.lanes.height()
    for lane in view.lanes.shown:
        header = lane.header
        for control in (*header.controls, header.meter, header.name):
            place = control.geometry()
            assert place.left() >= 0
            assert place.right() < header.width()
            assert place.top() >= 0, (lane.name, control)
            assert place.bottom() < header.height(), (lane.name, control)
    assert len({lane.header.fader.mapTo(view, QPoint()).x() for lane in view.lanes.shown}) == 1
    assert len({lane.header.meter.mapTo(view, QPoint()).x() for lane in view.lanes.shown}) == 1


class Paints(QObject):
    """Counts what is painted."""

    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_at_rest_nothing_is_painted(view: TrackView, qtbot: QtBot) -> None:
    view.set_player_state(PlayerState(playing=True, position_frames=500, peaks={"drums": (0.5, 0.5)}))
    rest = PlayerState(position_frames=500)
    qtbot.waitUntil(lambda: (view.set_player_state(rest), not view.lanes.falling)[1], timeout=8000)
    QApplication.processEvents()
    paints = Paints()
    for widget in (view, *view.findChildren(QWidget)):
        widget.installEventFilter(paints)
    for _ in range(100):
        view.set_player_state(rest)
        QApplication.processEvents()
    assert paints.count == 0
    view.lanes.set_levels({"drums": (0.5, 0.5)}, (0.0, 0.0))
    QApplication.processEvents()
    assert paints.count > 0, "it counts"
