"""Small shared widgets: icon and M/S buttons, elided and fact lines, numbers that change often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QToolButton, QWidget

from nur_studio.gui.icons import icon
from nur_studio.gui.theme import scaled_font, theme_changed, tokens


class ElidedLabel(QLabel):
    """One line that ends in … where it has no room; the whole text is its tooltip then."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.set_text(text)

    @property
    def whole_text(self) -> str:
        return self._whole

    def set_text(self, text: str) -> None:
        self._whole = " ".join(text.split())
        self.setAccessibleName(self._whole)
        self._fit()
        self.updateGeometry()

    def _fit(self) -> None:
        room = self.contentsRect().width()
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, max(0, room))
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._whole) + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()


@dataclass(frozen=True, slots=True)
class Fact:
    """A few words in the colour of a token."""

    text: str
    color: str = "dim"


class FactsLine(QWidget):
    """Facts in a row, each in its colour; the last ones give way where there is no room."""

    def __init__(
        self, separator: str = " · ", *, size: int = 12, badge: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._separator, self._size, self._badge = separator, size, badge
        self._facts: tuple[Fact, ...] = ()
        policy = QSizePolicy.Policy.Fixed if badge else QSizePolicy.Policy.Ignored
        self.setSizePolicy(policy, QSizePolicy.Policy.Fixed)
        self.setHidden(badge)  # until there is something to say
        theme_changed().connect(self.update)

    @property
    def text(self) -> str:
        return self._separator.join(f.text for f in self._facts)

    def set_facts(self, facts: Sequence[Fact]) -> None:
        kept = tuple(f for f in facts if f.text)
        if kept == self._facts:
            return
        self._facts = kept
        self.setAccessibleName(self.text)
        self.setVisible(bool(kept) or not self._badge)
        self.updateGeometry()
        self._tell()
        self.update()

    def _font(self) -> QFont:
        return scaled_font(self._size)

    def _needed(self) -> int:
        return QFontMetrics(self._font()).horizontalAdvance(self.text) + (20 if self._badge else 0)

    def _tell(self) -> None:
        if not self._badge:
            self.setToolTip(self.text if self._needed() > self.width() else "")

    def sizeHint(self) -> QSize:
        return QSize(self._needed() + 2, 26 if self._badge else 18)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint() if self._badge else QSize(40, 18)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._tell()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, end = 0.0, float(self.width())
        if self._badge:
            painter.setPen(colors.color("line"))
            painter.setBrush(colors.color("raised"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
            x, end = 10.0, end - 8
        font = self._font()
        painter.setFont(font)
        metrics = QFontMetrics(font)
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        for number, fact in enumerate(self._facts):
            for text, color in ((self._separator if number else "", "faint"), (fact.text, fact.color)):
                if not text or x >= end - 4:
                    continue
                shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(end - x))
                painter.setPen(colors.color(color))
                painter.drawText(QRectF(x, 0, end - x, self.height()), middle, shown)
                x += metrics.horizontalAdvance(shown)


class NumberLabel(QWidget):
    """A number that changes many times a second: fixed width, painted, no layout pass."""

    def __init__(
        self,
        widest: str,
        *,
        size: int = 12,
        color: str = "dim",
        weight: QFont.Weight = QFont.Weight.Normal,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._widest, self._size, self._color, self._weight = widest, size, color, weight
        self._align = align | Qt.AlignmentFlag.AlignVCenter
        self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme_changed().connect(self.update)

    @property
    def text(self) -> str:
        return self._text

    def set_text(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.update()

    def set_widest(self, widest: str) -> None:
        if widest != self._widest:
            self._widest = widest
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(scaled_font(self._size, self._weight))
        return QSize(metrics.horizontalAdvance(self._widest) + 2, max(18, metrics.height()))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(scaled_font(self._size, self._weight))
        painter.setPen(tokens().color(self._color if self.isEnabled() else "faint"))
        painter.drawText(self.rect(), self._align, self._text)


def icon_button(
    name: str, tip: str, *, role: str = "icon", size: int = 18, color: str | None = None, on: str | None = None
) -> QToolButton:
    """A button that is only an icon; `tip` is its tooltip and, up to the first bracket, its accessible name."""
    button = QToolButton()
    button.setIcon(icon(name, color, on=on))
    button.setIconSize(QSize(size, size))
    button.setProperty("role", role)
    button.setToolTip(tip)
    button.setAccessibleName(tip.split(" (")[0])
    # A click leaves the keys with the track; Tab still reaches the button.
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


class StripButton(QToolButton):
    """The M or S of a lane. With Ctrl (Cmd) or Alt held, a click means something else and leaves it as it is."""

    ctrl_clicked = Signal()
    alt_clicked = Signal()

    def __init__(self, letter: str, name: str, role: str) -> None:
        super().__init__()
        self.setText(letter)
        self.setCheckable(True)
        self.setProperty("role", role)
        self.setToolTip(name)
        self.setAccessibleName(name.split(" (")[0])
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        modifiers = event.modifiers()
        if event.button() == Qt.MouseButton.LeftButton and modifiers & Qt.KeyboardModifier.ControlModifier:
            self.ctrl_clicked.emit()
        elif event.button() == Qt.MouseButton.LeftButton and modifiers & Qt.KeyboardModifier.AltModifier:
            self.alt_clicked.emit()
        else:
            super().mousePressEvent(event)


def line(role: str) -> QFrame:
    """A hairline; `role` "line" lies, "vline" stands."""
    frame = QFrame()
    frame.setProperty("role", role)
    return frame
