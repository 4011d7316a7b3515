"""Where pulled sound goes on a timeline: shifted, cut without a click, looped by whole bars."""

from __future__ import annotations

import numpy as np

from nur_studio.core.errors import StudioError
from nur_studio.core.sound import Audio

_CUT_OUT_S = 0.01


def placed(audio: Audio, sample_rate: int, start_s: float, frames: int) -> Audio:
    """(frames, 2) of silence with `audio` from `start_s` on. What comes before frame 0 is cut off hard: the first one
    kept may be a downbeat's attack. What goes on beyond the end is cut off with a short fade.
    """
    start = round(start_s * sample_rate)
    head = max(0, -start)
    part = audio[head : head + frames - max(0, start)].copy()
    if head + len(part) < len(audio):
        _ramp(part[::-1], min(len(part), round(_CUT_OUT_S * sample_rate)))
    out: Audio = np.zeros((frames, 2), np.float32)
    out[max(0, start) : max(0, start) + len(part)] = part
    return out


def repeated(audio: Audio, sample_rate: int, downbeat_s: float, bar_s: float, length_s: float) -> Audio:
    """The pickup before the downbeat, then the whole bars of `audio` over and over for at least `length_s` after it.

    Every repetition begins on its own rounded frame, so that no error adds up; what sounds on after the last whole bar
    fades out under the first. Raises `StudioError` where there is no whole bar.
    """
    bars = int((len(audio) / sample_rate - downbeat_s) / bar_s + 1e-3)
    if bars < 1:
        raise StudioError("There is no whole bar in it to repeat.", hint="Leave it as it is, or choose a longer one.")
    first = round(downbeat_s * sample_rate)
    fade = round(_CUT_OUT_S * sample_rate)
    loop_s = bars * bar_s
    times = int(np.ceil(length_s / loop_s)) + 1
    end = round((downbeat_s + times * loop_s) * sample_rate)
    out: Audio = np.zeros((end + fade, 2), np.float32)
    out[:first] = audio[:first]
    for number in range(times):
        begin = round((downbeat_s + number * loop_s) * sample_rate)
        after = round((downbeat_s + (number + 1) * loop_s) * sample_rate)
        piece = audio[first : first + after - begin + fade].copy()
        beyond = len(piece) - (after - begin)
        if beyond > 0:
            _ramp(piece[::-1], beyond)
        out[begin : begin + len(piece)] += piece
    return out[:end]


def _ramp(audio: Audio, frames: int) -> None:
    """Let the first `frames` rise from silence, in place."""
    if frames > 0:
        audio[:frames] *= np.linspace(0.0, 1.0, frames, endpoint=False, dtype=np.float32)[:, None]
