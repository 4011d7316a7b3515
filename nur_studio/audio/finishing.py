"""The last touch on a take: its end fades, its level is the usual one, nothing clips."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from nur_studio.audio.loudness import limiter_gain, mastering_gain, scaled, true_peak_dbtp
from nur_studio.core.sound import Audio

_CEILING_DBTP = -1.0
_FADE_S = (2.0, 5.0)


def fade_length_s(bar_s: float, duration_s: float) -> float:
    """How long an ending takes: one bar or two, from 2 to 5 s, and never more than a quarter of the piece."""
    low, high = _FADE_S
    seconds = bar_s if bar_s >= low else 2.0 * bar_s
    return min(max(seconds, low), high, duration_s / 4.0)


def faded(audio: Audio, frames: int) -> Audio:
    """`audio` (frames, 2), its last `frames` going out on a half cosine, which neither starts nor stops abruptly."""
    if frames <= 0:
        return audio
    curve = 0.5 + 0.5 * np.cos(np.linspace(0.0, math.pi, frames, dtype=np.float32))
    out = audio.copy()
    out[len(out) - frames :] *= curve[:, None].astype(np.float32)
    return out


def levelled(audio: Audio, sample_rate: int, to_target: bool) -> Audio:
    """−14 LUFS at no more than −1 dBTP; without `to_target` the model's own level, limited only where it would clip."""
    if not to_target and true_peak_dbtp(audio) <= _CEILING_DBTP:
        return audio
    return levelled_lanes({"mix": audio}, sample_rate, to_target)["mix"]


def levelled_lanes(
    lanes: Mapping[str, Audio], sample_rate: int, to_target: bool, *, loop: bool = False
) -> dict[str, Audio]:
    """As `levelled`, of the sum of `lanes`: one curve acts on all of them, so they still sum.

    A `loop` is brought to level between its own end and its beginning, so that its seam holds.
    """
    frames = len(next(iter(lanes.values())))
    edge = min(frames, sample_rate) if loop else 0
    around = {name: _around(lane, edge) for name, lane in lanes.items()}
    if to_target:
        curve = mastering_gain(around, sample_rate)
    else:
        mix: Audio = np.sum(list(around.values()), axis=0, dtype=np.float32)
        curve = limiter_gain(mix, sample_rate, _CEILING_DBTP)
        for lane in around.values() if len(around) > 1 else ():
            if true_peak_dbtp(scaled(lane, curve)) > 0.0:
                curve = curve * limiter_gain(scaled(lane, curve), sample_rate, 0.0)
    return {name: scaled(lane, curve)[edge : edge + frames] for name, lane in around.items()}


def _around(audio: Audio, edge: int) -> Audio:
    """`audio` with so many frames of its own end before it, and of its beginning after it."""
    return np.concatenate((audio[len(audio) - edge :], audio, audio[:edge])) if edge else audio
