"""A metronome on a grid: clicks that fall on the exact frame, and a bar of them to count in."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from nur_studio.core.sound import Audio
from nur_studio.core.timing import Grid

_ACCENT_HZ, _BEAT_HZ = 1760.0, 1175.0
_LEVEL = 0.5
_LENGTH_S, _DECAY_S = 0.04, 0.008


def click_track(frames: int, sample_rate: int, grid: Grid, channels: int = 2) -> Audio:
    """`frames` of clicks on every beat, each starting on its exact frame; a bar's first is higher and louder.

    The grid goes on before its own bar 1: a pickup is clicked too.
    """
    out = np.zeros((frames, channels), np.float32)
    beat = math.ceil(grid.beat_at(-0.5 / sample_rate))
    while (start := grid.frame_of(beat, sample_rate)) < frames:
        if start >= 0:
            click = ping(beat % grid.beats_per_bar == 0, sample_rate)[: frames - start]
            out[start : start + len(click)] = click[:, None]
        beat += 1
    return out


def with_count_in(audio: Audio, sample_rate: int, grid: Grid, bars: int = 1) -> tuple[Audio, Grid]:
    """`audio` after `bars` bars of clicks that lead into its first downbeat, and the grid of what came of it.

    What sounds before that downbeat, a pickup, sounds over the last clicks. The click's own level is −6 dBFS.
    """
    first = grid.frame_of(0, sample_rate)
    lead = grid.bar_frames(bars, sample_rate)
    added = max(0, lead - first)
    out = np.zeros((added + len(audio), audio.shape[1]), np.float32)
    out[added:] = audio
    start = added + first - lead
    out[start : start + lead] += click_track(lead, sample_rate, replace(grid, offset_s=0.0), audio.shape[1])
    return out, replace(grid, offset_s=(added + first) / sample_rate)


def ping(accent: bool, sample_rate: int) -> Audio:
    """One click, (frames,): loudest at once, so that it is heard where it is. Its level is −6 dBFS, −12 unaccented."""
    time = np.arange(round(_LENGTH_S * sample_rate)) / sample_rate
    hertz, level = (_ACCENT_HZ, _LEVEL) if accent else (_BEAT_HZ, _LEVEL / 2.0)
    click: Audio = (level * np.cos(2.0 * np.pi * hertz * time) * np.exp(-time / _DECAY_S)).astype(np.float32)
    return click
