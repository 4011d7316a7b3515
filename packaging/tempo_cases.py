"""What bench_tempo.py measures: Sketch in every genre, loops known to the frame, worn recordings, no beat at all."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.genres import Genre, genres
from nur_studio.core.progress import CancelToken, ignore_progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.sound import Audio
from nur_studio.engines.base import Music, MusicTask, Unheard
from nur_studio.engines.sketch.engine import sketch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

_WORN = ("house", "rock", "lo-fi", "funk", "trap", "country", "synthwave", "drum and bass")
_DRIFTED = ("pop", "techno", "soul", "folk")


@dataclass(frozen=True, slots=True)
class Case:
    """Sound, and what is true of it: `tempo` None where there is no beat, the mean where it drifts.

    `tempo_range` is what the genre would make one expect; `downbeat_s` where a bar begins, `key` as Sketch names it.
    """

    name: str
    family: str
    audio: Audio
    sample_rate: int
    tempo: float | None
    tempo_range: tuple[float, float] | None = None
    beats_per_bar: int = 4
    downbeat_s: float | None = None
    key: str | None = None
    steady: bool = True


def cases(seconds: float) -> Iterator[Case]:
    """Every case, made when it is its turn."""
    rhythms: Any = importlib.import_module("rhythms")  # in tests/
    for number, genre in enumerate(genres()):
        music = _sketch(genre, number, seconds)
        span = (float(genre.tempo_range[0]), float(genre.tempo_range[1]))
        facts: dict[str, Any] = {"tempo_range": span, "beats_per_bar": music.beats_per_bar, "key": music.key}
        yield Case(genre.name, "sketch", music.mix, music.sample_rate, float(music.tempo), downbeat_s=0.0, **facts)
        bare = music.mix - music.stems["drums"]
        if float(np.abs(music.stems["drums"]).max()) > 0.0:
            yield Case(genre.name, "no drums", bare, music.sample_rate, float(music.tempo), downbeat_s=0.0, **facts)
        if genre.name in _WORN:
            yield _worn(genre.name, music, number, facts)
        if genre.name in _DRIFTED:
            for drift in (-0.05, 0.05):
                yield _drifting(genre.name, music, drift, facts)
    for swing, bpm in ((0.54, 96.0), (0.58, 88.0), (0.62, 120.0), (2 / 3, 132.0)):
        sound = rhythms.loop(bpm, seconds, "boom bap", swing=swing)
        yield Case(f"loop {swing:.2f}", "swing", sound, 44100, bpm, (bpm - 12, bpm + 12), downbeat_s=0.013)
    for jitter, bpm in ((0.004, 104.0), (0.008, 124.0), (0.012, 84.0), (0.016, 112.0)):
        sound = rhythms.loop(bpm, seconds, "breakbeat", jitter_s=jitter)
        yield Case(f"loop ±{jitter * 1000:.0f} ms", "humanised", sound, 44100, bpm, (bpm - 12, bpm + 12))
    for ramp, bpm in ((0.05, 120.0), (-0.05, 92.0), (0.03, 140.0)):
        sound = rhythms.loop(bpm, seconds, "boom bap", ramp=ramp)
        yield Case(f"loop {ramp:+.0%}", "drifted", sound, 44100, bpm, (bpm - 12, bpm + 12), steady=False)
    for name in rhythms.BEATLESS:
        yield Case(name, "beatless", rhythms.beatless(name, seconds), 44100, None)


def _sketch(genre: Genre, number: int, seconds: float) -> Music:
    low, high = genre.tempo_range
    tempo = round(low + (high - low) * (0.15, 0.5, 0.85)[number % 3])
    reading = read_prompt(f"{genre.example}, {tempo} bpm", genre.name)
    task = MusicTask(genre.example, seconds, tempo, 100 + number, reading)
    return sketch().generate(task, ignore_progress, Unheard(), CancelToken())


def _worn(name: str, music: Music, number: int, facts: dict[str, Any]) -> Case:
    """As a recording comes back from the world: stretched, cut anywhere, at 32 kHz, driven, dull, with wow and hiss."""
    import soxr
    from python_stretch import Signalsmith
    from scipy.signal import butter, sosfilt

    ratio = (0.957, 1.043, 0.981, 1.027)[number % 4]
    machine = Signalsmith.Stretch()
    machine.preset(2, music.sample_rate)
    machine.setTimeFactor(ratio)
    audio: NDArray[Any] = np.asarray(machine.process(np.ascontiguousarray(music.mix.T))).T
    cut = round(0.37 * music.sample_rate)
    audio = soxr.resample(audio[cut:], music.sample_rate, 32000)
    time = np.arange(len(audio))
    wow = time + 9.0 * np.sin(2 * np.pi * 0.7 * time / 32000)  # ±0.12 %
    audio = np.stack([np.interp(wow, time, channel) for channel in audio.T], axis=1)
    audio = sosfilt(butter(2, 9000, fs=32000, output="sos"), np.tanh(1.5 * audio) / 1.5, axis=0)
    audio = audio + 0.004 * np.random.default_rng(number).standard_normal(audio.shape)
    tempo = music.tempo * ratio
    bar = music.beats_per_bar * 60.0 / tempo
    first = -0.37 % bar
    return Case(name, "worn", audio.astype(np.float32), 32000, tempo, downbeat_s=first, **facts)


def _drifting(name: str, music: Music, drift: float, facts: dict[str, Any]) -> Case:
    """As tape that runs ever faster or slower: from −drift to +drift."""
    frames = len(music.mix)
    time = np.arange(frames) / frames
    place = frames * (time * (1.0 - drift) + drift * time**2)
    warped = np.stack([np.interp(place, np.arange(frames), channel) for channel in music.mix.T], axis=1)
    facts = {**facts, "key": None}
    sound = warped.astype(np.float32)
    return Case(f"{name} {drift:+.0%}", "drifted", sound, music.sample_rate, float(music.tempo), steady=False, **facts)
