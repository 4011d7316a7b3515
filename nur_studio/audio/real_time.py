"""What the player asks of the system's scheduler, so that sound does not wait for anybody's arithmetic.

Measured on two cores with nine processes that compute, through a sound server: at 10 ms of latency 118 dropouts in
15 s with the audio thread alone in real time, none with every thread of the player in it. What the audio thread waits
for, the interpreter's lock above all, must not wait for the processor either.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

_PLAYER, _CALLBACK = 3, 5  # real-time priorities, low among those in use; the callback comes first


def ask_for_priority() -> None:
    """For the calling thread and those it starts, PortAudio's among them.

    Real time on Linux takes root or a limit that allows it (`ulimit -r`), as audio distributions set it; without, the
    machine's fairness has to do. macOS and Windows run audio threads in real time by themselves.
    """
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.HIGH_PRIORITY_CLASS)
    else:
        with contextlib.suppress(OSError):  # only root may
            os.setpriority(os.PRIO_PROCESS, 0, -11)
    if sys.platform == "linux":
        _run_at(_PLAYER)


def ask_for_callback_priority() -> None:
    """For the audio thread, by itself."""
    if sys.platform == "linux":
        _run_at(_CALLBACK)


@contextlib.contextmanager
def humbly() -> Iterator[None]:
    """Compute in ordinary time meanwhile: for long calls that do not hold the interpreter's lock."""
    if sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_RR:
        yield
        return
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    try:
        yield
    finally:
        _run_at(_PLAYER)


if sys.platform == "linux":

    def _run_at(priority: int) -> None:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
