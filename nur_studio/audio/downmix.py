"""Any number of channels to stereo, by the coefficients of ITU-R BS.775 where the layout is a known one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.sound import Audio

MAX_CHANNELS = 64
_HALF_POWER = math.sqrt(0.5)

# Layouts by number of channels, in the order of WAVE_FORMAT_EXTENSIBLE and of Vorbis (Vorbis I specification, 4.3.9).
# L and R left and right, C centre, E the bass effects channel, l and r surround (side or back), c surround centre.
_WAVE = {3: "LRC", 4: "LRlr", 5: "LRClr", 6: "LRCElr", 7: "LRCEclr", 8: "LRCElrlr"}
_VORBIS = {3: "LCR", 4: "LRlr", 5: "LCRlr", 6: "LCRlrE", 7: "LCRlrcE", 8: "LCRlrlrE"}
_NAMES = {3: "3.0", 4: "quadraphonic", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}

# What a channel gives to left and right. The standard leaves the bass effects channel out.
_GAINS = {
    "L": (1.0, 0.0),
    "R": (0.0, 1.0),
    "C": (_HALF_POWER, _HALF_POWER),
    "l": (_HALF_POWER, 0.0),
    "r": (0.0, _HALF_POWER),
    "c": (0.5, 0.5),
    "E": (0.0, 0.0),
}


def stereo_matrix(channels: int, *, vorbis_order: bool = False) -> NDArray[np.float32]:
    """(channels, 2): what each channel gives to both sides. Mono goes to both as it is; more than eight channels, of
    which nobody knows the places, are averaged in the middle.
    """
    if channels == 1:
        return np.ones((1, 2), np.float32)
    if channels == 2:
        return np.eye(2, dtype=np.float32)
    layout = (_VORBIS if vorbis_order else _WAVE).get(channels)
    if layout is None:
        return np.full((channels, 2), 1.0 / channels, np.float32)
    return np.array([_GAINS[place] for place in layout], np.float32)


def to_stereo(block: Audio, matrix: NDArray[np.float32]) -> Audio:
    """(frames, channels) as (frames, 2)."""
    return block if matrix.shape == (2, 2) else np.ascontiguousarray(block @ matrix)


def told(channels: int) -> str:
    """What was done, for people; "" for mono and stereo, where nothing is lost."""
    if channels <= 2:
        return ""
    if channels in _NAMES:
        return f"Its {channels} channels, taken for {_NAMES[channels]}, were brought to stereo."
    return f"Its {channels} channels were averaged in the middle."
