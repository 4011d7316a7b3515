"""The score: what the composer writes and the synthesizer plays.

Musical time is in quarter-note beats from bar 1 (float, 0-based). Beat b sounds at exactly b * 60 / tempo seconds;
what makes a groove (swing, late snares, a hand's ±ms) is in each event's `shift_s`, never in the tempo.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from nur_studio.core.timing import Grid, Section

INSTRUMENTS = (
    # bass
    "upright_bass", "sine_bass", "sub_bass", "bass_808", "finger_bass", "picked_bass", "slap_bass", "saw_bass",
    "acid_bass", "reese_bass", "octave_bass",
    # keys
    "rhodes", "piano", "felt_piano", "house_piano", "organ", "clavinet", "harpsichord",
    # guitars
    "nylon_guitar", "steel_guitar", "clean_guitar", "muted_guitar", "drive_guitar", "lead_guitar", "banjo", "harp",
    # bowed, blown
    "strings", "staccato_strings", "pizzicato", "violin", "viola", "cello", "contrabass",
    "brass", "french_horn", "trumpet", "muted_trumpet", "saxophone", "flute", "clarinet", "oboe", "harmonica",
    # pads, voices
    "warm_pad", "saw_pad", "air_pad", "glass_pad", "drone", "shimmer", "choir", "voice",
    # bells, mallets
    "bell", "celesta", "glockenspiel", "music_box", "marimba", "vibraphone", "kalimba", "timpani",
    # synth
    "saw_lead", "square_lead", "sine_lead", "pluck", "arp", "stab", "hoover", "chip",
)  # fmt: skip
"""Pitched instruments. `choir` and `voice` go to the vocals stem."""

KITS = (
    "dusty", "boom_bap", "kit_808", "kit_909", "breaks", "gated", "pop", "rock", "metal", "funk", "brushes", "latin",
    "folk", "orchestral", "taiko", "minimal",
)  # fmt: skip
"""Drum kits: the same sound names, voiced differently."""

SOUNDS = (
    "kick", "snare", "rim", "clap", "snap", "hat", "hat_pedal", "hat_open", "ride", "ride_bell", "crash", "splash",
    "shaker", "tambourine", "tom_low", "tom_mid", "tom_high", "conga_low", "conga_high", "bongo_low", "bongo_high",
    "clave", "cowbell", "woodblock", "brush_sweep", "taiko", "boom", "tick", "impact", "riser", "reverse_crash",
    "rumble",
)  # fmt: skip
"""Drum and effect sounds. `hat` and `hat_pedal` choke `hat_open`; `riser` and `reverse_crash` END at their start beat
plus duration, `rumble` is techno's low tail after a kick."""


@dataclass(frozen=True, slots=True)
class Note:
    """A pitched event. `pitch` is MIDI (60 = middle C); `velocity` 0 to 1; `glide_from` slides from another pitch."""

    beat: float
    duration: float
    pitch: int
    velocity: float
    shift_s: float = 0.0
    glide_from: int | None = None
    accent: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A drum event. `duration` in beats matters only to sounds that sustain (riser, brush_sweep, rumble)."""

    beat: float
    sound: str
    velocity: float
    shift_s: float = 0.0
    duration: float = 0.25


@dataclass(frozen=True, slots=True)
class Part:
    """A line of one instrument or kit, and its strip on the desk.

    `stem` is one of drums, bass, vocals, other. `level_db` is relative to a sane default balance of its instrument
    (so 0 is right for most); `pan` −1 to 1; `room`, `hall`, `delay` are sends 0 to 1; `width` 0 mono to 1 wide;
    `duck` 0 to 1 is how much the kick pumps it; `brightness` a curve of (beat, 0 to 1), linear between its points,
    that opens filters (0.5 is the instrument's natural tone); `drive` 0 to 1 saturates; `wobble` 0 to 1 is tape wow.
    """

    name: str
    stem: str
    instrument: str
    notes: tuple[Note, ...] = ()
    hits: tuple[Hit, ...] = ()
    level_db: float = 0.0
    pan: float = 0.0
    width: float = 0.5
    room: float = 0.1
    hall: float = 0.0
    delay: float = 0.0
    duck: float = 0.0
    brightness: tuple[tuple[float, float], ...] = ((0.0, 0.5),)
    drive: float = 0.0
    wobble: float = 0.0


@dataclass(frozen=True, slots=True)
class Texture:
    """Noise that is part of the sound: kind is vinyl_crackle, tape_hiss, rain, wind, waves, fire or night.

    It plays into the stem `other` (vinyl_crackle and tape_hiss) or as ambience (the rest), faded at both ends.
    """

    kind: str
    level_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Finish:
    """The mix bus. `low_pass_hz` 0 is off; `warmth` 0 to 1 is tape saturation; `glue` 0 to 1 bus compression;
    `hall_s` and `room_s` are the reverbs' decay times (RT60); `delay_beats` the echo's time; `fade_out_s` is the
    last fade; `loop` wraps every tail to the start instead of letting it end."""

    low_pass_hz: float = 0.0
    warmth: float = 0.15
    glue: float = 0.4
    room_s: float = 0.5
    hall_s: float = 2.4
    delay_beats: float = 0.75
    fade_out_s: float = 0.0
    loop: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """A whole piece. `duration_s` is the exact length asked for; the last events end early enough to ring out in it."""

    title: str
    genre: str
    tempo: int
    beats_per_bar: int
    key: str
    duration_s: float
    seed: int
    sections: tuple[Section, ...]
    parts: tuple[Part, ...]
    textures: tuple[Texture, ...] = ()
    finish: Finish = field(default_factory=Finish)

    @property
    def grid(self) -> Grid:
        return Grid(float(self.tempo), self.beats_per_bar)
