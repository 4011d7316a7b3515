"""The one playhead over ruler and lanes: a narrow widget, so that moving it repaints a strip and no more."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QWidget

from nur_studio.gui.theme import theme_changed, tokens
from nur_studio.gui.timeline import Timeline

_WIDTH = 11  # px; the line is in the middle


class Playhead(QWidget):
    """Stands at `frame` of the timeline. `left` and `top` are where the waveforms begin in the parent."""

    def __init__(self, timeline: Timeline, parent: QWidget) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._frame = 0
        self._left, self._right, self._top = 0, 0, 0
        self._flag = 0
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        timeline.range_changed.connect(self._place)
        theme_changed().connect(self.update)

    @property
    def frame(self) -> int:
        return self._frame

    @property
    def line_x(self) -> float:
        """Where the line is, in the parent's px."""
        return self._left + self._timeline.device_x(self._frame)

    def set_frame(self, frame: int) -> None:
        if frame != self._frame:
            self._frame = frame
            self._place()

    def set_area(self, left: int, right: int, top: int, height: int, flag: int) -> None:
        """The waveforms' left and right edge; `flag` is the height of the ruler, in which the line has its head."""
        self._left, self._right, self._top, self._flag = left, right, top, flag
        self.setFixedSize(_WIDTH, max(1, height))
        self._place()

    def _place(self) -> None:
        x = self._left + self._timeline.x_of(self._frame)
        shown = self._timeline.frames > 0 and self._left - 0.5 <= x <= self._right + 0.5
        if shown:
            self.move(int(x) - _WIDTH // 2, self._top)
        if shown == self.isHidden():
            self.setVisible(shown)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        color = tokens().color("playhead")
        middle = _WIDTH // 2
        painter.fillRect(QRectF(middle, self._flag, 1.5, self.height() - self._flag), color)
        if self._flag:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            x, y = middle + 0.75, float(self._flag)
            painter.drawPolygon(QPolygonF([QPointF(x - 5, y - 8), QPointF(x + 5, y - 8), QPointF(x, y)]))
