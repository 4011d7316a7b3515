"""The bar at the top: name, that nothing leaves this machine, the engine and its state, settings."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from nur_studio.engines.base import EngineInfo
from nur_studio.gui.controls import icon_button
from nur_studio.gui.theme import theme_notifier, tokens

_HEIGHT = 44


class EngineButton(QToolButton):
    """The chosen engine with a dot for its state; opens the list of engines."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._infos: tuple[EngineInfo, ...] = ()
        self._name, self._state = "", "starting"
        self.setObjectName("engine")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setIconSize(QSize(10, 10))
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self.setMenu(self._menu)
        theme_notifier().changed.connect(self._dress)

    @property
    def state(self) -> str:
        return self._state

    def set_engines(self, infos: Sequence[EngineInfo], chosen: str) -> None:
        self._infos, self._name = tuple(infos), chosen
        self._menu.clear()
        group = QActionGroup(self._menu)
        for info in self._infos:
            action = QAction(info.title, self._menu, checkable=True)
            action.setChecked(info.name == chosen)
            action.setEnabled(not info.why_not)
            action.setToolTip(info.why_not or f"{info.summary}\n{info.licence}")
            action.setData(info.name)
            action.triggered.connect(self._on_triggered)
            group.addAction(action)
            self._menu.addAction(action)
        self._dress()

    def set_state(self, state: str) -> None:
        """`state` is starting, ready, working or unavailable."""
        if state != self._state:
            self._state = state
            self._dress()

    def _dress(self) -> None:
        info = next((info for info in self._infos if info.name == self._name), None)
        title = info.title if info else self._name
        state = "unavailable" if info is not None and info.why_not else self._state
        words = {
            "starting": self.tr("starting"),
            "ready": self.tr("ready"),
            "working": self.tr("making music"),
            "unavailable": self.tr("cannot run here"),
        }
        self.setText(f"{title} · {words[state]}  ▾")
        color = {"starting": "warning", "ready": "good", "working": "good", "unavailable": "error"}[state]
        self.setIcon(_dot(tokens().color(color), self.devicePixelRatioF()))
        summary = (info.why_not or f"{info.summary}\n{info.licence}") if info else ""
        self.setToolTip(summary)
        self.setAccessibleName(self.tr("Engine: {title}, {state}").format(title=title, state=words[state]))

    def _on_triggered(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.chosen.emit(str(action.data()))


class TopBar(QFrame):
    """Emits what is chosen; shows what it is told."""

    engine_chosen = Signal(str)
    settings_requested = Signal()
    shortcuts_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("top")
        self.setProperty("role", "panel")
        self.setFixedHeight(_HEIGHT)
        name = QLabel(self.tr("NUR Studio"))
        name.setProperty("role", "heading")
        offline = QLabel(self.tr("Offline"))
        offline.setProperty("role", "pill")
        offline.setFixedHeight(24)
        offline.setToolTip(self.tr("Everything is made on this machine. Nothing is sent anywhere."))
        self.engine = EngineButton()
        self.engine.setProperty("role", "pill")
        self.engine.chosen.connect(self.engine_chosen)
        self.shortcuts = icon_button("keyboard", self.tr("Keyboard shortcuts (F1)"), role="icon-flat")
        self.shortcuts.clicked.connect(self.shortcuts_requested)
        self.settings = icon_button("settings", self.tr("Settings (Ctrl+,)"), role="icon-flat")
        self.settings.clicked.connect(self.settings_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(8)
        row.addWidget(name)
        row.addSpacing(4)
        row.addWidget(offline, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch(1)
        row.addWidget(self.engine, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.shortcuts)
        row.addWidget(self.settings)


def _dot(color: QColor, dpr: float) -> QIcon:
    pixmap = QPixmap(round(10 * dpr), round(10 * dpr))
    pixmap.setDevicePixelRatio(dpr)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(QRectF(QPointF(1.5, 1.5), QPointF(8.5, 8.5)))
    painter.end()
    return QIcon(pixmap)
