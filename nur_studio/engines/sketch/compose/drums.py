"""Drums: a groove played through the form, with ghosts, variants, fills, crashes and risers."""

from __future__ import annotations

import math

from nur_studio.engines.sketch.compose.form import Passage
from nur_studio.engines.sketch.compose.grooves import GROOVES, Groove, Line
from nur_studio.engines.sketch.compose.plan import Plan
from nur_studio.engines.sketch.compose.ranges import DRUM_WORDS
from nur_studio.engines.sketch.compose.rhythm import VELOCITY, fit
from nur_studio.engines.sketch.score import Hit

BACKBEAT = ("snare", "clap", "rim", "snap")
_BAND_FILLS = ("toms", "snare", "jazz", "timbal")
_TOMS = ("tom_high", "tom_high", "tom_mid", "tom_mid", "tom_low", "tom_low", "tom_low", "tom_low")


def groove_of(plan: Plan) -> Groove:
    """The genre's groove with what the words ask for and without what they rule out."""
    reading = plan.reading
    groove = GROOVES[plan.style.groove]
    asked_drums = any(word in DRUM_WORDS or word == "drums" for word in reading.instruments)
    if not groove.lines and asked_drums:
        groove = GROOVES["cinematic" if "taiko" in reading.instruments else "downtempo"]
    lines = list(groove.lines)
    for word in reading.instruments:
        for sound in DRUM_WORDS.get(word, ()):
            if not any(line.sound == sound for line in lines):
                lines.append(_extra(sound))
    barred = {sound for word in reading.excluded for sound in DRUM_WORDS.get(word, (word,))}
    lines = [line for line in lines if line.sound not in barred]
    return Groove(tuple(lines), groove.fill, groove.crash, groove.half, groove.rolls)


def _extra(sound: str) -> Line:
    patterns = {
        "conga_high": ("..o..o....o..oo.", "..o.oo....o.o..."), "conga_low": ("o......oo......o",),
        "bongo_high": ("xgogxgogxgogxgog",), "bongo_low": ("......o.......oo",), "shaker": ("xgogxgogxgogxgog",),
        "clap": ("....x.......x...",), "snap": ("....x.......x...",), "tambourine": ("..x...x...x...x.",),
        "cowbell": ("x...x...x...x...",), "taiko": ("X.....x...x.....", "X..x..x...x.x..."),
            "kick": ("X...X...X...X...",),
        "snare": ("....X.......X...",), "hat": ("x.o.x.o.x.o.x.o.",), "tom_low": ("..............xx",),
        "brush_sweep": ("o...x...o...x...",),
    }.get(sound, ("................",))  # fmt: skip
    return Line(sound, 0.3, patterns, level=0.85)


def drum_hits(plan: Plan, active: set[int]) -> list[Hit]:
    """The whole drum part."""
    drummer = _Drummer(plan, groove_of(plan))
    passages = plan.form.passages
    for index, passage in enumerate(passages):
        following = passages[index + 1] if index + 1 < len(passages) else None
        if passage.kind == "end":
            if passage.index in active:
                drummer.end(passage)
        elif passage.index in active:
            drummer.play(passage, following, entering=index > 0)
    return drummer.hits


class _Drummer:
    def __init__(self, plan: Plan, groove: Groove) -> None:
        self.plan, self.groove = plan, groove
        self.dice = plan.dice("drums")
        self.bar = plan.beats_per_bar
        self.hits: list[Hit] = []

    def play(self, passage: Passage, following: Passage | None, *, entering: bool) -> None:
        bars = math.ceil(passage.beats / self.bar - 1e-9)
        lines = [line for line in self.groove.lines if line.enter <= passage.energy < line.leave]
        if passage.kind == "build":
            lines = [line for line in lines if line.sound != "kick" or passage.energy > 0.9] or lines
        leads = following is not None and (following.kind != "end" or self.groove.fill in _BAND_FILLS)
        filled = bool(lines) and leads and bars > 1 and passage.energy >= 0.4
        for index in range(bars):
            start = passage.start + index * self.bar
            # The second half of the last bar is the fill's.
            stop = min(passage.end, start + self.bar / 2 if filled and index == bars - 1 else start + self.bar)
            for line in lines:
                self._line(line, start, stop, index)
            if filled and index == bars - 1:
                self._fill(start + self.bar / 2, min(passage.end, start + self.bar), passage)
        if entering and passage.energy >= 0.55 and self.groove.crash and self._plays("crash"):
            self._hit(passage.start, "crash", 0.72)
        if following is not None and following.kind == "chorus" and self.plan.style.risers:
            self._rise(passage, following)

    def _line(self, line: Line, start: float, stop: float, index: int) -> None:
        sound = line.sound
        # Variants come at the ends of twos and fours, as drummers place them.
        place = (
            0
            if index % 2 == 0
            else index % len(line.patterns)
            if index % 4 == 3
            else self.dice.whole(0, len(line.patterns) - 1)
        )
        pattern = self._metred(sound, line.patterns[place % len(line.patterns)])
        rolls = self.groove.rolls and sound == "hat"
        for step, letter in enumerate(pattern):
            if letter == ".":
                continue
            beat = start + step / 4
            if beat >= stop - 1e-6:
                break
            velocity = VELOCITY[letter] * line.level
            if letter == "g" and self.dice.chance(0.15):
                continue
            velocity *= 1.0 + self.dice.normal(0.05)
            if rolls and letter == "o" and self.dice.chance(0.18):
                self._roll(beat, velocity, stop)
                continue
            self._hit(beat, sound, velocity, 1.0 if sound == "brush_sweep" else 0.25)

    def _metred(self, sound: str, pattern: str) -> str:
        """The pattern in the piece's metre and feel."""
        if self.plan.reading.half_time:
            if sound in ("snare", "clap", "rim") and "x" in pattern.lower():
                pattern = "........X......." if sound != "rim" else "........x......."
            elif sound == "kick":
                pattern = (
                    "X"
                    + "".join(letter if step in (6, 7, 10, 11, 14) else "." for step, letter in enumerate(pattern))[1:]
                )
        if self.bar == 3 and self.plan.style.genre != "jazz":
            if sound in BACKBEAT:
                return "....o...x..." if sound != "clap" else "........x..."
            if sound == "kick" and pattern.count("X") < 4:
                return "X..........." if pattern[10:12] == ".." else "X.........o."
        return fit(pattern, self.bar)

    def _roll(self, beat: float, velocity: float, stop: float) -> None:
        """Hats in 32nds or triplets, growing or falling."""
        count, span = self.dice.pick(((4, 0.5), (3, 0.5), (6, 0.5), (2, 0.25)))
        grow = self.dice.chance(0.5)
        for index in range(count):
            at = beat + span * index / count
            if at < stop:
                part = index / count if grow else 1 - index / count
                self._hit(at, "hat", velocity * (0.6 + 0.4 * part))

    def _fill(self, start: float, stop: float, passage: Passage) -> None:
        kind, dice = self.groove.fill, self.dice
        steps = max(1, round((stop - start) * 4))
        if kind in ("none", "cut", "drop"):
            if kind == "drop" and self._plays("kick"):
                self._hit(start, "kick", 0.8)
            if kind == "cut":
                for step in range(steps):
                    self._hit(start + step / 4, "hat", 0.4 + 0.4 * step / steps)
            return
        for step in range(steps):
            beat, grown = start + step / 4, step / steps
            if kind == "toms":
                if step == 0 or dice.chance(0.82):
                    sound = "snare" if step < steps // 4 else _TOMS[min(7, step * 8 // steps)]
                    self._hit(beat, sound, 0.62 + 0.3 * grown + dice.normal(0.04))
                if step % 4 == 0:
                    self._hit(beat, "kick", 0.8)
            elif kind == "roll":
                self._hit(beat, "clap" if step % 2 else "snare", 0.35 + 0.5 * grown)
                if grown >= 0.5:
                    self._hit(beat + 0.125, "snare", 0.3 + 0.5 * grown)
            elif kind == "snare":
                if dice.chance(0.75) or step >= steps - 2:
                    self._hit(beat, "snare", 0.45 + 0.45 * grown + dice.normal(0.05))
                if step in (0, 3):
                    self._hit(beat, "kick", 0.82)
            elif kind == "break":
                self._hit(
                    beat, "snare" if step in (2, 4, 5, 7) else "kick" if step in (0, 3) else "hat", 0.6 + 0.3 * grown
                )
            elif kind == "timbal" and dice.chance(0.8):
                self._hit(beat, "tom_high" if grown < 0.6 else "tom_mid", 0.6 + 0.3 * grown + dice.normal(0.05))
            elif kind == "taiko":
                self._hit(beat, "taiko", 0.55 + 0.45 * grown)
                if grown > 0.5:
                    self._hit(beat, "tom_low", 0.5 + 0.4 * grown)
            elif kind == "jazz" and (step % 2 == 0 or dice.chance(0.3)):
                self._hit(beat, dice.pick(("snare", "snare", "tom_high", "tom_low")), 0.35 + 0.3 * grown)

    def _rise(self, passage: Passage, following: Passage) -> None:
        length = min(passage.beats, 4.0 * self.bar if passage.kind in ("build", "break") else 2.0 * self.bar)
        if length >= 2.0 and self._plays("riser"):
            self._hit(following.start - length, "riser", 0.5, length)
            reverse = min(float(self.bar), length)
            self._hit(following.start - reverse, "reverse_crash", 0.5, reverse)
            self._hit(following.start, "impact", 0.6, 2.0)

    def end(self, passage: Passage) -> None:
        sounds = {line.sound for line in self.groove.lines}
        for sound, velocity in (("kick", 0.9), ("taiko", 1.0), ("crash", 0.62), ("boom", 0.9)):
            if sound in sounds or (sound == "crash" and self.groove.crash and self._plays("crash")):
                self._hit(passage.start, sound, velocity)
        if "ride" in sounds and not self.groove.crash:
            self._hit(passage.start, "ride", 0.6)

    def _plays(self, sound: str) -> bool:
        return bool(self.groove.lines) and sound not in self.plan.reading.excluded

    def _hit(self, beat: float, sound: str, velocity: float, duration: float = 0.25) -> None:
        self.hits.append(Hit(beat, sound, velocity, 0.0, duration))
