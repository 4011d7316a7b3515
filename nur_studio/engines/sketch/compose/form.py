"""The form: which sections follow each other, and how they fill the asked length to a final chord that rings out."""

from __future__ import annotations

import math
from dataclasses import dataclass

ENERGY = {
    "intro": 0.3, "theme": 0.72, "variation": 0.82, "verse": 0.6, "build": 0.66, "chorus": 1.0, "break": 0.28,
    "bridge": 0.66, "solo": 0.85, "outro": 0.45, "end": 0.5, "idea": 0.86,
}  # fmt: skip
_SHORT = ("intro", "theme", "variation")
# Sections with their weight in bars; the longest template that leaves each section four bars is taken.
_TEMPLATES: tuple[tuple[int, tuple[tuple[str, int], ...]], ...] = (
    (0, (("intro", 2), ("theme", 4), ("variation", 4))),
    (13, (("intro", 2), ("theme", 4), ("variation", 8))),
    (19, (("intro", 2), ("verse", 8), ("chorus", 8), ("outro", 2))),
    (24, (("intro", 4), ("verse", 8), ("chorus", 8), ("break", 4), ("chorus", 8), ("outro", 4))),
    (46, (("intro", 4), ("verse", 8), ("chorus", 8), ("verse", 8), ("break", 4), ("build", 4), ("chorus", 8),
          ("outro", 4))),
    (72, (("intro", 8), ("verse", 16), ("build", 4), ("chorus", 16), ("verse", 8), ("break", 8), ("build", 4),
          ("chorus", 16), ("outro", 8))),
    (110, (("intro", 8), ("verse", 16), ("build", 8), ("chorus", 16), ("verse", 16), ("solo", 16), ("break", 8),
           ("build", 8), ("chorus", 16), ("bridge", 8), ("chorus", 16), ("outro", 8))),
    (170, (("intro", 8), ("verse", 16), ("build", 8), ("chorus", 16), ("break", 8), ("verse", 16), ("build", 8),
           ("chorus", 16), ("solo", 16), ("bridge", 8), ("break", 8), ("build", 8), ("chorus", 24), ("outro", 16))),
)  # fmt: skip
NAMES = {
    "song": {"theme": "verse", "variation": "chorus", "idea": "hook"},
    "club": {"verse": "groove", "theme": "groove", "chorus": "drop", "variation": "drop", "idea": "drop"},
    "jazz": {
        "verse": "head", "theme": "head", "variation": "solo", "chorus": "head", "break": "trade", "build": "vamp",
        "bridge": "bridge", "idea": "head", "outro": "tag",
    },
    "classical": {
        "intro": "opening", "verse": "theme", "chorus": "main theme", "break": "episode", "build": "transition",
        "bridge": "development", "solo": "variation", "outro": "coda", "idea": "theme",
    },
    "scene": {
        "verse": "theme", "chorus": "climax", "break": "stillness", "build": "rise", "solo": "variation",
        "idea": "theme", "variation": "climax",
    },
    "drift": {
        "intro": "arrival", "verse": "drift", "theme": "drift", "chorus": "bloom", "variation": "bloom",
        "break": "stillness", "build": "rise", "solo": "glow", "bridge": "shift", "outro": "departure", "idea": "drift",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passage:
    """A section as the composer sees it: where it lies in beats, what it is for, how much goes on in it (0 to 1)."""

    name: str
    kind: str
    start: float
    beats: float
    energy: float
    index: int
    lift: int = 0

    @property
    def end(self) -> float:
        return self.start + self.beats


@dataclass(frozen=True, slots=True)
class Form:
    """Passages in order. `final` is the beat of the last chord (the end of all in a loop); `total` the end of time."""

    passages: tuple[Passage, ...]
    final: float
    total: float
    loop: bool

    def at(self, beat: float) -> Passage:
        for passage in reversed(self.passages):
            if beat >= passage.start - 1e-9:
                return passage
        return self.passages[0]


def plan_form(
    duration_s: float, tempo: int, beats_per_bar: int, ring_s: float, naming: str, lift: int = 0, loop: bool = False
) -> Form:
    """Fit a form into the length: whole bars, then a chord that rings at least `ring_s`, less in short pieces."""
    total = duration_s * tempo / 60.0
    if loop:
        bars = max(1, math.ceil(total / beats_per_bar - 1e-9))
        return _of_bars(bars, beats_per_bar, naming, lift, final=total, total=total, loop=True)
    ring = min(ring_s, 0.2 * duration_s) * tempo / 60.0
    bars = math.floor((total - ring) / beats_per_bar + 1e-9)
    final = float(bars * beats_per_bar)
    # Few long bars: a bar more or less is too much, so the last chord may fall on any beat, best in mid-bar.
    room = total - ring - final
    if bars < 4 and room >= 1.0:
        half = beats_per_bar / 2 if beats_per_bar % 2 == 0 else 1.0
        final += half if room >= half else (1.0 if bars == 0 else 0.0)
    final = max(final, min(1.0, total * 0.5))
    return _of_bars(bars, beats_per_bar, naming, lift, final=final, total=total, loop=False)


def _of_bars(bars: int, beats_per_bar: int, naming: str, lift: int, *, final: float, total: float, loop: bool) -> Form:
    if bars < 7:
        plan = [("idea", bars)]
    else:
        template = next(entry for least, entry in reversed(_TEMPLATES) if bars >= least)
        plan = _share(list(template), bars)
    if loop:
        # A loop has no way in and no way out: it is all middle.
        plan = [("verse" if kind in ("intro", "outro") else kind, length) for kind, length in plan]
    names = NAMES[naming]
    passages: list[Passage] = []
    start = 0.0
    choruses = sum(kind == "chorus" for kind, _ in plan)
    seen: dict[str, int] = {}
    lifted = 0
    for kind, length in plan:
        seen[kind] = seen.get(kind, 0) + 1
        if kind == "chorus" and choruses >= 3 and seen[kind] == choruses:
            lifted = lift  # and the rest of the piece stays up there
        beats = float(length * beats_per_bar)
        if kind == "idea" or start + beats > final:
            beats = final - start
        # A return is a little fuller than the first time; the first of several choruses keeps something back.
        energy = min(1.0, ENERGY[kind] + 0.06 * (seen[kind] - 1))
        if kind == "chorus" and choruses >= 2 and seen[kind] == 1:
            energy = 0.94
        passages.append(Passage(names.get(kind, kind), kind, start, beats, energy, len(passages), lifted))
        start += beats
    if not loop:
        passages.append(Passage("end", "end", final, total - final, ENERGY["end"], len(passages), lifted))
    return Form(tuple(passages), final, total, loop)


def _share(template: list[tuple[str, int]], bars: int) -> list[tuple[str, int]]:
    """Stretch a template to so many bars: whole fours where there is room, the odd bars at the outer sections."""
    unit = 4 if bars >= 24 else 2
    weight = sum(length for _, length in template)
    lengths = [max(unit, round(length * bars / weight / unit) * unit) for _, length in template]
    while (over := sum(lengths) - bars) > 0:
        if over == 1 and lengths[0] == 2:
            lengths[0] = 1  # a bar of pickup will do
            continue
        longest = max(range(len(lengths)), key=lambda i: (lengths[i] > unit, lengths[i] / template[i][1], -i))
        if lengths[longest] <= unit:
            lengths[0] -= over
            break
        lengths[longest] -= unit
    while bars - sum(lengths) >= unit:
        shortest = min(range(len(lengths)), key=lambda i: (lengths[i] / template[i][1], i))
        lengths[shortest] += unit
    lengths[-1] += bars - sum(lengths)
    return [(kind, length) for (kind, _), length in zip(template, lengths, strict=True) if length > 0]
