"""What a person decides about a take's tempo: stretch it, roll again, leave it, use the original."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from PySide6.QtCore import QObject, Signal, Slot

from nur_studio.core.contract import rolled_seed
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Track
from nur_studio.gui.history import History, Step
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.making import Maker
from nur_studio.gui.shelf import Shelf
from nur_studio.gui.stage import Stage
from nur_studio.gui.track_view import TrackView
from nur_studio.studio import Studio

T = TypeVar("T")


class TempoDesk(QObject):
    """Between the track view's header and the maker, which works in the engine process."""

    failed = Signal(object)

    def __init__(
        self,
        studio: Studio,
        queue: JobQueue,
        *,
        maker: Maker,
        stage: Stage,
        shelf: Shelf,
        view: TrackView,
        history: History,
    ) -> None:
        super().__init__(view)
        self._studio, self._queue = studio, queue
        self._maker, self._stage, self._shelf, self._view = maker, stage, shelf, view
        self._history = history
        self._working: set[str] = set()  # ids of takes that are to be handed over anew
        view.tempo_offer.stretch_requested.connect(lambda: self._use(as_made=False))
        view.tempo_offer.roll_requested.connect(self._on_roll)
        view.tempo_offer.leave_requested.connect(self._on_leave)
        view.header.original_toggled.connect(self._on_original)
        maker.retimed.connect(self._on_retimed)
        maker.rested.connect(self._on_rested)
        stage.opened.connect(self._show_work)

    @Slot(bool)
    def _on_original(self, on: bool) -> None:
        self._use(as_made=on)

    def _use(self, *, as_made: bool) -> None:
        track = self._stage.track
        if track is not None and track.id not in self._working:
            self._retime(track, as_made)

    def _retime(self, track: Track, as_made: bool) -> None:
        self._working.add(track.id)
        self._show_work()
        self._maker.retime(track, as_made=as_made)

    @Slot(object, bool)
    def _on_retimed(self, track: Track, as_made: bool) -> None:
        self._working.discard(track.id)
        self._history.forget(track.id)  # what was mixed were other stems
        other = partial(self._retime, track, not as_made)
        self._history.push(Step(undo=other, redo=partial(self._retime, track, as_made), scope=track.id))
        self._shelf.refresh()
        if self._stage.track is not None and self._stage.track.id == track.id:
            self._stage.open(track.id)

    @Slot()
    def _on_roll(self) -> None:
        """One more take of the request on show; its seed follows from this one's, and from how many there are."""
        track = self._stage.track
        if track is None:
            return

        def work() -> tuple[GenerationRequest, str]:
            takes = self._studio.library.list(group=track.group_id)
            seed = rolled_seed(track.seed, len(takes))
            return replace(self._studio.request_of(track.id), seed=seed), track.group_id

        self._read(work, lambda asked: self._maker.ask(*asked))

    @Slot()
    def _on_leave(self) -> None:
        track = self._stage.track
        if track is not None:
            self._read(lambda: self._studio.leave_tempo(track.id), self._on_left)

    def _on_left(self, track: Track) -> None:
        self._stage.update(track)
        if self._stage.track is not None and self._stage.track.id == track.id:
            self._view.tempo_offer.show_track(track)

    @Slot()
    def _on_rested(self) -> None:
        """What was cancelled, or failed, leaves everything as it was."""
        self._working.clear()
        self._show_work()

    @Slot()
    def _show_work(self) -> None:
        track = self._stage.track
        working = track is not None and track.id in self._working
        self._view.tempo_offer.set_working(working)
        self._view.header.original.setEnabled(not working)

    def _read(self, work: Callable[[], T], then: Callable[[T], object]) -> None:
        job = Job(lambda _progress, _cancel: work(), self)
        job.finished.connect(then)
        job.failed.connect(self.failed)
        self._queue.submit(job)
