"""A lane: its strip, its waveform, and the handle that drags it out as a file."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QEnterEvent, QFocusEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from nur_studio.core.mix import Channel
from nur_studio.gui.drag import Held
from nur_studio.gui.drag_sources import DragHandle, RegionGrip
from nur_studio.gui.lane_header import HEADER_WIDTH, LaneHeader, MixHeader, StemHeader, Touch
from nur_studio.gui.ruler import HEIGHT as RULER_HEIGHT
from nur_studio.gui.ruler import Ruler
from nur_studio.gui.ruler_corner import RulerCorner, SnapButton
from nur_studio.gui.theme import theme_changed, tokens
from nur_studio.gui.timeline import Timeline
from nur_studio.gui.waveform import Look, Peaks, WaveView
from nur_studio.studio.dragging import midi_of

_GRIP_INSET = 7  # px from the corner of the marked region: its edges are taken hold of as well
_GRIP_ROOM = 44  # px a marked region has at least, to have a grip


class Lane(QFrame):
    """One row of the track. Focusable: M and S act on the lane that has the focus."""

    seek_requested = Signal(object)
    drag_pressed = Signal(object)  # Held
    drag_requested = Signal(object)  # Held
    menu_requested = Signal(str, QPoint)  # name, where on the screen

    _always_grip = False

    def __init__(self, name: str, title: str, timeline: Timeline, header: LaneHeader) -> None:
        super().__init__()
        self.name, self.header = name, header
        self._timeline = timeline
        self._target = self._hovered = False
        self.setProperty("role", "lane")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("{lane} lane").format(lane=title))
        self.wave = WaveView(timeline, name)
        self.wave.setAccessibleName(self.tr("{lane} waveform").format(lane=title))
        self.wave.setToolTip("")
        self.handle = DragHandle(self.tr("Drag {lane} into another program as a file").format(lane=title))
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 1, 1, 1)
        row.setSpacing(0)
        row.addWidget(header)
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addWidget(self.wave, 1)
        row.addLayout(self._column, 1)
        row.addWidget(self.handle)
        self.wave.seek_requested.connect(self.seek_requested)
        self.grip = RegionGrip(
            self.tr("Drag this part of {lane} into another program as a file").format(lane=title), self
        )
        self._wire_drags()
        self.wave.installEventFilter(self)
        timeline.loop_changed.connect(self._place_grip)
        timeline.range_changed.connect(self._place_grip)
        self._place_grip()
        theme_changed().connect(self.update)

    def _wire_drags(self) -> None:
        handle, grip, wave = self.handle, self.grip, self.wave
        handle.pressed.connect(lambda: self.drag_pressed.emit(self._held()))
        handle.dragged.connect(lambda: self.drag_requested.emit(self._held()))
        handle.notes_pressed.connect(lambda: self.drag_pressed.emit(self._held(notes=True)))
        handle.notes_dragged.connect(lambda: self.drag_requested.emit(self._held(notes=True)))
        grip.pressed.connect(lambda: self.drag_pressed.emit(self._held(marked=True)))
        grip.dragged.connect(lambda: self.drag_requested.emit(self._held(marked=True)))
        wave.files_pressed.connect(lambda marked: self.drag_pressed.emit(self._held(marked=marked)))
        wave.files_dragged.connect(lambda marked: self.drag_requested.emit(self._held(marked=marked)))

    def _held(self, *, notes: bool = False, marked: bool = False) -> Held:
        return Held((midi_of(self.name) if notes else self.name,), self._timeline.loop if marked else None)

    def set_progress(self, held: Held, progress: float | None) -> None:
        """How far files are that are to be dragged out here; None: nothing is written for them."""
        if held.parts in ((self.name,), (midi_of(self.name),)):
            (self.handle if held.span is None else self.grip).set_progress(progress)

    def set_place(self, number: int, height: int, *, compact: bool = False) -> None:
        """Which key picks it, and how low it may become."""
        self.header.set_number(number)
        self.header.set_compact(compact)
        self.setMinimumHeight(height)

    def sizeHint(self) -> QSize:
        return QSize(720, self.minimumHeight() + 8)

    def set_peaks(self, peaks: Peaks | None, *, scale: float = 1.0, note: str = "", silent: bool = False) -> None:
        self.wave.item.set_peaks(peaks, scale=scale, note=note, silent=silent)

    def set_look(self, look: Look) -> None:
        if look is not self.wave.item.look:
            self.wave.item.set_look(look)
            self.update()

    def set_ready(self, ready: bool) -> None:
        """Whether there is something to mix and to drag."""
        self.header.set_ready(ready)
        self.handle.setEnabled(ready)
        self._place_grip()

    def set_target(self, on: bool) -> None:
        """Whether what is dragged over it would be dropped here."""
        self._target = on
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            self.ask_menu()
        elif self.handle.isEnabled():
            self.menu_requested.emit(self.name, event.globalPos())

    def ask_menu(self) -> None:
        """Its menu, at the name, for the keyboard."""
        if self.handle.isEnabled():
            self.menu_requested.emit(self.name, self.header.name.mapToGlobal(self.header.name.rect().bottomLeft()))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        # The frame and its rounded corners by hand: a style sheet's would leave the waveform's corners square.
        colors = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(colors.color("accent" if self.hasFocus() or self._target else "line"))
        painter.setBrush(colors.color("raised" if self._target else "panel"))
        painter.drawRoundedRect(whole, 7, 7)
        edge = QPainterPath()
        edge.addRoundedRect(QRectF(10, 10, 4, self.height() - 20), 2, 2)
        look = self.wave.item.look
        painter.setOpacity(0.35 if look is Look.DIMMED else 1.0)
        painter.fillPath(edge, colors.color("faint") if look is Look.MUTED else colors.wave(self.name))
        painter.setOpacity(1.0)
        line = colors.color("line")
        left = float(self.header.geometry().right())
        painter.fillRect(QRectF(left, 1, 1, self.height() - 2), line)
        painter.fillRect(QRectF(float(self.handle.x()), 1, 1, self.height() - 2), line)

    # The grip of the marked region

    def _place_grip(self) -> None:
        """In the upper right corner of what is marked, as far as that is in sight; of stems where the pointer is."""
        left, right = 0.0, -1.0
        if self._timeline.loop is not None and self.handle.isEnabled() and (self._hovered or self._always_grip):
            left, right = (self._timeline.x_of(frame) for frame in self._timeline.loop)
        right = min(right, self._timeline.width)
        shown = right - max(left, 0.0) >= _GRIP_ROOM
        if shown:
            x = self._column.geometry().x() + round(right) - self.grip.width() - _GRIP_INSET
            self.grip.move(x, self.wave.y() + _GRIP_INSET)
            self.grip.raise_()
        self.grip.setVisible(shown)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hovered = True
        self._place_grip()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = False
        self._place_grip()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._place_grip()
        return super().eventFilter(watched, event)


class StemLane(Lane):
    """A part of the mix."""

    channel_changed = Signal(str, object, object)  # name, Channel, Touch
    header: StemHeader

    def __init__(self, name: str, title: str, timeline: Timeline) -> None:
        super().__init__(name, title, timeline, StemHeader(title))
        self.header.channel_changed.connect(self._on_channel)

    def _on_channel(self, channel: Channel, touch: Touch) -> None:
        self.channel_changed.emit(self.name, channel, touch)


class MixLane(Lane):
    """The sum, under the ruler of all."""

    header: MixHeader
    _always_grip = True

    def __init__(self, name: str, title: str, timeline: Timeline) -> None:
        super().__init__(name, title, timeline, MixHeader(title))
        self.ruler = Ruler(timeline)
        self.ruler.seek_requested.connect(self.seek_requested)
        self._column.insertWidget(0, self.ruler)
        self.corner = RulerCorner(timeline, self.header)
        self.snap = SnapButton(timeline, self.header)

    def set_place(self, number: int, height: int, *, compact: bool = False) -> None:
        super().set_place(number, height + RULER_HEIGHT, compact=compact)

    def resizeEvent(self, event: object) -> None:
        self.corner.adjustSize()
        self.corner.move(HEADER_WIDTH - self.corner.width() - 6, (RULER_HEIGHT - self.corner.height()) // 2)
        self.snap.adjustSize()
        self.snap.move(self.corner.x() - self.snap.width() - 1, (RULER_HEIGHT - self.snap.height()) // 2)
