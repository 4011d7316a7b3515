"""Sketch's score as notes: every instrument and sound has its General MIDI name, every note its place in the audio."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from nur_studio.audio.midi import write_midi
from nur_studio.core.genres import genres
from nur_studio.core.prompt import read_prompt
from nur_studio.engines.base import MusicTask
from nur_studio.engines.sketch.compose import compose
from nur_studio.engines.sketch.notation import DRUM_KEYS, KIT_PROGRAMS, PROGRAMS, UNWRITTEN, notation
from nur_studio.engines.sketch.score import INSTRUMENTS, KITS, SOUNDS, Score
from nur_studio.engines.sketch.synth.perform import start_frame
from nur_studio.engines.sketch.synth.tone import RATE


def composed(prompt: str, duration_s: float = 30.0, seed: int = 3) -> Score:
    reading = read_prompt(prompt)
    return compose(MusicTask(prompt, duration_s, reading.tempo, seed, reading))


def test_everything_a_score_may_name_has_a_place() -> None:
    assert set(PROGRAMS) == set(INSTRUMENTS)
    assert set(KIT_PROGRAMS) == set(KITS)
    assert set(DRUM_KEYS) | set(UNWRITTEN) == set(SOUNDS)
    assert not set(DRUM_KEYS) & set(UNWRITTEN)
    assert all(35 <= key <= 81 for key in DRUM_KEYS.values()), "General MIDI's drums"
    assert all(0 <= program <= 127 for program in (*PROGRAMS.values(), *KIT_PROGRAMS.values()))


def test_parts_become_lines_note_by_note() -> None:
    score = composed("jazz trio at 140 bpm in F minor with brushes")
    sheet = notation(score)
    assert (sheet.title, sheet.tempo, sheet.key, sheet.beats) == (score.title, 140.0, "F minor", 70.0)
    assert sheet.sections == score.sections
    assert [line.name for line in sheet.lines] == [part.name for part in score.parts]
    for part, line in zip(score.parts, sheet.lines, strict=True):
        assert line.drums == bool(part.hits)
        written = [hit for hit in part.hits if hit.sound not in UNWRITTEN]
        assert len(line.notes) == len(part.notes) + len(written)
    assert {line.name for line in sheet.lines if line.drums} == {"Drums"}


@pytest.mark.parametrize("tempo", [73, 174])
def test_every_note_of_the_file_is_where_it_sounds(tmp_path: Path, tempo: int) -> None:
    score = composed(f"drum and bass at {tempo} bpm with piano", 120.0)
    path = tmp_path / "score.mid"
    write_midi(path, notation(score))
    file = mido.MidiFile(path)
    assert file.length == pytest.approx(120.0, abs=0.001)
    second_a_tick = 60.0 / tempo / 960
    for part, track in zip(score.parts, file.tracks[1:], strict=True):
        if part.hits:
            continue
        struck, tick = [], 0
        for message in track:
            tick += message.time
            if message.type == "note_on":
                struck.append((tick, message.note))
        assert len(struck) == len(part.notes)
        meant = sorted((start_frame(score, n.beat, n.shift_s) / RATE, n.pitch) for n in part.notes)
        for (tick, key), (time_s, pitch) in zip(
            sorted(struck, key=lambda s: (s[1], s[0])), sorted(meant, key=lambda m: (m[1], m[0])), strict=True
        ):
            assert key == pitch
            # Half a tick, and half a sample.
            assert abs(tick * second_a_tick - time_s) <= second_a_tick / 2 + 0.5 / RATE + 1e-9


def test_every_genre_can_be_written(tmp_path: Path) -> None:
    for genre in genres():
        write_midi(tmp_path / "score.mid", notation(composed(genre.example, 20.0)))
        assert len(mido.MidiFile(tmp_path / "score.mid").tracks) >= 2
