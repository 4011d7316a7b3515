"""What crosses from the engine process while a take is made: how far it is, and its sound so far."""

from __future__ import annotations

import contextlib
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO

import numpy as np

from nur_studio.core.progress import Progress
from nur_studio.core.sound import Audio
from nur_studio.engines.messages import Advanced, Grown

_REPORT_EVERY_S = 0.03
_FRAME_BYTES = 8  # two float32


class Reporter:
    """An `OnProgress` of the whole order that crosses to the parent, not too often."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last_stage, self._last_time = "", 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.stage == self._last_stage and now - self._last_time < _REPORT_EVERY_S:
            return
        self._last_stage, self._last_time = progress.stage, now
        self._connection.send(Advanced(progress.stage, min(1.0, max(0.0, progress.fraction))))


class Preview:
    """An `OnAudio`: the growing file through which the take of this number is heard before it is done; gone when it
    is. What comes after `most_s` is not heard.
    """

    def __init__(self, number: int, path: Path, connection: Connection, most_s: float) -> None:
        self._number, self._path, self._most_s = number, path, most_s
        self._connection = connection
        self._file: BinaryIO | None = None
        self._frames = self._sample_rate = 0

    def __enter__(self) -> Preview:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """No more will come. Told again, nothing happens."""
        if self._file is not None:
            self._file.close()
            self._file = None
            with contextlib.suppress(OSError):  # Windows keeps what a player still reads; it goes with the folder
                self._path.unlink()

    def __call__(self, audio: Audio, sample_rate: int) -> None:
        audio = audio[: max(0, round(self._most_s * sample_rate) - self._frames)]
        if not len(audio):
            return
        if self._file is None:
            self._file = self._path.open("wb")
        self._file.write(np.ascontiguousarray(audio, np.float32).data)
        self._file.flush()
        self._frames += len(audio)
        self._sample_rate = sample_rate
        self._connection.send(Grown(self._number, self._frames, sample_rate))

    def rewind(self, frames: int) -> None:
        """What comes next is written over all but the first `frames`."""
        if frames >= self._frames or self._file is None:
            return
        # Not truncated: a player that is reading there now is told in the same moment, and must not fall off the end.
        self._file.seek(frames * _FRAME_BYTES)
        self._frames = frames
        self._connection.send(Grown(self._number, frames, self._sample_rate))
