"""Priorities, asked for in a thread of its own so that the tests keep theirs."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

import pytest

from nur_studio.audio.real_time import ask_for_callback_priority, ask_for_priority, give_way, step_back

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="threads are scheduled so on Linux")


def in_a_thread(work: Callable[[], list[int]]) -> list[int]:
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.extend(work()))
    thread.start()
    thread.join()
    return seen


def test_what_computes_comes_after_what_sounds_and_leaves_time_to_others() -> None:
    def work() -> list[int]:
        ask_for_priority()
        seen = [os.sched_getscheduler(0), os.sched_getparam(0).sched_priority]
        seen += in_a_thread(computing)
        ask_for_callback_priority()
        return [*seen, os.sched_getparam(0).sched_priority]

    def computing() -> list[int]:
        step_back()
        before = time.perf_counter()
        give_way(0.1)
        rested = time.perf_counter() - before
        return [os.sched_getscheduler(0), os.sched_getparam(0).sched_priority, int(rested >= 0.05)]

    policy, player, computing_policy, computing_priority, rested, callback = in_a_thread(work)
    if policy == os.SCHED_RR:
        assert computing_policy == os.SCHED_RR and rested
        assert 0 < computing_priority < player < callback
    else:  # the system grants none: then nothing changes
        assert computing_policy == os.SCHED_OTHER and not rested
        assert player == computing_priority == callback == 0


def test_a_thread_in_ordinary_time_stays_there() -> None:
    def work() -> list[int]:
        step_back()
        give_way(60.0)
        return [os.sched_getscheduler(0)]

    assert in_a_thread(work) == [os.SCHED_OTHER]
