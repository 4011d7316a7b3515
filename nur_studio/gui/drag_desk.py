"""What is dragged out of the window: which files of which take, whether there are notes, how far they are."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal, Slot

from nur_studio.core.track import Status, Track
from nur_studio.gui.drag import DragOut, Held, Wanted
from nur_studio.gui.jobs import Job, JobQueue, deleted_meanwhile
from nur_studio.gui.lane_names import lane_title
from nur_studio.gui.library_panel import LibraryPanel
from nur_studio.gui.stage import Stage
from nur_studio.gui.toast import Toast
from nur_studio.gui.track_view import TrackView
from nur_studio.studio import Studio
from nur_studio.studio.dragging import MIDI
from nur_studio.studio.exporting import STEMS_PART
from nur_studio.studio.parts import MIX_PART

_HELD = {"mix": Held((MIX_PART,)), "stems": Held((STEMS_PART,))}


class DragDesk(QObject):
    """Between what can be taken hold of, in lanes, transport and library, and the files for it."""

    failed = Signal(object)

    def __init__(
        self,
        studio: Studio,
        reading: JobQueue,
        *,
        view: TrackView,
        stage: Stage,
        panel: LibraryPanel,
        drags: DragOut,
        toast: Toast,
    ) -> None:
        super().__init__(toast)
        self._studio, self._reading, self._view, self._stage = studio, reading, view, stage
        self._drags, self._toast = drags, toast
        self._scored = ""  # the take on show, where its notes were written and need not be heard
        view.lanes.drag_pressed.connect(self._on_pressed)
        view.lanes.drag_requested.connect(self._on_dragged)
        view.transport.drag_pressed.connect(lambda what: self._on_pressed(_HELD[what]))
        view.transport.drag_requested.connect(lambda what: self._on_dragged(_HELD[what]))
        panel.drag_pressed.connect(drags.prepare)
        panel.drag_requested.connect(drags.start)
        stage.opened.connect(self._on_opened)
        stage.cleared.connect(lambda: self._offer_notes({}))
        drags.progressed.connect(self._on_progressed)
        drags.waiting.connect(self._on_waiting)
        drags.ready.connect(self._on_ready)

    # -- the track on show ---------------------------------------------------------------------------------------

    @Slot(object)
    def _on_pressed(self, held: Held) -> None:
        """The pointer is on a handle of the track on show."""
        wanted = self._wanted(held)
        if wanted is None or (held.parts[0].startswith(MIDI) and wanted.takes != (self._scored,)):
            return  # a transcription takes its time: only who drags it asks for it
        self._drags.prepare(wanted)

    @Slot(object)
    def _on_dragged(self, held: Held) -> None:
        if (wanted := self._wanted(held)) is not None:
            self._drags.start(wanted)

    def _wanted(self, held: Held) -> Wanted | None:
        track = self._stage.track
        return Wanted((track.id,), held) if track is not None and track.status is Status.COMPLETED else None

    @Slot(object)
    def _on_opened(self, track: Track) -> None:
        self._offer_notes({})
        if track.status is not Status.COMPLETED:
            return

        def look() -> tuple[str, bool, dict[str, str]]:
            return track.id, self._studio.has_score(track.id), self._studio.why_no_notes(track.id)

        job = Job(lambda _progress, _cancel: look(), self)
        job.finished.connect(self._on_notes)
        job.failed.connect(self._on_no_notes)
        self._reading.submit(job)

    @Slot(object)
    def _on_notes(self, found: tuple[str, bool, dict[str, str]]) -> None:
        track_id, scored, why_not = found
        if self._stage.track is not None and self._stage.track.id == track_id:
            self._scored = track_id if scored else ""
            said = self.tr("Drag the notes of {lane} into another program as MIDI")
            heard = self.tr("Drag a transcription of {lane} into another program as MIDI")
            words = said if scored else heard
            self._offer_notes({lane: words.format(lane=lane_title(lane)) for lane, why in why_not.items() if not why})

    @Slot(object)
    def _on_no_notes(self, error: BaseException) -> None:
        if not deleted_meanwhile(error):
            self.failed.emit(error)

    def _offer_notes(self, names: Mapping[str, str]) -> None:
        for name, lane in self._view.lanes.lanes.items():
            lane.handle.set_notes(names.get(name, ""))

    # -- how far the files are -----------------------------------------------------------------------------------

    @Slot(object, object)
    def _on_progressed(self, wanted: Wanted, progress: float | None) -> None:
        track, held = self._stage.track, wanted.held
        shown = progress if track is not None and wanted.takes == (track.id,) else None
        for lane in self._view.lanes.lanes.values():
            lane.set_progress(held, shown)
        for what, button in (("mix", self._view.transport.drag_mix), ("stems", self._view.transport.drag_stems)):
            if held == _HELD[what]:
                button.set_progress(shown)

    @Slot()
    def _on_waiting(self) -> None:
        self._toast.say(self.tr("Writing the files; the drag starts as soon as they are whole."))

    @Slot()
    def _on_ready(self) -> None:
        self._toast.say(self.tr("The files are ready: drag once more."))
