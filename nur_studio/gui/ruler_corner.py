"""Beside the ruler: what it counts, and what clicks and drags fall on."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QContextMenuEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

from nur_studio.gui.icons import icon
from nur_studio.gui.timeline import SNAPPINGS, Timeline


class RulerCorner(QToolButton):
    """Says what the ruler counts, and counts the other at a click."""

    def __init__(self, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self.setProperty("role", "corner")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._on_clicked)
        timeline.ruler_changed.connect(self._say)
        timeline.range_changed.connect(self._say)  # another track: perhaps one without bars
        self._say()

    def _on_clicked(self) -> None:
        self._timeline.set_bars(not self._timeline.bars)

    def _say(self) -> None:
        timeline = self._timeline
        self.setEnabled(timeline.has_beats)
        self.setText(self.tr("Bars") if timeline.bars and timeline.has_beats else self.tr("Time"))
        if not timeline.has_beats:
            tip = self.tr("No steady beat is claimed: there are no bars to count")
        else:
            tip = self.tr("Count in seconds") if timeline.bars else self.tr("Count in bars")
        self.setToolTip(tip)
        self.setAccessibleName(tip)


class SnapButton(QToolButton):
    """Switches snapping off and on at a click; held, or by a right click, it offers what to snap to."""

    def __init__(self, timeline: Timeline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self.setProperty("role", "corner-icon")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCheckable(True)
        self.setIcon(icon("magnet", "dim", on="accent"))
        self.setIconSize(QSize(14, 14))
        self.setMenu(QMenu(self))
        self.menu().aboutToShow.connect(self._fill)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.DelayedPopup)
        self.clicked.connect(timeline.toggle_snapping)
        timeline.snapping_changed.connect(self._say)
        timeline.range_changed.connect(self._say)
        self._say()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.isEnabled():
            self.showMenu()

    def _fill(self) -> None:
        self.menu().clear()
        add_snapping(self.menu(), self._timeline)

    def _say(self) -> None:
        timeline = self._timeline
        self.setEnabled(timeline.has_beats)
        self.setChecked(timeline.snapping != "off" and timeline.has_beats)
        if not timeline.has_beats:
            tip = self.tr("No steady beat is claimed: there is nothing to snap to")
        else:
            tip = self.tr("Snap: {what} (N). Alt or Shift: freely, this once. Right click: what to snap to")
            tip = tip.format(what=_names()[timeline.snapping])
        self.setToolTip(tip)
        self.setAccessibleName(tip.split(" (")[0])


def ruler_menu(timeline: Timeline, parent: QWidget) -> QMenu:
    """What the ruler counts, and what is snapped to."""
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    _add_choices(
        menu,
        [(_tr("Count bars"), timeline.bars, lambda: timeline.set_bars(True)),
         (_tr("Count seconds"), not timeline.bars, lambda: timeline.set_bars(False))],
    )  # fmt: skip
    menu.addSeparator()
    add_snapping(menu, timeline)
    return menu


def add_snapping(menu: QMenu, timeline: Timeline) -> None:
    """The choices of what to snap to."""

    def chooser(snapping: str) -> object:
        return lambda: timeline.set_snapping(snapping)

    names = _names()
    _add_choices(
        menu, [(_tr("Snap: {what}").format(what=names[s]), s == timeline.snapping, chooser(s)) for s in SNAPPINGS]
    )


def _add_choices(menu: QMenu, choices: list[tuple[str, bool, object]]) -> None:
    group = QActionGroup(menu)
    for text, chosen, act in choices:
        action = QAction(text, menu)
        action.setCheckable(True)
        action.setChecked(chosen)
        action.triggered.connect(act)
        group.addAction(action)
        menu.addAction(action)


def _names() -> dict[str, str]:
    return {"grid": _tr("lines in sight"), "bar": _tr("bars"), "beat": _tr("beats"), "off": _tr("off")}


def _tr(text: str) -> str:
    return QCoreApplication.translate("RulerCorner", text)
