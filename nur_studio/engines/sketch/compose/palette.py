"""The palette: which instruments play which layers, after the words of the prompt have had their say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nur_studio.engines.sketch.compose.plan import Plan
from nur_studio.engines.sketch.compose.ranges import DRUM_WORDS, RANGES, VOICES, WORDS, stem_of
from nur_studio.engines.sketch.compose.style import Layer

_CHORDS = ("comp", "strum", "pick", "riff", "boomchick", "montuno")
_TUNES = ("lead", "counter", "fills", "harmony", "octaves")
_GROUPS = (_CHORDS, ("lead",), ("pad", "drone"), ("arp", "ostinato"), ("hits", "swell"), ("sparse", "fills"))
# Instruments that can carry chords, a tune and a bass line alone.
_COMPLETE = (
    "piano", "felt_piano", "house_piano", "rhodes", "organ", "harpsichord", "clavinet", "nylon_guitar", "steel_guitar",
    "clean_guitar", "harp", "marimba", "vibraphone", "kalimba", "celesta", "music_box",
)  # fmt: skip
_SYNTHS = ("saw_lead", "square_lead", "sine_lead", "pluck", "arp", "stab", "hoover", "chip")
_PLUCKED = ("nylon_guitar", "steel_guitar", "clean_guitar", "harp")


@dataclass(frozen=True, slots=True)
class Voice:
    """A layer with the instrument chosen for it. `asked` is true where the prompt named it."""

    layer: Layer
    instrument: str
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Palette:
    """All that plays: pitched voices, the bass instrument ("" for none), whether there are drums."""

    voices: tuple[Voice, ...]
    bass: str
    drums: bool
    kit: str


def choose_palette(plan: Plan) -> Palette:
    """The genre's instruments, what was asked for put in its place, what was ruled out left out."""
    reading, style, dice = plan.reading, plan.style, plan.dice("palette")
    excluded = frozenset(reading.excluded)
    asked = [word for word in reading.instruments if word in WORDS]
    bass = dice.pick(style.bass)
    named_basses = [WORDS[word][0] for word in asked if WORDS[word][1] == "bass" and WORDS[word][0]]
    bass = named_basses[0] if named_basses else bass
    voices: list[Voice] = []
    if "other" in excluded:
        voices = _alone(plan, asked)
    else:
        taken: set[str] = set()
        for layer in style.layers:
            options = [i for i in layer.instruments if not _barred(i, layer.how, excluded)]
            fresh = [i for i in options if i not in taken or i == "drive_guitar" or i == "strings"] or options
            if fresh:
                instrument = dice.pick(fresh)
                taken.add(instrument)
                voices.append(Voice(_titled(layer, instrument), instrument))
        for word in asked:
            voices = _give_place(voices, word, plan)
    drums = "drums" not in excluded
    kit = "taiko" if "taiko" in reading.instruments else "brushes" if "brushes" in reading.instruments else style.kit
    if style.groove == "none" and not any(w in DRUM_WORDS or w == "drums" for w in reading.instruments):
        drums = False
    return Palette(tuple(voices), "" if "bass" in excluded or (bass and bass in _named(excluded)) else bass, drums, kit)


def _titled(layer: Layer, instrument: str) -> Layer:
    """The layer, called by the instrument that plays it where its own name is another instrument's."""
    called = layer.name.lower().replace(" ", "_")
    if called in RANGES and called != instrument:
        return replace(layer, name=instrument.replace("_", " ").capitalize())
    return layer


_FAMILIES = {
    "guitar": frozenset[str](),
    "piano": frozenset[str](),
    "pad": frozenset[str](),
    "strings": frozenset({"pizzicato", "violin", "viola", "cello"}),
    "brass": frozenset({"french_horn", "trumpet", "muted_trumpet"}),
    "synth": _SYNTHS,
}
"""What leaves with a family that is not wanted, beside the instruments that carry its name."""


def _named(words: Iterable[str]) -> set[str]:
    return {WORDS[word][0] for word in words if word in WORDS}


def _barred(instrument: str, how: str, excluded: frozenset[str]) -> bool:
    if not excluded:
        return False
    if stem_of(instrument) in excluded or instrument in _named(excluded):
        return True
    if ("melody" in excluded and how in _TUNES) or ("chords" in excluded and how in (*_CHORDS, "pad")):
        return True
    return any(word in excluded and (word in instrument or instrument in others) for word, others in _FAMILIES.items())


def _give_place(voices: list[Voice], word: str, plan: Plan) -> list[Voice]:
    """Let an asked instrument play: in the layer that suits it, or in one of its own."""
    instrument, how = WORDS[word]
    if how == "bass" or not instrument:
        return voices
    for index, voice in enumerate(voices):
        related = voice.instrument == instrument or (word == "guitar" and "guitar" in voice.instrument)
        if related:
            voices[index] = Voice(_forward(voice.layer), voice.instrument, asked=True)
            return voices
    group = next((group for group in _GROUPS if how in group), (how,))
    for index, voice in enumerate(voices):
        if voice.layer.how in group and not voice.asked and instrument not in VOICES:
            layer = replace(_forward(voice.layer), name=word.capitalize(), level_db=max(0.0, voice.layer.level_db))
            if "guitar" in instrument and layer.how == "riff" and instrument != "drive_guitar":
                layer = replace(layer, how="strum" if instrument == "steel_guitar" else "comp", centre=60, drive=0.0)
            voices[index] = Voice(layer, instrument, asked=True)
            return voices
    rhythms = {"comp": ("X---x---X---x---", "X-----x-X-------"), "arp": ("x.x.x.x.x.x.x.x.", "x..x..x.x..x..x.")}.get(
        how, ("X---..X-----....", "X---------------")
    )
    centre = {"lead": 72, "pad": 62, "arp": 68, "sparse": 76, "timpani": 45, "drone": 45}.get(how, 62)
    second_tune = how == "lead" and instrument not in VOICES and any(voice.layer.how == "lead" for voice in voices)
    layer = Layer(
        word.capitalize(), "counter" if second_tune else how, (instrument,), rhythms, enter=0.4, centre=centre,
            velocity=0.64,
        pan=0.2, room=0.2, hall=0.2,
    )  # fmt: skip
    return [*voices, Voice(layer, instrument, asked=True)]


def _forward(layer: Layer) -> Layer:
    """The layer, heard earlier and a little louder."""
    return replace(layer, enter=min(layer.enter, 0.5), leave=2.0, velocity=min(0.85, layer.velocity + 0.06))


def _alone(plan: Plan, asked: list[str]) -> list[Voice]:
    """Nothing but the named instruments: one that can is a whole band by itself."""
    voices: list[Voice] = []
    for word in asked:
        instrument, how = WORDS[word]
        if how == "bass" or not instrument or (instrument in VOICES and "vocals" in plan.reading.excluded):
            continue
        if instrument in _COMPLETE:
            chords = "pick" if instrument in _PLUCKED else "comp" if plan.style.groove != "none" else "arp"
            rhythms = tuple(r for layer in plan.style.layers if layer.how == "comp" for r in layer.rhythms)
            if chords != "comp":
                rhythms = ("x.x.x.x.x.x.x.x.", "x.x.x.x.x...x.x.")
            title, only = word.capitalize(), (instrument,)
            voices += [
                Voice(Layer(f"{title} melody", "lead", only, centre=74, velocity=0.68, room=0.25, hall=0.2),
                    instrument, True),
                Voice(Layer(f"{title} chords", chords, only, rhythms or ("X---x---X---x---",), centre=60, voices=3,
                            velocity=0.5, room=0.25, hall=0.2), instrument, True),
                Voice(Layer(f"{title} bass", "bass", only, centre=43, velocity=0.6, room=0.25, hall=0.2), instrument,
                    True),
            ]  # fmt: skip
        else:
            role = "lead" if how == "lead" and not any(v.layer.how == "lead" for v in voices) else how
            role = "counter" if how == "lead" and role != "lead" else role
            centre = {"lead": 72, "counter": 62, "sparse": 76, "drone": 45, "timpani": 45}.get(role, 62)
            voices.append(
                Voice(Layer(word.capitalize(), role, (instrument,), ("X---x---X---x---",), centre=centre, room=0.25,
                    hall=0.3),
                      instrument, True)
            )  # fmt: skip
        if instrument == "voice":
            voices.append(
                Voice(Layer("Choir", "pad", ("choir",), centre=60, velocity=0.6, width=0.8, hall=0.35), "choir", True)
            )
    return voices
