"""What window and player process share: the block of numbers both map, and the state read out of it."""

from __future__ import annotations

import ctypes
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

    `position_frames` is what is heard now, not what was handed to the device. `peaks` are linear, (left, right),
    after the fader, the highest since the last call; `master_peaks` those of their sum. `playing` is what was asked
    for and is neither refused nor over; `waiting` says that it is silent because the audio is not there yet.
    `ended` stays until play, seek or load. `error` is one sentence for people, or "".
    """

    position_frames: int = 0
    playing: bool = False
    waiting: bool = False
    ready_frames: int = 0
    ended: bool = False
    peaks: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    master_peaks: tuple[float, float] = (0.0, 0.0)
    dropouts: int = 0
    latency_s: float = 0.0
    device: str = ""
    error: str = ""


# Whole numbers, written by the player. Each `…_SEQ` is the number of the last command of its kind that took effect.
LOAD_SEQ, JUMP_SEQ, ENDED_SEQ, REFUSED_SEQ, READY, WAITING, DROPOUTS, ANCHORS, BLOCKS = range(9)
# The one whole number that the window writes: how often it has read the peaks.
POLLS = 9
_INTEGERS = 16

# One anchor: at CLOCK time TIME the frame START + RUN (folded into the loop) is heard, and SOUNDING frames follow it.
TIME, RUN, START, LOOP_START, LOOP_END, SEGMENT, SOUNDING, OUT_RATE, TRACK_RATE = range(9)
_ANCHOR_FIELDS = 9
_ANCHOR_SLOTS = 8  # a reader would have to sleep through seven blocks inside one copy to see a torn one


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
        self.anchors = take(_ANCHOR_SLOTS, _ANCHOR_FIELDS)
        self.peaks = take(MAX_LANES + 1, 2)  # the last row is the master's
        self.gains = take(2, MAX_LANES, 2)  # written by the window; a load takes the set its number is odd or even by

    @classmethod
    def create(cls, context: SpawnContext) -> Block:
        size = _INTEGERS + 1 + _ANCHOR_SLOTS * _ANCHOR_FIELDS + (MAX_LANES + 1) * 2 + 2 * MAX_LANES * 2
        return cls(context.RawArray(ctypes.c_double, size))

    def write_anchor(self, anchor: NDArray[np.float64]) -> None:
        """Player's side: fill the next slot, then say that it is there."""
        count = self.integers[ANCHORS] + 1
        self.anchors[count % _ANCHOR_SLOTS] = anchor
        self.integers[ANCHORS] = count

    def read_anchor(self) -> NDArray[np.float64] | None:
        """Window's side: the newest anchor, or None before the first."""
        count = int(self.integers[ANCHORS])
        return self.anchors[count % _ANCHOR_SLOTS].copy() if count else None


def fold(frame: float, start: float, loop_start: float, loop_end: float) -> float:
    """Where a run that began at `start` is after `frame - start` frames, going round the loop (none: end 0)."""
    if loop_end <= loop_start or start >= loop_end or frame < loop_end:
        return frame
    return loop_start + (frame - loop_end) % (loop_end - loop_start)


def heard_run(anchor: NDArray[np.float64], now: float) -> float:
    """How many frames of this run have left the speaker at CLOCK time `now`."""
    if anchor[SOUNDING] <= 0.0:
        return float(anchor[RUN])
    heard = anchor[RUN] + (now - anchor[TIME]) * anchor[OUT_RATE]
    return float(min(max(heard, 0.0), anchor[RUN] + anchor[SOUNDING]))


def position_at(anchor: NDArray[np.float64], run: float) -> int:
    """The frame of the track after `run` output frames."""
    frame = fold(anchor[START] + run, anchor[START], anchor[LOOP_START], anchor[LOOP_END])
    return int(frame * anchor[TRACK_RATE] / anchor[OUT_RATE] + 0.5)
