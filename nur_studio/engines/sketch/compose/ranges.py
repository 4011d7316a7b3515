"""Instruments: the pitches they can play, the stem they go to, and what the words of a prompt mean in them."""

from __future__ import annotations

RANGES: dict[str, tuple[int, int]] = {
    "upright_bass": (28, 60), "sine_bass": (26, 55), "sub_bass": (26, 52), "bass_808": (25, 52), "finger_bass": (28,
        60),
    "picked_bass": (28, 60), "slap_bass": (28, 64), "saw_bass": (26, 60), "acid_bass": (28, 64), "reese_bass": (26,
        54),
    "octave_bass": (28, 62),
    "rhodes": (36, 90), "piano": (28, 96), "felt_piano": (33, 92), "house_piano": (40, 90), "organ": (36, 90),
    "clavinet": (40, 86), "harpsichord": (36, 86),
    "nylon_guitar": (40, 79), "steel_guitar": (40, 80), "clean_guitar": (40, 84), "muted_guitar": (45, 82),
    "drive_guitar": (38, 76), "lead_guitar": (48, 88), "banjo": (50, 84), "harp": (36, 96),
    "strings": (40, 93), "staccato_strings": (40, 90), "pizzicato": (40, 90), "violin": (55, 96), "viola": (48, 84),
    "cello": (36, 72), "contrabass": (28, 55),
    "brass": (43, 82), "french_horn": (41, 77), "trumpet": (54, 84), "muted_trumpet": (54, 84), "saxophone": (49, 81),
    "flute": (60, 93), "clarinet": (50, 86), "oboe": (58, 88), "harmonica": (55, 88),
    "warm_pad": (36, 84), "saw_pad": (40, 88), "air_pad": (48, 93), "glass_pad": (48, 93), "drone": (28, 60),
    "shimmer": (55, 93), "choir": (45, 81), "voice": (53, 79),
    "bell": (55, 96), "celesta": (60, 100), "glockenspiel": (67, 103), "music_box": (60, 96), "marimba": (45, 91),
    "vibraphone": (53, 89), "kalimba": (55, 88), "timpani": (38, 57),
    "saw_lead": (50, 93), "square_lead": (48, 96), "sine_lead": (50, 93), "pluck": (45, 93), "arp": (45, 93),
    "stab": (43, 84), "hoover": (40, 79), "chip": (33, 100),
}  # fmt: skip
BASSES = (
    "upright_bass", "sine_bass", "sub_bass", "bass_808", "finger_bass", "picked_bass", "slap_bass", "saw_bass",
    "acid_bass", "reese_bass", "octave_bass", "contrabass",
)  # fmt: skip
VOICES = ("choir", "voice")

WORDS: dict[str, tuple[str, str]] = {
    # word of the prompt: instrument, what it plays
    "bass": ("", "bass"), "upright bass": ("upright_bass", "bass"), "slap bass": ("slap_bass", "bass"),
    "picked bass": ("picked_bass", "bass"), "sub bass": ("sub_bass", "bass"), "808": ("bass_808", "bass"),
    "acid bass": ("acid_bass", "bass"), "reese bass": ("reese_bass", "bass"), "synth bass": ("saw_bass", "bass"),
    "piano": ("piano", "comp"), "felt piano": ("felt_piano", "comp"), "house piano": ("house_piano", "comp"),
    "rhodes": ("rhodes", "comp"), "organ": ("organ", "comp"), "clavinet": ("clavinet", "comp"),
    "harpsichord": ("harpsichord", "comp"), "accordion": ("harmonica", "lead"),
    "guitar": ("clean_guitar", "comp"), "acoustic guitar": ("steel_guitar", "comp"),
    "nylon guitar": ("nylon_guitar", "comp"), "electric guitar": ("clean_guitar", "comp"),
    "muted guitar": ("muted_guitar", "comp"), "distorted guitar": ("drive_guitar", "riff"),
    "lead guitar": ("lead_guitar", "lead"), "banjo": ("banjo", "arp"), "harp": ("harp", "arp"),
    "strings": ("strings", "pad"), "staccato strings": ("staccato_strings", "ostinato"),
    "pizzicato": ("pizzicato", "arp"), "violin": ("violin", "lead"), "viola": ("viola", "lead"),
    "cello": ("cello", "lead"), "brass": ("brass", "hits"), "french horn": ("french_horn", "lead"),
    "trumpet": ("trumpet", "lead"), "muted trumpet": ("muted_trumpet", "lead"), "saxophone": ("saxophone", "lead"),
    "flute": ("flute", "lead"), "clarinet": ("clarinet", "lead"), "oboe": ("oboe", "lead"),
    "harmonica": ("harmonica", "lead"), "choir": ("choir", "pad"), "vocals": ("voice", "lead"), "pad": ("warm_pad",
        "pad"),
    "air pad": ("air_pad", "pad"), "saw pad": ("saw_pad", "pad"), "glass pad": ("glass_pad", "pad"),
    "drone": ("drone", "drone"), "shimmer": ("shimmer", "pad"), "bells": ("bell", "sparse"),
    "celesta": ("celesta", "sparse"), "glockenspiel": ("glockenspiel", "sparse"), "music box": ("music_box", "lead"),
    "marimba": ("marimba", "arp"), "vibraphone": ("vibraphone", "lead"), "kalimba": ("kalimba", "arp"),
    "timpani": ("timpani", "timpani"), "synth lead": ("saw_lead", "lead"), "square lead": ("square_lead", "lead"),
    "theremin": ("sine_lead", "lead"), "pluck": ("pluck", "arp"), "arpeggio": ("arp", "arp"), "stabs": ("stab",
        "hits"),
    "hoover": ("hoover", "hits"), "chip": ("chip", "arp"), "synth": ("saw_lead", "lead"),
}  # fmt: skip
DRUM_WORDS: dict[str, tuple[str, ...]] = {
    "kick": ("kick",), "snare": ("snare",), "hi-hats": ("hat", "hat_open", "hat_pedal"), "claps": ("clap",),
    "snaps": ("snap",), "shaker": ("shaker",), "tambourine": ("tambourine",), "congas": ("conga_low", "conga_high"),
    "bongos": ("bongo_low", "bongo_high"), "cowbell": ("cowbell",), "toms": ("tom_low", "tom_mid", "tom_high"),
    "percussion": ("conga_high", "conga_low", "shaker"), "taiko": ("taiko",), "brushes": ("brush_sweep",),
}  # fmt: skip


def fold(pitch: int, instrument: str) -> int:
    """The pitch in the octave nearest to it that the instrument has."""
    low, high = RANGES[instrument]
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch


def stem_of(instrument: str) -> str:
    if instrument in VOICES:
        return "vocals"
    if instrument == "timpani":
        return "drums"
    return "bass" if instrument in BASSES else "other"
