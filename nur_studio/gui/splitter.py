"""A splitter whose handle is a hairline."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSplitter, QSplitterHandle

from nur_studio.gui.theme import tokens


class _Handle(QSplitterHandle):
    """A hairline that is wide enough to be caught."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        middle = self.height() // 2
        painter.fillRect(0, 0, self.width(), middle, QColor(tokens().background))
        painter.fillRect(0, middle, self.width(), self.height() - middle, QColor(tokens().panel))
        painter.fillRect(0, middle, self.width(), 1, QColor(tokens().accent if self.underMouse() else tokens().line))
        painter.end()


class Splitter(QSplitter):
    """Two parts of the window, and what is between them."""

    def createHandle(self) -> QSplitterHandle:
        return _Handle(self.orientation(), self)
