"""From a task to a plan: key, form, harmony, energy and the words' wishes, all decided before a note is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from nur_studio.core.prompt import PromptReading
from nur_studio.engines.base import MusicTask
from nur_studio.engines.sketch.compose.dice import Dice
from nur_studio.engines.sketch.compose.form import Form, plan_form
from nur_studio.engines.sketch.compose.harmony import Harmony, plan_harmony
from nur_studio.engines.sketch.compose.style import Style
from nur_studio.engines.sketch.compose.styles import STYLES
from nur_studio.engines.sketch.compose.theory import MINOR_MODES, SCALES, Key, parse_key

_BRIGHT_MOODS = {"happy", "bright", "playful", "major", "groovy"}
_OPEN = {"bright", "happy", "energetic", "epic"}
_DARK_MOODS = {"sad", "dark", "aggressive", "tense", "minor", "mysterious"}
_CHAMBER = frozenset(
    (
        "harp", "harpsichord", "strings", "violin", "viola", "cello", "pizzicato", "flute", "clarinet", "oboe",
        "french horn", "celesta",
    )
)  # fmt: skip
_ACID = re.compile(r"\bacid\b(?!\s+jazz)", re.IGNORECASE)
# Keys that lie well on guitars; others take any.
_GUITAR_TONICS = (4, 9, 2, 7, 0, 11)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the lines need to know. `energy`, `tone` and `register` are what the moods add."""

    task: MusicTask
    style: Style
    key: Key
    key_name: str
    beats_per_bar: int
    form: Form
    harmony: Harmony
    swing: float
    energy: float
    tone: float
    register: int
    layering: float

    @property
    def reading(self) -> PromptReading:
        return self.task.reading

    @property
    def tempo(self) -> int:
        return self.task.tempo

    def dice(self, *names: str | int) -> Dice:
        return Dice(self.task.seed, self.reading.genre, *names)


def make_plan(task: MusicTask) -> Plan:
    """Decide all that is decided once."""
    reading = task.reading
    style = _style(task)
    moods = set(reading.moods)
    dice = Dice(task.seed, reading.genre, "plan")
    key, asked = _key(style, reading, moods, dice)
    beats = max(1, reading.beats_per_bar)
    form = plan_form(task.duration_s, task.tempo, beats, style.ring_s, style.naming, style.lift, reading.loop)
    energy = 0.08 * bool(moods & {"energetic", "epic", "aggressive"}) - 0.08 * bool(moods & {"calm", "sad", "romantic"})
    energy -= 0.06 * ("minimal" in moods)
    form = replace(
        form,
        passages=tuple(replace(p, energy=min(1.0, max(0.15, p.energy + energy))) for p in form.passages),
    )
    harmony = plan_harmony(form, style, key, beats, task.tempo, asked, Dice(task.seed, reading.genre, "harmony"))
    low, high = style.swing
    return Plan(
        task=task,
        style=style,
        key=key,
        key_name=reading.key or key.name,
        beats_per_bar=beats,
        form=form,
        harmony=harmony,
        swing=dice.between(low, high),
        energy=energy,
        tone=0.12 * bool(moods & _OPEN) - 0.12 * bool(moods & {"dark", "sad", "calm"}),
        register=2 * bool(moods & {"bright", "happy", "playful"}) - 3 * bool(moods & {"dark", "sad"}),
        layering=0.18 * bool(moods & {"dense", "epic"}) - 0.2 * ("minimal" in moods),
    )


def _style(task: MusicTask) -> Style:
    """The genre's way of playing, bent to words that are more than an instrument and less than a genre."""
    reading = task.reading
    if not reading.genre_heard and reading.instruments and _CHAMBER.issuperset(reading.instruments):
        return STYLES["classical"]  # "flute and harp" is no pop song
    style = STYLES.get(reading.genre, STYLES["pop"])
    if style.naming == "club" and _ACID.search(task.prompt) and "acid bass" not in reading.excluded:
        squelch = STYLES["techno"]
        style = replace(style, bass=squelch.bass, bass_how=squelch.bass_how, bass_rhythms=squelch.bass_rhythms)
    return style


def _key(style: Style, reading: PromptReading, moods: set[str], dice: Dice) -> tuple[Key, bool]:
    asked = parse_key(reading.key)
    if asked is not None:
        return asked, True
    modes = list(style.modes)
    if "minor" in moods or ("major" not in moods and moods & _DARK_MOODS and not moods & _BRIGHT_MOODS):
        modes = [(mode, weight) for mode, weight in modes if mode in MINOR_MODES] or [("minor", 1.0)]
    elif "major" in moods or (moods & (_BRIGHT_MOODS - {"groovy"}) and not moods & _DARK_MOODS):
        modes = [(mode, weight) for mode, weight in modes if mode not in MINOR_MODES] or [("major", 1.0)]
    mode = dice.weighted(modes)
    guitars = any("guitar" in instrument for layer in style.layers[:2] for instrument in layer.instruments)
    tonic = dice.pick(_GUITAR_TONICS) if guitars else dice.whole(0, 11)
    return Key(tonic, mode), False


def melody_scale(plan: Plan) -> str:
    """The scale melodies move in: the genre's own, in the colour of the mode."""
    wanted = plan.style.scale
    if wanted == "pentatonic":
        return "minor pentatonic" if plan.key.minor else "major pentatonic"
    if wanted == "minor pentatonic" and not plan.key.minor:
        return "major pentatonic"
    return wanted if wanted in SCALES else plan.key.mode
