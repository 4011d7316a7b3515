"""Which words the ruler says, and where: sections by name, bars or seconds between them, none over another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nur_studio.gui.timeline import Timeline

_INDENT = 6.0  # px from a line to its words
_GAP = 5.0  # between a section's bar and its name, and the least between words
_LEAST_NAME = 22.0  # px: less of a name says nothing


@dataclass(frozen=True, slots=True)
class Label:
    """Words that begin at `x` and are `width` px wide. `kind` is "section", "bar" or "beat"."""

    x: float
    width: float
    text: str
    kind: str

    @property
    def end(self) -> float:
        return self.x + self.width


def lay_out(timeline: Timeline, width_of: Callable[[str], float], elided: Callable[[str, float], str]) -> list[Label]:
    """The labels in sight, in px from the left of a waveform, all of them whole.

    A section keeps the number of its bar and as much of its name as there is room for until the next one; that of a
    section which began before stands at the left edge. Bars, then beats, get what is left.
    """
    placed = _sections(timeline, width_of, elided)
    for weight, kind in ((2, "bar"), (1, "bar"), (0, "beat")):
        for tick in timeline.ticks():
            if tick.weight != weight or not tick.label:
                continue
            label = Label(timeline.device_x(tick.frame) + _INDENT, width_of(tick.label), tick.label, kind)
            fits = label.x >= 0.0 and label.end <= timeline.width
            if fits and not any(label.x < other.end + _GAP and other.x < label.end + _GAP for other in placed):
                placed.append(label)
    return placed


def _sections(timeline: Timeline, width_of: Callable[[str], float], elided: Callable[[str, float], str]) -> list[Label]:
    starts = [(timeline.device_x(frame), section) for frame, section in timeline.section_starts()]
    placed: list[Label] = []
    for index, (left, section) in enumerate(starts):
        end = min(starts[index + 1][0] if index + 1 < len(starts) else timeline.width, timeline.width) - _GAP
        x = max(0.0, left) + _INDENT
        if left >= timeline.width or end < _INDENT:
            continue
        if left >= 0.0 and timeline.bars and timeline.has_beats:
            number = str(section.start_bar + 1)
            label = Label(x, width_of(number), number, "bar")
            if label.end > end:
                continue
            placed.append(label)
            x = label.end + _GAP
        name = elided(section.name, end - x) if end - x >= _LEAST_NAME else ""
        if name.strip("…"):
            placed.append(Label(x, width_of(name), name, "section"))
    return placed
