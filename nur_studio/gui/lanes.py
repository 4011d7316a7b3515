"""The lanes of a track as one block: mix above the stems, one playhead over all, and the mix they are set to."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nur_studio.core.mix import STEMS, Channel, Mix
from nur_studio.gui.lane import Lane
from nur_studio.gui.playhead import Playhead
from nur_studio.gui.ruler import HEIGHT as RULER_HEIGHT
from nur_studio.gui.timeline import Timeline
from nur_studio.gui.waveform import Look, Peaks, is_silent, peak_of

_FILL = 0.96  # of a lane's height, for the loudest lane


class Lanes(QWidget):
    """Mix and stems; all of them drawn to one scale, so that what is louder is larger."""

    mix_changed = Signal(object)
    seek_requested = Signal(object)
    drag_pressed = Signal(object)
    drag_requested = Signal(object)

    def __init__(self, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._mix = Mix()
        titles = {
            "mix": self.tr("Mix"),
            "drums": self.tr("Drums"),
            "bass": self.tr("Bass"),
            "vocals": self.tr("Vocals"),
            "other": self.tr("Other"),
        }
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.lanes: dict[str, Lane] = {}
        for number, name in enumerate(("mix", *STEMS), start=1):
            lane = Lane(name, titles[name], timeline, number=number, ruler=name == "mix", height=56)
            self._column.addWidget(lane, 5 if name == "mix" else 3)
            lane.channel_changed.connect(self._on_channel)
            lane.seek_requested.connect(self.seek_requested)
            lane.drag_pressed.connect(self.drag_pressed)
            lane.drag_requested.connect(self.drag_requested)
            self.lanes[name] = lane
        self.playhead = Playhead(timeline, self)
        self.lanes["mix"].wave.installEventFilter(self)
        self.lanes["other"].wave.installEventFilter(self)

    # Peaks

    def show_peaks(self, peaks: Mapping[str, Peaks], frames: int) -> None:
        """Draw what there is; stems that are not there are not shown."""
        loudest = max((peak_of(p, frames) for p in peaks.values()), default=0.0)
        scale = _FILL / max(loudest, 0.05)
        stems = any(stem in peaks for stem in STEMS)
        for name, lane in self.lanes.items():
            known = peaks.get(name)
            lane.setVisible(name == "mix" or stems)
            silent = known is not None and is_silent(known, frames)
            note = self.tr("silent") if silent else "" if known is not None else self.tr("loading …")
            lane.set_peaks(known, scale=scale, note=note, silent=silent)
            lane.set_ready(known is not None)

    def show_growing(self, peaks: Peaks, *, stems: bool = True) -> None:
        """The mix while it is made; `stems` come with the end, where the engine makes any."""
        for name, lane in self.lanes.items():
            lane.setVisible(name == "mix" or stems)
            lane.set_ready(False)
            lane.set_peaks(peaks if name == "mix" else None, scale=_FILL)

    def grown(self) -> None:
        self.lanes["mix"].wave.item.refresh()

    # The mix

    @property
    def mix(self) -> Mix:
        return self._mix

    def set_mix(self, mix: Mix) -> None:
        """Set all strips without telling anyone."""
        self._mix = mix
        for stem in STEMS:
            self.lanes[stem].header.set_channel(mix.channel(stem))
        self._show_looks()

    def _on_channel(self, name: str, channel: Channel) -> None:
        self._mix = self._mix.with_channel(name, channel)
        self._show_looks()
        self.mix_changed.emit(self._mix)

    def _show_looks(self) -> None:
        for stem in STEMS:
            muted = self._mix.channel(stem).mute
            look = Look.MUTED if muted else Look.LIT if self._mix.audible(stem) else Look.DIMMED
            self.lanes[stem].set_look(look)

    # Lanes by number, focus

    def pick(self, number: int) -> bool:
        """Focus the `number`th visible lane, counted from 1."""
        shown = [lane for lane in self.lanes.values() if not lane.isHidden()]
        if not 1 <= number <= len(shown):
            return False
        shown[number - 1].setFocus(Qt.FocusReason.ShortcutFocusReason)
        return True

    def focused(self) -> Lane | None:
        """The lane that has the focus, itself or in one of its controls."""
        return next((lane for lane in self.lanes.values() if lane.isAncestorOf(self._focus()) or lane.hasFocus()), None)

    def _focus(self) -> QWidget:
        return self.focusWidget() or self

    # Meters

    def set_levels(self, peaks: Mapping[str, tuple[float, float]], master: tuple[float, float]) -> None:
        for name, lane in self.lanes.items():
            left, right = master if name == "mix" else peaks.get(name, (0.0, 0.0))
            lane.header.meter.set_peaks(left, right)

    @property
    def falling(self) -> bool:
        """Whether a meter still falls."""
        return any(lane.header.meter.falling for lane in self.lanes.values())

    def reset_meters(self) -> None:
        for lane in self.lanes.values():
            lane.header.meter.reset()

    # Geometry

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._align()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: object) -> None:
        self._column.setSpacing(8 if self.height() >= 400 else 5)
        self._align()

    def _align(self) -> None:
        lane = self.lanes["mix"]
        left = lane.x() + lane.wave.x()
        self._timeline.set_width(float(lane.wave.width()), self.devicePixelRatioF())
        last = max((w.geometry().bottom() for w in self.lanes.values() if not w.isHidden()), default=0)
        top = lane.y() + 1
        self.playhead.set_area(left, left + lane.wave.width(), top, last - top, RULER_HEIGHT)
        self.playhead.raise_()
