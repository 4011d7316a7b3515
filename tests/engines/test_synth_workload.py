"""How far a render is: weighed, never falling, told while one waits."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nur_studio.core.errors import Cancelled
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.engines.sketch.synth.workload import Job, Workload


def test_jobs_count_by_their_cost() -> None:
    token, steps = CancelToken(), list[Progress]()
    small, large = Job(token, "small", 1.0), Job(token, "large", 3.0, steps=4)
    load = Workload(steps.append, [small, large])
    small.done = True
    load.report("small")
    assert steps[-1].fraction == pytest.approx(0.01 + 0.99 * 0.25)
    large.check()
    large.check()
    load.report("large")
    assert steps[-1].fraction == pytest.approx(0.01 + 0.99 * (0.25 + 0.75 * 0.5))
    for _ in range(100):
        large.check()
    load.report("large")
    assert steps[-1].fraction < 0.98, "more steps than expected are not the end"
    large.done = True
    load.report("large")
    assert steps[-1].fraction == 1.0
    assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)


def test_it_reports_while_it_waits() -> None:
    token, steps, go = CancelToken(), list[Progress](), threading.Event()
    job = Job(token, "playing", 1.0, steps=10)

    def work() -> str:
        for _ in range(5):
            job.check()
        assert go.wait(10.0)
        return "done"

    def on_progress(progress: Progress) -> None:
        steps.append(progress)
        if len(steps) == 2:
            go.set()

    with ThreadPoolExecutor(1) as pool:
        assert Workload(on_progress, [job]).wait(pool.submit(work), job) == "done"
    assert steps[1].fraction == pytest.approx(0.505)
    assert steps[-1].fraction == 1.0


def test_cancel_and_failure_pass_through() -> None:
    token = CancelToken()
    token.cancel()
    job = Job(token, "playing", 1.0)
    assert job.is_set()
    with ThreadPoolExecutor(1) as pool, pytest.raises(Cancelled):
        Workload(lambda _: None, [job]).wait(pool.submit(job.check), job)
    assert not job.done
