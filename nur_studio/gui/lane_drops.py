"""Stems of other takes that are dropped on the lanes of the track on show."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QDropEvent

from nur_studio.core.track import Status
from nur_studio.gui.drag import dragged_takes
from nur_studio.gui.lane import Lane
from nur_studio.gui.track_view import TrackView


class LaneDrops(QObject):
    """Shows which lane would take what is dragged over it. Only takes of this window, and only one at a time; the
    track's own stems are on their way elsewhere.
    """

    dropped = Signal(str, str, str)  # lane, id of the other take, its part

    def __init__(self, view: TrackView) -> None:
        super().__init__(view)
        self._view = view
        self._target: Lane | None = None
        view.lanes.setAcceptDrops(True)
        view.lanes.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._view.lanes and isinstance(event, QDropEvent):  # and what comes before it: Qt derives it
            return self._over(event)
        if event.type() == QEvent.Type.DragLeave and watched is self._view.lanes:
            self._aim(None)
        return super().eventFilter(watched, event)

    def _over(self, event: QDropEvent) -> bool:
        part, takes = dragged_takes(event.mimeData())
        track = self._view.track
        if len(takes) != 1 or track is None or track.status is not Status.COMPLETED or takes[0] == track.id:
            return False
        lane = self._lane_at(event.position().toPoint())
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if event.type() == QEvent.Type.Drop:
            self._aim(None)
            if lane is not None:
                self.dropped.emit(lane.name, takes[0], part)
        else:
            self._aim(lane)
        return True

    def _lane_at(self, at: QPoint) -> Lane | None:
        """The one at a point, or the nearest: between two lanes is a gap."""
        shown = self._view.lanes.shown
        return min(shown, key=lambda lane: abs(lane.geometry().center().y() - at.y()), default=None)

    def _aim(self, lane: Lane | None) -> None:
        if lane is not self._target:
            for each, on in ((self._target, False), (lane, True)):
                if each is not None:
                    each.set_target(on)
            self._target = lane
