"""Inside the engine process: the engines loaded so far, what is made with them, and when memory is given back."""

from __future__ import annotations

import errno
import gc
import importlib
import logging
import os
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from nur_studio.core.errors import Cancelled, EngineUnavailable, FileProblem, GenerationFailed, StudioError
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import Cancel, Progress
from nur_studio.engines.base import EngineInfo, Music, MusicGenerator, MusicTask, StemSeparator
from nur_studio.engines.messages import (
    CODES_NAME,
    PREVIEW_NAME,
    Answered,
    Done,
    Ended,
    Made,
    Make,
    Order,
    Probe,
    Refused,
    Release,
    Separate,
    Separated,
    Stopped,
    Warm,
)
from nur_studio.engines.reporting import Preview, Reporter

log = logging.getLogger(__name__)

IDLE_RELEASE_S = 600.0
"""After this long without an order a model's memory is given back; the next take loads it again."""

SCARCE = 0.1
"""Of the machine's memory: where less is left for others, an idle model goes after `SCARCE_RELEASE_S` already."""

SCARCE_RELEASE_S = 30.0

FRAME_RATE = 50.0  # codes a second, where an engine's details do not say otherwise

Engine = MusicGenerator | StemSeparator

_STEMS_SHARE, _MIX_SHARE = 0.8, 0.95  # of the progress bar is making; the rest is measuring and writing the masters


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
        except StudioError as error:
            self._send(Refused(error))
        except MemoryError:
            log.exception("out of memory")
            self._give_back()
            self._send(Refused(_out_of_memory(order)))
        except Exception as error:
            log.exception("%s failed", type(order).__name__)
            self._send(Refused(self._explained(error, order)))

    def spare(self, idle_s: float, available: float) -> None:
        """Give memory back where nobody asked for anything in `idle_s`; `available` is the share others could get."""
        scarce = available < SCARCE and idle_s >= SCARCE_RELEASE_S
        if self._loaded is not None and (scarce or idle_s >= IDLE_RELEASE_S):
            log.info("%s gives its memory back (%s)", self._loaded, "memory is scarce" if scarce else "idle")
            self._give_back()

    # -- orders --------------------------------------------------------------------------------------------------

    def _answer(self, order: Make | Separate | Release | Probe) -> Ended:
        if isinstance(order, Make):
            return Done(self._make(order))
        if isinstance(order, Separate):
            return Answered(self._separate(order))
        if isinstance(order, Release):
            self._forget(order.name)
            return Answered(None)
        from nur_studio.engines.forecast import forecast
        from nur_studio.engines.models import model

        return Answered(forecast(model(order.model), order.device))

    def _warm(self, engine: EngineInfo) -> None:
        """Load an engine ahead of time. What goes wrong is told to whoever uses it."""
        try:
            prepare = getattr(self._engine(engine), "warm", None)  # engines may have more to load than themselves
            if prepare is not None:
                prepare()
            _rehearse()
        except Exception:
            log.exception("loading %s ahead of time failed", engine.name)

    def _make(self, order: Make) -> Made:
        started = time.perf_counter()
        from nur_studio.audio.masters import write_masters

        making = _STEMS_SHARE if order.engine.stems else _MIX_SHARE
        report = Reporter(self._connection)
        report.stage_range(0.0, making)
        report(Progress("starting", 0.0))
        generator: Any = self._engine(order.engine)
        loaded = time.perf_counter()
        with Preview(order.folder / PREVIEW_NAME, self._connection) as preview:
            music = generator.generate(order.task, report, preview, self._cancel)
            _check(music, order.task, self._cancel.enough())
            generated = time.perf_counter()
            report.stage_range(making, 1.0)
            masters = write_masters(
                order.folder, music.mix, music.stems, music.sample_rate, music.tempo, report, self._cancel
            )
        self._keep_codes(order, music)
        ended = time.perf_counter()
        return Made(
            masters=masters,
            tempo=music.tempo,
            beats_per_bar=music.beats_per_bar,
            beat_offset_s=music.beat_offset_s,
            key=music.key,
            sections=tuple(music.sections),
            details=dict(music.details),
            note=music.note,
            seconds=_rounded(
                {
                    "loading": loaded - started,
                    "generating": generated - loaded,
                    "mastering": ended - generated,
                    "total": ended - started,
                }
            ),
        )

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
            _rounded({"loading": loaded - started, "separating": ended - loaded, "total": ended - started}),
        )

    def _keep_codes(self, order: Make, music: Music) -> None:
        if music.codes is None:
            return
        from nur_studio.engines.musicgen.references import write_codes

        rate = music.details.get("frame_rate", FRAME_RATE)
        assert isinstance(rate, float | int)
        write_codes(order.folder / CODES_NAME, music.codes, order.engine.name, float(rate))

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

    def _explained(self, error: Exception, order: Order) -> StudioError:
        details = f"The details are in {self._log_file}."
        if isinstance(error, ImportError) and "failed to map segment" in str(error):
            return _out_of_memory(order)  # the loader's words for it
        if not isinstance(order, Make | Separate):
            return GenerationFailed(
                f"The engine process met a fault of its own ({type(error).__name__}: {error}).", hint=details
            )
        what, verb = ("take", "was") if isinstance(order, Make) else ("stems", "were")
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return FileProblem(
                f"The disk is full: the {what} could not be kept.",
                hint=f"Free some space where {order.folder.parent} is.",
            )
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return FileProblem(f"{order.folder} may not be written.", hint=details)
        if isinstance(error, FileNotFoundError) and not order.folder.is_dir():
            return FileProblem(f"The folder {order.folder} was removed while the {what} {verb} being made.")
        return GenerationFailed(
            f"{order.engine.title} met a fault of its own ({type(error).__name__}: {error}).", hint=details
        )

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


def _check(music: Music, task: MusicTask, ended_early: bool) -> None:
    """An engine that breaks its promise is told so here, not three modules later. Raises `ValueError`."""
    frames = round(task.duration_s * music.sample_rate)
    if (ended_early or music.note) and 0 < len(music.mix) < frames:
        frames = len(music.mix)
    if music.stems and set(music.stems) != set(STEMS):
        raise ValueError(f"stems {sorted(music.stems)} instead of {sorted(STEMS)}")
    for name, audio in {"mix": music.mix, **music.stems}.items():
        if audio.shape != (frames, 2):
            raise ValueError(f"{name} has shape {audio.shape} instead of {(frames, 2)}")
        if audio.dtype != np.float32:
            raise ValueError(f"{name} is {audio.dtype} instead of float32")
        if not np.isfinite(audio).all():
            raise ValueError(f"{name} has samples that are no numbers")


def _out_of_memory(order: Order) -> GenerationFailed:
    if isinstance(order, Make):
        return GenerationFailed(
            f"There is not enough memory for {order.task.duration_s:g} s of music.",
            hint="Try a shorter length, or close other programs.",
        )
    what = "separate this track" if isinstance(order, Separate) else "try this model"
    return GenerationFailed(f"There is not enough memory to {what}.", hint="Close other programs.")


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in seconds.items()}
