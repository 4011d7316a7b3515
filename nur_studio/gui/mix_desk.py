"""What a person does at the mixer can be undone, and stays with the take."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from nur_studio.core.errors import StudioError
from nur_studio.core.mix import Mix
from nur_studio.core.track import Status, Track
from nur_studio.gui.history import History, Step
from nur_studio.gui.jobs import Job, JobQueue, deleted_meanwhile
from nur_studio.gui.lanes import MixEdit
from nur_studio.gui.track_view import TrackView
from nur_studio.library.library import Library

_SAVE_AFTER_MS = 600  # of rest: a drag is saved once

_log = logging.getLogger(__name__)


class MixDesk(QObject):
    """Between the strips on show, the history and the library. `queue` is the one that takes are opened on: what is
    saved before another take is asked for is in the library when this one is read again."""

    failed = Signal(object)  # an error of the library

    def __init__(
        self, view: TrackView, library: Library, queue: JobQueue, history: History, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._view, self._library, self._queue, self._history = view, library, queue, history
        self._unsaved: dict[str, Mix] = {}  # what the library does not have yet, by id
        self._later = QTimer(self, singleShot=True, interval=_SAVE_AFTER_MS)
        self._later.timeout.connect(self.save)
        view.mix_edited.connect(self._on_edited)

    def mix_of(self, track: Track) -> Mix:
        """How `track`, as it was just read, is mixed: what is not saved yet is newer."""
        shown = self._view.track
        if shown is not None and shown.id == track.id and shown.lanes != track.lanes:
            self._history.forget(track.id)  # other stems: what was done to the old ones is no more
            self._unsaved.pop(track.id, None)
        return self._unsaved.get(track.id, track.mix)

    @Slot()
    def save(self) -> None:
        """Bring to the library what is not there yet, beside the window."""
        self._later.stop()
        for track_id, mix in self._unsaved.items():
            job = Job(self._saver(track_id, mix), self)
            job.finished.connect(self._on_saved)
            job.failed.connect(self._on_failed)
            self._queue.submit(job)

    def close(self) -> None:
        """Save what is not saved, here and now: the window is gone, and so are its queues."""
        self._later.stop()
        for track_id, mix in self._unsaved.items():
            try:
                self._library.set_mix(track_id, mix)
            except StudioError:
                _log.exception("the mix of %s could not be saved", track_id)
        self._unsaved = {}

    def _saver(self, track_id: str, mix: Mix) -> Callable[..., object]:
        def work(*_: object) -> tuple[str, Mix]:
            self._library.set_mix(track_id, mix)
            return track_id, mix

        return work

    @Slot(object)
    def _on_edited(self, edit: MixEdit) -> None:
        track = self._view.track
        if track is None or track.status is not Status.COMPLETED:
            return
        self._history.push(
            Step(
                undo=lambda: self._set(track.id, edit.before),
                redo=lambda: self._set(track.id, edit.after),
                scope=track.id,
                merge=edit.touch,
            )
        )
        self._keep(track.id, edit.after)

    def _set(self, track_id: str, mix: Mix) -> None:
        self._view.change_mix(mix)
        self._keep(track_id, mix)

    def _keep(self, track_id: str, mix: Mix) -> None:
        self._unsaved[track_id] = mix
        self._later.start()

    @Slot(object)
    def _on_saved(self, saved: tuple[str, Mix]) -> None:
        track_id, mix = saved
        if self._unsaved.get(track_id) == mix:
            del self._unsaved[track_id]

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        if deleted_meanwhile(error):
            self._unsaved.pop(error.track_id, None)
        else:
            self.failed.emit(error)
