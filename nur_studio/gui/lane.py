"""A lane: its header (name, M, S, meter, gain, pan), its waveform, and the handle that drags it out as a file."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from nur_studio.core.mix import Channel
from nur_studio.gui.controls import NumberLabel, strip_button
from nur_studio.gui.faders import Fader, PanSlider, gain_text, pan_text
from nur_studio.gui.meters import LevelMeter
from nur_studio.gui.ruler import Ruler, RulerCorner
from nur_studio.gui.theme import theme_changed, tokens
from nur_studio.gui.timeline import Timeline
from nur_studio.gui.waveform import Look, Peaks, WaveView

HEADER_WIDTH = 264
HANDLE_WIDTH = 24


class DragHandle(QWidget):
    """Six dots to take hold of. `pressed` comes at hover and at press, so that the files are ready in time."""

    pressed = Signal()
    dragged = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._from: QPointF | None = None
        self._hovered = False
        self.setFixedWidth(HANDLE_WIDTH)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setAccessibleName(name)
        self.setToolTip(name)
        theme_changed().connect(self.update)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hovered = True
        self.update()
        if self.isEnabled():
            self.pressed.emit()

    def leaveEvent(self, event: object) -> None:
        self._hovered = False
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._from = event.position()
            self.pressed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._from is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        if (event.position() - self._from).manhattanLength() >= QApplication.startDragDistance():
            self._from = None
            self.dragged.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._from = None

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        lit = self._hovered and self.isEnabled()
        painter.setBrush(tokens().color("text" if lit else "dim" if self.isEnabled() else "line"))
        center = QRectF(self.rect()).center()
        for column in (-2.5, 2.5):
            for row in (-5.0, 0.0, 5.0):
                painter.drawEllipse(QPointF(center.x() + column, center.y() + row), 1.25, 1.25)


class LaneHeader(QWidget):
    """The strip at the left. The mix has no strip of its own: it shows its loudness instead."""

    channel_changed = Signal(object)  # Channel

    def __init__(self, name: str, *, stem: bool, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._channel = Channel()
        self.setFixedWidth(HEADER_WIDTH)
        self.name = QLabel(name)
        self.name.setToolTip(self.tr("Press {number} to pick this lane").format(number=number))
        self.meter = LevelMeter()
        self.meter.setAccessibleName(self.tr("{lane} level").format(lane=name))
        self.meter.setToolTip(self.tr("Level; red once it went over full scale"))
        self.mute = strip_button("M", self.tr("Mute {lane} (M)").format(lane=name), "mute")
        self.solo = strip_button("S", self.tr("Solo {lane} (S)").format(lane=name), "solo")
        self.fader = Fader()
        self.fader.setAccessibleName(self.tr("{lane} gain").format(lane=name))
        self.fader.setToolTip(self.tr("Gain, −∞ to +6 dB; double click: 0 dB; Shift: finer"))
        self.pan = PanSlider()
        self.pan.setAccessibleName(self.tr("{lane} pan").format(lane=name))
        self.pan.setToolTip(self.tr("Pan; double click: centre"))
        self.gain_label = NumberLabel("−59.9", align=Qt.AlignmentFlag.AlignRight)
        self.pan_label = NumberLabel("R100", align=Qt.AlignmentFlag.AlignRight)
        self.loudness = NumberLabel("−14.0 LUFS · −1.2 dBTP", size=11)
        self.strip = (self.mute, self.solo, self.fader, self.pan, self.gain_label, self.pan_label)
        rows = QGridLayout(self)
        rows.setContentsMargins(20, 6, 12, 6)
        rows.setVerticalSpacing(6)
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.name, 1)
        self.meter.setFixedWidth(92)
        if stem:
            top.addWidget(self.mute)
            top.addWidget(self.solo)
        top.addSpacing(2)
        top.addWidget(self.meter)
        rows.addLayout(top, 1, 0)
        bottom = QHBoxLayout()
        bottom.setSpacing(6)
        if stem:
            bottom.addWidget(self.fader, 3)
            bottom.addWidget(self.gain_label)
            bottom.addSpacing(2)
            bottom.addWidget(self.pan, 2)
            bottom.addWidget(self.pan_label)
        else:
            bottom.addWidget(self.loudness)
            bottom.addStretch(1)
            for unused in self.strip:
                unused.setParent(self)
                unused.hide()
        rows.addLayout(bottom, 2, 0)
        rows.setRowStretch(0, 1)
        rows.setRowStretch(3, 1)
        self.mute.toggled.connect(self._on_strip)
        self.solo.toggled.connect(self._on_strip)
        self.fader.moved.connect(self._on_strip)
        self.pan.moved.connect(self._on_strip)
        self._say()

    @property
    def channel(self) -> Channel:
        return self._channel

    def set_channel(self, channel: Channel) -> None:
        """Show a strip without telling anyone."""
        self._channel = channel
        for button, on in ((self.mute, channel.mute), (self.solo, channel.solo)):
            blocked = button.blockSignals(True)
            button.setChecked(on)
            button.blockSignals(blocked)
        self.fader.set_gain(channel.gain_db)
        self.pan.set_pan(channel.pan)
        self._say()

    def set_loudness(self, lufs: float | None, peak_dbtp: float | None) -> None:
        """Integrated loudness and true peak; None is left out."""
        parts = []
        if lufs is not None:
            parts.append(f"{gain_text(lufs)} LUFS")
        if peak_dbtp is not None:
            parts.append(f"{gain_text(peak_dbtp)} dBTP")
        self.loudness.set_text(" · ".join(parts))
        self.loudness.setToolTip(self.tr("Integrated loudness and true peak of the mix") if parts else "")

    def _on_strip(self) -> None:
        self._channel = replace(
            self._channel,
            gain_db=self.fader.amount(),
            pan=self.pan.amount(),
            mute=self.mute.isChecked(),
            solo=self.solo.isChecked(),
        )
        self._say()
        self.channel_changed.emit(self._channel)

    def _say(self) -> None:
        self.gain_label.set_text(gain_text(self._channel.gain_db))
        self.pan_label.set_text(pan_text(self._channel.pan))


class Lane(QFrame):
    """One row of the track. Focusable: M and S act on the lane that has the focus."""

    channel_changed = Signal(str, object)  # name, Channel
    seek_requested = Signal(object)
    drag_pressed = Signal(object)  # parts
    drag_requested = Signal(object)

    def __init__(
        self, name: str, title: str, timeline: Timeline, *, number: int, ruler: bool = False, height: int = 64
    ) -> None:
        super().__init__()
        self.name, self.color = name, name
        self.setProperty("role", "lane")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("{lane} lane").format(lane=title))
        self.header = LaneHeader(title, stem=not ruler, number=number)
        self.wave = WaveView(timeline, name)
        self.wave.setAccessibleName(self.tr("{lane} waveform").format(lane=title))
        self.wave.setToolTip("")
        self.handle = DragHandle(self.tr("Drag {lane} into another program as a file").format(lane=title))
        self.setMinimumHeight(height if not ruler else height + 24)
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 1, 1, 1)
        row.setSpacing(0)
        row.addWidget(self.header)
        self.ruler: Ruler | None = None
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        if ruler:
            self.ruler = Ruler(timeline)
            self.ruler.seek_requested.connect(self.seek_requested)
            column.addWidget(self.ruler)
            self.corner = RulerCorner(timeline, self.header)
        column.addWidget(self.wave, 1)
        row.addLayout(column, 1)
        row.addWidget(self.handle)
        self.header.channel_changed.connect(self._on_channel)
        self.wave.seek_requested.connect(self.seek_requested)
        for source in (self.handle.pressed, self.wave.files_pressed):
            source.connect(self._on_files_pressed)
        for source in (self.handle.dragged, self.wave.files_dragged):
            source.connect(self._on_files_dragged)
        theme_changed().connect(self.update)

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
        for widget in (*self.header.strip, self.handle):
            widget.setEnabled(ready)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)

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
        painter.setPen(colors.color("accent" if self.hasFocus() else "line"))
        painter.setBrush(colors.color("panel"))
        painter.drawRoundedRect(whole, 7, 7)
        edge = QPainterPath()
        edge.addRoundedRect(QRectF(10, 10, 4, self.height() - 20), 2, 2)
        look = self.wave.item.look
        painter.setOpacity(0.35 if look is Look.DIMMED else 1.0)
        painter.fillPath(edge, colors.color("faint") if look is Look.MUTED else colors.wave(self.color))
        painter.setOpacity(1.0)
        line = colors.color("line")
        left = float(self.header.geometry().right())
        painter.fillRect(QRectF(left, 1, 1, self.height() - 2), line)
        painter.fillRect(QRectF(float(self.handle.x()), 1, 1, self.height() - 2), line)

    def resizeEvent(self, event: object) -> None:
        if self.ruler is not None:
            self.corner.adjustSize()
            self.corner.move(HEADER_WIDTH - self.corner.width() - 4, 2)

    def _on_channel(self, channel: Channel) -> None:
        self.channel_changed.emit(self.name, channel)

    def _on_files_pressed(self) -> None:
        self.drag_pressed.emit((self.name,))

    def _on_files_dragged(self) -> None:
        self.drag_requested.emit((self.name,))
