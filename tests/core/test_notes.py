"""Notes: one stem's lines, and notes on the steps of a beat."""

from __future__ import annotations

from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote, on_steps

BASS = NoteLine("Bass", "bass", 33, (PlayedNote(1.52, 0.9, 40, 0.5), PlayedNote(2.13, 0.01, 41, 0.5)))
PIANO = NoteLine("Piano", "other", 0, (PlayedNote(0.1, 1.0, 60, 0.5),))
SHEET = NoteSheet("Rain", 97.0, 4, 8.0, (BASS, PIANO))


def test_steps_are_the_nearest_and_a_note_has_one_at_least() -> None:
    assert on_steps(0.12, 0.13, 4) == (0.0, 0.25)
    assert on_steps(0.13, 0.9, 4) == (0.25, 1.0)
    assert on_steps(1.1, 1.1, 2) == (1.0, 1.5)


def test_a_stem_has_its_own_lines() -> None:
    assert SHEET.only("bass").lines == (BASS,)
    assert SHEET.only("vocals").lines == ()


def test_quantised_notes_keep_pitch_and_velocity() -> None:
    bass, piano = SHEET.quantised(4).lines
    assert [(n.beat, n.duration, n.pitch, n.velocity) for n in bass.notes] == [
        (1.5, 1.0, 40, 0.5),
        (2.25, 0.25, 41, 0.5),
    ]
    assert (piano.name, piano.stem, piano.notes[0].beat) == ("Piano", "other", 0.0)
