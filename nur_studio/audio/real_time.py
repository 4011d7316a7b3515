"""What the player asks of the system's scheduler, so that sound does not wait for anybody's arithmetic.

Measured on two cores with nine processes that compute, through a sound server: at 10 ms of latency 118 dropouts in
15 s with the audio thread alone in real time, none with every thread of the player in it. What the audio thread waits
for, the interpreter's lock above all, must not wait for the processor either.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

_COMPUTING, _PLAYER, _CALLBACK = 2, 3, 5  # real-time priorities, low among those in use


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


def step_back() -> None:
    """For a thread of the player that computes: let those go first that keep the sound going.

    It stays in real time all the same. At an ordinary priority it would be held up by any busy process, at times while
    it holds the interpreter's lock, and the callback with it: gaps of 180 ms were measured.
    """
    if in_real_time():
        _run_at(_COMPUTING)


def give_way(worked_s: float) -> None:
    """Leave a third of the processor to everybody else, who would get nothing while a thread computes in real time."""
    if in_real_time():
        time.sleep(worked_s / 2)


def in_real_time() -> bool:
    """Whether the calling thread was granted real time."""
    return sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_RR


if sys.platform == "linux":

    def _run_at(priority: int) -> None:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
