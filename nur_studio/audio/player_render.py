"""What happens in the audio callback: copy, scale, add. Transport, fades, loop and gain ramps, to the sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nur_studio.audio.player_source import Source
from nur_studio.audio.player_state import (
    BLOCKS,
    ENDED_SEQ,
    JUMP_SEQ,
    LOOP_END,
    LOOP_START,
    MAX_LANES,
    OUT_RATE,
    POLLS,
    RUN,
    SEGMENT,
    SOUNDING,
    START,
    TIME,
    TRACK_RATE,
    WAITING,
    Block,
)
from nur_studio.core.sound import Audio

BLOCK_FRAMES = 256
"""Frames a callback, and over which a gain glides: 5.8 ms at 44.1 kHz."""
FADE_FRAMES = 192
"""Fade before a pause or jump and after it: 4.4 ms at 44.1 kHz."""
_RESUME_S = 0.2  # audio wanted ahead before a wait for more of it ends
_SOUGHT_AHEAD = BLOCK_FRAMES + FADE_FRAMES  # with less than this ready, fade out while there is still sound for it


HERE = -1
"""As a jump's frame: where the playhead is when its fade is through."""


class Order(NamedTuple):
    """What is to be done, replaced as a whole by the commanding thread, so the callback never sees a half.

    Frames are at the device's rate. `jump` counts up with every jump asked for, `jump_seq` is the window's number of
    it; another `source` or `gain_set` comes into force with a jump only. `hold` silences as pause does, for the time
    that a device is changed.
    """

    playing: bool = False
    play_seq: int = 0
    jump: int = 0
    jump_seq: int = 0
    jump_frame: int = 0
    loop: tuple[int, int] | None = None
    hold: bool = False
    source: Source | None = None
    gain_set: int = 0


class Renderer:
    """Fills blocks of stereo. `order` belongs to the commanding thread, everything else to the callback (or, while no
    stream runs, to who calls `settle`). Nothing here locks, logs or grows."""

    def __init__(self, block: Block) -> None:
        self.order = Order()
        self.source: Source | None = None  # the one that sounds; order.source once its jump is done
        self.position = 0  # the next frame to hand out
        self.silent_frames = 0  # handed out since something sounded
        self.waiting = False  # for audio that is not there yet
        self._block = block
        self._level = 0  # of FADE_FRAMES: the transport's own fader
        self._jumped = 0
        self._ended = -1  # the play_seq that came to the end
        self._run = 0  # frames since the last jump or change of loop
        self._loop: tuple[int, int] | None = None
        self._gain_set = 0
        self._ramp = (np.arange(1, BLOCK_FRAMES + 1, dtype=np.float32) / BLOCK_FRAMES)[:, None]
        self._fade = (np.arange(FADE_FRAMES + 1, dtype=np.float32) / FADE_FRAMES)[:, None]
        self._gains = np.zeros((MAX_LANES, 2), np.float32)
        self._targets = np.zeros((MAX_LANES, 2), np.float32)
        self._glide = np.zeros((MAX_LANES, BLOCK_FRAMES, 2), np.float32)
        self._gliding = [False] * MAX_LANES
        self._scratch = np.zeros((BLOCK_FRAMES, 2), np.float32)
        self._peaks = np.zeros((MAX_LANES + 1, 2))
        self._span_peak = np.zeros(2, np.float32)
        self._polls = 0
        self._anchor = np.zeros(block.anchors.shape[1])
        self._anchor[OUT_RATE] = self._anchor[TRACK_RATE] = 1.0

    @property
    def sounding(self) -> bool:
        """Whether the transport's fader is not yet closed."""
        return self._level > 0

    @property
    def jump_pending(self) -> bool:
        return self.order.jump != self._jumped

    @property
    def active(self) -> bool:
        """Whether there is, or is to be, something to hear."""
        order = self.order
        return self._level > 0 or (order.playing and order.play_seq != self._ended and order.source is not None)

    def render(self, out: Audio, heard_at: float) -> None:
        """Fill `out`, whose first frame will be heard at CLOCK time `heard_at`."""
        out.fill(0.0)
        for first in range(0, len(out), BLOCK_FRAMES):
            self._render_block(out[first : first + BLOCK_FRAMES], heard_at)
            heard_at += BLOCK_FRAMES / self._anchor[OUT_RATE]

    def settle(self) -> None:
        """Do what can be done without sound: for when no stream runs."""
        order = self.order
        self._level = 0
        if order.jump != self._jumped:
            self._jump(order)
        elif order.loop != self._loop:
            self._loop = order.loop
            self._begin_segment()
        self._anchor[RUN], self._anchor[SOUNDING] = self._run, 0.0
        self.waiting = False
        self._block.integers[WAITING] = 0
        self._block.write_anchor(self._anchor)

    def _render_block(self, out: Audio, heard_at: float) -> None:
        order = self.order
        if order.loop != self._loop and order.jump == self._jumped:
            self._loop = order.loop
            self._begin_segment()
        anchor = self._anchor
        anchor[TIME], anchor[RUN], anchor[SOUNDING] = heard_at, self._run, 0.0
        self._peaks.fill(0.0)
        self._prepare_gains(len(out))
        self.silent_frames += len(out)
        done = 0
        while done < len(out):
            if self._level == 0 and order.jump != self._jumped:
                self._jump(order)
                # A jump starts a new run; the anchor speaks of what follows it.
                anchor[TIME], anchor[RUN], anchor[SOUNDING] = heard_at + done / anchor[OUT_RATE], 0.0, 0.0
            source = self.source
            if source is None:
                break
            wanted = order.jump == self._jumped and self._wanted(order, source)
            if not wanted and self._level == 0:
                break
            done += self._span(out, done, order, source, wanted)
        self._finish_gains(len(out))
        np.maximum.reduce(np.abs(out, out=self._scratch[: len(out)]), axis=0, out=self._span_peak)
        self._peaks[MAX_LANES] = self._span_peak
        self._publish()

    def _wanted(self, order: Order, source: Source) -> bool:
        """Whether there is to be sound from here on."""
        if not order.playing or order.hold or order.play_seq == self._ended:
            self.waiting = False
            return False
        self.waiting = self._starved(source)
        return not self.waiting

    def _limit(self, source: Source) -> int:
        loop = self._loop
        return loop[1] if loop is not None and self.position < loop[1] else source.total

    def _starved(self, source: Source) -> bool:
        limit, ready = self._limit(source), source.ready
        if ready >= limit:
            return False
        ahead = min(int(_RESUME_S * source.out_rate), limit - self.position) if self.waiting else _SOUGHT_AHEAD
        return ready - self.position < max(ahead, _SOUGHT_AHEAD)

    def _span(self, out: Audio, done: int, order: Order, source: Source, wanted: bool) -> int:
        """Fill one stretch in which nothing changes its course. Returns its frames."""
        limit = self._limit(source)
        frames = min(len(out) - done, limit - self.position)
        if self._level == 0 and self.position == 0:
            self._level = FADE_FRAMES  # a track begins by itself: a fade would dull a drum on its first sample
        if not wanted:
            frames = min(frames, self._level)
        elif self._level < FADE_FRAMES:
            frames = min(frames, FADE_FRAMES - self._level)
        stretch = out[done : done + frames]
        self._add_lanes(source, stretch, done)
        if not wanted:
            self._level -= frames
            stretch *= self._fade[self._level : self._level + frames][::-1]
        elif self._level < FADE_FRAMES:
            self._level += frames
            stretch *= self._fade[self._level - frames + 1 : self._level + 1]
        self.position += frames
        self._run += frames
        self._anchor[SOUNDING] += frames
        self.silent_frames = 0
        if self.position == limit:
            self._reach(limit, order, source)
        return frames

    def _reach(self, limit: int, order: Order, source: Source) -> None:
        """At the loop's end go round, at the track's end stop. No fade in either: the seam is the music's own."""
        if self._loop is not None and limit == self._loop[1]:
            self.position = self._loop[0]
        elif order.playing and order.jump == self._jumped:
            self._level = 0
            self._ended = order.play_seq
            self._block.integers[ENDED_SEQ] = order.play_seq
        else:
            self._level = 0

    def _jump(self, order: Order) -> None:
        self._jumped = order.jump
        self._loop = order.loop
        self.source = order.source
        frame = self.position if order.jump_frame == HERE else order.jump_frame
        self.position = frame if self.source is None else min(frame, self.source.total)
        self._gain_set = order.gain_set
        self._prepare_gains(0)
        self._begin_segment()
        self._block.integers[JUMP_SEQ] = order.jump_seq

    def _begin_segment(self) -> None:
        """From here on, positions are counted as a new run."""
        self._run = 0
        anchor, source = self._anchor, self.source
        anchor[SEGMENT] += 1
        anchor[START] = self.position
        anchor[LOOP_START], anchor[LOOP_END] = self._loop or (0, 0)
        if source is not None:
            anchor[OUT_RATE], anchor[TRACK_RATE] = source.out_rate, source.track_rate

    def _prepare_gains(self, frames: int) -> None:
        """Read where the gains are to go, and lay out the glide there for a block of `frames`."""
        lanes = 0 if self.source is None else len(self.source.lanes)
        targets = self._targets[:lanes]
        np.copyto(targets, self._block.gains[self._gain_set, :lanes], casting="same_kind")
        if self._level == 0:  # nothing sounds: no need to glide
            self._gains[:lanes] = targets
        for lane in range(lanes):
            now, then = self._gains[lane], self._targets[lane]
            gliding = bool(now[0] != then[0] or now[1] != then[1])
            self._gliding[lane] = gliding
            if gliding:
                glide = self._glide[lane, :frames]
                np.multiply(self._ramp[:frames], then - now, out=glide)
                glide += now

    def _finish_gains(self, frames: int) -> None:
        for lane in range(MAX_LANES):
            if self._gliding[lane]:
                self._gliding[lane] = False
                # A short block only goes part of the way; the slope is the same.
                self._gains[lane] = self._targets[lane] if frames == BLOCK_FRAMES else self._glide[lane, frames - 1]

    def _add_lanes(self, source: Source, stretch: Audio, done: int) -> None:
        frames = len(stretch)
        scratch = self._scratch[:frames]
        for lane, audio in enumerate(source.audio):
            gain: NDArray[np.float32] = self._gains[lane]
            if self._gliding[lane]:
                gain = self._glide[lane, done : done + frames]
            elif not gain[0] and not gain[1]:
                continue
            np.multiply(audio[self.position : self.position + frames], gain, out=scratch)
            stretch += scratch
            np.abs(scratch, out=scratch)
            np.maximum.reduce(scratch, axis=0, out=self._span_peak)
            np.maximum(self._peaks[lane], self._span_peak, out=self._peaks[lane])

    def _publish(self) -> None:
        block = self._block
        polls = block.integers[POLLS]
        if polls != self._polls:
            self._polls = polls
            block.peaks[:] = self._peaks
        else:
            np.maximum(block.peaks, self._peaks, out=block.peaks)
        block.integers[WAITING] = self.waiting
        block.integers[BLOCKS] += 1
        block.write_anchor(self._anchor)
