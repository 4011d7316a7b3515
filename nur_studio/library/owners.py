"""Who is making a track: a process, known by its id and the moment it started, so that a reused id fools nobody."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

_SAME_START_S = 5.0  # start times are read against the system clock, which may be set in between


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. `started` is in seconds since the epoch."""

    pid: int
    started: float

    def lives(self) -> bool:
        """Whether that very process still runs."""
        if self.pid == os.getpid():
            return abs(self_owner().started - self.started) < _SAME_START_S
        import psutil

        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return abs(process.create_time() - self.started) < _SAME_START_S
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True


def self_owner() -> Owner:
    """This process."""
    return _owner_of(os.getpid())


@lru_cache(maxsize=1)
def _owner_of(pid: int) -> Owner:
    import psutil

    return Owner(pid, psutil.Process(pid).create_time())
