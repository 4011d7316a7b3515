"""Line icons, tinted with the theme's colours as they are painted, crisp at any scale."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from nur_studio.core.paths import resource
from nur_studio.gui.theme import tokens


def icon(name: str, color: str | None = None, *, on: str | None = None) -> QIcon:
    """The icon `resources/icons/<name>.svg`.

    `color` is a token's name or `#rrggbb` (default: text), `on` that of a checked button (default: accent, where
    no colour was given). Tokens are looked up at every painting, so icons follow a change of theme by themselves.
    """
    _source(name)  # a wrong name is told here, not while painting
    return QIcon(_TintedSvg(name, color or "text", on or (color or "accent")))


def pixmap(name: str, size: int, color: str = "text", dpr: float = 1.0) -> QPixmap:
    """The icon as a pixmap of `size` logical px."""
    return _render(name, tokens().color(color).name(), round(size * dpr), dpr)


class _TintedSvg(QIconEngine):
    def __init__(self, name: str, color: str, on: str) -> None:
        super().__init__()
        self._name, self._color, self._on = name, color, on

    def clone(self) -> QIconEngine:
        return _TintedSvg(self._name, self._color, self._on)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self._tinted(size, mode, state, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        # The size is in logical px, since Qt 6.8.
        return self._tinted(size, mode, state, scale)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        dpr = painter.device().devicePixelRatio()
        painter.drawPixmap(QPoint(rect.x(), rect.y()), self._tinted(rect.size(), mode, state, dpr))

    def _tinted(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, dpr: float) -> QPixmap:
        color = self._on if state == QIcon.State.On else self._color
        if mode == QIcon.Mode.Disabled:
            color = "faint"
        pixels = round(min(size.width(), size.height()) * dpr)
        return _render(self._name, tokens().color(color).name(), pixels, dpr)


@lru_cache(maxsize=128)
def _source(name: str) -> bytes:
    return resource(f"icons/{name}.svg").read_bytes()


@lru_cache(maxsize=512)
def _render(name: str, color: str, pixels: int, dpr: float) -> QPixmap:
    target = QPixmap(max(1, pixels), max(1, pixels))
    target.fill(Qt.GlobalColor.transparent)
    painter = QPainter(target)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer = QSvgRenderer(QByteArray(_source(name).replace(b"currentColor", color.encode())))
    renderer.render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    target.setDevicePixelRatio(dpr)
    return target
