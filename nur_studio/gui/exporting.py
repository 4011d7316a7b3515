"""Exports asked for in the window: the dialog, the job behind it, the sentence at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Signal, Slot
from PySide6.QtWidgets import QWidget

from nur_studio.core.errors import StudioError
from nur_studio.core.mix import Mix
from nur_studio.core.progress import Cancel, OnProgress
from nur_studio.core.track import Track
from nur_studio.gui.export_choice import ExportChoice, What
from nur_studio.gui.export_clip import LoopQuestion
from nur_studio.gui.export_dialog import ExportDialog
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.studio import Loop, Studio
from nur_studio.studio.exporting import make_folder
from nur_studio.studio.parts import MIX_PART


class Exporter(QObject):
    """One dialog at a time; its export runs beside the window."""

    exported = Signal(object)  # list of paths
    failed = Signal(object)  # an error that is no sentence for people

    def __init__(self, studio: Studio, queue: JobQueue, window: QWidget) -> None:
        super().__init__(window)
        self._studio, self._queue, self._window = studio, queue, window
        self._folder: Path | None = None
        self._job: Job | None = None
        self._looking: Job | None = None
        self.dialog: ExportDialog | None = None

    def ask(
        self,
        track: Track,
        mix: Mix,
        what: What = "mix",
        lanes: Sequence[str] = (),
        *,
        in_turn: bool = False,
        span: tuple[int, int] | None = None,
    ) -> None:
        """Open the dialog for a finished track, with `what` chosen; `mix` is how it is heard now, `span` what of it is
        marked.
        """
        if self.dialog is not None:
            self.dialog.destroyed.disconnect(self._on_closed)  # it dies later, when another is in its place
            self.dialog.close()
        self.dialog = ExportDialog(track, mix, self._start_folder(), span, parent=self._window)
        self.dialog.looked_for.connect(self._on_looked_for)
        self.dialog.offer(what, lanes, in_turn=in_turn)
        self.dialog.export_requested.connect(self._on_requested)
        self.dialog.cancel_requested.connect(self._on_cancel)
        self.dialog.destroyed.connect(self._on_closed)
        self.dialog.show()

        def notes() -> tuple[str, bool, Mapping[str, str]]:
            return track.id, self._studio.has_score(track.id), self._studio.why_no_notes(track.id)

        job = Job(lambda _progress, _cancel: notes(), self)
        job.finished.connect(self._on_notes)
        job.failed.connect(self._on_unread)
        self._queue.submit(job)

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
        self._stop_looking()

    # -- what the dialog wants to know ---------------------------------------------------------------------------

    @Slot(object)
    def _on_notes(self, found: tuple[str, bool, Mapping[str, str]]) -> None:
        track_id, scored, why_not = found
        if self.dialog is not None and self.dialog.choice().track_id == track_id:
            self.dialog.show_notes(scored, why_not)

    @Slot(object)
    def _on_unread(self, error: BaseException) -> None:
        if self.dialog is not None:
            self.dialog.show_failure(str(error)) if isinstance(error, StudioError) else self.failed.emit(error)

    @Slot(object)
    def _on_looked_for(self, question: LoopQuestion) -> None:
        def look(_: OnProgress, cancel: Cancel) -> tuple[LoopQuestion, Loop | str]:
            try:
                found = self._studio.look_at_loop(question.track_id, *question.bars, question.mix, cancel)
            except StudioError as error:
                return question, str(error)
            return question, found

        self._stop_looking()
        self._looking = Job(look, self)
        self._looking.finished.connect(self._on_seam)
        self._looking.failed.connect(self.failed)
        self._queue.submit(self._looking)

    @Slot(object)
    def _on_seam(self, answer: tuple[LoopQuestion, Loop | str]) -> None:
        self._looking = None
        if self.dialog is not None:
            self.dialog.show_seam(*answer)

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._queue.remove(self._looking)
            self._looking = None


def export(studio: Studio, choice: ExportChoice, on_progress: OnProgress, cancel: Cancel) -> list[Path]:
    """Write what was chosen; where it is. The folder is made where it is missing."""
    make_folder(choice.folder)
    return _WAYS[choice.what](studio, choice, on_progress, cancel)


def _take(studio: Studio, choice: ExportChoice, on_progress: OnProgress, cancel: Cancel) -> list[Path]:
    """The mix, stems, or the mix without some, in files or a zip; with clicks or without."""
    track_id, folder, encoding, clicks = choice.track_id, choice.folder, choice.encoding, choice.clicks
    stems = choice.lanes if choice.what == "stems" else ()
    without = choice.without if choice.what == "minus" else ()
    if choice.zipped:
        packed = studio.export_zip(
            track_id, folder, encoding, parts=stems, clicks=clicks, on_progress=on_progress, cancel=cancel
        )
        return [packed]
    if clicks:
        return studio.export_clicked(
            track_id,
            folder,
            clicks,
            parts=stems or (MIX_PART,),
            without=without,
            encoding=encoding,
            mix=choice.mix,
            on_progress=on_progress,
            cancel=cancel,
        )
    if without:
        return studio.export_minus(
            track_id, folder, without, encoding, mix=choice.mix, on_progress=on_progress, cancel=cancel
        )
    if stems:
        return studio.export_stems(track_id, folder, encoding, on_progress, cancel, parts=stems)
    return [studio.export(track_id, folder, encoding=encoding, mix=choice.mix, on_progress=on_progress, cancel=cancel)]


def _clip(studio: Studio, choice: ExportChoice, on_progress: OnProgress, cancel: Cancel) -> list[Path]:
    return studio.export_clips(
        choice.track_id,
        choice.folder,
        *choice.span,
        parts=choice.parts,
        encoding=choice.encoding,
        mix=choice.mix,
        on_progress=on_progress,
        cancel=cancel,
    )


def _loop(studio: Studio, choice: ExportChoice, on_progress: OnProgress, cancel: Cancel) -> list[Path]:
    loop = studio.export_loop(
        choice.track_id,
        choice.folder,
        *choice.bars,
        parts=choice.parts,
        encoding=choice.encoding,
        mix=choice.mix,
        on_progress=on_progress,
        cancel=cancel,
    )
    return list(loop.files)


def _notes(studio: Studio, choice: ExportChoice, on_progress: OnProgress, cancel: Cancel) -> list[Path]:
    return studio.export_notes(
        choice.track_id,
        choice.folder,
        choice.parts,
        quantise=choice.quantise,
        on_progress=on_progress,
        cancel=cancel,
    )


def _session(studio: Studio, choice: ExportChoice, on_progress: OnProgress, cancel: Cancel) -> list[Path]:
    return [
        studio.export_session(
            choice.track_id, choice.folder, choice.session, choice.clicks, on_progress=on_progress, cancel=cancel
        )
    ]


_WAYS: Mapping[What, Callable[[Studio, ExportChoice, OnProgress, Cancel], list[Path]]] = {
    "mix": _take,
    "heard": _take,
    "stems": _take,
    "minus": _take,
    "clip": _clip,
    "loop": _loop,
    "midi": _notes,
    "session": _session,
}
