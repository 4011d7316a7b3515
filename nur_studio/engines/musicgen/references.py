"""Sound a take starts from, and the codes takes are kept as."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr

from nur_studio.audio.files import read_audio
from nur_studio.core.controls import Controls
from nur_studio.core.errors import FileProblem, GenerationFailed
from nur_studio.core.progress import Cancel, ignore_progress
from nur_studio.core.prompt import read_prompt
from nur_studio.core.sound import Audio
from nur_studio.engines.base import Codes, MusicTask, ReferenceAudio, Unheard
from nur_studio.engines.sketch.engine import sketch

LONGEST_REFERENCE_S = 300.0
_COUNT_IN_S = 4.0
_AUDIBLE = 0.02
_MOST_CODES = 16 * 50 * 3600  # an hour of the richest model


@dataclass(frozen=True, slots=True)
class KeptCodes:
    """Codes (codebooks, frames) of a take from its first sample on, `frame_rate` a second, made by `model`."""

    codes: Codes
    model: str
    frame_rate: float


def write_codes(path: Path, codes: Codes, model: str, frame_rate: float) -> None:
    """Keep a take's codes in a file of numbers only."""
    np.savez_compressed(path, codes=codes, model=np.array(model), frame_rate=np.array(frame_rate), allow_pickle=False)


def read_codes(path: Path) -> KeptCodes:
    """What `write_codes` kept. Raises `FileProblem` where the file is damaged or something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > 2 * _MOST_CODES:
                raise ValueError("too large")
        with np.load(path, allow_pickle=False) as stored:
            codes, model, rate = stored["codes"], str(stored["model"]), float(stored["frame_rate"])
        if codes.dtype != np.int16 or codes.ndim != 2 or not codes.size or codes.min() < 0 or not 1.0 <= rate <= 1000.0:
            raise ValueError("not codes")
    except Exception as error:  # zipfile, zlib and numpy each have errors of their own for damaged archives
        raise FileProblem(
            f"{path} does not hold the codes of a take.", hint="Extending works from its audio as well."
        ) from error
    return KeptCodes(codes, model, rate)


def read_reference(reference: ReferenceAudio, sample_rate: int, channels: int) -> Audio:
    """The part of the audio that was chosen, (samples, channels) at `sample_rate`; stereo is summed to the middle for
    one channel. Raises `FileProblem`.
    """
    total: Audio | None = None
    rate = sample_rate
    for path in reference.audio:
        sound, rate = read_audio(path)
        total = sound if total is None else total + sound
    if total is None:
        raise FileProblem("The reference has no audio.")
    end = None if reference.end_s is None else round(reference.end_s * rate)
    chosen = total[round(reference.start_s * rate) : end]
    if not len(chosen):
        raise FileProblem(f"{reference.audio[0].name} ends before the part that was chosen begins.")
    if len(chosen) > LONGEST_REFERENCE_S * rate:
        raise FileProblem(
            f"{reference.audio[0].name} is longer than {LONGEST_REFERENCE_S / 60:g} minutes.",
            hint="Choose a part of it.",
        )
    if chosen.shape[1] != channels:
        middle = chosen.mean(axis=1, keepdims=True, dtype=np.float32)
        chosen = np.repeat(middle, channels, axis=1)
    resampled: Audio = soxr.resample(np.ascontiguousarray(chosen), rate, sample_rate, quality="VHQ")
    return resampled


def count_in(task: MusicTask, sample_rate: int, cancel: Cancel) -> Audio:
    """Whole bars of Sketch's drums at the task's tempo and in its genre, 4 to 8 s, (samples, 1), exact to the sample.

    Genres without drums are counted in as pop. Raises `GenerationFailed` where that has none in this metre either.
    """
    bar_s = task.reading.beats_per_bar * 60.0 / task.tempo
    bars = max(1, math.ceil(_COUNT_IN_S / bar_s - 1e-9))
    own = tuple(name for name in task.reading.excluded if name != "drums")
    plain = replace(read_prompt("pop drums", "pop", task.tempo), beats_per_bar=task.reading.beats_per_bar)
    for reading in (replace(task.reading, excluded=own, loop=True), replace(plain, loop=True)):
        piece = replace(
            task,
            reading=reading,
            duration_s=float(math.ceil(bars * bar_s * 3)),
            controls=Controls(),
            reference=None,
        )
        music = sketch().generate(piece, ignore_progress, Unheard(), cancel)
        # From the middle: the first bars of a piece may be a pick-up, the last its end.
        start, end = (round(bar * bar_s * music.sample_rate) for bar in (bars, 2 * bars))
        drums = music.stems["drums"][start:end].mean(axis=1, keepdims=True, dtype=np.float32)
        if np.abs(drums).max() > _AUDIBLE:
            resampled: Audio = soxr.resample(drums, music.sample_rate, sample_rate, quality="VHQ")
            return resampled
    raise GenerationFailed(
        f"There are no drums to count in with at {task.tempo} BPM in this metre.", hint="Leave the count-in out."
    )
