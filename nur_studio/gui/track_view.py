"""The track: header, lanes and transport on one timeline. It shows what it is given and says what a person wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from nur_studio.core.mix import STEMS, Mix
from nur_studio.core.track import Status, Track
from nur_studio.gui.blank import Blank
from nur_studio.gui.lanes import Lanes, MixEdit
from nur_studio.gui.metronome import Metronome
from nur_studio.gui.stems_offer import StemsOffer
from nur_studio.gui.tempo_offer import TempoOffer
from nur_studio.gui.timeline import Timeline
from nur_studio.gui.track_header import TrackHeader
from nur_studio.gui.transport import Transport
from nur_studio.gui.waveform import Peaks

if TYPE_CHECKING:
    from nur_studio.audio.peaks import GrowingPeaks
    from nur_studio.audio.player_state import PlayerState

_KEY_ZOOM = 1.5
_LOW = 500  # height: below it the lanes need what air there is


class TrackView(QWidget):
    """One track. `loop_changed` says what is to be repeated now: None while looping is off.

    `mix` holds the strips and the master gain, and belongs to the track; the listening volume is apart from it
    (`volume_changed`, `set_volume`), so that a file exported as heard does not get quieter with the loudspeakers.
    """

    seek_requested = Signal(object)  # frame
    loop_changed = Signal(object)  # (start, end) | None
    mix_changed = Signal(object)  # Mix: another one is to be heard
    mix_edited = Signal(object)  # MixEdit: by hand at the strips; `mix_changed` follows
    play_requested = Signal()
    stop_requested = Signal()
    loop_toggled = Signal(bool)
    export_requested = Signal()
    star_toggled = Signal(bool)
    rename_requested = Signal(str)
    take_selected = Signal(str)  # track id
    another_take_requested = Signal()
    extend_requested = Signal()
    separate_requested = Signal()
    retry_requested = Signal()
    volume_changed = Signal(float)  # dB
    ruler_changed = Signal(str)  # "bars" or "seconds"
    snapping_changed = Signal(str)  # one of SNAPPINGS
    metronome_changed = Signal(object)  # Metronome

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._track: Track | None = None
        self._position = 0
        self._playing = False
        self._loop: tuple[int, int] | None = None
        self.expects_stems = True  # whether the engine at work makes any
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Track"))
        self.setProperty("role", "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.timeline = Timeline(self)
        self.header = TrackHeader()
        self.lanes = Lanes(self.timeline)
        self.blank = Blank()
        self.stems_offer = StemsOffer()
        self.tempo_offer = TempoOffer()
        self.transport = Transport()
        self._stack = QStackedWidget()
        self._column = QVBoxLayout(self)
        self._column.addWidget(self.header)
        self._column.addWidget(self.tempo_offer)
        self._column.addWidget(self._stack, 1)
        self._stack.addWidget(self.lanes)  # after it has its place: what gets another parent is styled anew
        self._stack.addWidget(self.blank)
        self._column.addWidget(self.stems_offer)
        self._column.addWidget(self.transport)
        self._connect()
        self.show_empty()

    def _connect(self) -> None:
        header, lanes, transport = self.header, self.lanes, self.transport
        header.rename_requested.connect(self.rename_requested)
        header.star_toggled.connect(self.star_toggled)
        header.take_selected.connect(self.take_selected)
        header.another_take_requested.connect(self.another_take_requested)
        header.extend_requested.connect(self.extend_requested)
        lanes.mix_edited.connect(self._on_mix_edited)
        lanes.seek_requested.connect(self._on_seek)
        transport.play_requested.connect(self.play_requested)
        transport.stop_requested.connect(self.stop_requested)
        transport.start_requested.connect(self._on_start)
        transport.loop_toggled.connect(self._on_loop_toggled)
        transport.volume_changed.connect(self.volume_changed)
        transport.metronome.changed.connect(self.metronome_changed)
        transport.export_requested.connect(self.export_requested)
        self.blank.action_requested.connect(self.retry_requested)
        self.timeline.loop_changed.connect(self._on_loop)
        self.timeline.ruler_changed.connect(self._on_ruler)
        self.timeline.snapping_changed.connect(self._on_snapping)

    # What is shown

    def show_track(self, track: Track, takes: Sequence[Track], peaks: Mapping[str, Peaks]) -> None:
        """A finished track; with no peaks yet, its lanes say that they are loading."""
        if track.status is Status.FAILED:
            self.show_failed(track, takes)
            return
        if track.status is not Status.COMPLETED:
            self._show_waiting(track, takes)
            return
        self._begin(track, takes, track.frames)
        self.lanes.show_peaks(track.lanes, peaks, track.frames)
        self.lanes.set_mix(track.mix)
        self.lanes.mix_lane.header.set_loudness(track.loudness_lufs, track.true_peak_dbtp)
        self.stems_offer.setVisible(bool(peaks) and not track.lanes)
        self.transport.set_ready(playable=True, files=True, stems=bool(track.lanes))
        self._stack.setCurrentWidget(self.lanes)

    def show_growing(self, track: Track, peaks: GrowingPeaks) -> None:
        """A track that is being made: the mix as far as it is there. Call `grown` after each chunk."""
        self._begin(track, (track,), peaks.total_frames)
        self.lanes.show_growing(peaks, stems=STEMS if self.expects_stems else ())
        self.lanes.set_mix(Mix())
        self.lanes.mix_lane.header.set_loudness(None, None)
        self.transport.set_ready(playable=True, files=False, stems=False)
        self.transport.metronome.set_why_not(self.tr("The metronome comes with the end: only then is the beat known"))
        self._stack.setCurrentWidget(self.lanes)

    def grown(self) -> None:
        self.lanes.grown()

    def show_failed(self, track: Track, takes: Sequence[Track] = ()) -> None:
        """Why there is no music, in the words of the error."""
        self._begin(track, takes, 0)
        self.blank.say(self.tr("This take was not made"), track.error, action=self.tr("Try again"), fault=True)
        self._show_blank()

    def show_empty(self) -> None:
        """Nothing made yet."""
        self._track = None
        self.lanes.reset_meters()
        self.timeline.set_track(0, 44100, self.timeline.grid)
        self.header.hide()
        self.stems_offer.hide()
        self.tempo_offer.hide()
        self.blank.say(
            self.tr("Describe a piece of music, and hear it in seconds"),
            self.tr(
                "Write what you have in mind on the left: a style, a mood, instruments, a tempo. "
                "Ctrl+Enter makes it, here on this machine."
            ),
        )
        self._show_blank()
        self.transport.hide()

    def _show_waiting(self, track: Track, takes: Sequence[Track]) -> None:
        self._begin(track, takes, 0)
        waiting = track.status is Status.PENDING
        self.blank.say(
            self.tr("Waiting for its turn") if waiting else self.tr("Being made"),
            self.tr("It appears here as soon as there is something to hear."),
        )
        self._show_blank()

    def _show_blank(self) -> None:
        self.transport.set_ready(playable=False, files=False, stems=False)
        self._stack.setCurrentWidget(self.blank)

    def _begin(self, track: Track, takes: Sequence[Track], frames: int) -> None:
        """Header and timeline for `track`. Takes of one request keep view and loop: they are compared."""
        before, self._track = self._track, track
        self.stems_offer.hide()
        same = before is not None and compared(before, track)
        self.header.show()
        self.transport.show()
        self.header.show_track(track, takes)
        self.tempo_offer.show_track(track)
        self.timeline.has_beats = track.has_tempo
        self.transport.set_track(track.grid if track.has_tempo else None, track.duration_s)
        if not same or frames != self.timeline.frames or track.sample_rate != self.timeline.sample_rate:
            self.timeline.set_track(frames, track.sample_rate, track.grid)
            self._show_position(0)
        else:
            self.timeline.grid = track.grid
            self.timeline.range_changed.emit()
            self._show_position(self._position)
        self.timeline.set_sections(track.sections)
        self.lanes.reset_meters()

    @property
    def track(self) -> Track | None:
        return self._track

    @property
    def mix(self) -> Mix:
        return self.lanes.mix

    def change_mix(self, mix: Mix) -> None:
        """Mix the track otherwise, as an undo does."""
        self.lanes.set_mix(mix)
        self.mix_changed.emit(self.lanes.mix)

    @property
    def loop(self) -> tuple[int, int] | None:
        """What is to be repeated now."""
        return self.timeline.effective_loop

    def set_volume(self, volume_db: float) -> None:
        self.transport.set_volume(volume_db)

    def set_ruler(self, ruler: str) -> None:
        """ "bars" or "seconds"."""
        self.timeline.set_bars(ruler != "seconds")

    def set_snapping(self, snapping: str) -> None:
        """One of SNAPPINGS."""
        self.timeline.set_snapping(snapping)

    def set_metronome(self, metronome: Metronome) -> None:
        self.transport.metronome.set_metronome(metronome)

    # The player, 60 times a second

    def set_player_state(self, state: PlayerState) -> None:
        """Move playhead, numbers and meters; only what changed is painted."""
        if self._playing != state.playing:
            self._playing = state.playing
            self.transport.set_playing(state.playing)
            if not state.playing:
                self.lanes.mix_lane.header.show_file()
        if self._track is None or self.timeline.frames == 0:
            return
        if state.position_frames != self._position:
            was_seen = self.timeline.start <= self._position <= self.timeline.end
            self._show_position(state.position_frames)
            # Follows while it plays, unless the person has looked elsewhere.
            if state.playing and was_seen and not self._marking():
                self.timeline.reveal(state.position_frames)
        self.lanes.set_levels(state.peaks, state.master_peaks, state.rms, state.master_rms)
        if state.playing:
            self.lanes.mix_lane.header.show_playing(state.momentary_lufs, state.short_term_lufs)

    def _show_position(self, frame: int) -> None:
        self._position = frame
        self.lanes.playhead.set_frame(frame)
        self.transport.set_position(frame / self.timeline.sample_rate)

    def _marking(self) -> bool:
        return any(lane.wave.marking for lane in self.lanes.shown)

    # Intents

    def _on_seek(self, frame: int) -> None:
        if self.timeline.frames:
            self._show_position(frame)
            self.timeline.reveal(min(frame, self.timeline.frames - 1))
            self.seek_requested.emit(frame)

    def _on_start(self) -> None:
        self._on_seek(0)

    def _on_loop_toggled(self, on: bool) -> None:
        self.timeline.set_loop(self.timeline.loop, on=on)
        self.loop_toggled.emit(on)

    def _on_loop(self) -> None:
        self.transport.set_loop(self.timeline.loop_on)
        if self.timeline.effective_loop != self._loop:
            self._loop = self.timeline.effective_loop
            self.loop_changed.emit(self._loop)

    def _on_mix_edited(self, edit: MixEdit) -> None:
        self.mix_edited.emit(edit)
        self.mix_changed.emit(edit.after)

    def _on_ruler(self) -> None:
        self.ruler_changed.emit("bars" if self.timeline.bars else "seconds")

    def _on_snapping(self) -> None:
        self.snapping_changed.emit(self.timeline.snapping)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        low = event.size().height() < _LOW
        self._column.setContentsMargins(20, 10 if low else 16, 20, 6 if low else 12)
        self._column.setSpacing(8 if low else 12)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._track is None or not self._key(event):
            super().keyPressEvent(event)

    def _key(self, event: QKeyEvent) -> bool:
        key, modifiers = event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        shift = modifiers == Qt.KeyboardModifier.ShiftModifier
        control = modifiers == Qt.KeyboardModifier.ControlModifier
        if self.timeline.frames == 0:
            return False
        if key == Qt.Key.Key_0 and control:
            self.timeline.fit()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.timeline.zoom(_KEY_ZOOM, self._zoom_center())
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self.timeline.zoom(1 / _KEY_ZOOM, self._zoom_center())
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and (shift or not modifiers):
            way = 1 if key == Qt.Key.Key_Right else -1
            step = self.timeline.step_bar if shift else self.timeline.step
            self._on_seek(step(self._position, way))
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and (shift or not modifiers):
            focused = self.lanes.focused()
            if focused is None or not focused.header.fader.isEnabled():
                return False
            focused.header.fader.step(1 if key == Qt.Key.Key_Up else -1, fine=shift)
        elif key == Qt.Key.Key_F10 and shift:
            self.lanes.open_menu()
        elif key == Qt.Key.Key_S and shift:
            lane = self.lanes.focused_stem()
            if lane is None:
                return False
            self.lanes.solo_only(lane.name)
        elif key == Qt.Key.Key_K and shift:
            self.transport.metronome.toggle_count_in()
        elif key == Qt.Key.Key_L and shift and self.transport.loop_note.there:
            self.transport.loop_note.click()
        elif modifiers:
            return False
        else:
            return self._plain_key(event)
        return True

    def _plain_key(self, event: QKeyEvent) -> bool:
        key = event.key()
        if key == Qt.Key.Key_Space:
            self.play_requested.emit()
        elif key == Qt.Key.Key_Escape:
            self.stop_requested.emit()
        elif key == Qt.Key.Key_L:
            self.transport.loop.toggle()
        elif key == Qt.Key.Key_K:
            self.transport.metronome.click()
        elif key == Qt.Key.Key_N:
            self.timeline.toggle_snapping()
        elif key == Qt.Key.Key_I:
            self.header.open_recipe()
        elif key == Qt.Key.Key_E and not self.header.extend.isHidden():
            self.extend_requested.emit()
        elif key == Qt.Key.Key_T:
            self.separate_requested.emit()
        elif key == Qt.Key.Key_Home:
            self._on_seek(0)
        elif key == Qt.Key.Key_End:
            self._on_seek(self.timeline.frames)
        elif Qt.Key.Key_1 <= key <= Qt.Key.Key_9:
            return self.lanes.pick(key - Qt.Key.Key_0)
        elif key in (Qt.Key.Key_M, Qt.Key.Key_S):
            lane = self.lanes.focused_stem()
            if lane is None:
                return False
            (lane.header.mute if key == Qt.Key.Key_M else lane.header.solo).toggle()
        elif key == Qt.Key.Key_U:
            self.lanes.hear_all()
        elif key == Qt.Key.Key_C:
            self.lanes.clear_clips()
        else:
            return False
        return True

    def _zoom_center(self) -> float | None:
        """At the playhead where it is in sight, so that it stays there."""
        x = self.timeline.x_of(self._position)
        return x if 0 <= x <= self.timeline.width else None


def compared(one: Track, other: Track) -> bool:
    """Whether these are takes of one request, between which one goes to and fro."""
    return one.id == other.id or bool(one.group_id and one.group_id == other.group_id)
