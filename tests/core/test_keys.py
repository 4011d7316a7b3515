"""Keys as tags and scores spell them."""

from __future__ import annotations

import pytest

from nur_studio.core.keys import initial_key, signature, tonic


@pytest.mark.parametrize(
    ("key", "pitch_class", "tag", "written"),
    [
        ("A minor", 9, "Am", "Am"),
        ("C major", 0, "C", "C"),
        ("F# major", 6, "F#", "F#"),
        ("F# minor", 6, "F#m", "F#m"),
        ("Eb minor", 3, "Ebm", "Ebm"),
        ("Db major", 1, "Db", "Db"),
        ("D dorian", 2, "Dm", "C"),
        ("D mixolydian", 2, "D", "G"),
        ("E phrygian", 4, "Em", "C"),
        ("F lydian", 5, "F", "C"),
        ("B locrian", 11, "Bm", "C"),
        ("C# dorian", 1, "C#m", "B"),
        ("A blues", 9, "Am", "Am"),
        ("G major pentatonic", 7, "G", "G"),
        ("G# major", 8, "G#", "Ab"),  # eight sharps, which nobody writes
        ("Cb minor", 11, "Cbm", "Bm"),
        ("A", 9, "A", "A"),
    ],
)
def test_keys(key: str, pitch_class: int, tag: str, written: str) -> None:
    assert (tonic(key), initial_key(key), signature(key)) == (pitch_class, tag, written)


@pytest.mark.parametrize("key", ["", "H major", "A happy", "minor", "A## minor", "c minor"])
def test_what_is_no_key(key: str) -> None:
    assert (tonic(key), initial_key(key), signature(key)) == (None, "", "")
