"""What window and player process share: the block of numbers both map, and the state read out of it."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.context import SpawnContext
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_LANES = 16
CLOCK = time.perf_counter
"""Runs alike in every process of a machine, on every system; `time.monotonic` steps by 15 ms on Windows."""


@dataclass(frozen=True, slots=True)
class PlayerState:
    """The player at one moment. Frames are the track's own, whatever rate the device runs at.

    `position_frames` is what is heard now, not what was handed to the device. `playing` is what was asked for and is
    neither refused nor over; `waiting` says that it is silent because the audio is not there yet. `ended` stays until
    play, seek or load. `error` is one sentence for people, or "".

    Meters speak of the mix as a file of it would have it: after mute, solo, gain, pan and the mix's master gain, but
    before the listening volume. They are `latency_s` ahead of the ear. `peaks` and `rms` are by lane, linear, (left,
    right): the highest since the last call, and over the last 300 ms (or since the last call, if longer ago);
    `master_peaks` and `master_rms` those of the lanes' sum. `momentary_lufs` (400 ms) and `short_term_lufs` (3 s) are
    its loudness as BS.1770 and EBU Tech 3341 have it, 20 times a second; −∞ in silence and without a stream.
    """

    position_frames: int = 0
    playing: bool = False
    waiting: bool = False
    ready_frames: int = 0
    ended: bool = False
    peaks: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    rms: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    master_peaks: tuple[float, float] = (0.0, 0.0)
    master_rms: tuple[float, float] = (0.0, 0.0)
    momentary_lufs: float = -math.inf
    short_term_lufs: float = -math.inf
    dropouts: int = 0
    latency_s: float = 0.0
    device: str = ""
    error: str = ""


# Whole numbers, written by the player. Each `…_SEQ` is the number of the last command of its kind that took effect:
# LOAD_SEQ of the last load taken up, LANES_SEQ of the one whose lanes sound.
LOAD_SEQ, JUMP_SEQ, ENDED_SEQ, REFUSED_SEQ, READY, WAITING, DROPOUTS, ANCHORS, BLOCKS, LANES_SEQ = range(10)
# The one whole number that the window writes: how often it has read the peaks.
POLLS = 10
_INTEGERS = 16

# One anchor: at CLOCK time TIME the frame START + RUN (folded into the loop) is heard, and SOUNDING frames follow it.
# With none following, TIME is when the last one was through.
TIME, RUN, START, LOOP_START, LOOP_END, SEGMENT, SOUNDING, OUT_RATE, TRACK_RATE = range(9)
_ANCHOR_FIELDS = 9
_SLOTS = 8  # a reader would have to sleep through seven blocks inside one copy to see a torn one


class Block:
    """Numbers in memory that two processes map. Every field has one writer, so nothing needs a lock.

    Plain shared ctypes rather than a named shared_memory: its file has no name from the start, so whichever process
    is killed, nothing is left behind.
    """

    def __init__(self, memory: Any) -> None:
        self.memory = memory
        buffer = np.frombuffer(memory, dtype=np.float64)
        whole = buffer.view(np.int64)
        self.integers: NDArray[np.int64] = whole[:_INTEGERS]
        cursor = _INTEGERS

        def take(*shape: int) -> NDArray[np.float64]:
            nonlocal cursor
            size = int(np.prod(shape))
            cursor += size
            return buffer[cursor - size : cursor].reshape(shape)

        self.latency = take(1)
        self.loudness = take(2)  # momentary and short-term
        self.anchors = take(_SLOTS, _ANCHOR_FIELDS)
        self.peaks = take(MAX_LANES + 1, 2)  # the last row is the master's
        self.energies = take(_SLOTS, MAX_LANES + 1, 2)  # summed squares of all that was played; rows as above
        self.energy_frames = take(_SLOTS)
        # Written by the window: the listening volume, and gains; a load takes the set its number is odd or even by.
        self.volume = take(1)
        self.gains = take(2, MAX_LANES, 2)
        self.clicks = take(2)  # the metronome's gain beside the music, and while it counts in; 0: none

    @classmethod
    def create(cls, context: SpawnContext) -> Block:
        rows = (MAX_LANES + 1) * 2
        size = _INTEGERS + 1 + 2 + _SLOTS * (_ANCHOR_FIELDS + rows + 1) + rows + 1 + 2 * MAX_LANES * 2 + 2
        block = cls(context.RawArray(ctypes.c_double, size))
        block.loudness[:] = -math.inf
        block.volume[0] = 1.0
        return block

    def write_meters(
        self, peaks: NDArray[np.float64], energies: NDArray[np.float64], frames: float, anew: bool
    ) -> None:
        """Player's side, once a block. `anew`: the window has read the peaks so far."""
        if anew:
            self.peaks[:] = peaks
        else:
            np.maximum(self.peaks, peaks, out=self.peaks)
        count = self.integers[BLOCKS] + 1
        self.energies[count % _SLOTS] = energies
        self.energy_frames[count % _SLOTS] = frames
        self.integers[BLOCKS] = count

    def read_energies(self) -> tuple[float, NDArray[np.float64]]:
        """Window's side: frames played so far, and the energies (lanes and master, channels) in them."""
        slot = int(self.integers[BLOCKS]) % _SLOTS
        return float(self.energy_frames[slot]), self.energies[slot].copy()

    def write_anchor(self, anchor: NDArray[np.float64]) -> None:
        """Player's side: fill the next slot, then say that it is there."""
        count = self.integers[ANCHORS] + 1
        self.anchors[count % _SLOTS] = anchor
        self.integers[ANCHORS] = count

    def read_anchor(self) -> NDArray[np.float64] | None:
        """Window's side: the newest anchor, or None before the first."""
        count = int(self.integers[ANCHORS])
        return self.anchors[count % _SLOTS].copy() if count else None


def fold(frame: float, start: float, loop_start: float, loop_end: float) -> float:
    """Where a run that began at `start` is after `frame - start` frames, going round the loop (none: end 0)."""
    if loop_end <= loop_start or start >= loop_end or frame < loop_end:
        return frame
    return loop_start + (frame - loop_end) % (loop_end - loop_start)


def heard_run(anchor: NDArray[np.float64], now: float) -> float:
    """How many frames of this run have left the speaker at CLOCK time `now`."""
    heard = anchor[RUN] + (now - anchor[TIME]) * anchor[OUT_RATE]
    return float(min(max(heard, 0.0), anchor[RUN] + anchor[SOUNDING]))


def is_through(anchor: NDArray[np.float64], now: float) -> bool:
    """Whether all of this run that was handed to the device has left the speaker."""
    return bool((now - anchor[TIME]) * anchor[OUT_RATE] >= anchor[SOUNDING])


def position_at(anchor: NDArray[np.float64], run: float) -> int:
    """The frame of the track after `run` output frames."""
    frame = fold(anchor[START] + run, anchor[START], anchor[LOOP_START], anchor[LOOP_END])
    return int(frame * anchor[TRACK_RATE] / anchor[OUT_RATE] + 0.5)
