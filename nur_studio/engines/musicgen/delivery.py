"""From the model's sound to the take: resampled as it comes, centred, cut to the sample, ended and brought to level."""

from __future__ import annotations

import math

import numpy as np
import soxr

from nur_studio.audio.loudness import limiter_gain, master, true_peak_dbtp
from nur_studio.core.sound import Audio

_CEILING_DBTP = -1.0
_FADE_S = (2.0, 5.0)


class Resampler:
    """Sound of `source` Hz, chunk by chunk, as stereo of `target` Hz. Every division into chunks gives the same.

    Goes back by hearing its past again: `soxr` keeps no copies of its state.
    """

    def __init__(self, source: int, target: int, channels: int) -> None:
        self._shape = source, target, channels
        self._stream = self._new()

    def _new(self) -> soxr.ResampleStream:
        source, target, channels = self._shape
        return soxr.ResampleStream(source, target, channels, dtype="float32", quality="VHQ")

    def add(self, sound: Audio, last: bool = False) -> Audio:
        """What is final after `sound` (samples, channels), as stereo (frames, 2)."""
        out = self._stream.resample_chunk(sound, last=last)
        return _stereo(out)

    def restart(self, past: Audio) -> Audio:
        """Begin anew with everything heard so far; all of what is final of it, as stereo."""
        self._stream = self._new()
        return _stereo(self._stream.resample_chunk(past)) if len(past) else np.zeros((0, 2), np.float32)


def _stereo(sound: Audio) -> Audio:
    """Mono in the middle, stereo as it is: (frames, 2)."""
    return np.ascontiguousarray(np.broadcast_to(sound, (len(sound), 2)) if sound.shape[1] == 1 else sound)


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
    if to_target:
        return master({"mix": audio}, sample_rate)["mix"]
    if true_peak_dbtp(audio) <= _CEILING_DBTP:
        return audio
    limited: Audio = audio * limiter_gain(audio, sample_rate, _CEILING_DBTP)[:, None]
    return limited
