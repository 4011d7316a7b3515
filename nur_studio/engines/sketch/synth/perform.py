"""Plays a part: every note and hit rendered once, remembered, and laid where the score says, to the sample."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import cast

import numpy as np

from nur_studio.core.progress import Cancel
from nur_studio.engines.sketch.score import Hit, Note, Part, Score
from nur_studio.engines.sketch.synth import drums
from nur_studio.engines.sketch.synth.tone import RATE, Wave, f32, frames, let_go
from nur_studio.engines.sketch.synth.voices import VOICES, Tone, Voice

_VELOCITY_POWER = 1.5
_HIT_POWER = 1.3


class WaveCache:
    """Renders kept by what they are, the longest unused thrown away first, up to `limit_bytes`. For many threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held: OrderedDict[Hashable, Wave] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Wave]) -> Wave:
        """The wave of `key`, made if need be. Two threads may make it at once: both make the same."""
        with self._lock:
            wave = self._held.get(key)
            if wave is not None:
                self._held.move_to_end(key)
                return wave
        wave = np.ascontiguousarray(make(), dtype=np.float32)
        wave.flags.writeable = False
        with self._lock:
            if key not in self._held:
                self._held[key] = wave
                self._bytes += wave.nbytes
                while self._bytes > self._limit and len(self._held) > 1:
                    _, old = self._held.popitem(last=False)
                    self._bytes -= old.nbytes
        return wave

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self._bytes = 0


CACHE = WaveCache(160 << 20)


def start_frame(score: Score, beat: float, shift_s: float) -> int:
    """The frame where an event at `beat` sounds."""
    return round((beat * 60.0 / score.tempo + shift_s) * RATE)


def layer(velocity: float, layers: int) -> float:
    """The velocity whose timbre stands for `velocity`: the middle of its layer."""
    step = min(layers - 1, max(0, int(velocity * layers)))
    return (step + 0.5) / layers


def _lay(buffer: Wave, wave: Wave, start: int, left: float, right: float) -> None:
    """Add `wave` at frame `start`; what falls outside the buffer is not played."""
    skip = max(0, -start)
    count = min(wave.shape[-1] - skip, buffer.shape[1] - start - skip)
    if count <= 0:
        return
    piece = wave[..., skip : skip + count]
    begin = start + skip
    if wave.ndim == 1:
        buffer[0, begin : begin + count] += piece * np.float32(left)
        buffer[1, begin : begin + count] += piece if right == 1.0 else piece * np.float32(right)
    else:
        buffer[0, begin : begin + count] += piece[0] * np.float32(left)
        buffer[1, begin : begin + count] += piece[1] * np.float32(right)


def _ringing(voice: Voice, name: str, note: Note, hold: int, variant: int) -> Wave:
    """A struck note, cut to its key's hold and damped: one long render serves every length."""
    release = frames(voice.release_s)
    longest = frames(voice.longest_s)
    wanted = min(hold + release, longest)
    bucket = 8192
    while bucket < wanted:
        bucket *= 2
    bucket = min(bucket, longest)
    velocity = layer(note.velocity, voice.layers)
    tone = Tone(note.pitch, bucket, velocity, variant, None, note.accent)
    whole = CACHE.get((name, tone), lambda: voice.play(tone))
    wave = whole[..., :wanted].copy()
    tail = min(release, wanted)
    wave[..., wanted - tail :] *= let_go(tail)
    return wave


def _sustained(voice: Voice, name: str, note: Note, hold: int, variant: int) -> Wave:
    velocity = layer(note.velocity, voice.layers)
    # Lengths are shared in steps of 10 to 40 ms: no ear tells, and repeated notes are rendered once.
    step = RATE // (100 if hold < 0.3 * RATE else 50 if hold < RATE else 25)
    steps = max(2, round(hold / step))
    glide = note.glide_from if voice.glides and note.glide_from != note.pitch else None
    tone = Tone(note.pitch, steps * step, velocity, variant, glide, note.accent)
    return CACHE.get((name, tone), lambda: voice.play(tone))


def play_notes(score: Score, part: Part, buffer: Wave, cancel: Cancel) -> None:
    """Lay a part's notes into `buffer` (2, frames)."""
    voice = VOICES[part.instrument]
    # A guitar that stands to one side is one take; in the middle there is one for each side.
    doubled = part.instrument == "drive_guitar" and abs(part.pan) < 0.4
    for index, note in enumerate(part.notes):
        cancel.check()
        start = start_frame(score, note.beat, note.shift_s)
        if start >= buffer.shape[1]:
            continue
        hold = max(64, round(note.duration * 60.0 / score.tempo * RATE))
        variant = (index * 7 + score.seed) % voice.variants if voice.variants > 1 else 0
        make = _ringing if voice.rings else _sustained
        gain = note.velocity**_VELOCITY_POWER * (1.12 if note.accent else 1.0)
        wave = make(voice, part.instrument, note, hold, variant)
        if doubled:
            # Two takes of the same riff, one per side, the second a few milliseconds late.
            late = int((index * 37 + score.seed) % 9 * RATE / 1000) + RATE // 250
            other = make(voice, part.instrument, note, hold, (variant + 1) % voice.variants)
            _lay(buffer, wave, start, gain, 0.0)
            _lay(buffer, other, start + late, 0.0, gain)
            continue
        side = float(np.clip((note.pitch - 62) / 40.0, -1.0, 1.0)) * voice.spread
        _lay(buffer, wave, start, gain * (1.0 - max(0.0, side)), gain * (1.0 + min(0.0, side)))


def _hit_wave(kit: str, hit: Hit, seconds: float, variant: int) -> Wave:
    velocity = layer(hit.velocity, drums.LAYERS)
    length = round(seconds, 3) if hit.sound in drums.SUSTAINED else 0.0
    key = ("kit", kit, hit.sound, velocity, length, variant)
    return CACHE.get(key, lambda: drums.strike(kit, hit.sound, velocity, length, variant))


def _choked(score: Score, hits: tuple[Hit, ...]) -> dict[int, int]:
    """For each open hat (by index) the frame where the next closed or pedalled one shuts it."""
    shut: dict[int, int] = {}
    closing: int | None = None
    for index in sorted(range(len(hits)), key=lambda i: hits[i].beat, reverse=True):
        hit = hits[index]
        if hit.sound == "hat_open" and closing is not None:
            shut[index] = closing
        if hit.sound in ("hat", "hat_pedal", "hat_open"):
            closing = start_frame(score, hit.beat, hit.shift_s)
    return shut


def play_hits(score: Score, part: Part, buffer: Wave, cancel: Cancel) -> None:
    """Lay a drum part's hits into `buffer` (2, frames): its own places, variations and chokes."""
    shut = _choked(score, part.hits)
    last: dict[str, int] = {}
    for index, hit in enumerate(part.hits):
        cancel.check()
        seconds = hit.duration * 60.0 / score.tempo
        start = start_frame(score, hit.beat, hit.shift_s)
        # Never the same variant twice running for one sound.
        variant = (last.get(hit.sound, score.seed % drums.VARIANTS) + 1 + (index * 5 + score.seed) % 2) % drums.VARIANTS
        last[hit.sound] = variant
        wave = _hit_wave(part.instrument, hit, seconds, variant)
        if hit.sound in drums.ENDING:
            start = start_frame(score, hit.beat + hit.duration, hit.shift_s) - wave.shape[-1]
        if index in shut:
            keep = max(64, shut[index] - start)
            fade = min(frames(0.012), keep)
            if keep < wave.shape[-1]:
                wave = wave[..., :keep].copy()
                wave[..., keep - fade :] *= let_go(fade)
        place = drums.PLACES[hit.sound]
        gain = hit.velocity**_HIT_POWER * 10.0 ** (drums.level_db(part.instrument, hit.sound) / 20.0)
        pan = float(place.pan * min(1.0, 0.4 + part.width))
        _lay(buffer, wave, start, gain * min(1.0, 1.0 - pan), gain * min(1.0, 1.0 + pan))


def kick_frames(score: Score) -> list[int]:
    """Where kicks sound, in order: what pumps the parts that duck."""
    found = {
        start_frame(score, hit.beat, hit.shift_s)
        for part in score.parts
        for hit in part.hits
        if hit.sound == "kick" and hit.velocity > 0.3
    }
    return sorted(found)


def duck_curve(score: Score, count: int) -> Wave | None:
    """How hard the kick pushes, 0 to 1 per frame: down in 4 ms, back within half a beat. None without kicks."""
    kicks = [frame for frame in kick_frames(score) if -RATE < frame < count]
    if not kicks:
        return None
    beat_s = 60.0 / score.tempo
    length = frames(min(0.9, beat_s) * 0.95)
    place = np.arange(length, dtype=np.float32) / np.float32(length)
    shape = (np.float32(0.5) + np.float32(0.5) * np.cos(np.pi * place ** np.float32(0.75))).astype(np.float32)
    rise = frames(0.004)
    shape[:rise] *= np.linspace(0.0, 1.0, rise, dtype=np.float32)
    curve = np.zeros(count, dtype=np.float32)
    for frame in kicks:
        begin, skip = max(0, frame - rise), max(0, rise - frame)
        target = curve[begin : begin + length - skip]
        np.maximum(target, shape[skip : skip + target.size], out=target)
    return f32(curve)


def part_buffer(score: Score, part: Part, count: int, cancel: Cancel) -> Wave:
    """The raw sound of a part, (2, count)."""
    buffer = cast(Wave, np.zeros((2, count), dtype=np.float32))
    if part.notes:
        play_notes(score, part, buffer, cancel)
    if part.hits:
        play_hits(score, part, buffer, cancel)
    return buffer
