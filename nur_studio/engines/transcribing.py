"""Notes heard in a recording: Spotify's Basic Pitch, whose weights come with its package, run by onnxruntime.

A transcription, not a score: onsets and pitches a small network believes in. It hears pitched sound only; of drums it
makes nothing of use. (Bittner et al., "A lightweight instrument-agnostic model for polyphonic note transcription and
multipitch estimation", ICASSP 2022.)
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nur_studio.core.errors import EngineUnavailable
from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote, on_steps
from nur_studio.core.progress import Cancel, CancelToken, OnProgress, Progress, ignore_progress
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Grid, Section

REMARK = "A transcription by Basic Pitch: notes heard in the sound, not those it was played from."
PROGRAMS = {"bass": 33, "vocals": 53, "other": 0}
"""The stems that can be transcribed, and the General MIDI program each is played back with."""

_RATE = 22050  # what the model listens at
_HOP = 256  # samples from frame to frame
_WINDOW = 2 * _RATE - _HOP  # samples it hears at once
_OVERLAP = 30  # frames that two windows share; each gives up half of them
_STEP = _WINDOW - _OVERLAP * _HOP
_LOWEST_PITCH = 21
_INPUT, _OUTPUTS = "serving_default_input_2:0", ["StatefulPartitionedCall:1", "StatefulPartitionedCall:2"]
_ONSET, _FRAME = 0.5, 0.3  # how sure of an onset, of a sounding note; as its authors set them
_SILENCE = 1e-4  # peak under which there is nothing to hear, −80 dB
_UNUSED = ("librosa", "mir_eval", "pretty_midi", "resampy")

_Posterior = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeardNote:
    """A note from `start_s` to `end_s`; `pitch` is MIDI's, `velocity` 0 to 1 is how sure the model is of it."""

    start_s: float
    end_s: float
    pitch: int
    velocity: float


def why_not() -> str:
    """What is missing for transcribing, in a sentence; "" where it can be done."""
    missing = [name for name in ("basic_pitch", "onnxruntime") if importlib.util.find_spec(name) is None]
    return f"Transcribing to MIDI needs {' and '.join(missing)}, not installed here." if missing else ""


def transcribe(
    audio: Audio,
    sample_rate: int,
    shortest_s: float = 0.06,
    on_progress: OnProgress = ignore_progress,
    cancel: Cancel | None = None,
) -> tuple[HeardNote, ...]:
    """The notes of `audio`, by their start. Those under `shortest_s` are taken for noise.

    Raises `EngineUnavailable` where the packages are not there, and `Cancelled`.
    """
    cancel = cancel or CancelToken()
    session, decode = _model(), _decoder()
    if not len(audio) or abs(audio).max() < _SILENCE:
        return ()
    sounding, onsets = _listen(session, _mono(audio, sample_rate), on_progress, cancel)
    cancel.check()
    if sounding.max() <= _FRAME:
        return ()
    found = decode(
        sounding,
        onsets,
        onset_thresh=_ONSET,
        frame_thresh=_FRAME,
        min_note_len=round(shortest_s * _RATE / _HOP),
        infer_onsets=True,
        max_freq=None,
        min_freq=None,
    )
    end_s = len(audio) / sample_rate
    notes = (
        HeardNote(_time_s(int(start)), min(_time_s(int(end)), end_s), int(pitch), float(sureness))
        for start, end, pitch, sureness in found
    )
    on_progress(Progress("transcribing", 1.0))
    return tuple(sorted((note for note in notes if note.start_s < note.end_s), key=lambda n: (n.start_s, n.pitch)))


def transcription(
    title: str,
    heard: Mapping[str, Sequence[HeardNote]],
    grid: Grid,
    duration_s: float,
    *,
    steps_per_beat: int | None = None,
    key: str = "",
    sections: tuple[Section, ...] = (),
) -> NoteSheet:
    """What was heard in each stem as a sheet on `grid`, marked as a transcription.

    With `steps_per_beat` (4: sixteenths) every note begins and ends on the nearest step, and lasts one at least. What
    ended before bar 1 is left out; what began before it begins with it.
    """
    lines = []
    for stem, notes in heard.items():
        placed = [_placed(note, grid, steps_per_beat) for note in notes]
        played = tuple(note for note in placed if note.beat + note.duration > 0.0)
        lines.append(NoteLine(f"{stem} (transcribed)", stem, PROGRAMS.get(stem, 0), played))
    beats = max(0.0, grid.beat_at(duration_s))
    return NoteSheet(title, grid.tempo, grid.beats_per_bar, beats, tuple(lines), key, sections, REMARK)


def _placed(note: HeardNote, grid: Grid, steps: int | None) -> PlayedNote:
    start, end = grid.beat_at(note.start_s), grid.beat_at(note.end_s)
    if steps is not None:
        start, end = on_steps(start, end, steps)
    start = max(0.0, start)
    return PlayedNote(start, end - start, note.pitch, note.velocity)


def _mono(audio: Audio, sample_rate: int) -> Audio:
    mono: Audio = audio.mean(axis=1, dtype=np.float32) if audio.ndim == 2 else audio
    if sample_rate == _RATE:
        return mono
    import soxr

    resampled: Audio = soxr.resample(mono, sample_rate, _RATE).astype(np.float32, copy=False)
    return resampled


def _listen(session: Any, mono: Audio, on_progress: OnProgress, cancel: Cancel) -> tuple[_Posterior, _Posterior]:
    """How sure the model is of each of 88 keys sounding, and being struck, frame by frame: (frames, 88) each.

    Windows overlap; of each, the middle counts. Half an overlap of silence stands before the first.
    """
    half = _OVERLAP // 2
    padded = np.concatenate([np.zeros(half * _HOP, np.float32), mono])
    sounding, onsets = [], []
    for start in range(0, len(mono), _STEP):
        cancel.check()
        on_progress(Progress("transcribing", 0.95 * start / len(mono)))
        window = padded[start : start + _WINDOW]
        window = np.pad(window, (0, _WINDOW - len(window)))[None, :, None]
        notes, struck = session.run(_OUTPUTS, {_INPUT: window})
        sounding.append(notes[0, half:-half])
        onsets.append(struck[0, half:-half])
    return np.concatenate(sounding), np.concatenate(onsets)


def _time_s(frame: int) -> float:
    """When a frame of `_listen` begins: windows lie `_STEP` samples apart, which is not a whole number of frames."""
    frames_a_window = -(-_WINDOW // _HOP) - _OVERLAP
    window, place = divmod(frame, frames_a_window)
    return (window * _STEP + place * _HOP) / _RATE


@cache
def _model() -> Any:
    check()
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: it remarks on GPUs it does not find
    return onnxruntime.InferenceSession(_weights(), options, providers=["CPUExecutionProvider"])


def _weights() -> str:
    spec = importlib.util.find_spec("basic_pitch")
    assert spec is not None and spec.submodule_search_locations
    return f"{spec.submodule_search_locations[0]}/saved_models/icassp_2022/nmp.onnx"


@cache
def _decoder() -> Any:
    """Basic Pitch's own way from certainties to notes."""
    check()
    with _stand_ins(), _quiet_root():
        return importlib.import_module("basic_pitch.note_creation").output_to_notes_polyphonic


def check() -> None:
    """Raise `EngineUnavailable`, saying what to install, where nothing can be transcribed."""
    missing = why_not()
    if missing:
        raise EngineUnavailable(missing, hint="`python packaging/bootstrap.py setup --with-models` brings them.")


_IMPORTING = threading.Lock()


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Empty modules for what Basic Pitch imports beside its decoder and which is not here: 300 MB to play notes back
    and to read files. They are gone when its import is done.
    """
    with _IMPORTING:
        absent = [name for name in _UNUSED if importlib.util.find_spec(name) is None]
        for name in absent:
            module = ModuleType(name)
            module.__spec__ = ModuleSpec(name, None)  # so that others may ask for it meanwhile
            module.__dict__["PrettyMIDI"] = object  # named in a signature
            sys.modules[name] = module
        try:
            yield
        finally:
            for name in absent:
                sys.modules.pop(name, None)


@contextmanager
def _quiet_root() -> Iterator[None]:
    """Its package warns, over the root logger, of every runtime it could have used and does not find."""

    def nothing(_: logging.LogRecord) -> bool:
        return False

    logging.root.addFilter(nothing)
    try:
        yield
    finally:
        logging.root.removeFilter(nothing)
