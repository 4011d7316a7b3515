"""Peaks for drawing: the lowest and highest sample of every 64 frames, and any view of them in well under 2 ms."""

from __future__ import annotations

import io
import json
import math
import os
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.errors import FileProblem
from nur_studio.core.sound import Audio

_SCALE = 32767.0
_WAVEFORM_FRAMES = 256

Columns = tuple[NDArray[np.float32], NDArray[np.float32]]

# What zip and NumPy say of bytes that are not what they were.
_DAMAGE = (OSError, ValueError, LookupError, TypeError, ArithmeticError, EOFError, RuntimeError, zipfile.BadZipFile)


class _Blocks:
    """Lowest and highest sample of every `base` frames over all channels, as int16 of full scale."""

    def __init__(self, low: NDArray[np.int16], high: NDArray[np.int16], frames: int, base: int) -> None:
        self._low = low
        self._high = high
        self._frames = frames
        self._base = base

    @property
    def frames(self) -> int:
        """Frames that are there."""
        return self._frames

    @property
    def base(self) -> int:
        """Frames in a block: what a view is exact to."""
        return self._base

    def view(self, start_frame: float, end_frame: float, columns: int) -> Columns:
        """The lowest and highest sample of each of `columns` equal parts of a span; 0 outside of the sound.

        Parts lie on a grid that starts at frame 0, so panning moves a picture without changing it: the first part is
        the one whose beginning is nearest to `start_frame`. A part reaches out to whole blocks.
        """
        width = (end_frame - start_frame) / max(1, columns)
        low, high = np.zeros(max(0, columns), np.float32), np.zeros(max(0, columns), np.float32)
        blocks = -(-self._frames // self._base)
        if columns < 1 or width <= 0.0 or blocks == 0:
            return low, high
        first = math.floor(start_frame / width + 0.5)
        edges = np.arange(first, first + columns + 1) * (width / self._base)
        begins = np.floor(edges[:-1] + 1e-6).astype(np.intp)
        ends = np.maximum(np.ceil(edges[1:] - 1e-6).astype(np.intp), begins + 1)
        inside = np.flatnonzero((ends > 0) & (begins < blocks))
        if inside.size == 0:
            return low, high
        # One block beyond the last, so that every part has an end that reduceat accepts.
        spans = np.empty(2 * inside.size, np.intp)
        spans[0::2] = np.maximum(begins[inside], 0)
        spans[1::2] = np.minimum(ends[inside], blocks)
        offset = int(spans[0])
        spans -= offset
        stop = offset + int(spans[1::2].max())
        for source, extreme, target in ((self._low, np.minimum, low), (self._high, np.maximum, high)):
            part = np.append(source[offset:stop], source[stop - 1])
            target[inside] = extreme.reduceat(part, spans)[0::2] * np.float32(1.0 / _SCALE)
        return low, high


class PeakPyramid(_Blocks):
    """The peaks of a finished sound."""

    @classmethod
    def from_audio(cls, audio: Audio, base: int = 64) -> Self:
        low, high = _extremes(audio, base)
        return cls(low, high, len(audio), base)

    def stored(self) -> NDArray[np.int16]:
        """Row 0 the lowest, row 1 the highest samples."""
        return np.stack((self._low, self._high))


class GrowingPeaks(_Blocks):
    """The peaks of a sound while it is made. `total_frames` is what is expected; more may come."""

    def __init__(self, total_frames: int, base: int = 64) -> None:
        blocks = max(1, -(-total_frames // base))
        super().__init__(np.zeros(blocks, np.int16), np.zeros(blocks, np.int16), 0, base)
        self.total_frames = total_frames

    def append(self, chunk: Audio) -> None:
        """Add the sound that follows what is there."""
        block, begun = divmod(self._frames, self._base)
        if begun and len(chunk):  # the last block was drawn as far as it was there
            head, chunk = chunk[: self._base - begun], chunk[self._base - begun :]
            low, high = _extremes(head, self._base)
            self._low[block] = min(self._low[block], low[0])
            self._high[block] = max(self._high[block], high[0])
            self._frames += len(head)
            block += 1
        low, high = _extremes(chunk, self._base)
        missing = block + len(low) - len(self._low)
        if missing > 0:
            self._low = np.pad(self._low, (0, missing))
            self._high = np.pad(self._high, (0, missing))
        self._low[block : block + len(low)] = low
        self._high[block : block + len(high)] = high
        self._frames += len(chunk)

    def finished(self) -> PeakPyramid:
        """The peaks of what is there."""
        blocks = -(-self._frames // self._base)
        return PeakPyramid(self._low[:blocks], self._high[:blocks], self._frames, self._base)

    def rewind(self, frames: int) -> None:
        """Forget what came after the first `frames`. A block that is cut in two keeps the peaks of all it held."""
        if frames >= self._frames:
            return
        self._frames = max(0, frames)
        kept = -(-self._frames // self._base)
        self._low[kept:] = 0
        self._high[kept:] = 0


def save_peaks(path: Path, lanes: Mapping[str, PeakPyramid]) -> None:
    """Write the peaks of all lanes (npz, uncompressed: it loads in milliseconds)."""
    # Few members: each costs a millisecond to open. One after the other: low and high of a lane, then the next lane.
    layout = np.array([(peaks.frames, peaks.base) for peaks in lanes.values()], np.int64).reshape(-1, 2)
    stored = [peaks.stored().ravel() for peaks in lanes.values()]
    values = np.concatenate(stored) if stored else np.zeros(0, np.int16)
    with _replacing(path) as file:
        np.savez(file, allow_pickle=False, lanes=np.array(list(lanes), np.str_), layout=layout, peaks=values)


def load_peaks(path: Path) -> dict[str, PeakPyramid]:
    """The peaks of all lanes, in the order in which they were saved. Raises `FileProblem`."""
    try:
        with zipfile.ZipFile(path) as archive:
            # Whole members at once: np.load's own reading in pieces takes twice as long.
            lanes, layout, values = (
                np.lib.format.read_array(io.BytesIO(archive.read(f"{member}.npy")), allow_pickle=False)
                for member in ("lanes", "layout", "peaks")
            )
        loaded: dict[str, PeakPyramid] = {}
        for lane, (frames, base) in zip(lanes.tolist(), layout.tolist(), strict=True):
            blocks = -(-frames // base)
            low, high, values = values[:blocks], values[blocks : 2 * blocks], values[2 * blocks :]
            if len(high) < blocks:
                raise ValueError("fewer peaks than frames")
            loaded[lane] = PeakPyramid(low, high, frames, base)
        return loaded
    except FileNotFoundError as error:
        raise FileProblem(f"There is no file “{path.name}” in {path.parent}.") from error
    except _DAMAGE as error:
        raise FileProblem(f"The waveform picture “{path.name}” is damaged.") from error


def write_waveform_json(path: Path, audio: Audio, sample_rate: int) -> None:
    """Write what web players draw from: audiowaveform's JSON, version 2, 8 bits, one channel, 256 frames a point."""
    mono = audio.mean(axis=1, keepdims=True, dtype=np.float32)
    low, high = _extremes(mono, _WAVEFORM_FRAMES)
    # To 8 bits as audiowaveform does it: 16-bit values divided by 256, towards zero.
    points = np.trunc(np.stack((low, high), axis=1) / 256).astype(int)
    content = {
        "version": 2,
        "channels": 1,
        "sample_rate": sample_rate,
        "samples_per_pixel": _WAVEFORM_FRAMES,
        "bits": 8,
        "length": len(points),
        "data": points.ravel().tolist(),
    }
    with _replacing(path) as file:
        file.write(json.dumps(content, separators=(",", ":")).encode())


def _extremes(audio: Audio, base: int) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Lowest and highest sample of every `base` frames; the last block may hold fewer."""
    whole = len(audio) // base
    blocks = audio[: whole * base].reshape(whole, base * audio.shape[1])
    low, high = blocks.min(axis=1), blocks.max(axis=1)
    if len(audio) % base:
        rest = audio[whole * base :]
        low, high = np.append(low, rest.min()), np.append(high, rest.max())
    return _to_int16(low), _to_int16(high)


def _to_int16(values: NDArray[np.float32]) -> NDArray[np.int16]:
    scaled: NDArray[np.int16] = np.rint(np.clip(values, -1.0, 1.0) * np.float32(_SCALE)).astype(np.int16)
    return scaled


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path`, whole and on the disk, when all went well."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise FileProblem(f"“{path.name}” cannot be written: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
