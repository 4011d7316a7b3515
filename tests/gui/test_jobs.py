"""Jobs: order, threads, progress, cancel, failure, end."""

from __future__ import annotations

import threading
import time

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from nur_studio.core.errors import FileProblem, TrackNotFound
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.gui.jobs import Job, JobQueue, Work, deleted_meanwhile


class Witness(QObject):
    """Writes down every signal of its jobs and the thread it came in."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, object]] = []
        self.threads: set[QThread] = set()

    def watch(self, job: Job) -> Job:
        job.progressed.connect(self.on_progressed)
        job.finished.connect(self.on_finished)
        job.failed.connect(self.on_failed)
        job.cancelled.connect(self.on_cancelled)
        return job

    def _note(self, name: str, value: object) -> None:
        self.seen.append((name, value))
        self.threads.add(QThread.currentThread())

    def on_progressed(self, value: object) -> None:
        self._note("progressed", value)

    def on_finished(self, value: object) -> None:
        self._note("finished", value)

    def on_failed(self, value: object) -> None:
        self._note("failed", value)

    def on_cancelled(self) -> None:
        self._note("cancelled", None)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.seen]


@pytest.fixture
def queue(qtbot: QtBot):  # type: ignore[no-untyped-def]
    queue = JobQueue()
    yield queue
    assert queue.close()


def returning(value: object) -> Work:
    return lambda _progress, _cancel: value


def until_cancelled(started: threading.Event) -> Work:
    def work(on_progress: OnProgress, cancel: Cancel) -> None:
        started.set()
        while True:
            cancel.check()
            time.sleep(0.002)

    return work


def test_work_runs_elsewhere_and_results_arrive_in_the_windows_thread(queue: JobQueue, qtbot: QtBot) -> None:
    witness, ran_in = Witness(), []
    job = Job(lambda _p, _c: ran_in.append(threading.get_ident()) or 3_000_000_000)
    queue.submit(witness.watch(job))
    qtbot.waitUntil(lambda: "finished" in witness.names)
    assert witness.seen == [("finished", 3_000_000_000)]
    assert witness.threads == {QThread.currentThread()}
    assert ran_in != [threading.get_ident()]


def test_jobs_run_one_after_the_other_in_order(queue: JobQueue, qtbot: QtBot) -> None:
    witness, order, alive = Witness(), [], []

    def work(number: int) -> Work:
        def run(_progress: OnProgress, _cancel: Cancel) -> int:
            alive.append(number)
            assert alive == [number]
            time.sleep(0.005)
            alive.remove(number)
            order.append(number)
            return number

        return run

    for number in range(6):
        queue.submit(witness.watch(Job(work(number))))
    qtbot.waitUntil(lambda: len(witness.seen) == 6)
    assert order == list(range(6))
    assert [value for _, value in witness.seen] == order
    assert queue.current is None
    assert queue.waiting == ()


def test_progress_comes_before_the_end_and_the_last_one_is_never_lost(queue: JobQueue, qtbot: QtBot) -> None:
    witness = Witness()

    def work(on_progress: OnProgress, _cancel: Cancel) -> str:
        for step in range(20_000):
            on_progress(Progress("counting", step / 19_999))
        return "done"

    queue.submit(witness.watch(Job(work)))
    qtbot.waitUntil(lambda: "finished" in witness.names)
    assert witness.names[-1] == "finished"
    fractions = [p.fraction for name, p in witness.seen if name == "progressed"]  # type: ignore[attr-defined]
    assert fractions[-1] == 1.0
    assert fractions == sorted(fractions)
    assert len(fractions) < 20_000, "a flood must be merged"


def test_cancel_ends_the_running_job_with_one_signal(queue: JobQueue, qtbot: QtBot) -> None:
    witness, started = Witness(), threading.Event()
    job = witness.watch(Job(until_cancelled(started)))
    queue.submit(job)
    qtbot.waitUntil(started.is_set)
    job.cancel()
    qtbot.waitUntil(lambda: "cancelled" in witness.names)
    queue.submit(witness.watch(Job(returning("next"))))
    qtbot.waitUntil(lambda: "finished" in witness.names)
    assert witness.seen == [("cancelled", None), ("finished", "next")]


def test_a_waiting_job_can_be_removed_and_never_runs(queue: JobQueue, qtbot: QtBot) -> None:
    witness, started, ran = Witness(), threading.Event(), []
    first = queue.submit(Job(until_cancelled(started)))
    second = queue.submit(witness.watch(Job(lambda _p, _c: ran.append("second"))))
    third = queue.submit(witness.watch(Job(lambda _p, _c: ran.append("third"))))
    assert queue.current is first
    assert queue.waiting == (second, third)
    with qtbot.waitSignal(queue.changed):
        queue.remove(second)
    assert witness.seen == [("cancelled", None)]
    first.cancel()
    qtbot.waitUntil(lambda: "finished" in witness.names)
    assert ran == ["third"]


def test_failure_brings_the_error_itself_and_the_queue_goes_on(queue: JobQueue, qtbot: QtBot) -> None:
    witness = Witness()

    def broken(_progress: OnProgress, _cancel: Cancel) -> None:
        raise ValueError("out of tune")

    queue.submit(witness.watch(Job(broken)))
    queue.submit(witness.watch(Job(returning(2))))
    qtbot.waitUntil(lambda: len(witness.seen) == 2)
    assert witness.names == ["failed", "finished"]
    assert isinstance(witness.seen[0][1], ValueError)


def test_close_cancels_all_and_ends_the_thread(qtbot: QtBot) -> None:
    queue, witness, started = JobQueue(), Witness(), threading.Event()
    queue.submit(Job(until_cancelled(started)))
    queue.submit(witness.watch(Job(returning("never"))))
    qtbot.waitUntil(started.is_set)
    begun = time.perf_counter()
    assert queue.close()
    assert time.perf_counter() - begun < 1.0
    assert witness.names == ["cancelled"]
    late = witness.watch(Job(returning("late")))
    queue.submit(late)
    assert witness.names == ["cancelled", "cancelled"]


class Owner(QObject):
    """Held by nothing but its own job, once the test has let it go."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = False
        self.queue = JobQueue(self)
        job = Job(lambda *_: self.objectName(), self)
        job.finished.connect(self.on_finished)
        self.queue.submit(job)

    def on_finished(self, _: object) -> None:
        self.ended = True


def test_an_owner_that_dies_with_its_job_does_not_delete_it_twice(qapp: QApplication) -> None:
    for _ in range(10):
        owner = Owner()
        gone: list[str] = []
        owner.destroyed.connect(lambda _, gone=gone: gone.append("owner"))
        while not owner.ended:
            QCoreApplication.sendPostedEvents(None, QEvent.Type.MetaCall.value)  # the job has ended, and is still there
        owner.queue.close()
        del owner
        assert gone == []
        qapp.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        assert gone == ["owner"]


def test_only_a_take_that_is_gone_is_no_fault_to_tell() -> None:
    assert deleted_meanwhile(TrackNotFound("trk_aaaaaaaaaaaa"))
    assert not any(deleted_meanwhile(error) for error in (FileProblem("The disk is full."), KeyError("trk"), OSError()))
