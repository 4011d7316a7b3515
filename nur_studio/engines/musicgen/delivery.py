"""The model's sound as a take has it: resampled as it comes, and centred."""

from __future__ import annotations

import numpy as np
import soxr

from nur_studio.core.sound import Audio


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
