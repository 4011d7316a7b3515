"""The protocol behind which every music engine stands, and the values that cross into its process and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nur_studio.core.progress import Cancel, OnProgress
from nur_studio.core.prompt import PromptReading
from nur_studio.core.sound import Audio
from nur_studio.core.timing import Section


@dataclass(frozen=True, slots=True)
class MusicTask:
    """One take to make, all choices already taken: nothing in it is None or random."""

    prompt: str
    duration_s: float
    tempo: int
    seed: int
    reading: PromptReading


@dataclass(frozen=True, slots=True)
class Music:
    """What an engine made: stems whose sum is the mix, all of shape (frames, 2) and one `sample_rate`.

    An engine that makes no stems leaves `stems` empty. Beat 0 of bar 1 is at `beat_offset_s`.
    """

    mix: Audio
    stems: Mapping[str, Audio]
    sample_rate: int
    tempo: int
    beats_per_bar: int
    key: str
    sections: tuple[Section, ...] = ()
    beat_offset_s: float = 0.0
    details: Mapping[str, object] = field(default_factory=dict)  # for the recipe: plan, model hash …


OnAudio = Callable[[Audio, int], None]
"""Called with the next chunk of the mix, (frames, 2), and its sample rate, in order, as soon as it is final."""


class MusicGenerator(Protocol):
    """Makes music from a task. Lives in the engine process; `cancel.check()` at every step under a second."""

    def generate(self, task: MusicTask, on_progress: OnProgress, on_audio: OnAudio, cancel: Cancel) -> Music:
        """Make one take of exactly `round(task.duration_s * sample_rate)` frames.

        Raises `Cancelled`, or `EngineUnavailable` / `GenerationFailed` with a sentence for people.
        """
        ...


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """An engine as people see it. `factory` is "module:callable", imported in the engine process only.

    `why_not` is "" where it can run here, else one sentence that says what is missing.
    """

    name: str
    title: str
    summary: str
    licence: str
    factory: str
    why_not: str = ""
    stems: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
