"""The engine process, from within: takes orders one by one, carries them out, and dies with its parent."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import queue
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from nur_studio.core.errors import Cancelled
from nur_studio.engines.messages import CANCEL, ENOUGH, Order
from nur_studio.engines.workshop import Workshop

log = logging.getLogger(__name__)

_NICENESS = 10
_LOOK_EVERY_S = 15.0  # whether what lies idle should be given back


class Flag(Protocol):
    """One byte of shared memory: no lock that a killed process could take with it."""

    value: int


class SharedCancel:
    """A `Cancel` that another process sets."""

    def __init__(self, flag: Flag) -> None:
        self._flag = flag

    def is_set(self) -> bool:
        return self._flag.value == CANCEL

    def check(self) -> None:
        if self._flag.value == CANCEL:
            raise Cancelled

    def enough(self) -> bool:
        return self._flag.value == ENOUGH


def run(connection: Connection, flag: Flag, log_file: Path) -> None:
    """The whole life of an engine process. Orders come over `connection`; its end is ours too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole terminal; the parent decides what it means
    _write_to(log_file)
    _step_back()
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, orders), daemon=True).start()
    workshop = Workshop(connection, SharedCancel(flag), log_file)
    idle_since = time.monotonic()
    while True:
        try:
            order = orders.get(timeout=_LOOK_EVERY_S if workshop.holds_memory else None)
        except queue.Empty:
            workshop.spare(time.monotonic() - idle_since, _available())
            continue
        workshop.carry_out(order)
        idle_since = time.monotonic()


def _available() -> float:
    """The share of the machine's memory that programs could still get."""
    import psutil

    memory = psutil.virtual_memory()
    return float(memory.available / memory.total)


def _step_back() -> None:
    """Make music with what processor time the window, the player and the sound server leave over."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            psutil.Process().nice(_NICENESS)


def _listen(connection: Connection, orders: queue.SimpleQueue[Order]) -> None:
    try:
        while True:
            orders.put(connection.recv())
    except (EOFError, OSError):
        os._exit(0)  # the parent closed the pipe or is gone: nobody is left to work for


def _write_to(log_file: Path) -> None:
    """Log, crash traces and whatever libraries print go to the file; standard output belongs to the parent."""
    from nur_studio.core.logs import start_log

    start_log(log_file)
    try:
        target = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError:
        target = os.open(os.devnull, os.O_WRONLY)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    faulthandler.enable(sys.stderr)
