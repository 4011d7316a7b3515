"""Progress and cancel: the two things every piece of long work shares with who asked for it."""

from __future__ import annotations

import threading
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


class CancelToken:
    """A `Cancel` for threads of one process: `cancel()` from any thread, `check()` in the work."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        if self._event.is_set():
            raise Cancelled


def ignore_progress(_: Progress) -> None:
    """An `OnProgress` for who does not care."""
