"""Sliders drawn by hand: the gain fader with its taper, and the pan."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from nur_studio.core.mix import MAX_GAIN_DB, MIN_GAIN_DB
from nur_studio.gui.theme import theme_changed, tokens

_UNITY = 0.75  # where on its way a fader stands at 0 dB
_KNOB = 7.0  # px, radius


def gain_text(gain_db: float) -> str:
    """`−∞`, `−3.5`, `0.0`, `+2.0`: decibels as faders show them."""
    if gain_db <= MIN_GAIN_DB:
        return "−∞"
    rounded = round(gain_db, 1) + 0.0
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else ''}{abs(rounded):.1f}"


def pan_text(pan: float) -> str:
    """`C`, `L30`, `R100`."""
    percent = round(abs(pan) * 100)
    return "C" if percent == 0 else f"{'L' if pan < 0 else 'R'}{percent}"


def fader_way(gain_db: float) -> float:
    """0 to 1 for a gain: square law up to 0 dB at three quarters, linear above."""
    if gain_db <= MIN_GAIN_DB:
        return 0.0
    if gain_db >= 0.0:
        return _UNITY + (1.0 - _UNITY) * min(gain_db, MAX_GAIN_DB) / MAX_GAIN_DB
    return _UNITY * 10.0 ** (gain_db / 40.0)


def fader_gain(way: float) -> float:
    """The gain in dB at `way`, 0 to 1; the very bottom is closed."""
    if way >= _UNITY:
        return (min(way, 1.0) - _UNITY) / (1.0 - _UNITY) * MAX_GAIN_DB
    floor = _UNITY * 10.0 ** (MIN_GAIN_DB / 40.0)
    return MIN_GAIN_DB if way <= floor else 40.0 * math.log10(way / _UNITY)


class _Slider(QSlider):
    """What fader and pan share: absolute mouse, double click to the default, fine steps with Shift."""

    moved = Signal(float)  # by a person

    def __init__(self, default: int, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._default = default
        self.setFixedHeight(20)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.valueChanged.connect(self._on_value)
        theme_changed().connect(self.update)
        self._told = True

    def minimumSizeHint(self) -> QSize:
        return QSize(36, 20)

    def amount(self) -> float:
        raise NotImplementedError

    def _way(self) -> float:
        raise NotImplementedError

    def _value_at(self, way: float) -> int:
        raise NotImplementedError

    def _on_value(self) -> None:
        self.update()
        if self._told:
            self.moved.emit(self.amount())

    def _set_quietly(self, value: int) -> None:
        self._told = False
        self.setValue(value)
        self._told = True

    def _groove(self) -> QRectF:
        middle = self.height() / 2
        return QRectF(_KNOB, middle - 2, max(1.0, self.width() - 2 * _KNOB), 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._follow(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._follow(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.setValue(self._default)

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120 or event.angleDelta().x() / 120
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.setValue(self.value() + round(steps * (1 if fine else self.singleStep())))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.setValue(self._default)
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.setValue(self.value() + (1 if event.key() == Qt.Key.Key_Right else -1))
            return
        super().keyPressEvent(event)

    def _follow(self, point: QPointF) -> None:
        groove = self._groove()
        way = min(max((point.x() - groove.left()) / groove.width(), 0.0), 1.0)
        default_x = groove.left() + groove.width() * self._way_of(self._default)
        # A little magnet: the default is easy to find again.
        self.setValue(self._default if abs(point.x() - default_x) < 3 else self._value_at(way))

    def _way_of(self, value: int) -> float:
        raise NotImplementedError

    def _paint(self, fill_from: float) -> None:
        colors = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        groove, way, on = self._groove(), self._way(), self.isEnabled()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.color("line"))
        painter.drawRoundedRect(groove, 2, 2)
        knob = groove.left() + groove.width() * way
        anchor = groove.left() + groove.width() * fill_from
        if on:
            painter.setBrush(colors.color("faint"))
            painter.drawRoundedRect(QRectF(min(anchor, knob), groove.top(), abs(knob - anchor), 4), 2, 2)
        default_x = groove.left() + groove.width() * self._way_of(self._default)
        painter.setBrush(colors.color("faint"))
        painter.drawRect(QRectF(round(default_x) - 0.5, groove.bottom() + 2.5, 1, 3))
        center = QPointF(knob, groove.center().y())
        if self.hasFocus():
            painter.setBrush(colors.color("accent"))
            painter.drawEllipse(center, _KNOB, _KNOB)
        painter.setBrush(colors.color("text" if on else "faint"))
        painter.drawEllipse(center, _KNOB - 1.5, _KNOB - 1.5)


class Fader(_Slider):
    """Gain from −∞ to +6 dB; `moved` carries dB. Its value is in tenths of a decibel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, parent)
        self.setRange(round(MIN_GAIN_DB * 10), round(MAX_GAIN_DB * 10))
        self.setSingleStep(5)
        self.setPageStep(30)
        self._set_quietly(0)

    def amount(self) -> float:
        return self.value() / 10

    def set_gain(self, gain_db: float) -> None:
        self._set_quietly(round(gain_db * 10))

    def _way_of(self, value: int) -> float:
        return fader_way(value / 10)

    def _way(self) -> float:
        return fader_way(self.value() / 10)

    def _value_at(self, way: float) -> int:
        return round(fader_gain(way) * 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._paint(0.0)


class PanSlider(_Slider):
    """Left to right; `moved` carries −1 to +1. Its value is in percent."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, parent)
        self.setRange(-100, 100)
        self.setSingleStep(5)
        self.setPageStep(25)

    def amount(self) -> float:
        return self.value() / 100

    def set_pan(self, pan: float) -> None:
        self._set_quietly(round(pan * 100))

    def _way_of(self, value: int) -> float:
        return (value + 100) / 200

    def _way(self) -> float:
        return self._way_of(self.value())

    def _value_at(self, way: float) -> int:
        return round(way * 200 - 100)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._paint(0.5)
