"""The ruler above the lanes: bars or seconds, the loop region, and the corner that switches between them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QToolTip, QWidget

from nur_studio.gui.theme import scaled_font, theme_changed, tokens
from nur_studio.gui.time_mouse import TimeMouse
from nur_studio.gui.timeline import Timeline
from nur_studio.gui.waveform import draw_loop

HEIGHT = 24
_NEAR_PX = 6  # a section's mark is met within so much


class Ruler(QWidget):
    """The numbers of the timeline. It takes the same mouse as the waveforms."""

    seek_requested = Signal(object)

    def __init__(self, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._cache: QPixmap | None = None
        self.mouse = TimeMouse(self, timeline)
        self.mouse.seek_requested.connect(self.seek_requested)
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(self.tr("Ruler"))
        self.setToolTip(
            self.tr("Click: play from here. Drag: mark a loop (Alt: off the beat). Wheel: zoom. Shift+wheel: pan.")
        )
        for signal in (timeline.range_changed, timeline.loop_changed, timeline.ruler_changed, theme_changed()):
            signal.connect(self.refresh)

    def refresh(self) -> None:
        self._cache = None
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(400, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        dpr = self.devicePixelRatioF()
        if self._cache is None or self._cache.size() != self.size() * dpr:
            self._cache = self._draw(dpr)
        QPainter(self).drawPixmap(0, 0, self._cache)

    def _draw(self, dpr: float) -> QPixmap:
        pixmap = QPixmap(self.size() * dpr)
        pixmap.setDevicePixelRatio(dpr)
        colors, timeline, height = tokens(), self._timeline, float(self.height())
        pixmap.fill(colors.color("panel"))
        painter = QPainter(pixmap)
        if timeline.loop is not None:
            draw_loop(painter, colors, timeline, timeline.loop, height)
            self._draw_handles(painter, timeline.loop, colors.color("accent" if timeline.loop_on else "faint"))
        painter.setFont(scaled_font(11))
        painter.fillRect(QRectF(0, height - 1, self.width(), 1), colors.color("line"))
        if timeline.frames:
            for tick in timeline.ticks():
                x = timeline.device_x(tick.frame)
                length = (4.0, 8.0, height)[tick.weight]
                painter.fillRect(QRectF(x, height - length, 1, length), colors.color("line"))
                if tick.label and x < self.width() - 8:
                    painter.setPen(colors.color("dim" if tick.weight == 2 else "faint"))
                    painter.drawText(QRectF(x + 6, 0, 80, height - 1), Qt.AlignmentFlag.AlignVCenter, tick.label)
            self._draw_sections(painter, colors.wave("mix"))
        painter.end()
        return pixmap

    def _draw_sections(self, painter: QPainter, color: QColor) -> None:
        """A small flag where a section begins; its name is the tooltip there."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        foot = self.height() - 1.0
        for frame, _ in self._timeline.section_starts():
            x = self._timeline.device_x(frame)
            painter.drawPolygon(QPolygonF([QPointF(x, foot - 7), QPointF(x + 7, foot - 3.5), QPointF(x, foot)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def section_at(self, x: float) -> str:
        """What begins at `x`, in words for people; "" where nothing does."""
        for frame, section in self._timeline.section_starts():
            if -_NEAR_PX / 2 <= x - self._timeline.x_of(frame) <= _NEAR_PX * 1.5:
                return self.tr("Bar {bar}: {name}").format(bar=section.start_bar + 1, name=section.name)
        return ""

    def _draw_handles(self, painter: QPainter, loop: tuple[int, int], color: QColor) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        for frame, way in zip(loop, (1, -1), strict=True):
            x = self._timeline.device_x(frame)
            painter.drawPolygon(QPolygonF([QPointF(x, 0), QPointF(x + 7 * way, 0), QPointF(x, 7)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mouse.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.mouse.wheel(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and (name := self.section_at(event.pos().x())):
            QToolTip.showText(event.globalPos(), name, self)
            return True
        # Only pinches: other events also come while this is being made or taken apart.
        pinch = event.type() == QEvent.Type.NativeGesture and self.mouse.gesture(event)
        return pinch or super().event(event)


class RulerCorner(QToolButton):
    """Says what the ruler counts, and counts the other at a click."""

    def __init__(self, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self.setProperty("role", "corner")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._on_clicked)
        timeline.ruler_changed.connect(self._say)
        timeline.range_changed.connect(self._say)  # another track: perhaps one without bars
        self._say()

    def _on_clicked(self) -> None:
        self._timeline.set_bars(not self._timeline.bars)

    def _say(self) -> None:
        timeline = self._timeline
        self.setEnabled(timeline.has_beats)
        self.setText(self.tr("Bars") if timeline.bars and timeline.has_beats else self.tr("Time"))
        if not timeline.has_beats:
            tip = self.tr("No steady beat is claimed: there are no bars to count")
        else:
            tip = self.tr("Count in seconds") if timeline.bars else self.tr("Count in bars")
        self.setToolTip(tip)
        self.setAccessibleName(tip)
