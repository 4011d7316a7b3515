"""The metronome beside the music: where a source's beats fall at the device's rate, and the voice that clicks them."""

from __future__ import annotations

import math
from bisect import bisect_left

import numpy as np

from nur_studio.audio.clicks import ping
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Grid

_RING_FRAMES = 2**15  # a click at 768 kHz, and a block


class BeatTable:
    """The beats of a track on its grid, in frames at `out_rate`, and the clicks that belong on them.

    A beat is where a seek to its frame of the track leads: loops that begin on a beat begin with its click. The table
    begins a bar before the first beat of the track, for what counts in there.
    """

    def __init__(self, grid: Grid, track_rate: int, track_frames: int, out_rate: int) -> None:
        self.beats_per_bar = grid.beats_per_bar
        self.starts: list[int] = []
        self.accents: list[bool] = []
        beat = math.ceil(grid.beat_at(-0.5 / track_rate)) - grid.beats_per_bar
        while (frame := grid.frame_of(beat, track_rate)) < track_frames:
            self.starts.append(round(frame * out_rate / track_rate))
            self.accents.append(beat % grid.beats_per_bar == 0)
            beat += 1
        self.pings = [np.repeat(ping(accent, out_rate)[:, None], 2, axis=1) for accent in (False, True)]

    def lead(self, position: int) -> int:
        """How many frames before `position` the last bar of beats before it begins: one bar where it is on a beat."""
        return position - self.starts[max(0, bisect_left(self.starts, position) - self.beats_per_bar)]


class ClickVoice:
    """Part of the audio callback. A click that has begun rings out by itself, whatever happens to music or metronome:
    so nothing is ever cut off. Nothing here grows.
    """

    def __init__(self) -> None:
        self._ring = np.zeros((_RING_FRAMES, 2), np.float32)
        self._scaled = np.zeros((_RING_FRAMES, 2), np.float32)
        self._now = 0  # of the block's first frame, counted since the start
        self._until = 0  # something rings until there

    def strike(self, beats: BeatTable, position: int, frames: int, done: int, gain: float) -> None:
        """Begin the clicks of the `frames` from `position` on, which are `done` frames into the block."""
        if gain <= 0.0:
            return
        starts, end = beats.starts, position + frames
        index = bisect_left(starts, position)
        while index < len(starts) and starts[index] < end:
            self._begin(beats.pings[beats.accents[index]], self._now + done + starts[index] - position, gain)
            index += 1

    def add(self, out: Audio) -> None:
        """Add what rings to a block."""
        frames = len(out)
        if self._now < self._until:
            at = self._now % _RING_FRAMES
            first = min(frames, _RING_FRAMES - at)
            for part, ring in ((out[:first], self._ring[at : at + first]), (out[first:], self._ring[: frames - first])):
                part += ring
                ring.fill(0.0)
        self._now += frames

    def hush(self) -> None:
        """For when no stream runs: nothing rings any more."""
        if self._now < self._until:
            self._ring.fill(0.0)
            self._until = self._now

    def _begin(self, click: Audio, at: int, gain: float) -> None:
        frames = len(click)
        scaled = np.multiply(click, gain, out=self._scaled[:frames])
        start = at % _RING_FRAMES
        first = min(frames, _RING_FRAMES - start)
        self._ring[start : start + first] += scaled[:first]
        self._ring[: frames - first] += scaled[first:]
        self._until = max(self._until, at + frames)
