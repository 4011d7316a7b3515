"""Sliders drawn by hand: the gain fader with its taper, and the pan; and their values as words, there and back."""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QSlider, QWidget

from nur_studio.core.mix import MAX_GAIN_DB, MIN_GAIN_DB
from nur_studio.gui.theme import theme_changed, tokens

_UNITY = 0.75  # where on its way a fader stands at 0 dB
_KNOB = 7.0  # px, radius
_FINE = 0.1  # of the pointer's way, with Shift
_ONE_GESTURE_S = 0.8  # turns of the wheel and presses of a key closer than this are one


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


def gain_of(text: str) -> float | None:
    """The gain a person typed, within a fader's range: `-3.5`, `−3,5 dB`, `-inf`. None where it is none."""
    plain = text.strip().lower().removesuffix("db").strip().replace("−", "-").replace(",", ".")
    if plain in ("-inf", "-∞", "∞"):
        return MIN_GAIN_DB
    value = _number(plain)
    return None if value is None else min(max(value, MIN_GAIN_DB), MAX_GAIN_DB)


def pan_of(text: str) -> float | None:
    """The pan a person typed: `C`, `L30`, `30R`, `-30`. None where it is none."""
    plain = text.strip().upper().removesuffix("%").strip().replace("−", "-").replace(",", ".")
    if plain == "C":
        return 0.0
    sides = [side for side in "LR" if plain.startswith(side) or plain.endswith(side)]
    value = _number(plain.strip("LR").strip())
    if value is None or len(sides) > 1 or (sides and value < 0):
        return None
    return min(max(value / 100 * (-1 if sides == ["L"] else 1), -1.0), 1.0)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


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
    """What fader and pan share: a mouse that takes hold of the knob, double click to the default, fine with Shift.

    `gesture` counts what a person does in one go, from press to release say: for an undo that is one step.
    """

    moved = Signal(float)  # by a person
    edit_requested = Signal()  # Return: the value is to be typed

    def __init__(self, default: int, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._default = default
        self.gesture = 0
        self._touched_at = -math.inf
        self._pointer = 0.0  # where the mouse was last
        self._virtual = 0.0  # where it would be without fine steps and the first grip: the knob follows this
        self._wheel = 0.0  # parts of a step
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

    def set_by_person(self, amount: float) -> None:
        """Go where a person wants it: `moved` tells, as a gesture of its own."""
        self.gesture += 1
        self.setValue(self._value_of(amount))

    def step(self, count: int, *, fine: bool = False) -> None:
        """As many steps on as a person wants, like the arrow keys."""
        self._touch()
        self.setValue(self.value() + count * (1 if fine else self.singleStep()))

    def _value_of(self, amount: float) -> int:
        raise NotImplementedError

    def _touch(self) -> None:
        """By wheel or key: another gesture, unless the last was just now."""
        now = time.monotonic()
        if now - self._touched_at > _ONE_GESTURE_S:
            self.gesture += 1
        self._touched_at = now

    def _groove(self) -> QRectF:
        middle = self.height() / 2
        return QRectF(_KNOB, middle - 2, max(1.0, self.width() - 2 * _KNOB), 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self.gesture += 1
        self._pointer = event.position().x()
        groove = self._groove()
        knob = groove.left() + groove.width() * self._way()
        gripped = abs(self._pointer - knob) <= _KNOB
        self._virtual = knob if gripped else self._pointer  # taken by the knob, nothing jumps
        if not gripped:
            self._follow(self._virtual)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not event.buttons() & Qt.MouseButton.LeftButton:
            return
        moved = event.position().x() - self._pointer
        self._pointer = event.position().x()
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._virtual += moved * (_FINE if fine else 1.0)
        self._follow(self._virtual, magnet=not fine)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.setValue(self._default)  # within the gesture of the first press, which may have moved it

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120 or event.angleDelta().x() / 120
        fine = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._touch()
        self._wheel += steps * (1 if fine else self.singleStep())  # a trackpad tells less than a step at a time
        whole = math.trunc(self._wheel)
        self._wheel -= whole
        self.setValue(self.value() + whole)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, shift = event.key(), event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self._touch()
            self.setValue(self._default)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not control:
            self.edit_requested.emit()
        elif shift and key in (Qt.Key.Key_Left, Qt.Key.Key_Down):
            self.step(-1, fine=True)
        elif shift and key in (Qt.Key.Key_Right, Qt.Key.Key_Up):
            self.step(1, fine=True)
        else:
            self._touch()
            super().keyPressEvent(event)

    def _follow(self, x: float, *, magnet: bool = True) -> None:
        groove = self._groove()
        way = min(max((x - groove.left()) / groove.width(), 0.0), 1.0)
        default_x = groove.left() + groove.width() * self._way_of(self._default)
        # A little magnet: the default is easy to find again.
        self.setValue(self._default if magnet and abs(x - default_x) < 3 else self._value_at(way))

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
        self._set_quietly(self._value_of(gain_db))

    def _value_of(self, amount: float) -> int:
        return round(amount * 10)

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
        self._set_quietly(self._value_of(pan))

    def _value_of(self, amount: float) -> int:
        return round(amount * 100)

    def _way_of(self, value: int) -> float:
        return (value + 100) / 200

    def _way(self) -> float:
        return self._way_of(self.value())

    def _value_at(self, way: float) -> int:
        return round(way * 200 - 100)

    def paintEvent(self, event: QPaintEvent) -> None:
        self._paint(0.5)
