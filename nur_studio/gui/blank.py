"""What stands where the lanes would be: nothing made yet, waiting, failed."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from nur_studio.core.mix import STEMS
from nur_studio.gui.theme import set_role, theme_changed, tokens


class Blank(QWidget):
    """A heading, a sentence, perhaps a way on."""

    action_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figure = _StillWaves()
        self.heading, self.sentence = QLabel(), QLabel()
        self.heading.setProperty("role", "heading")
        self.sentence.setProperty("role", "field")
        for label in (self.heading, self.sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setMaximumWidth(440)
            label.setMinimumWidth(0)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.action = QPushButton()
        self.action.clicked.connect(self.action_requested)
        column = QVBoxLayout(self)
        column.setContentsMargins(32, 16, 32, 16)
        column.setSpacing(8)
        column.addStretch(3)
        column.addWidget(self.figure, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(16)
        for label in (self.heading, self.sentence):
            row = QHBoxLayout()
            row.addStretch(1)
            row.addWidget(label, 100)
            row.addStretch(1)
            column.addLayout(row)
        column.addSpacing(8)
        column.addWidget(self.action, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(4)

    def say(self, heading: str, sentence: str, *, action: str = "", fault: bool = False) -> None:
        self.heading.setText(heading)
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))
        set_role(self.sentence, "error" if fault else "field")
        self.figure.set_fault(fault)
        self.action.setText(action)
        self.action.setVisible(bool(action))


class _StillWaves(QWidget):
    """Four quiet waves in the colours of the stems."""

    def __init__(self) -> None:
        super().__init__()
        self._fault = False
        self.setFixedSize(208, 72)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme_changed().connect(self.update)

    def set_fault(self, fault: bool) -> None:
        self._fault = fault
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bars, colors = 34, tokens()
        pitch = self.width() / bars
        for bar in range(bars):
            swell = math.sin(math.pi * (bar + 0.5) / bars)
            stem = STEMS[bar * len(STEMS) // bars]
            color = QColor(colors.color("faint" if self._fault else stem))
            color.setAlphaF(0.85)
            painter.setBrush(color)
            ripple = abs(math.sin(bar * 1.7) * 0.65 + math.sin(bar * 0.61) * 0.35)
            height = 4.0 if self._fault else 4 + 60 * swell * ripple
            painter.drawRoundedRect(QRectF(bar * pitch + 1, (self.height() - height) / 2, 3.5, height), 1.75, 1.75)
