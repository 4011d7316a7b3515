"""Inside the engine process: the engines loaded so far, what is made with them, and when memory is given back."""

from __future__ import annotations

import errno
import gc
import importlib
import logging
import os
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from nur_studio.core.errors import Cancelled, EngineUnavailable, FileProblem, GenerationFailed, StudioError
from nur_studio.core.progress import Cancel, Progress, ranged
from nur_studio.engines.base import EngineInfo, MusicGenerator, StemSeparator
from nur_studio.engines.messages import (
    Answered,
    Ended,
    Make,
    Order,
    Probe,
    Redeliver,
    Redelivered,
    Refused,
    Release,
    Separate,
    Separated,
    Stopped,
    Stretch,
    Wanted,
    Warm,
)
from nur_studio.engines.reporting import Reporter
from nur_studio.engines.takes import Takes, rounded

log = logging.getLogger(__name__)

IDLE_RELEASE_S = 600.0
"""After this long without an order a model's memory is given back; the next take loads it again."""

SCARCE = 0.1
"""Of the machine's memory: where less is left for others, an idle model goes after `SCARCE_RELEASE_S` already."""

SCARCE_RELEASE_S = 30.0

Engine = MusicGenerator | StemSeparator
Work = Wanted | Order
"""What something went wrong with."""


class Workshop:
    """Carries out orders. Engines that have `release()` are heavy: only one of them holds its memory at a time."""

    def __init__(self, connection: Connection, cancel: Cancel, log_file: Path) -> None:
        self._connection = connection
        self._cancel = cancel
        self._log_file = log_file
        self._engines: dict[str, tuple[EngineInfo, Engine]] = {}
        self._loaded: str | None = None  # the heavy engine that may hold memory

    @property
    def holds_memory(self) -> bool:
        """Whether an engine holds what `spare` could give back."""
        return self._loaded is not None

    def carry_out(self, order: Order) -> None:
        """Do what is asked. All but `Warm` is answered by exactly one of `Ended`."""
        if isinstance(order, Warm):
            self._warm(order.engine)
            return
        try:
            self._send(self._answer(order))
        except Cancelled:
            self._send(Stopped())
        except BrokenPipeError:
            os._exit(0)
        except Exception as error:
            who = order.engine.title if isinstance(order, Make | Separate) else "The engine process"
            self._send(Refused(self._explained(error, order.takes[0] if isinstance(order, Make) else order, who)))

    def spare(self, idle_s: float, available: float) -> None:
        """Give memory back where nobody asked for anything in `idle_s`; `available` is the share others could get."""
        scarce = available < SCARCE and idle_s >= SCARCE_RELEASE_S
        if self._loaded is not None and (scarce or idle_s >= IDLE_RELEASE_S):
            log.info("%s gives its memory back (%s)", self._loaded, "memory is scarce" if scarce else "idle")
            self._give_back()

    # -- orders --------------------------------------------------------------------------------------------------

    def _answer(self, order: Make | Separate | Redeliver | Stretch | Release | Probe) -> Ended:
        if isinstance(order, Make):
            Takes(order, lambda: self._engine(order.engine), self._explained, self._connection, self._cancel).make()
            return Answered(None)
        if isinstance(order, Separate):
            return Answered(self._separate(order))
        if isinstance(order, Redeliver):
            return Answered(self._redeliver(order))
        if isinstance(order, Stretch):
            _stretch(order)
            return Answered(None)
        if isinstance(order, Release):
            self._forget(order.name)
            return Answered(None)
        from nur_studio.engines.forecast import forecast
        from nur_studio.engines.models import model

        return Answered(forecast(model(order.model), order.device, order.precision))

    def _warm(self, engine: EngineInfo) -> None:
        """Load an engine ahead of time. What goes wrong is told to whoever uses it."""
        try:
            prepare = getattr(self._engine(engine), "warm", None)  # engines may have more to load than themselves
            if prepare is not None:
                prepare()
            _rehearse()
        except Exception:
            log.exception("loading %s ahead of time failed", engine.name)

    def _separate(self, order: Separate) -> Separated:
        started = time.perf_counter()
        from nur_studio.engines.stem_files import StemFiles

        report = Reporter(self._connection)
        report(Progress("starting", 0.0))
        separator: Any = self._engine(order.engine)
        loaded = time.perf_counter()
        with StemFiles(order.folder, order.mix, order.engine.lanes) as files:
            separation = separator.separate(order.mix, files.add, report, self._cancel)
            files.check_whole()
        ended = time.perf_counter()
        return Separated(
            order.engine.lanes,
            dict(separation.details),
            rounded({"loading": loaded - started, "separating": ended - loaded, "total": ended - started}),
        )

    def _redeliver(self, order: Redeliver) -> Redelivered:
        from nur_studio.audio.masters import read_original, write_masters
        from nur_studio.engines.delivering import hand_over, listen

        report = Reporter(self._connection)
        report(Progress("measuring the tempo", 0.0))
        contract = order.contract
        mix, stems, sample_rate = read_original(order.source)
        self._cancel.check()
        assert contract.tempo is not None, "without one nothing is handed over otherwise than it was made"
        listening = listen(mix, sample_rate, contract.tempo, contract)
        handed = hand_over(
            mix, stems, sample_rate, contract, listening, ranged(report, 0.1, 0.7), self._cancel, as_made=order.as_made
        )
        near = handed.tempo_exact or float(contract.tempo)
        write = ranged(report, 0.7, 1.0)
        masters = write_masters(
            order.folder, handed.mix, handed.stems, sample_rate, near, write, self._cancel, contract.beats_per_bar
        )
        return Redelivered(
            masters, handed.tempo, handed.tempo_exact, handed.beat_offset_s, handed.note, dict(handed.told)
        )

    # -- engines -------------------------------------------------------------------------------------------------

    def _engine(self, engine: EngineInfo) -> Engine:
        """The engine or separator, made now where it is not there; what other heavy ones hold is given back first."""
        known = self._engines.get(engine.name)
        if known is not None and known[0].options != engine.options:  # another device, say
            self._forget(engine.name)
            known = None
        made = known[1] if known is not None else _made(engine)
        self._engines[engine.name] = engine, made
        if hasattr(made, "release") and self._loaded != engine.name:
            self._give_back()
            self._loaded = engine.name
        return made

    def _give_back(self) -> None:
        """Nothing heavy holds memory any more."""
        if self._loaded is not None:
            _release(self._engines[self._loaded][1])
            self._loaded = None
            gc.collect()

    def _forget(self, name: str) -> None:
        """As if it had never been loaded: nothing of it is open or in memory."""
        if self._loaded == name:
            self._give_back()
        self._engines.pop(name, None)

    # -- what went wrong -----------------------------------------------------------------------------------------

    def _explained(self, error: Exception, what: Work, who: str) -> StudioError:
        """What went wrong, for people; for us it is in the log. What ran out of memory has none of it afterwards."""
        if isinstance(error, StudioError):
            return error
        if isinstance(error, MemoryError):
            log.exception("out of memory", exc_info=error)
            self._give_back()
            return _out_of_memory(what)
        log.exception("%s failed", type(what).__name__, exc_info=error)
        details = f"The details are in {self._log_file}."
        if isinstance(error, ImportError) and "failed to map segment" in str(error):
            return _out_of_memory(what)  # the loader's words for it
        fault = GenerationFailed(f"{who} met a fault of its own ({type(error).__name__}: {error}).", hint=details)
        if not isinstance(what, Wanted | Separate | Redeliver):
            return fault
        name, verb = ("stems", "were") if isinstance(what, Separate) else ("take", "was")
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return FileProblem(
                f"The disk is full: the {name} could not be kept.",
                hint=f"Free some space where {what.folder.parent} is.",
            )
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return FileProblem(f"{what.folder} may not be written.", hint=details)
        if isinstance(error, FileNotFoundError) and not what.folder.is_dir():
            return FileProblem(f"The folder {what.folder} was removed while the {name} {verb} being made.")
        return fault

    def _send(self, message: Ended) -> None:
        self._connection.send(message)


def _made(engine: EngineInfo) -> Engine:
    module, _, factory = engine.factory.partition(":")
    try:
        make: Any = getattr(importlib.import_module(module), factory)
    except ImportError as error:
        log.exception("importing %s failed", engine.factory)
        raise EngineUnavailable(
            f"{engine.title} cannot be loaded: {error}.", hint="`nur-studio doctor` says what is missing."
        ) from error
    made: Engine = make(**engine.options)
    return made


def _stretch(order: Stretch) -> None:
    from nur_studio.audio.files import Encoding, read_audio, write_audio
    from nur_studio.audio.stretch import stretched

    audio, sample_rate = read_audio(order.source)
    longer, _ = stretched(audio, {}, sample_rate, order.frames)
    write_audio(order.target, longer, sample_rate, Encoding("wav", "FLOAT"))


def _release(engine: Engine) -> None:
    release = getattr(engine, "release", None)
    if release is not None:
        release()


def _rehearse() -> None:
    """Write and measure a second of noise: the libraries this takes are then loaded before somebody waits for them."""
    from nur_studio.audio.masters import write_masters

    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (44100, 2)).astype(np.float32)
    with tempfile.TemporaryDirectory(prefix="nur-warm-") as folder:
        write_masters(Path(folder), noise, {}, 44100, 120)


def _out_of_memory(what: Work) -> GenerationFailed:
    if isinstance(what, Wanted):
        return GenerationFailed(
            f"There is not enough memory for {what.task.duration_s:g} s of music.",
            hint="Try a shorter length, or close other programs.",
        )
    doing = {Separate: "separate this track", Redeliver: "bring this take to its tempo", Stretch: "stretch this"}.get(
        type(what), "try this model"
    )
    return GenerationFailed(f"There is not enough memory to {doing}.", hint="Close other programs.")
