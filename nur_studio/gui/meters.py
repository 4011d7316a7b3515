"""Level meters: RMS as the body, peaks above it that hold and fall, a light that says it clipped."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from nur_studio.gui.faders import gain_text
from nur_studio.gui.theme import blend, theme_changed, tokens

FLOOR_DB = -54.0
CLIPS = 1.0001  # linear; what is above full scale by rounding alone is not over it
_FALL_DB_S = 26.0
_HOLD_S = 1.2
_HOT_DB = -6.0
_GONE = 1e-3  # linear; below the floor
_HEIGHT, _BAR = 12, 5.0
_LIGHT, _GAP = 6.0, 3.0  # the clip light's width, and its distance from the bars

Level = tuple[float, float]  # left and right, linear


def meter_way(linear: float) -> float:
    """0 to 1 along the meter for a linear level: a decibel scale that gives the top more room."""
    if linear <= 0.0:
        return 0.0
    level = 20.0 * math.log10(linear)
    return float(min(1.0, max(0.0, 1.0 - level / FLOOR_DB)) ** 1.25)


class LevelMeter(QWidget):
    """A stereo meter, repainted only when a pixel of it changes. The clip light stays until clicked or reset."""

    def __init__(
        self, name: str = "", parent: QWidget | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._levels = [0.0, 0.0]  # linear, falling
        self._rms = [0.0, 0.0]
        self._held = [0.0, 0.0]
        self._held_at = [0.0, 0.0]
        self._last = clock()
        self._shown: tuple[int, ...] = (0,) * 7
        self.highest = 0.0  # linear, since it was last reset
        self.clipped = False
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)
        theme_changed().connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(92, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, _HEIGHT)

    def set_levels(self, peaks: Level, rms: Level = (0.0, 0.0)) -> None:
        """The highest peaks since the last call, and the RMS now; call it also with zeros, so that the bars fall."""
        now = self._clock()
        # Nothing to fall and nothing new: a silent meter costs nothing.
        if max(peaks) <= 0.0 and not self.falling:
            self._last = now
            return
        fall = 10.0 ** (-_FALL_DB_S * min(now - self._last, 0.5) / 20.0)
        self._last = now
        for side, peak in enumerate(peaks):
            self._levels[side] = _audible(max(peak, self._levels[side] * fall))
            self._rms[side] = _audible(max(rms[side], self._rms[side] * fall))
            if peak >= self._held[side]:
                self._held[side], self._held_at[side] = peak, now
            elif now - self._held_at[side] > _HOLD_S:
                self._held[side] = _audible(self._held[side] * fall)
        self.highest = max(self.highest, *peaks)
        if self.highest > CLIPS:
            self._set_clipped(True)
        self._refresh()

    @property
    def falling(self) -> bool:
        """Whether something of the last sound is still to be seen: `set_levels` is to be called on."""
        return any(self._levels) or any(self._held) or any(self._rms)

    def reset(self) -> None:
        """Nothing was ever heard."""
        self._levels, self._rms, self._held = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
        self.clear_clip()

    def clear_clip(self) -> None:
        """The light goes out, and the highest peak is sought anew."""
        self.highest = 0.0
        self._set_clipped(False)
        self._refresh()

    def _set_clipped(self, clipped: bool) -> None:
        if clipped != self.clipped:
            self.clipped = clipped
            self.setAccessibleDescription(self.tr("went over full scale") if clipped else "")
            self.setCursor(Qt.CursorShape.PointingHandCursor if clipped else Qt.CursorShape.ArrowCursor)

    def _refresh(self) -> None:
        scale = self._bars * self.devicePixelRatio()
        values = (*self._levels, *self._held, *self._rms)
        shown = (*(int(meter_way(v) * scale) for v in values), int(self.clipped))
        if shown != self._shown:
            self._shown = shown
            self.update()

    @property
    def _bars(self) -> float:
        return self.width() - _LIGHT - _GAP

    @property
    def shown(self) -> tuple[int, ...]:
        """Device px of left, right, held left, held right, RMS left, RMS right; then 1 if clipped."""
        return self._shown

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.clipped:
            self.clear_clip()
        else:
            event.ignore()  # the lane is picked

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._told(), self)
            return True
        return super().event(event)

    def _told(self) -> str:
        if self.highest <= 0.0:
            return self.tr("Level: RMS, and the peaks above it")
        peak = gain_text(20.0 * math.log10(self.highest))
        if self.clipped:
            return self.tr("Over full scale: the highest peak was {peak} dBFS. Click, or C: clear").format(peak=peak)
        return self.tr("Level: RMS, and the peaks above it. The highest was {peak} dBFS").format(peak=peak)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors, dpr = tokens(), self.devicePixelRatio()
        painter = QPainter(self)
        width = self._bars
        hot = width * meter_way(10 ** (_HOT_DB / 20))
        ground = colors.color("line")
        cool = colors.color("good" if self.isEnabled() else "faint")
        warm = colors.wave("bass")
        pale_cool, pale_warm = (QColor(blend(ground.name(), c.name(), 0.45)) for c in (cool, warm))
        for side, top in enumerate((0.5, 6.5)):
            level, held, rms = (self._shown[side + pair] / dpr for pair in (0, 2, 4))
            painter.fillRect(QRectF(0, top, width, _BAR), ground)
            for end, low, high in ((level, pale_cool, pale_warm), (min(rms, level), cool, warm)):
                painter.fillRect(QRectF(0, top, min(end, hot), _BAR), low)
                if end > hot:
                    painter.fillRect(QRectF(hot, top, end - hot, _BAR), high)
            if held > 1:
                painter.fillRect(QRectF(held - 1.5, top, 1.5, _BAR), warm if held > hot else cool)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.color("error") if self.clipped else ground)
        painter.drawRoundedRect(QRectF(self.width() - _LIGHT, 0.5, _LIGHT, _HEIGHT - 1.0), 2, 2)


def _audible(level: float) -> float:
    return level if level > _GONE else 0.0
