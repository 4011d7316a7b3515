"""Loops whose every hit is known to the frame, and sound that has no beat at all: for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 44100
PATTERNS = {
    "four on the floor": ((0, 4, 8, 12), (4, 12)),
    "boom bap": ((0, 7, 10), (4, 12)),
    "half time": ((0, 6), (8,)),
    "breakbeat": ((0, 10), (4, 12, 15)),
}
"""Sixteenths of a bar with a kick, and with a snare; hats are on all eighths."""

_Wave = NDArray[np.float64]


def time_of(beat: float, bpm: float, ramp: float = 0.0, seconds: float = 30.0) -> float:
    """When `beat` sounds where the tempo climbs in a straight line from −`ramp` to +`ramp` of `bpm` over `seconds`."""
    if ramp == 0.0:
        return beat * 60.0 / bpm
    # beats(t) = bpm/60 · (t·(1 − ramp) + ramp·t²/seconds), solved for t
    a, b = ramp / seconds, 1.0 - ramp
    return float((-b + np.sqrt(b * b + 4.0 * a * beat * 60.0 / bpm)) / (2.0 * a))


def loop(
    bpm: float,
    seconds: float,
    pattern: str,
    rate: int = RATE,
    seed: int = 0,
    *,
    swing: float = 0.5,
    jitter_s: float = 0.0,
    ramp: float = 0.0,
    start_s: float = 0.013,
) -> NDArray[np.float32]:
    """Kick, snare, hats on eighths and a held chord, with human levels; hits fall on the exact frame.

    `swing` is where the off-beat eighth lies between two beats; `jitter_s` the deviation of a hand's timing.
    """
    random = np.random.default_rng(seed)
    frames = round(seconds * rate)
    time = np.arange(rate // 5) / rate
    kick = np.exp(-time * 30) * np.sin(2 * np.pi * 55 * time)
    snare = 0.6 * np.exp(-time * 40) * random.standard_normal(len(time))
    hat = 0.2 * np.exp(-time * 150) * random.standard_normal(len(time))
    kicks, snares = PATTERNS[pattern]
    out = 0.05 * np.sin(2 * np.pi * 220 * np.arange(frames) / rate)
    for sixteenth in range(int(seconds * bpm * (1.0 + abs(ramp)) / 15)):
        beat, part = divmod(sixteenth, 4)
        place = beat + (part / 2 * swing if part <= 2 else swing + (part - 2) / 2 * (1.0 - swing))
        for sound, there in ((kick, kicks), (snare, snares), (hat, range(0, 16, 2))):
            if sixteenth % 16 in there:
                shift = random.normal(0.0, jitter_s) if jitter_s else 0.0
                start = round((max(0.0, time_of(place, bpm, ramp, seconds) + shift) + start_s) * rate)
                piece = out[start : start + len(sound)]
                piece += sound[: len(piece)] * random.uniform(0.6, 1.0)
    return np.stack((out, 0.8 * out), axis=1).astype(np.float32)


def waltz(bpm: float, seconds: float, start_s: float = 0.0, rate: int = RATE) -> NDArray[np.float32]:
    """Three beats a bar: a low drum on the first, a bright one on the others; hits fall on the exact frame."""
    time = np.arange(rate // 5) / rate
    low = np.exp(-time * 25) * np.sin(2 * np.pi * 60 * time)
    high = 0.4 * np.exp(-time * 60) * np.random.default_rng(3).standard_normal(len(time))
    out = 0.02 * np.sin(2 * np.pi * 330 * np.arange(round(seconds * rate)) / rate)
    for beat in range(int(seconds * bpm / 60.0) + 1):
        start = round((beat * 60.0 / bpm + start_s) * rate)
        piece = out[start : start + len(time)]
        piece += (high if beat % 3 else low)[: len(piece)]
    return np.stack((out, out), axis=1).astype(np.float32)


def hits_off_s(sound: NDArray[np.float32], bpm: float, first_s: float, rate: int = RATE) -> NDArray[np.float64]:
    """How late each beat's hit is, found without any onset detector: where 3 ms of it first have some power."""
    mono = sound.mean(axis=1, dtype=np.float64)
    off, reach = [], round(0.03 * rate)
    for beat in range(1, int((len(mono) / rate - 0.1 - first_s) * bpm / 60.0)):
        at = round((first_s + beat * 60.0 / bpm) * rate)
        power = np.convolve(np.square(mono[at - reach : at + reach]), np.ones(round(0.003 * rate)), "valid")
        off.append((int(np.argmax(power > 0.25 * power.max())) - reach + round(0.003 * rate)) / rate)
    return np.array(off)


def _noise(time: _Wave) -> _Wave:
    return 0.2 * np.random.default_rng(1).standard_normal(len(time))


def _swelling_noise(time: _Wave) -> _Wave:
    """Waves on a beach: noise that comes and goes without any period."""
    random = np.random.default_rng(5)
    knots = np.arange(0.0, time[-1] + 3.0, 1.7) + random.uniform(-0.8, 0.8, len(np.arange(0.0, time[-1] + 3.0, 1.7)))
    return np.interp(time, np.sort(knots), random.uniform(0.02, 0.3, len(knots))) * random.standard_normal(len(time))


def _drone(time: _Wave) -> _Wave:
    return np.sum([0.2 * np.sin(2 * np.pi * hz * time) for hz in (110.0, 165.0, 220.3)], axis=0)


def _detuned_saws(time: _Wave) -> _Wave:
    return np.sum([0.16 * (hz * time % 1.0 - 0.5) for hz in (110.0, 110.0 * 1.003)], axis=0)


def _vibrato(time: _Wave) -> _Wave:
    return 0.2 * np.sin(2 * np.pi * 220 * time + 3 * np.sin(2 * np.pi * 5 * time))


def _free_playing(time: _Wave) -> _Wave:
    random = np.random.default_rng(2)
    rate = 1.0 / (time[1] - time[0])
    out = np.zeros(len(time))
    place = 0
    while (place := place + int(rate * random.uniform(0.25, 1.2))) + 5000 < len(out):
        out[place : place + 5000] += np.exp(-np.arange(5000) / 900) * random.standard_normal(5000)
    return out


def _free_melody(time: _Wave) -> _Wave:
    """Plucked notes of a pentatonic scale whenever the hand likes."""
    random = np.random.default_rng(7)
    out, place = np.zeros(len(time)), 0.2
    while (place := place + random.gamma(3.0, 0.17)) < time[-1]:
        first = int(np.searchsorted(time, place))
        since = time[first : first + int(2.0 / (time[1] - time[0]))] - place
        hz = 220.0 * 2.0 ** (random.choice([0, 3, 5, 7, 10, 12]) / 12)
        out[first : first + len(since)] += 0.3 * np.exp(-since * 3.0) * np.sin(2 * np.pi * hz * since)
    return out


def _slow_pads(time: _Wave) -> _Wave:
    """Chords that fade into each other every few seconds, never in the same number of them."""
    random = np.random.default_rng(3)
    out, place = np.zeros(len(time)), -2.0
    while (place := place + random.uniform(2.5, 6.0)) < time[-1]:
        swell = np.clip((time - place) / 2.0, 0.0, 1.0) * np.exp(-np.maximum(time - place - 2.0, 0.0) / 2.5)
        root = 110.0 * 2.0 ** (random.integers(0, 12) / 12)
        for ratio in (1.0, 1.2, 1.5, 2.0):
            out += 0.08 * swell * np.sin(2 * np.pi * root * ratio * time + random.uniform(0, 6))
    return out


def _rain(time: _Wave) -> _Wave:
    """Drops at random, over a hush."""
    random = np.random.default_rng(4)
    drops = np.zeros(len(time))
    drops[random.integers(0, len(time), int(40 * time[-1]))] = random.exponential(0.3, int(40 * time[-1]))
    ring = np.exp(-np.arange(400) / 60) * random.standard_normal(400)
    return np.convolve(drops, ring)[: len(time)] + 0.01 * random.standard_normal(len(time))


BEATLESS: dict[str, Callable[[_Wave], _Wave]] = {
    "silence": np.zeros_like,
    "noise": _noise,
    "swelling noise": _swelling_noise,
    "drone": _drone,
    "detuned saws": _detuned_saws,
    "vibrato": _vibrato,
    "free playing": _free_playing,
    "free melody": _free_melody,
    "slow pads": _slow_pads,
    "rain": _rain,
}
"""Waves of a time axis in seconds: nothing in them beats steadily."""


def beatless(name: str, seconds: float, rate: int = RATE) -> NDArray[np.float32]:
    wave = BEATLESS[name](np.arange(round(seconds * rate)) / rate)
    return np.stack((wave, wave), axis=1).astype(np.float32)
