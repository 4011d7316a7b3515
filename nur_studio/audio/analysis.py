"""What can be heard in a recording: tempo, beats, bars and key, each only where it is there."""

from __future__ import annotations

from dataclasses import dataclass

from nur_studio.audio.beats import find_pulse
from nur_studio.audio.chroma import find_chroma
from nur_studio.audio.downbeats import find_bars
from nur_studio.audio.key import find_key
from nur_studio.audio.listening import listened
from nur_studio.audio.onsets import find_onsets
from nur_studio.audio.tempo import find_tempo
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Grid


@dataclass(frozen=True, slots=True)
class Analysis:
    """`tempo` in BPM, None where nothing beats: then there are no beats either, and nothing is steady.

    `beats` are seconds, `downbeat_s` the first beat that begins a bar (`downbeat_sure`: whether that stood out).
    A tempo that is not `steady` is the mean; `drift` says by how much the end is faster than the beginning (0.05: five
    per cent), `wander_s` how far the music strays from a steady grid at most. `key` is "A minor", "F# major" …, None
    where none stands out. Both confidences go from 0 to 1.
    """

    tempo: float | None
    confidence: float
    beats: tuple[float, ...] = ()
    beats_per_bar: int = 4
    downbeat_s: float | None = None
    downbeat_sure: bool = False
    steady: bool = False
    drift: float = 0.0
    wander_s: float = 0.0
    key: str | None = None
    key_confidence: float = 0.0

    @property
    def downbeats(self) -> tuple[float, ...]:
        """Where each bar begins, in seconds."""
        if self.downbeat_s is None:
            return ()
        return self.beats[self.beats.index(self.downbeat_s) :: self.beats_per_bar]

    @property
    def grid(self) -> Grid | None:
        """The grid that a steady beat lies on, bar 1 at the first downbeat; None where there is none."""
        if self.tempo is None or self.downbeat_s is None or not self.steady:
            return None
        return Grid(self.tempo, self.beats_per_bar, self.downbeat_s)


def analyse(
    audio: Audio,
    sample_rate: int,
    *,
    near: float | None = None,
    tempo_range: tuple[float, float] | None = None,
    beats_per_bar: int = 4,
) -> Analysis:
    """Listen to `audio`, (frames, channels) of any length and rate.

    `near` is the tempo that was asked for, `tempo_range` what the genre makes one expect: see `tempo.measure_tempo`.
    A steady tempo is exact to some thousandths of a per cent where beats are sharp. Memory beside the input is about
    0.3 MB a second of sound, whatever its rate. Raises `ValueError` for values that are not numbers.
    """
    mono = listened(audio, sample_rate)
    onsets = find_onsets(mono)
    chroma = find_chroma(mono)
    key = find_key(chroma)
    named = (key.name, key.confidence) if key else (None, 0.0)
    reading = find_tempo(onsets, near, tempo_range)
    if reading is None:
        return Analysis(None, 0.0, beats_per_bar=beats_per_bar, key=named[0], key_confidence=named[1])
    duration_s = len(audio) / sample_rate
    pulse = find_pulse(onsets, reading.tempo, duration_s)
    bars = find_bars(onsets, chroma, pulse.times, beats_per_bar, duration_s)
    beats = tuple(float(time) for time in bars.beats)
    return Analysis(
        tempo=pulse.tempo,
        confidence=reading.confidence,
        beats=beats,
        beats_per_bar=beats_per_bar,
        downbeat_s=beats[bars.first],
        downbeat_sure=bars.sure,
        steady=pulse.steady,
        drift=pulse.drift,
        wander_s=pulse.wander_s,
        key=named[0],
        key_confidence=named[1],
    )
