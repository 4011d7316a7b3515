"""Tempo and bars: where a beat falls, to the sample."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """A named part of a track. `start_bar` counts from 0; `bars` may be fractional at the end."""

    name: str
    start_bar: int
    bars: float


@dataclass(frozen=True, slots=True)
class Grid:
    """A steady beat grid: `tempo` in BPM (quarter-note beats), beat 0 of bar 1 at `offset_s`."""

    tempo: float
    beats_per_bar: int = 4
    offset_s: float = 0.0

    @property
    def beat_s(self) -> float:
        """Seconds from beat to beat."""
        return 60.0 / self.tempo

    @property
    def bar_s(self) -> float:
        """Seconds from downbeat to downbeat."""
        return self.beat_s * self.beats_per_bar

    def frame_of(self, beat: float, sample_rate: int) -> int:
        """The sample frame nearest to `beat` (0-based, fractional): no rounding error ever adds up."""
        return round((self.offset_s + beat * self.beat_s) * sample_rate)

    def bar_frames(self, bars: float, sample_rate: int) -> int:
        """How many sample frames `bars` bars last: what a loop of them must have, to the frame."""
        return round(bars * self.beats_per_bar * 60.0 / self.tempo * sample_rate)

    def beat_at(self, time_s: float) -> float:
        """The fractional beat, 0-based, sounding at `time_s`."""
        return (time_s - self.offset_s) / self.beat_s

    def position(self, time_s: float) -> str:
        """`bar.beat.sixteenth` as DAWs show it, 1-based: `5.2.1`. Before bar 1 counts as 1.1.1."""
        sixteenths = max(0, int(self.beat_at(time_s) * 4 + 1e-6))
        beats, sixteenth = divmod(sixteenths, 4)
        bar, beat = divmod(beats, self.beats_per_bar)
        return f"{bar + 1}.{beat + 1}.{sixteenth + 1}"


def format_time(time_s: float) -> str:
    """`0:12.34`: minutes, seconds and hundredths, cut, never rounded up."""
    hundredths = int(max(0.0, time_s) * 100 + 1e-6)
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes}:{rest // 100:02d}.{rest % 100:02d}"
