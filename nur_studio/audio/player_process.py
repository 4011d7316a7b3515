"""The player's own process: takes commands from the window, loads sources, keeps the device playing."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from nur_studio.audio.player_loudness import LoudnessMeter
from nur_studio.audio.player_output import Output
from nur_studio.audio.player_render import HERE, Order, Renderer
from nur_studio.audio.player_source import FileSource, GrowingSource, LoopSource, Source
from nur_studio.audio.player_state import (
    CLOCK,
    LOAD_SEQ,
    READY,
    REFUSED_SEQ,
    Block,
    heard_run,
    position_at,
)
from nur_studio.audio.real_time import ask_for_priority
from nur_studio.core.errors import AudioUnavailable
from nur_studio.core.timing import Grid

_TICK_S = 0.03  # how often stream and loading are looked after
_SHORTEST_LOOP = 64  # frames; a shorter one would cost more than a block has time for
_CARRY_ON_S = 0.5  # a source that takes over from a sounding one has this much beyond the playhead first
_SWITCH_S = 0.25  # time a fade may take before a device is changed regardless


def run_player(connection: Connection, memory: Any, device: str) -> None:
    """Be the player until the window says close or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in the terminal is the window's to answer
    ask_for_priority()
    sys.setswitchinterval(0.0005)  # the callback must not wait 5 ms for a thread that computes
    gc.collect()
    gc.freeze()
    gc.disable()  # nothing here makes cycles, and a collection in the callback would be heard
    player = _Player(connection, Block(memory), device)
    try:
        player.serve()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the window is gone
    finally:
        player.shut()
        if player.stuck:  # an orderly end would wait for PortAudio, and so for ever
            os._exit(1)


class _Player:
    """Commands come as (name, arguments…) and are done in their order; each is a method `do_<name>`."""

    def __init__(self, connection: Connection, block: Block, device: str) -> None:
        self._connection = connection
        self._block = block
        self._renderer = Renderer(block)
        self._output = Output(self._renderer, block)
        self._loudness = LoudnessMeter(self._renderer.tap)
        self._device = device
        self._source: Source | None = None  # the last one loaded
        self._successor: Order | None = None  # waits until its source has enough to carry on
        self._retired: list[Source] = []  # kept until the callback has let go, so that it never frees 400 MB itself
        self._loading = False  # the source may still have news
        self._loop: tuple[int, int] | None = None  # in track frames
        self._closing = False

    def serve(self) -> None:
        self._connection.send(("devices", self._output.devices()))
        while not self._closing and not self._output.stuck:
            if self._connection.poll(_TICK_S if self._busy else None):
                name, *arguments = self._connection.recv()
                getattr(self, f"do_{name}")(*arguments)
            self._look_after()

    def shut(self) -> None:
        for source in (*self._retired, self._source):
            if source is not None:
                source.stop()
        self._output.close()

    @property
    def stuck(self) -> bool:
        return self._output.stuck

    @property
    def _busy(self) -> bool:
        return self._loading or self._output.is_open or bool(self._retired) or self._successor is not None

    # Commands. `seq` is the window's number of the command.

    def do_load(
        self, seq: int, files: Sequence[tuple[str, Path]], rate: int, frames: int, grid: Grid | None, carry_on: bool
    ) -> None:
        self._take(FileSource(files, rate, frames, self._rate_for(rate), grid), seq, carry_on)

    def do_load_loop(
        self,
        seq: int,
        files: Sequence[tuple[str, Path]],
        rate: int,
        frames: int,
        start: int,
        grid: Grid | None,
        carry_on: bool,
    ) -> None:
        self._take(LoopSource(files, rate, frames, self._rate_for(rate), start, grid), seq, carry_on)

    def do_load_growing(self, seq: int, path: Path, rate: int, frames: int) -> None:
        self._take(GrowingSource(path, rate, frames, self._rate_for(rate)), seq)

    def do_grow(self, frames: int) -> None:
        if isinstance(self._source, GrowingSource):
            self._source.grow(frames)

    def do_unload(self, seq: int) -> None:
        self._take(None, seq)

    def do_play(self, seq: int, count_in: bool) -> None:
        self._join_successor()
        order, source = self._renderer.order._replace(playing=True, play_seq=seq, count_in=count_in), self._source
        if source is not None and not self._renderer.jump_pending and self._renderer.position >= source.total:
            order = order._replace(jump=order.jump + 1, jump_frame=order.loop[0] if order.loop else 0)
        self._put(order)
        self._start()

    def do_pause(self) -> None:
        self._join_successor()
        self._order(playing=False)

    def do_stop(self, seq: int) -> None:
        self._join_successor()
        self._order(playing=False, jump_seq=seq, jump_frame=0, jump=self._renderer.order.jump + 1)

    def do_seek(self, seq: int, frame: int) -> None:
        self._join_successor()
        self._order(jump_seq=seq, jump_frame=self._out(frame), jump=self._renderer.order.jump + 1)

    def do_loop(self, loop: tuple[int, int] | None) -> None:
        if loop == self._loop:
            return  # above all, a source that waits to take over may go on waiting
        self._join_successor()
        self._loop = loop
        order = self._renderer.order._replace(loop=self._out_loop(self._source))
        source = order.source
        if order.loop is not None and source is not None:
            at = order.jump_frame if self._renderer.jump_pending else self._renderer.position
            if order.loop[1] <= at < source.total:  # the playhead is past it: go round at once
                order = order._replace(jump=order.jump + 1, jump_frame=order.loop[0])
        self._put(order)

    def do_device(self, name: str) -> None:
        self._device = name
        self._tell("error", "")
        if self._output.is_open:
            self._change_stream()
        else:
            self._tell("device", name)

    def do_devices(self) -> None:
        self._output.forget_devices()
        self._tell("devices", self._output.devices())

    def do_close(self) -> None:
        self._closing = True

    # How they are done.

    def _change_stream(self) -> None:
        """Another one in place of the open one, going on where it was heard last."""
        self._order(hold=True)
        until = CLOCK() + _SWITCH_S
        with contextlib.suppress(AudioUnavailable):  # gone already: so much the better
            while self._renderer.sounding and CLOCK() < until and self._output.check():
                time.sleep(0.002)
        self._rewind_to_heard()
        self._output.close()
        self._order(hold=False)
        if self._renderer.active:
            self._start()

    def _order(self, **changes: Any) -> None:
        self._put(self._renderer.order._replace(**changes))

    def _put(self, order: Order) -> None:
        self._renderer.order = order
        if not self._output.is_open:
            self._renderer.settle()

    def _out(self, track_frame: int) -> int:
        source = self._source
        return 0 if source is None else min(max(source.at_out_rate(track_frame), 0), source.total)

    def _out_loop(self, source: Source | None) -> tuple[int, int] | None:
        if self._loop is None or source is None:
            return None
        start, end = (min(max(source.at_out_rate(frame), 0), source.total) for frame in self._loop)
        start = min(start, source.total - _SHORTEST_LOOP)
        return (start, max(end, start + _SHORTEST_LOOP)) if start >= 0 else None

    def _rate_for(self, wanted: int) -> int:
        """The rate to load at: the open stream's, what the device takes, or the track's own while there is none."""
        if self._output.is_open:
            return self._output.rate
        try:
            return self._output.suitable_rate(self._device, wanted)
        except AudioUnavailable:
            return wanted

    def _take(self, source: Source | None, seq: int, carry_on: bool = False) -> None:
        """Load `source`: stopped at its start, or, with `carry_on`, in place of the old one wherever that is."""
        if self._source is not None:
            self._source.stop()
            self._retired.append(self._source)
        self._source, self._successor = source, None
        self._loop = self._loop if carry_on else None
        self._tell("error", "")
        self._block.integers[READY] = 0
        self._block.integers[LOAD_SEQ] = seq
        order = self._renderer.order
        order = order._replace(source=source, load_seq=seq, jump=order.jump + 1, loop=self._out_loop(source))
        if source is not None:
            source.start()
        self._loading = source is not None
        if not carry_on:
            self._put(order._replace(jump_seq=seq, jump_frame=0, playing=False))
        elif self._renderer.sounding:
            self._successor = order._replace(jump_frame=HERE)
        else:
            self._put(order._replace(jump_frame=HERE))

    def _join_successor(self) -> None:
        """A further command: let the source that waits to take over do so now."""
        order, self._successor = self._successor, None
        if order is not None:
            self._put(order._replace(jump=self._renderer.order.jump + 1))

    def _start(self) -> None:
        """See that a stream runs; where none can, say why and give the play back."""
        source = self._source
        if source is None:
            return
        try:
            if self._output.check():
                return
            rate = self._output.suitable_rate(self._device, source.track_rate)
            if rate != source.out_rate or source.fault:
                self._reload(source, rate)
            self._tell("error", "")
            self._output.open(self._device, rate)
            self._tell("device", self._output.device)
        except AudioUnavailable as error:
            self._refuse(str(error))

    def _reload(self, source: Source, rate: int) -> None:
        """The device wants another rate: the same source again, at the same place. No stream is open."""
        order = self._renderer.order
        other = source.at_rate(rate)
        source.stop()
        self._retired.append(source)
        self._source = other
        frame = round(self._renderer.position * other.out_rate / source.out_rate)
        other.start()
        self._loading = True
        self._put(order._replace(source=other, jump=order.jump + 1, jump_frame=frame, loop=self._out_loop(other)))

    @property
    def _heard(self) -> int | None:
        """The frame at the device's rate that is heard now, or None where nothing tells."""
        anchor = self._block.read_anchor()
        return None if anchor is None else self._out(position_at(anchor, heard_run(anchor, CLOCK())))

    def _rewind_to_heard(self) -> None:
        """What the old device still has queued is lost with it: go back to what was heard last."""
        order, frame = self._renderer.order, self._heard
        if frame is not None and order.source is self._source is self._renderer.source:
            self._put(order._replace(jump=order.jump + 1, jump_frame=frame))

    def _refuse(self, sentence: str) -> None:
        """No sound can be had: stand still at what was heard last, and say why."""
        order = self._renderer.order
        self._block.integers[REFUSED_SEQ] = order.play_seq
        frame = self._heard if self._renderer.sounding else None
        order = order._replace(playing=False)
        self._put(order if frame is None else order._replace(jump=order.jump + 1, jump_frame=frame))
        self._tell("error", sentence)

    def _look_after(self) -> None:
        source = self._source
        if source is not None and self._loading:
            self._loading = source.is_alive()  # asked first: what it did last is then seen below
            self._block.integers[READY] = source.ready_track_frames
            if source.fault and not self._loading:
                self._refuse(source.fault)
        if self._successor is not None and self._can_take_over(self._successor.source):
            self._join_successor()
        self._measure()
        try:
            if self._output.falls_behind:
                self._change_stream()
            elif self._output.is_open and not self._output.check():
                self._renderer.settle()
                if self._renderer.active:  # a play came while the stream was on its way out
                    self._start()
        except AudioUnavailable as error:
            self._refuse(str(error))
        renderer = self._renderer
        if self._retired and renderer.leaving is None and renderer.source is renderer.order.source:
            self._retired = [source for source in self._retired if source.is_alive()]

    def _measure(self) -> None:
        """Here and not in the callback, which has no time for a filter."""
        if self._output.is_open:
            self._loudness.follow(self._output.rate)
        else:
            self._loudness.reset()
        self._block.loudness[:] = self._loudness.momentary_lufs, self._loudness.short_term_lufs

    def _can_take_over(self, source: Source | None) -> bool:
        if source is None or not self._renderer.sounding:
            return True
        return source.ready >= min(source.total, self._renderer.position + int(_CARRY_ON_S * source.out_rate))

    def _tell(self, *message: object) -> None:
        self._connection.send(message)
