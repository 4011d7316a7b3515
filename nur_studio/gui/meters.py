"""Level meters: two thin bars with falling peaks, repainted only when a pixel of them changes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from nur_studio.gui.theme import theme_changed, tokens

FLOOR_DB = -54.0
_FALL_DB_S = 26.0
_HOLD_S = 1.2
_HOT_DB = -6.0


def meter_way(linear: float) -> float:
    """0 to 1 along the meter for a linear peak: a decibel scale that gives the top more room."""
    if linear <= 0.0:
        return 0.0
    level = 20.0 * math.log10(linear)
    return min(1.0, max(0.0, 1.0 - level / FLOOR_DB)) ** 1.25


class LevelMeter(QWidget):
    """A stereo peak meter; red at the end once full scale was reached, until clicked or reset."""

    def __init__(self, parent: QWidget | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(parent)
        self._clock = clock
        self._levels = [0.0, 0.0]  # linear, falling
        self._held = [0.0, 0.0]
        self._held_at = [0.0, 0.0]
        self._last = clock()
        self._shown: tuple[int, ...] = (0, 0, 0, 0, 0)
        self.clipped = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(10)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, False)
        theme_changed().connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(84, 10)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 10)

    def set_peaks(self, left: float, right: float) -> None:
        """The highest linear peaks since the last call; call it also with zeros, so that the bars fall."""
        now = self._clock()
        # Nothing to fall and nothing new: a silent meter costs nothing.
        if left <= 0.0 and right <= 0.0 and not any(self._levels) and not any(self._held):
            self._last = now
            return
        fall = 10.0 ** (-_FALL_DB_S * min(now - self._last, 0.5) / 20.0)
        self._last = now
        for side, peak in enumerate((left, right)):
            level = max(peak, self._levels[side] * fall)
            self._levels[side] = level if level > 1e-3 else 0.0
            if peak >= self._held[side]:
                self._held[side], self._held_at[side] = peak, now
            elif now - self._held_at[side] > _HOLD_S:
                held = self._held[side] * fall
                self._held[side] = held if held > 1e-3 else 0.0
        if max(left, right) > 1.0:
            self.clipped = True
        self._refresh()

    @property
    def falling(self) -> bool:
        """Whether something of the last sound is still to be seen: `set_peaks` is to be called on."""
        return any(self._levels) or any(self._held)

    def reset(self) -> None:
        self._levels, self._held = [0.0, 0.0], [0.0, 0.0]
        self.clipped = False
        self._refresh()

    def _refresh(self) -> None:
        scale = self.width() * self.devicePixelRatio()
        shown = (*(int(meter_way(v) * scale) for v in (*self._levels, *self._held)), int(self.clipped))
        if shown != self._shown:
            self._shown = shown
            self.update()

    @property
    def shown(self) -> tuple[int, ...]:
        """Device px of left, right, held left, held right; then 1 if clipped."""
        return self._shown

    def paintEvent(self, event: QPaintEvent) -> None:
        colors, dpr = tokens(), self.devicePixelRatio()
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        width = float(self.width())
        hot = width * meter_way(10 ** (_HOT_DB / 20))
        ground = colors.color("line")
        good = colors.color("good" if self.isEnabled() else "faint")
        for side, top in enumerate((1.0, 5.5)):
            level, held = self._shown[side] / dpr, self._shown[2 + side] / dpr
            painter.fillRect(QRectF(0, top, width, 3.5), ground)
            painter.fillRect(QRectF(0, top, min(level, hot), 3.5), good)
            if level > hot:
                painter.fillRect(QRectF(hot, top, level - hot, 3.5), colors.color("bass"))
            if held > 1:
                painter.fillRect(QRectF(held - 1.5, top, 1.5, 3.5), colors.color("bass") if held > hot else good)
            if self.clipped:
                painter.fillRect(QRectF(width - 3, top, 3, 3.5), colors.color("error"))
