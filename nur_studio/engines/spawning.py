"""What surrounds the start of the engine process, and how its end is told."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without_interrupt() -> Iterator[None]:
    """A child started inside never sees Ctrl+C, not even before its first line."""
    if os.name != "posix":
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # starting it later would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """A child started inside has numpy's OpenBLAS on one thread, which only the environment can tell it in time.

    Sums split over two threads round differently, so a seed would sound different on another number of cores; and
    Sketch's many small products take 1-3 ms instead of 15 when no threads have to be woken for them.
    """
    name = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextlib.contextmanager
def without_script() -> Iterator[None]:
    """A child started inside does not run the person's script first, as multiprocessing has it: nothing in there is
    needed, and a script without `if __name__ == "__main__"` would ask for its music again, in every child.
    """
    main = sys.modules["__main__"].__dict__
    hidden = {name: main[name] for name in ("__file__", "__spec__") if main.get(name) is not None}
    main.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        main.update(hidden)


def ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None:
        return "it no longer answers"
    if code < 0:
        try:
            return f"killed by signal {-code}, {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    return f"exit code {code}"
