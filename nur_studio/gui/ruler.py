"""The ruler above the lanes: bars or seconds, sections by name, and the loop region."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetrics,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from nur_studio.gui.ruler_corner import ruler_menu
from nur_studio.gui.ruler_labels import Label, lay_out
from nur_studio.gui.theme import scaled_font, theme_changed, tokens
from nur_studio.gui.time_mouse import TimeMouse
from nur_studio.gui.timeline import Timeline
from nur_studio.gui.waveform import draw_loop

HEIGHT = 24
_NEAR_PX = 6  # a section's mark is met within so much
_FONT_PX = 11


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
            self.tr(
                "Click: play from here. Drag: mark a loop. Alt or Shift: off the grid. Wheel: zoom. Shift+wheel: pan. "
                "Right click: what it counts and snaps to."
            )
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
        painter.fillRect(QRectF(0, height - 1, self.width(), 1), colors.color("line"))
        if timeline.frames:
            for tick in timeline.ticks():
                x = timeline.device_x(tick.frame)
                length = (4.0, 8.0, height)[tick.weight]
                painter.fillRect(QRectF(x, height - length, 1, length), colors.color("line"))
            self._draw_sections(painter, colors.wave("mix"))
            painter.setFont(scaled_font(_FONT_PX))
            inks = {"section": colors.wave("mix"), "bar": colors.color("dim"), "beat": colors.color("faint")}
            for label in self.labels():
                painter.setPen(inks[label.kind])
                box = QRectF(label.x, 0, label.width + 2, height - 1)
                painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, label.text)
        painter.end()
        return pixmap

    def labels(self) -> list[Label]:
        """What is written, and where."""
        metrics = QFontMetrics(scaled_font(_FONT_PX))

        def elided(text: str, room: float) -> str:
            return metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(room))

        return lay_out(self._timeline, metrics.horizontalAdvance, elided)

    def _draw_sections(self, painter: QPainter, color: QColor) -> None:
        """A small flag where a section begins; its whole name is the tooltip there."""
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

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.accept()  # or it would be the lane's
        if self._timeline.has_beats:
            ruler_menu(self._timeline, self).popup(event.globalPos())

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and (name := self.section_at(event.pos().x())):
            QToolTip.showText(event.globalPos(), name, self)
            return True
        # Only pinches: other events also come while this is being made or taken apart.
        pinch = event.type() == QEvent.Type.NativeGesture and self.mouse.gesture(event)
        return pinch or super().event(event)
