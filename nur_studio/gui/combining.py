"""Stems of other takes in the one on show: the menu of a lane, drops on lanes, the dialog, and the new track."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from PySide6.QtCore import QObject, QPoint, Signal, Slot
from PySide6.QtWidgets import QMenu, QWidget

from nur_studio.core.progress import Cancel, OnProgress
from nur_studio.core.track import Status, Track
from nur_studio.gui.arrivals import Arrival, Arrivals
from nur_studio.gui.combine_dialog import CombineChoice, CombineDialog
from nur_studio.gui.export_choice import What
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.lane_drops import LaneDrops
from nur_studio.gui.lane_menu import lane_menu
from nur_studio.gui.take_actions import TakeActions
from nur_studio.gui.track_view import TrackView
from nur_studio.studio import Studio
from nur_studio.studio.parts import MIX_PART

T = TypeVar("T")

_MOST_OFFERED = 100


class CombineDesk(QObject):
    """One dialog at a time; what it asks for comes into the library as a track of its own."""

    failed = Signal(object)

    def __init__(
        self,
        studio: Studio,
        queue: JobQueue,
        *,
        view: TrackView,
        acts: TakeActions,
        arrivals: Arrivals,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._studio, self._queue, self._view = studio, queue, view
        self._acts, self._arrivals, self._window = acts, arrivals, window
        self.dialog: CombineDialog | None = None
        self.menu: QMenu | None = None
        self.drops = LaneDrops(view)
        self.drops.dropped.connect(self._on_dropped)
        view.lanes.menu_requested.connect(self._on_menu)

    # -- the menu of a lane --------------------------------------------------------------------------------------

    @Slot(str, QPoint)
    def _on_menu(self, lane: str, at: QPoint) -> None:
        track = self._view.track
        if track is not None and track.status is Status.COMPLETED:
            self.menu = lane_menu(track, lane, self._view, marked=self._view.timeline.loop is not None)
            self.menu.export_requested.connect(self._on_export)
            self.menu.combine_requested.connect(self.ask)
            self.menu.destroyed.connect(self._on_menu_gone)
            self.menu.popup(at)

    @Slot(str, object, bool)
    def _on_export(self, what: str, lanes: tuple[str, ...], in_turn: bool) -> None:
        track = self._view.track
        if track is not None:
            self._acts.export_parts(track.id, cast(What, what), lanes, in_turn=in_turn)

    @Slot()
    def _on_menu_gone(self) -> None:
        self.menu = None

    # -- the dialog ----------------------------------------------------------------------------------------------

    @Slot(str)
    def ask(self, lane: str) -> None:
        """Let the person choose a take and a stem of it for this lane of the track on show."""
        track = self._view.track
        if track is not None:
            self._open(track, lane, "")

    @Slot(str, str, str)
    def _on_dropped(self, lane: str, other_id: str, part: str) -> None:
        track = self._view.track
        if track is None:
            return

        def found(other: Track) -> None:
            if self._view.track is not None and self._view.track.id == track.id:
                self._open(track, lane, part if part != MIX_PART else "", other)

        self._read(lambda: self._studio.library.get(other_id), found)

    def _open(self, track: Track, lane: str, stem: str, other: Track | None = None) -> None:
        if self.dialog is not None:
            self.dialog.destroyed.disconnect(self._on_closed)
            self.dialog.close()
        into = "" if lane == MIX_PART else lane
        self.dialog = CombineDialog(track, into, stem, parent=self._window)
        self.dialog.search_changed.connect(self._on_search)
        self.dialog.combine_requested.connect(self._on_combine)
        self.dialog.destroyed.connect(self._on_closed)
        if other is not None:
            self.dialog.set_other(other)
        else:
            self._on_search("")
        self.dialog.show()

    @Slot(str)
    def _on_search(self, text: str) -> None:
        self._read(lambda: (text, self._studio.library.list(text, limit=_MOST_OFFERED)), self._on_found)

    def _on_found(self, found: tuple[str, list[Track]]) -> None:
        text, tracks = found
        track = self._view.track
        if self.dialog is not None and text == self.dialog.search.text().strip():
            mine = "" if track is None else track.id
            self.dialog.show_takes([other for other in tracks if other.status is Status.COMPLETED and other.id != mine])

    @Slot(object)
    def _on_combine(self, choice: CombineChoice) -> None:
        def work(on_progress: OnProgress, cancel: Cancel) -> Track:
            return self._studio.combine(
                choice.track_id,
                choice.other.id,
                choice.stem,
                into=choice.into,
                layer=choice.layer,
                repeat=choice.repeat,
                on_progress=on_progress,
                cancel=cancel,
            )

        doing = self.tr("Combining with “{title}”").format(title=choice.other.title)
        self._arrivals.add(Arrival(doing, self.tr("“{title}” is made."), choice.other.title, work))

    @Slot()
    def _on_closed(self) -> None:
        self.dialog = None

    def _read(self, work: Callable[[], T], then: Callable[[T], object]) -> None:
        job = Job(lambda _progress, _cancel: work(), self)
        job.finished.connect(then)
        job.failed.connect(self.failed)
        self._queue.submit(job)
