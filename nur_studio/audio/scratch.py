"""Sound on its way, on disk: as long as it comes, without ever being in memory as a whole."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np

from nur_studio.audio.files import system_fault
from nur_studio.core.sound import Audio

_CHANNELS = 2


class Scratch:
    """A raw float32 stereo file at `path`, made anew, written block by block. Raises `FileProblem`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames = 0
        try:
            self._file = path.open("xb")
        except OSError as error:
            raise system_fault(error, "written", path) from error

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._file.close()

    def append(self, block: Audio) -> None:
        """The (frames, 2) that follow."""
        try:
            self._file.write(np.ascontiguousarray(block, np.float32).data)
        except OSError as error:
            raise system_fault(error, "written", self.path) from error
        self.frames += len(block)

    def sound(self) -> Audio:
        """All of it, (frames, 2), to read and to change: pages of the file, which the system may drop and fetch again.

        Nothing can be appended any more. The file can only be removed on Windows once nobody holds this any longer.
        """
        try:
            self._file.close()
        except OSError as error:
            raise system_fault(error, "written", self.path) from error
        if not self.frames:
            return np.zeros((0, _CHANNELS), np.float32)
        return np.memmap(self.path, np.float32, "r+", shape=(self.frames, _CHANNELS))

    def remove(self) -> None:
        """Give the disk its room back; what still holds the sound keeps it, where the system lets it."""
        self._file.close()
        try:
            self.path.unlink()
        except OSError as error:
            raise system_fault(error, "removed", self.path) from error
