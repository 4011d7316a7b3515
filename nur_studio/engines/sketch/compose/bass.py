"""Bass lines: patterns on root and fifth, walking quarters, acid sequences, long grounds."""

from __future__ import annotations

import math

from nur_studio.engines.sketch.compose.form import Passage
from nur_studio.engines.sketch.compose.plan import Plan
from nur_studio.engines.sketch.compose.ranges import RANGES
from nur_studio.engines.sketch.compose.rhythm import fit, strokes
from nur_studio.engines.sketch.compose.theory import Chord, ladder, nearest
from nur_studio.engines.sketch.score import Note

_CENTRE = {"cello": 45, "contrabass": 38, "acid_bass": 40, "octave_bass": 36, "saw_bass": 37, "picked_bass": 37}


def bass_line(plan: Plan, instrument: str, active: set[int]) -> list[Note]:
    """The whole bass part, to a last root that rings."""
    line = _Line(plan, instrument)
    for passage in plan.form.passages:
        if passage.index in active and passage.kind != "end":
            line.play(passage)
    form = plan.form
    if not form.loop and form.passages[-1].index in active:
        root = line.root(plan.harmony.at(form.final).chord)
        line.add(form.final, (form.total - form.final) * 0.5, root, 0.85)
    return line.notes


class _Line:
    def __init__(self, plan: Plan, instrument: str) -> None:
        self.plan, self.dice = plan, plan.dice("bass")
        self.low, self.high = RANGES.get(instrument, (28, 60))
        # The octave that starts a little above the lowest string holds every root.
        self.floor = max(self.low, _CENTRE.get(instrument, 36) - 8)
        patterns = plan.style.bass_rhythms
        self.main = self.dice.pick(patterns)
        self.other = self.dice.pick([p for p in patterns if p != self.main] or patterns)
        self.notes: list[Note] = []
        self.last = self.floor + 6

    def root(self, chord: Chord) -> int:
        return self.floor + (chord.bass - self.floor) % 12

    def play(self, passage: Passage) -> None:
        how = self.plan.style.bass_how
        if how == "walking" and passage.energy >= 0.4:
            self._walk(passage)
        elif how == "long" or passage.energy < 0.42:
            self._hold(passage)
        else:
            self._pattern(passage, acid=how == "acid", legato=how == "ground")

    def _hold(self, passage: Passage) -> None:
        # Where the bass is no more than a floor, it must not fill the room.
        strength = 0.5 if self.plan.style.bass_how == "long" else 0.66
        for span in self.plan.harmony.spans:
            if span.passage is passage or span.passage.index == passage.index:
                length = span.end - span.start
                self.add(span.start, length * 0.96, self.root(span.chord), strength + self.dice.normal(0.03))

    def _pattern(self, passage: Passage, *, acid: bool, legato: bool) -> None:
        plan, dice = self.plan, self.dice
        bar = plan.beats_per_bar
        lively = passage.kind in ("chorus", "variation", "solo")
        for index in range(math.ceil(passage.beats / bar - 1e-9)):
            start = passage.start + index * bar
            varied = index % 4 == 3 or (lively and index % 2 == 1)
            pattern = fit(self.other if varied else self.main, bar)
            if plan.reading.half_time and not acid:
                pattern = "".join(
                    "-" if step % 8 >= 4 and letter not in ".-" else letter for step, letter in enumerate(pattern)
                )
            for offset, length, letter in strokes(pattern):
                beat = start + offset
                if beat >= passage.end - 0.05:
                    break
                if letter.islower() and letter in "rot" and dice.chance(0.12):
                    continue  # a breath: no two bars quite alike
                pitch, glide = self._pitch(letter, beat, beat + length, acid)
                velocity = 0.82 if letter.isupper() or letter.isdigit() else 0.64
                if beat % bar == 0:
                    velocity += 0.08
                length = min(length, passage.end - beat)
                slide = self.last if glide or (acid and dice.chance(0.18) and self.last != pitch) else None
                held = 0.98 if legato else 0.9 if length > 0.3 else 0.82
                self.add(beat, length * held, pitch, velocity + dice.normal(0.03), slide, acid and letter.isupper())

    def _pitch(self, letter: str, beat: float, after: float, acid: bool) -> tuple[int, bool]:
        """What a letter of a pattern means over the chord of its beat, and whether it slides there."""
        span = self.plan.harmony.at(beat)
        chord = span.chord
        root = self.root(chord)
        up = letter.upper()
        if up == "O":
            pitch = root + 12
        elif up == "5":
            fifth = self.floor + (chord.fifth - self.floor) % 12
            pitch = fifth
        elif up in ("3", "T"):
            pitch = root + (chord.third - root) % 12
        elif up == "6":
            pitch = root + 9
        elif up == "7":
            pitch = root + 10
        elif up == "A":
            pitch = root + 10 if acid else self._approach(beat, after)
        else:
            pitch = root
        return self._within(pitch), letter == "G"

    def _approach(self, beat: float, after: float) -> int:
        """A step below or above the root that comes next; the fifth where the chord stays."""
        here, there = self.plan.harmony.at(beat), self.plan.harmony.at(after + 0.01)
        target = self.root(there.chord)
        if here is there:
            return self.floor + (here.chord.fifth - self.floor) % 12
        rungs = ladder((self.plan.key.tonic + there.passage.lift) % 12, self.plan.key.mode, target - 3, target + 3)
        below = [rung for rung in rungs if rung < target]
        above = [rung for rung in rungs if rung > target]
        if self.last > target and above:
            return above[0]
        return below[-1] if below else target - 1

    def _walk(self, passage: Passage) -> None:
        """A quarter on every beat: the root at each change, chord tones and steps between, a half step to the next."""
        plan, dice = self.plan, self.dice
        beats = math.ceil(passage.beats - 1e-9)
        for index in range(beats):
            beat = passage.start + index
            span = plan.harmony.at(beat)
            following = plan.harmony.at(beat + 1.0)
            direction = 1 if self.last < self.floor + 8 else -1
            if abs(beat - span.start) < 1e-6:
                root = nearest(span.chord.bass, self.last)
                pitch = root
            elif following is not span:
                target = nearest(following.chord.bass, self.last)
                pitch = (
                    target + dice.pick((1, -1, -1))
                    if abs(target - self.last) > 1 or target == self.last
                    else target + 5
                )
            elif (beat - span.start) % 2 == 0:
                tones = [nearest(tone, self.last + 3 * direction) for tone in span.chord.tones[:4]]
                pitch = min((t for t in tones if t != self.last), key=lambda t: abs(t - self.last - 3 * direction))
            else:
                rungs = ladder((plan.key.tonic + passage.lift) % 12, plan.key.mode, self.last - 4, self.last + 4)
                steps = [r for r in rungs if 0 < (r - self.last) * direction <= 3]
                pitch = dice.pick(steps) if steps else self.last + 2 * direction
            length = min(1.0, passage.end - beat)
            self.add(beat, 0.9 * length, self._within(pitch), (0.78 if index % 2 else 0.72) + dice.normal(0.04))
            if dice.chance(0.1) and length >= 1.0:
                # A skipped note, swung, as players drop them in.
                self.add(beat + 0.5, 0.3, self.last, 0.42)

    def _within(self, pitch: int) -> int:
        low, high = max(self.low, self.floor - 5), min(self.high, self.floor + 24)
        while pitch < low:
            pitch += 12
        while pitch > high:
            pitch -= 12
        return pitch

    def add(
        self,
        beat: float,
        length: float,
        pitch: int,
        velocity: float,
        glide_from: int | None = None,
        accent: bool = False,
    ) -> None:
        self.notes.append(Note(beat, max(0.08, length), pitch, velocity, glide_from=glide_from, accent=accent))
        self.last = pitch
