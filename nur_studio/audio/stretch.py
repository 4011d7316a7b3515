"""Bringing a take to the tempo that was asked for: stretched to the frame, its stems together, its pitch kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nur_studio.core.sound import Audio

_WHOLE = 1e-4  # of full scale: a mix that differs by less from the sum of its stems holds nothing else


def stretched(mix: Audio, stems: Mapping[str, Audio], sample_rate: int, frames: int) -> tuple[Audio, dict[str, Audio]]:
    """Mix and stems, all of one length, made `frames` long: their tempo changes, their pitch does not.

    All lanes go through the phase vocoder (Signalsmith Stretch) as the channels of one signal: every channel is turned
    by the same phases, so that stems stay aligned to the sample and still add up, which they do not when stretched one
    by one. The mix is the sum of the stretched stems, and of whatever it holds beside its stems.

    The call does not let other threads run, and needs some four times the memory of its lanes: it belongs into a
    process of its own.
    """
    if frames == len(mix) or not len(mix):
        return mix, dict(stems)
    lanes = list(stems.values()) or [mix]
    if stems:
        rest = mix - sum(lanes)
        if float(np.abs(rest).max()) > _WHOLE:
            lanes.append(rest)
    channels = mix.shape[1]
    together = np.empty((channels * len(lanes), len(mix)), np.float32)
    for number, lane in enumerate(lanes):
        together[number * channels : (number + 1) * channels] = lane.T
    out = _vocoded(together, sample_rate, frames)
    done = [np.ascontiguousarray(out[at : at + channels].T) for at in range(0, len(out), channels)]
    total: Audio = done[0].copy()
    for lane in done[1:]:
        total += lane
    return total, dict(zip(stems, done, strict=False))


def _vocoded(channels: Audio, sample_rate: int, frames: int) -> Audio:
    """All of `channels`, (channels, frames), made `frames` long by one stretch."""
    from python_stretch import Signalsmith

    machine = Signalsmith.Stretch()
    machine.preset(len(channels), sample_rate)
    machine.setTimeFactor(channels.shape[1] / frames)
    out: Audio = np.asarray(machine.process(channels), np.float32)
    # The machine counts in single precision: over minutes it may be a frame out.
    if out.shape[1] < frames:
        out = np.pad(out, ((0, 0), (0, frames - out.shape[1])), mode="edge")
    return out[:, :frames]
