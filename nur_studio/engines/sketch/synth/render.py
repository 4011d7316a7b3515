"""From a score to finished stems: parts played side by side, mixed, and mastered."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from nur_studio.audio.loudness import mastering_gain
from nur_studio.core.mix import STEMS
from nur_studio.core.progress import Cancel, OnProgress
from nur_studio.core.sound import Audio
from nur_studio.engines.base import OnAudio
from nur_studio.engines.sketch.score import Part, Score
from nur_studio.engines.sketch.synth import bus, levels, perform, space, strip
from nur_studio.engines.sketch.synth.inserts import insert, speaker
from nur_studio.engines.sketch.synth.textures import texture
from nur_studio.engines.sketch.synth.tone import RATE, Wave, f32, frames
from nur_studio.engines.sketch.synth.workload import Job, Workload

TARGET_LUFS = -14.0
CEILING_DBTP = -1.2
_DENSE_DB = 2.6  # how much lower the limiter's ceiling is for dense music, whose peaks are not wanted
_CHUNK_S = 2.0
_PIECE = 1 << 16  # frames
_BLOCK = 1 << 19  # frames, about what a reverb is made of at a time
# What each kind of work costs, in seconds of one core (per second of music, per event): progress is told by these.
_STRIP_COST, _NOTE_COST, _HIT_COST = 0.0012, 0.0009, 0.0003
_STEM_COST, _BUS_COST, _MASTER_COST = 0.0028, 0.0026, 0.0075
_TONES = {
    "drums": (27.0, 0.0, -2.5, 0.0),
    "bass": (28.0, 1.5, -2.5, 3.0),
    "vocals": (95.0, 2.0, 0.0, 4.0),
    "other": (45.0, 3.0, 0.0, 5.0),
}
"""Each stem's high-pass (Hz) and its lifts above 2.5 kHz, around 55 Hz and above 8 kHz (dB)."""
_PEAKS = {"drums": (7.0, 1.6), "bass": (6.0, 1.5), "vocals": (6.0, 2.0), "other": (6.5, 1.6)}
"""Where each stem's peaks are rounded, over the mix's RMS: in music that breathes, and in music that is dense."""

_MOST_WORKERS = 4


class _Desk:
    """The stems as they come together: dry sound and what is sent to room, hall and echo."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.dry: dict[str, Wave] = {}
        self.sends: dict[tuple[str, str], Wave] = {}

    def add(self, part: Part, wave: Wave) -> None:
        """Add a part to its stem. In pieces that stay in the processor's cache."""
        stem = part.stem
        dry = self.dry.get(stem)
        self.dry[stem] = dry = wave if dry is None else dry
        shares = (("room", part.room), ("hall", part.hall), ("delay", part.delay))
        sends = [(kind, np.float32(0.5 * share)) for kind, share in shares if share > 0.004]
        for kind, _ in sends:
            if (stem, kind) not in self.sends:
                self.sends[stem, kind] = np.zeros(self.count, dtype=np.float32)
        for start in range(0, self.count, _PIECE):
            piece = wave[:, start : start + _PIECE]
            if sends:
                middle = piece[0] + piece[1]
                for kind, factor in sends:
                    self.sends[stem, kind][start : start + _PIECE] += middle * factor
            if dry is not wave:
                dry[:, start : start + _PIECE] += piece

    def take(self, stem: str) -> tuple[Wave, dict[str, Wave]]:
        """A stem that is whole, off the desk: its dry sound and its sends."""
        kinds = ("delay", "hall", "room")
        return self.dry.pop(stem), {kind: self.sends.pop((stem, kind)) for kind in kinds if (stem, kind) in self.sends}


def _finished(score: Score, stem: str, dry: Wave, sends: dict[str, Wave], cancel: Cancel) -> Wave:
    """A stem with its returns and clean-up."""
    finish = score.finish
    delay, hall, room = sends.get("delay"), sends.get("hall"), sends.get("room")
    if delay is not None:
        repeats = space.echo(delay, frames(finish.delay_beats * 60.0 / score.tempo))
        if hall is not None:
            hall += (repeats[0] + repeats[1]) * np.float32(0.12)
        repeats *= np.float32(0.8)
        dry += repeats
    if room is not None:
        room *= np.float32(0.9)
    if hall is not None:
        hall *= np.float32(0.9)
    return space.finish_stem(dry, room, hall, finish.room_s, finish.hall_s, _TONES[stem], finish.low_pass_hz, cancel)


def _played(score: Score, part: Part, count: int, duck: Wave | None, cancel: Cancel) -> Wave:
    """A part through its own strip, ready for its stem."""
    wave = perform.part_buffer(score, part, count, cancel)
    gain = 10.0 ** (part.level_db / 20.0)
    gain *= 10.0 ** (levels.KIT_DB / 20.0) if part.hits and not part.notes else levels.gain(part.instrument)
    insert(part.instrument, wave, cancel, part.drive)
    box = speaker(part.instrument)
    points = sorted(part.brightness)
    if box is not None or any(abs(value - 0.5) > 0.004 for _, value in points):
        at = np.array([beat * 60.0 / score.tempo * RATE for beat, _ in points])
        values = np.array([value for _, value in points])
        strip.brightened(wave, lambda frame: np.interp(frame, at, values), cancel, box)
    if part.drive > 0.01 and box is None:
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
    desk = _Desk(total)
    duck = perform.duck_curve(score, total)
    workers = max(1, min(_MOST_WORKERS, os.cpu_count() or 1))
    # Long pieces are large: fewer parts in flight keep memory within bounds.
    ahead = workers + 1 if score.duration_s < 90.0 else 2
    # Stem by stem, so that one can be finished while the next is played.
    parts = sorted(score.parts, key=lambda part: STEMS.index(part.stem))
    playing = [_playing(part, total, cancel) for part in parts]
    sounding = {part.stem for part in parts} | ({"other"} if score.textures else set())
    mixing = {
        stem: Job(
            cancel, "mixing", _STEM_COST * total / RATE * (0.4 if stem == "bass" else 1.0), 4 * -(-total // _BLOCK)
        )
        for stem in STEMS
        if stem in sounding
    }
    glueing = Job(cancel, "mixing", _BUS_COST * count / RATE)
    mastering = Job(cancel, "mastering", _MASTER_COST * count / RATE, 100)
    load = Workload(on_progress, [*playing, *mixing.values(), glueing, mastering])
    stems: dict[str, Wave] = {}
    with ThreadPoolExecutor(min(workers, ahead)) as pool:
        futures: dict[str, Future[Wave]] = {}

        def close(stem: str) -> None:
            if stem == "other":
                _add_textures(score, desk, count, cancel)
            futures[stem] = pool.submit(_finished, score, stem, *desk.take(stem), mixing[stem])

        waiting: list[Future[Wave]] = []
        try:
            for index, part in enumerate(parts):
                while len(waiting) < ahead and index + len(waiting) < len(parts):
                    nxt = index + len(waiting)
                    waiting.append(pool.submit(_played, score, parts[nxt], total, duck, playing[nxt]))
                desk.add(part, load.wait(waiting.pop(0), playing[index]))
                if index + 1 == len(parts) or parts[index + 1].stem != part.stem:
                    close(part.stem)
            if "other" in mixing and "other" not in futures:
                close("other")
            for stem, job in mixing.items():
                wave = load.wait(futures.pop(stem), job)
                stems[stem] = bus.wrapped(wave, count) if loop else wave
        finally:
            for future in (*waiting, *futures.values()):
                future.cancel()
        load.wait(pool.submit(_bus, score, stems, cancel), glueing)
        ceiling = CEILING_DBTP - _DENSE_DB * density(score)
        finished = load.wait(pool.submit(_mastered, stems, count, loop, ceiling, mastering), mastering)
    _hand_out(finished, count, on_audio, cancel)
    load.report("mastering")
    return finished


def _playing(part: Part, total: int, cancel: Cancel) -> Job:
    """A part's work: its notes, most of them played for the first time, and its strip, whatever it plays."""
    events = len(part.notes) + len(part.hits)
    cost = _STRIP_COST * total / RATE + (_NOTE_COST * len(part.notes) + _HIT_COST * len(part.hits))
    return Job(cancel, f"playing {part.name[:1].lower()}{part.name[1:]}", cost, events + total // 24576)


def _add_textures(score: Score, desk: _Desk, count: int, cancel: Cancel) -> None:
    """Rain, crackle and their like, dry into the stem `other`."""
    for index, sound in enumerate(score.textures):
        cancel.check()
        wave = texture(sound.kind, count, score.seed + index, score.finish.loop)
        wave *= np.float32(10.0 ** ((sound.level_db + levels.KIT_DB) / 20.0))
        other = desk.dry.setdefault("other", np.zeros((2, desk.count), dtype=np.float32))
        other[:, :count] += wave


def density(score: Score) -> float:
    """How dense the mix shall be, 0 to 1: who glues it hard, clubs and bands, wants it so; quartets breathe."""
    return min(1.0, max(0.0, (score.finish.glue - 0.25) / 0.3))


def _bus(score: Score, stems: dict[str, Wave], cancel: Cancel) -> None:
    """Peaks rounded per stem, tape, one compressor and one fade for all."""
    if not stems:
        return
    level, plain = bus.loudness_estimate(stems), bus.plain_level(stems)
    dense = density(score)
    for name, wave in stems.items():
        if level > 0.0:
            open_, tight = _PEAKS[name]
            bus.clip_softly(wave, plain * (open_ + (tight - open_) * dense), cancel)
        bus.warm(wave, score.finish.warmth, level, cancel)
    for curve in (
        bus.glue_curve(stems, score.finish.glue, score.finish.loop),
        None if score.finish.loop else bus.end_fade(stems, score.finish.fade_out_s),
    ):
        if curve is not None:
            for wave in stems.values():
                cancel.check()
                wave *= curve


def _mastered(stems: dict[str, Wave], count: int, loop: bool, ceiling_dbtp: float, job: Job) -> dict[str, Audio]:
    """All four stems brought to level together; a loop is mastered between its own end and start, so its seam holds."""
    job.check()
    edge = min(count, frames(1.0)) if loop else 0
    turned: dict[str, Audio] = {}
    for name in list(stems):
        wave = stems.pop(name)
        if edge:
            wave = np.concatenate([wave[:, -edge:], wave, wave[:, :edge]], axis=1)
        turned[name] = np.ascontiguousarray(wave.T)

    def come(share: float) -> None:
        job.check()
        job.reach(0.15 + 0.7 * share)

    come(0.0)
    gain = mastering_gain(turned, RATE, TARGET_LUFS, ceiling_dbtp, come)
    for stem in turned.values():
        for channel in range(2):
            stem[:, channel] *= gain
    return {
        name: turned[name][edge : edge + count] if name in turned else np.zeros((count, 2), dtype=np.float32)
        for name in STEMS
    }


def _hand_out(stems: dict[str, Audio], count: int, on_audio: OnAudio, cancel: Cancel) -> None:
    for start in range(0, count, frames(_CHUNK_S)):
        cancel.check()
        chunk = np.zeros((min(frames(_CHUNK_S), count - start), 2), dtype=np.float32)
        for name in STEMS:
            chunk += stems[name][start : start + len(chunk)]
        on_audio(f32(chunk), RATE)
