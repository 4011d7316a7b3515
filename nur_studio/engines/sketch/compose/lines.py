"""Accompaniment: what chords, arpeggios, strums, riffs and sparse tones make of the harmony."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from nur_studio.engines.sketch.compose.form import Passage
from nur_studio.engines.sketch.compose.harmony import Span
from nur_studio.engines.sketch.compose.plan import Plan
from nur_studio.engines.sketch.compose.ranges import RANGES
from nur_studio.engines.sketch.compose.rhythm import fit, strokes
from nur_studio.engines.sketch.compose.style import Layer
from nur_studio.engines.sketch.compose.theory import lead_voices, nearest, voicing_tones
from nur_studio.engines.sketch.score import Note

_STRENGTH = {"X": 1.0, "x": 0.84, "o": 0.7, "g": 0.42}
_PICKED = ((0.0, 0), (0.5, 2), (1.0, 1), (1.5, 3), (2.0, 0), (2.5, 2), (3.0, 1), (3.5, 2))
_CURVES: tuple[Callable[[int, int], int], ...] = (
    lambda i, n: i % n,
    lambda i, n: abs((i + n - 1) % max(1, 2 * n - 2) - (n - 1)) if n > 1 else 0,
    lambda i, n: (0, n - 1, 1, max(0, n - 2))[i % 4] % n,
    lambda i, n: (i * 2 + i // n) % n,
)


class Accompanist:
    """Plays one layer over the passages it is in; keeps its hands near where they were."""

    def __init__(self, plan: Plan, layer: Layer, instrument: str, active: set[int]) -> None:
        self.plan, self.layer, self.active = plan, layer, active
        self.dice = plan.dice("line", layer.name)
        self.low, self.high = RANGES[instrument]
        self.centre = min(max(layer.centre + plan.register, self.low + 5), self.high - 5)
        self.rhythms = [fit(rhythm, plan.beats_per_bar) for rhythm in layer.rhythms]
        self.main = self.dice.whole(0, len(self.rhythms) - 1)
        self.curve = self.dice.pick(_CURVES)
        self.voices: tuple[int, ...] = ()
        self.chord_start = -1.0
        self.notes: list[Note] = []

    def play(self) -> list[Note]:
        """Everything this layer plays, the last chord included."""
        players: dict[str, Callable[[], None]] = {
            "pad": self._pad, "drone": self._drone, "swell": self._swell, "sparse": self._sparse, "fills": self._fills,
            "timpani": self._timpani,
        }  # fmt: skip
        players.get(self.layer.how, self._rhythmic)()
        self._ending()
        return self.notes

    def voicing(self, span: Span) -> tuple[int, ...]:
        """The chord as this layer's hands find it, near the one before."""
        if span.start != self.chord_start:
            self.chord_start = span.start
            if self.layer.how == "riff":
                root = self.low + (span.chord.root - self.low) % 12
                self.voices = (root, root + 7, root + 12)[: self.layer.voices]
            else:
                tones = voicing_tones(span.chord, self.layer.voices, self.plan.style.genre == "jazz")
                reach = 11 if self.layer.voices > 3 else 9
                low, high = max(self.low, self.centre - reach), min(self.high, self.centre + reach)
                self.voices = lead_voices(tones, self.voices, self.centre, low, high)
        return self.voices

    def _passages(self) -> Iterator[Passage]:
        for passage in self.plan.form.passages:
            if passage.index in self.active and passage.kind != "end":
                yield passage

    def _spans(self) -> Iterator[Span]:
        for span in self.plan.harmony.spans:
            if span.passage.index in self.active and span.passage.kind != "end":
                yield span

    def _pad(self) -> None:
        for span in self._spans():
            before = self.voices
            for pitch in self.voicing(span):
                held = 0.97 if pitch in before else 0.99
                self._add(span.start, (span.end - span.start) * held, pitch, 0.95)

    def _drone(self) -> None:
        for passage in self._passages():
            tonic = (self.plan.key.tonic + passage.lift) % 12
            root = nearest(tonic, self.centre)
            for pitch in (root, root + 7)[: self.layer.voices]:
                self._add(passage.start, passage.beats * 0.99, pitch, 0.9)

    def _swell(self) -> None:
        for index, span in enumerate(self._spans()):
            voices = self.voicing(span)
            # Into the change: from the chord's second half, every other time over the whole of it.
            start = span.start if index % 2 else span.start + (span.end - span.start) / 2
            for pitch in voices:
                self._add(start, (span.end - start) * 0.97, pitch, 1.0 if index % 2 else 0.85)

    def _sparse(self) -> None:
        beat_step = 0.5 if self.plan.tempo > 90 else 0.25
        for span in self._spans():
            voices = self.voicing(span)
            count = max(1, round((span.end - span.start) / self.plan.beats_per_bar * self.dice.between(0.7, 2.2)))
            for _ in range(count):
                beat = span.start + round(self.dice.between(0, span.end - span.start - 0.5) / beat_step) * beat_step
                pitch = self.dice.pick(voices) + 12 * self.dice.chance(0.25)
                self._add(beat, min(2.0, span.end - beat + 1.0), pitch, self.dice.between(0.6, 1.0))

    def _fills(self) -> None:
        """Answers where the tune rests: a short run through the chord at the end of every second bar."""
        bar = self.plan.beats_per_bar
        for passage in self._passages():
            for index in range(1, math.ceil(passage.beats / bar - 1e-9), 2):
                if self.dice.chance(0.25):
                    continue
                start = passage.start + index * bar + bar / 2
                count = self.dice.whole(2, 4)
                for note in range(count):
                    beat = start + note * 0.5
                    if beat < passage.end - 0.1:
                        voices = self.voicing(self.plan.harmony.at(beat))
                        pitch = voices[self.curve(note + index, len(voices))]
                        self._add(beat, 1.0 if note == count - 1 else 0.48, pitch, 0.9 - 0.06 * note)

    def _timpani(self) -> None:
        bar = self.plan.beats_per_bar
        for passage in self._passages():
            for index in range(math.ceil(passage.beats / bar - 1e-9)):
                start = passage.start + index * bar
                if start >= passage.end:
                    continue
                self._add(start, 1.0, nearest(self.plan.harmony.at(start).chord.bass, self.centre), 1.0)
                if index % 4 == 3:
                    for roll in range(8):
                        beat = start + bar - 1.0 + roll / 8
                        if beat < passage.end:
                            pitch = nearest(self.plan.harmony.at(beat).chord.bass, self.centre)
                            self._add(beat, 0.12, pitch, 0.5 + 0.06 * roll)

    def _rhythmic(self) -> None:
        bar = self.plan.beats_per_bar
        how = self.layer.how
        for passage in self._passages():
            step = 0
            for index in range(math.ceil(passage.beats / bar - 1e-9)):
                start = passage.start + index * bar
                turn = self.main + (index % 4 == 3) + (index % 2 if len(self.rhythms) > 2 else 0)
                if how == "pick" or how == "boomchick":
                    self._picked(start, passage) if how == "pick" else self._boomchick(start, passage)
                    continue
                for offset, length, letter in strokes(self.rhythms[turn % len(self.rhythms)]):
                    beat = start + offset
                    if beat >= passage.end - 0.05:
                        break
                    if offset and letter in "go" and self.dice.chance(0.1):
                        continue
                    self._stroke(beat, min(length, passage.end - beat), letter, step)
                    step += 1

    def _stroke(self, beat: float, length: float, letter: str, step: int) -> None:
        how, strength = self.layer.how, _STRENGTH[letter]
        span = self.plan.harmony.at(beat)
        length = min(length, span.end - beat)  # hands lift at the change
        voices = self.voicing(span)
        if how == "arp":
            pitches: tuple[int, ...] = (
                voices[self.curve(step, len(voices))] + (12 if step % 8 >= 6 and step % 16 >= 8 else 0),
            )
            length = max(length, 0.23)
        elif how == "ostinato":
            root = nearest(self.plan.harmony.at(beat).chord.root, self.centre)
            figure = (root, root + 7, root + 12, voices[-1])
            pitches = (figure[(0, 0, 1, 0, 2, 0, 1, 3)[step % 8]],)
        elif how == "montuno":
            # Octaves and the tones between, in turn.
            inner = voices[step // 2 % len(voices)]
            pitches = (voices[0], voices[0] + 12) if step % 2 == 0 else (inner, inner + 12)
        elif how == "strum":
            self._strum(beat, length, voices, strength, up=beat % 1 > 0.2)
            return
        elif how == "riff" and letter == "g":
            pitches = voices[:2]  # palm-muted
            length = min(length, 0.2)
        else:
            pitches = voices
            length = length * (0.92 if length > 0.3 else 0.8)
        for pitch in pitches:
            self._add(beat, length, pitch, strength)

    def _strum(self, beat: float, length: float, voices: tuple[int, ...], strength: float, *, up: bool) -> None:
        strings = tuple(sorted({*voices, *(pitch + 12 for pitch in voices[:2])}))
        strings = tuple(pitch for pitch in strings if pitch <= self.high)
        if up:
            strings = strings[::-1][:4]
        for index, pitch in enumerate(strings):
            # 12 ms from string to string, centred on the beat.
            spread = (index - (len(strings) - 1) / 2) * (0.009 if up else 0.012)
            self._add(beat, length * 0.95, pitch, strength * (0.8 if up else 1.0) * (1 - 0.04 * index), spread)

    def _picked(self, start: float, passage: Passage) -> None:
        """Thumb on root and fifth, fingers between."""
        for offset, finger in _PICKED:
            beat = start + offset
            if offset >= self.plan.beats_per_bar or beat >= passage.end - 0.05:
                continue
            span = self.plan.harmony.at(beat)
            voices = self.voicing(span)
            if finger == 0:
                tone = span.chord.bass if offset < 2 else span.chord.fifth
                low = max(self.low, self.centre - 17)
                pitch = low + (tone - low) % 12
            else:
                pitch = voices[min(finger, len(voices) - 1)]
            if finger and self.dice.chance(0.08):
                continue
            self._add(beat, min(1.2, span.end - beat), pitch, 0.95 if finger == 0 else 0.78)

    def _boomchick(self, start: float, passage: Passage) -> None:
        for beat_in_bar in range(self.plan.beats_per_bar):
            beat = start + beat_in_bar
            if beat >= passage.end - 0.05:
                break
            span = self.plan.harmony.at(beat)
            if beat_in_bar % 2 == 0:
                tone = span.chord.bass if beat_in_bar % 4 == 0 else span.chord.fifth
                self._add(beat, 0.9, self.low + 2 + (tone - self.low - 2) % 12, 0.9)
            else:
                self._strum(beat, 0.45, self.voicing(span), 0.8, up=False)
                if self.dice.chance(0.5):
                    self._strum(beat + 0.5, 0.4, self.voicing(span), 0.55, up=True)

    def _ending(self) -> None:
        form = self.plan.form
        if form.loop or form.passages[-1].index not in self.active:
            return
        span = self.plan.harmony.at(form.final)
        length = (form.total - form.final) * 0.5
        voices = self.voicing(span)
        if self.layer.how in ("arp", "ostinato", "sparse", "fills", "montuno", "timpani"):
            voices = voices[-1:] if self.layer.how != "timpani" else (nearest(span.chord.bass, self.centre),)
        if self.layer.how in ("strum", "boomchick", "pick"):
            self._strum(form.final, length, voices, 0.9, up=False)
            return
        for pitch in voices:
            self._add(form.final, length, pitch, 0.9)

    def _add(self, beat: float, length: float, pitch: int, strength: float, shift_s: float = 0.0) -> None:
        velocity = self.layer.velocity * strength + self.dice.normal(0.03)
        self.notes.append(Note(beat, max(0.08, length), pitch, velocity, shift_s))
