"""What the player plays: lanes of samples in memory, filled by a thread while the first of them already sound."""

from __future__ import annotations

import math
import os
import threading
import time
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from nur_studio.audio.player_clicks import BeatTable
from nur_studio.audio.real_time import give_way, step_back
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Grid

_CHUNK = 32768  # frames decoded at a time and lane: 0.7 s, some 2 ms of work
_REACH = 4096  # frames: more than a resampler looks ahead, so what lies so far before a cut stays as it is
_SPARE = 64  # frames after a loop's end that go round: whoever gets there is a frame off, no more
_PATIENCE_S = 2.0  # a growing file may be cut back a moment before that is told


class Source(threading.Thread):
    """Lanes of equal length at the device's rate. The thread fills them from the front and moves `ready` along.

    `total` and `ready` are in frames at `out_rate`. The memory is taken at once but touched only as it is filled.
    `fault` is a sentence once the filling had to stop; `beats` are None where no `grid` is claimed.
    """

    def __init__(
        self, lanes: Sequence[str], track_rate: int, track_frames: int, out_rate: int, grid: Grid | None = None
    ) -> None:
        super().__init__(name="player source", daemon=True)
        self.lanes = tuple(lanes)
        self.track_rate = track_rate
        self.track_frames = track_frames
        self.out_rate = out_rate
        self.grid = grid
        self.beats = None if grid is None else BeatTable(grid, track_rate, track_frames, out_rate)
        self.total = self.at_out_rate(track_frames)
        self.audio: list[Audio] = [np.zeros((self.total, 2), np.float32) for _ in self.lanes]
        self.ready = 0
        self.fault = ""
        self._stopped = threading.Event()

    def at_out_rate(self, track_frame: int) -> int:
        return round(track_frame * self.out_rate / self.track_rate)

    @property
    def ready_track_frames(self) -> int:
        return self.track_frames if self.ready >= self.total else int(self.ready * self.track_rate / self.out_rate)

    def stop(self) -> None:
        """Let the thread end before its next chunk."""
        self._stopped.set()

    @abstractmethod
    def at_rate(self, out_rate: int) -> Source:
        """The same source, not started, for a device of another rate."""

    @abstractmethod
    def fill(self) -> None:
        """Write lanes and `ready` until they are whole or `_stopped` is set."""

    def run(self) -> None:
        step_back()
        try:
            self.fill()
        except (OSError, soundfile.SoundFileError, ValueError) as error:
            self.fault = f"The track cannot be played: {_reason(error)}."


class _Lane:
    """Writes chunks of one lane into its buffer, through a resampler where the rates differ."""

    def __init__(self, buffer: Audio, in_rate: int, out_rate: int) -> None:
        self._buffer = buffer
        self.filled = 0
        self._resampler: Any = None
        if in_rate != out_rate:
            import soxr

            self._resampler = soxr.ResampleStream(in_rate, out_rate, 2, dtype="float32", quality="HQ")

    def write(self, chunk: Audio, last: bool) -> None:
        """Append `chunk`; whatever the last one leaves empty stays silent."""
        if self._resampler is not None:
            chunk = self._resampler.resample_chunk(np.ascontiguousarray(chunk), last=last)
        count = min(len(chunk), len(self._buffer) - self.filled)
        self._buffer[self.filled : self.filled + count] = chunk[:count]
        self.filled = len(self._buffer) if last else self.filled + count


class FileSource(Source):
    """Lanes from whole audio files (any that libsndfile reads; mono is played on both sides)."""

    def __init__(
        self,
        files: Sequence[tuple[str, Path]],
        track_rate: int,
        track_frames: int,
        out_rate: int,
        grid: Grid | None = None,
    ) -> None:
        super().__init__([lane for lane, _ in files], track_rate, track_frames, out_rate, grid)
        self._files = list(files)

    def at_rate(self, out_rate: int) -> Source:
        return FileSource(self._files, self.track_rate, self.track_frames, out_rate, self.grid)

    def fill(self) -> None:
        opened: list[soundfile.SoundFile] = []
        try:
            for _, path in self._files:
                opened.append(_opened(path))
            self._decode(opened)
        finally:
            for file in opened:
                file.close()

    def _decode(self, files: list[soundfile.SoundFile]) -> None:
        writers = [_Lane(b, f.samplerate, self.out_rate) for b, f in zip(self.audio, files, strict=True)]
        while self.ready < self.total and not self._stopped.is_set():
            began = time.perf_counter()
            for file, writer in zip(files, writers, strict=True):
                if writer.filled < self.total:
                    chunk = file.read(_CHUNK, dtype="float32", always_2d=True)
                    writer.write(np.broadcast_to(chunk, (len(chunk), 2)), last=len(chunk) < _CHUNK)
            self.ready = min(writer.filled for writer in writers)
            give_way(time.perf_counter() - began)


class LoopSource(Source):
    """Lanes of a loop that was cut out of a track, from whole audio files, in their place on its timeline.

    What lies around it is silence, but for some frames that go round: an end that is a frame off is not heard.
    """

    def __init__(
        self,
        files: Sequence[tuple[str, Path]],
        track_rate: int,
        track_frames: int,
        out_rate: int,
        start: int,
        grid: Grid | None,
    ) -> None:
        super().__init__([lane for lane, _ in files], track_rate, track_frames, out_rate, grid)
        self._files = list(files)
        self._start = start

    def at_rate(self, out_rate: int) -> Source:
        return LoopSource(self._files, self.track_rate, self.track_frames, out_rate, self._start, self.grid)

    def fill(self) -> None:
        for (_, path), buffer in zip(self._files, self.audio, strict=True):
            if self._stopped.is_set():
                return
            with _opened(path) as file:
                loop = file.read(dtype="float32", always_2d=True)
            if not len(loop):
                raise ValueError(f"{path.name} is empty")
            first = self.at_out_rate(self._start)
            frames = self.at_out_rate(self._start + len(loop)) - first + _SPARE
            there = buffer[first : first + frames]
            there[:] = _going_round(loop, self.track_rate, self.out_rate, len(there))
        self.ready = self.total


def _going_round(loop: Audio, in_rate: int, out_rate: int, frames: int) -> Audio:
    """The first `frames` of an endless `loop`, at another rate: a resampler hears its end before its beginning."""
    if in_rate == out_rate:
        return np.take(loop, np.arange(frames), axis=0, mode="wrap")
    import soxr

    unit = in_rate // math.gcd(in_rate, out_rate)  # a whole number of frames at either rate
    before = -(-_REACH // unit) * unit
    wanted = 2 * before + math.ceil(frames * in_rate / out_rate)
    around = np.take(loop, np.arange(-before, wanted - before), axis=0, mode="wrap")
    first = before * out_rate // in_rate
    turned: Audio = soxr.resample(around, in_rate, out_rate, quality="HQ")[first : first + frames]
    return turned


class GrowingSource(Source):
    """One lane "mix" from a file of raw interleaved float32 stereo that another process is still writing.

    It may also be cut back and written anew from there. So the thread lives until `stop`, even when all is read.
    """

    def __init__(self, path: Path, track_rate: int, track_frames: int, out_rate: int) -> None:
        super().__init__(["mix"], track_rate, track_frames, out_rate)
        self._path = path
        self._available = 0
        self._kept = track_frames  # the least that was available since the thread last looked
        self._lock = threading.Lock()
        self._grown = threading.Event()
        self._file: BinaryIO | None = None

    def at_rate(self, out_rate: int) -> Source:
        other = GrowingSource(self._path, self.track_rate, self.track_frames, out_rate)
        other.grow(self._available)
        return other

    def grow(self, frames: int) -> None:
        """`frames` are in the file by now. Fewer than before: what followed them is not so any more."""
        with self._lock:
            self._available = min(max(frames, 0), self.track_frames)
            self._kept = min(self._kept, self._available)
        self._grown.set()

    def stop(self) -> None:
        super().stop()
        self._grown.set()

    def fill(self) -> None:
        try:
            self._follow()
        finally:
            self._close()

    def _follow(self) -> None:
        writer = _Lane(self.audio[0], self.track_rate, self.out_rate)
        read = 0
        while not self._stopped.is_set():
            self._grown.wait()
            self._grown.clear()
            while not self._stopped.is_set():
                with self._lock:
                    available, kept = self._available, self._kept
                    self._kept = self.track_frames
                if kept < read:
                    read, writer = self._rewound(kept)
                if read >= available:
                    break
                began = time.perf_counter()
                chunk = self._read(read, min(_CHUNK, available - read))
                if not len(chunk):  # cut back already, and told in a moment; or never
                    if not self._grown.wait(_PATIENCE_S):
                        raise OSError(f"{self._path.name} is shorter than was said")
                    self._grown.clear()
                    continue
                read += len(chunk)
                writer.write(chunk, last=read >= self.track_frames)
                self.ready = max(self.ready, writer.filled)
                give_way(time.perf_counter() - began)

    def _rewound(self, frames: int) -> tuple[int, _Lane]:
        """Where to read on from, and the lane to write to, when all but the first `frames` is to be written anew.

        A resampler begins again at the start: what it made of those frames it makes of them again, so the player may
        go on reading it meanwhile. Nothing is wiped out: a fade may still need what is there.
        """
        writer = _Lane(self.audio[0], self.track_rate, self.out_rate)
        if self.track_rate == self.out_rate:
            self.ready = writer.filled = min(self.ready, frames)
            return frames, writer
        self.ready = min(self.ready, max(0, self.at_out_rate(frames) - _REACH))
        return 0, writer

    def _read(self, first: int, count: int) -> Audio:
        if self._file is None:
            self._file = self._path.open("rb")
        self._file.seek(first * 8)
        chunk = np.fromfile(self._file, np.float32, count * 2)
        if os.name == "nt":  # where its owner could not remove it while it is open here; elsewhere it may, at any time
            self._close()
        return chunk[: len(chunk) // 2 * 2].reshape(-1, 2)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _opened(path: Path) -> soundfile.SoundFile:
    """Raises OSError, SoundFileError, ValueError."""
    if not path.is_file():  # libsndfile would only say "System error"
        raise OSError(f"{path.name} is missing from its folder")
    file = soundfile.SoundFile(path)
    if file.channels > 2:
        file.close()
        raise ValueError(f"{path.name} has {file.channels} channels")
    return file


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{Path(error.filename).name} is missing from its folder"
    if isinstance(error, soundfile.LibsndfileError):
        return f"a file of it is damaged ({error.error_string.rstrip('.')})"
    return str(error)
