"""From a score to finished stems: parts played side by side, mixed, and mastered."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np

from nur_studio.audio.loudness import master
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import Cancel, OnProgress, Progress
from nur_studio.core.sound import Audio
from nur_studio.engines.base import OnAudio
from nur_studio.engines.sketch.score import Part, Score
from nur_studio.engines.sketch.synth import bus, levels, perform, space, strip
from nur_studio.engines.sketch.synth.inserts import insert
from nur_studio.engines.sketch.synth.textures import texture
from nur_studio.engines.sketch.synth.tone import RATE, Wave, f32, frames

TARGET_LUFS = -14.0
CEILING_DBTP = -1.2
_CHUNK_S = 2.0
_TONES = {
    "drums": (27.0, 0.0, -1.5),
    "bass": (28.0, 1.5, -1.5),
    "vocals": (95.0, 2.0, 0.0),
    "other": (45.0, 3.0, 0.0),
}
"""Each stem's high-pass (Hz) and its lifts above 2.5 kHz and around 55 Hz (dB)."""

_MOST_WORKERS = 4


class _Desk:
    """The stems as they come together: dry sound and what is sent to room, hall and echo."""

    def __init__(self, score: Score, count: int) -> None:
        self.score = score
        self.count = count
        self.dry: dict[str, Wave] = {}
        self.sends: dict[tuple[str, str], Wave] = {}

    def add(self, part: Part, wave: Wave) -> None:
        stem = part.stem
        if stem in self.dry:
            self.dry[stem] += wave
        else:
            self.dry[stem] = wave.copy()
        for kind, amount in (("room", part.room), ("hall", part.hall), ("delay", part.delay)):
            if amount > 0.004:
                middle = (wave[0] + wave[1]) * np.float32(0.5 * amount)
                if (stem, kind) in self.sends:
                    self.sends[stem, kind] += middle
                else:
                    self.sends[stem, kind] = middle

    def finish(self, stem: str, cancel: Cancel) -> Wave:
        """The stem with its returns and clean-up. Frees what it used."""
        finish = self.score.finish
        dry = self.dry.pop(stem)
        delay = self.sends.pop((stem, "delay"), None)
        hall = self.sends.pop((stem, "hall"), None)
        room = self.sends.pop((stem, "room"), None)
        if delay is not None:
            repeats = space.echo(delay, frames(finish.delay_beats * 60.0 / self.score.tempo))
            dry += repeats * np.float32(0.8)
            if hall is not None:
                hall += (repeats[0] + repeats[1]) * np.float32(0.12)
        if room is not None:
            room *= np.float32(0.9)
        if hall is not None:
            hall *= np.float32(0.9)
        return space.finish_stem(
            dry, room, hall, finish.room_s, finish.hall_s, _TONES[stem], finish.low_pass_hz, cancel
        )


def _played(score: Score, part: Part, count: int, duck: Wave | None, cancel: Cancel) -> Wave:
    """A part through its own strip, ready for its stem."""
    wave = perform.part_buffer(score, part, count, cancel)
    gain = 10.0 ** (part.level_db / 20.0)
    gain *= 10.0 ** (levels.KIT_DB / 20.0) if part.hits and not part.notes else levels.gain(part.instrument)
    insert(part.instrument, wave, cancel)
    points = sorted(part.brightness)
    if any(abs(value - 0.5) > 0.004 for _, value in points):
        at = np.array([beat * 60.0 / score.tempo * RATE for beat, _ in points])
        values = np.array([value for _, value in points])
        strip.brightened(wave, lambda frame: np.interp(frame, at, values), cancel)
    if part.drive > 0.01:
        strip.driven(wave, part.drive, cancel)
    if part.wobble > 0.01:
        strip.wobbled(wave, part.wobble, cancel)
    strip.placed(wave, part.pan, part.width if not part.hits else 0.5)
    cancel.check()
    if duck is not None and part.duck > 0.01:
        wave *= np.float32(gain) * (np.float32(1.0) - np.float32(0.9 * min(1.0, part.duck)) * duck)
    else:
        wave *= np.float32(gain)
    return wave


def render(score: Score, on_progress: OnProgress, on_audio: OnAudio, cancel: Cancel) -> dict[str, Audio]:
    """Play `score`: the four stems, (frames, 2) each, whose float sum is the finished mix.

    The same score gives the same samples. `on_audio` gets the mix in order once it is final.
    """
    count = round(score.duration_s * RATE)
    loop = score.finish.loop
    total = count + (frames(score.finish.hall_s + 4.0) if loop else 0)
    progress = _Progress(on_progress)
    desk = _Desk(score, total)
    duck = perform.duck_curve(score, total)
    workers = max(1, min(_MOST_WORKERS, os.cpu_count() or 1))
    # Long pieces are large: fewer parts in flight keep memory within bounds.
    ahead = workers + 1 if score.duration_s < 90.0 else 2
    with ThreadPoolExecutor(min(workers, ahead)) as pool:
        jobs: list[Callable[[], Wave]] = [partial(_played, score, part, total, duck, cancel) for part in score.parts]
        for index, (part, wave) in enumerate(zip(score.parts, _in_order(pool, jobs, ahead, cancel), strict=True)):
            desk.add(part, wave)
            progress(f"playing {part.name}", 0.02 + 0.53 * (index + 1) / max(1, len(score.parts)))
        for index, sound in enumerate(score.textures):
            cancel.check()
            wave = texture(sound.kind, count, score.seed + index, loop)
            wave *= np.float32(10.0 ** ((sound.level_db + levels.KIT_DB) / 20.0))
            other = desk.dry.setdefault("other", np.zeros((2, total), dtype=np.float32))
            other[:, :count] += wave
        progress("mixing", 0.57)
        stems: dict[str, Wave] = {}
        names = [stem for stem in STEMS if stem in desk.dry]
        finishing: list[Callable[[], Wave]] = [partial(desk.finish, stem, cancel) for stem in names]
        for index, (stem, wave) in enumerate(zip(names, _in_order(pool, finishing, workers, cancel), strict=True)):
            stems[stem] = bus.wrapped(wave, count) if loop else wave
            progress("mixing", 0.57 + 0.18 * (index + 1) / len(names))
        _bus(score, stems, cancel)
    progress("mastering", 0.8)
    finished = _mastered(stems, count, loop, cancel)
    progress("mastering", 0.97)
    _hand_out(finished, count, on_audio, cancel)
    progress("mastering", 1.0)
    return finished


def _bus(score: Score, stems: dict[str, Wave], cancel: Cancel) -> None:
    """Peaks rounded per stem, tape, one compressor and one fade for all."""
    if not stems:
        return
    level = bus.loudness_estimate(stems)
    for name, wave in stems.items():
        if level > 0.0:
            bus.clip_softly(wave, level * (9.0 if name == "drums" else 7.5), cancel)
        bus.warm(wave, score.finish.warmth, level, cancel)
    for curve in (
        bus.glue_curve(stems, score.finish.glue, score.finish.loop),
        None if score.finish.loop else bus.end_fade(stems, score.finish.fade_out_s),
    ):
        if curve is not None:
            for wave in stems.values():
                cancel.check()
                wave *= curve


def _mastered(stems: dict[str, Wave], count: int, loop: bool, cancel: Cancel) -> dict[str, Audio]:
    """All four stems brought to level together; a loop is mastered between its own end and start, so its seam holds."""
    cancel.check()
    edge = min(count, frames(1.0)) if loop else 0
    turned: dict[str, Audio] = {}
    for name in list(stems):
        wave = stems.pop(name)
        if edge:
            wave = np.concatenate([wave[:, -edge:], wave, wave[:, :edge]], axis=1)
        turned[name] = np.ascontiguousarray(wave.T)
    loud = master(turned, RATE, TARGET_LUFS, CEILING_DBTP) if turned else {}
    cancel.check()
    out: dict[str, Audio] = {}
    for name in STEMS:
        out[name] = loud[name][edge : edge + count] if name in loud else np.zeros((count, 2), dtype=np.float32)
    return out


def _hand_out(stems: dict[str, Audio], count: int, on_audio: OnAudio, cancel: Cancel) -> None:
    for start in range(0, count, frames(_CHUNK_S)):
        cancel.check()
        chunk = np.zeros((min(frames(_CHUNK_S), count - start), 2), dtype=np.float32)
        for name in STEMS:
            chunk += stems[name][start : start + len(chunk)]
        on_audio(f32(chunk), RATE)


def _in_order(pool: ThreadPoolExecutor, jobs: list[Callable[[], Wave]], ahead: int, cancel: Cancel) -> Iterator[Wave]:
    """The jobs' results in order, at most `ahead` of them under way."""
    waiting: list[Future[Wave]] = []
    try:
        for job in jobs:
            waiting.append(pool.submit(job))
            if len(waiting) >= ahead:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        for future in waiting:
            future.cancel()


class _Progress:
    """Progress that never falls."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._fraction = 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        self._fraction = max(self._fraction, min(1.0, fraction))
        self._on_progress(Progress(stage, self._fraction))
