"""Long work beside the window: a plain callable in a `Job`, and a queue that runs one after the other on a thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeGuard

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from nur_studio.core.errors import Cancelled, TrackNotFound
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, Progress

Work = Callable[[OnProgress, Cancel], object]

_CLOSE_MS = 8000  # an engine is killed one second after its cancel; the rest is for files being put away


class _Task:
    """What the worker thread sees of a job: no QObject ever dies on the wrong thread."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.token = CancelToken()
        self._lock = threading.Lock()
        self._latest: Progress | None = None

    def offer(self, progress: Progress) -> bool:
        """Keep the newest progress; whether the window has to be told that there is some."""
        with self._lock:
            idle = self._latest is None
            self._latest = progress
            return idle

    def take(self) -> Progress | None:
        with self._lock:
            latest, self._latest = self._latest, None
            return latest


class Job(QObject):
    """One piece of long work. Its signals arrive in the window's thread: progressed, then exactly one of the others.

    `finished` carries what the work returned, `failed` the exception. Progress that comes faster than the window
    takes it is merged: the newest counts.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    cancelled = Signal()

    def __init__(self, work: Work, parent: QObject | None = None, title: str = "") -> None:
        super().__init__(parent)
        self.title = title
        self._task = _Task(work)

    def cancel(self) -> None:
        """Ask the work to stop; `cancelled` follows, or `finished` where it was done already."""
        self._task.token.cancel()

    def keep(self) -> None:
        """Ask the work to end now with what it has made, where it can."""
        self._task.token.keep()


class _Worker(QObject):
    progressed = Signal(object)  # _Task
    ended = Signal(object, object, object)  # _Task, result, exception or None

    @Slot(object)
    def run(self, task: _Task) -> None:
        def report(progress: Progress) -> None:
            if task.offer(progress):
                self.progressed.emit(task)

        result: object = None
        error: BaseException | None = None
        try:
            task.token.check()
            result = task.work(report, task.token)
        except BaseException as caught:
            error = caught
        self.ended.emit(task, result, error)


class JobQueue(QObject):
    """Runs jobs first in, first out on one thread that lives as long as the queue."""

    changed = Signal()  # `current` or `waiting` is another
    _handed_over = Signal(object)  # _Task

    def __init__(self, parent: QObject | None = None, name: str = "jobs") -> None:
        super().__init__(parent)
        self._waiting: deque[Job] = deque()
        self._current: Job | None = None
        self._closed = False
        self._thread = QThread()
        self._thread.setObjectName(name)
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        # Bound methods of objects with a thread of their own: Qt then queues each call into that thread.
        self._handed_over.connect(self._worker.run, Qt.ConnectionType.QueuedConnection)
        self._worker.progressed.connect(self._on_progressed, Qt.ConnectionType.QueuedConnection)
        self._worker.ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)
        self._thread.start()

    @property
    def current(self) -> Job | None:
        return self._current

    @property
    def waiting(self) -> tuple[Job, ...]:
        return tuple(self._waiting)

    def submit(self, job: Job) -> Job:
        """Queue `job`; connect to its signals first. A closed queue cancels it at once."""
        if self._closed:
            job.cancel()
            job.cancelled.emit()
            return job
        self._waiting.append(job)
        self._start_next()
        self.changed.emit()
        return job

    def remove(self, job: Job) -> None:
        """Take a waiting job out of the queue, or cancel the running one."""
        job.cancel()
        if job in self._waiting:
            self._waiting.remove(job)
            job.cancelled.emit()
            _let_go(job)
            self.changed.emit()

    def close(self) -> bool:
        """Cancel everything and end the thread; False if the work did not stop in time (it is left to the exit)."""
        if self._closed:
            return True
        self._closed = True
        for job in tuple(self._waiting):
            self.remove(job)
        if self._current is not None:
            self._current.cancel()
        self._thread.quit()
        if self._thread.wait(_CLOSE_MS):
            return True
        _never_destroyed.append(self._thread)  # destroying a running QThread aborts the process
        return False

    def _start_next(self) -> None:
        if self._current is None and self._waiting:
            self._current = self._waiting.popleft()
            self._handed_over.emit(self._current._task)

    @Slot(object)
    def _on_progressed(self, task: _Task) -> None:
        progress = task.take()
        if progress is not None and self._current is not None and self._current._task is task:
            self._current.progressed.emit(progress)

    @Slot(object, object, object)
    def _on_ended(self, task: _Task, result: object, error: BaseException | None) -> None:
        job = self._current
        if job is None or job._task is not task:
            return
        last = task.take()
        if last is not None:
            job.progressed.emit(last)
        self._current = None
        self._start_next()
        self.changed.emit()
        with suppress(RuntimeError):  # the job's owner may be gone, and the job with it
            if error is None:
                job.finished.emit(result)
            elif isinstance(error, Cancelled):
                job.cancelled.emit()
            else:
                job.failed.emit(error)
            _let_go(job)


def deleted_meanwhile(error: BaseException) -> TypeGuard[TrackNotFound]:
    """Whether a job about a take that was on show failed because the take is gone by now.

    That is no fault to tell: who deleted it says so, or the next look at the library.
    """
    return isinstance(error, TrackNotFound)


def _let_go(job: Job) -> None:
    """Leave a job that has ended to the next turn of the event loop, where nobody is inside one of its signals.

    Its work and what its signals are connected to may hold the last references to its parent. So it has none when it
    goes: a parent that died of it would delete it a second time.
    """
    job.setParent(None)
    QTimer.singleShot(0, partial(_forget, job))


def _forget(_: Job) -> None:
    """The reference that came with the call was the last."""


_never_destroyed: list[QThread] = []
