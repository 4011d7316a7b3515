"""What measuring tempo and key listens to: one channel at 22.05 kHz, whatever the recording's own rate and width."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.sound import Audio

LISTENING_RATE = 22050
_BLOCK_S = 4.0  # of sound mixed down and resampled at a time: memory stays bounded for any length and rate


def listened(audio: Audio, sample_rate: int) -> NDArray[np.float32]:
    """The mean of all channels at `LISTENING_RATE`, aligned to the original: a frame at n seconds stays there.

    Raises `ValueError` for values that are not numbers.
    """
    import soxr

    block = max(1, round(_BLOCK_S * sample_rate))
    mono = (audio[start : start + block].mean(axis=1, dtype=np.float32) for start in range(0, len(audio), block))
    if sample_rate == LISTENING_RATE:
        heard = np.concatenate([np.zeros(0, np.float32), *mono])
    else:
        stream = soxr.ResampleStream(sample_rate, LISTENING_RATE, 1, dtype="float32", quality="MQ")
        parts = [stream.resample_chunk(part) for part in mono]
        parts.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
        heard = np.concatenate([part.reshape(-1) for part in parts])
    if not math.isfinite(float(heard.sum(dtype=np.float64))):
        raise ValueError("audio holds values that are not numbers")
    return heard
