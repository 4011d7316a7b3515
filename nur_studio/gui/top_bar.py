"""The bar at the top: name, that nothing leaves this machine, the engine and its state, settings."""

from __future__ import annotations

from collections.abc import Container, Sequence

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QColor, QIcon, QKeySequence, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from nur_studio.engines.base import EngineInfo
from nur_studio.gui.controls import icon_button
from nur_studio.gui.theme import theme_notifier, tokens

_HEIGHT = 44
MANAGE_KEYS = "Ctrl+Shift+M"


class EngineButton(QToolButton):
    """The chosen engine with a dot for its state; opens the list of engines, and what concerns all of them."""

    chosen = Signal(str)
    device_chosen = Signal(str)  # "auto", "cuda", "mps" or "cpu"
    precision_chosen = Signal(str)  # "auto", "fast" or "full"
    sellable_toggled = Signal(bool)
    models_requested = Signal(str)  # name of a model to begin with, or ""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._infos: tuple[EngineInfo, ...] = ()
        self._name, self._state, self._device = "", "starting", ""
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

    def set_engines(
        self,
        infos: Sequence[EngineInfo],
        chosen: str,
        *,
        models: Container[str] = (),
        away: Container[str] = (),
        device: str = "auto",
        precision: str = "auto",
        sellable_only: bool = False,
    ) -> None:
        """List `infos`, those named in `models` together, and those of another studio; those in `away` have no weights
        here yet, and lead to where one gets them.
        """
        self._infos, self._name = tuple(infos), chosen
        menu = self._menu
        menu.clear()
        group = QActionGroup(menu)
        absent = [info for info in self._infos if info.why_not and info.name in away]
        after_model = after_host = False
        for info in self._infos:
            if info in absent:
                continue
            if info.name in models and not after_model:
                menu.addSeparator()
                after_model = True
            if info.host and not after_host:
                menu.addSeparator()
                after_host = True
            action = self._add(menu, info.title, info.why_not or f"{info.summary}\n{info.licence}", group)
            action.setChecked(info.name == chosen)
            action.setEnabled(not info.why_not)
            action.setData(info.name)
            action.triggered.connect(self._on_triggered)
        if absent:
            menu.addSeparator()
            more = menu.addMenu(self.tr("Not here yet"))
            more.setToolTipsVisible(True)
            for info in absent:
                action = self._add(more, self.tr("{title}…").format(title=info.title), info.why_not)
                action.setData(info.name)
                action.triggered.connect(self._on_away)
        menu.addSeparator()
        self._add_devices(device)
        self._add_precisions(precision)
        sellable = self._add(
            menu,
            self.tr("Only models whose output I may sell"),
            self.tr("Leaves out what its licence keeps from being sold, MusicGen's weights among it"),
        )
        sellable.setCheckable(True)
        sellable.setChecked(sellable_only)
        sellable.triggered.connect(self.sellable_toggled)
        menu.addSeparator()
        manage = self._add(menu, self.tr("Manage models…"), self.tr("Download, import, check and remove weights"))
        manage.setShortcut(QKeySequence(MANAGE_KEYS))
        manage.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)  # shown here, handled by the window
        manage.triggered.connect(lambda: self.models_requested.emit(""))
        self._dress()

    def _add(self, menu: QMenu, text: str, tip: str, group: QActionGroup | None = None) -> QAction:
        action = QAction(text, menu, checkable=group is not None)
        action.setToolTip(tip)
        if group is not None:
            group.addAction(action)
        menu.addAction(action)
        return action

    def _add_devices(self, device: str) -> None:
        menu = self._menu.addMenu(self.tr("Compute on"))
        menu.setToolTipsVisible(True)
        group = QActionGroup(menu)
        for value, title in devices():
            action = self._add(menu, title, self.tr("What MusicGen computes on; never another than this"), group)
            action.setChecked(value == device)
            action.setData(value)
            action.triggered.connect(self._on_device)
            if value == "auto":
                action.setToolTip(self.tr("The fastest there is: a graphics processor where one can be used"))

    def _add_precisions(self, precision: str) -> None:
        menu = self._menu.addMenu(self.tr("Precision"))
        menu.setToolTipsVisible(True)
        group = QActionGroup(menu)
        for value, title, tip in precisions():
            action = self._add(menu, title, tip, group)
            action.setChecked(value == precision)
            action.setData(value)
            action.triggered.connect(self._on_precision)

    def set_state(self, state: str) -> None:
        """`state` is starting, ready, working or unavailable."""
        if state != self._state:
            self._state = state
            self._dress()

    def set_device(self, title: str) -> None:
        """What the chosen engine computes on, once it is known; "" where it does not matter."""
        if title != self._device:
            self._device = title
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
        shown = " · ".join(word for word in (title, self._device, words[state]) if word)
        self.setText(f"{shown}  ▾")
        color = {"starting": "warning", "ready": "good", "working": "good", "unavailable": "error"}[state]
        self.setIcon(_dot(tokens().color(color), self.devicePixelRatioF()))
        summary = (info.why_not or f"{info.summary}\n{info.licence}") if info else ""
        self.setToolTip(summary)
        self.setAccessibleName(self.tr("Engine: {title}, {state}").format(title=title, state=words[state]))

    def _on_triggered(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.chosen.emit(str(action.data()))

    def _on_device(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.device_chosen.emit(str(action.data()))

    def _on_precision(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.precision_chosen.emit(str(action.data()))

    def _on_away(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.models_requested.emit(str(action.data()))


def devices() -> list[tuple[str, str]]:
    """What an engine may be told to compute on: the settings' word, and the one for people."""
    tr = QCoreApplication.translate
    return [
        ("auto", tr("Devices", "Automatic")),
        ("cuda", tr("Devices", "NVIDIA GPU (CUDA)")),
        ("mps", tr("Devices", "Apple GPU (Metal)")),
        ("cpu", tr("Devices", "Processor (CPU)")),
    ]


def precisions() -> list[tuple[str, str, str]]:
    """How exactly an engine may be told to compute: the settings' word, the one for people, and what it means."""
    tr = QCoreApplication.translate
    return [
        ("auto", tr("Precisions", "Usual"), tr("Precisions", "As exact as the model was published")),
        (
            "fast",
            tr("Precisions", "Fast"),
            tr(
                "Precisions",
                "On a processor, coarser weights: 1.6 times as quick, and up to 1 % off in what the model would say "
                "next. The same seed then gives another take",
            ),
        ),
        ("full", tr("Precisions", "Full"), tr("Precisions", "Single precision: slower, and rarely to be heard")),
    ]


class TopBar(QFrame):
    """Emits what is chosen; shows what it is told."""

    settings_requested = Signal()
    shortcuts_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("top")
        self.setProperty("role", "panel")
        self.setFixedHeight(_HEIGHT)
        name = QLabel(self.tr("NUR Studio"))
        name.setProperty("role", "heading")
        self.network = QLabel()
        self.network.setProperty("role", "pill")
        self.network.setFixedHeight(24)
        self._downloading, self._host = False, ""
        self._tell_network()
        self.engine = EngineButton()
        self.engine.setProperty("role", "pill")
        self.shortcuts = icon_button("keyboard", self.tr("Keyboard shortcuts (F1)"), role="icon-flat")
        self.shortcuts.clicked.connect(self.shortcuts_requested)
        self.settings = icon_button("settings", self.tr("Settings (Ctrl+,)"), role="icon-flat")
        self.settings.clicked.connect(self.settings_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(8)
        row.addWidget(name)
        row.addSpacing(4)
        row.addWidget(self.network, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch(1)
        row.addWidget(self.engine, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.shortcuts)
        row.addWidget(self.settings)

    def set_downloading(self, downloading: bool) -> None:
        """Say honestly whether the network is used now."""
        self._downloading = downloading
        self._tell_network()

    def set_host(self, host: str) -> None:
        """The machine on which the chosen engine makes music; "" for this one."""
        self._host = host
        self._tell_network()

    def _tell_network(self) -> None:
        if self._downloading:
            text = self.tr("Downloading")
            tip = self.tr("Weights that you asked for are on their way. Nothing of yours is sent anywhere.")
        elif self._host:
            text = self.tr("Over the network")
            tip = self.tr(
                "What you ask for is sent to {host}, which makes the music. It comes into your library here, "
                "and is deleted there. Nothing else is sent anywhere."
            ).format(host=self._host)
        else:
            text = self.tr("Offline")
            tip = self.tr(
                "Everything is made on this machine and nothing is sent anywhere. "
                "The network is used only to download weights, where you ask for it."
            )
        self.network.setText(text)
        self.network.setToolTip(tip)


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
