"""The context menu of the library's rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, Qt, Signal, SignalInstance
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from nur_studio.core.track import IMPORTED, Status, Track
from nur_studio.gui.lane_names import in_order, lane_title
from nur_studio.studio.separating import separation_of


class RowsMenu(QMenu):
    """What can be done with these rows; what cannot is off, and says why where that is not plain. Ids in all signals.
    `starts_from`: the chosen engine can start from other music.
    """

    opened = Signal(str)
    rename_requested = Signal()
    star_requested = Signal()
    use_prompt_requested = Signal(str)
    regenerate_requested = Signal(str)
    start_from_requested = Signal(str)
    separate_requested = Signal(str)
    export_requested = Signal(str)
    minus_requested = Signal(str, object)  # lanes to leave out; without any, each in turn
    reveal_requested = Signal(str)
    deleted = Signal(object)  # list

    def __init__(self, tracks: Sequence[Track], parent: QWidget, *, starts_from: bool = False) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setToolTipsVisible(True)
        first, one = tracks[0], len(tracks) == 1
        done = all(track.status is Status.COMPLETED for track in tracks)
        settled = all(track.status in (Status.COMPLETED, Status.FAILED) for track in tracks)
        why_not = no_request(first) if one else ""

        def tell(signal: SignalInstance) -> Callable[[], object]:
            return lambda: signal.emit(first.id)

        self._add(self.tr("Open"), "Return", one, tell(self.opened))
        self._add(self.tr("Rename"), "F2", one, self.rename_requested.emit)
        star = self.tr("Unstar") if first.starred else self.tr("Star")
        self._add(star, "S", True, self.star_requested.emit)
        self.addSeparator()
        self._add(self.tr("Use this prompt"), "", one, tell(self.use_prompt_requested), why_not)
        self._add(self.tr("Make again with the same seed"), "", one, tell(self.regenerate_requested), why_not)
        if starts_from:
            self._add(self.tr("Start the next take from this"), "", one and done, tell(self.start_from_requested))
        if not first.lanes or separation_of(first) is not None:
            words = self.tr("Separate into stems again") if first.lanes else self.tr("Separate into stems")
            self._add(words, "T", one and done, tell(self.separate_requested))
        self.addSeparator()
        self._add(self.tr("Export…"), "Ctrl+E", one and done, tell(self.export_requested))
        if one and done and first.lanes:
            self.addMenu(self._minus_menu(first))
        self._add(self.tr("Show in folder"), "", one and done, tell(self.reveal_requested))
        self.addSeparator()
        ids = [track.id for track in tracks]
        self._add(self.tr("Delete"), "Del", settled, lambda: self.deleted.emit(ids))

    def _add(self, text: str, keys: str, on: bool, act: Callable[[], object], why_not: str = "") -> None:
        action = QAction(text, self)
        action.setShortcut(QKeySequence(keys))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)  # shown here, handled by the table
        action.setShortcutVisibleInContextMenu(True)
        action.setEnabled(on and not why_not)
        action.setToolTip(why_not)
        action.triggered.connect(lambda: act())
        self.addAction(action)

    def _minus_menu(self, track: Track) -> QMenu:
        part = QMenu(self.tr("Export minus one"), self)
        for lane in in_order(track.lanes):
            action = part.addAction(self.tr("Without {lane}…").format(lane=lane_title(lane).lower()))
            action.triggered.connect(lambda _on=False, lane=lane: self.minus_requested.emit(track.id, (lane,)))
        part.addSeparator()
        part.addAction(self.tr("Each in turn…")).triggered.connect(lambda: self.minus_requested.emit(track.id, ()))
        return part


def no_request(track: Track) -> str:
    """Why a track cannot be made again, or its prompt be used; "" where it can."""
    if track.generated:
        return ""
    if track.engine == IMPORTED:
        return _tr("It was imported: there is no prompt, and no engine made it")
    return _tr("It was combined from two takes: no engine made it. Make one of those again, or combine them anew")


def _tr(text: str) -> str:
    return QCoreApplication.translate("RowsMenu", text)
