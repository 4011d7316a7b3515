"""Harmony in time: which chord sounds when, section by section, to the cadence."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from nur_studio.engines.sketch.compose.dice import Dice
from nur_studio.engines.sketch.compose.form import Form, Passage
from nur_studio.engines.sketch.compose.style import Style
from nur_studio.engines.sketch.compose.theory import Chord, Key, roman

# What a mode puts in place of a chord that would contradict it, when the mode was asked for.
_IN_MODE = {
    "dorian": {"iv": "IV", "bVI": "IV", "V": "v"},
    "phrygian": {"V": "bII", "v": "bvii", "IV": "iv", "ii": "bII"},
    "lydian": {"IV": "II", "iv": "II"},
    "mixolydian": {"V": "bVII", "iii": "bVII", "vii": "bVII"},
}
_PARTS = re.compile(r"([b#]?[ivIV]+)(.*)")


@dataclass(frozen=True, slots=True)
class Span:
    """A chord and the beats it lasts. `passage` is the section it belongs to."""

    start: float
    end: float
    chord: Chord
    passage: Passage


class Harmony:
    """The chords of a piece in order."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = tuple(spans)
        self._starts = [span.start for span in spans]

    def at(self, beat: float) -> Span:
        """The span that sounds at `beat`."""
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            if self._starts[middle] <= beat + 1e-6:
                low = middle
            else:
                high = middle
        return self.spans[low]

    def after(self, beat: float) -> Span:
        """The span that follows the one at `beat`; the last one again at the end."""
        span = self.at(beat)
        return self.at(min(span.end, self.spans[-1].start))


def plan_harmony(
    form: Form, style: Style, key: Key, beats_per_bar: int, tempo: int, asked_mode: bool, dice: Dice
) -> Harmony:
    """Progressions for each kind of section, a cadence before the last chord, and I at the end."""
    choices = [_in_mode(line.split(), key, asked_mode) for line in (style.minor if key.minor else style.major)]
    first = dice.pick(choices)
    others = [line for line in choices if line != first] or [first]
    second = dice.pick(others)
    third = dice.pick([line for line in others if line != second] or [second])
    length = _chord_beats(style, beats_per_bar, tempo, len(first))
    spans: list[Span] = []
    for passage in form.passages:
        if passage.kind == "end":
            continue
        line = second if passage.kind in ("chorus", "variation") else third if passage.kind in ("bridge",) else first
        if len(first) == 12:
            line = first  # a blues keeps its twelve bars throughout
        _fill(spans, passage, line, key.tonic + passage.lift, min(length, passage.beats) or length)
    spans = _cadence(spans, form, style, key)
    if not form.loop:
        end = form.passages[-1]
        final = roman(style.final[not key.minor], (key.tonic + end.lift) % 12)
        spans.append(Span(form.final, form.total, final, end))
    return Harmony(spans)


def _chord_beats(style: Style, beats_per_bar: int, tempo: int, chords: int) -> float:
    """How long a chord lasts: about two to four seconds, in whole or half bars."""
    length = style.chord_bars * beats_per_bar
    bar_s = beats_per_bar * 60.0 / tempo
    if chords == 12:
        return float(beats_per_bar)
    if bar_s > 3.3 and style.naming != "drift":
        length = length / 2 if beats_per_bar % 2 == 0 or style.chord_bars > 1 else length
    elif bar_s < 1.3 and style.chord_bars <= 1:
        length *= 2
    return max(1.0, float(length))


def _fill(spans: list[Span], passage: Passage, line: Sequence[str], tonic: int, length: float) -> None:
    count = max(1, math.ceil(passage.beats / length - 1e-9))
    for index in range(count):
        start = passage.start + index * length
        end = min(start + length, passage.end)
        if end - start > 1e-6:
            spans.append(Span(start, end, roman(line[index % len(line)], tonic % 12), passage))


def _cadence(spans: list[Span], form: Form, style: Style, key: Key) -> list[Span]:
    """The dominant, or what the genre has for it, before the last chord and before each chorus."""
    changed: list[Span] = []
    for index, span in enumerate(spans):
        last = index == len(spans) - 1
        nxt = None if last else spans[index + 1].passage
        closing = last and not form.loop
        leading = nxt is not None and nxt is not span.passage and nxt.kind == "chorus"
        if (closing or leading) and len(spans) > 1:
            tonic = (key.tonic + (nxt or form.passages[-1]).lift) % 12
            chord = roman(style.cadence[not key.minor], tonic)
            half = span.start + (span.end - span.start) / 2
            if span.end - span.start >= 4 and half % 1 == 0:
                # Half a bar of the old chord, then the cadence: a chord of its own would come too early.
                changed.append(Span(span.start, half, span.chord, span.passage))
                span = Span(half, span.end, chord, span.passage)
            else:
                span = Span(span.start, span.end, chord, span.passage)
        changed.append(span)
    return changed


def _in_mode(line: Sequence[str], key: Key, asked: bool) -> tuple[str, ...]:
    if key.mode not in _IN_MODE or not (asked or key.mode == "lydian"):
        return tuple(line)
    table = _IN_MODE[key.mode]
    bent: list[str] = []
    for symbol in line:
        match = _PARTS.fullmatch(symbol)
        numeral, suffix = (match[1], match[2]) if match else (symbol, "")
        if numeral in table:
            # Colours written for the old chord would not fit the new one.
            bent.append(
                table[numeral] + ("7" if suffix in ("7", "9", "13", "maj7", "maj9") and key.mode != "lydian" else "")
            )
        else:
            bent.append(symbol)
    return tuple(bent)
