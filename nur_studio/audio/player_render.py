"""What happens in the audio callback: copy, scale, add. Transport, fades, loop and gain ramps, to the sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nur_studio.audio.player_clicks import ClickVoice
from nur_studio.audio.player_loudness import Tap
from nur_studio.audio.player_source import Source
from nur_studio.audio.player_state import (
    ENDED_SEQ,
    JUMP_SEQ,
    LANES_SEQ,
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
from nur_studio.audio.player_strips import BLOCK_FRAMES, Meters, Strips, glide
from nur_studio.core.sound import Audio

FADE_FRAMES = 192
"""Fade before a pause or jump and after it: 4.4 ms at 44.1 kHz."""
CROSS_FRAMES = 1024
"""A source takes over from a sounding one in a crossfade: 23 ms. Where both are the same sound, nothing is heard."""
_RESUME_S = 0.2  # audio wanted ahead before a wait for more of it ends
_SOUGHT_AHEAD = BLOCK_FRAMES + FADE_FRAMES  # with less than this ready, fade out while there is still sound for it


HERE = -1
"""As a jump's frame: where the playhead is when its fade is through."""


class Order(NamedTuple):
    """What is to be done, replaced as a whole by the commanding thread, so the callback never sees a half.

    Frames are at the device's rate. `jump` counts up with every jump asked for, `jump_seq` is the window's number of
    it; another `source` comes into force with a jump only, and with it the gains of `load_seq`. `hold` silences as
    pause does, for the time that a device is changed. `count_in`: this play begins with a bar of clicks.
    """

    playing: bool = False
    play_seq: int = 0
    count_in: bool = False
    jump: int = 0
    jump_seq: int = 0
    jump_frame: int = 0
    loop: tuple[int, int] | None = None
    hold: bool = False
    source: Source | None = None
    load_seq: int = 0


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
        self._straight = 0  # frames since the last jump or turn of the loop: so far the position ran straight
        self._load_seq = 0
        self.leaving: Source | None = None  # the one that a crossfade takes leave of
        self._crossed = 0  # frames of that fade
        self._strips, self._leaving_strips = Strips(), Strips()
        self._meters = Meters()
        self._clicks = ClickVoice()
        self._counted = -1  # the play_seq that was counted in, or needed it not
        self._lead = 0  # frames still to count before the music
        self.tap = Tap()  # what is played, before the listening volume
        self._volume = Strips()  # of one lane: the sum
        self._volume_gains = np.ones((1, 2))
        self._fade = np.concatenate((np.zeros((1, 1), np.float32), glide(FADE_FRAMES)))
        self._cross = np.concatenate((np.zeros((1, 1), np.float32), glide(CROSS_FRAMES)))
        self._scratch = np.zeros((BLOCK_FRAMES, 2), np.float32)
        self._through_at = 0.0  # when what was handed out last has been heard
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
        self.leaving = None
        self._clicks.hush()
        self._count_anew()
        if order.jump != self._jumped:
            self._jump(order)
        elif order.loop != self._loop:
            self._loop = order.loop
            self._begin_segment()
        # Long heard, whatever it was.
        self._anchor[TIME], self._anchor[RUN], self._anchor[SOUNDING] = 0.0, self._run, 0.0
        self.waiting = False
        self._block.integers[WAITING] = 0
        self._block.write_anchor(self._anchor)

    def _render_block(self, out: Audio, heard_at: float) -> None:
        order = self.order
        if order.jump != self._jumped and self._may_cross(order):
            self._cross_over(order)
        if order.loop != self._loop and order.jump == self._jumped:
            self._loop = order.loop
            self._begin_segment()
        anchor = self._anchor
        anchor[TIME], anchor[RUN], anchor[SOUNDING] = heard_at, self._run, 0.0
        self._meters.begin(len(out))
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
            if wanted and order.play_seq != self._counted:
                self._begin_count(order, source)
            if wanted and self._lead > 0:
                done += self._count(len(out) - done, done, source)
                anchor[TIME] = heard_at + done / anchor[OUT_RATE]  # of what sounds after it
                continue
            done += self._span(out, done, order, source, wanted)
        self._strips.finish(len(out))
        self._meters.take(out[None], MAX_LANES)
        self.tap.write(out)
        self._clicks.add(out)
        self._volume.scale(out)
        self._volume.finish(len(out))
        if anchor[SOUNDING] > 0.0:
            self._through_at = anchor[TIME] + anchor[SOUNDING] / anchor[OUT_RATE]
        else:
            anchor[TIME] = self._through_at
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
        if self.leaving is not None:
            frames = min(frames, CROSS_FRAMES - self._crossed)
        if self._level == 0 and self.position == 0:
            self._level = FADE_FRAMES  # a track begins by itself: a fade would dull a drum on its first sample
        if not wanted:
            frames = min(frames, self._level)
        elif self._level < FADE_FRAMES:
            frames = min(frames, FADE_FRAMES - self._level)
        stretch = out[done : done + frames]
        self._strips.add(source.audio, self.position, stretch, done, self._meters)
        if wanted and source.beats is not None:
            self._clicks.strike(source.beats, self.position, frames, done, float(self._block.clicks[0]))
        if self.leaving is not None:
            self._add_leaving(self.leaving, stretch, done)
        if not wanted:
            self._level -= frames
            stretch *= self._fade[self._level : self._level + frames][::-1]
        elif self._level < FADE_FRAMES:
            self._level += frames
            stretch *= self._fade[self._level - frames + 1 : self._level + 1]
        self.position += frames
        self._run += frames
        self._straight += frames
        self._anchor[SOUNDING] += frames
        self.silent_frames = 0
        if self.position == limit:
            self._reach(limit, order, source)
        return frames

    def _begin_count(self, order: Order, source: Source) -> None:
        """A play begins: count in where that is wanted, can be heard, and nothing sounds yet."""
        self._counted = order.play_seq
        beats = source.beats if order.count_in and self._level == 0 and self._block.clicks[1] > 0.0 else None
        self._lead = 0 if beats is None else beats.lead(self.position)

    def _count(self, room: int, done: int, source: Source) -> int:
        """Clicks alone, for up to `room` frames that are `done` frames into the block. Returns how many."""
        frames = min(room, self._lead)
        if source.beats is not None:
            at = self.position - self._lead
            self._clicks.strike(source.beats, at, frames, done, float(self._block.clicks[1]))
        self._lead -= frames
        return frames

    def _count_anew(self) -> None:
        """Something else came in the middle of a count: it begins again."""
        if self._lead > 0:
            self._lead, self._counted = 0, -1

    def _reach(self, limit: int, order: Order, source: Source) -> None:
        """At the loop's end go round, at the track's end stop. No fade in either: the seam is the music's own."""
        if self._loop is not None and limit == self._loop[1]:
            self.position = self._loop[0]
            self._straight = 0
        elif order.playing and order.jump == self._jumped:
            self._level = 0
            self._ended = order.play_seq
            self._block.integers[ENDED_SEQ] = order.play_seq
        else:
            self._level = 0

    def _may_cross(self, order: Order) -> bool:
        """Whether order's source can take over in mid-sound: it plays on at the same place, and is that far already."""
        old, new = self.source, order.source
        if old is None or new is None or self.leaving is not None or self._level == 0 or order.jump_frame != HERE:
            return False
        if not order.playing or order.hold or order.play_seq == self._ended or new.out_rate != old.out_rate:
            return False
        return min(self.position + CROSS_FRAMES + _SOUGHT_AHEAD, new.total) <= new.ready and self.position < new.total

    def _cross_over(self, order: Order) -> None:
        """Begin the crossfade. Positions go on being counted as before."""
        self._jumped = order.jump
        self.leaving, self._crossed = self.source, 0
        self._strips, self._leaving_strips = self._leaving_strips, self._strips
        self._take_lanes(order)
        anchor, source = self._anchor, order.source
        if source is not None and source.track_rate != anchor[TRACK_RATE]:
            self._begin_segment()
        self._block.integers[JUMP_SEQ] = order.jump_seq

    def _add_leaving(self, leaving: Source, stretch: Audio, done: int) -> None:
        """The crossfade over `stretch`, which holds the new source at full level."""
        frames, crossed = len(stretch), self._crossed
        up = self._cross[crossed + 1 : crossed + frames + 1]
        stretch *= up
        there = max(0, min(frames, leaving.total - self.position))  # it may have been shorter
        old = self._scratch[:there]
        old.fill(0.0)
        self._leaving_strips.add(leaving.audio, self.position, old, done, None)
        stretch[:there] += old
        old *= up[:there]
        stretch[:there] -= old
        self._crossed += frames
        if self._crossed == CROSS_FRAMES:
            self.leaving = None

    def _jump(self, order: Order) -> None:
        self._count_anew()
        self._jumped = order.jump
        self._loop = order.loop
        self.leaving = None
        self._take_lanes(order)
        frame = self.position if order.jump_frame == HERE else order.jump_frame
        self.position = frame if self.source is None else min(frame, self.source.total)
        self._straight = 0
        self._begin_segment()
        self._block.integers[JUMP_SEQ] = order.jump_seq

    def _take_lanes(self, order: Order) -> None:
        self.source, self._load_seq = order.source, order.load_seq
        self._block.integers[LANES_SEQ] = order.load_seq
        self._strips.set(self._wanted_gains)

    def _begin_segment(self) -> None:
        """From here on, positions are counted as a new run.

        It is begun so far back as the position ran straight: what was handed out before is yet to be heard.
        """
        loop = self._loop or (0, 0)
        self._run = self._straight if self._loop is None or self.position < self._loop[1] else 0
        anchor, source = self._anchor, self.source
        anchor[SEGMENT] += 1
        anchor[START] = self.position - self._run
        anchor[LOOP_START], anchor[LOOP_END] = loop
        if source is not None:
            anchor[OUT_RATE], anchor[TRACK_RATE] = source.out_rate, source.track_rate

    @property
    def _wanted_gains(self) -> NDArray[np.float64]:
        lanes = 0 if self.source is None else len(self.source.lanes)
        return self._block.gains[self._load_seq % 2, :lanes]

    def _prepare_gains(self, frames: int) -> None:
        """Read where the gains are to go, and lay out the glide there for a block of `frames`."""
        self._volume_gains[:] = self._block.volume[0]
        if self._level == 0:  # nothing sounds: no need to glide
            self._strips.set(self._wanted_gains)
            self._volume.set(self._volume_gains)
        else:
            self._strips.head_for(self._wanted_gains, frames)
            self._volume.head_for(self._volume_gains, frames)

    def _publish(self) -> None:
        block, meters = self._block, self._meters
        polls = block.integers[POLLS]
        anew = bool(polls != self._polls)
        self._polls = polls
        block.integers[WAITING] = self.waiting
        block.write_meters(meters.peaks, meters.energies, meters.frames, anew)
        block.write_anchor(self._anchor)
