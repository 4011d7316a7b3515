"""The track view with real events: seek, loop, zoom, keys, mix, takes, what is shown when, and what a frame costs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nur_studio.audio.peaks import GrowingPeaks, PeakPyramid
from nur_studio.audio.player_state import PlayerState
from nur_studio.core.mix import STEMS, Channel, Mix
from nur_studio.core.timing import Section
from nur_studio.core.track import Status, Track
from nur_studio.gui.drag import Held
from nur_studio.gui.metronome import Metronome
from nur_studio.gui.ruler_corner import ruler_menu
from nur_studio.gui.theme import DARK
from nur_studio.gui.track_view import TrackView
from nur_studio.gui.waveform import Look

BEAT = 22050
LEFT = Qt.MouseButton.LeftButton
MakeTrack = Callable[..., Track]


@pytest.fixture
def view(qtbot: QtBot, themed: QApplication, make_track: MakeTrack, peaks: dict[str, PeakPyramid]) -> TrackView:
    widget = TrackView()
    qtbot.addWidget(widget)
    widget.resize(1120, 580)
    widget.show()
    track = make_track()
    widget.show_track(track, (track,), peaks)
    QApplication.processEvents()
    widget.activateWindow()
    widget.setFocus()
    return widget


def _wave(view: TrackView, lane: str = "mix"):  # type: ignore[no-untyped-def]
    return view.lanes.lanes[lane].wave.viewport()


def _x(view: TrackView, frame: float) -> int:
    return round(view.timeline.x_of(frame))


def _wheel(view: TrackView, x: int, notches: float, modifiers: Qt.KeyboardModifier) -> None:
    target, here = _wave(view), QPointF(x, 20)
    event = QWheelEvent(
        here, target.mapToGlobal(here), QPoint(), QPoint(0, round(120 * notches)), Qt.MouseButton.NoButton, modifiers,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(target, event)


def test_all_lanes_and_the_ruler_share_their_columns(view: TrackView) -> None:
    lanes = list(view.lanes.lanes.values())
    assert len({_wave(view, lane.name).mapTo(view, QPoint()).x() for lane in lanes}) == 1
    assert len({lane.wave.width() for lane in lanes}) == 1
    ruler = lanes[0].ruler
    assert ruler is not None
    assert ruler.mapTo(view, QPoint()).x() == _wave(view).mapTo(view, QPoint()).x()
    assert view.timeline.width == lanes[0].wave.width() == ruler.width()
    for control in ("mute", "solo", "fader", "pan"):
        assert len({getattr(lane.header, control).mapTo(view, QPoint()).x() for lane in lanes[1:]}) == 1


@pytest.mark.parametrize("lane", ["mix", "other"])
def test_click_seeks(qtbot: QtBot, view: TrackView, lane: str) -> None:
    there = pytest.approx(200 / view.timeline.width * 16 * 44100, abs=view.timeline.frames_per_px)
    with qtbot.waitSignal(view.seek_requested) as told:
        qtbot.mouseClick(_wave(view, lane), LEFT, pos=QPoint(200, 20))
    assert told.args == [BEAT * 8], "the line nearest to it"
    assert view.lanes.playhead.frame == BEAT * 8
    for modifier in (Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier):
        with qtbot.waitSignal(view.seek_requested) as told:
            qtbot.mouseClick(_wave(view, lane), LEFT, modifier, QPoint(200, 20))
        assert told.args == [there]
    qtbot.keyClick(view, Qt.Key.Key_N)
    with qtbot.waitSignal(view.seek_requested) as told:
        qtbot.mouseClick(_wave(view, lane), LEFT, pos=QPoint(200, 20))
    assert told.args == [there]


def test_click_in_the_ruler_seeks(qtbot: QtBot, view: TrackView) -> None:
    ruler = view.lanes.lanes["mix"].ruler
    assert ruler is not None
    with qtbot.waitSignal(view.seek_requested):
        qtbot.mouseClick(ruler, LEFT, pos=QPoint(300, 10))


def _drag(view: TrackView, start: int, end: int, modifier: Qt.KeyboardModifier) -> None:
    target = _wave(view, "drums")
    QTest.mousePress(target, LEFT, modifier, QPoint(start, 20))
    for x in (start + 2, (start + end) // 2, end):
        position = QPointF(x, 20)

        QApplication.sendEvent(
            target,
            QMouseEvent(QEvent.Type.MouseMove, position, target.mapToGlobal(position), LEFT, LEFT, modifier),
        )
    QTest.mouseRelease(target, LEFT, modifier, QPoint(end, 20))


def test_drag_marks_a_loop_on_beats(qtbot: QtBot, view: TrackView) -> None:
    told: list[object] = []
    view.loop_changed.connect(told.append)
    with qtbot.assertNotEmitted(view.seek_requested):
        _drag(view, _x(view, BEAT * 8) + 3, _x(view, BEAT * 16) - 4, Qt.KeyboardModifier.NoModifier)
    assert told[-1] == (BEAT * 8, BEAT * 16)
    assert view.loop == (BEAT * 8, BEAT * 16)
    assert view.transport.loop.isChecked()


def test_alt_frees_the_loop_from_beats(view: TrackView) -> None:
    start, end = _x(view, BEAT * 8) + 7, _x(view, BEAT * 16) + 9
    _drag(view, start, end, Qt.KeyboardModifier.AltModifier)
    assert view.loop == (view.timeline.frame_at(start), view.timeline.frame_at(end))


def test_an_edge_of_the_loop_can_be_moved(view: TrackView) -> None:
    view.timeline.set_loop((BEAT * 8, BEAT * 16), on=True)
    _drag(view, _x(view, BEAT * 16), _x(view, BEAT * 24), Qt.KeyboardModifier.NoModifier)
    assert view.loop == (BEAT * 8, BEAT * 24)


def test_ctrl_and_drag_takes_the_lane_as_a_file(qtbot: QtBot, view: TrackView) -> None:
    asked: list[object] = []
    for signal in (view.lanes.drag_pressed, view.lanes.drag_requested):
        signal.connect(asked.append)
    with qtbot.assertNotEmitted(view.loop_changed):
        _drag(view, 100, 200, Qt.KeyboardModifier.ControlModifier)
    assert asked == [Held(("drums",))] * 2
    asked.clear()
    view.timeline.set_loop((BEAT * 8, BEAT * 16))
    _drag(view, _x(view, BEAT * 10), _x(view, BEAT * 20), Qt.KeyboardModifier.ControlModifier)
    assert asked == [Held(("drums",), (BEAT * 8, BEAT * 16))] * 2, "in the marked part, that part"


def test_l_loops_the_region_or_all(qtbot: QtBot, view: TrackView) -> None:
    with qtbot.waitSignals([view.loop_toggled, view.loop_changed]):
        qtbot.keyClick(view, Qt.Key.Key_L)
    assert view.loop == (0, 16 * 44100)
    with qtbot.waitSignal(view.loop_changed) as told:
        qtbot.keyClick(view, Qt.Key.Key_L)
    assert told.args == [None]


def test_wheel_zooms_at_the_pointer_and_shift_pans(view: TrackView) -> None:
    under = view.timeline.frame_at(300)
    _wheel(view, 300, 3, Qt.KeyboardModifier.NoModifier)
    assert view.timeline.visible == pytest.approx(16 * 44100 / 1.25**3)
    assert view.timeline.frame_at(300) == pytest.approx(under, abs=2)
    start = view.timeline.start
    _wheel(view, 300, -1, Qt.KeyboardModifier.ShiftModifier)
    assert view.timeline.start > start
    QTest.mouseDClick(_wave(view), LEFT, Qt.KeyboardModifier.NoModifier, QPoint(300, 20))
    assert view.timeline.fitted()


@pytest.mark.parametrize(
    ("key", "modifier", "frame"),
    [
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, BEAT * 6),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, BEAT * 4),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier, BEAT * 8),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier, BEAT * 4),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, 0),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, 16 * 44100),
    ],
)
def test_keys_move_by_beat_and_bar(
    qtbot: QtBot, view: TrackView, key: Qt.Key, modifier: Qt.KeyboardModifier, frame: int
) -> None:
    view.set_player_state(PlayerState(position_frames=BEAT * 5))
    with qtbot.waitSignal(view.seek_requested) as told:
        qtbot.keyClick(view, key, modifier)
    assert told.args == [frame]


def test_space_escape_plus_minus_fit(qtbot: QtBot, view: TrackView) -> None:
    with qtbot.waitSignal(view.play_requested):
        qtbot.keyClick(view, Qt.Key.Key_Space)
    with qtbot.waitSignal(view.stop_requested):
        qtbot.keyClick(view, Qt.Key.Key_Escape)
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.timeline.visible == pytest.approx(16 * 44100 / 1.5)
    qtbot.keyClick(view, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert view.timeline.fitted()


def test_numbers_pick_lanes_and_m_and_s_act_on_them(qtbot: QtBot, view: TrackView) -> None:
    qtbot.keyClick(view, Qt.Key.Key_3)
    bass = view.lanes.lanes["bass"]
    qtbot.waitUntil(bass.hasFocus)
    with qtbot.waitSignal(view.mix_changed) as told:
        qtbot.keyClick(bass, Qt.Key.Key_S)
    assert told.args == [Mix({"bass": Channel(solo=True)})]
    looks = {stem: view.lanes.lanes[stem].wave.item.look for stem in STEMS}
    assert looks == {"drums": Look.DIMMED, "bass": Look.LIT, "vocals": Look.DIMMED, "other": Look.DIMMED}
    qtbot.keyClick(bass, Qt.Key.Key_M)
    assert bass.wave.item.look is Look.MUTED
    assert view.mix.channel("bass") == Channel(solo=True, mute=True)


def test_silent_vocals_say_so(view: TrackView) -> None:
    assert view.lanes.lanes["vocals"].wave.item.note == "silent"
    assert view.lanes.lanes["drums"].wave.item.note == ""


def test_player_state_moves_playhead_numbers_and_meters(view: TrackView) -> None:
    view.set_player_state(
        PlayerState(position_frames=BEAT * 17, playing=True, peaks={"drums": (0.5, 0.4)}, master_peaks=(0.9, 0.8))
    )
    left = _wave(view).mapTo(view.lanes, QPoint()).x()
    assert view.lanes.playhead.line_x - left == pytest.approx(view.timeline.x_of(BEAT * 17), abs=1)
    assert view.transport.time.text == "0:08.50"
    assert view.transport.bar.text == "5.2.1"
    assert view.transport.play.accessibleName() == "Pause"
    assert view.lanes.lanes["drums"].header.meter.shown[0] > 0
    assert view.lanes.lanes["bass"].header.meter.shown[0] == 0
    image = view.lanes.grab().toImage()
    x = int(view.lanes.playhead.line_x)
    for lane in view.lanes.lanes.values():
        assert image.pixelColor(x, lane.geometry().center().y()).name() == DARK.playhead


def test_the_page_turns_with_the_playhead(view: TrackView) -> None:
    view.timeline.zoom(4.0, 0.0)
    view.set_player_state(PlayerState(position_frames=BEAT * 7, playing=True))
    view.set_player_state(PlayerState(position_frames=BEAT * 9, playing=True))
    assert view.timeline.start <= BEAT * 9 < view.timeline.end
    view.timeline.pan(1e9)
    view.set_player_state(PlayerState(position_frames=view.timeline.frames, playing=True))
    view.set_player_state(PlayerState(position_frames=0, playing=True))  # from the end it begins anew
    assert view.timeline.start == 0.0
    view.set_player_state(PlayerState(position_frames=BEAT * 9, playing=True))
    assert view.timeline.start > 0.0
    view.timeline.pan(-1e9)  # the person looks elsewhere: left alone
    view.set_player_state(PlayerState(position_frames=BEAT * 10, playing=True))
    assert view.timeline.start == 0.0
    assert view.lanes.playhead.isHidden()


def test_moving_the_playhead_repaints_strips_only(view: TrackView) -> None:
    view.grab()
    cached = [lane.wave.item.cached for lane in view.lanes.lanes.values()]
    for frame in range(0, BEAT * 4, 735):
        view.set_player_state(PlayerState(position_frames=frame, playing=True))
        QApplication.processEvents()
    assert [lane.wave.item.cached for lane in view.lanes.lanes.values()] == cached


def test_ruler_corner_counts_seconds(qtbot: QtBot, view: TrackView) -> None:
    corner = view.lanes.lanes["mix"].corner
    with qtbot.waitSignal(view.ruler_changed) as told:
        qtbot.mouseClick(corner, LEFT)
    assert told.args == ["seconds"]
    assert corner.text() == "Time"


def test_snapping_is_switched_and_chosen_beside_the_ruler(qtbot: QtBot, view: TrackView) -> None:
    snap = view.lanes.mix_lane.snap
    told: list[str] = []
    view.snapping_changed.connect(told.append)
    qtbot.mouseClick(snap, LEFT)
    qtbot.mouseClick(snap, LEFT)
    snap.menu().aboutToShow.emit()
    actions = {action.text(): action for action in snap.menu().actions()}
    assert actions["Snap: lines in sight"].isChecked()
    actions["Snap: bars"].trigger()
    assert told == ["off", "grid", "bar"]
    assert "bars" in snap.toolTip() and snap.isChecked()
    menu = ruler_menu(view.timeline, view)
    {action.text(): action for action in menu.actions()}["Count seconds"].trigger()
    assert not view.timeline.bars
    menu.close()


def test_k_clicks_and_shift_k_counts_in(qtbot: QtBot, view: TrackView, make_track: MakeTrack) -> None:
    button = view.transport.metronome
    with qtbot.assertNotEmitted(view.metronome_changed):
        view.set_metronome(Metronome(False, -12.0))
    with qtbot.waitSignal(view.metronome_changed) as told:
        qtbot.keyClick(view, Qt.Key.Key_K)
    assert told.args == [Metronome(True, -12.0)] and button.isChecked()
    with qtbot.waitSignal(view.metronome_changed) as told:
        qtbot.keyClick(view, Qt.Key.Key_K, Qt.KeyboardModifier.ShiftModifier)
    assert told.args == [Metronome(True, -12.0, True)] and button.count_in.isChecked()
    with qtbot.waitSignal(view.metronome_changed) as told:
        button.level.step(1)
    assert told.args == [Metronome(True, -11.5, True)]
    growing = make_track(id="trk_dddddddddddd", status=Status.PROCESSING, frames=0, group_id="")
    view.show_growing(growing, GrowingPeaks(16 * 44100))
    assert not button.isEnabled() and "with the end" in button.toolTip()
    with qtbot.assertNotEmitted(view.metronome_changed):
        qtbot.keyClick(view, Qt.Key.Key_K)
        qtbot.keyClick(view, Qt.Key.Key_K, Qt.KeyboardModifier.ShiftModifier)


SECTIONS = tuple(
    Section(name, bar, 8.0)
    for bar, name in ((0, "intro"), (8, "verse with a rather long name"), (24, "chorus"), (32, "break"), (34, "end"))
)


@pytest.mark.parametrize("bars", [True, False])
@pytest.mark.parametrize("frames", [16 * 44100, 300 * 44100])
def test_the_ruler_names_its_sections_and_no_label_covers_another_at_any_zoom(
    view: TrackView, bars: bool, frames: int
) -> None:
    ruler, timeline = view.lanes.mix_lane.ruler, view.timeline
    timeline.set_track(frames, 44100, timeline.grid)
    timeline.set_sections(SECTIONS)
    timeline.set_bars(bars)
    named = set()
    for _ in range(24):
        labels = sorted(ruler.labels(), key=lambda label: label.x)
        assert len(labels) >= 1
        for one, other in pairwise(labels):
            assert one.end + 4 <= other.x, (one, other)
        assert labels[0].x >= 0 and labels[-1].end <= timeline.width
        named |= {label.text for label in labels if label.kind == "section"}
        timeline.zoom(1.4, 0.3 * timeline.width)
    assert "intro" in named if frames == 16 * 44100 else {"chorus", "break"} <= named | {"break"}
    timeline.fit()
    timeline.zoom(4.0, 0.0)
    timeline.pan(30.0)
    first = min(ruler.labels(), key=lambda label: label.x)
    assert (first.text, first.kind) == ("intro", "section"), "what began before stands at the edge"


def test_title_is_renamed_by_double_click(qtbot: QtBot, view: TrackView) -> None:
    title = view.header.title
    qtbot.mouseDClick(title.label, LEFT)
    assert title.editing
    title.line.selectAll()
    qtbot.keyClicks(title.line, "Harbour  lights")
    with qtbot.waitSignal(view.rename_requested) as told:
        qtbot.keyClick(title.line, Qt.Key.Key_Return)
    assert told.args == ["Harbour lights"]
    assert title.label.whole_text == "Harbour lights"


def test_escape_and_nothing_rename_nothing(qtbot: QtBot, view: TrackView) -> None:
    title = view.header.title
    with qtbot.assertNotEmitted(view.rename_requested), qtbot.assertNotEmitted(view.stop_requested):
        title.edit()
        qtbot.keyClicks(title.line, "x")
        qtbot.keyClick(title.line, Qt.Key.Key_Escape)
        title.edit()
        title.line.clear()
        qtbot.keyClick(title.line, Qt.Key.Key_Return)
    assert title.label.whole_text == "Rainy night tape"


def test_header_says_what_the_take_is(view: TrackView, make_track: MakeTrack, peaks: dict[str, PeakPyramid]) -> None:
    assert view.header.tempo.text == "asked 120  →  measured 120.00 BPM"
    assert view.header.key.text == "D minor"
    assert "Sketch" in view.header.facts.text
    assert "seed 482\u202f113" in view.header.facts.text
    track = make_track(licence="weights CC BY-NC 4.0", tempo_asked=None, tempo_measured=None)
    view.show_track(track, (track,), peaks)
    assert "not for sale" in view.header.facts.text
    assert view.header.tempo.text == "120 BPM"


def test_star(qtbot: QtBot, view: TrackView) -> None:
    with qtbot.waitSignal(view.star_toggled) as told:
        qtbot.mouseClick(view.header.star, LEFT)
    assert told.args == [True]


def test_takes_are_chosen_and_compared_in_one_view_each_with_its_own_mix(
    qtbot: QtBot, view: TrackView, make_track: MakeTrack, peaks: dict[str, PeakPyramid]
) -> None:
    muted = Mix({"bass": Channel(mute=True)})
    first, second = make_track(mix=muted), make_track(id="trk_bbbbbbbbbbbb", take=2)
    view.show_track(first, (first, second), peaks)
    assert view.mix == muted
    assert view.lanes.lanes["bass"].header.mute.isChecked()
    view.timeline.zoom(4.0, 0.0)
    view.timeline.set_loop((BEAT * 4, BEAT * 8), on=True)
    view.set_player_state(PlayerState(position_frames=BEAT * 6))
    buttons = view.header.takes.buttons()
    assert [button.text() for button in buttons] == ["A", "B"]
    with qtbot.waitSignal(view.take_selected) as told:
        qtbot.mouseClick(buttons[1], LEFT)
    assert told.args == ["trk_bbbbbbbbbbbb"]
    view.show_track(second, (second, first), peaks)
    assert [button.text() for button in view.header.takes.buttons()] == ["A", "B"]
    assert view.transport.time.text == "0:03.00"
    assert view.mix == Mix()
    assert view.loop == (BEAT * 4, BEAT * 8)
    assert not view.timeline.fitted()
    other = make_track(id="trk_cccccccccccc", group_id="another")
    with qtbot.waitSignal(view.loop_changed):
        view.show_track(other, (other,), peaks)
    assert view.timeline.fitted()


def test_growing_failed_empty(qtbot: QtBot, view: TrackView, make_track: MakeTrack) -> None:
    track = make_track(id="trk_dddddddddddd", status=Status.PROCESSING, frames=0, group_id="")
    growing = GrowingPeaks(16 * 44100)
    view.show_growing(track, growing)
    assert view.transport.play.isEnabled()
    assert not view.transport.export.isEnabled()
    assert not view.lanes.lanes["drums"].header.mute.isEnabled()
    view.grab()
    view.grown()
    assert view.lanes.lanes["mix"].wave.item.cached is None
    view.show_failed(make_track(status=Status.FAILED, error="The engine ran out of memory."))
    assert view.blank.isVisible()
    assert view.blank.sentence.text() == "The engine ran out of memory."
    with qtbot.waitSignal(view.retry_requested):
        qtbot.mouseClick(view.blank.action, LEFT)
    view.lanes.set_levels({}, (0.9, 0.9))
    view.show_empty()
    assert not view.lanes.falling, "nobody would let them fall"
    assert view.track is None
    assert not view.header.isVisible()
    assert not view.transport.isVisible()
    with qtbot.assertNotEmitted(view.play_requested):
        qtbot.keyClick(view, Qt.Key.Key_Space)
    view.set_player_state(PlayerState(position_frames=500, playing=True))


def test_a_mix_without_stems_hides_their_lanes(
    view: TrackView, make_track: MakeTrack, peaks: dict[str, PeakPyramid]
) -> None:
    track = make_track(id="trk_eeeeeeeeeeee", lanes=())
    view.show_track(track, (track,), {"mix": peaks["mix"]})
    assert [name for name, lane in view.lanes.lanes.items() if lane.isVisible()] == ["mix"]
    assert not view.transport.drag_stems.isEnabled()


@pytest.mark.parametrize("size", [(684, 470), (1120, 580), (1620, 860)])
def test_long_titles_are_shortened_and_nothing_overlaps(
    view: TrackView, make_track: MakeTrack, peaks: dict[str, PeakPyramid], size: tuple[int, int]
) -> None:
    title = "Ein außergewöhnlich langes Stück über eine verregnete Nacht am Hafen von Warnemünde " * 2
    track = make_track(title=title, licence="weights CC BY-NC 4.0")
    view.show_track(track, (track,), peaks)
    view.resize(*size)
    QApplication.processEvents()
    assert view.width() == size[0]
    label = view.header.title.label
    assert label.text().endswith("…")
    assert label.toolTip() == title.strip()
    star = view.header.star
    assert star.mapTo(view.header, QPoint()).x() + star.width() <= view.header.tempo.x()
    lanes = list(view.lanes.lanes.values())
    for upper, lower in pairwise(lanes):
        assert upper.geometry().bottom() < lower.geometry().top()
        fader = lower.header.fader
        assert fader.mapTo(lower, QPoint(0, fader.height())).y() <= lower.height()
