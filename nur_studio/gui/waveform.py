"""A lane's waveform: grid, loop and peaks drawn once per view into a pixmap, in a pyqtgraph view without its mouse."""

from __future__ import annotations

import math
from enum import Enum
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QGraphicsView, QStyleOptionGraphicsItem, QWidget

from nur_studio.gui.theme import Tokens, blend, scaled_font, theme_changed, tokens
from nur_studio.gui.time_mouse import TimeMouse
from nur_studio.gui.timeline import Timeline

_Rows = NDArray[np.signedinteger[Any]]

SILENCE = 10 ** (-66 / 20)  # below it a lane counts as silent
_STEPS = 32  # of a pixel's height; lanes up to 1000 device px then fit 16 bits
_FINEST = 64  # frames per bin of the pyramid: nothing finer is known


class Peaks(Protocol):
    """What a lane draws from: the lowest and highest sample per column."""

    @property
    def frames(self) -> int: ...

    def view(
        self, start_frame: float, end_frame: float, columns: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...


class Look(Enum):
    """How loud a lane looks: as it is heard, kept back by another's solo, or muted."""

    LIT = "lit"
    DIMMED = "dimmed"
    MUTED = "muted"


class WaveView(pg.GraphicsView):
    """The waveform of one lane on the shared timeline."""

    seek_requested = Signal(object)
    files_pressed = Signal(bool)  # in the marked loop
    files_dragged = Signal(bool)

    mouse: TimeMouse | None = None  # not there yet while pyqtgraph's own constructor makes the viewport

    def __init__(self, timeline: Timeline, color: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None)
        self._timeline = timeline
        self._item = WaveItem(timeline, color)
        self.addItem(self._item)
        mouse = TimeMouse(self, timeline, files=True)
        mouse.seek_requested.connect(self.seek_requested)
        mouse.files_pressed.connect(self.files_pressed)
        mouse.files_dragged.connect(self.files_dragged)
        self.mouse = mouse
        self.viewport().installEventFilter(mouse)  # for pinches, which come to nothing else
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setAcceptDrops(False)  # the lanes' own
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.MinimalViewportUpdate)
        self.setOptimizationFlags(
            QGraphicsView.OptimizationFlag.DontSavePainterState
            | QGraphicsView.OptimizationFlag.DontAdjustForAntialiasing
        )
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)
        # The style sheet's background would be painted under every strip the playhead leaves.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.viewport().setAutoFillBackground(False)
        self.setMinimumSize(80, 32)

    @property
    def marking(self) -> bool:
        """Whether a loop is being marked here just now."""
        return self.mouse is not None and self.mouse.marking

    @property
    def item(self) -> WaveItem:
        return self._item

    def close(self) -> bool:
        # pyqtgraph's own takes the scene away under the view, which Qt then reaches for.
        return bool(QGraphicsView.close(self))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.mouse is not None:
            self._item.set_size(self.viewport().width(), self.viewport().height())

    # pyqtgraph's own mouse handling is not called: hovering and panning are ours.
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.mouse is not None:
            self.mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.mouse is not None:
            self.mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.mouse is not None:
            self.mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.mouse is not None:
            self.mouse.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.mouse is not None:
            self.mouse.wheel(event)


class WaveItem(pg.GraphicsObject):
    """Everything in a lane but the playhead. Any change marks it stale; the next painting draws it once."""

    def __init__(self, timeline: Timeline, color: str) -> None:
        super().__init__()
        self._timeline, self._color = timeline, color
        self._peaks: Peaks | None = None
        self._scale = 1.0
        self._look = Look.LIT
        self._note = ""
        self._silent = False
        self._bounds = QRectF(0, 0, 1, 1)
        self._cache: QPixmap | None = None
        timeline.range_changed.connect(self.refresh)
        timeline.loop_changed.connect(self.refresh)
        timeline.ruler_changed.connect(self.refresh)
        theme_changed().connect(self.refresh)

    # What is shown

    def set_peaks(self, peaks: Peaks | None, *, scale: float = 1.0, note: str = "", silent: bool = False) -> None:
        """Draw `peaks`, full scale at 1/`scale`; `note` is a word to say where there is nothing to draw."""
        self._peaks, self._scale, self._note, self._silent = peaks, scale, note, silent
        self.refresh()

    def set_look(self, look: Look) -> None:
        if look is not self._look:
            self._look = look
            self.refresh()

    @property
    def look(self) -> Look:
        return self._look

    @property
    def note(self) -> str:
        return self._note

    @property
    def cached(self) -> QPixmap | None:
        """The drawn view; None while it is stale."""
        return self._cache

    def set_size(self, width: int, height: int) -> None:
        self.prepareGeometryChange()
        self._bounds = QRectF(0, 0, max(1, width), max(1, height))
        self.refresh()

    def refresh(self) -> None:
        self._cache = None
        self.update()

    # Painting

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        dpr = widget.devicePixelRatioF() if widget is not None else 1.0
        if self._cache is None or self._cache.devicePixelRatio() != dpr:
            self._cache = self._draw(dpr)
        painter.drawPixmap(0, 0, self._cache)

    def _draw(self, dpr: float) -> QPixmap:
        width, height = round(self._bounds.width() * dpr), round(self._bounds.height() * dpr)
        pixmap = QPixmap(width, height)
        pixmap.setDevicePixelRatio(dpr)
        colors = tokens()
        pixmap.fill(colors.color("wave_ground"))
        painter = QPainter(pixmap)
        self._draw_grid(painter, colors)
        loop = self._timeline.loop
        if loop is not None:
            draw_loop(painter, colors, self._timeline, loop, self._bounds.height())
        tint = self._tint(colors)
        middle = math.floor(self._bounds.height() / 2 * dpr) / dpr
        there = self._peaks.frames if self._peaks is not None else self._timeline.frames
        ends = min(self._bounds.width(), self._timeline.device_x(there))
        line = QColor(tint)
        line.setAlphaF(0.45)
        painter.fillRect(QRectF(0, middle, max(0.0, ends), 1 / dpr), line)
        if self._peaks is not None and not self._silent and self._timeline.frames:
            image = self._wave(width, height, tint)
            if image is not None:
                image.setDevicePixelRatio(dpr)
                painter.drawImage(0, 0, image)
        if self._note:
            self._draw_note(painter, colors)
        painter.end()
        return pixmap

    def _tint(self, colors: Tokens) -> QColor:
        if self._look is Look.MUTED:
            return colors.color("faint")
        color = colors.wave(self._color)
        if self._look is Look.DIMMED:
            return QColor(blend(colors.wave_ground, color.name(), 0.34))
        return color

    def _draw_grid(self, painter: QPainter, colors: Tokens) -> None:
        height, dpr = self._bounds.height(), self._timeline.dpr
        beat = QColor(colors.grid)
        bar = QColor(blend(colors.grid, colors.line, 0.8))
        for tick in self._timeline.ticks():
            x = self._timeline.device_x(tick.frame)
            painter.fillRect(QRectF(x, 0, 1 / dpr if dpr > 1 else 1, height), bar if tick.weight else beat)

    def _draw_note(self, painter: QPainter, colors: Tokens) -> None:
        font = scaled_font(11)
        painter.setFont(font)
        width = painter.fontMetrics().horizontalAdvance(self._note)
        # The word interrupts the line, as on a drawn scale.
        box = QRectF(12, self._bounds.height() / 2 - 9, width + 12, 18)
        painter.fillRect(box, colors.color("wave_ground"))
        painter.setPen(colors.color("dim"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._note)

    def _wave(self, width: int, height: int, tint: QColor) -> QImage | None:
        timeline = self._timeline
        per_column = timeline.visible / width
        # Columns keep their frames while panning, or the wave would shimmer.
        first = math.floor(timeline.start / per_column + 1e-6)
        columns = min(width, math.ceil((timeline.frames - first * per_column) / per_column))
        if columns <= 0 or self._peaks is None:
            return None
        start = first * per_column
        low, high = column_peaks(self._peaks, start, start + columns * per_column, columns, timeline.frames)
        # Close up, where a column is shorter than a wave, neighbours need not agree on anything.
        body = min(1.0, max(0.0, (per_column - 200.0) / 600.0))
        return wave_image(low * self._scale, high * self._scale, width, height, tint, body)


def column_peaks(
    peaks: Peaks, start: float, end: float, columns: int, frames: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """`columns` lows and highs; between the finest bins the envelope is drawn as straight lines."""
    if end - start >= columns * _FINEST:
        return peaks.view(start, end, columns)
    first, last = math.floor(start / _FINEST) - 1, math.ceil(min(end, frames) / _FINEST) + 1
    low, high = peaks.view(first * _FINEST, last * _FINEST, last - first)
    centers = (np.arange(first, last) + 0.5) * _FINEST
    at = start + (np.arange(columns) + 0.5) * ((end - start) / columns)
    return np.interp(at, centers, low).astype(np.float32), np.interp(at, centers, high).astype(np.float32)


def wave_image(
    low: NDArray[np.float32], high: NDArray[np.float32], width: int, height: int, tint: QColor, body: float = 1.0
) -> QImage:
    """Columns of peaks as an image: half strength to the extremes, full where neighbours agree.

    The inner, stronger body is what a column and its neighbours all reach, so it shows what sustains and lets
    transients stand out; `body` 0 draws all of it strong. Edges are anti-aliased by how much of a pixel they cover.
    """
    columns = len(low)
    inner_high = high + (_agreed(high, np.minimum) - high) * np.float32(body)
    inner_low = low + (_agreed(low, np.maximum) - low) * np.float32(body)
    # Whole numbers in 32nds of a pixel: several times as fast as floats, and this runs for every frame of a zoom.
    kind: type[np.signedinteger[Any]] = np.int16 if height < 1000 else np.int32
    rows: _Rows = (np.arange(height) * _STEPS).astype(kind)[:, None]
    strength = _coverage(rows, height, low, high)
    strength += _coverage(rows, height, inner_low, inner_high)
    indexes = np.zeros((height, -(-width // 4) * 4), np.uint8)  # Qt wants rows of whole words
    indexes[:, :columns] = strength
    image = QImage(indexes.data, width, height, indexes.shape[1], QImage.Format.Format_Indexed8)
    image.setColorTable(_strengths(tint.rgb()))
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)  # of its own: the array ends here


def _coverage(rows: _Rows, height: int, low: NDArray[np.float32], high: NDArray[np.float32]) -> _Rows:
    middle, reach = math.floor(height / 2) + 0.5, height / 2 - 1
    top = ((middle - np.clip(high, -1, 1) * reach) * _STEPS).astype(rows.dtype)
    bottom = ((middle - np.clip(low, -1, 1) * reach) * _STEPS).astype(rows.dtype)
    covered: _Rows = np.minimum(rows + rows.dtype.type(_STEPS), bottom)
    covered -= np.maximum(rows, top)
    return np.maximum(covered, 0, out=covered)


def _agreed(edge: NDArray[np.float32], pick: np.ufunc) -> NDArray[np.float32]:
    """Per column, the smallest reach of it and its neighbours."""
    inner = edge.copy()
    for distance in (1, 2):
        inner[distance:] = pick(inner[distance:], edge[:-distance])
        inner[:-distance] = pick(inner[:-distance], edge[distance:])
    return inner


@lru_cache(maxsize=64)
def _strengths(rgb: int) -> list[int]:
    """The colour table of a waveform: nothing, up to the full colour."""
    full = 2 * _STEPS
    return [(round(255 * step / full) << 24) | (rgb & 0xFFFFFF) for step in range(full + 1)]


def draw_loop(
    painter: QPainter, colors: Tokens, timeline: Timeline, loop: tuple[int, int], height: float, top: float = 0.0
) -> None:
    """The marked region: accent while it loops, grey while it does not."""
    left, right = timeline.device_x(loop[0]), timeline.device_x(loop[1])
    color = colors.color("accent" if timeline.loop_on else "faint")
    wash = QColor(color)
    wash.setAlphaF(0.20 if timeline.loop_on else 0.12)
    painter.fillRect(QRectF(left, top, right - left, height), wash)
    painter.fillRect(QRectF(left, top, 1, height), color)
    painter.fillRect(QRectF(right - 1, top, 1, height), color)


def is_silent(peaks: Peaks, frames: int) -> bool:
    """Whether a lane has nothing to hear from start to end."""
    return peak_of(peaks, frames) < SILENCE


def peak_of(peaks: Peaks, frames: int) -> float:
    """The highest linear sample peak of a lane."""
    if frames <= 0:
        return 0.0
    low, high = peaks.view(0, frames, 1)
    return float(max(-low[0], high[0], 0.0))
