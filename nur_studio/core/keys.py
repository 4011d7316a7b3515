"""Keys by their names (`A minor`, `F# major`, `D dorian`), and how scores and file tags spell them."""

from __future__ import annotations

_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
# How many sharps fewer than the major scale on the same tonic has.
_MODES = {
    "": 0, "major": 0, "major pentatonic": 0, "lydian": -1, "mixolydian": 1, "dorian": 2,
    "minor": 3, "minor pentatonic": 3, "blues": 3, "phrygian": 4, "locrian": 5,
}  # fmt: skip
_MINOR_THIRD = {"minor", "minor pentatonic", "blues", "dorian", "phrygian", "locrian"}
_MAJOR_NAMES = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINOR_NAMES = ("Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m", "D#m", "A#m")


def tonic(key: str) -> int | None:
    """The pitch class of a key's first step (0 is C); None for "" or what is no key."""
    name, mode = _parts(key)
    return None if mode is None else (_SEMITONES[name[0]] + name.count("#") - name[1:].count("b")) % 12


def initial_key(key: str) -> str:
    """As DJ and audio programs tag it, in three characters at most: `Am`, `F#`, `Dm` for D dorian. "" for no key."""
    name, mode = _parts(key)
    return "" if mode is None else name + ("m" if mode in _MINOR_THIRD else "")


def signature(key: str) -> str:
    """The key signature by the name of the major or minor key that has it: D dorian is written as `C`. "" for no key.

    Signatures of more than seven sharps or flats are those of the same key with fewer.
    """
    name, mode = _parts(key)
    if mode is None:
        return ""
    sharps = _FIFTHS[name[0]] + 7 * name.count("#") - 7 * name[1:].count("b") - _MODES[mode]
    while sharps > 7:
        sharps -= 12
    while sharps < -7:
        sharps += 12
    return (_MINOR_NAMES if mode in ("minor", "minor pentatonic", "blues") else _MAJOR_NAMES)[sharps + 7]


def _parts(key: str) -> tuple[str, str | None]:
    """Tonic and mode; no mode where it is no key."""
    name, _, mode = key.partition(" ")
    known = name[:1] in _FIFTHS and len(name) <= 2 and name[1:] in ("", "#", "b") and mode in _MODES
    return name, mode if known and name else None
