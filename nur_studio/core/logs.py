"""One log file per process kind: where everything unforeseen is written down, so that a sentence can point at it."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

MAX_BYTES = 1_000_000
_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


class _Handler(RotatingFileHandler):
    def handleError(self, _: logging.LogRecord) -> None:
        """A full disk costs the record: Python would write the whole story to standard error instead."""


_handlers: list[logging.Handler] = []


def start_log(path: Path) -> None:
    """Send this process's log records, from INFO up, to `path` (1 MB, one older file kept), and no longer elsewhere.

    A folder that cannot be written, or a full disk, costs the log, never the work: records then go nowhere.
    """
    handler: logging.Handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _Handler(path, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    stop_log()
    _handlers.append(handler)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def stop_log() -> None:
    """Close what `start_log` opened."""
    while _handlers:
        handler = _handlers.pop()
        logging.getLogger().removeHandler(handler)
        handler.close()
