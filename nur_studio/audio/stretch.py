"""Bringing a take to the tempo that was asked for: stretched to the frame, its stems together, its pitch kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nur_studio.audio.loudness import limiter_gain, scaled, true_peak_dbtp
from nur_studio.core.contract import TempoPlan
from nur_studio.core.sound import Audio

_WHOLE = 1e-4  # of full scale: a mix that differs by less from the sum of its stems holds nothing else
_ENDING_S, _STOP_S = 0.5, 0.01  # fades: of a take that is cut, and before silence that is added


@dataclass(frozen=True, slots=True)
class Delivered:
    """A take in its tempo. `stems` sum to `mix` as they did before; `ratio` is what its time was multiplied by."""

    mix: Audio
    stems: dict[str, Audio]
    ratio: float


def deliver_tempo(
    mix: Audio,
    stems: Mapping[str, Audio],
    sample_rate: int,
    plan: TempoPlan,
    frames: int | None = None,
    ceiling_dbtp: float = -1.0,
) -> Delivered:
    """The take stretched by `plan.ratio`, whatever the plan's step is, its true peak at or under `ceiling_dbtp`.

    With `frames` the take is that long in the end (see `fitted`), without it as long as the stretch made it. One
    limiter curve acts on all lanes, so they still sum; no stem clips on its own either.
    """
    length = round(len(mix) * plan.ratio)
    mix, lanes = stretched(mix, stems, sample_rate, length)
    if frames is not None:
        mix = fitted(mix, frames, sample_rate)
        lanes = {name: fitted(stem, frames, sample_rate) for name, stem in lanes.items()}
    curve = limiter_gain(mix, sample_rate, ceiling_dbtp)
    for stem in lanes.values():
        if true_peak_dbtp(stem) > 0.0:
            curve = curve * limiter_gain(scaled(stem, curve), sample_rate, 0.0)
    return Delivered(scaled(mix, curve), {name: scaled(stem, curve) for name, stem in lanes.items()}, plan.ratio)


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


def fitted(audio: Audio, frames: int, sample_rate: int) -> Audio:
    """`audio` cut or lengthened to `frames`: cut, it fades out over half a second; lengthened, silence follows.

    What is done depends on lengths alone, so stems that are fitted one by one still sum to their mix.
    """
    if len(audio) == frames:
        return audio
    kept = min(frames, len(audio))
    out = np.zeros((frames, audio.shape[1]), np.float32)
    out[:kept] = audio[:kept]
    fade = min(kept // 4, round((_ENDING_S if len(audio) > frames else _STOP_S) * sample_rate))
    if fade:
        out[kept - fade : kept] *= _falling(fade)[:, None]
    return out


def _falling(frames: int) -> Audio:
    """From 1 to 0 as half a cosine."""
    curve: Audio = (0.5 + 0.5 * np.cos(np.pi * (np.arange(frames) + 1) / frames)).astype(np.float32)
    return curve


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
