"""The lanes of a source under their gains, added up and metered. Part of the audio callback: nothing here grows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nur_studio.audio.player_state import MAX_LANES
from nur_studio.core.sound import Audio

BLOCK_FRAMES = 256
"""Frames a callback, and over which a gain glides: 5.8 ms at 44.1 kHz."""
_ROWS = 16  # a block's maximum is taken over rows of this many samples: thirty times as fast as over pairs


def glide(frames: int) -> NDArray[np.float32]:
    """(frames, 1): half a cosine from above 0 to exactly 1. A straight line has corners, heard 34 dB louder."""
    steps = np.arange(1, frames + 1) / frames
    return (0.5 - 0.5 * np.cos(np.pi * steps)).astype(np.float32)[:, None]


_GLIDE = glide(BLOCK_FRAMES)


class Meters:
    """Of one block, after the faders: peaks since `begin`, and the energy of all blocks so far. Last row: the sum."""

    def __init__(self) -> None:
        self.peaks = np.zeros((MAX_LANES + 1, 2))
        self.energies = np.zeros((MAX_LANES + 1, 2))
        self.frames = 0.0
        self._sizes = np.zeros((MAX_LANES, BLOCK_FRAMES, 2), np.float32)
        self._rows = np.zeros((MAX_LANES, 2 * _ROWS), np.float32)
        self._peaks = np.zeros((MAX_LANES, 2), np.float32)
        self._energies = np.zeros((MAX_LANES, 2), np.float32)

    def begin(self, frames: int) -> None:
        self.peaks.fill(0.0)
        self.frames += frames

    def take(self, sounds: NDArray[np.float32], first_row: int) -> None:
        """Measure `sounds` (lanes, frames, 2) as the rows from `first_row` on."""
        lanes, frames = sounds.shape[:2]
        peaks, energies = self._peaks[:lanes], self._energies[:lanes]
        np.einsum("lfc,lfc->lc", sounds, sounds, out=energies)
        sizes = np.abs(sounds, out=self._sizes[:lanes, :frames])
        if frames == BLOCK_FRAMES:
            rows = self._rows[:lanes]
            np.maximum.reduce(sizes.reshape(lanes, -1, 2 * _ROWS), axis=1, out=rows)
            np.maximum.reduce(rows.reshape(lanes, _ROWS, 2), axis=1, out=peaks)
        else:
            np.maximum.reduce(sizes, axis=1, out=peaks)
        rows_of = slice(first_row, first_row + lanes)
        self.energies[rows_of] += energies
        np.maximum(self.peaks[rows_of], peaks, out=self.peaks[rows_of])


class Strips:
    """The gains of one source's lanes, each gliding over a block to where it is to go."""

    def __init__(self) -> None:
        self._gains = np.zeros((MAX_LANES, 2), np.float32)
        self._targets = np.zeros((MAX_LANES, 2), np.float32)
        # Per frame, in steady times too: two arrays of one shape multiply ten times as fast as an array and a pair.
        self._factors = np.zeros((MAX_LANES, BLOCK_FRAMES, 2), np.float32)
        self._gliding = [False] * MAX_LANES
        self._closed = [True] * MAX_LANES
        self._sounds = np.zeros((MAX_LANES, BLOCK_FRAMES, 2), np.float32)

    def set(self, gains: NDArray[np.float64]) -> None:
        """Be at these (lanes, 2) at once: for when nothing sounds."""
        np.copyto(self._targets[: len(gains)], gains, casting="same_kind")
        for lane in range(len(gains)):
            self._gliding[lane] = False
            self._arrive(lane)

    def head_for(self, gains: NDArray[np.float64], frames: int) -> None:
        """Glide to these in the coming block of `frames`."""
        np.copyto(self._targets[: len(gains)], gains, casting="same_kind")
        for lane in range(len(gains)):
            now, then = self._gains[lane], self._targets[lane]
            if now[0] != then[0] or now[1] != then[1]:
                self._gliding[lane], self._closed[lane] = True, False
                factors = self._factors[lane, :frames]
                np.multiply(_GLIDE[:frames], then - now, out=factors)
                factors += now

    def finish(self, frames: int) -> None:
        """The block of `frames` is done."""
        for lane in range(MAX_LANES):
            if self._gliding[lane]:
                self._gliding[lane] = False
                if frames < BLOCK_FRAMES:  # part of the way; the rest is a glide of its own
                    np.copyto(self._gains[lane], self._factors[lane, frames - 1])
                    self._factors[lane] = self._gains[lane]
                else:
                    self._arrive(lane)

    def add(self, lanes: Sequence[Audio], position: int, out: Audio, done: int, meters: Meters | None) -> None:
        """Add the lanes from `position` on to `out`, which is `done` frames into the block."""
        frames = len(out)
        for lane, audio in enumerate(lanes):
            sound = self._sounds[lane, :frames]
            if self._closed[lane]:
                sound.fill(0.0)
                continue
            np.multiply(audio[position : position + frames], self._factors[lane, done : done + frames], out=sound)
            out += sound
        if meters is not None and lanes:
            meters.take(self._sounds[: len(lanes), :frames], 0)

    def scale(self, out: Audio) -> None:
        """Apply the first strip to a whole block, in place."""
        factors = self._factors[0, : len(out)]
        if self._gliding[0] or self._gains[0, 0] != 1.0:
            out *= factors

    def _arrive(self, lane: int) -> None:
        gain = self._targets[lane]
        np.copyto(self._gains[lane], gain)
        self._factors[lane] = gain
        self._closed[lane] = not gain[0] and not gain[1]
