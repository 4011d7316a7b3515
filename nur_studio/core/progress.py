"""Progress and cancel: the two things every piece of long work shares with who asked for it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from nur_studio.core.errors import Cancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of work is.

    `stage` is a word for people ("composing"); `fraction` is of the whole work, 0 to 1, and never falls;
    `eta_s` is None until a rate has been measured.
    """

    stage: str
    fraction: float
    eta_s: float | None = None


OnProgress = Callable[[Progress], None]


class Cancel(Protocol):
    """What work asks, at every step, whether to go on."""

    def check(self) -> None:
        """Raise `Cancelled` once cancel was asked for."""

    def is_set(self) -> bool:
        """Whether cancel was asked for."""

    def enough(self) -> bool:
        """Whether the work shall end here and keep what it has made, where it can."""


class CancelToken:
    """A `Cancel` for threads of one process: `cancel()` from any thread, `check()` in the work."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._enough = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    def keep(self) -> None:
        """Ask the work to end and keep what it has made. Work that cannot goes on; `cancel` still ends it."""
        self._enough.set()

    def enough(self) -> bool:
        return self._enough.is_set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        if self._event.is_set():
            raise Cancelled


def ignore_progress(_: Progress) -> None:
    """An `OnProgress` for who does not care."""


def ranged(on_progress: OnProgress, start: float, end: float) -> OnProgress:
    """An `OnProgress` whose 0 to 1 is `start` to `end` of a larger piece of work; the part's own ETA is dropped."""

    def tell(progress: Progress) -> None:
        on_progress(Progress(progress.stage, start + (end - start) * progress.fraction))

    return tell


class EtaMeter:
    """Turns raw fractions into honest progress: it never falls, and the ETA comes from the rate measured lately.

    The rate is an average that forgets with a time constant of `memory_s`, so that a slow stage shows soon and a
    single hiccup does not. There is no ETA before `settle_s` seconds of work.
    """

    def __init__(
        self, memory_s: float = 4.0, settle_s: float = 0.4, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._memory_s, self._settle_s, self._clock = memory_s, settle_s, clock
        self._started = self._last = clock()
        self._fraction = 0.0
        self._gained = self._spent = 0.0  # fraction won and seconds spent, both fading

    def __call__(self, stage: str, fraction: float) -> Progress:
        """The progress to show for `fraction` of the whole work done by now."""
        now = self._clock()
        passed, self._last = now - self._last, now
        fraction = min(1.0, max(self._fraction, fraction))
        fade = math.exp(-passed / self._memory_s)
        self._gained = self._gained * fade + fraction - self._fraction
        self._spent = self._spent * fade + passed
        self._fraction = fraction
        if fraction >= 1.0:
            return Progress(stage, 1.0, 0.0)
        settled = now - self._started >= self._settle_s and self._gained > 0.0 and self._spent > 0.0
        return Progress(stage, fraction, (1.0 - fraction) * self._spent / self._gained if settled else None)


def metered(on_progress: OnProgress) -> OnProgress:
    """An `OnProgress` that gives every report its place and ETA by one `EtaMeter` before passing it on."""
    meter = EtaMeter()
    return lambda progress: on_progress(meter(progress.stage, progress.fraction))
