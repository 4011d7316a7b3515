"""MIDI files: what was written is there, to the tick, as another library reads it."""

from __future__ import annotations

import random
from pathlib import Path

import mido
import pytest

from nur_studio.audio.midi import TICKS_PER_BEAT, read_midi, write_midi
from nur_studio.core.errors import FileProblem
from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote
from nur_studio.core.timing import Grid, Section


def line(*notes: PlayedNote, name: str = "Piano", drums: bool = False) -> NoteLine:
    return NoteLine(name, "other", 4, notes, drums)


def sheet(*lines: NoteLine, tempo: float = 120.0, **more: object) -> NoteSheet:
    return NoteSheet("Regn på natten 🎹", tempo, 4, 16.0, lines, **more)  # type: ignore[arg-type]


def read(folder: Path, written: NoteSheet) -> mido.MidiFile:
    path = folder / "a.mid"
    write_midi(path, written)
    assert list(folder.iterdir()) == [path]
    return mido.MidiFile(path, charset="utf-8")


def keys(track: mido.MidiTrack) -> list[tuple[int, str, int, int]]:
    """(tick, "on" or "off", key, velocity)."""
    found, now = [], 0
    for message in track:
        now += message.time
        if message.type in ("note_on", "note_off"):
            found.append((now, message.type[5:], message.note, message.velocity))
    return found


def test_the_first_track_conducts(tmp_path: Path) -> None:
    sections = (Section("intro", 0, 2.0), Section("chorus ☂", 2, 2.0))
    file = read(tmp_path, sheet(key="F# minor", sections=sections, tempo=97.0, remark="A transcription."))
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, 960, 1)
    conductor = file.tracks[0]
    assert conductor.name == "Regn på natten 🎹"
    by_type = {message.type: message for message in conductor}
    assert by_type["set_tempo"].tempo == round(60e6 / 97)
    assert (by_type["time_signature"].numerator, by_type["time_signature"].denominator) == (4, 4)
    assert by_type["key_signature"].key == "F#m"
    assert by_type["text"].text == "A transcription."
    assert [(m.text, m.time) for m in conductor if m.type == "marker"] == [("intro", 0), ("chorus ☂", 8 * 960)]
    assert sum(message.time for message in conductor) == 16 * 960


def test_what_is_not_known_is_not_said(tmp_path: Path) -> None:
    (conductor,) = read(tmp_path, sheet()).tracks
    assert {message.type for message in conductor} == {"track_name", "set_tempo", "time_signature", "end_of_track"}


def test_every_line_is_a_track_and_drums_are_on_channel_ten(tmp_path: Path) -> None:
    note = PlayedNote(0.0, 1.0, 60, 1.0)
    lines = [line(note, name=f"Line {number}") for number in range(17)]
    file = read(tmp_path, sheet(*lines[:5], line(note, name="Drums", drums=True), *lines[5:]))
    found = []
    for track in file.tracks[1:]:
        port = next((m.port for m in track if m.type == "midi_port"), 0)
        channels = {m.channel for m in track if not m.is_meta}
        assert len(channels) == 1
        assert next(m.program for m in track if m.type == "program_change") == 4
        assert sum(message.time for message in track) == 16 * 960
        found.append((track.name, port, *channels))
    assert found[5] == ("Drums", 0, 9)
    others = [place for place in found if place[0] != "Drums"]
    assert [place[0] for place in others] == [f"Line {number}" for number in range(17)]
    assert len({place[1:] for place in others}) == 17
    assert 9 not in {place[2] for place in others}


def test_notes_start_end_and_are_as_loud_as_written(tmp_path: Path) -> None:
    notes = (PlayedNote(0.0, 1.0, 60, 0.5), PlayedNote(1.5, 0.25, 64, 1.0), PlayedNote(2.0, 0.0, 67, 0.0))
    assert keys(read(tmp_path, sheet(line(*notes))).tracks[1]) == [
        (0, "on", 60, 64), (960, "off", 60, 0), (1440, "on", 64, 127), (1680, "off", 64, 0),
        (1920, "on", 67, 1), (1921, "off", 67, 0),
    ]  # fmt: skip


def test_a_key_goes_up_before_it_goes_down_again(tmp_path: Path) -> None:
    notes = (
        PlayedNote(0.0, 4.0, 60, 0.5), PlayedNote(1.0, 1.0, 60, 0.6), PlayedNote(2.0, 1.0, 60, 0.3),
        PlayedNote(2.0001, 0.5, 60, 0.7),
    )  # fmt: skip
    assert [(tick, kind) for tick, kind, _, _ in keys(read(tmp_path, sheet(line(*notes))).tracks[1])] == [
        (0, "on"), (960, "off"), (960, "on"), (1920, "off"), (1920, "on"), (1920 + 480, "off"),
    ]  # fmt: skip


def test_every_stroke_has_its_end(tmp_path: Path) -> None:
    dice = random.Random(1)
    notes = tuple(
        PlayedNote(dice.uniform(0, 30), dice.uniform(0, 3), dice.randrange(50, 60), dice.random()) for _ in range(500)
    )
    sounding: set[int] = set()
    events = keys(read(tmp_path, sheet(line(*notes))).tracks[1])
    for _, kind, key, _ in events:
        assert (key in sounding) == (kind == "off")
        sounding ^= {key}
    assert sounding == set()
    assert len(events) > 900


@pytest.mark.parametrize("tempo", [60, 97, 120, 174, 220])
def test_no_drift_over_five_minutes(tmp_path: Path, tempo: int) -> None:
    beats = round(300 * tempo / 60)
    file = read(tmp_path, sheet(line(*(PlayedNote(float(b), 0.5, 60, 0.5) for b in range(beats))), tempo=float(tempo)))
    grid, heard_s, worst = Grid(float(tempo)), 0.0, 0.0
    struck = 0
    for message in file:  # mido gives these in seconds
        heard_s += message.time
        if message.type == "note_on":
            worst = max(worst, abs(heard_s - struck * grid.beat_s))
            struck += 1
    assert struck == beats
    assert worst <= 0.0006
    if 60_000_000 % tempo == 0:
        assert worst < 1e-9


def test_ticks_are_the_nearest(tmp_path: Path) -> None:
    beats = [random.Random(2).uniform(0, 900) for _ in range(300)]
    notes = tuple(PlayedNote(beat, 0.1, number % 128, 0.5) for number, beat in enumerate(beats[:128]))
    ticks = {key: tick for tick, kind, key, _ in keys(read(tmp_path, sheet(line(*notes))).tracks[1]) if kind == "on"}
    assert all(abs(ticks[note.pitch] - note.beat * TICKS_PER_BEAT) <= 0.5 for note in notes)


def test_no_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="There is no folder"):
        write_midi(tmp_path / "gone" / "a.mid", sheet())


def test_what_is_read_is_what_was_written_to_the_tick(tmp_path: Path) -> None:
    dice = random.Random(3)
    notes = tuple(PlayedNote(dice.randrange(9600) / 960, dice.randrange(1, 960) / 960, p, 0.5) for p in range(40, 90))
    lines = (NoteLine("Kit", "drums", 8, notes[:9], True), NoteLine("Rhodes ☂", "other", 4, notes[9:]))
    sections = (Section("intro", 0, 2.0), Section("chorus", 2, 1.5))
    written = NoteSheet("Regn", 96.0, 4, 14.0, lines, sections=sections, remark="Heard.")
    write_midi(tmp_path / "a.mid", written)
    read = read_midi(tmp_path / "a.mid")
    assert (read.title, read.tempo, read.beats_per_bar, read.beats) == ("Regn", 96.0, 4, 14.0)
    assert (read.sections, read.remark, read.key) == (sections, "Heard.", "")
    for before, after in zip(lines, read.lines, strict=True):
        assert (after.name, after.stem, after.program, after.drums) == (
            before.name, before.stem, before.program, before.drums
        )  # fmt: skip
        expected = sorted(before.notes, key=lambda note: (note.beat, note.pitch))
        assert [(n.beat, n.duration, n.pitch) for n in after.notes] == [(n.beat, n.duration, n.pitch) for n in expected]
        assert {n.velocity for n in after.notes} == {64 / 127}
    write_midi(tmp_path / "b.mid", read)
    assert (tmp_path / "b.mid").read_bytes() == (tmp_path / "a.mid").read_bytes()


@pytest.mark.parametrize("content", [b"", b"RIFF and so on", b"MThd\0\0\0\6\0\1\0\1\3\xc0MTrk\0\0\0\4\0\xff/\0"])
def test_what_is_no_sheet_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mid").write_bytes(content)
    with pytest.raises(FileProblem, match="damaged or no MIDI file"):
        read_midi(tmp_path / "a.mid")
    with pytest.raises(FileProblem, match="There is no file"):
        read_midi(tmp_path / "b.mid")


def test_a_damaged_sheet_is_a_sentence_wherever_it_breaks_off(tmp_path: Path) -> None:
    write_midi(tmp_path / "a.mid", sheet(line(PlayedNote(1.0, 1.0, 60, 0.5)), sections=(Section("intro", 0, 2.0),)))
    whole = (tmp_path / "a.mid").read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "a.mid").write_bytes(whole[:length])
        with pytest.raises(FileProblem, match="damaged or no MIDI file"):
            read_midi(tmp_path / "a.mid")
