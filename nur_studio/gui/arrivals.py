"""Tracks that come into the library by another way than an engine: one after the other, beside the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from nur_studio.core.errors import StudioError
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.core.track import Track
from nur_studio.gui.arrival_strip import ArrivalStrip
from nur_studio.gui.jobs import Job, JobQueue
from nur_studio.gui.playback import Playback
from nur_studio.gui.shelf import Shelf
from nur_studio.gui.stage import Stage
from nur_studio.gui.toast import Toast


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is coming, in words: `doing` while it does, `done` with the `{title}` it got, `name` in every failure."""

    doing: str
    done: str
    name: str
    work: Callable[[OnProgress, Cancel], Track]


class Arrivals(QObject):
    """The first of those that come together is opened, unless one is listening to something."""

    arrived = Signal(object)  # Track
    failed = Signal(object)  # an error that is no sentence for people

    def __init__(self, strip: ArrivalStrip, stage: Stage, shelf: Shelf, playback: Playback, toast: Toast) -> None:
        super().__init__(toast)
        self._strip, self._stage, self._shelf = strip, stage, shelf
        self._playback, self._toast = playback, toast
        self._queue = JobQueue(self, "arriving")
        self._coming: dict[Job, Arrival] = {}
        self._faults: list[str] = []
        self._latest: Progress | None = None
        self._count, self._opened = 0, False
        self._queue.changed.connect(self._on_queue)
        strip.cancel_requested.connect(self.cancel)

    @property
    def busy(self) -> bool:
        return self._queue.current is not None

    def add(self, arrival: Arrival) -> None:
        """Let it come, behind what is coming already."""
        if not self.busy:
            self._faults, self._count, self._opened = [], 0, False
            self._strip.show_faults(())
        self._count += 1
        job = Job(arrival.work, self)
        self._coming[job] = arrival
        job.progressed.connect(self._on_progress)
        job.finished.connect(self._on_finished)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(self._on_cancelled)
        self._queue.submit(job)

    @Slot()
    def cancel(self) -> None:
        """Stop what is coming and what waits."""
        for job in (*self._queue.waiting, self._queue.current):
            if job is not None:
                self._queue.remove(job)

    def close(self) -> None:
        self._queue.close()

    @Slot()
    def _on_queue(self) -> None:
        self._latest = None
        self._show()

    def _show(self) -> None:
        job = self._queue.current
        arrival = self._coming.get(job) if job is not None else None
        if arrival is None:
            self._strip.rest()
            return
        doing, waiting = arrival.doing, len(self._queue.waiting)
        if self._count > 1:
            number = self._count - waiting
            doing = self.tr("{number} of {count} · {doing}").format(number=number, count=self._count, doing=doing)
        self._strip.show_work(doing, self._latest)

    @Slot(object)
    def _on_progress(self, progress: Progress) -> None:
        if self.sender() is self._queue.current:
            self._latest = progress
            self._show()

    @Slot(object)
    def _on_finished(self, track: Track) -> None:
        arrival = self._forget()
        self._shelf.refresh()
        note = track.recipe.get("note")
        words = [arrival.done.format(title=track.title)] if arrival is not None else []
        words += [note] if isinstance(note, str) and note else []
        if not self._opened and not self._playback.playing:
            self._opened = True
            self._stage.open(track.id)
            if len(words) > 1:
                self._toast.say(" ".join(words))
        else:
            self._toast.say(" ".join(words), self.tr("Open"), lambda: self._stage.open(track.id))
        self.arrived.emit(track)

    @Slot(object)
    def _on_failed(self, error: BaseException) -> None:
        arrival = self._forget()
        name = arrival.name if arrival is not None else ""
        if isinstance(error, StudioError):
            sentence = str(error)
        else:
            sentence = self.tr("This failed unexpectedly.")
            self.failed.emit(error)
        self._faults.append(sentence if not name or name in sentence else f"“{name}”: {sentence}")
        self._strip.show_faults(self._faults)

    @Slot()
    def _on_cancelled(self) -> None:
        self._forget()

    def _forget(self) -> Arrival | None:
        job = self.sender()
        return self._coming.pop(job, None) if isinstance(job, Job) else None
