"""Sketch's score as notes for other programs: instruments as General MIDI programs, sounds as its drum keys."""

from __future__ import annotations

from nur_studio.core.notes import NoteLine, NoteSheet, PlayedNote
from nur_studio.engines.sketch.score import Part, Score

# General MIDI programs, counted from 0.
PROGRAMS = {
    # bass
    "upright_bass": 32, "sine_bass": 39, "sub_bass": 39, "bass_808": 39, "finger_bass": 33, "picked_bass": 34,
    "slap_bass": 36, "saw_bass": 38, "acid_bass": 38, "reese_bass": 39, "octave_bass": 38,
    # keys
    "rhodes": 4, "piano": 0, "felt_piano": 0, "house_piano": 1, "organ": 16, "clavinet": 7, "harpsichord": 6,
    # guitars
    "nylon_guitar": 24, "steel_guitar": 25, "clean_guitar": 27, "muted_guitar": 28, "drive_guitar": 30,
    "lead_guitar": 29, "banjo": 105, "harp": 46,
    # bowed, blown
    "strings": 48, "staccato_strings": 48, "pizzicato": 45, "violin": 40, "viola": 41, "cello": 42, "contrabass": 43,
    "brass": 61, "french_horn": 60, "trumpet": 56, "muted_trumpet": 59, "saxophone": 66, "flute": 73, "clarinet": 71,
    "oboe": 68, "harmonica": 22,
    # pads, voices
    "warm_pad": 89, "saw_pad": 90, "air_pad": 91, "glass_pad": 92, "drone": 95, "shimmer": 94, "choir": 52,
    "voice": 53,
    # bells, mallets
    "bell": 14, "celesta": 8, "glockenspiel": 9, "music_box": 10, "marimba": 12, "vibraphone": 11, "kalimba": 108,
    "timpani": 47,
    # synth
    "saw_lead": 81, "square_lead": 80, "sine_lead": 80, "pluck": 88, "arp": 88, "stab": 62, "hoover": 87, "chip": 80,
}  # fmt: skip

# General MIDI 2 kits, which the first General MIDI ignores: standard, room, power, electronic, 808, jazz, brush …
KIT_PROGRAMS = {
    "dusty": 8, "boom_bap": 0, "kit_808": 25, "kit_909": 24, "breaks": 8, "gated": 16, "pop": 0, "rock": 16,
    "metal": 16, "funk": 0, "brushes": 40, "latin": 0, "folk": 0, "orchestral": 48, "taiko": 48, "minimal": 24,
}  # fmt: skip

DRUM_KEYS = {
    "kick": 36, "boom": 35, "snare": 38, "brush_sweep": 40, "rim": 37, "clap": 39, "snap": 39, "hat": 42,
    "hat_pedal": 44, "hat_open": 46, "ride": 51, "ride_bell": 53, "crash": 49, "impact": 57, "splash": 55,
    "shaker": 70, "tambourine": 54, "tom_low": 45, "tom_mid": 47, "tom_high": 50, "taiko": 41, "conga_low": 64,
    "conga_high": 63, "bongo_low": 61, "bongo_high": 60, "clave": 75, "cowbell": 56, "woodblock": 76, "tick": 77,
}  # fmt: skip
UNWRITTEN = ("riser", "reverse_crash", "rumble")
"""Noises that lead up to something or trail after it: no drum key stands for them."""


def notation(score: Score) -> NoteSheet:
    """Every note and drum of `score` where it sounds. Slides become the note they arrive at."""
    lines = (_line(part, score.tempo) for part in score.parts)
    return NoteSheet(
        title=score.title,
        tempo=float(score.tempo),
        beats_per_bar=score.beats_per_bar,
        beats=score.duration_s * score.tempo / 60.0,
        lines=tuple(line for line in lines if line.notes),
        key=score.key,
        sections=score.sections,
    )


def _line(part: Part, tempo: int) -> NoteLine:
    beats_a_second = tempo / 60.0
    notes = [PlayedNote(n.beat + n.shift_s * beats_a_second, n.duration, n.pitch, n.velocity) for n in part.notes]
    hits = [
        PlayedNote(hit.beat + hit.shift_s * beats_a_second, hit.duration, DRUM_KEYS[hit.sound], hit.velocity)
        for hit in part.hits
        if hit.sound not in UNWRITTEN
    ]
    drums = part.instrument in KIT_PROGRAMS
    program = (KIT_PROGRAMS if drums else PROGRAMS)[part.instrument]
    return NoteLine(part.name, part.stem, program, tuple(notes + hits), drums)
