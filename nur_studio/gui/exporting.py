"""Exports asked for in the window: the dialog, the job behind it, the sentence at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Signal, Slot
from PySide6.QtWidgets import QWidget

from nur_studio.core.errors import StudioError
from nur_studio.core.mix import Mix
from nur_studio.core.progress import Cancel, OnProgress
from nur_studio.core.track import Track
from nur_studio.gui.export_choice import ExportChoice, What
from nur_studio.gui.export_dialog import ExportDialog
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.studio import Studio
from nur_studio.studio.exporting import make_folder


class Exporter(QObject):
    """One dialog at a time; its export runs beside the window."""

    exported = Signal(object)  # list of paths
    failed = Signal(object)  # an error that is no sentence for people

    def __init__(self, studio: Studio, queue: JobQueue, window: QWidget) -> None:
        super().__init__(window)
        self._studio, self._queue, self._window = studio, queue, window
        self._folder: Path | None = None
        self._job: Job | None = None
        self.dialog: ExportDialog | None = None

    def ask(
        self, track: Track, mix: Mix, what: What = "mix", lanes: Sequence[str] = (), *, in_turn: bool = False
    ) -> None:
        """Open the dialog for a finished track, with `what` chosen; `mix` is how it is heard now."""
        if self.dialog is not None:
            self.dialog.destroyed.disconnect(self._on_closed)  # it dies later, when another is in its place
            self.dialog.close()
        self.dialog = ExportDialog(track, mix, self._start_folder(), parent=self._window)
        self.dialog.offer(what, lanes, in_turn=in_turn)
        self.dialog.export_requested.connect(self._on_requested)
        self.dialog.cancel_requested.connect(self._on_cancel)
        self.dialog.destroyed.connect(self._on_closed)
        self.dialog.show()

    def _start_folder(self) -> Path:
        if self._folder is not None:
            return self._folder
        places = QStandardPaths.StandardLocation
        for place in (places.MusicLocation, places.HomeLocation):
            found = QStandardPaths.writableLocation(place)
            if found and Path(found).is_dir():
                return Path(found)
        return Path.home()

    @Slot(object)
    def _on_requested(self, choice: ExportChoice) -> None:
        def work(on_progress: OnProgress, cancel: Cancel) -> list[Path]:
            return export(self._studio, choice, on_progress, cancel)

        self._folder = choice.folder
        job = self._job = Job(work, self)
        if self.dialog is not None:
            job.progressed.connect(self.dialog.set_progress)
        job.finished.connect(self._on_finished)
        job.failed.connect(self._on_failed)
        self._queue.submit(job)

    @Slot()
    def _on_cancel(self) -> None:
        if self._job is not None:
            self._queue.remove(self._job)
            self._job = None

    @Slot(object)
    def _on_finished(self, paths: list[Path]) -> None:
        self._job = None
        if self.dialog is not None:
            self.dialog.finish()
        self.exported.emit(paths)

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        self._job = None
        sentence = str(error) if isinstance(error, StudioError) else self.tr("The export failed unexpectedly.")
        if self.dialog is not None:
            self.dialog.show_failure(sentence)
        if not isinstance(error, StudioError):
            self.failed.emit(error)

    @Slot()
    def _on_closed(self) -> None:
        self.dialog = None


def export(studio: Studio, choice: ExportChoice, on_progress: OnProgress, cancel: Cancel) -> list[Path]:
    """Write what was chosen; where it is. The folder is made where it is missing."""
    track_id, folder, encoding = choice.track_id, choice.folder, choice.encoding
    make_folder(folder)
    if choice.what == "minus":
        return studio.export_minus(
            track_id, folder, choice.without, encoding, mix=choice.mix, on_progress=on_progress, cancel=cancel
        )
    if choice.what != "stems":
        return [
            studio.export(track_id, folder, encoding=encoding, mix=choice.mix, on_progress=on_progress, cancel=cancel)
        ]
    if choice.zipped:
        return [
            studio.export_zip(track_id, folder, encoding, parts=choice.lanes, on_progress=on_progress, cancel=cancel)
        ]
    return studio.export_stems(track_id, folder, encoding, on_progress, cancel, parts=choice.lanes)
