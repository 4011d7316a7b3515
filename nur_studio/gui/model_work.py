"""Work on the models beside the window: downloads, imports, checks and removals one after the other; forecasts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from PySide6.QtCore import QObject, Signal, Slot

from nur_studio.core.errors import StudioError
from nur_studio.core.progress import Progress
from nur_studio.gui.amounts import size
from nur_studio.gui.jobs import Job, JobQueue, Work
from nur_studio.gui.model_view import DOWNLOAD, READY, REMOVE, VERIFY, ModelView, Place
from nur_studio.studio import Studio

if TYPE_CHECKING:
    from nur_studio.engines.base import Forecast

IMPORT = "import"


@dataclass(slots=True)
class _Task:
    doing: str
    job: Job
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class ImportState:
    """`running`, how far, and how the last one ended."""

    running: bool = False
    progress: Progress | None = None
    fault: str = ""
    told: str = ""


class ModelWork(QObject):
    """Knows every model's state and carries out what is asked, whether or not a dialog shows it.

    Downloads and their like share one queue, so that two of them never fight for disk and line; forecasts have one of
    their own, because nobody waits an hour for one.
    """

    changed = Signal()  # a view, the place or the import is another
    models_changed = Signal()  # what can be used is another
    got = Signal(object)  # tuple of names of models that became ready
    unforeseen = Signal(object)  # an error that is no sentence for people

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._queue, self._measures = JobQueue(self, "models"), JobQueue(self, "forecasts")
        self._tasks: dict[str, _Task] = {}
        self._faults: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._forecasts: dict[str, Forecast] = {}
        self._forecast_faults: dict[str, str] = {}
        self._measuring: dict[str, Job] = {}
        self._agreed: set[str] = set()
        self.importing = ImportState()
        self._import_job: Job | None = None
        self._views: tuple[ModelView, ...] = ()
        self.refresh()

    # -- what there is -----------------------------------------------------------------------------------------------

    @property
    def views(self) -> tuple[ModelView, ...]:
        """Every model, in the catalogue's order."""
        return tuple(self._dressed(view) for view in self._views)

    def view(self, name: str) -> ModelView:
        return next(view for view in self.views if view.name == name)

    @property
    def busy(self) -> ModelView | None:
        """The model that is being downloaded now, if one is."""
        return next((view for view in self.views if view.doing == DOWNLOAD and view.progress is not None), None)

    def place(self) -> Place:
        """Where the models go, the room there and this machine's memory."""
        folder = self._studio.directories.models
        there = next((path for path in (folder, *folder.parents) if path.exists()), Path(folder.anchor))
        try:
            free = shutil.disk_usage(there).free
        except OSError:  # a disk that was taken away: nothing fits there
            free = 0
        return Place(str(folder), free, psutil.virtual_memory().total)

    def refresh(self) -> None:
        """Look at the disk again."""
        ready = {view.name for view in self._views if view.state == READY}
        in_use = {self._studio.default_engine(), self._studio.default_separator()}
        sellable_only = self._studio.settings.sellable_only
        self._views = tuple(
            ModelView(
                state.info,
                state.state,
                state.missing_bytes,
                state.disk_bytes,
                state.why_not,
                in_use=state.info.name in in_use,
                barred=sellable_only and not state.info.sellable,
            )
            for state in self._studio.models()
        )
        self.changed.emit()
        if ready != {view.name for view in self._views if view.state == READY}:
            self.models_changed.emit()

    def _dressed(self, view: ModelView) -> ModelView:
        task, name = self._tasks.get(view.name), view.name
        return replace(
            view,
            agreed=name in self._agreed,
            doing=task.doing if task else "",
            progress=task.progress if task else None,
            fault=self._faults.get(name, ""),
            told=self._told.get(name, ""),
            forecast=self._forecasts.get(name),
            forecast_fault=self._forecast_faults.get(name, ""),
            measuring=name in self._measuring,
        )

    # -- what is asked -----------------------------------------------------------------------------------------------

    @Slot(str, bool)
    def agree(self, name: str, on: bool) -> None:
        """The person agrees to a model's licence, or no longer does."""
        if on:
            self._agreed.add(name)
        else:
            self._agreed.discard(name)

    @Slot(str)
    def download(self, name: str) -> None:
        """Fetch what is missing of a model; the person has agreed to its licence."""
        self._begin(name, DOWNLOAD, lambda on, cancel: self._studio.download_model(name, on, cancel))

    @Slot(str)
    def verify(self, name: str) -> None:
        """Read every file of a model and compare it with its checksum."""
        self._begin(name, VERIFY, lambda on, cancel: self._studio.verify_model(name, on, cancel))

    @Slot(str)
    def remove(self, name: str) -> None:
        """Take a model off the disk, with the parts that no other needs."""
        self._begin(name, REMOVE, lambda _on, _cancel: self._studio.remove_model(name))

    @Slot(str)
    def cancel(self, name: str) -> None:
        """Stop what is done with a model; what a download has fetched stays."""
        if name in self._tasks:
            self._queue.remove(self._tasks[name].job)

    def bring(self, folder: Path) -> None:
        """Copy the models that lie in `folder`."""
        if self.importing.running:
            return
        job = Job(lambda on, cancel: self._studio.import_models(folder, on, cancel), self)
        self._import_job = job
        self.importing = ImportState(running=True)
        job.progressed.connect(self._on_import_progressed)
        job.finished.connect(self._on_imported)
        job.failed.connect(self._on_import_failed)
        job.cancelled.connect(self._on_import_cancelled)
        self._queue.submit(job)
        self.changed.emit()

    @Slot()
    def cancel_import(self) -> None:
        if self._import_job is not None:
            self._queue.remove(self._import_job)

    @Slot(str)
    def measure(self, name: str) -> None:
        """Let this machine try a model for a moment, and keep what it says."""
        if name in self._measuring:
            return
        for job in self._measures.waiting:  # rows passed by: nobody looks at them any more
            self._measures.remove(job)
        job = Job(lambda _on, cancel: self._studio.forecast(name, cancel), self, title=name)
        self._measuring[name] = job
        job.finished.connect(self._on_measured)
        job.failed.connect(self._on_not_measured)
        job.cancelled.connect(self._on_measure_cancelled)
        self._measures.submit(job)
        self.changed.emit()

    @Slot(str)
    def measure_once(self, name: str) -> None:
        """The same, unless it is known or known not to work."""
        if name and name not in self._forecasts and name not in self._forecast_faults:
            self.measure(name)

    def forget_forecasts(self) -> None:
        """The device is another."""
        self._forecasts.clear()
        self._forecast_faults.clear()
        self.changed.emit()

    def forget_news(self) -> None:
        """What went well was read; what did not stays until it is tried again."""
        self._told.clear()
        if not self.importing.running:
            self.importing = ImportState()

    def close(self) -> bool:
        """Cancel everything and end the threads."""
        measured = self._measures.close()
        return self._queue.close() and measured

    # -- how it goes -------------------------------------------------------------------------------------------------

    def _begin(self, name: str, doing: str, work: Work) -> None:
        if name in self._tasks:
            return
        self._faults.pop(name, None)
        self._told.pop(name, None)
        job = Job(work, self, title=name)
        self._tasks[name] = _Task(doing, job)
        job.progressed.connect(self._on_progressed)
        job.finished.connect(self._on_finished)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._on_cancelled)
        self._queue.submit(job)
        self.changed.emit()

    def _sender(self) -> str:
        job = self.sender()
        assert isinstance(job, Job)
        return job.title

    @Slot(object)
    def _on_progressed(self, progress: Progress) -> None:
        self._tasks[self._sender()].progress = progress
        self.changed.emit()

    @Slot(object)
    def _on_finished(self, result: object) -> None:
        name = self._sender()
        doing = self._tasks.pop(name).doing
        if doing == VERIFY:
            self._told[name] = self.tr("Every file is as it came.")
        elif doing == REMOVE and isinstance(result, int):
            self._told[name] = self.tr("{size} freed.").format(size=size(result))
        self.refresh()
        if doing == DOWNLOAD and self.view(name).state == READY:
            self.got.emit((name,))

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        name = self._sender()
        self._tasks.pop(name)
        self._faults[name] = self._sentence(error)
        self.refresh()

    @Slot()
    def _on_cancelled(self) -> None:
        self._tasks.pop(self._sender())
        self.refresh()

    @Slot(object)
    def _on_import_progressed(self, progress: Progress) -> None:
        self.importing = ImportState(running=True, progress=progress)
        self.changed.emit()

    @Slot(object)
    def _on_imported(self, names: tuple[str, ...]) -> None:
        self._end_import()
        brought = [view for view in self._views if view.name in names]
        ready = ", ".join(view.info.title for view in brought if view.state == READY)
        self.importing = ImportState(
            fault=" ".join(view.why_not for view in brought if view.state != READY),
            told=self.tr("Imported: {titles}.").format(titles=ready) if ready else "",
        )
        self.changed.emit()
        self.got.emit(tuple(names))

    @Slot(object)
    def _on_import_failed(self, error: BaseException) -> None:
        self._end_import(fault=self._sentence(error))

    @Slot()
    def _on_import_cancelled(self) -> None:
        self._end_import()

    def _end_import(self, fault: str = "", told: str = "") -> None:
        self._import_job = None
        self.importing = ImportState(fault=fault, told=told)
        self.refresh()

    @Slot(object)
    def _on_measured(self, forecast: Forecast) -> None:
        name = self._sender()
        self._measuring.pop(name, None)
        self._forecast_faults.pop(name, None)
        self._forecasts[name] = forecast
        self.changed.emit()

    @Slot(object)
    def _on_not_measured(self, error: BaseException) -> None:
        name = self._sender()
        self._measuring.pop(name, None)
        self._forecasts.pop(name, None)
        self._forecast_faults[name] = self._sentence(error)
        self.changed.emit()

    @Slot()
    def _on_measure_cancelled(self) -> None:
        self._measuring.pop(self._sender(), None)
        self.changed.emit()

    def _sentence(self, error: BaseException) -> str:
        if isinstance(error, StudioError):
            return str(error)
        self.unforeseen.emit(error)
        return self.tr("This did not work, for a reason nobody foresaw.")
