"""The one time axis of a track: what is visible, zoom, snapping, and which pixel a frame is at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from nur_studio.core.timing import Grid, Section

MIN_VISIBLE_S = 0.25
MIN_LOOP_S = 0.02
SNAPPINGS = ("grid", "bar", "beat", "off")
"""What a click or a drag falls on: the nearest line in sight, bar or beat; or wherever it is."""
_LABEL_PX = 56.0  # labels of the ruler keep at least this distance
_BEAT_PX = 12.0  # beat lines closer than this are noise
_BARE_END_S = 0.04  # by which a take cut by the clock may lack the end of its last bar
_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid at `frame`; `weight` 2 is a labelled one, 1 a bar (or second), 0 a beat."""

    frame: float
    weight: int
    label: str = ""


class Timeline(QObject):
    """Shared by ruler and lanes. Frames are the track's; x is in logical px from the left of a waveform.

    Signals: `range_changed` when other frames are visible or other pixels show them, `loop_changed` when the
    marked region is another one or switched, `ruler_changed` when bars became seconds or back, `snapping_changed`.
    """

    range_changed = Signal()
    loop_changed = Signal()
    ruler_changed = Signal()
    snapping_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.frames = 0
        self.sample_rate = 44100
        self.grid = Grid(120.0)
        self.sections: tuple[Section, ...] = ()
        self.width = 1.0
        self.dpr = 1.0
        self.start = 0.0  # first visible frame
        self.visible = 1.0  # visible frames
        self.bars = True
        self.snapping = "grid"  # one of SNAPPINGS
        self._snapping_before = "grid"  # what it was before it was switched off
        self.has_beats = True  # where not, seconds are counted whatever `bars` says, and nothing snaps
        self.loop: tuple[int, int] | None = None
        self.loop_on = False
        self._ticks_key: object = None
        self._ticks: list[Tick] = []

    def set_track(self, frames: int, sample_rate: int, grid: Grid) -> None:
        """Another track: all of it visible, nothing marked."""
        self.frames, self.sample_rate, self.grid = max(0, frames), sample_rate, grid
        self.loop, self.loop_on = None, False
        self.start, self.visible = 0.0, float(max(1, frames))
        self.range_changed.emit()
        self.loop_changed.emit()

    def set_width(self, width: float, dpr: float) -> None:
        """The waveforms' width in logical px, and device px per logical one."""
        if (width, dpr) != (self.width, self.dpr):
            self.width, self.dpr = max(1.0, width), dpr
            self.range_changed.emit()

    def set_bars(self, bars: bool) -> None:
        if bars != self.bars:
            self.bars = bars
            self.ruler_changed.emit()

    def set_snapping(self, snapping: str) -> None:
        if snapping in SNAPPINGS and snapping != self.snapping:
            self.snapping = snapping
            self._snapping_before = self._snapping_before if snapping == "off" else snapping
            self.snapping_changed.emit()

    def toggle_snapping(self) -> None:
        """Off, and back to what it was."""
        self.set_snapping(self._snapping_before if self.snapping == "off" else "off")

    # Where things are

    @property
    def frames_per_px(self) -> float:
        return self.visible / self.width

    @property
    def end(self) -> float:
        """The frame after the last visible one."""
        return self.start + self.visible

    def x_of(self, frame: float) -> float:
        return (frame - self.start) / self.frames_per_px

    def device_x(self, frame: float) -> float:
        """`x_of`, on the left edge of a device pixel: lines and waveforms of all lanes meet exactly."""
        return math.floor(self.x_of(frame) * self.dpr + 1e-6) / self.dpr

    def frame_at(self, x: float) -> int:
        """The frame at `x`, inside the track."""
        return round(min(max(self.start + x * self.frames_per_px, 0.0), float(self.frames)))

    def fitted(self) -> bool:
        return self.visible >= self.frames

    # Zoom and pan

    def fit(self) -> None:
        self._show(0.0, float(max(1, self.frames)))

    def zoom(self, factor: float, x: float | None = None) -> None:
        """Show `factor` times less time; the frame at `x` (default: the middle) stays where it is."""
        x = self.width / 2 if x is None else x
        anchor = self.start + x * self.frames_per_px
        visible = min(max(self.visible / factor, MIN_VISIBLE_S * self.sample_rate), float(max(1, self.frames)))
        self._show(anchor - x * visible / self.width, visible)

    def pan(self, pixels: float) -> None:
        """Move the view to the right by `pixels`."""
        self._show(self.start + pixels * self.frames_per_px, self.visible)

    def reveal(self, frame: float) -> None:
        """Turn the page if `frame` is out of sight."""
        if not self.start <= frame < self.end:
            self._show(frame - self.visible * 0.04, self.visible)

    def _show(self, start: float, visible: float) -> None:
        visible = min(visible, float(max(1, self.frames)))
        start = min(max(start, 0.0), max(0.0, self.frames - visible))
        if (start, visible) != (self.start, self.visible):
            self.start, self.visible = start, visible
            self.range_changed.emit()

    # Bars and beats

    def snap(self, frame: float) -> int:
        """The nearest line of those that `snapping` names, or the end of the track where that is nearer."""
        if not self.has_beats or self.snapping == "off":
            return min(max(round(frame), 0), self.frames)
        if self.snapping == "grid" and not self.bars:
            every, parts = self._seconds()
            step = every / parts * self.sample_rate
            return min(max(round(round(frame / step) * step), 0), self.frames)
        beats = {"bar": float(self.grid.beats_per_bar), "beat": 1.0}.get(self.snapping) or self._line_beats()
        beat = round(self.grid.beat_at(frame / self.sample_rate) / beats) * beats
        snapped = min(max(self.grid.frame_of(beat, self.sample_rate), 0), self.frames)
        return self.frames if abs(self.frames - frame) < abs(snapped - frame) else snapped

    def bars_of(self, span: tuple[int, int]) -> tuple[int, int] | None:
        """The first bar (0-based) of a span and how many it has, where it begins and ends on bar lines; else None."""
        if not self.has_beats:
            return None
        per_bar, rate = self.grid.beats_per_bar, self.sample_rate
        first, last = (round(self.grid.beat_at(frame / rate) / per_bar) for frame in span)
        start, end = (self.grid.frame_of(bar * per_bar, rate) for bar in (first, last))
        cut = span[1] == self.frames and 0 <= end - self.frames <= _BARE_END_S * rate
        return (first, last - first) if 0 <= first < last and span[0] == start and (span[1] == end or cut) else None

    def step(self, frame: float, beats: int) -> int:
        """`beats` beats on (back: negative) from `frame`, landing on the grid."""
        beat = self.grid.beat_at(frame / self.sample_rate)
        # A frame that stands a hair before its beat counts as on it, or stepping would stick there.
        target = math.floor(beat + 1e-3) + beats if beats > 0 else math.ceil(beat - 1e-3) + beats
        return min(max(self.grid.frame_of(target, self.sample_rate), 0), self.frames)

    def step_bar(self, frame: float, bars: int) -> int:
        """Like `step`, by bars."""
        per_bar = self.grid.beats_per_bar
        bar = self.grid.beat_at(frame / self.sample_rate) / per_bar
        target = math.floor(bar + 1e-3) + bars if bars > 0 else math.ceil(bar - 1e-3) + bars
        return min(max(self.grid.frame_of(target * per_bar, self.sample_rate), 0), self.frames)

    def set_sections(self, sections: Sequence[Section]) -> None:
        """The named parts of the track."""
        if tuple(sections) != self.sections:
            self.sections = tuple(sections)
            self.range_changed.emit()

    def section_starts(self) -> list[tuple[int, Section]]:
        """(frame, section) of each section that begins in the track."""
        per_bar = self.grid.beats_per_bar
        starts = [(self.grid.frame_of(part.start_bar * per_bar, self.sample_rate), part) for part in self.sections]
        return [(frame, part) for frame, part in starts if 0 <= frame < self.frames]

    def ticks(self) -> list[Tick]:
        """The visible lines of the grid, the labelled ones as far apart as their words need."""
        # Six widgets ask for the same ones at every step of a zoom.
        key = (
            self.start,
            self.visible,
            self.width,
            self.frames,
            self.sample_rate,
            self.grid,
            self.bars,
            self.has_beats,
        )
        if key != self._ticks_key:
            self._ticks_key = key
            self._ticks = self._bar_ticks() if self.bars and self.has_beats else self._second_ticks()
        return self._ticks

    def _bar_ticks(self) -> list[Tick]:
        rate, per_bar = self.sample_rate, self.grid.beats_per_bar
        bar_px = self.grid.bar_s * rate / self.frames_per_px
        beat_px = bar_px / per_bar
        every = 1
        while bar_px * every < _LABEL_PX:
            every *= 2
        step, parts = self._lines()
        first = math.floor(self.grid.beat_at(self.start / rate) / per_bar / step) * step
        last = math.ceil(self.grid.beat_at(self.end / rate) / per_bar)
        found = []
        for bar in range(max(0, first), last + 1, step):
            for part in range(parts):
                frame = self.grid.frame_of(bar * per_bar + part * per_bar / parts, rate)
                if not -1 <= frame - self.start <= self.visible + 1 or frame > self.frames:
                    continue
                beat, fraction = divmod(part * per_bar, parts)
                if part == 0:
                    found.append(Tick(frame, 2 if bar % every == 0 else 1, str(bar + 1) if bar % every == 0 else ""))
                else:
                    named = fraction == 0 and beat_px >= _LABEL_PX
                    found.append(Tick(frame, 0, f"{bar + 1}.{beat + 1}" if named else ""))
        return found

    def _lines(self) -> tuple[int, int]:
        """Bars from line to line, and how many parts a bar is drawn in: lines thin out where they come too close."""
        per_bar = self.grid.beats_per_bar
        bar_px = self.grid.bar_s * self.sample_rate / self.frames_per_px
        step = 1
        while bar_px * step < _BEAT_PX:
            step *= 2
        if bar_px >= 4 * _LABEL_PX * per_bar:
            return step, per_bar * 4
        return step, per_bar if bar_px >= _BEAT_PX * per_bar else 1

    def _line_beats(self) -> float:
        """Beats from line to line."""
        step, parts = self._lines()
        return step * self.grid.beats_per_bar / parts

    def _second_ticks(self) -> list[Tick]:
        rate = self.sample_rate
        every, parts = self._seconds()
        found = []
        index = max(0, math.floor(self.start / rate / every * parts))
        while (frame := index * every / parts * rate) <= min(self.end + 1, self.frames):
            if frame >= self.start - 1:
                labelled = index % parts == 0
                found.append(Tick(frame, 2 if labelled else 0, _clock(index * every / parts) if labelled else ""))
            index += 1
        return found

    def _seconds(self) -> tuple[float, int]:
        """Seconds from label to label, and how many parts they are drawn in."""
        second_px = self.sample_rate / self.frames_per_px
        every = next((s for s in _SECONDS if s * second_px >= _LABEL_PX), _SECONDS[-1])
        return every, 5 if every * second_px >= 5 * _BEAT_PX else 1

    # The loop region

    def set_loop(self, loop: tuple[int, int] | None, *, on: bool | None = None) -> None:
        """Mark a region (None: none) and switch looping; `on` None leaves the switch as it is."""
        if loop is not None:
            loop = (max(0, min(loop)), min(self.frames, max(loop)))
            loop = loop if loop[1] - loop[0] >= MIN_LOOP_S * self.sample_rate else None
        on = self.loop_on if on is None else on
        if (loop, on) != (self.loop, self.loop_on):
            self.loop, self.loop_on = loop, on
            self.loop_changed.emit()

    @property
    def effective_loop(self) -> tuple[int, int] | None:
        """What is to be repeated now: the region, all of the track where none is marked, None when off."""
        if not self.loop_on or self.frames == 0:
            return None
        return self.loop or (0, self.frames)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 100), 6000)
    whole, hundredths = divmod(rest, 100)
    tail = f".{hundredths:02d}".rstrip("0") if hundredths else ""
    return f"{minutes}:{whole:02d}{tail}"
