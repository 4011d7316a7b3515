"""The engine process, from within: takes orders one by one, makes music, and dies with its parent."""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import importlib
import logging
import os
import queue
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

import numpy as np

from nur_studio.core.errors import Cancelled, EngineUnavailable, FileProblem, GenerationFailed, StudioError
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import Progress
from nur_studio.engines.base import EngineInfo, Music, MusicGenerator, MusicTask
from nur_studio.engines.messages import PREVIEW_NAME, Done, Made, Make, Refused, Stopped, Warm
from nur_studio.engines.reporting import Preview, Reporter

log = logging.getLogger(__name__)

MAKING_SHARE = 0.8  # of the progress bar; the rest is measuring and writing the masters
_NICENESS = 10


class Flag(Protocol):
    """One byte of shared memory: no lock that a killed process could take with it."""

    value: int


class SharedCancel:
    """A `Cancel` that another process sets."""

    def __init__(self, flag: Flag) -> None:
        self._flag = flag

    def is_set(self) -> bool:
        return bool(self._flag.value)

    def check(self) -> None:
        if self._flag.value:
            raise Cancelled


def run(connection: Connection, flag: Flag, log_file: Path) -> None:
    """The whole life of an engine process. Orders come over `connection`; its end is ours too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole terminal; the parent decides what it means
    _write_to(log_file)
    _step_back()
    orders: queue.SimpleQueue[Make | Warm] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, orders), daemon=True).start()
    workshop = Workshop(connection, SharedCancel(flag), log_file)
    while True:
        order = orders.get()
        if isinstance(order, Warm):
            workshop.warm(order.engine)
        else:
            workshop.make(order)


def _step_back() -> None:
    """Make music with what processor time the window, the player and the sound server leave over."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            psutil.Process().nice(_NICENESS)


def _listen(connection: Connection, orders: queue.SimpleQueue[Make | Warm]) -> None:
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


class Workshop:
    """The engines loaded so far, and how a take is made with one."""

    def __init__(self, connection: Connection, cancel: SharedCancel, log_file: Path) -> None:
        self._connection = connection
        self._cancel = cancel
        self._log_file = log_file
        self._generators: dict[str, MusicGenerator] = {}

    def warm(self, engine: EngineInfo) -> None:
        """Load an engine ahead of time. What goes wrong is told to whoever uses it."""
        try:
            prepare = getattr(self._generator(engine), "warm", None)  # engines may have more to load than themselves
            if prepare is not None:
                prepare()
            _rehearse()
        except Exception:
            log.exception("loading %s ahead of time failed", engine.name)

    def make(self, order: Make) -> None:
        """Carry out an order and send exactly one of `Done`, `Refused`, `Stopped`."""
        try:
            self._send(Done(self._make(order)))
        except Cancelled:
            self._send(Stopped())
        except BrokenPipeError:
            os._exit(0)
        except StudioError as error:
            self._send(Refused(error))
        except MemoryError:
            log.exception("out of memory")
            self._send(Refused(_out_of_memory(order.task.duration_s)))
        except Exception as error:
            log.exception("making a take with %s failed", order.engine.name)
            self._send(Refused(self._explained(error, order)))

    def _make(self, order: Make) -> Made:
        started = time.perf_counter()
        from nur_studio.audio.masters import write_masters

        report = Reporter(self._connection)
        report.stage_range(0.0, MAKING_SHARE)
        report(Progress("starting", 0.0))
        generator = self._generator(order.engine)
        loaded = time.perf_counter()
        with Preview(order.folder / PREVIEW_NAME, self._connection) as preview:
            music = generator.generate(order.task, report, preview.add, self._cancel)
            _check(music, order.task)
            generated = time.perf_counter()
            report.stage_range(MAKING_SHARE, 1.0)
            masters = write_masters(
                order.folder, music.mix, music.stems, music.sample_rate, music.tempo, report, self._cancel
            )
        ended = time.perf_counter()
        return Made(
            masters=masters,
            tempo=music.tempo,
            beats_per_bar=music.beats_per_bar,
            beat_offset_s=music.beat_offset_s,
            key=music.key,
            sections=tuple(music.sections),
            details=dict(music.details),
            seconds=_rounded(
                {
                    "loading": loaded - started,
                    "generating": generated - loaded,
                    "mastering": ended - generated,
                    "total": ended - started,
                }
            ),
        )

    def _generator(self, engine: EngineInfo) -> MusicGenerator:
        generator = self._generators.get(engine.name)
        if generator is None:
            module, _, factory = engine.factory.partition(":")
            try:
                make = getattr(importlib.import_module(module), factory)
            except ImportError as error:
                log.exception("importing %s failed", engine.factory)
                raise EngineUnavailable(
                    f"{engine.title} cannot be loaded: {error}.", hint="`nur-studio doctor` says what is missing."
                ) from error
            generator = self._generators[engine.name] = make(**engine.options)
        return generator

    def _explained(self, error: Exception, order: Make) -> StudioError:
        details = f"The details are in {self._log_file}."
        if isinstance(error, ImportError) and "failed to map segment" in str(error):
            return _out_of_memory(order.task.duration_s)  # the loader's words for it
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return FileProblem(
                "The disk is full: the take could not be kept.", hint=f"Free some space where {order.folder.parent} is."
            )
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return FileProblem(f"{order.folder} may not be written.", hint=details)
        if isinstance(error, FileNotFoundError) and not order.folder.is_dir():
            return FileProblem(f"The folder {order.folder} was removed while the take was being made.")
        return GenerationFailed(
            f"{order.engine.title} met a fault of its own ({type(error).__name__}: {error}).", hint=details
        )

    def _send(self, message: Done | Refused | Stopped) -> None:
        self._connection.send(message)


def _rehearse() -> None:
    """Write and measure a second of noise: the libraries this takes are then loaded before somebody waits for them."""
    from nur_studio.audio.masters import write_masters

    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (44100, 2)).astype(np.float32)
    with tempfile.TemporaryDirectory(prefix="nur-warm-") as folder:
        write_masters(Path(folder), noise, {}, 44100, 120)


def _check(music: Music, task: MusicTask) -> None:
    """An engine that breaks its promise is told so here, not three modules later. Raises `ValueError`."""
    frames = round(task.duration_s * music.sample_rate)
    if music.stems and set(music.stems) != set(STEMS):
        raise ValueError(f"stems {sorted(music.stems)} instead of {sorted(STEMS)}")
    for name, audio in {"mix": music.mix, **music.stems}.items():
        if audio.shape != (frames, 2):
            raise ValueError(f"{name} has shape {audio.shape} instead of {(frames, 2)}")
        if audio.dtype != np.float32:
            raise ValueError(f"{name} is {audio.dtype} instead of float32")
        if not np.isfinite(audio).all():
            raise ValueError(f"{name} has samples that are no numbers")


def _out_of_memory(duration_s: float) -> GenerationFailed:
    return GenerationFailed(
        f"There is not enough memory for {duration_s:g} s of music.",
        hint="Try a shorter length, or close other programs.",
    )


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in seconds.items()}
