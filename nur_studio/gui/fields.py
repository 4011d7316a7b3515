"""Pieces of the forms: numbers that carry what was typed, a sentence at a fault, widgets that flow like words."""

from __future__ import annotations

import math
from abc import abstractmethod

from PySide6.QtCore import QMimeData, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QLabel, QLayout, QLayoutItem, QLineEdit, QPlainTextEdit, QWidget

from nur_studio.gui.theme import tokens

_PADDING = 11  # px from the border to what is written, as the style has it
_BEFORE_SUFFIX = 6
_CURSOR = 6  # and the margins around what is written: with less, a line edit scrolls


class _StepField(QLineEdit):
    """A line whose value steps with Up, Down and the wheel, by ten steps with the Page keys; may carry a suffix, which
    gives way to the value where there is no room for both.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._suffix = self._shown_suffix = ""
        self.setMaxLength(24)
        self.setAcceptDrops(False)  # a file that is dropped here is the panel's
        self.textChanged.connect(self.changed)
        self.textChanged.connect(self._fit_suffix)

    @abstractmethod
    def step(self, by: int) -> None:
        """Go `by` steps up."""

    def set_suffix(self, suffix: str) -> None:
        """A unit or remark at the right edge, not part of the value."""
        if suffix == self._suffix:
            return
        self._suffix = suffix
        self._fit_suffix()

    @property
    def suffix(self) -> str:
        return self._suffix

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(hint.width() - self.textMargins().right(), hint.height())

    def _fit_suffix(self) -> None:
        """As many of its first words as there is room for."""
        width = self.fontMetrics().horizontalAdvance
        room = self.width() - 2 * _PADDING - _BEFORE_SUFFIX - width(self.text() or self.placeholderText()) - _CURSOR
        words = self._suffix.split()
        while words and width(" ".join(words)) > room:
            words.pop()
        self._shown_suffix = " ".join(words).removesuffix(" ·")
        taken = width(self._shown_suffix) + _BEFORE_SUFFIX if self._shown_suffix else 0
        self.setTextMargins(0, 0, taken, 0)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_suffix()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.step(step)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus() and event.angleDelta().y():
            self.step(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._shown_suffix:
            painter = QPainter(self)
            painter.setPen(QColor(tokens().dim))
            box = self.rect().adjusted(0, 0, -_PADDING, 0)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._shown_suffix)
            painter.end()


class NumberField(_StepField):
    """A whole number, or nothing for "you decide".

    It keeps whatever is typed, out of range or not a number at all: the core says what is wrong with it.
    Steps stay within `low` to `high`.
    """

    def __init__(self, low: int, high: int, start: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high, self._start = low, high, start

    def value(self) -> int | str | None:
        """The number; None where empty; the text itself where it is no whole number."""
        text = self.text().strip()
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            return text

    def set_value(self, value: int | None) -> None:
        self.setText("" if value is None else str(value))

    def set_range(self, low: int, high: int) -> None:
        """What steps stay within."""
        self._low, self._high = low, high

    def set_start(self, start: int) -> None:
        """Where stepping begins from an empty field."""
        self._start = start

    def step(self, by: int) -> None:
        value = self.value()
        if isinstance(value, str):
            return
        stepped = self._start if value is None else value + by
        self.set_value(min(self._high, max(self._low, stepped)))


class DecimalField(_StepField):
    """A number with a point or a comma, or nothing for "you decide"; it too keeps whatever is typed."""

    def __init__(self, low: float, high: float, start: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._low, self._high, self._start = low, high, start

    def value(self) -> float | str | None:
        """The number; None where empty; the text itself where it is none."""
        text = self.text().strip()
        if not text:
            return None
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            return text
        return value if math.isfinite(value) else text

    def set_value(self, value: float | None) -> None:
        self.setText("" if value is None else f"{value:g}")

    def step(self, by: int) -> None:
        value = self.value()
        if isinstance(value, str):
            return
        stepped = self._start if value is None else round(value + by * 0.1, 3)
        self.set_value(min(self._high, max(self._low, stepped)))


class TextField(QPlainTextEdit):
    """Several lines of words. Tab leaves it, Ctrl+Enter belongs to the panel."""

    def __init__(self, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._height = height
        self.setTabChangesFocus(True)

    def sizeHint(self) -> QSize:
        # Small by itself: in a low window the fields below come first, in a tall one the layout may let it grow.
        return QSize(super().sizeHint().width(), self._height)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return not source.hasUrls() and super().canInsertFromMimeData(source)  # files are the panel's

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
        else:
            super().keyPressEvent(event)


class FaultLabel(QLabel):
    """One sentence in the error colour below the field it is about; takes no room while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "error")
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    @property
    def sentence(self) -> str:
        return self.text()

    def say(self, sentence: str) -> None:
        """Show `sentence`; "" takes it away."""
        self.setText(sentence)
        self.setVisible(bool(sentence))


class FlowLayout(QLayout):
    """Widgets in reading order, wrapped like words. What does not fit into `most_rows` is left out."""

    def __init__(self, parent: QWidget | None = None, spacing: int = 8, most_rows: int = 1000) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._most_rows = most_rows
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), move=False)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        widest = max((item.minimumSize().width() for item in self._items), default=0)
        return QSize(widest, self.heightForWidth(max(widest, self.geometry().width())))

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, move=True)

    def _place(self, rect: QRect, *, move: bool) -> int:
        x, y, height, rows = rect.x(), rect.y(), 0, 1
        for item in self._items:
            size = item.sizeHint().boundedTo(QSize(max(1, rect.width()), 10_000))
            if x > rect.x() and x + size.width() > rect.right() + 1:
                if rows == self._most_rows:
                    if move:
                        item.setGeometry(QRect(0, 0, 0, 0))
                    continue
                x, y, height, rows = rect.x(), y + height + self.spacing(), 0, rows + 1
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + self.spacing()
            height = max(height, size.height())
        return y + height - rect.y()
