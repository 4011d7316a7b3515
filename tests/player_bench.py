"""A renderer played without a device, and a player waited for: for the tests of what is heard."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nur_studio.audio.player import Player, PlayerState
from nur_studio.audio.player_render import Renderer
from nur_studio.audio.player_source import Source
from nur_studio.audio.player_state import Block
from nur_studio.audio.player_strips import BLOCK_FRAMES
from nur_studio.core.mix import Mix

RATE = 44100
PERIOD = 441  # of a 100 Hz sine


class MemorySource(Source):
    """Lanes that are there from the start; `ready` is set by the test."""

    def __init__(self, lanes: dict[str, NDArray[np.float32]], rate: int = RATE) -> None:
        total = len(next(iter(lanes.values())))
        super().__init__(list(lanes), rate, total, rate)
        self.audio = [np.ascontiguousarray(audio, np.float32) for audio in lanes.values()]
        self.ready = total

    def fill(self) -> None:
        raise NotImplementedError

    def at_rate(self, out_rate: int) -> Source:
        raise NotImplementedError


class Bench:
    """A renderer with its block, played without a device."""

    def __init__(self, lanes: dict[str, NDArray[np.float32]]) -> None:
        self.block = Block.create(multiprocessing.get_context("spawn"))
        self.renderer = Renderer(self.block)
        self.source = MemorySource(lanes)
        self.order(source=self.source, jump=1, load_seq=1)
        self.mix(Mix())
        self.frames = 0

    def mix(self, mix: Mix) -> None:
        for row, lane in enumerate(self.source.lanes):
            self.block.gains[self.renderer.order.load_seq % 2, row] = mix.gains(lane)

    def order(self, **changes: object) -> None:
        self.renderer.order = self.renderer.order._replace(**changes)

    def play(self) -> None:
        self.order(playing=True, play_seq=self.renderer.order.play_seq + 1)

    def seek(self, frame: int) -> None:
        self.order(jump=self.renderer.order.jump + 1, jump_frame=frame)

    def blocks(self, count: int, frames: int = BLOCK_FRAMES) -> NDArray[np.float32]:
        heard = []
        for _ in range(count):
            out = np.full((frames, 2), np.nan, np.float32)
            self.renderer.render(out, self.frames / RATE)
            self.frames += frames
            heard.append(out)
        return np.concatenate(heard)


def noise(frames: int, seed: int = 0) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal((frames, 2)) * 0.1).astype(np.float32)


def sine(frames: int, amplitude: float = 0.5) -> NDArray[np.float32]:
    wave = amplitude * np.sin(2 * np.pi * np.arange(frames) / PERIOD)
    return np.repeat(wave[:, None], 2, axis=1).astype(np.float32)


def wait_for(player: Player, condition: Callable[[PlayerState], bool], seconds: float = 10.0) -> PlayerState:
    until = time.monotonic() + seconds
    while not condition(state := player.state()):
        assert time.monotonic() < until, state
        time.sleep(0.005)
    return state


def sounding(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without the silence before and after."""
    loud = np.flatnonzero(audio.any(axis=1))
    return audio[loud[0] : loud[-1] + 1]
