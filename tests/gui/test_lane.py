"""A lane's strip: buttons, fader and pan tell the channel they stand for; the handle drags; meters fall."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nur_studio.core.mix import Channel
from nur_studio.core.timing import Grid
from nur_studio.gui.drag import Held
from nur_studio.gui.faders import (
    Fader,
    PanSlider,
    fader_gain,
    fader_way,
    gain_of,
    gain_text,
    pan_of,
    pan_text,
)
from nur_studio.gui.lane import MixLane, StemLane
from nur_studio.gui.lane_header import HEADER_WIDTH
from nur_studio.gui.meters import LevelMeter, meter_way
from nur_studio.gui.theme import DARK, blend
from nur_studio.gui.timeline import Timeline


@pytest.fixture
def lane(qtbot: QtBot, themed: QApplication) -> StemLane:
    axis = Timeline()
    axis.set_track(16 * 44100, 44100, Grid(120.0))
    widget = StemLane("drums", "Drums", axis)
    axis.setParent(widget)
    qtbot.addWidget(widget)
    widget.resize(900, 64)
    widget.show()
    return widget


@pytest.mark.parametrize("gain", [-60.0, -40.0, -12.0, -3.5, 0.0, 2.0, 6.0])
def test_fader_taper_there_and_back(gain: float) -> None:
    assert fader_gain(fader_way(gain)) == pytest.approx(gain, abs=1e-6)


def test_fader_taper_is_closed_below_unity_at_three_quarters_and_rises() -> None:
    assert (fader_way(-60.0), fader_way(0.0), fader_way(6.0)) == (0.0, 0.75, 1.0)
    ways = [fader_way(g / 10) for g in range(-600, 61)]
    assert ways == sorted(ways)


def test_words_of_gain_and_pan() -> None:
    assert [gain_text(g) for g in (-60.0, -3.5, -0.01, 0.0, 6.0)] == ["−∞", "−3.5", "0.0", "0.0", "+6.0"]
    assert [pan_text(p) for p in (-1.0, -0.304, 0.0, 0.5)] == ["L100", "L30", "C", "R50"]


@pytest.mark.parametrize(
    ("text", "gain"),
    [("-3.5", -3.5), (" −3,5 dB", -3.5), ("+2", 2.0), ("99", 6.0), ("-200", -60.0), ("-inf", -60.0), ("−∞", -60.0)],
)
def test_gains_as_people_type_them(text: str, gain: float) -> None:
    assert gain_of(text) == gain


@pytest.mark.parametrize(
    ("text", "pan"),
    [("C", 0.0), ("l30", -0.3), ("30R", 0.3), ("-30", -0.3), ("R 50 %", 0.5), ("l200", -1.0), ("0", 0.0)],
)
def test_pans_as_people_type_them(text: str, pan: float) -> None:
    assert pan_of(text) == pytest.approx(pan)


@pytest.mark.parametrize("text", ["", "loud", "nan", "inf", "L-30", "LR", "3 4"])
def test_nonsense_is_no_value(text: str) -> None:
    assert gain_of(text) is None
    assert pan_of(text) is None


def test_mute_and_solo_by_mouse(qtbot: QtBot, lane: StemLane) -> None:
    with qtbot.waitSignal(lane.channel_changed) as told:
        qtbot.mouseClick(lane.header.mute, Qt.MouseButton.LeftButton)
    assert told.args == ["drums", Channel(mute=True), None]
    with qtbot.waitSignal(lane.channel_changed) as told:
        qtbot.mouseClick(lane.header.solo, Qt.MouseButton.LeftButton)
    assert told.args == ["drums", Channel(mute=True, solo=True), None]


def test_a_set_channel_is_shown_and_not_told_back(qtbot: QtBot, lane: StemLane) -> None:
    with qtbot.assertNotEmitted(lane.channel_changed):
        lane.header.set_channel(Channel(gain_db=-6.0, pan=0.5, mute=True))
    assert lane.header.mute.isChecked()
    assert lane.header.gain_label.text == "−6.0"
    assert lane.header.pan_label.text == "R50"
    with qtbot.waitSignal(lane.channel_changed) as told:
        qtbot.mouseClick(lane.header.solo, Qt.MouseButton.LeftButton)
    assert told.args[1] == Channel(gain_db=-6.0, pan=0.5, mute=True, solo=True)


@pytest.fixture
def fader(qtbot: QtBot, themed: QApplication) -> Fader:
    widget = Fader()
    qtbot.addWidget(widget)
    widget.resize(214, 20)  # 200 px of way
    widget.show()
    return widget


def test_fader_by_mouse(qtbot: QtBot, fader: Fader) -> None:
    with qtbot.waitSignal(fader.moved) as told:
        qtbot.mousePress(fader, Qt.MouseButton.LeftButton, pos=QPoint(7, 10))
    assert told.args == [-60.0]
    QTest.mouseMove(fader, QPoint(207, 10))
    qtbot.waitUntil(lambda: fader.amount() == 6.0)
    qtbot.mouseRelease(fader, Qt.MouseButton.LeftButton, pos=QPoint(207, 10))
    qtbot.mouseClick(fader, Qt.MouseButton.LeftButton, pos=QPoint(107, 10))
    assert fader.amount() == pytest.approx(40 * -0.17609, abs=0.1)
    qtbot.mouseDClick(fader, Qt.MouseButton.LeftButton, pos=QPoint(50, 10))
    assert fader.amount() == 0.0


def _move(fader: Fader, x: float, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    at, left = QPointF(x, 10), Qt.MouseButton.LeftButton
    QApplication.sendEvent(fader, QMouseEvent(QEvent.Type.MouseMove, at, fader.mapToGlobal(at), left, left, modifier))


def test_a_knob_taken_beside_its_middle_does_not_jump(qtbot: QtBot, fader: Fader) -> None:
    fader.set_gain(-12.0)
    knob = 7 + 200 * fader_way(-12.0)
    with qtbot.assertNotEmitted(fader.moved):
        qtbot.mousePress(fader, Qt.MouseButton.LeftButton, pos=QPoint(round(knob) + 5, 10))
    _move(fader, round(knob) + 5 + 20)
    assert fader_way(fader.amount()) == pytest.approx(fader_way(-12.0) + 0.1, abs=0.005)


def test_shift_and_drag_is_ten_times_as_fine(qtbot: QtBot, fader: Fader) -> None:
    fader.set_gain(-12.0)
    knob = 7 + 200 * fader_way(-12.0)
    qtbot.mousePress(fader, Qt.MouseButton.LeftButton, pos=QPoint(round(knob), 10))
    _move(fader, round(knob) + 60, Qt.KeyboardModifier.ShiftModifier)
    assert fader_way(fader.amount()) == pytest.approx(fader_way(-12.0) + 0.03, abs=0.003)


def test_a_double_click_is_one_gesture_and_so_is_a_drag(qtbot: QtBot, fader: Fader) -> None:
    gestures: list[int] = []
    fader.moved.connect(lambda _: gestures.append(fader.gesture))
    qtbot.mousePress(fader, Qt.MouseButton.LeftButton, pos=QPoint(60, 10))
    _move(fader, 80)
    _move(fader, 90)
    qtbot.mouseRelease(fader, Qt.MouseButton.LeftButton, pos=QPoint(90, 10))
    assert (len(gestures), len(set(gestures))) == (3, 1)
    gestures.clear()
    qtbot.mouseClick(fader, Qt.MouseButton.LeftButton, pos=QPoint(30, 10))
    qtbot.mouseDClick(fader, Qt.MouseButton.LeftButton, pos=QPoint(30, 10))
    assert fader.amount() == 0.0
    assert len(set(gestures)) == 1
    gestures.clear()
    qtbot.keyClick(fader, Qt.Key.Key_Left)
    qtbot.keyClick(fader, Qt.Key.Key_Left)
    assert len(set(gestures)) == 1, "keys in quick succession are one"


def test_a_trackpads_small_turns_add_up(fader: Fader) -> None:
    here = QPointF(10, 10)
    for _ in range(10):
        event = QWheelEvent(
            here, here, QPoint(), QPoint(0, 12), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(fader, event)
    assert fader.amount() == pytest.approx(0.5, abs=0.11)


def test_a_value_is_typed_over(qtbot: QtBot, lane: StemLane) -> None:
    label = lane.header.gain_label
    qtbot.mouseDClick(label, Qt.MouseButton.LeftButton)
    editor = label.editor
    assert editor is not None
    qtbot.keyClicks(editor, "loud")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert editor.isVisible(), "nonsense is not taken"
    assert editor.property("invalid")
    qtbot.keyClicks(editor, "-7,5")
    with qtbot.waitSignal(lane.channel_changed) as told:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert told.args[1] == Channel(gain_db=-7.5)
    assert label.text == "−7.5"
    qtbot.waitUntil(lambda: label.editor is None)
    lane.activateWindow()
    lane.header.pan.setFocus()
    qtbot.keyClick(lane.header.pan, Qt.Key.Key_Return)
    editor = lane.header.pan_label.editor
    assert editor is not None
    with qtbot.assertNotEmitted(lane.channel_changed):
        qtbot.keyClicks(editor, "R40")
        qtbot.keyClick(editor, Qt.Key.Key_Escape)
    assert lane.header.pan_label.text == "C"


def test_a_control_changes_its_own_value_only(qtbot: QtBot, lane: StemLane) -> None:
    lane.header.set_channel(Channel(gain_db=-3.14159, pan=0.123456))
    with qtbot.waitSignal(lane.channel_changed) as told:
        qtbot.mouseClick(lane.header.mute, Qt.MouseButton.LeftButton)
    assert told.args[1] == Channel(gain_db=-3.14159, pan=0.123456, mute=True)


def test_ctrl_and_alt_clicks_ask_for_more_than_the_lane(qtbot: QtBot, lane: StemLane) -> None:
    header = lane.header
    for button, modifier, signal in (
        (header.solo, Qt.KeyboardModifier.ControlModifier, header.solo_only_requested),
        (header.solo, Qt.KeyboardModifier.AltModifier, header.unsolo_all_requested),
        (header.mute, Qt.KeyboardModifier.AltModifier, header.unmute_all_requested),
    ):
        with qtbot.waitSignal(signal), qtbot.assertNotEmitted(lane.channel_changed):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton, modifier)


def test_fader_finds_unity_again_and_listens_to_keys(qtbot: QtBot, fader: Fader) -> None:
    fader.set_gain(-20.0)
    qtbot.mouseClick(fader, Qt.MouseButton.LeftButton, pos=QPoint(7 + 150 + 2, 10))
    assert fader.amount() == 0.0
    qtbot.keyClick(fader, Qt.Key.Key_Left)
    assert fader.amount() == -0.5
    qtbot.keyClick(fader, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert fader.amount() == -0.6
    qtbot.keyClick(fader, Qt.Key.Key_Home)
    assert fader.amount() == -60.0
    qtbot.keyClick(fader, Qt.Key.Key_Delete)
    assert fader.amount() == 0.0


def test_fader_by_wheel(fader: Fader) -> None:
    here = QPointF(10, 10)
    event = QWheelEvent(
        here, here, QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(fader, event)
    assert fader.amount() == 0.5


def test_pan_by_mouse(qtbot: QtBot, themed: QApplication) -> None:
    pan = PanSlider()
    qtbot.addWidget(pan)
    pan.resize(114, 20)
    pan.show()
    with qtbot.waitSignal(pan.moved) as told:
        qtbot.mouseClick(pan, Qt.MouseButton.LeftButton, pos=QPoint(7, 10))
    assert told.args == [-1.0]
    qtbot.mouseClick(pan, Qt.MouseButton.LeftButton, pos=QPoint(57 + 2, 10))
    assert pan.amount() == 0.0


def test_handle_prepares_at_press_and_drags_after_a_distance(qtbot: QtBot, lane: StemLane) -> None:
    pressed: list[object] = []
    dragged: list[object] = []
    lane.drag_pressed.connect(pressed.append)
    lane.drag_requested.connect(dragged.append)
    qtbot.mousePress(lane.handle, Qt.MouseButton.LeftButton, pos=QPoint(10, 30))
    assert pressed[-1] == Held(("drums",))
    QTest.mouseMove(lane.handle, QPoint(11, 30))
    assert dragged == []
    QTest.mouseMove(lane.handle, QPoint(10, 60))
    QTest.mouseMove(lane.handle, QPoint(10, 70))
    assert dragged == [Held(("drums",))]  # once
    qtbot.mouseRelease(lane.handle, Qt.MouseButton.LeftButton)


def test_the_foot_of_the_handle_is_its_notes_where_there_are_any(qtbot: QtBot, lane: StemLane) -> None:
    dragged: list[object] = []
    lane.drag_requested.connect(dragged.append)
    foot = QPoint(10, lane.handle.height() - 10)
    for name, part in (("", "drums"), ("Drag the notes", "midi drums")):
        lane.handle.set_notes(name)
        QTest.mouseMove(lane.handle, QPoint(10, 5))
        QTest.mouseMove(lane.handle, foot)
        assert lane.handle.toolTip() == (name or "Drag Drums into another program as a file")
        qtbot.mousePress(lane.handle, Qt.MouseButton.LeftButton, pos=foot)
        QTest.mouseMove(lane.handle, foot - QPoint(0, 30))
        qtbot.mouseRelease(lane.handle, Qt.MouseButton.LeftButton)
        assert dragged[-1] == Held((part,))


def test_a_marked_region_has_a_grip_in_its_corner(qtbot: QtBot, lane: StemLane) -> None:
    dragged: list[object] = []
    timeline = lane.wave.item._timeline
    timeline.set_width(lane.wave.width(), 1.0)
    lane.drag_requested.connect(dragged.append)
    timeline.set_loop((44100, 4 * 44100))
    lane.leaveEvent(QEvent(QEvent.Type.Leave))
    assert lane.grip.isHidden(), "of stems only where the pointer is"
    lane.enterEvent(QEnterEvent(QPointF(), QPointF(), QPointF()))
    assert lane.grip.isVisible()
    right = lane.wave.x() + timeline.x_of(4 * 44100)
    assert right - 30 < lane.grip.geometry().center().x() < right - 7
    qtbot.mousePress(lane.grip, Qt.MouseButton.LeftButton)
    QTest.mouseMove(lane.grip, QPoint(40, 40))
    assert dragged == [Held(("drums",), (44100, 4 * 44100))]
    qtbot.mouseRelease(lane.grip, Qt.MouseButton.LeftButton)
    timeline.set_loop((44100, 44100 + 3000))
    assert lane.grip.isHidden(), "there is no room for it"
    timeline.set_loop((44100, 4 * 44100))
    lane.set_ready(False)
    assert lane.grip.isHidden()


def test_handle_and_grip_show_how_far_their_files_are(lane: StemLane) -> None:
    before = lane.handle.grab().toImage()
    lane.set_progress(Held(("drums",)), 0.5)
    assert (lane.handle.progress, lane.grip.progress) == (0.5, None)
    assert lane.handle.grab().toImage() != before
    lane.set_progress(Held(("drums",), (0, 5)), 0.3)
    lane.set_progress(Held(("bass",)), 0.9)
    lane.set_progress(Held(("stems",)), 0.9)
    assert (lane.handle.progress, lane.grip.progress) == (0.5, 0.3)
    lane.set_progress(Held(("drums",)), None)
    assert lane.handle.grab().toImage() == before


def test_edge_wears_the_lanes_color(lane: StemLane) -> None:
    assert lane.grab().toImage().pixelColor(12, 32).name() == DARK.drums


def test_focus_is_seen(qtbot: QtBot, lane: StemLane) -> None:
    lane.activateWindow()
    lane.setFocus()
    qtbot.waitUntil(lane.hasFocus)
    assert lane.grab().toImage().pixelColor(450, 0).name() == DARK.accent


def test_header_has_one_width_with_and_without_a_strip(qtbot: QtBot, themed: QApplication) -> None:
    axis = Timeline()
    lanes = [MixLane("mix", "Mix", axis), StemLane("other", "Sonstiges", axis)]
    for lane in lanes:
        axis.setParent(lane)
        qtbot.addWidget(lane)
        lane.resize(800, 90)
        lane.show()
    assert {lane.wave.x() for lane in lanes} == {HEADER_WIDTH + 1}
    assert len({lane.wave.width() for lane in lanes}) == 1
    right = {lane.header.meter.mapTo(lane, QPoint()).x() for lane in lanes}
    assert len(right) == 1


def test_every_control_of_a_lane_is_named(lane: StemLane) -> None:
    header = lane.header
    for control in (header.mute, header.solo, header.fader, header.pan):
        assert control.toolTip(), control
        assert "Drums" in control.accessibleName()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert lane.handle.toolTip()


def test_meter_scale() -> None:
    assert (meter_way(0.0), meter_way(1.0), meter_way(1.5)) == (0.0, 1.0, 1.0)
    assert 0.3 < meter_way(0.1) < meter_way(0.5) < 0.95


def test_meter_rises_at_once_falls_slowly_and_remembers_clipping(qtbot: QtBot, themed: QApplication) -> None:
    now = [0.0]
    meter = LevelMeter("Drums level", clock=lambda: now[0])
    qtbot.addWidget(meter)
    meter.resize(100, 12)
    meter.show()
    meter.set_levels((0.5, 0.25), (0.2, 0.1))
    left, right, held, _, rms, *_ = meter.shown
    assert left > right > rms > 0
    now[0] = 0.2
    meter.set_levels((0.0, 0.0))
    assert 0 < meter.shown[0] < left
    assert 0 < meter.shown[4] < rms
    assert meter.shown[2] == held
    for _ in range(40):
        now[0] += 0.2
        meter.set_levels((0.0, 0.0))
    assert meter.shown == (0, 0, 0, 0, 0, 0, 0)
    assert not meter.falling
    meter.set_levels((1.2, 0.1))
    assert meter.clipped
    assert meter.grab().toImage().pixelColor(97, 6).name() == DARK.error
    meter.reset()
    assert not meter.clipped


def test_the_body_of_a_meter_is_rms_and_the_peak_above_it_is_paler(qtbot: QtBot, themed: QApplication) -> None:
    meter = LevelMeter("Drums level")
    qtbot.addWidget(meter)
    meter.resize(109, 12)  # 100 px of bars
    meter.show()
    meter.set_levels((0.4, 0.4), (0.1, 0.1))
    image = meter.grab().toImage()
    rms, peak = round(100 * meter_way(0.1)), round(100 * meter_way(0.4))
    colors = [image.pixelColor(x, 3).name() for x in (rms - 3, (rms + peak) // 2, peak + 4)]
    assert colors == [DARK.good, blend(DARK.line, DARK.good, 0.45), DARK.line]


def test_a_clip_light_stays_until_it_is_clicked(qtbot: QtBot, themed: QApplication) -> None:
    now = [0.0]
    meter = LevelMeter("Drums level", clock=lambda: now[0])
    qtbot.addWidget(meter)
    meter.resize(100, 12)
    meter.show()
    meter.set_levels((1.0, 1.00005))
    assert not meter.clipped, "full scale, and what rounding adds to it, is not over it"
    meter.set_levels((0.2, 1.01))
    now[0] = 60.0
    meter.set_levels((0.0, 0.0))
    assert meter.clipped
    assert meter.accessibleDescription() == "went over full scale"
    assert "+0.1 dBFS" in meter._told()
    qtbot.mouseClick(meter, Qt.MouseButton.LeftButton)
    assert not meter.clipped
    assert meter.accessibleDescription() == ""
    meter.set_levels((0.5, 0.5))
    assert "−6.0 dBFS" in meter._told()
