"""The lanes of a track as one block: mix above the stems, one playhead over all, and the mix they are set to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nur_studio.core.mix import STEMS, Channel, Mix
from nur_studio.gui.lane import Lane, MixLane, StemLane
from nur_studio.gui.lane_header import Touch
from nur_studio.gui.lane_names import LANE_ORDER, in_order, lane_title
from nur_studio.gui.meters import Level
from nur_studio.gui.playhead import Playhead
from nur_studio.gui.ruler import HEIGHT as RULER_HEIGHT
from nur_studio.gui.timeline import Timeline
from nur_studio.gui.waveform import Look, Peaks, is_silent, peak_of

_FILL = 0.96  # of a lane's height, for the loudest lane
_MANY = 4  # stems; where there are more they are drawn closer together
_LEAST, _LEAST_OF_MANY = 56, 43
_SILENT: Level = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class MixEdit:
    """What a person did at the strips. Edits in a row with the same `touch` are one, as those of a drag are."""

    before: Mix
    after: Mix
    touch: object = None


class Lanes(QWidget):
    """Mix and stems; all of them drawn to one scale, so that what is louder is larger."""

    mix_edited = Signal(object)  # MixEdit
    seek_requested = Signal(object)
    drag_pressed = Signal(object)  # Held
    drag_requested = Signal(object)  # Held
    menu_requested = Signal(str, QPoint)  # name of a lane, where on the screen

    def __init__(self, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._mix = Mix()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.playhead = Playhead(timeline, self)
        self.mix_lane = MixLane("mix", lane_title("mix"), timeline)
        self.lanes: dict[str, Lane] = {}  # all that there ever were; hidden where the track has no such stem
        self._stems: dict[str, StemLane] = {}
        self.shown: list[Lane] = [self.mix_lane]
        """Those on show, from the top."""
        self._add(self.mix_lane, 5)
        header = self.mix_lane.header
        header.master_changed.connect(self._on_master)
        header.reset_requested.connect(self.reset_mix)
        self.set_stems(STEMS)

    def _add(self, lane: Lane, stretch: int) -> None:
        before = [name for name in ("mix", *LANE_ORDER) if name in self.lanes or name == lane.name].index(lane.name)
        self._column.insertWidget(before, lane, stretch)
        lane.seek_requested.connect(self.seek_requested)
        lane.drag_pressed.connect(self.drag_pressed)
        lane.drag_requested.connect(self.drag_requested)
        lane.menu_requested.connect(self.menu_requested)
        lane.wave.installEventFilter(self)
        self.lanes[lane.name] = lane

    def _stem(self, name: str) -> StemLane:
        """The lane of a stem, made when a track first has it."""
        if name not in self._stems:
            lane = StemLane(name, lane_title(name), self._timeline)
            self._add(lane, 3)
            self._stems[name] = lane
            lane.channel_changed.connect(self._on_channel)
            lane.header.solo_only_requested.connect(lambda: self.solo_only(name))
            lane.header.unmute_all_requested.connect(self.unmute_all)
            lane.header.unsolo_all_requested.connect(self.unsolo_all)
        return self._stems[name]

    def set_stems(self, stems: Sequence[str]) -> None:
        """The stems that the track has, or will have: a lane for each, none for others."""
        many = len(stems) > _MANY
        least = _LEAST_OF_MANY if many else _LEAST
        self.shown = [self.mix_lane, *(self._stem(name) for name in in_order(stems))]
        for lane in self.lanes.values():
            lane.setVisible(lane in self.shown)
        for number, shown in enumerate(self.shown, start=1):
            shown.set_place(number, least, compact=many)
        self._set_spacing()

    @property
    def stems(self) -> tuple[str, ...]:
        """The names of the stems on show."""
        return tuple(lane.name for lane in self.shown if lane is not self.mix_lane)

    # Peaks

    def show_peaks(self, stems: Sequence[str], peaks: Mapping[str, Peaks], frames: int) -> None:
        """Draw the mix and these stems; what has no peaks yet says that it is loading."""
        self.set_stems(stems)
        drawn = [peaks[lane.name] for lane in self.shown if lane.name in peaks]
        loudest = max((peak_of(p, frames) for p in drawn), default=0.0)
        scale = _FILL / max(loudest, 0.05)
        for lane in self.shown:
            known = peaks.get(lane.name)
            silent = known is not None and is_silent(known, frames)
            note = self.tr("silent") if silent else "" if known is not None else self.tr("loading …")
            lane.set_peaks(known, scale=scale, note=note, silent=silent)
            lane.set_ready(known is not None)

    def show_growing(self, peaks: Peaks, *, stems: Sequence[str] = STEMS) -> None:
        """The mix while it is made; `stems` come with the end, where the engine makes any."""
        self.set_stems(stems)
        for lane in self.shown:
            lane.set_ready(False)
            lane.set_peaks(peaks if lane is self.mix_lane else None, scale=_FILL)

    def grown(self) -> None:
        self.mix_lane.wave.item.refresh()

    # The mix

    @property
    def mix(self) -> Mix:
        return self._mix

    def set_mix(self, mix: Mix) -> None:
        """Set all strips without telling anyone. Strips of stems that are not on show are dropped."""
        self._mix = mix.within(self.stems)
        for lane in self._stems.values():
            lane.header.set_channel(self._mix.channel(lane.name))
        self._show_looks()

    def reset_mix(self) -> None:
        """Everything as it was made."""
        self._edit(Mix())

    def unmute_all(self) -> None:
        self._edit(self._mix.unmuted())

    def unsolo_all(self) -> None:
        self._edit(self._mix.unsoloed())

    def hear_all(self) -> None:
        """Nothing muted, nothing soloed."""
        self._edit(self._mix.unmuted().unsoloed())

    def solo_only(self, name: str) -> None:
        """Only this one; where it is that already, all."""
        self._edit(self._mix.solo_only(name))

    def _edit(self, mix: Mix, touch: object = None) -> None:
        """Set what a person asked for, and tell, where it is another one."""
        before = self._mix
        self.set_mix(mix)
        if self._mix != before:
            self.mix_edited.emit(MixEdit(before, self._mix, touch))

    def _on_channel(self, name: str, channel: Channel, touch: Touch) -> None:
        self._edit(self._mix.with_channel(name, channel), touch and (name, *touch))

    def _on_master(self, master_db: float, touch: Touch) -> None:
        self._edit(replace(self._mix, master_db=master_db), touch)

    def _show_looks(self) -> None:
        self.mix_lane.header.set_master(self._mix.master_db, touched=self._mix != Mix())
        for name, lane in self._stems.items():
            muted = self._mix.channel(name).mute
            lane.set_look(Look.MUTED if muted else Look.LIT if self._mix.audible(name) else Look.DIMMED)

    # Lanes by number, focus

    def pick(self, number: int) -> bool:
        """Focus the `number`th visible lane, counted from 1."""
        if not 1 <= number <= len(self.shown):
            return False
        self.shown[number - 1].setFocus(Qt.FocusReason.ShortcutFocusReason)
        return True

    def focused(self) -> Lane | None:
        """The lane that has the focus, itself or in one of its controls."""
        return next((lane for lane in self.shown if lane.isAncestorOf(self._focus()) or lane.hasFocus()), None)

    def open_menu(self) -> None:
        """The menu of the lane that has the focus, else of the mix."""
        (self.focused() or self.mix_lane).ask_menu()

    def focused_stem(self) -> StemLane | None:
        """That lane, where there is something to mute."""
        lane = self.focused()
        return lane if isinstance(lane, StemLane) and lane.header.mute.isEnabled() else None

    def _focus(self) -> QWidget:
        return self.focusWidget() or self

    # Meters

    def set_levels(
        self,
        peaks: Mapping[str, Level],
        master: Level,
        rms: Mapping[str, Level] | None = None,
        master_rms: Level = _SILENT,
    ) -> None:
        for name, lane in self._stems.items():
            lane.header.meter.set_levels(peaks.get(name, _SILENT), (rms or {}).get(name, _SILENT))
        self.mix_lane.header.meter.set_levels(master, master_rms)

    @property
    def falling(self) -> bool:
        """Whether a meter still falls."""
        return any(lane.header.meter.falling for lane in self.lanes.values())

    def reset_meters(self) -> None:
        for lane in self.lanes.values():
            lane.header.meter.reset()

    def clear_clips(self) -> None:
        """All clip lights out."""
        for lane in self.lanes.values():
            lane.header.meter.clear_clip()

    # Geometry

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide):
            self._align()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: object) -> None:
        self._set_spacing()
        self._align()

    def _set_spacing(self) -> None:
        count = len(self.shown)
        self._column.setSpacing(8 if self.height() >= 100 * count - 100 else 5 if self.height() >= 54 * count else 4)

    def _align(self) -> None:
        lane = self.mix_lane
        left = lane.x() + lane.wave.x()
        self._timeline.set_width(float(lane.wave.width()), self.devicePixelRatioF())
        last = max((w.geometry().bottom() for w in self.shown), default=0)
        top = lane.y() + 1
        self.playhead.set_area(left, left + lane.wave.width(), top, last - top, RULER_HEIGHT)
        self.playhead.raise_()
