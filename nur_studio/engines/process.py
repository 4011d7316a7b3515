"""The engine process, from outside: started at first need, kept warm, cancelled, killed, replaced when it dies."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nur_studio.core.errors import Cancelled, GenerationFailed, StudioError
from nur_studio.core.progress import Cancel, EtaMeter, OnProgress, Progress
from nur_studio.engines import child
from nur_studio.engines.base import EngineInfo, MusicTask
from nur_studio.engines.messages import (
    CANCEL,
    ENOUGH,
    GO_ON,
    PREVIEW_NAME,
    Advanced,
    Answered,
    Chunk,
    Grown,
    Made,
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
    TakeEnded,
    Wanted,
    Warm,
)
from nur_studio.engines.spawning import ending, one_blas_thread, without_interrupt, without_script

if TYPE_CHECKING:
    from nur_studio.core.contract import Contract
    from nur_studio.engines.base import Forecast

__all__ = ["Chunk", "EngineProcess", "Made", "Separated", "Wanted"]

log = logging.getLogger(__name__)

KILL_AFTER_S = 1.0
"""How long a cancelled generation may take to stop by itself."""

_LOOK_EVERY_S = 0.05
OnChunk = Callable[[Chunk], None]
OnTakeChunk = Callable[[int, Chunk], None]
OnTakeEnded = Callable[[int, Made | StudioError | Cancelled], None]


class EngineProcess:
    """One child process in which engines run, one order at a time.

    `log_file` receives what the child logs and prints. Safe to use from several threads.
    """

    def __init__(self, log_file: Path) -> None:
        self.log_file = log_file
        self._turn = threading.Lock()
        self._context = multiprocessing.get_context("spawn")
        self._closed = False
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._flag: Any = None
        self._at_work = False  # an order is out that is not finished
        self._answered = False  # a first message has come about it

    @property
    def busy(self) -> bool:
        """Whether a take is being made."""
        return self._turn.locked()

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        process = self._process
        with contextlib.suppress(ValueError):  # closed in this very moment
            return process.pid if process is not None and process.is_alive() else None
        return None

    def warm(self, engine: EngineInfo) -> None:
        """Start the child and load `engine` there; returns at once, and does nothing while a take is being made."""
        if self._closed or not self._turn.acquire(blocking=False):
            return
        try:
            self._running().send(Warm(engine))
        except OSError:
            self._kill()  # the next generation starts it again, and says what is wrong
        finally:
            self._turn.release()

    def make(
        self,
        engine: EngineInfo,
        task: MusicTask,
        folder: Path,
        on_progress: OnProgress,
        on_chunk: OnChunk,
        cancel: Cancel,
    ) -> Made:
        """Make one take into `folder`, which exists and is empty. Waits for its turn, then until it is done.

        Raises what `make_together` raises, and the `StudioError` the take ended with; `Cancelled` also where it was
        enough before there was anything to keep.
        """
        ended: list[Made | StudioError | Cancelled] = []
        self.make_together(
            engine,
            (Wanted(task, folder),),
            on_progress,
            lambda _, chunk: on_chunk(chunk),
            lambda _, outcome: ended.append(outcome),
            cancel,
        )
        (outcome,) = ended
        if isinstance(outcome, Made):
            return outcome
        raise outcome

    def make_together(
        self,
        engine: EngineInfo,
        takes: Sequence[Wanted],
        on_progress: OnProgress,
        on_chunk: OnTakeChunk,
        on_ended: OnTakeEnded,
        cancel: Cancel,
    ) -> None:
        """Make several takes, as one batch where the engine can, else one after the other. Waits for its turn, then
        until all are done; `on_ended` is told each one's end when it comes, by its number.

        Raises `Cancelled` at most a second after `cancel`, the `StudioError` that kept the engine from making any, and
        `GenerationFailed` where the child crashed or met a fault: takes not ended by then are lost. Whatever happens,
        the next call works. Once `cancel.enough()`, an engine that can ends there and what it has made are the takes.
        """
        meter = EtaMeter()

        def heed(message: object) -> None:
            if isinstance(message, Advanced):
                on_progress(meter(message.stage, message.fraction))
            elif isinstance(message, Grown):
                path = takes[message.number].folder / PREVIEW_NAME
                on_chunk(message.number, Chunk(path, message.frames, message.sample_rate))
            elif isinstance(message, TakeEnded):
                on_ended(message.number, message.outcome)

        with self._next_turn(cancel):
            self._ask(Make(engine, tuple(takes)), heed, cancel)
            on_progress(meter("writing", 1.0))

    def separate(
        self, separator: EngineInfo, mix: Path, folder: Path, on_progress: OnProgress, cancel: Cancel
    ) -> Separated:
        """Take the audio file `mix` apart into `folder`, which exists and is empty. Waits for its turn, as `make` does,
        and raises what it raises.
        """
        with self._next_turn(cancel):
            separated = self._ask(Separate(separator, mix, folder), _telling(on_progress), cancel)
            assert isinstance(separated, Separated)
            on_progress(Progress("separating", 1.0, 0.0))
            return separated

    def redeliver(
        self, source: Path, folder: Path, contract: Contract, as_made: bool, on_progress: OnProgress, cancel: Cancel
    ) -> Redelivered:
        """Hand the take in `source` over anew, into `folder`, which exists and is empty: in its asked tempo, or with
        `as_made` as it was made. Waits for its turn, as `make` does, and raises what it raises.
        """
        with self._next_turn(cancel):
            answer = self._ask(Redeliver(source, folder, contract, as_made), _telling(on_progress), cancel)
            assert isinstance(answer, Redelivered)
            return answer

    def stretch(self, source: Path, target: Path, frames: int, cancel: Cancel) -> None:
        """Make the audio file `source` `frames` long, into the WAV file `target`. Waits for its turn as `make` does."""
        with self._next_turn(cancel):
            self._ask(Stretch(source, target, frames), _ignore, cancel)

    def forecast(self, model: str, device: str, cancel: Cancel, *, precision: str = "auto") -> Forecast:
        """What this machine makes of the model called `model`; tried there for some seconds. Waits for its turn.

        Raises `Cancelled`, and `StudioError` where it cannot be tried.
        """
        with self._next_turn(cancel):
            answer: Any = self._ask(Probe(model, device, precision), _ignore, cancel)
            forecast: Forecast = answer
            return forecast

    def release(self, name: str, cancel: Cancel) -> None:
        """Have the child give back all memory and files of the engine called `name`. Waits for its turn."""
        with self._next_turn(cancel):
            if self._process is not None and self._process.is_alive():
                self._ask(Release(name), _ignore, cancel)

    def rest(self) -> None:
        """End the child, once its order is done; the next order starts another."""
        with self._turn:
            self._end()

    def close(self) -> None:
        """End the child, and with it a generation that still runs (it raises `Cancelled`). Final."""
        self._closed = True
        if self._turn.acquire(timeout=KILL_AFTER_S + 2.0):
            try:
                self._end()
            finally:
                self._turn.release()
        else:
            self._kill()

    # -- one take ------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _next_turn(self, cancel: Cancel) -> Iterator[None]:
        while not self._turn.acquire(timeout=_LOOK_EVERY_S):
            self._check(cancel)
        try:
            self._check(cancel)
            yield
        finally:
            self._turn.release()

    def _check(self, cancel: Cancel) -> None:
        cancel.check()
        if self._closed:
            raise Cancelled

    def _ask(self, order: Order, heed: Callable[[object], None], cancel: Cancel) -> object:
        """The answer to an order; `heed` takes what is said before it."""
        idle_before = self._process is not None
        try:
            return self._carry_out(order, heed, cancel)
        except GenerationFailed:
            if self._answered or not idle_before:
                raise
            # It had died while idle (the system was short of memory, say): nothing is lost, a fresh one may do.
            return self._carry_out(order, heed, cancel)

    def _carry_out(self, order: Order, heed: Callable[[object], None], cancel: Cancel) -> object:
        connection = self._running()
        self._flag.value = GO_ON
        self._at_work, self._answered = True, False
        try:
            with contextlib.suppress(OSError):  # dead already: the next look says how it ended
                connection.send(order)
            return self._follow(connection, heed, cancel)
        except BaseException:
            self._settle()
            raise

    def _follow(self, connection: Connection, heed: Callable[[object], None], cancel: Cancel) -> object:
        while True:
            self._check(cancel)
            if self._flag.value == GO_ON and cancel.enough():
                self._flag.value = ENOUGH
            try:
                message = self._receive(connection, _LOOK_EVERY_S)
            except GenerationFailed:
                self._check(cancel)  # what asked us to stop, a shutdown say, may have ended the child first
                raise
            self._answered = self._answered or message is not None
            if not isinstance(message, Answered | Refused | Stopped):
                heed(message)
                continue
            self._at_work = False
            self._check(cancel)
            if isinstance(message, Answered):
                return message.value
            if isinstance(message, Refused):
                raise message.error
            raise Cancelled

    def _receive(self, connection: Connection, timeout_s: float) -> Any:
        """The next message, None after `timeout_s`. Raises `GenerationFailed` where the child has died."""
        process = self._process
        assert process is not None
        ready = wait([connection, process.sentinel], timeout_s)
        if not ready:
            return None
        try:
            if connection.poll():
                return connection.recv()
        except (EOFError, OSError):
            pass
        except Exception as error:  # what arrived cannot be read: the two no longer understand each other
            log.exception("unreadable message from the engine process")
            raise self._death("it sent something that cannot be read") from error
        process.join(1.0)
        raise self._death(ending(process.exitcode))

    def _death(self, how: str) -> GenerationFailed:
        log.error("the engine process is gone: %s", how)
        return GenerationFailed(
            f"The engine stopped unexpectedly ({how}).",
            hint=f"Try again, with a shorter length or a smaller model if memory was short; details: {self.log_file}.",
        )

    def _settle(self) -> None:
        """Leave an order behind: ask the child to stop, wait a second, then kill it."""
        if not self._at_work:
            return
        process, connection = self._process, self._connection
        if process is not None and connection is not None and process.is_alive():
            self._flag.value = CANCEL
            deadline = time.monotonic() + KILL_AFTER_S
            with contextlib.suppress(GenerationFailed):
                while (left := deadline - time.monotonic()) > 0:
                    if isinstance(self._receive(connection, left), (Answered, Refused, Stopped)):
                        self._at_work = False
                        return
                log.warning("killing the engine process: it did not stop within %s s", KILL_AFTER_S)
        self._kill()

    # -- the child -----------------------------------------------------------------------------------------------

    def _running(self) -> Connection:
        """The connection to a living child, started now where there is none."""
        if self._process is not None and self._connection is not None and self._process.is_alive():
            return self._connection
        self._kill()
        self._connection, theirs = self._context.Pipe()
        # A plain shared byte: an Event has a lock, and a child killed while holding it would hang us.
        self._flag = self._context.RawValue("b", GO_ON)
        self._process = self._context.Process(
            target=child.run, args=(theirs, self._flag, self.log_file), name="nur-studio engine", daemon=True
        )
        with without_interrupt(), one_blas_thread(), without_script():
            self._process.start()
        theirs.close()  # so that the child's end closes with the child
        return self._connection

    def _end(self) -> None:
        """Let the child go: it leaves when the pipe closes."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.join(KILL_AFTER_S)
        self._kill()

    def _kill(self) -> None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        self._at_work = False
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()


def _telling(on_progress: OnProgress) -> Callable[[object], None]:
    """What a child says of its progress, with the time that is left."""
    meter = EtaMeter()

    def heed(message: object) -> None:
        if isinstance(message, Advanced):
            on_progress(meter(message.stage, message.fraction))

    return heed


def _ignore(_: object) -> None:
    """What a child says on the way to an answer nobody follows."""
