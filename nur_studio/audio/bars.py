"""Whole bars: a take that starts at bar 1, and loops of exactly so many samples that go round without a seam."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.errors import StudioError
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Grid

MOST_LOOP_BARS = 64
_CUT_S = 0.001  # of fade where a take now begins: no click, and no attack lost
_CROSSFADE_S = 0.04
_BLOCK_S = 0.05
_RING_RISE = 1.5  # times louder than before: then it is music that follows a loop, no tail
_RUNG_OUT = 0.1  # of its first loudness: a tail that never falls so far was cut
_TAIL_FADE_S = 0.02


class Seam(StrEnum):
    """How a loop's end is brought to its beginning."""

    TAIL = "tail"  # what rings past the end is added to the beginning
    FROM_BEFORE = "from before"  # the end fades into what came before the beginning
    INTO_AFTER = "into after"  # the beginning fades in from what came after the end
    FADED = "faded"  # there is nothing around it: both ends fade


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """Which frames make a loop, and how. Found in the mix, it holds for every stem of it: stems stay in their sum.

    `fade_in` and `fade_out` are the gains of the crossfade, frame by frame.
    """

    start: int
    frames: int
    seam: Seam
    fade_in: NDArray[np.float32]
    fade_out: NDArray[np.float32]


def at_bar_one(audio: Audio, sample_rate: int, downbeat_s: float, bar_s: float | None = None) -> Audio:
    """`audio` from its first downbeat on; with `bar_s`, silence is put before a pickup instead, up to a whole bar.

    Either way a bar begins on frame 0. What is cut begins with a fade of a millisecond.
    """
    first = round(downbeat_s * sample_rate)
    if bar_s is not None:
        silence = max(0, round(bar_s * sample_rate) - first)
        return np.concatenate((np.zeros((silence, audio.shape[1]), np.float32), audio))
    out = audio[max(0, first) :].copy()
    if first > 0:
        fade = min(len(out), round(_CUT_S * sample_rate))
        out[:fade] *= _quarter(fade)[:, None]
    return out


def plan_loop(mix: Audio, sample_rate: int, grid: Grid, start_bar: int, bars: int) -> LoopPlan:
    """How to make `bars` bars of `mix` from `start_bar` (0-based) a loop of exactly `grid.bar_frames(bars)` frames.

    Where only a tail rings on past the end, it is wrapped. Where music goes on, one end is crossfaded into what the
    recording itself has next to the other. Raises `StudioError` where the mix has not that many bars there.
    """
    if not 1 <= bars <= MOST_LOOP_BARS:
        raise StudioError(f"A loop has 1 to {MOST_LOOP_BARS} bars, not {bars}.")
    frames = grid.bar_frames(bars, sample_rate)
    start = grid.frame_of(start_bar * grid.beats_per_bar, sample_rate)
    end = start + frames
    # The last bar may lack some frames where a take was cut by the clock: as much as a fade covers is silence then.
    if start < 0 or end > len(mix) + round(_CROSSFADE_S * sample_rate):
        raise StudioError(
            f"There are no {bars} whole bars from bar {start_bar + 1} on.", hint="Choose fewer, or start earlier."
        )
    fade = min(round(_CROSSFADE_S * sample_rate), frames // 4)
    none = np.zeros(0, np.float32)
    if _rings_out(mix, sample_rate, end):
        return LoopPlan(start, frames, Seam.TAIL, none, none)
    if start >= fade and end <= len(mix):
        fade_in, fade_out = _gains(mix[end - fade : end], mix[start - fade : start])
        return LoopPlan(start, frames, Seam.FROM_BEFORE, fade_in, fade_out)
    if end + fade <= len(mix):
        fade_in, fade_out = _gains(mix[end : end + fade], mix[start : start + fade])
        return LoopPlan(start, frames, Seam.INTO_AFTER, fade_in, fade_out)
    edge = _quarter(round(_CUT_S * sample_rate))
    return LoopPlan(start, frames, Seam.FADED, edge, edge[::-1].copy())


def cut_loop(audio: Audio, plan: LoopPlan, sample_rate: int) -> Audio:
    """The loop of a mix or of one of its stems: exactly `plan.frames` frames."""
    start, end = plan.start, plan.start + plan.frames
    out = np.zeros((plan.frames, audio.shape[1]), np.float32)
    piece = audio[start:end]
    out[: len(piece)] = piece
    fade = len(plan.fade_in)
    fade_in, fade_out = plan.fade_in[:, None], plan.fade_out[:, None]
    if plan.seam is Seam.TAIL:
        _wrap(out, audio[end:], round(_TAIL_FADE_S * sample_rate))
    elif plan.seam is Seam.FROM_BEFORE:
        out[-fade:] = out[-fade:] * fade_out + audio[start - fade : start] * fade_in
    elif plan.seam is Seam.INTO_AFTER:
        out[:fade] = out[:fade] * fade_in + audio[end : end + fade] * fade_out
    else:
        out[:fade] *= fade_in
        out[len(piece) - fade : len(piece)] *= fade_out
    return out


def _wrap(out: Audio, tail: Audio, fade: int) -> None:
    """Add what rings past the end of `out` to it from its beginning on, as often as the tail goes round."""
    tail = tail.copy()
    fade = min(fade, len(tail))
    if fade:  # a recording may end before its tail does
        tail[-fade:] *= _quarter(fade)[::-1, None]
    for at in range(0, len(tail), len(out)):
        part = tail[at : at + len(out)]
        out[: len(part)] += part


def _rings_out(mix: Audio, sample_rate: int, end: int) -> bool:
    """Whether nothing new begins after `end`: from block to block it only gets quieter, to the end."""
    block = round(_BLOCK_S * sample_rate)
    rest = mix[max(0, end - block) :]
    first = loudness = lowest = math.inf
    for at in range(0, len(rest), block):  # mostly music goes on, and the first blocks tell
        loudness = math.sqrt(float(np.square(rest[at : at + block], dtype=np.float64).mean()))
        if loudness > 1e-4 + _RING_RISE * lowest:
            return False
        first, lowest = (loudness if at == 0 else first), min(lowest, loudness)
    return len(rest) > block and loudness <= _RUNG_OUT * first


def _gains(leaving: Audio, coming: Audio) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Gains of a crossfade, in and out, that hold its power: for what is alike they add up to 1, else their squares."""
    rising = np.sin(np.linspace(0.0, np.pi / 2.0, len(coming), dtype=np.float64))
    falling = rising[::-1]
    energy = float(np.sqrt(np.square(leaving, dtype=np.float64).sum() * np.square(coming, dtype=np.float64).sum()))
    alike = float((leaving.astype(np.float64) * coming).sum()) / energy if energy > 0.0 else 0.0
    power = np.sqrt(1.0 + 2.0 * max(alike, 0.0) * rising * falling)
    return (rising / power).astype(np.float32), (falling / power).astype(np.float32)


def _quarter(frames: int) -> NDArray[np.float32]:
    """From nearly 0 to 1 as a quarter of a sine."""
    curve: NDArray[np.float32] = np.sin((np.arange(frames) + 1) * (np.pi / 2.0) / max(1, frames)).astype(np.float32)
    return curve
