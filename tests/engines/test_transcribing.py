"""Transcription: notes that are played are heard where they are; what cannot be heard is not made up."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np
import pytest

from nur_studio.audio.midi import write_midi
from nur_studio.core.errors import Cancelled, EngineUnavailable
from nur_studio.core.progress import CancelToken, Progress
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Grid
from nur_studio.engines import transcribing
from nur_studio.engines.transcribing import REMARK, HeardNote, transcribe, transcription, why_not

RATE = 44100
needs_basic_pitch = pytest.mark.skipif(bool(why_not()), reason=why_not() or "it is here")


def played(notes: Sequence[tuple[float, float, int]], duration_s: float) -> Audio:
    """Something like an electric piano playing (start in s, length in s, pitch), in stereo."""
    sound = np.zeros(round(duration_s * RATE), np.float32)
    for start_s, length_s, pitch in notes:
        time_s = np.arange(round(length_s * RATE)) / RATE
        hz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
        tone = sum(np.sin(2 * np.pi * hz * k * time_s) / k**1.5 for k in range(1, 7))
        tone *= np.exp(-1.5 * time_s) * np.minimum(1.0, (length_s - time_s) / 0.02) * np.minimum(1.0, time_s / 0.004)
        begin = round(start_s * RATE)
        sound[begin : begin + len(tone)] += 0.15 * tone.astype(np.float32)
    return np.repeat(sound[:, None], 2, axis=1)


def sure(heard: Sequence[HeardNote]) -> list[HeardNote]:
    """Without the faint overtones that the model takes for notes now and then."""
    return [note for note in heard if note.velocity > 0.5]


MELODY = [(0.5 + 0.5 * step, 0.4, pitch) for step, pitch in enumerate((60, 64, 67, 72, 71, 67, 62, 65))]


@needs_basic_pitch
def test_a_melody_is_heard_note_by_note() -> None:
    everything = transcribe(played(MELODY, 5.0), RATE)
    heard = sure(everything)
    assert len(everything) < 1.5 * len(MELODY)
    assert [note.pitch for note in heard] == [pitch for _, _, pitch in MELODY]
    for note, (start_s, length_s, _) in zip(heard, MELODY, strict=True):
        assert note.start_s == pytest.approx(start_s, abs=0.03)
        assert note.end_s == pytest.approx(start_s + length_s, abs=0.12)
        assert note.velocity <= 1.0


@needs_basic_pitch
def test_a_chord_has_all_its_notes() -> None:
    heard = transcribe(played([(0.3, 1.2, pitch) for pitch in (57, 60, 64)], 2.0), RATE)
    assert {57, 60, 64} <= {note.pitch for note in heard}
    assert len(heard) <= 4


@needs_basic_pitch
@pytest.mark.parametrize("rate", [22050, 48000])
def test_time_does_not_drift_over_half_a_minute(rate: int) -> None:
    """Windows are no whole number of frames apart, and the last seconds are as good as the first."""
    step = RATE // rate if rate < RATE else 1
    starts = [0.5, 9.03, 19.11, 30.2]
    sound = played([(start, 0.5, 64) for start in starts], 31.0)
    if rate < RATE:
        sound = sound[::step]
    else:
        starts = [start * RATE / rate for start in starts]  # the same samples, played faster
    heard = sure(transcribe(sound, rate))
    times = [note.start_s for note in heard]
    assert len(times) == len(starts)
    assert times == pytest.approx(starts, abs=0.02)
    assert heard[-1].end_s <= len(sound) / rate


@needs_basic_pitch
@pytest.mark.parametrize("frames", [0, 1, 700, 3 * RATE])
def test_silence_has_no_notes(frames: int) -> None:
    assert transcribe(np.zeros((frames, 2), np.float32), RATE) == ()
    assert transcribe(np.full((frames, 2), 1e-6, np.float32), RATE) == ()


@needs_basic_pitch
def test_in_noise_nothing_is_sure() -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.1, (6 * RATE, 2)).astype(np.float32)
    assert sure(transcribe(noise, RATE)) == []


@needs_basic_pitch
def test_progress_and_cancel() -> None:
    seen: list[Progress] = []
    sound = played(MELODY, 8.0)
    transcribe(sound, RATE, on_progress=seen.append)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        transcribe(sound, RATE, on_progress=lambda _: cancel.cancel(), cancel=cancel)


@needs_basic_pitch
def test_stand_ins_are_gone_after_the_import() -> None:
    names = ("librosa", "pretty_midi", "resampy", "mir_eval")
    before = [sys.modules.get(name) for name in names]
    transcribing._model.cache_clear()
    transcribe(played(MELODY[:1], 1.0), RATE)
    assert [sys.modules.get(name) for name in names] == before


def test_without_the_packages_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "basic_pitch" else real(name))
    transcribing._model.cache_clear()
    with pytest.raises(EngineUnavailable, match="needs basic_pitch") as caught:
        transcribe(np.ones((100, 2), np.float32), RATE)
    assert "--with-models" in caught.value.hint


HEARD = (HeardNote(0.26, 0.74, 60, 0.5), HeardNote(1.01, 1.04, 64, 0.9), HeardNote(0.0, 0.2, 50, 0.9))


def test_a_transcription_says_that_it_is_one(tmp_path: Path) -> None:
    sheet = transcription("Rain", {"bass": HEARD[:2]}, Grid(120.0, 4, 0.25), 4.25, key="A minor")
    assert (sheet.remark, sheet.beats, sheet.tempo, sheet.key) == (REMARK, 8.0, 120.0, "A minor")
    (bass,) = sheet.lines
    assert (bass.name, bass.stem, bass.program) == ("bass (transcribed)", "bass", 33)
    assert [round(note.beat, 6) for note in bass.notes] == [0.02, 1.52]
    assert [round(note.duration, 6) for note in bass.notes] == [0.96, 0.06]
    write_midi(tmp_path / "a.mid", sheet)
    assert any(
        message.type == "text" and "transcription" in message.text for message in mido.MidiFile(tmp_path / "a.mid")
    )


def test_quantised_to_the_grid() -> None:
    (line,) = transcription("Rain", {"other": HEARD}, Grid(120.0, 4, 0.25), 4.25, steps_per_beat=4).lines
    assert [(note.beat, note.duration, note.pitch) for note in line.notes] == [(0.0, 1.0, 60), (1.5, 0.25, 64)]


def test_what_began_before_bar_one_begins_with_it() -> None:
    (line,) = transcription("Rain", {"other": HEARD}, Grid(120.0, 4, 0.1), 4.0).lines
    assert (line.notes[2].beat, round(line.notes[2].duration, 6)) == (0.0, 0.2)
