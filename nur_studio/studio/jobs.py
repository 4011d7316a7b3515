"""One piece of work on one track, as others see it: how far it is, how it ended, and who is to be told."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Literal

from nur_studio.core.errors import Cancelled, StudioError
from nur_studio.core.progress import Progress
from nur_studio.core.track import Track

WAITING = Progress("waiting", 0.0)

Kind = Literal["generate", "separate"]
Outcome = Track | StudioError | Cancelled


class Job:
    """A take that is made, or a track that is separated. Safe to follow from any thread."""

    def __init__(self, track_id: str, kind: Kind) -> None:
        self.track_id, self.kind = track_id, kind
        self.progress = WAITING
        self.outcome: Outcome | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    @property
    def ended(self) -> bool:
        return self.outcome is not None

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until it has ended, or so long; whether it has."""
        return self._over.wait(timeout_s)

    @contextlib.contextmanager
    def listening(self, on_change: Callable[[], None]) -> Iterator[None]:
        """Have `on_change` called at every step and at the end, in the worker's thread: it must be quick and never
        raise.
        """
        with self._lock:
            self._listeners.append(on_change)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(on_change)

    def advance(self, progress: Progress) -> None:
        """It has come so far."""
        self.progress = progress
        self._tell()

    def end(self, outcome: Outcome) -> None:
        """It is over; the first end is the one that counts."""
        with self._lock:
            if self.outcome is not None:
                return
            self.outcome = outcome
        self._over.set()
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for on_change in listeners:
            on_change()
