"""The context menu of a lane: export it, export the rest, use a stem of another take."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from nur_studio.core.track import Track
from nur_studio.gui.lane_names import lane_title
from nur_studio.studio.parts import MIX_PART


class LaneMenu(QMenu):
    """Says what is wanted; the lanes of a stem, or all of them for the mix."""

    export_requested = Signal(str, object, bool)  # "stems" or "minus", lanes, each in turn
    combine_requested = Signal(str)  # lane


def lane_menu(track: Track, lane: str, parent: QWidget) -> LaneMenu:
    """The menu of a lane of a finished track."""
    menu = LaneMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if lane == MIX_PART:
        _add_mix(menu, track)
        return menu
    name = lane_title(lane).lower()
    export = menu.addAction(_tr("Export {lane}…").format(lane=name))
    export.triggered.connect(lambda: menu.export_requested.emit("stems", (lane,), False))
    without = menu.addAction(_tr("Export without {lane}…").format(lane=name))
    without.triggered.connect(lambda: menu.export_requested.emit("minus", (lane,), False))
    without.setEnabled(len(track.lanes) > 1)
    menu.addSeparator()
    use = menu.addAction(_tr("Use a stem of another take here…"))
    use.triggered.connect(lambda: menu.combine_requested.emit(lane))
    return menu


def _add_mix(menu: LaneMenu, track: Track) -> None:
    """What the mix lane offers: all stems, all minus-one mixes, another take on top."""
    if track.lanes:
        stems = menu.addAction(_tr("Export stems…"))
        stems.triggered.connect(lambda: menu.export_requested.emit("stems", (), False))
        each = menu.addAction(_tr("Export minus-one mixes, each in turn…"))
        each.triggered.connect(lambda: menu.export_requested.emit("minus", (), True))
        menu.addSeparator()
    use = menu.addAction(_tr("Use a stem of another take…"))
    use.triggered.connect(lambda: menu.combine_requested.emit(MIX_PART))


def _tr(text: str) -> str:
    return QCoreApplication.translate("LaneMenu", text)
