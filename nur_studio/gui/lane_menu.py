"""The context menu of a lane: export it, export the rest, use a stem of another take."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from nur_studio.core.track import Track
from nur_studio.gui.lane_names import lane_title
from nur_studio.studio.parts import MIX_PART


class LaneMenu(QMenu):
    """Says what is wanted; the lanes of a stem, or all of them for the mix."""

    export_requested = Signal(str, object, bool)  # `What`, lanes, each in turn
    combine_requested = Signal(str)  # lane


def lane_menu(track: Track, lane: str, parent: QWidget, *, marked: bool = False) -> LaneMenu:
    """The menu of a lane of a finished track; `marked`: a part of it is."""
    menu = LaneMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setToolTipsVisible(True)
    if lane == MIX_PART:
        _add_mix(menu, track, marked=marked)
        return menu
    name = lane_title(lane).lower()
    export = menu.addAction(_tr("Export {lane}…").format(lane=name))
    export.triggered.connect(lambda: menu.export_requested.emit("stems", (lane,), False))
    without = menu.addAction(_tr("Export without {lane}…").format(lane=name))
    without.triggered.connect(lambda: menu.export_requested.emit("minus", (lane,), False))
    without.setEnabled(len(track.lanes) > 1)
    _add_marked(menu, (lane,), marked=marked)
    notes = menu.addAction(_tr("Export {lane} as MIDI…").format(lane=name))
    notes.triggered.connect(lambda: menu.export_requested.emit("midi", (lane,), False))
    menu.addSeparator()
    use = menu.addAction(_tr("Use a stem of another take here…"))
    use.triggered.connect(lambda: menu.combine_requested.emit(lane))
    return menu


def _add_marked(menu: LaneMenu, lanes: tuple[str, ...], *, marked: bool) -> None:
    part = menu.addAction(_tr("Export the marked part…"))
    part.triggered.connect(lambda: menu.export_requested.emit("clip", lanes, False))
    part.setEnabled(marked)
    part.setToolTip("" if marked else _tr("Nothing is marked: drag over the waveform first"))


def _add_mix(menu: LaneMenu, track: Track, *, marked: bool) -> None:
    """What the mix lane offers: all stems, all minus-one mixes, pieces, notes, sessions, another take on top."""
    if track.lanes:
        stems = menu.addAction(_tr("Export stems…"))
        stems.triggered.connect(lambda: menu.export_requested.emit("stems", (), False))
        each = menu.addAction(_tr("Export minus-one mixes, each in turn…"))
        each.triggered.connect(lambda: menu.export_requested.emit("minus", (), True))
    _add_marked(menu, (), marked=marked)
    for words, what in ((_tr("Export MIDI…"), "midi"), (_tr("Export a session…"), "session")):
        menu.addAction(words).triggered.connect(
            lambda _on=False, what=what: menu.export_requested.emit(what, (), False)
        )
    menu.addSeparator()
    use = menu.addAction(_tr("Use a stem of another take…"))
    use.triggered.connect(lambda: menu.combine_requested.emit(MIX_PART))


def _tr(text: str) -> str:
    return QCoreApplication.translate("LaneMenu", text)
