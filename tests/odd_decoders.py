"""Decoder processes that misbehave, in place of the real one."""

from __future__ import annotations

import json
import os
import signal
import time
from multiprocessing.connection import Connection


def stuck(_connection: Connection, _path: str, _ffmpeg: str) -> None:
    """Never says a word, and does not see that nobody waits."""
    time.sleep(100)


def crashing(connection: Connection, _path: str, _ffmpeg: str) -> None:
    """Dies at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying(connection: Connection, _path: str, _ffmpeg: str) -> None:
    """Hands over two seconds of sound, then dies."""
    header = {"container": "WAV", "rate": 8000, "channels": 1, "frames": 80000, "tags": {}}
    connection.send_bytes(json.dumps(header).encode())
    for _ in range(2):
        connection.send_bytes(bytes(4 * 8000))
    os.kill(os.getpid(), signal.SIGKILL)
