"""Priorities, asked for in a thread of its own so that the tests keep theirs."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import pytest

from nur_studio.audio.real_time import ask_for_callback_priority, ask_for_priority, humbly

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads are scheduled so on Linux")


def in_a_thread(work: Callable[[], list[int]]) -> list[int]:
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.extend(work()))
    thread.start()
    thread.join()
    return seen


def test_computing_is_done_in_ordinary_time_and_all_else_in_real_time() -> None:
    def work() -> list[int]:
        ask_for_priority()
        seen = [os.sched_getscheduler(0)]
        with humbly():
            seen.append(os.sched_getscheduler(0))
        seen += [os.sched_getscheduler(0), *in_a_thread(lambda: [os.sched_getscheduler(0)])]
        ask_for_callback_priority()
        return [*seen, os.sched_getparam(0).sched_priority]

    *seen, priority = in_a_thread(work)
    if seen[0] != os.SCHED_RR:  # the system grants none: then nothing changes
        assert seen == [os.SCHED_OTHER] * 4 and priority == 0
    else:
        assert seen == [os.SCHED_RR, os.SCHED_OTHER, os.SCHED_RR, os.SCHED_RR]
        assert priority == 5


def test_a_thread_in_ordinary_time_stays_there() -> None:
    def work() -> list[int]:
        with humbly():
            pass
        return [os.sched_getscheduler(0)]

    assert in_a_thread(work) == [os.SCHED_OTHER]
