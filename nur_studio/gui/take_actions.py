"""What a person does with takes: make them again, take them apart, export, find the file, delete and undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices

from nur_studio.audio.masters import mix_path
from nur_studio.core.errors import StudioError
from nur_studio.core.mix import Mix
from nur_studio.core.request import GenerationRequest
from nur_studio.core.track import Status, Track
from nur_studio.gui.export_choice import What
from nur_studio.gui.exporting import Exporter
from nur_studio.gui.history import History, Step
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.making import Maker
from nur_studio.gui.shelf import Shelf
from nur_studio.gui.stage import Stage
from nur_studio.gui.toast import Toast
from nur_studio.gui.track_view import TrackView
from nur_studio.studio import Studio
from nur_studio.studio.separating import check as check_separable

T = TypeVar("T")


class TakeActions(QObject):
    """Reads beside the window what an action needs, then hands it to who does it."""

    prompt_picked = Signal(object)  # GenerationRequest whose words go into the compose panel
    separator_wanted = Signal()  # none can run here
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
        exporter: Exporter,
        history: History,
        toast: Toast,
    ) -> None:
        super().__init__(toast)
        self._studio, self._queue = studio, queue
        self._maker, self._stage, self._shelf, self._view = maker, stage, shelf, view
        self._exporter, self._history, self._toast = exporter, history, toast
        self._deleting_again: tuple[list[str], Step] | None = None
        shelf.deleted.connect(self._on_deleted)
        exporter.exported.connect(self._on_exported)
        stage.offered.connect(self._on_offered)

    # -- again ---------------------------------------------------------------------------------------------------

    @Slot(str)
    def regenerate(self, track_id: str) -> None:
        """The same request with the same seed: the same music."""
        self._read(lambda: self._studio.request_of(track_id), self._on_again)

    @Slot()
    def retry_shown(self) -> None:
        if self._stage.track is not None:
            self.regenerate(self._stage.track.id)

    @Slot()
    def another_take(self) -> None:
        """One more take of the request on show, with a seed of its own."""
        track = self._stage.track
        if track is not None:
            self._read(
                lambda: (replace(self._studio.request_of(track.id), seed=None), track.group_id), self._on_another
            )

    @Slot(str)
    def use_prompt(self, track_id: str) -> None:
        self._read(lambda: self._studio.request_of(track_id), self.prompt_picked.emit)

    @Slot(object)
    def _on_again(self, request: GenerationRequest) -> None:
        self._maker.ask(request)

    @Slot(object)
    def _on_another(self, asked: tuple[GenerationRequest, str]) -> None:
        self._maker.ask(*asked)

    # -- apart ---------------------------------------------------------------------------------------------------

    @Slot()
    def separate_shown(self) -> None:
        """Take what the track view shows apart into stems."""
        if self._stage.track is not None:
            self._on_separate(self._stage.track)

    @Slot(str)
    def separate(self, track_id: str) -> None:
        self._read(lambda: self._studio.library.get(track_id), self._on_separate)

    @Slot(object)
    def _on_separate(self, track: Track) -> None:
        try:
            check_separable(track)
        except StudioError as error:
            self._toast.say(error.sentence)
            return
        if self._studio.default_separator():
            self._maker.separate(track)
        else:
            self.separator_wanted.emit()

    # -- files ---------------------------------------------------------------------------------------------------

    @Slot()
    def export_shown(self) -> None:
        """Export what the track view shows, as heard if wanted."""
        if self._stage.track is not None:
            self.export(self._stage.track.id)

    @Slot(str)
    def export(self, track_id: str) -> None:
        self.export_parts(track_id, "mix")

    @Slot(str, object)
    def export_minus(self, track_id: str, lanes: Sequence[str]) -> None:
        """Everything but these lanes; without any, a mix without each in turn."""
        self.export_parts(track_id, "minus", lanes, in_turn=not lanes)

    def export_parts(self, track_id: str, what: What, lanes: Sequence[str] = (), *, in_turn: bool = False) -> None:
        """Open the export of a finished take with this chosen; the take on show as it is heard now."""

        def ask(track: Track, mix: Mix, span: tuple[int, int] | None = None) -> None:
            if track.status is Status.COMPLETED:
                self._exporter.ask(track, mix, what, lanes, in_turn=in_turn, span=span)

        track = self._stage.track
        if track is not None and track.id == track_id:
            ask(track, self._view.mix, self._view.timeline.loop)
        else:
            self._read(lambda: self._studio.library.get(track_id), lambda found: ask(found, found.mix))

    @Slot(str)
    def reveal(self, track_id: str) -> None:
        """Show where the lossless master is."""
        self._read(lambda: mix_path(self._studio.library.get(track_id).folder).parent, self._on_reveal)

    @Slot(object)
    def _on_reveal(self, folder: Path) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    @Slot(object)
    def _on_exported(self, paths: Sequence[Path]) -> None:
        folder = paths[0].parent
        text = (
            self.tr("Exported {name}.").format(name=paths[0].name)
            if len(paths) == 1
            else self.tr("Exported {n} files to {folder}.").format(n=len(paths), folder=folder)
        )
        self._toast.say(text, self.tr("Show in folder"), lambda: self._on_reveal(folder))

    # -- names, stars, ends ----------------------------------------------------------------------------------------

    @Slot(bool)
    def star_shown(self, on: bool) -> None:
        if self._stage.track is not None:
            self._shelf.star(self._stage.track.id, on)

    @Slot(str)
    def rename_shown(self, title: str) -> None:
        if self._stage.track is not None:
            self._shelf.rename(self._stage.track.id, title)

    def _bring_back(self, ids: Sequence[str], shown: str) -> None:
        self._shelf.restore(ids)
        if shown and self._stage.track is None:
            self._stage.open(shown)  # read after the restoring: one queue
        self._toast.hide()

    def _delete_again(self, ids: list[str], step: Step) -> None:
        self._deleting_again = ids, step
        self._shelf.delete(ids)

    @Slot(object)
    def _on_deleted(self, tracks: Sequence[Track]) -> None:
        ids = [track.id for track in tracks]
        if not ids:
            return
        on_show = self._stage.track
        shown = on_show.id if on_show is not None and on_show.id in ids else ""
        again, self._deleting_again = self._deleting_again, None
        if again is not None and again[0] == ids:
            step = again[1]  # the history has it already
        else:
            step = Step(undo=lambda: self._bring_back(ids, shown), redo=lambda: self._delete_again(ids, step))
            self._history.push(step)
        self._stage.forget(ids)
        text = (
            self.tr("“{title}” is deleted.").format(title=tracks[0].title)
            if len(tracks) == 1
            else self.tr("{n} takes are deleted.").format(n=len(tracks))
        )
        self._toast.say(text, self.tr("Undo"), lambda: self._history.take_back(step))

    @Slot(object)
    def _on_offered(self, track: Track) -> None:
        text = self.tr("“{title}” is made.").format(title=track.title)
        self._toast.say(text, self.tr("Open"), lambda: self._stage.open(track.id))

    # -- within --------------------------------------------------------------------------------------------------

    def _read(self, work: Callable[[], T], then: Callable[[T], object]) -> None:
        job = Job(lambda _progress, _cancel: work(), self)
        job.finished.connect(then)
        job.failed.connect(self.failed)
        self._queue.submit(job)
