"""Melody: a motif of rhythm and contour, stated, answered, varied and brought home."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nur_studio.engines.sketch.compose.dice import Dice
from nur_studio.engines.sketch.compose.form import Passage
from nur_studio.engines.sketch.compose.plan import Plan, melody_scale
from nur_studio.engines.sketch.compose.ranges import RANGES
from nur_studio.engines.sketch.compose.rhythm import fit, strokes
from nur_studio.engines.sketch.compose.style import Layer
from nur_studio.engines.sketch.compose.theory import SCALES, Chord, ladder, nearest
from nur_studio.engines.sketch.score import Note

# One bar each: openings, then closings that leave room for an answer.
CELLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "song": (("X---X-X-X---X---", "..X-X-X-X---X-X-", "X-----X-X-X-----"), ("X---X---X-------", "X-X-X-----......")),
    "hook": (("X--X--X-X-X-X---", "X-X-X--X--X-X-..", "..X-X-X-X--X--X-", "X-X-..X-X-X-X---"), ("X--X--X-----....",
        "X-X-X---X-------")),
    "lazy": (("..X-X---X-X-----", "X-----X---X-X---", "....X-X-X-----X-", "X--X----..X-X---"), ("X---X-------....",
        "..X-X-----......")),
    "sparse": (("X-----X-----X---", "X---....X---X---", "....X---X-------", "X-------X---X---"), ("X-----------....",
        "X---X-----------")),
    "riff": (("X-X-..XXX-X-....", "X--XX-X-..X-X---", "..XXX-X-X-..X-X-", "X-..X-X-XX..X---"), ("X-X-X---........",
        "X--X--X-----....")),
    "syncopated": (("X--X--X--X--X-X-", "..X--X--X-X--X--", "X--X--X-..X--X--", "X-X--X-X-----X--"),
        ("X--X--X-----....", "X--X----X-------")),
    "anthem": (("X-----X-X---X---", "X---X---X-----X-", "X-----------X-X-", "X---X-X-X-----X-"), ("X-----------....",
        "X-----X-X-------")),
    "machine": (("X.....X.....X...", "X..X..X.........", "......X...X.....", "X.......X..X...."),
        ("X...............", "X.....X.........")),
    "floating": (("X-------X-------", "....X-------X---", "X-----------X---", "X-----X---------"),
        ("X---------------", "X-------------..")),
    "jazz": (("..X-X-X-X---X-X-", "X---X-X-..X-X---", "X-X-X-X-X---..X-", "....X-X-X-X-X-X-", "X---..X-X-X-X---"),
        ("X-X-X-----......", "X---X---........")),
    "bossa": (("X--X--X---X--X--", "..X--X--X-----X-", "X-----X--X--X---", "....X--X--X-X---"), ("X--X--------....",
        "X-----X---------")),
    "blues": (("..X-X-X-X-------", "X-X-X---X---....", "....X-X-X-X-X---", "X---X-X-X-------"), ("X-X-X-------....",
        "X-------........")),
    "folk": (("X---X-X-X---X---", "X-X-X---X---X-X-", "X-----X-X---X---", "X---X---X-X-X---"), ("X---X---X-------",
        "X---X-X-X-------")),
    "classical": (("X---X-X-X---X---", "X-----X-X-X-X-X-", "X-X-X-X-X---X---", "X-------X-X-X-X-",
        "X---X---X--XX---"), ("X---X---X-------", "X-X-X---X-------")),
}  # fmt: skip
_CHORUS = ("chorus", "variation")


@dataclass(frozen=True, slots=True)
class Cell:
    """A bar of melody before it has pitches: strokes, and steps on the scale from the bar's anchor."""

    rhythm: tuple[tuple[float, float, str], ...]
    contour: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Motif:
    """Statement, continuation, and two endings: open for the middle of a phrase, closed for its end."""

    statement: Cell
    continuation: Cell
    open_end: Cell
    closed_end: Cell


def invent(cells: str, beats_per_bar: int, dice: Dice) -> Motif:
    """A motif from a vocabulary of rhythms."""
    openings, closings = CELLS[cells]
    first = dice.pick(openings)
    second = dice.pick([opening for opening in openings if opening != first] or openings)
    return Motif(
        _cell(first, beats_per_bar, dice),
        _cell(second, beats_per_bar, dice),
        _cell(dice.pick(closings), beats_per_bar, dice),
        _cell(closings[0], beats_per_bar, dice),
    )


def _cell(pattern: str, beats_per_bar: int, dice: Dice) -> Cell:
    rhythm = strokes(fit(pattern, beats_per_bar))
    contour: list[int] = []
    level, direction, leapt = 0, 1 if dice.chance(0.6) else -1, False
    for index in range(len(rhythm)):
        contour.append(level)
        if leapt:
            # A leap is answered by steps the other way.
            level, leapt = level - direction, False
        elif index and dice.chance(0.16):
            level, leapt = level + direction * dice.whole(2, 3), True
        elif dice.chance(0.18):
            pass
        else:
            level += direction
            if abs(level) > 2 or dice.chance(0.25):
                direction = -direction
    return Cell(rhythm, tuple(contour))


def lead(plan: Plan, layer: Layer, instrument: str, active: set[int]) -> list[Note]:
    """The melody of a piece, over the passages it plays in."""
    dice = plan.dice("melody", layer.name)
    motifs = {
        "verse": invent(plan.style.cells, plan.beats_per_bar, plan.dice("motif", "verse", layer.name)),
        "chorus": invent(plan.style.cells, plan.beats_per_bar, plan.dice("motif", "chorus", layer.name)),
        "bridge": invent(plan.style.cells, plan.beats_per_bar, plan.dice("motif", "bridge", layer.name)),
    }
    singer = _Singer(plan, layer, instrument, dice)
    for passage in plan.form.passages:
        if passage.index not in active or passage.kind == "end":
            continue
        if passage.kind == "solo" or (passage.kind == "variation" and plan.style.cells == "jazz"):
            singer.improvise(passage)
        else:
            kind = "chorus" if passage.kind in _CHORUS else "bridge" if passage.kind == "bridge" else "verse"
            singer.sing(passage, motifs[kind])
    return singer.finish(active)


class _Singer:
    """Turns motifs into pitches over the harmony, remembering where the line is."""

    def __init__(self, plan: Plan, layer: Layer, instrument: str, dice: Dice) -> None:
        self.plan, self.layer, self.dice = plan, layer, dice
        low, high = RANGES[instrument]
        centre = min(max(layer.centre + plan.register, low + 7), high - 8)
        # A tenth below and above is all a tune needs.
        self.low, self.high, self.centre = max(low, centre - 8), min(high, centre + 11), centre
        self.scale = melody_scale(plan)
        self.last = centre
        self.before = 0
        self.notes: list[Note] = []
        self.heard: dict[str, int] = {}

    def sing(self, passage: Passage, motif: Motif) -> None:
        bar = self.plan.beats_per_bar
        bars = math.ceil(passage.beats / bar - 1e-9)
        sparse = passage.energy < 0.5
        again = self.heard.get(passage.kind, 0)
        self.heard[passage.kind] = again + 1
        lift = 2 if passage.kind in _CHORUS else 0
        for index in range(bars):
            place = index % 8
            if sparse and place % 4 == 3:
                continue
            if place in (0, 2, 4, 6):
                cell = motif.statement
            elif place in (1, 5):
                cell = motif.continuation if not sparse else motif.open_end
            else:
                cell = motif.open_end if place == 3 else motif.closed_end
            # The phrase climbs, turns and comes home; a return is answered a step away.
            arch = (0, 1, 2, 0, 1, 2, 3, 0)[place] + (again % 2 if place >= 4 else 0)
            closing = index == bars - 1
            self._bar(
                passage, passage.start + index * bar, cell, arch + lift, closing, ornament=again > 0 or index >= 8
            )

    def _bar(self, passage: Passage, start: float, cell: Cell, arch: int, closing: bool, ornament: bool) -> None:
        plan, dice = self.plan, self.dice
        rungs = ladder((plan.key.tonic + passage.lift) % 12, self.scale, self.low, self.high)
        full = {(plan.key.tonic + passage.lift + step) % 12 for step in SCALES[plan.key.mode]}
        home = plan.harmony.at(start).chord
        anchor_pitch = self._chord_tone(home, self.centre + arch)
        anchor = min(range(len(rungs)), key=lambda i: abs(rungs[i] - anchor_pitch))
        count = len(cell.rhythm)
        for index, (offset, length, _) in enumerate(cell.rhythm):
            beat = start + offset
            if beat >= passage.end - 0.05:
                break
            if ornament and index and offset % 1 and dice.chance(0.1):
                continue  # left out this time
            chord = plan.harmony.at(beat).chord
            pitch = rungs[_mirrored(anchor + cell.contour[index], len(rungs))]
            strong = beat % 1 < 1e-6 or index == 0 or length >= 1.0
            pitch = self._chord_tone(chord, pitch) if strong else _fitting(pitch, chord, full)
            if strong and pitch == self.last == self.before:
                # Twice the same is a beginning, three times a drone: on to the chord's next tone.
                pitch = self._chord_tone(chord, pitch + (4 if pitch < self.centre + 3 else -4))
            if closing and index == count - 1:
                pitch = self._chord_tone(chord, nearest(chord.root, pitch))
            while pitch - self.last > 9 and pitch - 12 >= self.low:
                pitch -= 12
            while self.last - pitch > 9 and pitch + 12 <= self.high:
                pitch += 12
            length = self._until_it_clashes(beat, min(length, passage.end - beat), pitch)
            if ornament and strong and length >= 1.0 and dice.chance(0.3):
                # A neighbour note before the long one's second half.
                neighbour = _step(rungs, pitch, 1 if dice.chance(0.5) else -1)
                self._add(beat, length / 2, pitch, 0.9)
                self._add(beat + length / 2, length / 4, _fitting(neighbour, chord, full), 0.72)
                self._add(beat + 0.75 * length, length / 4, pitch, 0.78)
                continue
            accent = 1.0 if beat % plan.beats_per_bar == 0 else 0.92 if strong else 0.82
            self._add(beat, length * (0.94 if length >= 0.5 else 0.86), pitch, accent)

    def _until_it_clashes(self, beat: float, length: float, pitch: int) -> float:
        """A note held over a chord change ends there if it would rub a semitone against the new chord."""
        span = self.plan.harmony.at(beat)
        if beat + length <= span.end + 0.01:
            return length
        tones = self.plan.harmony.at(span.end).chord.tones
        if pitch % 12 in tones or not {(pitch + 1) % 12, (pitch - 1) % 12} & set(tones):
            return length
        return max(0.25, span.end - beat)

    def improvise(self, passage: Passage) -> None:
        """Lines in eighths, sixteenths where it is slow: chord tones on the beat, steps and approaches between."""
        plan, dice = self.plan, self.dice
        step = 0.25 if plan.tempo < 80 else 0.5
        beat, direction = passage.start, 1
        while beat < passage.end - 0.05:
            phrase = min(dice.pick((3.0, 4.0, 6.0, 7.0)), passage.end - beat)
            stop = beat + phrase
            while beat < stop - 1e-6:
                span = plan.harmony.at(beat)
                rungs = ladder((plan.key.tonic + passage.lift) % 12, plan.key.mode, self.low, self.high)
                long = dice.chance(0.15) or beat + step >= stop
                if beat % 1 < 1e-6:
                    pitch = self._chord_tone(span.chord, self.last + 2 * direction)
                elif beat % 1 > 0.49 and dice.chance(0.22):
                    # Chromatic from below into the next beat's chord tone.
                    target = self._chord_tone(plan.harmony.at(beat + step).chord, self.last + direction)
                    pitch = max(self.low, target - 1)
                else:
                    pitch = _step(rungs, self.last, direction)
                if pitch >= self.high - 2 or pitch <= self.low + 2 or dice.chance(0.14):
                    direction = -1 if pitch >= self.high - 2 else 1 if pitch <= self.low + 2 else -direction
                length = min(step * (2 if long else 1), passage.end - beat)
                self._add(beat, length * 0.9, pitch, 0.95 if beat % 1 else 0.86)
                beat += length
            beat += dice.pick((0.5, 1.0, 1.5, 2.0))
            beat = round(beat / step) * step

    def finish(self, active: set[int]) -> list[Note]:
        """The last tonic, held, where there is an ending."""
        form = self.plan.form
        end = form.passages[-1]
        if not form.loop and end.index in active and self.notes:
            chord = self.plan.harmony.at(form.final).chord
            pitch = self._chord_tone(Chord(chord.root, chord.intervals[:3], chord.bass), nearest(chord.root, self.last))
            self._add(form.final, (form.total - form.final) * 0.5, pitch, 0.85)
        return self.notes

    def _chord_tone(self, chord: Chord, around: int) -> int:
        """The nearest tone of the chord to `around`, within reach of the line."""
        found = min((nearest(tone, around) for tone in chord.tones), key=lambda pitch: (abs(pitch - around), pitch))
        while found < self.low:
            found += 12
        while found > self.high:
            found -= 12
        return found

    def _add(self, beat: float, length: float, pitch: int, accent: float) -> None:
        velocity = self.layer.velocity * accent + self.dice.normal(0.035)
        self.notes.append(Note(beat, max(0.1, length), pitch, velocity, accent=accent >= 1.0))
        self.before, self.last = self.last, pitch


def _mirrored(rung: int, count: int) -> int:
    """A rung within the ladder: a line that would climb out of it turns round instead of sticking to its end."""
    if rung < 0:
        rung = -rung
    elif rung >= count:
        rung = 2 * (count - 1) - rung
    return min(max(rung, 0), count - 1)


def _step(rungs: tuple[int, ...], pitch: int, direction: int) -> int:
    """The next rung of the scale above or below."""
    beyond = [rung for rung in rungs if (rung - pitch) * direction > 0]
    return min(beyond, key=lambda rung: abs(rung - pitch)) if beyond else pitch


def _fitting(pitch: int, chord: Chord, scale: set[int]) -> int:
    """A passing tone, moved by a semitone where a borrowed chord has its own version of it."""
    if pitch % 12 in chord.tones:
        return pitch
    for bent in (pitch + 1, pitch - 1):
        if bent % 12 in chord.tones and bent % 12 not in scale:
            return bent
    return pitch


def counter(plan: Plan, layer: Layer, instrument: str, active: set[int], tune: list[Note]) -> list[Note]:
    """A second voice: long notes against short ones, contrary motion, thirds and sixths below the tune."""
    dice = plan.dice("counter", layer.name)
    low, high = RANGES[instrument]
    centre = min(max(layer.centre, low + 6), high - 8)
    last, last_tune = centre, 0
    notes: list[Note] = []
    at = {round(note.beat * 4): note.pitch for note in tune}
    for span in plan.harmony.spans:
        if span.passage.index not in active or span.passage.kind == "end":
            continue
        beat = span.start
        while beat < span.end - 0.05:
            length = min(dice.pick((1.0, 2.0, 2.0)), span.end - beat)
            above = at.get(round(beat * 4), last_tune)
            fresh = above != last_tune and last_tune != 0
            wanted = last - (2 if above > last_tune else -2) if fresh else last + dice.pick((-2, 2))
            wanted = min(max(wanted, centre - 7), centre + 7)
            # Not the tune's own tone: a second voice has something of its own to say.
            tones = [tone for tone in span.chord.tones if tone != above % 12] or list(span.chord.tones)
            pitch = min((nearest(tone, wanted) for tone in tones), key=lambda p: (abs(p - wanted), p))
            notes.append(Note(beat, length * 0.95, pitch, layer.velocity + dice.normal(0.04)))
            if length >= 2.0 and dice.chance(0.35):
                notes[-1] = Note(beat, 1.45, pitch, layer.velocity)
                rungs = ladder((plan.key.tonic + span.passage.lift) % 12, plan.key.mode, low, high)
                notes.append(Note(beat + 1.5, 0.45, _step(rungs, pitch, dice.pick((-1, 1))), layer.velocity * 0.85))
            last, last_tune = pitch, above or last_tune
            beat += length
    return notes


def shadow(plan: Plan, layer: Layer, active: set[int], tune: list[Note], octave: bool) -> list[Note]:
    """The tune again: an octave up, or a third below where a second guitar harmonises."""
    notes: list[Note] = []
    for note in tune:
        passage = plan.form.at(note.beat)
        if passage.index not in active:
            continue
        if octave:
            pitch = note.pitch + 12
        else:
            rungs = ladder((plan.key.tonic + passage.lift) % 12, plan.key.mode, note.pitch - 6, note.pitch)
            pitch = rungs[-3] if len(rungs) >= 3 else note.pitch - 12
            if note.duration > 0.4:
                # A third where it fits the chord; else the chord's own tone below the tune.
                tones = plan.harmony.at(note.beat).chord.tones
                pitch = next(
                    (p for p in (pitch, *range(note.pitch - 3, note.pitch - 10, -1)) if p % 12 in tones), pitch
                )
        notes.append(Note(note.beat, note.duration, pitch, note.velocity * layer.velocity / 0.75))
    return notes
