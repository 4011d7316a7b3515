"""Stems on their way to disk: made to add up to their mix exactly, written, and drawn, block by block.

What of a mix no stem holds (what lies above a separator's band, its rounding, a DC offset) goes to the lane that stands
for all the rest. Lanes are whole numbers of 24 bits by then, as their files are: their sum is the mix, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from nur_studio.audio.files import Encoding, audio_frames, read_blocks, writing
from nur_studio.audio.masters import peaks_path, stem_path
from nur_studio.audio.peaks import GrowingPeaks, save_peaks
from nur_studio.core.errors import FileProblem
from nur_studio.core.mix import LANES, SIX_LANES, STEMS
from nur_studio.core.sound import Audio

_ENCODING = Encoding("flac", "PCM_24")
_FULL = 1 << 23
_BLOCK = 1 << 16  # frames
_MIX = "mix"

Whole = NDArray[np.int32]  # samples of 24 bits


class StemFiles:
    """The stems of the audio file `mix` in `folder`: `stems/*.flac` of its length and rate, and `peaks.npz`.

    `lanes` are `STEMS` or `SIX_LANES`; of six, `other` is written as well. Leaving it by an error leaves no stem.
    """

    def __init__(self, folder: Path, mix: Path, lanes: Sequence[str]) -> None:
        if tuple(lanes) not in (STEMS, SIX_LANES):
            raise ValueError(f"{lanes} are no lanes")
        self._folder, self._lanes = folder, tuple(lanes)
        self.frames, self.sample_rate = audio_frames(mix)
        self._mix = _Stream(read_blocks(mix, _BLOCK))
        self._names = [lane for lane in LANES if lane in lanes or lane == "other"]
        self._peaks = {name: GrowingPeaks(self.frames) for name in (_MIX, *self._names)}
        self._files = ExitStack()
        self._write: dict[str, Callable[[Audio], None]] = {}
        self._done = 0

    def __enter__(self) -> StemFiles:
        try:
            stem_path(self._folder, "").parent.mkdir(exist_ok=True)
        except OSError as error:
            raise FileProblem(f"The folder {self._folder} cannot be written: {error.strerror or error}.") from error
        with ExitStack() as files:
            for name in self._names:
                path = stem_path(self._folder, name)
                self._write[name] = files.enter_context(writing(path, self.sample_rate, 2, _ENCODING))
            self._files = files.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.__exit__(kind, error, trace)
        if error is None:
            save_peaks(peaks_path(self._folder), {name: peaks.finished() for name, peaks in self._peaks.items()})

    def add(self, stems: Mapping[str, Audio]) -> None:
        """The next block of every lane. Raises `ValueError` where a separator breaks its promise."""
        frames = len(next(iter(stems.values()), ()))
        self._check(stems, frames)
        for start in range(0, frames, _BLOCK):
            end = min(frames, start + _BLOCK)
            mix = self._mix.take(end - start)
            parts = summing({lane: stem[start:end] for lane, stem in stems.items()}, mix, self._lanes)
            self._peaks[_MIX].append(mix)
            for name in self._names:
                audio = parts[name].astype(np.float32) / np.float32(_FULL)
                self._write[name](audio)
                self._peaks[name].append(audio)
        self._done += frames

    def check_whole(self) -> None:
        """Raises `ValueError` where less came than the mix is long."""
        if self._done != self.frames:
            raise ValueError(f"{self._done} frames of stems instead of {self.frames}")

    def _check(self, stems: Mapping[str, Audio], frames: int) -> None:
        if set(stems) != set(self._lanes):
            raise ValueError(f"stems {sorted(stems)} instead of {sorted(self._lanes)}")
        if self._done + frames > self.frames:
            raise ValueError(f"more than {self.frames} frames of stems")
        for lane, audio in stems.items():
            if audio.shape != (frames, 2) or audio.dtype != np.float32:
                raise ValueError(f"{lane} is {audio.dtype} {audio.shape} instead of float32 {(frames, 2)}")
            if not np.isfinite(audio).all():
                raise ValueError(f"{lane} has samples that are no numbers")


def summing(stems: Mapping[str, Audio], mix: Audio, lanes: Sequence[str]) -> dict[str, Whole]:
    """Samples of 24 bits: `STEMS` whose sum is `mix`, and where `lanes` are six, also they."""
    target = _whole(mix)
    parts = _completed({lane: _whole(stems[lane]) for lane in STEMS[:-1]}, "other", target)
    if tuple(lanes) == SIX_LANES:
        parts |= _completed({lane: _whole(stems[lane]) for lane in SIX_LANES[3:-1]}, "rest", parts["other"])
    return parts


def _completed(parts: dict[str, Whole], rest: str, target: Whole) -> dict[str, Whole]:
    """`parts` and the lane `rest`, whose sum is `target`. What would overload `rest` stays in those that have room."""
    wanted = target - np.sum(list(parts.values()), axis=0, dtype=np.int32)
    kept = _within(wanted)
    excess = wanted - kept
    if excess.any():
        for name, part in parts.items():
            fuller = _within(part + excess)
            excess -= fuller - part
            parts[name] = fuller
    return {**parts, rest: kept}


def _whole(audio: Audio) -> Whole:
    rounded: Whole = _within(np.rint(np.clip(audio, -2.0, 2.0) * np.float32(_FULL)).astype(np.int32))
    return rounded


def _within(samples: Whole) -> Whole:
    return np.clip(samples, -_FULL, _FULL - 1)


class _Stream:
    """Blocks as any other blocks, in stereo."""

    def __init__(self, blocks: Iterator[Audio]) -> None:
        self._blocks = blocks
        self._kept: Audio = np.zeros((0, 2), np.float32)

    def take(self, frames: int) -> Audio:
        """The next `frames` frames. Raises `FileProblem` where the file has become shorter."""
        while len(self._kept) < frames:
            block = next(self._blocks, None)
            if block is None:
                raise FileProblem("The mix was changed while it was being separated.")
            stereo = block if block.shape[1] == 2 else np.repeat(block[:, :1], 2, axis=1)
            self._kept = np.concatenate((self._kept, stereo))
        taken, self._kept = self._kept[:frames], self._kept[frames:]
        return taken
