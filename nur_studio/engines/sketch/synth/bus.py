"""The mix bus: what happens to all stems together, and to each so that their sum stays the mix."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nur_studio.core.progress import Cancel
from nur_studio.engines.sketch.synth.tone import RATE, Wave, f32, frames, ramped

_PIECE = 1 << 18
_STEP = 256  # frames per value of the compressor's detector


def wrapped(wave: Wave, count: int) -> Wave:
    """The first `count` frames, with everything after them added from the start again, as often as it takes."""
    out = wave[:, :count].copy()
    for start in range(count, wave.shape[1], count):
        tail = wave[:, start : start + count]
        out[:, : tail.shape[1]] += tail
    return out


def loudness_estimate(stems: Mapping[str, Wave]) -> float:
    """The mix's level where it plays, as a factor: the RMS of its louder 100 ms stretches, ears' weighting roughly."""
    total: np.ndarray | None = None
    for wave in stems.values():
        middle = wave[0] + wave[1]
        # A difference is a 6 dB/octave high-pass: with a share of the plain signal it leans on what ears lean on.
        shaped = np.float32(0.35) * middle[1:] + np.float32(1.6) * (middle[1:] - middle[:-1])
        total = shaped if total is None else total + shaped
    if total is None or total.size < 4410:
        return 0.0
    power = np.square(total[: total.size // 4410 * 4410]).reshape(-1, 4410).mean(axis=1)
    loud = power[power > power.mean() * 0.1]
    return float(np.sqrt(loud.mean())) if loud.size else 0.0


def plain_level(stems: Mapping[str, Wave]) -> float:
    """The RMS of the mix's louder 100 ms stretches, as a factor: what its peaks are seen against."""
    total: np.ndarray | None = None
    for wave in stems.values():
        middle = wave[0, ::2] + wave[1, ::2]
        total = middle if total is None else total + middle
    if total is None or total.size < 2205:
        return 0.0
    power = np.square(total[: total.size // 2205 * 2205]).reshape(-1, 2205).mean(axis=1)
    loud = power[power > power.mean() * 0.1]
    return float(0.5 * np.sqrt(loud.mean())) if loud.size else 0.0


def clip_softly(wave: Wave, ceiling: float, cancel: Cancel) -> None:
    """Round off peaks above `ceiling`, in place: untouched below 60 % of it, never over 1.25 times it."""
    knee = np.float32(0.6 * ceiling)
    room = np.float32(0.65 * ceiling)
    for start in range(0, wave.shape[1], _PIECE):
        cancel.check()
        piece = wave[:, start : start + _PIECE]
        size = np.abs(piece)
        over = size > knee
        if over.any():
            hot = piece[over]
            piece[over] = np.sign(hot) * (knee + room * np.tanh((np.abs(hot) - knee) / room))


def warm(wave: Wave, warmth: float, level: float, cancel: Cancel) -> None:
    """Tape: the loud rounded, a little third harmonic, in place. `level` is the mix's loudness as a factor."""
    if warmth <= 0.01 or level <= 0.0:
        return
    gain = np.float32(0.22 * (0.4 + warmth) / level)
    share = np.float32(min(1.0, 0.35 + warmth))
    for start in range(0, wave.shape[1], _PIECE):
        cancel.check()
        piece = wave[:, start : start + _PIECE]
        piece += share * (np.tanh(piece * gain) / gain - piece)


def glue_curve(stems: Mapping[str, Wave], amount: float, loop: bool) -> Wave | None:
    """The bus compressor's gain per frame from the sum of the stems: 2:1, slow, at most about 3 dB."""
    if amount <= 0.01 or not stems:
        return None
    waves = list(stems.values())
    count = waves[0].shape[1]
    blocks = -(-count // _STEP)
    power = np.zeros(blocks, dtype=np.float64)
    for start in range(0, count, _PIECE):
        total = waves[0][:, start : start + _PIECE].copy()
        for wave in waves[1:]:
            total += wave[:, start : start + _PIECE]
        energy = np.square(total).sum(axis=0)
        padded = np.zeros(-(-energy.size // _STEP) * _STEP, dtype=np.float32)
        padded[: energy.size] = energy
        rows = padded.reshape(-1, _STEP).mean(axis=1)
        power[start // _STEP : start // _STEP + rows.size] = rows
    level_db = 10.0 * np.log10(power + 1e-12)
    heard = level_db[level_db > level_db.max() - 40.0]
    if heard.size < 8:
        return None
    threshold = float(np.percentile(heard, 65.0)) - 2.0
    wanted = np.minimum(3.5, np.maximum(0.0, level_db - threshold) * 0.5) * amount
    attack, release = np.exp(-_STEP / RATE / 0.025), np.exp(-_STEP / RATE / 0.22)
    reduction = np.empty(blocks)
    state = 0.0
    values = wanted.tolist()
    for _ in range(2 if loop else 1):  # a loop starts as it ends
        for index, value in enumerate(values):
            keep = attack if value > state else release
            state = keep * state + (1.0 - keep) * value
            reduction[index] = state
    gain = 10.0 ** (-reduction / 20.0)
    late = np.concatenate([gain[:1], gain])  # a block's gain is reached at its end
    return ramped(f32(late), blocks * _STEP)[:count]


def end_fade(stems: Mapping[str, Wave], fade_out_s: float) -> Wave | None:
    """The last fade: the one asked for, and a short one where sound would else be cut. None where all is silent."""
    count = next(iter(stems.values())).shape[1]
    last = min(count, frames(0.05))
    peak = max(float(np.abs(wave[:, -last:]).max()) for wave in stems.values())
    seconds = fade_out_s
    if seconds <= 0.0:
        if peak < 3e-5:
            return None
        # The louder the end still is, the longer the fade, so that it is heard as an end and not a cut.
        seconds = 0.08 if peak < 0.002 else 0.35 if peak < 0.02 else 0.9
    length = min(count, frames(seconds))
    curve = np.ones(count, dtype=np.float32)
    place = np.linspace(0.0, 1.0, length, dtype=np.float32)
    curve[-length:] = np.cos(place * np.float32(np.pi / 2)) ** 2
    curve[-1] = 0.0
    return f32(curve)
