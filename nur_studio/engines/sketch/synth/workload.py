"""How far a render is: jobs weighed by what they cost, counted while they run in several threads."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import TypeVar

from nur_studio.core.progress import Cancel, OnProgress, Progress

T = TypeVar("T")
_POLL_S = 0.1
_START = 0.01  # what composing was worth


@dataclass
class Job:
    """A piece of work: its cost in any unit, and how many times it will about ask whether it is cancelled.

    It stands in for the cancel token: every time it is asked, the job has come a step further.
    """

    cancel: Cancel
    stage: str
    cost: float
    steps: int = 1
    taken: int = 0
    done: bool = False

    def check(self) -> None:
        self.taken += 1
        self.cancel.check()

    def is_set(self) -> bool:
        return self.cancel.is_set()

    def enough(self) -> bool:
        return self.cancel.enough()

    def reach(self, share: float) -> None:
        """Say outright how far this job is."""
        self.taken = max(self.taken, round(share * self.steps))

    @property
    def share(self) -> float:
        """0 to 1; only what is over is whole."""
        return 1.0 if self.done else min(0.95, self.taken / max(1, self.steps))


class Workload:
    """All jobs of a render. Reports from the thread that waits for them, at least ten times a second."""

    def __init__(self, on_progress: OnProgress, jobs: list[Job]) -> None:
        self._on_progress = on_progress
        self._jobs = jobs
        self._total = sum(job.cost for job in jobs) or 1.0
        self._fraction = 0.0

    def report(self, stage: str) -> None:
        """Progress that never falls."""
        share = sum(job.cost * job.share for job in self._jobs) / self._total
        self._fraction = max(self._fraction, _START + (1.0 - _START) * share)
        self._on_progress(Progress(stage, min(1.0, self._fraction)))

    def wait(self, future: Future[T], job: Job) -> T:
        """The future's result, reporting while it is not there."""
        while True:
            try:
                result = future.result(timeout=_POLL_S)
            except NotYet:
                self.report(job.stage)
                continue
            job.done = True
            self.report(job.stage)
            return result
