"""The key of a recording: how its notes are spread over the scale, held against the 24 major and minor keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nur_studio.audio.chroma import Chroma

# How often each degree sounds in pieces of common practice: J. Albrecht and D. Shanahan, "The use of large corpora to
# train a new type of key-finding algorithm", Music Perception 31 (2013).
_MAJOR = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
_MINOR = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
_BASS = 0.15  # how much the lowest notes' own favourite counts beside that
_CLEAR_FIT, _CLEAR = 0.6, 0.45  # correlation with the profile; confidence

# As musicians spell them: the signature with fewer signs.
_MAJORS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_MINORS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class KeyReading:
    """`name` such as "A minor" or "F# major"; `confidence` from 0 to 1."""

    name: str
    confidence: float


def find_key(chroma: Chroma) -> KeyReading | None:
    """The key, or None where no key stands out: silence, noise, drums, notes of no scale."""
    notes, bass = chroma.notes.sum(axis=0), chroma.bass.sum(axis=0)
    if notes.max(initial=0.0) <= 0.0:
        return None
    fits = np.array(
        [[np.corrcoef(np.roll(profile, tonic), notes)[0, 1] for tonic in range(12)] for profile in (_MAJOR, _MINOR)]
    )
    scores = fits + _BASS * bass / max(float(bass.max()), 1e-12)
    mode, tonic = divmod(int(np.argmax(scores)), 12)
    lead = float(scores[mode, tonic] - np.partition(scores, -2, axis=None)[-2])
    fit = float(fits[mode, tonic])
    confidence = min(1.0, fit) * min(1.0, 0.5 + 2.5 * lead)
    if fit < _CLEAR_FIT or confidence < _CLEAR:
        return None
    name = f"{_MINORS[tonic]} minor" if mode else f"{_MAJORS[tonic]} major"
    return KeyReading(name, round(confidence, 3))
